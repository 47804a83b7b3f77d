"""What the desk asks of risk, and what risk answers."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from fks_actors.model.account import Account, merged
from fks_actors.model.orders import Approved, Denied, Refusal, VenueEvent
from fks_actors.model.records import ControlRecord, EquityPoint, Proposal, TradingState


class Reservation(msgspec.Struct, frozen=True, gc=False):
    """What an approved, unfinished order still holds back at its venue.

    `quote` is for a BUY (0 for a SELL), `base` for a SELL (0 for a BUY), `left` is what the order may still trade. Two
    SELLs that name each other in `oco_id` hold the larger of their bases together, not the sum. `lacks` is how much
    more base a SELL would hold if the position were there.
    """

    venue: str
    symbol: str
    quote: Decimal
    base: Decimal
    left: Decimal
    oco_id: str = ""
    lacks: Decimal = Decimal(0)


class RiskState(msgspec.Struct, frozen=True, gc=False):
    """All that a ruling depends on: an account a venue, and what holds for all of them together.

    `marks` are by symbol, whatever the venue; `approvals_ms` the approval times of the last minute that count for the
    order rate; `day_ms` the UTC day.
    """

    accounts: Mapping[str, Account]
    reservations: Mapping[str, Reservation] = msgspec.field(default_factory=dict)
    marks: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    trading: TradingState = TradingState.ACTIVE
    trading_by: str = "start"
    trading_reason: str = ""
    peak_equity: Decimal = Decimal(0)
    day_ms: int = 0
    day_start_equity: Decimal = Decimal(0)
    approvals_ms: tuple[int, ...] = ()

    def total(self) -> Account:
        """All venues' accounts as one."""
        return merged(self.accounts.values())

    @property
    def account(self) -> Account:
        """`total()`, for those who read one account."""
        return self.total()

    @classmethod
    def of(cls, cash: Mapping[str, Decimal]) -> "RiskState":
        """What a desk starts with: the cash at each venue, in quote."""
        return cls({venue: Account(amount) for venue, amount in cash.items()})

    def with_venues(self, cash: Mapping[str, Decimal]) -> "RiskState":
        """The state with an account for every venue of `cash` that it lacks.

        What is added is capital, not profit: the peak and the day's start rise by it.
        """
        lacking = {venue: amount for venue, amount in cash.items() if venue not in self.accounts}
        if not lacking:
            return self
        added = sum(lacking.values(), Decimal(0))
        return replace(
            self,
            accounts={**self.accounts, **{venue: Account(amount) for venue, amount in lacking.items()}},
            peak_equity=self.peak_equity + added if self.peak_equity > 0 else self.peak_equity,
            day_start_equity=self.day_start_equity + added if self.day_start_equity > 0 else self.day_start_equity,
        )


class Doubt(msgspec.Struct, frozen=True, gc=False):
    """Why prices are not trusted: it refuses BUYs, with `both_sides` whatever would trade at such a price.

    Of `symbol`, or of all where it is empty.
    """

    refusal: Refusal
    symbol: str = ""
    both_sides: bool = False


class RiskRequest(msgspec.Struct, frozen=True, gc=False):
    """One step: what happened since (`marks`, `events`, an operator's `control`), then what is proposed, in order.

    `external` are the client order ids, among those of the events, of orders that are not the desk's. `doubts` are
    about the data that the proposals were made on.
    """

    ts_ms: int
    marks: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    events: tuple[VenueEvent, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    control: ControlRecord | None = None
    external: frozenset[str] = frozenset()
    doubts: tuple[Doubt, ...] = ()


SELL_PENDING = "sell_pending"
"""Why a SELL of a whole position is unneeded: other working SELLs hold all of it."""


class Unneeded(msgspec.Struct, frozen=True, gc=False):
    """A verdict that asks for nothing new: a BUY of what is held, a SELL of nothing."""

    proposal: Proposal
    reason: str


RiskRuling = Approved | Denied | Unneeded


class RiskReply(msgspec.Struct, frozen=True, gc=False):
    """One ruling a proposal, in order; `changes` are trading-state changes that this step caused."""

    rulings: tuple[RiskRuling, ...]
    equity: EquityPoint
    changes: tuple[ControlRecord, ...] = ()
