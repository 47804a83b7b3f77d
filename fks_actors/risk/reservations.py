"""What approved, unfinished orders hold back, and how the venue's events let go of it.

Trades and the venue's last word free a reservation; a bare FILLED does not: its trades are still to come.
A part fill frees the same part of the quote, whatever it cost: what is reserved covers what is left to trade.
"""

from collections.abc import Mapping

from fks_actors.model.account import Account
from fks_actors.model.orders import ZERO, Fill, OrderStatus, OrderUpdate, VenueEvent
from fks_actors.risk.messages import Reservation

_RELEASING = frozenset({OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.DENIED})


def settle(
    account: Account, reservations: Mapping[str, Reservation], events: tuple[VenueEvent, ...]
) -> tuple[Account, Mapping[str, Reservation]]:
    """The account and the reservations after `events`, each of which must be new (a trade counts once).

    Raises:
        InvariantError: a fill sells more than is held.
    """
    left = dict(reservations)
    for event in events:
        if isinstance(event, Fill):
            account = account.applied(event)
            _shrink(left, event)
        elif isinstance(event, OrderUpdate) and event.status in _RELEASING:
            left.pop(event.client_order_id, None)
    return account, left


def _shrink(left: dict[str, Reservation], fill: Fill) -> None:
    held = left.get(fill.client_order_id)
    if held is None:
        return  # a late trade of an order whose end was already known
    base = held.base - fill.quantity
    if base <= 0:
        del left[fill.client_order_id]
    else:
        quote = held.quote * base / held.base if held.quote else ZERO
        left[fill.client_order_id] = Reservation(held.symbol, quote, base)
