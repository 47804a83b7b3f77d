"""Everything that is wrong with one recording. FATAL is what readers of feeds and backtests refuse, nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fks_actors.adapters.feeds.columns import Columns, Fault, Floats, Ints, checked, gaps_of, interval_of
from fks_actors.adapters.feeds.config import TIMEFRAMES
from fks_actors.adapters.feeds.files import read_table
from fks_actors.adapters.feeds.replay import timeframe_of_file
from fks_actors.adapters.feeds.symbols import symbol_of_file
from fks_actors.adapters.recordings.findings import WHERE, Checked, Flaw, Gap, Kind, Weight
from fks_actors.adapters.recordings.formats import about_of
from fks_actors.errors import DataFileError
from fks_actors.market.config import QualityConfig
from fks_actors.market.quality import Flag, QualityGate

_DAY_MS, _MINUTE_MS = 86_400_000, 60_000
_Mask = npt.NDArray[np.bool_]


def check(path: str, quality: QualityConfig) -> tuple[Checked, Columns | None]:
    """Look the file through; its bars where it is usable."""
    symbol = symbol_of_file(path)
    try:
        about, values = about_of(Path(path)), read_table(path).values
    except DataFileError as error:
        where = "" if error.line is None else f"line {error.line}: "
        flaw = Flaw(Kind.UNREADABLE, Weight.FATAL, 1, f"{where}{error.message}")
        return Checked(path, symbol, flaws=(flaw,)), None
    symbol = about.get("symbol") or symbol
    if not len(values[0]):
        flaw = Flaw(Kind.EMPTY, Weight.FATAL, 1, "no bars; the file holds a header only")
        return Checked(path, symbol, flaws=(flaw,), about=about), None
    fatal = tuple(_fatal(values))
    if not fatal:
        return _usable(path, symbol, about, checked(values), quality)
    return Checked(path, symbol, rows=len(values[0]), flaws=fatal, about=about), None


def _usable(
    path: str, symbol: str | None, about: dict[str, str], columns: Columns, quality: QualityConfig
) -> tuple[Checked, Columns | None]:
    times = columns.times
    interval_ms = interval_of(times)
    found = Checked(path, symbol, interval_ms, len(times), int(times[0]), int(times[-1]), about=about)
    if interval_ms is None:
        flaw = Flaw(Kind.TIMEFRAME, Weight.FLAW, 1, "a single bar tells no timeframe")
        return replace(found, flaws=(flaw,)), columns
    try:
        told = gaps_of(times, interval_ms)
    except Fault as fault:
        steps = np.diff(times)
        bad = np.r_[False, (steps < interval_ms) | (steps % interval_ms != 0)]
        flaw = _flaw(Kind.OFF_GRID, Weight.FATAL, bad, times, fault.message)
        return replace(found, flaws=(flaw,)), None
    gaps = gaps_between(times, interval_ms)
    flaws = tuple(_flaws(path, symbol, columns, interval_ms, gaps, str(told), quality))
    return replace(found, gaps=gaps, longest_ms=told.longest_ms, flaws=flaws), columns


def gaps_between(times: Ints, interval_ms: int) -> tuple[Gap, ...]:
    """The gaps of a recording whose bars lie on the grid of `interval_ms`."""
    steps = np.diff(times)
    return tuple(
        Gap(int(times[i]) + interval_ms, int(times[i + 1]) - interval_ms, int(steps[i] // interval_ms - 1))
        for i in np.flatnonzero(steps > interval_ms)
    )


def _fatal(values: list[Floats]) -> Iterator[Flaw]:
    times, open_, high, low, close, volume = values
    finite = np.isfinite(values).all(axis=0)

    def found(kind: Kind, bad: _Mask, message: str) -> Iterator[Flaw]:
        if bad.any():
            yield _flaw(kind, Weight.FATAL, bad, times, message)

    with np.errstate(invalid="ignore"):
        yield from found(Kind.NOT_FINITE, np.logical_not(finite), "not a finite number")
        yield from _units(times)
        yield from found(Kind.PRICE, np.minimum.reduce(values[1:5]) <= 0, "a price is not above 0")
        outside = (high < np.maximum(open_, close)) | (low > np.minimum(open_, close)) | (high < low)
        yield from found(Kind.HIGH_LOW, outside, "open or close lies outside low to high, or high is below low")
        yield from found(Kind.NEGATIVE_VOLUME, volume < 0, "the volume is below 0")
        steps = np.diff(times)
        again = np.zeros(len(times), bool)
        again[_repeats(times)] = True
        yield from found(Kind.DUPLICATE, again, "an open time that was there before")
        yield from found(Kind.OUT_OF_ORDER, np.r_[False, steps < 0], "opens before the bar before it")


def _repeats(times: Floats) -> Ints:
    order = np.argsort(times, kind="stable")
    repeats: Ints = order[1:][times[order][1:] == times[order][:-1]]
    return repeats


def _units(times: Floats) -> Iterator[Flaw]:
    """Seconds, microseconds, and instants that are no time in milliseconds; what `checked` says of them."""
    known = times[np.isfinite(times)]
    if not len(known):
        return
    ones = np.ones(len(known))
    try:
        checked([np.unique(known), *(ones[: len(np.unique(known))] for _ in range(5))])
    except Fault as fault:
        yield Flaw(Kind.UNIT, Weight.FATAL, len(known), fault.message)


def _flaws(
    path: str,
    symbol: str | None,
    columns: Columns,
    interval_ms: int,
    gaps: tuple[Gap, ...],
    told: str,
    quality: QualityConfig,
) -> Iterator[Flaw]:
    times = columns.times
    if gaps:
        yield Flaw(Kind.GAP, Weight.FLAW, len(gaps), told, (), tuple(gap.from_ms for gap in gaps[:WHERE]))
    quiet, spikes = _judged(columns, interval_ms, quality)
    if quiet.any():
        yield _flaw(Kind.NO_VOLUME, Weight.FLAW, quiet, times, "nothing was traded in the bar")
    if spikes.any():
        message = f"the close moved by more than {quality.spike_z:g} standard deviations"
        yield _flaw(Kind.SPIKE, Weight.FLAW, spikes, times, message)
    yield from _clock(times, interval_ms)
    named = timeframe_of_file(path)
    if named is not None and named != interval_ms:
        message = f"the name says {name_of(named)}, the bars are of {name_of(interval_ms)}"
        yield Flaw(Kind.TIMEFRAME, Weight.FLAW, 1, message)
    if symbol is None:
        yield Flaw(Kind.UNKNOWN_SYMBOL, Weight.FLAW, 1, "the name tells no symbol; call it BTCUSDT-1h or the like")


def _clock(times: Ints, interval_ms: int) -> Iterator[Flaw]:
    """Bars of a part of a day open at multiples of it; others may be of a clock that is not UTC."""
    off = int(times[0]) % interval_ms
    if off and _DAY_MS % interval_ms == 0:
        text = f"bars open {off / _MINUTE_MS:g} min after the multiples of {name_of(interval_ms)}: is their clock UTC?"
        yield Flaw(Kind.TIMEZONE, Weight.FLAW, len(times), text)


def _judged(columns: Columns, interval_ms: int, quality: QualityConfig) -> tuple[_Mask, _Mask]:
    """The bars that the quality gate finds without volume, and those that it calls spikes."""
    gate = QualityGate(quality, interval_ms)
    count = len(columns.times)
    quiet, spikes = np.zeros(count, bool), np.zeros(count, bool)
    for i, candle in enumerate(columns.candles("", 0, count)):
        flags = gate.judge(candle).flags
        quiet[i], spikes[i] = Flag.NO_VOLUME in flags, Flag.SPIKE in flags
    return quiet, spikes


def _flaw(kind: Kind, weight: Weight, bad: _Mask, times: Floats | Ints, message: str) -> Flaw:
    first = np.flatnonzero(bad)[:WHERE]
    opens = tuple(int(times[i]) for i in first if np.isfinite(times[i]))
    return Flaw(kind, weight, int(bad.sum()), message, tuple(int(i) + 1 for i in first), opens)


def name_of(interval_ms: int) -> str:
    """A timeframe's name, or its length in minutes where it has none."""
    names: Callable[[int], str | None] = {ms: name for name, ms in TIMEFRAMES.items()}.get
    return names(interval_ms) or f"{interval_ms / _MINUTE_MS:g} min"
