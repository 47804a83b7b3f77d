"""A recording as a feed: the bars as they were, gaps included, several symbols merged by their open times."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from fks_actors.adapters.feeds import files
from fks_actors.adapters.feeds.columns import Columns, Fault, Gaps, Ints, gaps_of, interval_of
from fks_actors.adapters.feeds.config import TIMEFRAMES
from fks_actors.adapters.feeds.files import Recording
from fks_actors.adapters.feeds.pace import Pace
from fks_actors.adapters.feeds.port import Clock, Cursor, FeedHealth, FeedInfo, FeedKind, Sleep, instant, merged
from fks_actors.adapters.feeds.symbols import symbol_of_file
from fks_actors.errors import ConfigError, DataFileError
from fks_actors.model.candles import BarBatch


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One symbol's recording."""

    symbol: str
    recording: Recording
    interval_ms: int
    gaps: Gaps

    @property
    def columns(self) -> Columns:
        """Its bars."""
        return self.recording.columns

    def notes(self) -> tuple[str, ...]:
        """What a reader of the results should know about the file."""
        extra = self.recording.extra
        return tuple(
            f"{self.symbol}: {text}"
            for text in (
                str(self.gaps) if self.gaps.count else "",
                f"columns not used: {', '.join(extra)}" if extra else "",
            )
            if text
        )


class ReplayFeed:
    """Plays recordings back. Build it with `open_replay`."""

    def __init__(
        self,
        tracks: Sequence[Track],
        speed: float | None,
        *,
        reason: str = "",
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._tracks = tracks
        self._pace = Pace(speed, clock, sleep)
        self._times: Ints = np.unique(np.concatenate([t.columns.times for t in tracks]))
        self._symbols = tuple(t.symbol for t in tracks)
        names = ", ".join(dict.fromkeys(PurePath(t.recording.path).name for t in tracks))
        self._info = FeedInfo(
            kind=FeedKind.REPLAY,
            name="replay:" + ",".join(t.recording.path for t in tracks),
            label=f"replay of {names}",
            simulated=False,
            symbols=self._symbols,
            interval_ms=tracks[0].interval_ms,
            reason=reason or "a recording was asked for",
            speed=speed,
            first_ms=int(self._times[0]),
            last_ms=int(self._times[-1]),
            batches=len(self._times),
            notes=tuple(note for t in tracks for note in t.notes()),
        )

    def describe(self) -> FeedInfo:
        """The recording: its symbols, span and gaps."""
        return self._info

    def health(self) -> FeedHealth:
        """A recording is always at hand; `missing` counts the bars that its gaps lack."""
        return FeedHealth(missing=sum(t.gaps.missing for t in self._tracks))

    async def history(self) -> list[BarBatch]:
        """Nothing: a recording is traded from its first bar."""
        return []

    async def next(self, after_ms: Cursor, limit: int, wait_s: float) -> list[BarBatch]:
        """Up to `limit` batches after the cursor, at the pace; waits out `wait_s` and is empty at the end."""
        cursor = instant(after_ms, self._symbols)
        start = int(np.searchsorted(self._times, cursor, side="right"))
        times: list[int] = self._times[start : start + limit].tolist()
        count = await self._pace.due(cursor, times, wait_s)
        return self._between(times[0], times[count - 1]) if count else []

    def exhausted(self, after_ms: Cursor) -> bool:
        """Whether the cursor stands at the last bar or after it."""
        return instant(after_ms, self._symbols) >= int(self._times[-1])

    async def close(self) -> None:
        """Nothing to let go of."""

    def _between(self, first_ms: int, last_ms: int) -> list[BarBatch]:
        series = []
        for track in self._tracks:
            times = track.columns.times
            start, stop = np.searchsorted(times, first_ms), np.searchsorted(times, last_ms, side="right")
            series.append(list(track.columns.candles(track.symbol, int(start), int(stop))))
        return merged(series, self._info.interval_ms)


def load(sources: Iterable[tuple[str | None, str]]) -> list[Track]:
    """The recordings of `replay:`; each is (symbol, or None where the name of the file tells it; path).

    Raises:
        ConfigError: a symbol cannot be told, or comes twice.
        DataFileError: a file cannot be used, or its timeframe is not that of the first.
    """
    tracks: list[Track] = []
    for given, path in sources:
        symbol = given or symbol_of_file(path)
        if symbol is None:
            raise ConfigError(f"no symbol in the file name {PurePath(path).name!r}; write replay:BTC/USDT={path}")
        if any(t.symbol == symbol for t in tracks):
            raise ConfigError(f"{symbol} is given by two files; name each symbol once")
        tracks.append(_track(symbol, files.read(path)))
        _agree(tracks[0], tracks[-1])
    if not tracks:
        raise ConfigError("replay names no file")
    return tracks


async def open_replay(
    sources: Iterable[tuple[str | None, str]],
    speed: float | None = None,
    *,
    clock: Clock = time.monotonic,
    sleep: Sleep = asyncio.sleep,
) -> ReplayFeed:
    """A feed that plays `sources` back at `speed` times real time (None: as fast as it is asked).

    Raises:
        ConfigError, DataFileError: as `load`.
    """
    return ReplayFeed(await asyncio.to_thread(load, sources), speed, clock=clock, sleep=sleep)


def _track(symbol: str, recording: Recording) -> Track:
    times = recording.columns.times
    interval_ms = interval_of(times) or _named_interval(recording.path)
    try:
        return Track(symbol, recording, interval_ms, gaps_of(times, interval_ms))
    except Fault as fault:
        line = files.line_of(recording.path, fault.row or 0)
        raise DataFileError(recording.path, line, fault.message) from None


def timeframe_of_file(path: str) -> int | None:
    """The timeframe that a data file's name tells, in ms, or None."""
    words = PurePath(path).name.replace("_", "-").replace(".", "-").split("-")
    return next((TIMEFRAMES[w] for w in words if w in TIMEFRAMES), None)


def _named_interval(path: str) -> int:
    found = timeframe_of_file(path)
    if found is None:
        raise DataFileError(path, None, "one bar only: its timeframe cannot be told; two bars are needed")
    return found


def _agree(first: Track, other: Track) -> None:
    ours, theirs = other.interval_ms, first.interval_ms
    if ours != theirs:
        raise DataFileError(
            other.recording.path, None, f"bars of {ours / 1000:g} s, but {first.symbol} has bars of {theirs / 1000:g} s"
        )
    if int(first.columns.times[0] - other.columns.times[0]) % ours:
        raise DataFileError(other.recording.path, None, f"its bars open at other times than those of {first.symbol}")
