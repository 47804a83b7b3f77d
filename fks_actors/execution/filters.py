"""A venue's filters, checked before the venue does: the same answer on paper as live."""

from collections.abc import Iterator
from decimal import Decimal

from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import OrderIntent, OrderType, Refusal


def check(intent: OrderIntent, rules: MarketRules) -> tuple[Refusal, ...]:
    """Every filter that `intent` breaks; empty where it may be entered.

    Codes: quantity_step, min_quantity, price_required, price_tick, min_notional (at limit, stop or market price).
    """
    return (*_quantity(intent, rules), *_price(intent, rules))


def _quantity(intent: OrderIntent, rules: MarketRules) -> Iterator[Refusal]:
    quantity = intent.quantity
    if quantity % rules.step:
        yield Refusal("quantity_step", "quantity is off the venue's step", f"{quantity:f}", f"{rules.step:f}")
    if quantity <= 0 or quantity < rules.min_quantity:
        yield Refusal("min_quantity", "quantity is below the least", f"{quantity:f}", f"{rules.min_quantity:f}")


def _price(intent: OrderIntent, rules: MarketRules) -> Iterator[Refusal]:
    price: Decimal | None = intent.market_price
    if intent.order_type is not OrderType.MARKET:
        price = intent.limit_price if intent.order_type is OrderType.LIMIT else intent.stop_price
        if price is None or price <= 0:
            yield Refusal("price_required", f"a {intent.order_type} order needs a price above zero")
            return
        if price % rules.tick:
            yield Refusal("price_tick", "price is off the venue's tick", f"{price:f}", f"{rules.tick:f}")
    notional = intent.quantity * (price or 0)
    if notional < rules.min_notional:
        yield Refusal("min_notional", "notional is below the least", f"{notional:f}", f"{rules.min_notional:f}")
