"""A verdict to SELL what protective exits hold: they are ended, and once the venue has said so it is sold.

Exits are there so that a holding is not without its stop, not so that it cannot be sold: without them the council's
SELL takes all that is free, whoever bought it; with them it does too, be they a signal's or a decision's. Sales that a
user asked for himself (alerts, their pairs, orders entered by hand) are no exits: they stand and hold what they hold.

While a sale waits no new exits are made for its holding. A halt calls it off, as it denies every order, and so does a
verdict to BUY; a further verdict to SELL changes nothing. It is proposed once: when risk denies it, the exits are made
anew, and so they are for what it did not sell (`exits.handed_over`).
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal

from msgspec.structs import replace

from fks_actors.desk.exits import Bracket
from fks_actors.desk.state import Closing
from fks_actors.desk.steps import Steps
from fks_actors.execution.ids import client_order_id
from fks_actors.model.orders import ZERO, Approved, Order, OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import Proposal
from fks_actors.risk.messages import SELL_PENDING, RiskRuling, Unneeded

EXITS_FIRST = "exits_first"
"""Why a verdict's SELL had no order at once: the exits that hold the position are ended before."""

_LEG = 2  # an operator's replacement of the first proposal's order is leg 1

Propose = Callable[[str, tuple[Proposal, ...], int], Awaitable[None]]
"""Has risk rule on proposals in a step of that name and time (ms), and sends what it approves."""


class Closings:
    """The sales that wait, kept in the desk's memory by the client order id of what was proposed first.

    Args:
        steps: where orders are ended.
        propose: how a sale is asked for.
    """

    def __init__(self, steps: Steps, propose: Propose) -> None:
        self._steps = steps
        self._propose = propose

    def begin(self, proposal: Proposal, ruling: RiskRuling) -> RiskRuling:
        """Take note of a verdict's proposal and risk's word on it; the ruling as the record tells of it."""
        closings = self._steps.memory.closings
        if proposal.side is Side.BUY:
            for key in [k for k, closing in closings.items() if closing.symbol == proposal.symbol]:
                closings.pop(key)
            return ruling
        new = Closing(proposal.origin_id, proposal.venue, proposal.symbol)
        held = isinstance(ruling, Approved) or (isinstance(ruling, Unneeded) and ruling.reason == SELL_PENDING)
        if not held or not self._exits(new):
            return ruling
        if not any((c.venue, c.symbol) == (new.venue, new.symbol) for c in closings.values()):
            closings[proposal.client_order_id] = new
        return replace(ruling, reason=EXITS_FIRST) if isinstance(ruling, Unneeded) else ruling

    def hold_back(self, bracket: Bracket) -> bool:
        """Whether no exits are to be made for the bracket, because a sale waits for the end of those there are."""
        closings = self._steps.memory.closings.values()
        return any((c.venue, c.symbol) == (bracket.venue, bracket.symbol) for c in closings)

    async def run(self, ts_ms: int) -> None:
        """End exits that stand in the way, and propose the sales in whose way none stands any more."""
        steps = self._steps
        for key in tuple(steps.memory.closings):
            closing = steps.memory.closings.get(key)
            if closing is None:
                continue
            left = [o for o in self._exits(closing) if o.status is not OrderStatus.CANCEL_PENDING]
            if left:
                await steps.cancel(steps.named("close", key), ts_ms, left)
            if key in steps.memory.closings and not self._exits(closing):
                await self._sell(key, closing, ts_ms)

    def _exits(self, closing: Closing) -> list[Order]:
        orders = self._steps.orders.at(closing.venue)
        return [o for o in orders if o.intent.origin is Origin.EXIT and o.intent.symbol == closing.symbol]

    async def _sell(self, key: str, closing: Closing, ts_ms: int) -> None:
        sale = Proposal(
            client_order_id=client_order_id(key, _LEG),
            origin=Origin.CYCLE,
            origin_id=closing.decision_id,
            venue=closing.venue,
            symbol=closing.symbol,
            side=Side.SELL,
            order_type=OrderType.MARKET,
            ts_ms=ts_ms,
            market_price=self._steps.memory.marks.get(closing.symbol, ZERO),
            strength=Decimal(1),
        )
        self._steps.memory.closings.pop(key)
        await self._propose(f"close-{key}", (sale,), ts_ms)
