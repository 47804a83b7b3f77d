"""Risk and the paper venue as plain objects behind the desk's ports: the same engine and the same book as live."""

from collections.abc import Awaitable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from msgspec.structs import replace

from fks_actors.desk.lineage import Step
from fks_actors.desk.ports import Ruled, VenueReply
from fks_actors.desk.steps import RISK_OWNER
from fks_actors.execution.book import PaperBook
from fks_actors.execution.config import PaperConfig
from fks_actors.model.candles import BarBatch
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import Approved
from fks_actors.model.records import Snapshot
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.engine import rule
from fks_actors.risk.messages import RiskRequest, RiskState

A = TypeVar("A")
B = TypeVar("B")


_NO_SNAPSHOT = Snapshot(RISK_OWNER, b"")


class RunRisk:
    """desk.ports.RiskPort: one account, the limits, and no restart."""

    def __init__(
        self, config: RiskConfig, markets: Mapping[str, Mapping[str, MarketRules]], cash: Mapping[str, Decimal]
    ) -> None:
        self._config = config
        self._markets = markets
        self.state = RiskState.of(cash)

    async def rule(self, step: Step, request: RiskRequest) -> Ruled:
        """Take note of what happened and rule on what is proposed."""
        self.state, reply = rule(self.state, request, self._config, self._markets)
        return Ruled(reply, _NO_SNAPSHOT)

    def pass_over(self, marks: Mapping[str, Decimal], peak: Decimal) -> Decimal:
        """Move on to later marks, between which the account was worth `peak` at most and nothing was to be ruled;
        return what it is worth now."""
        state = self.state
        now = {**state.marks, **marks}
        self.state = replace(state, marks=now, peak_equity=max(state.peak_equity, peak))
        return self.state.total().equity(now)


class RunVenue:
    """desk.ports.VenuePort over a paper book that lives as long as the run."""

    def __init__(self, config: PaperConfig, markets: Mapping[str, MarketRules], cash: Decimal) -> None:
        self._book = PaperBook(config, dict(markets), cash)

    async def advance(self, step: Step, batch: BarBatch) -> VenueReply:
        """Match what rests."""
        return VenueReply(self._book.advance(batch))

    async def submit(self, step: Step, orders: Sequence[Approved], again: bool = False) -> VenueReply:
        """Enter approved orders."""
        return VenueReply(self._book.submit(tuple(orders)))

    async def cancel(self, step: Step, client_order_ids: Sequence[str], ts_ms: int) -> VenueReply:
        """End orders that still work."""
        return VenueReply(self._book.cancel(tuple(client_order_ids), ts_ms))

    def pass_over(self, last: BarBatch) -> None:
        """Take note of `last`, after bars that could meet no order."""
        self._book.advance(last)

    async def collect(self, step: Step) -> VenueReply:
        """Nothing: a paper venue moves with the bars alone."""
        return VenueReply(())


async def in_turn(first: Awaitable[A], second: Awaitable[B]) -> tuple[A, B]:
    """One after the other (desk.ports.Together)."""
    one = await first
    return one, await second
