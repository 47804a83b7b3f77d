"""Bars of a coarser timeframe. A bar is whole with all its parts; what a part lacked is counted, never filled."""

from dataclasses import dataclass

import numpy as np

from fks_actors.adapters.feeds.columns import Columns, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """Coarser bars, the number of parts that each lacks, and the open times of those that lack any."""

    columns: Columns
    missing: Ints
    partial: Ints


def resample(columns: Columns, interval_ms: int, coarse_ms: int, keep_partial: bool) -> Resampled:
    """Bars of `coarse_ms`, opening at multiples of it since 1970 UTC, of ascending bars of `interval_ms`.

    Raises:
        ValueError: `coarse_ms` is no greater multiple of `interval_ms`.
    """
    if coarse_ms <= interval_ms or coarse_ms % interval_ms:
        raise ValueError(f"{coarse_ms} ms is no greater multiple of {interval_ms} ms")
    buckets = columns.times // coarse_ms
    starts = np.flatnonzero(np.r_[True, buckets[1:] != buckets[:-1]])
    stops = np.r_[starts[1:], len(buckets)]
    missing = coarse_ms // interval_ms - (stops - starts)
    times = buckets[starts] * coarse_ms
    kept = (missing == 0) | keep_partial
    coarse = Columns(
        times[kept],
        columns.open[starts][kept],
        _each(np.maximum, columns.high, starts)[kept],
        _each(np.minimum, columns.low, starts)[kept],
        columns.close[stops - 1][kept],
        _each(np.add, columns.volume, starts)[kept],
    )
    return Resampled(coarse, missing[kept], times[missing > 0])


def _each(fold: np.ufunc, values: Floats, starts: Ints) -> Floats:
    folded: Floats = fold.reduceat(values, starts)
    return folded
