"""The orders that have not ended, the trades that were booked for them, and how venue events move them."""

from collections.abc import Iterable, Mapping

from fks_actors.errors import InvariantError
from fks_actors.execution.order_state import TERMINAL, apply
from fks_actors.model.orders import ZERO, Approved, Denied, Fill, Order, OrderStatus, OrderUpdate, Origin, VenueEvent
from fks_actors.model.records import AuditRecord
from fks_actors.risk.figures import is_sane

IMPOSSIBLE_TRADE = "impossible_trade"
UNKNOWN_TRADE = "unknown_trade"

Trade = tuple[str, str]
"""(venue, trade id): what makes a trade the same one."""


class WorkingOrders:
    """The desk's open orders by client order id; a projection of the journal."""

    def __init__(self, orders: Iterable[Order] = (), booked: Iterable[Trade] = ()) -> None:
        self._open = {order.intent.client_order_id: order for order in orders}
        self._recovered = frozenset(booked)
        self._booked: dict[str, set[Trade]] = {}
        self._reopened: dict[str, Order] = {}

    def __len__(self) -> int:
        return len(self._open)

    def all(self) -> tuple[Order, ...]:
        """Every open order, oldest first."""
        return tuple(self._open.values())

    def at(self, venue: str) -> tuple[Order, ...]:
        """The open orders of one venue, oldest first."""
        return tuple(order for order in self._open.values() if order.intent.venue == venue)

    def find(self, client_order_id: str) -> Order | None:
        """The order, as long as it has not ended, or was taken back."""
        return self._open.get(client_order_id) or self._reopened.get(client_order_id)

    def is_foreign(self, client_order_id: str) -> bool:
        """Whether this is an order that is not the desk's, open or taken back."""
        order = self.find(client_order_id)
        return order is not None and order.intent.origin is Origin.EXTERNAL

    def sent(self, approved: Approved, ts_ms: int) -> Order:
        """The order as it is written before the venue hears of it: from here on the venue may know it."""
        order = Order(approved.intent, OrderStatus.SUBMITTED, ts_ms, approved.reserved_quote)
        self._open[approved.intent.client_order_id] = order
        return order

    def adopt(self, order: Order) -> bool:
        """Take in an order that is not the desk's; whether it is new."""
        key = order.intent.client_order_id
        if key in self._open:
            return False
        self._open[key] = order
        return True

    def reopen(self, order: Order) -> None:
        """Take back an order that had ended, for a trade that comes late; the next `after` lets go of it again."""
        self._reopened[order.intent.client_order_id] = order

    def unbooked(self, events: Iterable[VenueEvent], known: frozenset[Trade] = frozenset()) -> tuple[VenueEvent, ...]:
        """The events without the trades that were booked before (`known`: of orders that ended), or that come twice."""
        fresh: list[VenueEvent] = []
        seen = set(known)
        for event in events:
            if isinstance(event, Fill):
                trade = (event.venue, event.trade_id)
                booked = self._booked.get(event.client_order_id, ())
                if trade in seen or trade in booked or trade in self._recovered:
                    continue
                seen.add(trade)
            fresh.append(event)
        return tuple(fresh)

    def possible(
        self, events: Iterable[VenueEvent], adopted: Mapping[str, Order]
    ) -> tuple[tuple[VenueEvent, ...], tuple[AuditRecord, ...]]:
        """The events that their orders can take, in turn, and a note of each that none can: a trade of those is money
        that is booked nowhere."""
        now: dict[str, Order] = {}
        good: list[VenueEvent] = []
        notes: list[AuditRecord] = []
        for event in events:
            key = event.client_order_id
            order = now.get(key) or self.find(key) or adopted.get(key)
            try:
                if order is not None:
                    now[key] = _taken(order, event)
                good.append(event)
            except InvariantError as error:
                kind = IMPOSSIBLE_TRADE if isinstance(event, Fill) else "impossible_word"
                notes.append(AuditRecord(event.ts_ms, kind, key, str(error)[:200]))
        return tuple(good), tuple(notes)

    def all_end(self, events: Iterable[VenueEvent]) -> bool:
        """Whether every open order has ended after these events."""
        left = {key: order.intent.quantity - order.filled_quantity for key, order in self._open.items()}
        for event in events:
            if isinstance(event, Fill):
                left[event.client_order_id] = left.get(event.client_order_id, ZERO) - event.quantity
            elif isinstance(event, OrderUpdate) and event.status in TERMINAL:
                left.pop(event.client_order_id, None)
        return not any(left.values())

    def after(self, events: Iterable[VenueEvent]) -> tuple[Order, ...]:
        """Apply venue events, none of which is a booked trade; return the changed orders in their last state.

        A status that repeats what is known changes nothing. Words about orders that ended are passed over.

        Raises:
            InvariantError: a trade of an order that is not open.
        """
        changed: dict[str, Order] = {}
        for event in events:
            key = event.client_order_id
            held = self._open.get(key) or changed.get(key) or self._reopened.get(key)
            if held is None:
                if isinstance(event, Fill):
                    raise InvariantError(f"trade {event.trade_id} belongs to no known order: {key}")
                continue
            moved = apply(held, event)
            if isinstance(event, Fill):
                self._booked.setdefault(key, set()).add((event.venue, event.trade_id))
            if moved.status in TERMINAL:
                self._open.pop(key, None)
                self._booked.pop(key, None)
            else:
                self._open[key] = moved
            if moved != held:
                changed[key] = moved
        self._reopened.clear()
        return tuple(changed.values())


def _taken(order: Order, event: VenueEvent) -> Order:
    if isinstance(event, Fill):
        figures = (event.price, event.quantity, event.fee, event.fee_quantity)
        if event.venue != order.intent.venue or not all(map(is_sane, figures)) or event.price <= 0:
            raise InvariantError(f"trade {event.trade_id} at {event.venue} has figures of none: {figures}")
    return apply(order, event)


def denied_order(denied: Denied, ts_ms: int) -> Order:
    """The record of an order that risk refused."""
    reason = "; ".join(f"{r.code}: {r.message}" for r in denied.reasons)
    return Order(denied.intent, OrderStatus.DENIED, ts_ms, reason=reason)
