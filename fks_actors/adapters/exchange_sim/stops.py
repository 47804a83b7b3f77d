"""When an order that waits for a price has seen it.

A STOP_LOSS SELL and a TAKE_PROFIT BUY wait for a fall, the other two for a rise. A trailing stop waits for a fall by
its distance from the highest price since it became active (a rise from the lowest); with a stop price it becomes
active when the market first reaches that.

Source: https://developers.binance.com/docs/binance-spot-api-docs/faqs/trailing-stop-faq
"""

from decimal import Decimal

from fks_actors.adapters.exchange_sim.state import Kind, NewOrder, SimOrder
from fks_actors.model.orders import Side

_BIPS = Decimal(10_000)


def waits_for_fall(request: NewOrder) -> bool:
    """Whether the order waits for a falling price."""
    stop_loss = request.kind in (Kind.STOP_LOSS, Kind.STOP_LOSS_LIMIT)
    return stop_loss == (request.side is Side.SELL)


def reached(request: NewOrder, price: Decimal) -> bool:
    """Whether `price` is at the stop price or beyond it."""
    stop = request.stop_price
    if stop is None or request.trailing_bips:
        return False
    return price <= stop if waits_for_fall(request) else price >= stop


def arm(order: SimOrder, price: Decimal) -> None:
    """Note where the market stands when the order comes."""
    request = order.request
    if not request.trailing_bips:
        return
    stop = request.stop_price
    order.active = stop is None or stop == price
    order.side_of_stop = 0 if stop is None else 1 if price > stop else -1
    order.extreme = price if order.active else None


def follows(order: SimOrder, price: Decimal) -> bool:
    """Let a trailing stop follow the market to `price`; whether that changed it."""
    request, stop = order.request, order.request.stop_price
    if not request.trailing_bips:
        return False
    before = (order.active, order.extreme)
    if not order.active and stop is not None:
        order.active = price <= stop if order.side_of_stop > 0 else price >= stop
    if order.active:
        best = price if order.extreme is None else order.extreme
        order.extreme = max(best, price) if waits_for_fall(request) else min(best, price)
    return before != (order.active, order.extreme)


def touched(order: SimOrder, price: Decimal) -> bool:
    """Whether `price` triggers the order."""
    request = order.request
    if not request.trailing_bips:
        return reached(request, price)
    if order.extreme is None:
        return False
    distance = order.extreme * request.trailing_bips / _BIPS
    return price <= order.extreme - distance if waits_for_fall(request) else price >= order.extreme + distance
