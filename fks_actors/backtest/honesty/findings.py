"""What every finding has: a sentence for people, and whether it speaks against the result."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol


class Finding(Protocol):
    """What one tool found."""

    @property
    def is_warning(self) -> bool:
        """Whether it speaks against believing the result."""
        ...

    @property
    def sentence(self) -> str:
        """One or two sentences for `Study.warnings`."""
        ...


def sentences(found: Iterable[Finding]) -> tuple[str, ...]:
    """The sentences of the findings that are warnings."""
    return tuple(each.sentence for each in found if each.is_warning)


def minute(ts_ms: int) -> str:
    """An instant as text, UTC, to the minute."""
    return datetime.fromtimestamp(ts_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M")


def percent(share: Decimal) -> str:
    """A fraction as text: two decimals, with its sign."""
    return f"{share * 100:+.2f} %"


def portion(share: Decimal) -> str:
    """A part of a whole, 0..1, as text."""
    return f"{share * 100:.1f} %"


def many(count: int, what: str) -> str:
    """`1 bar`, `2 bars`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
