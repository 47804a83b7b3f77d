"""The orders that have not ended, and how venue events move them."""

from collections.abc import Iterable

from fks_actors.execution.order_state import TERMINAL, apply
from fks_actors.model.orders import Approved, Denied, Order, OrderStatus, VenueEvent


class WorkingOrders:
    """The desk's open orders by client order id; a projection of the journal."""

    def __init__(self, orders: Iterable[Order] = ()) -> None:
        self._open = {order.intent.client_order_id: order for order in orders}

    def __len__(self) -> int:
        return len(self._open)

    def all(self) -> tuple[Order, ...]:
        """Every open order, oldest first."""
        return tuple(self._open.values())

    def sent(self, approved: Approved, ts_ms: int) -> Order:
        """The order as it is written before the venue hears of it: from here on the venue may know it."""
        order = Order(approved.intent, OrderStatus.SUBMITTED, ts_ms, approved.reserved_quote)
        self._open[approved.intent.client_order_id] = order
        return order

    def after(self, events: Iterable[VenueEvent]) -> tuple[Order, ...]:
        """Apply venue events; return the changed orders in their last state. Events of unknown orders are passed over.

        An event that repeats what is known changes nothing: a venue may tell a thing twice.
        """
        changed: dict[str, Order] = {}
        for event in events:
            key = event.client_order_id
            held = self._open.get(key) or changed.get(key)
            if held is None:
                continue
            moved = apply(held, event)
            if moved == held:
                continue
            changed[key] = moved
            if moved.status in TERMINAL:
                self._open.pop(key, None)
            else:
                self._open[key] = moved
        return tuple(changed.values())


def denied_order(denied: Denied, ts_ms: int) -> Order:
    """The record of an order that risk refused."""
    reason = "; ".join(f"{r.code}: {r.message}" for r in denied.reasons)
    return Order(denied.intent, OrderStatus.DENIED, ts_ms, reason=reason)
