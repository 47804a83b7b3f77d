"""What is wrong with a recording, as values: each with its weight, how often, and where first."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

WHERE = 5


class Weight(IntEnum):
    """NOTE is to be known, FLAW leaves the file usable, FATAL does not."""

    NOTE = 0
    FLAW = 1
    FATAL = 2


class Kind(StrEnum):
    """What can be wrong."""

    UNREADABLE = "unreadable"
    EMPTY = "empty"
    NOT_FINITE = "not_finite"
    UNIT = "unit"
    PRICE = "price"
    HIGH_LOW = "high_low"
    NEGATIVE_VOLUME = "negative_volume"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out_of_order"
    OFF_GRID = "off_grid"
    GAP = "gap"
    NO_VOLUME = "no_volume"
    SPIKE = "spike"
    TIMEZONE = "timezone"
    TIMEFRAME = "timeframe"
    UNKNOWN_SYMBOL = "unknown_symbol"
    ENDED = "ended"
    SURVIVORS_ONLY = "survivors_only"
    OVERLAP = "overlap"
    MIXED_TIMEFRAMES = "mixed_timeframes"


@dataclass(frozen=True, slots=True)
class Flaw:
    """One kind of fault. `rows` are the first few places, as 1-based bars of the file; `times_ms` their opens."""

    kind: Kind
    weight: Weight
    count: int
    message: str
    rows: tuple[int, ...] = ()
    times_ms: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that are missing: from the first absent open to the last one."""

    from_ms: int
    to_ms: int
    missing: int


@dataclass(frozen=True, slots=True)
class Checked:
    """One file. `longest_ms` is from open to open across the longest gap."""

    path: str
    symbol: str | None
    interval_ms: int | None = None
    rows: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    gaps: tuple[Gap, ...] = ()
    longest_ms: int = 0
    flaws: tuple[Flaw, ...] = ()
    about: dict[str, str] = field(default_factory=dict)

    @property
    def weight(self) -> Weight:
        """The heaviest flaw's; NOTE where there is none."""
        return max((flaw.weight for flaw in self.flaws), default=Weight.NOTE)

    @property
    def missing(self) -> int:
        """Bars that all gaps lack."""
        return sum(gap.missing for gap in self.gaps)
