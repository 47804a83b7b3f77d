"""Long series in few points, so that no extreme is lost. Pure.

Lines      M4 (Jugel, Jerzak, Hackenbroich, Markl 2014, "M4: a visualization-oriented time series data aggregation",
           PVLDB 7): of every bucket the first, lowest, highest and last value. The lowest and highest stand in the
           order in which they occurred; the four stand at the bucket's start and quarters, so that the axis is even.
Candles    of every bucket the first open, highest high, lowest low and last close: a longer bar.

Buckets begin at whole multiples of their length since the epoch, which is the least usual one (`LENGTHS_MS`) that is a
multiple of the bar's and keeps within the most that is asked for.
"""

from collections.abc import Callable, Sequence

import numpy as np

from fks_actors.adapters.feeds.columns import Columns, Floats, Ints

_MINUTE_MS, _HOUR_MS, _DAY_MS = 60_000, 3_600_000, 86_400_000
LENGTHS_MS = (
    *(n * 1_000 for n in (1, 2, 5, 10, 15, 30)),
    *(n * _MINUTE_MS for n in (1, 2, 3, 5, 10, 15, 20, 30)),
    *(n * _HOUR_MS for n in (1, 2, 3, 4, 6, 8, 12)),
    *(n * _DAY_MS for n in (1, 2, 4, 7, 14, 28)),
)
"""Usual lengths of bars, ascending."""


def bucket_ms(first_ms: int, last_ms: int, interval_ms: int, most: int) -> int:
    """The bucket's length for bars of `interval_ms` between these instants: at most about `most` of them."""
    least = max((last_ms - first_ms) / most, interval_ms)
    fitting = (length for length in LENGTHS_MS if length >= least and length % interval_ms == 0)
    return next(fitting, -(-int(least) // interval_ms) * interval_ms)


def m4(times: Ints, values: Floats, length: int) -> tuple[Ints, Floats]:
    """The buckets' first, lowest, highest and last values, and the instants at which they are drawn."""
    starts, ends, begins = _buckets(times, length)
    lowest, highest = _places(values, starts, ends, np.argmin), _places(values, starts, ends, np.argmax)
    early, late = np.minimum(lowest, highest), np.maximum(lowest, highest)
    picked = np.stack((starts, early, late, ends - 1), axis=1)
    drawn = begins[:, None] + np.array([0, length // 4, length // 2, 3 * length // 4])
    return drawn.ravel(), values[picked.ravel()]


def candles(columns: Columns, first: int, last: int, length: int) -> list[tuple[int, float, float, float, float]]:
    """The bars from row `first` to before `last` as bars of `length` ms: open ms, open, high, low, close."""
    if first >= last:
        return []
    cut = slice(first, last)
    starts, ends, begins = _buckets(columns.times[cut], length)
    parts: Sequence[list[float]] = (
        columns.open[cut][starts].tolist(),
        np.maximum.reduceat(columns.high[cut], starts).tolist(),
        np.minimum.reduceat(columns.low[cut], starts).tolist(),
        columns.close[cut][ends - 1].tolist(),
    )
    return list(zip(begins.tolist(), *parts, strict=True))


def _buckets(times: Ints, length: int) -> tuple[Ints, Ints, Ints]:
    """Where each bucket that is not empty starts and ends in `times`, and when it begins."""
    begins = times // length * length
    starts = np.flatnonzero(np.diff(begins, prepend=begins[0] - 1))
    return starts, np.append(starts[1:], len(times)), begins[starts]


def _places(values: Floats, starts: Ints, ends: Ints, pick: Callable[[Floats], np.intp]) -> Ints:
    """The place of each bucket's extreme."""
    found = [start + int(pick(values[start:end])) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    return np.array(found, dtype=np.int64)
