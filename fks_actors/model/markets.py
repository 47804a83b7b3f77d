"""What a venue allows for one symbol. Rounding is towards zero, never up: an order may shrink, not grow."""

from decimal import ROUND_DOWN, Decimal

import msgspec


class MarketRules(msgspec.Struct, frozen=True, gc=False):
    """A spot market's filters. Steps are in quote (`tick`) and base (`step`); fees are fractions of the notional."""

    symbol: str
    base: str
    quote: str
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    maker_fee: Decimal
    taker_fee: Decimal

    def floor_price(self, price: Decimal) -> Decimal:
        """`price` on the tick grid, rounded down."""
        return floor_to(price, self.tick)

    def floor_quantity(self, quantity: Decimal) -> Decimal:
        """`quantity` on the step grid, rounded down."""
        return floor_to(quantity, self.step)


class Quote(msgspec.Struct, frozen=True, gc=False):
    """The best prices at a venue, in quote currency a unit of base; `ts_ms` is when they were seen."""

    bid: Decimal
    ask: Decimal
    ts_ms: int


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` not above `value` (value >= 0, step > 0)."""
    floored = (value / step).to_integral_value(rounding=ROUND_DOWN) * step
    return floored if floored <= value else floored - step  # the quotient itself was rounded, up to a whole number
