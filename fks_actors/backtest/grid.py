"""A run's recordings on one axis: batch by batch, which row of each symbol's columns it holds. Warm-up bars come first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fks_actors.adapters.feeds.columns import Columns, Ints
from fks_actors.backtest.past import Past
from fks_actors.model.candles import BarBatch, Candle

Bools = npt.NDArray[np.bool_]

_LEAST, _MOST = 1e-15, 1e15


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """`times` are the batches' open times (UTC ms), the first `begin` of them for learning only. By symbol: its
    `columns` from the first batch on, and `rows`, the row at each batch, -1 where it has no bar then. `whole` tells the
    batches that hold a bar of every symbol."""

    interval_ms: int
    begin: int
    times: Ints
    columns: Mapping[str, Columns]
    rows: Mapping[str, Ints]
    whole: Bools

    @property
    def symbols(self) -> tuple[str, ...]:
        """In the recordings' order."""
        return tuple(self.columns)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def usable(self) -> bool:
        """Whether every bar is one that the minds and the gate take (`market.quality.usable`)."""
        return all(bool(_usable(columns).all()) for columns in self.columns.values())

    def candles(self, symbol: str, begin: int, end: int) -> list[Candle | None]:
        """The symbol's bar at each batch from `begin` to before `end`."""
        rows = self.rows[symbol][begin:end]
        there = rows[rows >= 0]
        if not len(there):
            return [None] * (end - begin)
        made: Iterator[Candle] = self.columns[symbol].candles(symbol, int(there[0]), int(there[-1]) + 1)
        return list(made) if len(there) == len(rows) else [next(made) if row >= 0 else None for row in rows.tolist()]

    def batches(self, begin: int, end: int) -> list[BarBatch]:
        """The batches from `begin` to before `end`."""
        series: Sequence[Sequence[Candle | None]] = [self.candles(symbol, begin, end) for symbol in self.symbols]
        return [
            BarBatch(ts_ms, self.interval_ms, tuple([c for c in candles if c is not None]))
            for ts_ms, candles in zip(self.times[begin:end].tolist(), zip(*series, strict=True), strict=True)
        ]


def grid_of(past: Past) -> Grid:
    """Lay the recordings of a run side by side."""
    first = max(past.begin - past.warm, 0)
    times = past.times[first : past.end]
    columns, rows = {}, {}
    for track in past.tracks:
        own = track.columns.times
        begin, end = np.searchsorted(own, times[0]), np.searchsorted(own, times[-1], side="right")
        cut = track.columns.cut(int(begin), int(end))
        at = np.searchsorted(cut.times, times)
        there = at < len(cut.times)
        there[there] = cut.times[at[there]] == times[there]
        columns[track.symbol], rows[track.symbol] = cut, np.where(there, at, -1)
    whole = np.all([each >= 0 for each in rows.values()], axis=0)
    return Grid(past.info.interval_ms, past.begin - first, times, columns, rows, whole)


def _usable(c: Columns) -> Bools:
    ordered = (c.low >= _LEAST) & (c.low <= c.open) & (c.open <= c.high) & (c.high <= _MOST)
    return ordered & (c.low <= c.close) & (c.close <= c.high) & (c.volume >= 0.0) & (c.volume < np.inf)
