"""Where the venue's prices come from: bars of the simulated market or of a recording, walked tick by tick in real time.

A source's bar lasts `step_ms` on the venue's clock: its own length divided by the speed, between a second and a minute.
Bar 0 opens at `origin_ms`; the bars before it are history. Each bar is traded from its open over its low and its high
(the other way round where it closes lower) to its close, so that what the venue tells of it afterwards is that bar.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from fks_actors.adapters.exchange_sim.markets import Market, first_price
from fks_actors.adapters.feeds.columns import Columns
from fks_actors.adapters.feeds.fictional import BLOCK, Path, asset_of
from fks_actors.adapters.feeds.replay import Track
from fks_actors.model.candles import Candle

MINUTE_MS = 60_000
STEPS_MS = tuple(s for s in range(1_000, MINUTE_MS + 1, 1_000) if MINUTE_MS % s == 0)


class Course(Protocol):
    """One symbol's bars by number; bar 0 is the first that is traded."""

    def bars(self, first: int, stop: int) -> Sequence[Candle]:
        """Bars `first` up to `stop`; fewer where the course has none."""


class SimulatedCourse:
    """The simulated market of the feeds: the same seed gives the same bars."""

    def __init__(self, seed: int, market: Market) -> None:
        self._path = Path(seed, market.symbol, 0, MINUTE_MS)
        self._symbol = market.symbol
        self._scale = first_price(market.symbol) / asset_of(market.symbol).price

    def bars(self, first: int, stop: int) -> Sequence[Candle]:
        """Bars `first` up to `stop`; there are always some."""
        found: list[Candle] = []
        while first < stop:
            number, offset = divmod(first, BLOCK)
            upto = min(BLOCK, offset + stop - first)
            found.extend(self._path.block(number).candles(self._symbol, offset, upto))
            first += upto - offset
        return found if self._scale == 1 else [_scaled(c, self._scale) for c in found]


class RecordedCourse:
    """A recording; its first `history` bars are history."""

    def __init__(self, track: Track, history: int) -> None:
        self._columns: Columns = track.columns
        self._symbol = track.symbol
        self._history = history

    def bars(self, first: int, stop: int) -> Sequence[Candle]:
        """Bars `first` up to `stop`, none before the recording's beginning or after its end."""
        low, high = max(0, first + self._history), max(0, stop + self._history)
        return list(self._columns.candles(self._symbol, low, high))


@dataclass(slots=True)
class Bar:
    """A bar in the making: floats, for a candle is a measurement."""

    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0
    trades: int = 0

    def trade(self, price: float, volume: float, trades: int = 1) -> None:
        """A trade in the bar's time."""
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price
        self.volume += volume
        self.trades += trades

    def join(self, later: "Bar") -> None:
        """The bar that follows becomes part of this one."""
        self.high, self.low, self.close = max(self.high, later.high), min(self.low, later.low), later.close
        self.volume += later.volume
        self.trades += later.trades


class Tape:
    """One symbol's bars: the course's before `origin_ms`, what was traded since. Bars are kept by `step_ms`."""

    DEEPEST = 100_000

    def __init__(self, course: Course, origin_ms: int, step_ms: int) -> None:
        self._course = course
        self._origin_ms = origin_ms
        self.step_ms = step_ms
        self._bars: dict[int, Bar] = {}
        self._past: dict[int, Bar] = {}
        self._known = 0
        self.last = self._first_price()

    def trade(self, ts_ms: int, price: float, volume: float) -> None:
        """Record a trade."""
        start = ts_ms // self.step_ms * self.step_ms
        bar = self._bars.get(start)
        if bar is None:
            self._bars[start] = Bar(price, price, price, price, volume, 1)
        else:
            bar.trade(price, volume)
        self.last = price

    def put(self, number: int, candle: Candle) -> None:
        """Record a whole bar of the course that was traded while nobody looked."""
        self._bars[self._origin_ms + number * self.step_ms] = _bar(candle)
        self.last = candle.close

    def bars(self, interval_ms: int, first_ms: int, stop_ms: int) -> Iterator[tuple[int, Bar]]:
        """(open time, bar) of the bars of `interval_ms` (a multiple of the step) that open in the window, ascending."""
        first_ms = max(-(-first_ms // interval_ms) * interval_ms, self._floor(interval_ms))
        for start in range(first_ms, stop_ms, interval_ms):
            bar: Bar | None = None
            for at in range(start, min(start + interval_ms, stop_ms), self.step_ms):
                step = self._step(at)
                if step is None:
                    continue
                if bar is None:
                    bar = Bar(step.open, step.high, step.low, step.close, step.volume, step.trades)
                else:
                    bar.join(step)
            if bar is not None:
                yield start, bar

    def _floor(self, interval_ms: int) -> int:
        return -(-(self._origin_ms - self.DEEPEST * self.step_ms) // interval_ms) * interval_ms

    def _step(self, at: int) -> Bar | None:
        found = self._bars.get(at)
        if found is not None or at >= self._origin_ms:
            return found or self._quiet(at)
        number = (at - self._origin_ms) // self.step_ms
        while number < self._known:
            first = self._known - BLOCK
            rows = self._course.bars(first, self._known)
            for i, candle in enumerate(rows, self._known - len(rows)):
                self._past[i] = _bar(candle)
            self._known = first
        return self._past.get(number)

    def _quiet(self, at: int) -> Bar | None:
        """A bar without a trade, at the close of the one before."""
        before = at - self.step_ms
        close = self._bars[before].close if before in self._bars else None
        if close is None:
            if not self._bars:
                close = self.last
            else:
                earlier = [t for t in self._bars if t < at]
                close = self._bars[max(earlier)].close if earlier else self.last
        self._bars[at] = Bar(close, close, close, close)
        return self._bars[at]

    def _first_price(self) -> float:
        bars = self._course.bars(0, 1) or self._course.bars(-1, 0)
        return bars[0].open


@dataclass(frozen=True, slots=True)
class Tick:
    """One step of a price."""

    ts_ms: int
    price: float
    volume: float


class Walk:
    """Walks one course in time. `due` gives every tick that has come, once."""

    def __init__(self, course: Course, tape: Tape, origin_ms: int) -> None:
        self._course = course
        self._tape = tape
        self._origin_ms = origin_ms
        self._number = 0
        self._ticks: list[Tick] = []

    def catch_up(self, now_ms: int) -> None:
        """Put the bars that have closed on the tape without trading them."""
        number = max(0, (now_ms - self._origin_ms) // self._tape.step_ms)
        for i, candle in enumerate(self._course.bars(self._number, number), self._number):
            self._tape.put(i, candle)
        self._number, self._ticks = max(number, self._number), []

    def seen_ms(self, now_ms: int) -> int:
        """Up to when the course was walked; now, where it has ended."""
        if self._ticks:
            return self._ticks[0].ts_ms
        start = self._origin_ms + self._number * self._tape.step_ms
        return start if self._course.bars(self._number, self._number + 1) else now_ms

    def due(self, now_ms: int) -> Iterator[Tick]:
        """The ticks up to now; none once a recording has ended."""
        while True:
            if not self._ticks:
                start = self._origin_ms + self._number * self._tape.step_ms
                bars = self._course.bars(self._number, self._number + 1) if start <= now_ms else ()
                if not bars:
                    return
                self._ticks = list(ticks(bars[0], start, self._tape.step_ms))
                self._number += 1
            while self._ticks:
                if self._ticks[0].ts_ms > now_ms:
                    return
                yield self._ticks.pop(0)


def ticks(bar: Candle, start_ms: int, step_ms: int) -> Iterator[Tick]:
    """A bar as ticks, a second apart or four a bar; its open, high, low and close are among them."""
    count = max(4, step_ms // 1_000)
    first, second = (bar.low, bar.high) if bar.close >= bar.open else (bar.high, bar.low)
    marks = ((0, bar.open), (count // 3, first), (2 * count // 3, second), (count - 1, bar.close))
    at = 0
    for index in range(count):
        while at < 2 and index > marks[at + 1][0]:
            at += 1
        (begin, from_), (end, to) = marks[at], marks[at + 1]
        price = to if index == end else from_ + (to - from_) * (index - begin) / (end - begin)
        yield Tick(start_ms + index * step_ms // count, price, bar.volume / count)


def step_of(interval_ms: int, speed: float) -> int:
    """How long a bar of `interval_ms` lasts on the venue's clock: the nearest part of a minute."""
    wanted = interval_ms / speed
    return min(STEPS_MS, key=lambda s: abs(s - wanted))


def _bar(candle: Candle) -> Bar:
    return Bar(candle.open, candle.high, candle.low, candle.close, candle.volume, 60)


def _scaled(candle: Candle, scale: float) -> Candle:
    prices = (candle.open * scale, candle.high * scale, candle.low * scale, candle.close * scale)
    return Candle(candle.symbol, candle.ts_ms, *prices, candle.volume)
