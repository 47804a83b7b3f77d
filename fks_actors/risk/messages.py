"""What the desk asks of risk, and what risk answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from fks_actors.model.account import Account
from fks_actors.model.orders import Approved, Denied, VenueEvent
from fks_actors.model.records import ControlRecord, EquityPoint, Proposal, TradingState


@dataclass(frozen=True, slots=True)
class Reservation:
    """What an approved, unfinished order still holds back: `base` left to trade, `quote` for a BUY (0 for a SELL)."""

    symbol: str
    quote: Decimal
    base: Decimal


@dataclass(frozen=True, slots=True)
class RiskState:
    """All that a ruling depends on. `approvals_ms` are the approval times of the last minute; `day_ms` the UTC day."""

    account: Account
    reservations: Mapping[str, Reservation] = field(default_factory=dict)
    marks: Mapping[str, Decimal] = field(default_factory=dict)
    trading: TradingState = TradingState.ACTIVE
    trading_by: str = "start"
    trading_reason: str = ""
    peak_equity: Decimal = Decimal(0)
    day_ms: int = 0
    day_start_equity: Decimal = Decimal(0)
    approvals_ms: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RiskRequest:
    """One step: what happened since (`marks`, `events`, an operator's `control`), then what is proposed, in order."""

    ts_ms: int
    marks: Mapping[str, Decimal] = field(default_factory=dict)
    events: tuple[VenueEvent, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    control: ControlRecord | None = None


@dataclass(frozen=True, slots=True)
class Unneeded:
    """A verdict that asks for nothing new: a BUY of what is held, a SELL of nothing."""

    proposal: Proposal
    reason: str


RiskRuling = Approved | Denied | Unneeded


@dataclass(frozen=True, slots=True)
class RiskReply:
    """One ruling a proposal, in order; `changes` are trading-state changes that this step caused."""

    rulings: tuple[RiskRuling, ...]
    equity: EquityPoint
    changes: tuple[ControlRecord, ...] = ()
