"""What must follow, whatever led to it: a halt ends what works, an entry gets exits, a replaced order its successor.

`run` looks at what is, not at what just happened: it is called after every step and on recovery, finds what is
lacking, does it in steps of their own, and does nothing when nothing is lacking.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from msgspec.structs import replace

from fks_actors.desk import exits
from fks_actors.desk.closing import Closings
from fks_actors.desk.exits import Bracket
from fks_actors.desk.state import Change
from fks_actors.desk.steps import Steps
from fks_actors.execution.ids import client_order_id
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, Approved, Denied, Order, OrderIntent, OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import AuditRecord, Proposal, Signal
from fks_actors.risk.messages import RiskRuling

Remember = Callable[[Sequence[RiskRuling]], None]
"""Changes the desk's memory by what was ruled, before that is written."""

_Rivals = frozenset[tuple[str, Decimal]]
"""Other sales of a symbol at a venue: client order ids, and what they have traded."""

_LIMITED = frozenset({OrderType.LIMIT, OrderType.ICEBERG})


class FollowUp:
    """The desk's unfinished business, kept in its memory."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._closings = Closings(steps, self._propose)
        self._waits: dict[str, _Rivals] = {}
        """Brackets whose exits wait, by signal id, for these sales to end."""

    def begin(self, signal: Signal, rulings: Sequence[RiskRuling]) -> None:
        """Remember the exits that an approved entry asks for."""
        for ruling in rulings:
            if isinstance(ruling, Approved):
                intent = ruling.intent
                bracket = exits.bracket_of(signal, intent.venue, intent.client_order_id)
                if bracket is not None:
                    self._steps.memory.brackets[signal.signal_id] = bracket

    def decided(self, proposed: Sequence[Proposal], rulings: Sequence[RiskRuling]) -> tuple[RiskRuling, ...]:
        """Remember the exits that verdicts' BUYs ask for, and the SELLs that exits stand in the way of; the rulings as
        the record tells of them."""
        told: list[RiskRuling] = []
        for proposal, ruling in zip(proposed, rulings, strict=True):
            bracket = exits.decision_bracket(proposal, ruling.intent) if isinstance(ruling, Approved) else None
            if bracket is not None:
                self._steps.memory.brackets[bracket.signal_id] = bracket
            told.append(self._closings.begin(proposal, ruling))
        return tuple(told)

    def release(self, orders: Sequence[Order]) -> None:
        """An operator ends these orders: exits among them are not made anew."""
        for order in orders:
            if order.intent.origin is Origin.EXIT:
                self._steps.memory.brackets.pop(order.intent.origin_id, None)

    def change(self, order: Order, change: Change) -> tuple[Order, ...]:
        """An operator changes an order; the new one follows when this one's end is known. Of an exit, the bracket.

        Returns the orders that are to be ended: both legs of a pair, for the new one is a pair again.
        """
        memory, intent = self._steps.memory, order.intent
        bracket = memory.brackets.get(intent.origin_id) if intent.origin is Origin.EXIT else None
        if bracket is None:
            memory.changes[intent.client_order_id] = change
        elif change.price is not None:
            aims = intent.order_type is OrderType.TAKE_PROFIT
            moved = replace(bracket, take_profit=change.price) if aims else replace(bracket, stop_loss=change.price)
            memory.brackets[bracket.signal_id] = moved
        other = self._steps.orders.find(intent.oco_id) if bracket is None and intent.oco_id else None
        if other is None:
            return (order,)
        memory.changes.setdefault(intent.oco_id, Change(quantity=change.quantity))
        return order, other

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
        await self._closings.run(ts_ms)
        for key in tuple(steps.memory.brackets):
            if not self._closings.hold_back(steps.memory.brackets[key]):
                await self._protect(key, ts_ms)

    async def _succeed(self, key: str, ts_ms: int) -> None:
        """Propose the successor of an order that was to be replaced, once it has ended; of a pair, both at once."""
        steps, changes = self._steps, self._steps.memory.changes
        old = await steps.ports.journal.order(key) if key in changes and steps.orders.find(key) is None else None
        if old is None:
            return
        keys = (key, old.intent.oco_id) if old.intent.oco_id in changes else (key,)
        if any(steps.orders.find(each) for each in keys):
            return
        asked = {each: changes.pop(each) for each in keys}
        ended = [order for each in keys if (order := await steps.ports.journal.order(each))]
        proposed = _successors(ended, asked, steps.memory.marks, ts_ms)
        if not proposed:
            return

        def remember(rulings: Sequence[RiskRuling]) -> None:
            bracket = steps.memory.brackets.get(old.intent.origin_id)
            if bracket is not None and bracket.entry_id == key and isinstance(rulings[0], Approved):
                steps.memory.brackets[bracket.signal_id] = replace(bracket, entry_id=proposed[0].client_order_id)

        await self._propose(f"replace-{key}", proposed, ts_ms, remember)

    async def _protect(self, key: str, ts_ms: int) -> None:
        memory, find = self._steps.memory, self._steps.orders.find
        while True:
            await self._end_misfits(memory.brackets[key], ts_ms)
            bracket = memory.brackets[key]
            market = memory.marks.get(bracket.symbol, ZERO)
            legs = exits.exits(bracket, exits.due(bracket, find), market, ts_ms, self._rules(bracket))
            if not legs or bracket.failures >= exits.MAX_FAILURES or self._must_wait(bracket):
                break
            await self._send_exits(bracket, legs, ts_ms)
        if legs and bracket.failures >= exits.MAX_FAILURES and not bracket.told:
            memory.brackets[key] = replace(bracket, told=True)
            note = AuditRecord(ts_ms, "unprotected", key, f"{bracket.symbol}: every exit was refused")
            await self._steps.commit(self._steps.named("unprotected", key), (note,), ())
        elif exits.finished(bracket, find(bracket.entry_id), find, self._rules(bracket), market):
            memory.brackets.pop(key)

    async def _end_misfits(self, bracket: Bracket, ts_ms: int) -> None:
        find = self._steps.orders.find
        keys = dict.fromkeys((*exits.unguarded(bracket, find), *exits.overdone(bracket, find)))
        lost = [order for order_id in keys if (order := find(order_id))]
        if lost:
            await self._steps.cancel(self._steps.named("unguarded"), ts_ms, lost)

    async def _send_exits(self, bracket: Bracket, legs: tuple[Proposal, ...], ts_ms: int) -> None:
        memory, step = self._steps.memory, f"exit-{bracket.signal_id}-{bracket.next_leg}"
        moved = replace(bracket, next_leg=bracket.next_leg + len(legs))

        def remember(rulings: Sequence[RiskRuling]) -> None:
            memory.brackets[bracket.signal_id] = self._ruled(moved, legs, rulings)

        await self._propose(step, legs, ts_ms, remember)

    def _ruled(self, bracket: Bracket, legs: tuple[Proposal, ...], rulings: Sequence[RiskRuling]) -> Bracket:
        """The bracket after risk's word on its exits. What of the position is not there waits while somebody else is
        selling, and is gone where nobody is."""
        if any(isinstance(ruling, Denied) for ruling in rulings):
            return replace(bracket, failures=bracket.failures + 1)
        approved = [ruling.intent for ruling in rulings if isinstance(ruling, Approved)]
        if approved:
            ids = tuple(intent.client_order_id for intent in approved)
            bracket = replace(bracket, groups=(*bracket.groups, ids))
        lacks = max((leg.quantity or ZERO for leg in legs), default=ZERO) - max(
            (i.quantity for i in approved), default=ZERO
        )
        rivals = self._rivals(bracket)
        if lacks > ZERO and rivals:
            self._waits[bracket.signal_id] = rivals
        elif lacks > ZERO:
            return replace(bracket, sold=bracket.sold + lacks)
        return bracket

    def _must_wait(self, bracket: Bracket) -> bool:
        """Whether those still sell for whom the exits wait."""
        waits = self._waits.pop(bracket.signal_id, frozenset())
        if not waits or waits != self._rivals(bracket):
            return False
        self._waits[bracket.signal_id] = waits
        return True

    def _rivals(self, bracket: Bracket) -> _Rivals:
        return frozenset(
            (o.intent.client_order_id, o.filled_quantity)
            for o in self._steps.orders.at(bracket.venue)
            if o.intent.side is Side.SELL
            and o.intent.symbol == bracket.symbol
            and not bracket.holds(o.intent.client_order_id)
        )

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


def _successors(
    ended: Sequence[Order], changes: Mapping[str, Change], marks: Mapping[str, Decimal], ts_ms: int
) -> tuple[Proposal, ...]:
    """The orders that take the place of these (one, or the legs of a pair), for what they left together."""
    if any(order.status not in (OrderStatus.CANCELLED, OrderStatus.FILLED) for order in ended):
        return ()
    filled = sum((order.filled_quantity for order in ended), ZERO)
    wanted = [order.intent.quantity for order in ended]
    wanted += [change.quantity for change in changes.values() if change.quantity is not None]
    quantity = min(wanted) - filled
    if quantity <= ZERO:
        return ()
    successors = [
        _successor(order.intent, changes[order.intent.client_order_id].price, quantity, marks, ts_ms) for order in ended
    ]
    if len(successors) == 2:
        one, other = successors
        return replace(one, oco_id=other.client_order_id), replace(other, oco_id=one.client_order_id)
    return tuple(successors)


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
