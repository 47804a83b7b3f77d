"""What a feed owes the desk.

Time only moves forward: the caller owns the cursor, a feed gives what opened after it, ascending, and never a bar that
has not closed. The cursor is one instant for all symbols, so a bar that arrives after its batch was given is a gap, not
a decision about the past. A feed that was restarted continues from any cursor, because it keeps none.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from fks_actors.model.candles import BarBatch, Candle

Cursor = Mapping[str, int] | int
Clock = Callable[[], float]
ClockMs = Callable[[], int]
Sleep = Callable[[float], Awaitable[None]]

BEGINNING = -1


class FeedKind(StrEnum):
    """What a feed is."""

    REPLAY = "replay"
    LIVE = "live"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class FeedInfo:
    """What a feed gives, and why it was chosen.

    `label` is the line for people; `speed` is bars' time by real time (None: as fast as it is asked);
    `first_ms`, `last_ms` and `batches` are known of a recording only; `notes` tell what is odd about the data.
    """

    kind: FeedKind
    name: str
    label: str
    simulated: bool
    symbols: tuple[str, ...]
    interval_ms: int
    reason: str
    speed: float | None = 1.0
    first_ms: int | None = None
    last_ms: int | None = None
    batches: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """How a feed has fared since it was opened. `fetched` and `missing` are bars; `reconnects` streams that dropped."""

    connected: bool = True
    streaming: bool = False
    reconnects: int = 0
    fetched: int = 0
    missing: int = 0
    error: str = ""


class Feed(Protocol):
    """A source of closed bars. Every method may be repeated; none has a side effect on what the next one gives."""

    def describe(self) -> FeedInfo:
        """What this feed is. Never changes after the feed was opened."""
        ...

    def health(self) -> FeedHealth:
        """How it fares now."""
        ...

    async def history(self) -> list[BarBatch]:
        """Closed bars from before trading starts, ascending: to warm the memory up with. Empty for a recording.

        Raises:
            FeedUnavailable: the exchange did not answer.
        """
        ...

    async def next(self, after_ms: Cursor, limit: int, wait_s: float) -> list[BarBatch]:
        """Up to `limit` batches that opened after the cursor; empty where none is due within `wait_s` seconds.

        Args:
            after_ms: an open time, UTC ms, or one a symbol (the latest counts; symbols the feed lacks do not count).
                `BEGINNING` or an empty mapping is the feed's own beginning: the first bar after `history()`.
        """
        ...

    def exhausted(self, after_ms: Cursor) -> bool:
        """Whether nothing can ever come after this cursor. Only a recording ends."""
        ...

    async def close(self) -> None:
        """Let go of connections; may be called twice."""
        ...


def instant(after_ms: Cursor, symbols: Iterable[str]) -> int:
    """The cursor as one instant (UTC ms), `BEGINNING` where it names none of `symbols`."""
    if isinstance(after_ms, int):
        return max(after_ms, BEGINNING)
    return max((after_ms[s] for s in symbols if s in after_ms), default=BEGINNING)


def merged(series: Iterable[Sequence[Candle]], interval_ms: int) -> list[BarBatch]:
    """One batch an open time, ascending; candles in the order of `series`."""
    by_time: dict[int, list[Candle]] = {}
    for candles in series:
        for candle in candles:
            by_time.setdefault(candle.ts_ms, []).append(candle)
    return [BarBatch(ts, interval_ms, tuple(by_time[ts])) for ts in sorted(by_time)]
