"""A venue's filters, checked before the venue does: the same answer on paper as live.

Every type is checked for the figures that it needs and no other: a stray one is not looked at. A trailing stop and a
TWAP have no price of their own, so their worth is taken at the market price.
"""

from collections.abc import Iterator
from decimal import Decimal

from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import OrderIntent, OrderType, Refusal

MOST_PARTS = 100
"""The most slices of a TWAP, and parts of an iceberg."""
_LONGEST_MS = 7 * 86_400_000
_LEGS = frozenset(OrderType) - {OrderType.MARKET, OrderType.TWAP}
_LIMITS = (OrderType.LIMIT, OrderType.ICEBERG)
_STOPS = (OrderType.STOP_LOSS, OrderType.TAKE_PROFIT)


def check(intent: OrderIntent, rules: MarketRules) -> tuple[Refusal, ...]:
    """Every filter that `intent` breaks; empty where it may be entered.

    Codes: quantity_step, min_quantity, price_required, price_tick, min_notional (at limit, stop or market price),
    trail_pct, display_quantity, iceberg_parts, twap_schedule, oco_pair.
    """
    if not intent.quantity.is_finite():
        return (Refusal("min_quantity", "quantity is no number", str(intent.quantity)),)
    return (*_quantity(intent, rules), *_price(intent, rules), *_own(intent, rules), *_pair(intent))


def _quantity(intent: OrderIntent, rules: MarketRules) -> Iterator[Refusal]:
    quantity = intent.quantity
    if quantity % rules.step:
        yield Refusal("quantity_step", "quantity is off the venue's step", f"{quantity:f}", f"{rules.step:f}")
    if quantity <= 0 or quantity < rules.min_quantity:
        yield Refusal("min_quantity", "quantity is below the least", f"{quantity:f}", f"{rules.min_quantity:f}")


def _price(intent: OrderIntent, rules: MarketRules) -> Iterator[Refusal]:
    price: Decimal | None = intent.market_price
    if intent.order_type in (*_LIMITS, *_STOPS):
        price = intent.limit_price if intent.order_type in _LIMITS else intent.stop_price
        if price is None or not price.is_finite() or price <= 0:
            yield Refusal("price_required", f"a {intent.order_type} order needs a price above zero")
            return
        if price % rules.tick:
            yield Refusal("price_tick", "price is off the venue's tick", f"{price:f}", f"{rules.tick:f}")
    notional = intent.quantity * (price or 0)
    if notional < rules.min_notional:
        yield Refusal("min_notional", "notional is below the least", f"{notional:f}", f"{rules.min_notional:f}")


def _own(intent: OrderIntent, rules: MarketRules) -> Iterator[Refusal]:
    if intent.order_type is OrderType.TRAILING_STOP:
        yield from _trailing(intent)
    elif intent.order_type is OrderType.ICEBERG:
        yield from _iceberg(intent, rules)
    elif intent.order_type is OrderType.TWAP:
        yield from _twap(intent)


def _trailing(intent: OrderIntent) -> Iterator[Refusal]:
    pct = intent.trail_pct
    if pct is None or not pct.is_finite() or not 0 < pct < 100:
        yield Refusal("trail_pct", "a trailing stop needs a distance between 0 and 100 percent", str(pct), "100")


def _iceberg(intent: OrderIntent, rules: MarketRules) -> Iterator[Refusal]:
    display = intent.display_quantity
    if display is None or not display.is_finite() or display <= 0:
        yield Refusal("display_quantity", "an iceberg needs the quantity that shows")
        return
    if display % rules.step:
        yield Refusal("display_quantity", "what shows is off the venue's step", f"{display:f}", f"{rules.step:f}")
    # Twice the least: then what is left after any slice can always be split into parts that the venue takes.
    if display < 2 * rules.min_quantity or display * (intent.limit_price or 0) < 2 * rules.min_notional:
        least = f"2 x {rules.min_quantity:f} and worth 2 x {rules.min_notional:f}"
        yield Refusal("display_quantity", "what shows is below twice the least order", f"{display:f}", least)
    if intent.quantity > display * MOST_PARTS:
        parts = -(-intent.quantity // display)
        yield Refusal("iceberg_parts", "the iceberg has more parts than allowed", f"{parts:f}", str(MOST_PARTS))


def _twap(intent: OrderIntent) -> Iterator[Refusal]:
    if not 1 <= intent.slices <= MOST_PARTS:
        yield Refusal("twap_schedule", "the number of slices is out of range", str(intent.slices), str(MOST_PARTS))
    elif not intent.slices <= intent.duration_ms <= _LONGEST_MS:
        yield Refusal("twap_schedule", "the duration is out of range", f"{intent.duration_ms} ms", f"{_LONGEST_MS} ms")


def _pair(intent: OrderIntent) -> Iterator[Refusal]:
    if intent.oco_id and (intent.order_type not in _LEGS or intent.oco_id == intent.client_order_id):
        yield Refusal("oco_pair", f"a {intent.order_type} order cannot be a leg of this pair", intent.oco_id)
