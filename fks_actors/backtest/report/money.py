"""Money as the report tells it: decimal text without exponent, to eight places; what a chart draws, to the cent."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

_PLACES = Decimal("1e-8")
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


def money(amount: Decimal) -> str:
    """The amount, rounded to eight places, without needless zeros."""
    text = format(amount.quantize(_PLACES, context=_WIDE), "f").rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def cents(amount: float) -> str:
    """A chart's amount to two places; more where it is so small that these would hide it."""
    return f"{amount:.2f}" if abs(amount) >= 10 or amount == 0 else f"{amount:.8f}"
