"""A mirrored ring of candles: appending costs the same at any size, and the last n bars are always contiguous.

Every bar is written twice, `capacity` rows apart, so that a window never wraps and needs no copy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fks_actors.model.candles import Candle

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Window:
    """Read-only columns of equal length, oldest first. They are the ring's own memory: use or copy them before the
    next append. `ts_ms` = bar opens, UTC; prices in quote, volume in base."""

    ts_ms: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.ts_ms)


class CandleRing:
    """The last `capacity` candles of one symbol, in columns.

    Raises:
        ValueError: `capacity` is under 1, or `last(n)` is asked for a negative n.
    """

    __slots__ = ("_at", "_capacity", "_columns", "_size", "_times", "_window", "last_ts")

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"a ring needs a capacity of at least 1, not {capacity}")
        self._capacity = capacity
        self._at = 0
        self._size = 0
        self.last_ts: int | None = None
        self._times = np.empty(2 * capacity, np.int64)
        columns = np.empty((5, 2 * capacity), np.float64)
        self._columns: tuple[Floats, ...] = tuple(columns)
        times, columns = self._times.view(), columns.view()
        times.flags.writeable = columns.flags.writeable = False
        self._window = Window(times, *columns)

    def __len__(self) -> int:
        return self._size

    @property
    def capacity(self) -> int:
        """How many candles the ring keeps."""
        return self._capacity

    def append(self, candle: Candle) -> None:
        """Add the newest candle; the oldest leaves a full ring."""
        at, capacity = self._at, self._capacity
        twin = at + capacity
        times = self._times
        opens, highs, lows, closes, volumes = self._columns
        times[at] = times[twin] = self.last_ts = candle.ts_ms
        opens[at] = opens[twin] = candle.open
        highs[at] = highs[twin] = candle.high
        lows[at] = lows[twin] = candle.low
        closes[at] = closes[twin] = candle.close
        volumes[at] = volumes[twin] = candle.volume
        self._at = at + 1 if at + 1 < capacity else 0
        if self._size < capacity:
            self._size += 1

    def extend(self, candles: Sequence[Candle]) -> None:
        """Add candles, oldest first; those that would leave again at once are skipped."""
        for candle in candles[-self._capacity :]:
            self.append(candle)

    def last(self, n: int) -> Window:
        """The newest `n` candles, or all where fewer are kept, without copying."""
        if n < 0:
            raise ValueError(f"a window has at least 0 candles, not {n}")
        end = self._at + self._capacity
        rows = slice(end - min(n, self._size), end)
        whole = self._window
        return Window(
            whole.ts_ms[rows],
            whole.open[rows],
            whole.high[rows],
            whole.low[rows],
            whole.close[rows],
            whole.volume[rows],
        )
