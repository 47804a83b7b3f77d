"""What is wrong between recordings: symbols that ended, a set of survivors only, overlaps, mixed timeframes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations

import numpy as np

from fks_actors.adapters.feeds.columns import Columns
from fks_actors.adapters.recordings.check import check, name_of
from fks_actors.adapters.recordings.findings import Checked, Flaw, Kind, Weight
from fks_actors.market.config import QualityConfig

_LONG_MS = 180 * 86_400_000


@dataclass(frozen=True, slots=True)
class Report:
    """All files, and what is wrong between those that are usable."""

    files: tuple[Checked, ...]
    between: tuple[Flaw, ...]

    @property
    def weight(self) -> Weight:
        """The heaviest flaw's."""
        return max([flaw.weight for flaw in self.between] + [each.weight for each in self.files], default=Weight.NOTE)


def check_all(paths: Sequence[str], quality: QualityConfig) -> Report:
    """Look every file through, then hold them against each other."""
    files, bars = [], {}
    for path in paths:
        found, columns = check(path, quality)
        files.append(found)
        if columns is not None:
            bars[path] = columns
    usable = [each for each in files if each.path in bars]
    flaws = (*_ended(usable, quality.gone_bars), *_overlaps(usable, bars), *_mixed(usable))
    return Report(tuple(files), flaws)


def _ended(files: Sequence[Checked], gone_bars: int) -> Iterator[Flaw]:
    """Symbols whose last bar lies more than `gone_bars` before the end of the set, or the note that there is none."""
    ends: dict[str, int] = {}
    begin: int | None = None
    for each in files:
        if each.symbol and each.last_ms is not None and each.first_ms is not None:
            ends[each.symbol] = max(ends.get(each.symbol, each.last_ms), each.last_ms)
            begin = each.first_ms if begin is None else min(begin, each.first_ms)
    if len(ends) < 2 or begin is None:
        return
    last = max(ends.values())
    longest = max(each.interval_ms or 0 for each in files)
    gone = {symbol: end for symbol, end in ends.items() if last - end > gone_bars * longest}
    for symbol, end in sorted(gone.items()):
        text = f"{symbol} ended {day(end)}, {(last - end) / 86_400_000:.0f} days before the others: delisted, or cut?"
        yield Flaw(Kind.ENDED, Weight.FLAW, 1, text, (), (end,))
    if not gone and last - begin >= _LONG_MS:
        text = f"all {len(ends)} symbols are traded to the end: those that were delisted before are not in the set"
        yield Flaw(Kind.SURVIVORS_ONLY, Weight.NOTE, len(ends), text)


def _overlaps(files: Sequence[Checked], bars: Mapping[str, Columns]) -> Iterator[Flaw]:
    for one, two in combinations(files, 2):
        if one.symbol is None or (one.symbol, one.interval_ms) != (two.symbol, two.interval_ms):
            continue
        shared, ours, theirs = np.intersect1d(
            bars[one.path].times, bars[two.path].times, assume_unique=True, return_indices=True
        )
        if not len(shared):
            continue
        a, b = bars[one.path], bars[two.path]
        pairs = ((a.open, b.open), (a.high, b.high), (a.low, b.low), (a.close, b.close), (a.volume, b.volume))
        apart = int(np.any([x[ours] != y[theirs] for x, y in pairs], axis=0).sum())
        text = f"{one.path} and {two.path} share {len(shared)} bars, of which {apart} differ"
        yield Flaw(Kind.OVERLAP, Weight.FLAW, len(shared), text, (), (int(shared[0]), int(shared[-1])))


def _mixed(files: Sequence[Checked]) -> Iterator[Flaw]:
    frames = sorted({each.interval_ms for each in files if each.interval_ms})
    if len(frames) > 1:
        names = ", ".join(map(name_of, frames))
        yield Flaw(Kind.MIXED_TIMEFRAMES, Weight.FLAW, len(frames), f"bars of {names}: a replay takes one timeframe")


def day(ts_ms: int) -> str:
    """An instant in UTC, to the minute."""
    return datetime.fromtimestamp(ts_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M")
