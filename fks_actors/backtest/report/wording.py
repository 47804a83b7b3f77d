"""Figures as the page writes them: a dash where nothing is defined, a true minus, UTC."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import isfinite

FILTERS = (
    *("money", "profit", "price", "quantity", "gain", "percent", "number", "times", "count"),
    *("span", "day", "clock", "minute", "sign", "mind", "spoken"),
)
"""What the template may call."""

NOTHING = "–"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))
_HUGE = 1e9


def money(amount: str | None) -> str:
    """A quote amount to the cent."""
    return NOTHING if amount is None else _minus(f"{_cents(Decimal(amount)):,}")


def profit(amount: str | None) -> str:
    """A quote amount to the cent, with its sign."""
    return NOTHING if amount is None else _minus(f"{_cents(Decimal(amount)):+,}" if Decimal(amount) else "0.00")


def price(amount: str) -> str:
    """A price: two places, or five digits where it is small."""
    value = Decimal(amount)
    places = 2 if not value or value.adjusted() >= 2 else min(4 - value.adjusted(), 12)
    return _minus(f"{value:,.{places}f}")


def quantity(amount: str) -> str:
    """A quantity in base, in full."""
    return f"{Decimal(amount):,f}"


def gain(share: float | None) -> str:
    """A fraction in percent, with its sign."""
    return _percent(share, "+")


def percent(share: float | None) -> str:
    """A fraction in percent."""
    return _percent(share, "")


def number(value: float | None) -> str:
    """A plain figure."""
    if value is None or not isfinite(value):
        return NOTHING
    return _minus(f"{value:,.2f}" if abs(value) < _HUGE else f"{value:.2e}")


def times(value: float | None) -> str:
    """A multiple."""
    return NOTHING if value is None else f"{number(value)} ×"


def count(value: float) -> str:
    """A whole number; fractions of one to one place."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def span(length_ms: float | None) -> str:
    """A length of time in its two largest units."""
    if length_ms is None:
        return NOTHING
    left, parts = round(length_ms), list[str]()
    for unit, name in _UNITS:
        whole, left = divmod(left, unit)
        if whole or parts:
            parts.append(f"{whole:,} {name}" if whole else "")
        if len(parts) == (1 if parts and unit == _UNITS[0][0] and whole >= 100 else 2):
            break
    return " ".join(part for part in parts if part) or "0 s"


def day(ts_ms: int) -> str:
    """The date of an instant."""
    return f"{_at(ts_ms):%Y-%m-%d}"


def minute(ts_ms: int) -> str:
    """An instant to the minute."""
    return f"{_at(ts_ms):%Y-%m-%d %H:%M}"


def clock(ts_ms: int) -> str:
    """The time of day of an instant."""
    return f"{_at(ts_ms):%H:%M}"


def sign(value: float | str | None) -> str:
    """The class that colours a figure."""
    known = float(value or 0)
    return "up" if known > 0 else "down" if known < 0 else ""


def mind(agent: str) -> str:
    """A mind's name for people."""
    return agent.replace("_", " ") if agent else "nobody voted"


def spoken(word: str) -> str:
    """A code for people."""
    return word.replace("_", " ")


def _percent(share: float | None, plus: str) -> str:
    if share is None or not isfinite(share):
        return NOTHING
    shown = f"{share * 100:{plus},.2f}" if abs(share) < _HUGE else f"{share * 100:{plus}.2e}"
    return _minus(f"{'0.00' if float(shown.replace(',', '')) == 0 else shown} %")


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _cents(amount: Decimal) -> Decimal:
    return round(amount, 2)


def _at(ts_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ts_ms)
