"""Bars, files and exchanges that the tests of recordings share."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from fks_actors.adapters.feeds.columns import Columns
from fks_actors.adapters.feeds.timing import LiveTiming
from fks_actors.errors import FeedUnavailable
from fks_actors.model.candles import Candle

HOUR = 3_600_000
T0 = 1_700_000_000_000 // 86_400_000 * 86_400_000
HEAD = "timestamp,open,high,low,close,volume\n"
SYMBOL = "BTC/USDT"


def bar(index: int, interval_ms: int = HOUR, volume: float = 5.0) -> Candle:
    """A bar that differs from its neighbours."""
    middle = 100.0 + math.sin(index) / 10
    return Candle(
        SYMBOL, T0 + index * interval_ms, middle, middle + 1.3, middle - 1.7, middle + 0.4, volume + index % 7
    )


def columns_of(bars: Sequence[Candle]) -> Columns:
    table = np.array([astuple(b)[1:] for b in bars], dtype=float).reshape(len(bars), 6)
    times, *rest = (np.ascontiguousarray(table[:, i]) for i in range(6))
    return Columns(times.astype(np.int64), *rest)


def rows_of(columns: Columns) -> list[Candle]:
    return list(columns.candles(SYMBOL, 0, len(columns.times)))


def csv_of(bars: Sequence[Candle], path: Path) -> Path:
    path.write_text(HEAD + "".join(",".join(map(repr, astuple(b)[1:])) + "\n" for b in bars))
    return path


@st.composite
def prices(draw: st.DrawFn, index: int) -> Candle:
    four = sorted(draw(st.lists(st.floats(1e-9, 1e9), min_size=4, max_size=4)))
    low, one, two, high = four
    volume = draw(st.floats(0, 1e12))
    return Candle(SYMBOL, T0 + index * HOUR, one, high, low, two, volume)


@st.composite
def recordings(draw: st.DrawFn, most: int = 40) -> list[Candle]:
    """Bars by the hour with gaps, two neighbours at least."""
    first = draw(st.integers(0, 30))
    extra = draw(st.sets(st.integers(first + 2, first + most), max_size=most))
    return [draw(prices(i)) for i in (first, first + 1, *sorted(extra))]


@dataclass
class FakeExchange:
    """Tells `bars` page by page. `windowed`: only those in the time of a page, so that a gap may be an empty page.

    `fails` are the numbers of the questions that are not answered; what was asked is kept in `asked`. `before` takes
    each question's number.
    """

    bars_held: Sequence[Candle]
    page: int = 5
    windowed: bool = False
    fails: frozenset[int] = frozenset()
    cause: Exception | None = None
    asked: list[int] = field(default_factory=list)
    before: Callable[[int], None] = lambda question: None

    async def bars(self, symbol: str, timeframe: str, since_ms: int, limit: int) -> list[Candle]:
        self.asked.append(since_ms)
        self.before(len(self.asked))
        if len(self.asked) in self.fails:
            raise FeedUnavailable("no answer") from self.cause
        found = [b for b in self.bars_held if b.ts_ms >= since_ms][:limit]
        if self.windowed:
            found = [b for b in found if b.ts_ms < since_ms + limit * HOUR]
        return [replace(b, symbol=symbol) for b in found]


@dataclass
class Waits:
    """A sleep that takes no time."""

    taken: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)

    def timing(self) -> LiveTiming:
        return LiveTiming(sleep=self.sleep, jitter=lambda: 1.0, clock_ms=lambda: T0)
