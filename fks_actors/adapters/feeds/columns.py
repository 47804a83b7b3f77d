"""A symbol's recorded bars as columns, and what a recording must keep: finite positive prices inside high and low,
ascending times, one timeframe. Gaps are legal; they are counted, never filled."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fks_actors.model.candles import Candle

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NAMES = ("timestamp", "open", "high", "low", "close", "volume")
_OLDEST_MS, _NEWEST_MS = 10**11, 10**14
_HOUR_MS = 3_600_000

Message = Callable[[int], str]


class Fault(Exception):
    """A recording breaks a rule. `row` is 0-based, None for the whole; the reader turns it into a DataFileError."""

    def __init__(self, row: int | None, message: str) -> None:
        super().__init__(row, message)
        self.row = row
        self.message = message


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Equal long columns: open times in UTC ms, prices in quote, volume in base."""

    times: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def cut(self, start: int, stop: int) -> "Columns":
        """Rows `start` to `stop`, as views."""
        part = slice(start, stop)
        return Columns(*(c[part] for c in (self.times, self.open, self.high, self.low, self.close, self.volume)))

    def candles(self, symbol: str, start: int, stop: int) -> Iterator[Candle]:
        """Rows `start` to `stop` as candles."""
        cut = slice(start, stop)
        rows = zip(
            *(c[cut].tolist() for c in (self.times, self.open, self.high, self.low, self.close, self.volume)),
            strict=True,
        )
        return (Candle(symbol, *row) for row in rows)


@dataclass(frozen=True, slots=True)
class Gaps:
    """Bars that a recording lacks between its first and its last; `longest_ms` from open to open across the gap."""

    count: int
    missing: int
    longest_ms: int

    def __str__(self) -> str:
        hours = self.longest_ms / _HOUR_MS
        longest = f"{hours:g} h" if hours >= 1 else f"{self.longest_ms / 60_000:g} min"
        return f"{_many(self.count, 'gap')}, {_many(self.missing, 'bar')} missing, the longest {longest}"


def checked(values: list[Floats]) -> Columns:
    """Columns from six float arrays in the order of `NAMES`.

    Raises:
        Fault: at the first row that breaks a rule.
    """
    for name, column in zip(NAMES, values, strict=True):
        _refuse(~np.isfinite(column), _says(name, column, "not a finite number"))
    times, open_, high, low, close, volume = values
    if not len(times):
        raise Fault(None, "no bars; the file holds a header only")
    _check_epoch(times)
    for name, column in zip(NAMES[1:5], values[1:5], strict=True):
        _refuse(column <= 0, _says(name, column, "a price is above 0"))
    _refuse(volume < 0, _says("volume", volume, "it cannot be below 0"))
    _refuse(high < low, lambda row: f"high {high[row]:.10g} is below low {low[row]:.10g}")
    _refuse(high < np.maximum(open_, close), lambda row: f"high {high[row]:.10g} is below open or close")
    _refuse(low > np.minimum(open_, close), lambda row: f"low {low[row]:.10g} is above open or close")
    stamps = times.astype(np.int64)
    steps = np.diff(stamps)
    _refuse(steps == 0, lambda row: f"timestamp {stamps[row + 1]} is a duplicate", shift=1)
    _refuse(steps < 0, lambda row: f"timestamp {stamps[row + 1]} comes after {stamps[row]}: not ascending", shift=1)
    return Columns(stamps, open_, high, low, close, volume)


def interval_of(times: Ints) -> int | None:
    """The timeframe in ms: the commonest difference (the smaller of a tie); None for a single bar."""
    if len(times) < 2:
        return None
    steps, counts = np.unique(np.diff(times), return_counts=True)
    return int(steps[np.argmax(counts)])


def gaps_of(times: Ints, interval_ms: int) -> Gaps:
    """The gaps of a recording on the grid of `interval_ms`.

    Raises:
        Fault: at the first bar that is nearer than the interval or off the grid.
    """
    steps = np.diff(times)
    _refuse(
        steps < interval_ms,
        lambda row: f"{steps[row] / 1000:g} s after the bar before, others {interval_ms / 1000:g} s: two timeframes",
        shift=1,
    )
    _refuse(
        steps % interval_ms != 0,
        lambda row: f"{steps[row] / 1000:g} s after the bar before: off the grid of {interval_ms / 1000:g} s",
        shift=1,
    )
    lacking = steps // interval_ms - 1
    return Gaps(int((lacking > 0).sum()), int(lacking.sum()), int(steps.max(initial=0)) if lacking.any() else 0)


def _check_epoch(times: Floats) -> None:
    middle = float(np.median(times))
    if 10**8 < middle < 10**10:
        raise Fault(0, f"timestamp {times[0]:.0f} looks like seconds; milliseconds are expected (multiply by 1000)")
    if _NEWEST_MS <= middle < 10**17:
        raise Fault(0, f"timestamp {times[0]:.0f} looks like microseconds; milliseconds are expected (divide by 1000)")
    _refuse(times != np.floor(times), lambda row: f"timestamp {times[row]} is not a whole number of milliseconds")
    outside = (times < _OLDEST_MS) | (times >= _NEWEST_MS)
    _refuse(outside, lambda row: f"timestamp {times[row]:.0f} is no time in milliseconds UTC between 1973 and 5138")


def _refuse(bad: npt.NDArray[np.bool_], message: Message, shift: int = 0) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise Fault(row + shift, message(row))


def _says(name: str, column: Floats, rule: str) -> Message:
    return lambda row: f"{name} is {column[row]:g}; {rule}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
