"""The only place that constructs `Approved`; a test parses the source tree for any other."""

from decimal import Decimal

from fks_actors.errors import InvariantError
from fks_actors.model.orders import Approved, Order, OrderIntent, OrderStatus

_REISSUED = frozenset({OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})


def approve(intent: OrderIntent, reserved_quote: Decimal) -> Approved:
    """Permit `intent`. Only the engine calls this, after every limit was silent."""
    return Approved(intent, reserved_quote)


def reissue(order: Order) -> Approved:
    """The approval of an order that the journal already holds, to enter it again under its own client id.

    Raises:
        InvariantError: the order is not SUBMITTED or UNKNOWN, so there is nothing left to enter.
    """
    if order.status not in _REISSUED:
        raise InvariantError(f"order {order.intent.client_order_id} is {order.status}: its approval is spent")
    return Approved(order.intent, order.reserved_quote)
