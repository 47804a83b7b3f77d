"""The order state table: every status meets every cause; what the table leaves out is a bug and raises.

A cause is a venue's word (a status) or a trade (which leaves the order part filled, or completes it). Trades are the
truth about quantities: ACCEPTED, PARTIALLY_FILLED and FILLED as words all say no more than "alive at the venue", and
the status follows what is booked. A terminal order stays terminal. Real venues report a trade after a cancel; it is
booked: CANCELLED and EXPIRED keep their status, or become FILLED where the trade completes the order. Stale words (an
ACCEPTED that a trade overtook, a CANCELLED after FILLED) change nothing. REJECTED and DENIED never trade. From UNKNOWN
every outcome is possible, as from SUBMITTED.

The table is the same for every order type. An order that is kept synthetically, or traded in slices, is one order here:
its venue orders' trades are its trades, and it ends when nothing more of it will be sent. There is no status for a
replacement: the old order is cancelled, and once it ended a new one is entered for what it left.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from msgspec.structs import replace

from fks_actors.errors import InvariantError
from fks_actors.model.orders import ZERO, Charge, Fill, Order, OrderIntent, OrderStatus, VenueEvent


class Trade(StrEnum):
    """What a fill does to its order."""

    PARTIAL = "partial fill"
    FULL = "full fill"


Cause = OrderStatus | Trade

INITIALIZED = OrderStatus.INITIALIZED
DENIED = OrderStatus.DENIED
SUBMITTED = OrderStatus.SUBMITTED
UNKNOWN = OrderStatus.UNKNOWN
ACCEPTED = OrderStatus.ACCEPTED
PARTIALLY_FILLED = OrderStatus.PARTIALLY_FILLED
FILLED = OrderStatus.FILLED
CANCEL_PENDING = OrderStatus.CANCEL_PENDING
CANCELLED = OrderStatus.CANCELLED
REJECTED = OrderStatus.REJECTED
EXPIRED = OrderStatus.EXPIRED

TERMINAL = frozenset({DENIED, FILLED, CANCELLED, REJECTED, EXPIRED})
WORKING = frozenset({SUBMITTED, UNKNOWN, ACCEPTED, PARTIALLY_FILLED, CANCEL_PENDING})
"""Statuses in which the order may trade at the venue."""

_ALIVE: dict[Cause, OrderStatus] = dict.fromkeys((ACCEPTED, PARTIALLY_FILLED, FILLED), ACCEPTED)
_ENDS: dict[Cause, OrderStatus] = {CANCELLED: CANCELLED, EXPIRED: EXPIRED}
_TRADES: dict[Cause, OrderStatus] = {Trade.PARTIAL: PARTIALLY_FILLED, Trade.FULL: FILLED}
_ENTERED = {**_ALIVE, **_ENDS, **_TRADES, CANCEL_PENDING: CANCEL_PENDING}
_STALE = (UNKNOWN, ACCEPTED, PARTIALLY_FILLED, FILLED, CANCEL_PENDING, CANCELLED, EXPIRED)

MOVES: Mapping[OrderStatus, Mapping[Cause, OrderStatus]] = {
    INITIALIZED: {DENIED: DENIED, SUBMITTED: SUBMITTED},
    SUBMITTED: {**_ENTERED, SUBMITTED: SUBMITTED, UNKNOWN: UNKNOWN, REJECTED: REJECTED},
    UNKNOWN: {**_ENTERED, SUBMITTED: SUBMITTED, UNKNOWN: UNKNOWN, REJECTED: REJECTED},
    ACCEPTED: {**_ENTERED, UNKNOWN: ACCEPTED, REJECTED: REJECTED},
    PARTIALLY_FILLED: {**_ENTERED, UNKNOWN: PARTIALLY_FILLED},
    CANCEL_PENDING: {**_ENTERED, UNKNOWN: CANCEL_PENDING, REJECTED: REJECTED, Trade.PARTIAL: CANCEL_PENDING},
    FILLED: dict.fromkeys(_STALE, FILLED),
    CANCELLED: {**dict.fromkeys(_STALE, CANCELLED), Trade.PARTIAL: CANCELLED, Trade.FULL: FILLED},
    EXPIRED: {**dict.fromkeys(_STALE, EXPIRED), Trade.PARTIAL: EXPIRED, Trade.FULL: FILLED},
    REJECTED: dict.fromkeys((REJECTED, UNKNOWN, CANCEL_PENDING, CANCELLED, EXPIRED), REJECTED),
    DENIED: {DENIED: DENIED},
}


def apply(order: Order, event: VenueEvent) -> Order:
    """The order after `event`. A trade that was seen before is the caller's to drop (`trade_id` is unique).

    Raises:
        InvariantError: the event is another order's, fills more than is left, or is illegal in the order's status.
    """
    if isinstance(event, Charge) or event.client_order_id != order.intent.client_order_id:
        raise InvariantError(f"order {order.intent.client_order_id} is given an event of {event.client_order_id}")
    if isinstance(event, Fill):
        return _traded(order, event)
    status = _move(order, event.status)
    if status is ACCEPTED and order.filled_quantity:
        status = PARTIALLY_FILLED
    if status is REJECTED and order.filled_quantity:
        raise InvariantError(f"order {event.client_order_id} is rejected after it traded ({order.status})")
    if status is order.status:
        return order
    return replace(order, status=status, updated_ms=max(order.updated_ms, event.ts_ms), reason=event.reason)


def replacement(
    order: Order,
    client_order_id: str,
    ts_ms: int,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
) -> OrderIntent | None:
    """The intent that takes the place of an ended order, for what that left, at other prices (None keeps the old one);
    None where it left nothing.

    Raises:
        InvariantError: the order may still trade, so both together could trade too much; or the id is the old one's.
    """
    intent = order.intent
    if order.status not in TERMINAL or client_order_id == intent.client_order_id:
        raise InvariantError(f"order {intent.client_order_id} ({order.status}) cannot be replaced by {client_order_id}")
    left = intent.quantity - order.filled_quantity
    if left <= 0:
        return None
    return replace(
        intent,
        client_order_id=client_order_id,
        quantity=left,
        ts_ms=ts_ms,
        limit_price=limit_price or intent.limit_price,
        stop_price=stop_price or intent.stop_price,
    )


def _traded(order: Order, fill: Fill) -> Order:
    intent = order.intent
    if (fill.symbol, fill.side) != (intent.symbol, intent.side) or fill.quantity <= 0:
        raise InvariantError(f"trade {fill.trade_id} does not fit order {intent.client_order_id} ({order.status})")
    filled = order.filled_quantity + fill.quantity
    if filled > intent.quantity:
        raise InvariantError(
            f"trade {fill.trade_id} overfills order {intent.client_order_id} ({order.status}): "
            f"{filled} of {intent.quantity}"
        )
    cause = Trade.FULL if filled == intent.quantity else Trade.PARTIAL
    return replace(
        order,
        status=_move(order, cause),
        updated_ms=max(order.updated_ms, fill.ts_ms),
        filled_quantity=filled,
        average_price=_average(order, fill, filled),
        fee=order.fee + fill.fee,
    )


def _average(order: Order, fill: Fill, filled: Decimal) -> Decimal:
    if order.filled_quantity == ZERO:
        return fill.price
    return (order.average_price * order.filled_quantity + fill.price * fill.quantity) / filled


def _move(order: Order, cause: Cause) -> OrderStatus:
    target = MOVES[order.status].get(cause)
    if target is None:
        raise InvariantError(f"order {order.intent.client_order_id}: {order.status} does not allow {cause}")
    return target
