"""What must follow, whatever led to it: a halt ends what works, an entry gets exits, a replaced order its successor.

`run` looks at what is, not at what just happened: it is called after every step and on recovery, finds what is
lacking, does it in steps of their own, and does nothing when nothing is lacking.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from fks_actors.desk import exits
from fks_actors.desk.exits import Bracket
from fks_actors.desk.state import Change
from fks_actors.desk.steps import Steps
from fks_actors.execution.ids import client_order_id
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, Approved, Order, OrderIntent, OrderStatus, OrderType, Origin
from fks_actors.model.records import AuditRecord, Proposal, Signal
from fks_actors.risk.messages import RiskRuling

Remember = Callable[[Sequence[RiskRuling]], None]
"""Changes the desk's memory by what was ruled, before that is written."""

_LIMITED = frozenset({OrderType.LIMIT, OrderType.ICEBERG})


class FollowUp:
    """The desk's unfinished business, kept in its memory."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def begin(self, signal: Signal, rulings: Sequence[RiskRuling]) -> None:
        """Remember the exits that an approved entry asks for."""
        for ruling in rulings:
            if isinstance(ruling, Approved):
                intent = ruling.intent
                bracket = exits.bracket_of(signal, intent.venue, intent.client_order_id)
                if bracket is not None:
                    self._steps.memory.brackets[signal.signal_id] = bracket

    def release(self, orders: Sequence[Order]) -> None:
        """An operator ends these orders: exits among them are not made anew."""
        for order in orders:
            if order.intent.origin is Origin.EXIT:
                self._steps.memory.brackets.pop(order.intent.origin_id, None)

    def change(self, order: Order, change: Change) -> None:
        """An operator changes an order; the new one follows when this one's end is known. Of an exit, the bracket."""
        memory, intent = self._steps.memory, order.intent
        bracket = memory.brackets.get(intent.origin_id) if intent.origin is Origin.EXIT else None
        if bracket is None:
            memory.changes[intent.client_order_id] = change
        elif change.price is not None:
            aims = intent.order_type is OrderType.TAKE_PROFIT
            moved = replace(bracket, take_profit=change.price) if aims else replace(bracket, stop_loss=change.price)
            memory.brackets[bracket.signal_id] = moved

    def try_again(self) -> None:
        """An operator spoke: exits that were given up are tried anew."""
        brackets = self._steps.memory.brackets
        brackets.update(
            {key: replace(bracket, failures=0, told=False) for key, bracket in brackets.items() if bracket.failures}
        )

    async def run(self, ts_ms: int) -> None:
        """Do what is lacking, until nothing is."""
        steps = self._steps
        if steps.memory.halted:
            working = [o for o in steps.orders.all() if o.status is not OrderStatus.CANCEL_PENDING]
            if working:
                await steps.cancel(steps.named("cancel"), ts_ms, working)
            return
        for key in tuple(steps.memory.changes):
            await self._succeed(key, ts_ms)
        for key in tuple(steps.memory.brackets):
            await self._protect(key, ts_ms)

    async def _succeed(self, key: str, ts_ms: int) -> None:
        """Propose the successor of an order that was to be replaced, once it has ended."""
        steps = self._steps
        if steps.orders.find(key) is not None:
            return
        change = steps.memory.changes.pop(key)
        old = await steps.ports.journal.order(key)
        if old is None or old.status is not OrderStatus.CANCELLED:
            return
        left = old.intent.quantity - old.filled_quantity
        quantity = left if change.quantity is None else min(change.quantity, old.intent.quantity) - old.filled_quantity
        if quantity <= ZERO:
            return
        proposal = _successor(old.intent, change.price, quantity, steps.memory.marks, ts_ms)
        await self._propose(f"replace-{key}", (proposal,), ts_ms)

    async def _protect(self, key: str, ts_ms: int) -> None:
        brackets, find = self._steps.memory.brackets, self._steps.orders.find
        while True:
            await self._end_unguarded(brackets[key], ts_ms)
            bracket = brackets[key]
            market = self._steps.memory.marks.get(bracket.symbol, ZERO)
            legs = exits.exits(bracket, exits.due(bracket, find), market, ts_ms, self._rules(bracket))
            if not legs or bracket.failures >= exits.MAX_FAILURES:
                break
            await self._send_exits(bracket, legs, ts_ms)
        if legs and not bracket.told:
            brackets[key] = replace(bracket, told=True)
            note = AuditRecord(ts_ms, "unprotected", key, f"{bracket.symbol}: every exit was refused")
            await self._steps.commit(self._steps.named("unprotected", key), (note,), ())
        elif exits.finished(bracket, find(bracket.entry_id), find):
            brackets.pop(key)

    async def _end_unguarded(self, bracket: Bracket, ts_ms: int) -> None:
        find = self._steps.orders.find
        lost = [order for order_id in exits.unguarded(bracket, find) if (order := find(order_id))]
        if lost:
            await self._steps.cancel(self._steps.named("unguarded"), ts_ms, lost)

    async def _send_exits(self, bracket: Bracket, legs: tuple[Proposal, ...], ts_ms: int) -> None:
        brackets, step = self._steps.memory.brackets, f"exit-{bracket.signal_id}-{bracket.next_leg}"
        ids = tuple(leg.client_order_id for leg in legs)
        grown = replace(bracket, groups=(*bracket.groups, ids), next_leg=bracket.next_leg + len(ids))
        refused = replace(bracket, failures=bracket.failures + 1, next_leg=grown.next_leg)

        def remember(rulings: Sequence[RiskRuling]) -> None:
            permitted = all(isinstance(ruling, Approved) for ruling in rulings)
            brackets[bracket.signal_id] = grown if permitted else refused

        await self._propose(step, legs, ts_ms, remember)

    async def _propose(
        self, name: str, proposed: tuple[Proposal, ...], ts_ms: int, remember: Remember = lambda _: None
    ) -> None:
        steps = self._steps
        ruled = await steps.rule(name, steps.request(ts_ms, {}, proposals=proposed))
        remember(ruled.reply.rulings)
        approved = await steps.write(name, (), {}, ruled, ts_ms)
        if approved:
            await steps.submit(f"ack-{name}", ts_ms, approved)

    def _rules(self, bracket: Bracket) -> MarketRules | None:
        return self._steps.config.plan(bracket.venue).markets.get(bracket.symbol)


def _successor(
    old: OrderIntent, price: Decimal | None, quantity: Decimal, marks: Mapping[str, Decimal], ts_ms: int
) -> Proposal:
    """The order that takes an old one's place: its id is a function of the old one's."""
    limited = old.order_type in _LIMITED
    stop = None if old.stop_price is None else price or old.stop_price
    return Proposal(
        client_order_id=client_order_id(old.client_order_id, 1),
        origin=old.origin,
        origin_id=old.origin_id,
        venue=old.venue,
        symbol=old.symbol,
        side=old.side,
        order_type=old.order_type,
        ts_ms=ts_ms,
        market_price=marks.get(old.symbol, old.market_price),
        strength=Decimal(1),
        quantity=quantity,
        limit_price=(price or old.limit_price) if limited else None,
        stop_price=stop,
        trail_pct=old.trail_pct,
        display_quantity=min(old.display_quantity, quantity) if old.display_quantity else None,
        duration_ms=old.duration_ms,
        slices=old.slices,
    )
