"""The recorded bars of a run, as columns: what is traded, and what is learnt from before."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath

import numpy as np

from fks_actors.adapters.feeds.columns import Ints
from fks_actors.adapters.feeds.port import FeedInfo, merged
from fks_actors.adapters.feeds.replay import ReplayFeed, Track, load
from fks_actors.adapters.feeds.symbols import symbol_of_file
from fks_actors.errors import ConfigError, DataError
from fks_actors.model.candles import BarBatch

_PAGE = 4_096

Span = tuple[int | None, int | None]
"""From when (UTC ms, None: the first bar) until before when (None: past the last) bars are traded."""


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """One recording a symbol, and which of its bars are traded.

    `times` are the open times (UTC ms, ascending) at which any symbol has a bar; those from `begin` to before `end` are
    traded, the `warm` before them are learnt from.
    """

    info: FeedInfo
    tracks: tuple[Track, ...]
    times: Ints
    begin: int
    end: int
    warm: int

    @property
    def count(self) -> int:
        """Batches that are traded."""
        return self.end - self.begin

    @property
    def first_ms(self) -> int:
        """Open of the first bar that is traded."""
        return int(self.times[self.begin])

    @property
    def last_ms(self) -> int:
        """Open of the last bar that is traded."""
        return int(self.times[self.end - 1])

    def history(self) -> Iterator[BarBatch]:
        """The bars before the first, ascending."""
        return self._batches(max(self.begin - self.warm, 0), self.begin)

    def traded(self) -> Iterator[BarBatch]:
        """The bars that are traded, ascending."""
        return self._batches(self.begin, self.end)

    def _batches(self, start: int, stop: int) -> Iterator[BarBatch]:
        for at in range(start, stop, _PAGE):
            page = self.times[at : min(at + _PAGE, stop)]
            series = []
            for track in self.tracks:
                times = track.columns.times
                first, last = np.searchsorted(times, page[0]), np.searchsorted(times, page[-1], side="right")
                series.append(list(track.columns.candles(track.symbol, int(first), int(last))))
            yield from merged(series, self.info.interval_ms)


async def read_past(data: Sequence[str], span: Span = (None, None), warm: int = 0) -> Past:
    """The recordings of `data`, each FILE or SYMBOL=FILE.

    Raises:
        ConfigError, DataFileError: a file cannot be used.
        DataError: nothing lies within the span.
    """
    pairs = [_named(text) for text in data]
    tracks = tuple(await asyncio.to_thread(load, pairs))
    info = ReplayFeed(tracks, None).describe()
    times = np.unique(np.concatenate([track.columns.times for track in tracks]))
    since, until = span
    begin = 0 if since is None else int(np.searchsorted(times, since))
    end = len(times) if until is None else int(np.searchsorted(times, until))
    if begin >= end:
        there = f"{_minute(times[0])} to {_minute(times[-1])}"
        raise DataError(f"{info.label} has no bar between --since and --until; it has those of {there}")
    return Past(info, tracks, times, begin, end, warm)


def _minute(ts_ms: int) -> str:
    return datetime.fromtimestamp(int(ts_ms) / 1_000, UTC).strftime("%Y-%m-%dT%H:%M")


def _named(text: str) -> tuple[str | None, str]:
    symbol, found, path = text.partition("=")
    named = bool(found) and "/" in symbol and "." not in symbol
    if not text or (named and not path):
        raise ConfigError(f"{text!r} names no file; write FILE or SYMBOL=FILE, as in BTC/USDT=bars.csv")
    if not named and symbol_of_file(text) is None:
        raise ConfigError(f"no symbol in the file name {PurePath(text).name!r}; write BTC/USDT={text}")
    return (symbol, path) if named else (None, text)
