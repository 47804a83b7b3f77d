"""The warm-up rule: a run is judged from the bar on at which every mind may vote; nothing should be traded before.

How many bars that takes follows from the settings (`bars_needed`). `warmed` moves so many bars of a past from what is
traded to what is learnt from, as far as they are not there already; `warm_up` tells of a run that was made how it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from fks_actors.backtest.council import council
from fks_actors.backtest.honesty.findings import many, minute, portion
from fks_actors.backtest.past import Past
from fks_actors.backtest.run import Result
from fks_actors.errors import DataError
from fks_actors.model.orders import ZERO, Fill
from fks_actors.model.records import CycleRecord
from fks_actors.model.votes import Abstain, AbstainReason
from fks_actors.settings import Settings

MOST = Decimal("0.05")
"""The largest share of the traded span that may be warm-up without a warning."""


@dataclass(frozen=True, slots=True)
class WarmUp:
    """How a run began, of the symbol that was last to be ready.

    `given`: batches learnt from before the first traded one. `traded`: batches that were traded. `first_ms`: the first
    bar (open, UTC ms) at which every mind had a vote; None where that never came. `lost`: traded batches before it.
    `early`: trades that were decided before.
    """

    symbol: str
    given: int
    traded: int
    first_ms: int | None
    lost: int
    early: int

    @property
    def needed(self) -> int | None:
        """Batches that it took until every mind had a vote, that one counted; None where it never came."""
        return None if self.first_ms is None else self.given + self.lost + 1

    @property
    def share(self) -> Decimal:
        """The part of the traded span that is warm-up, 0..1."""
        return Decimal(self.lost) / self.traded if self.traded else ZERO

    @property
    def is_warning(self) -> bool:
        """Whether too much of the span is warm-up, or something was traded in it."""
        return self.share > MOST or self.early > 0

    @property
    def sentence(self) -> str:
        """What to tell."""
        trades = f" {many(self.early, 'trade')} came of decisions that not every mind had a part in." * bool(self.early)
        if self.first_ms is None:
            seen = self.given + self.traded
            return f"Not every mind had a vote on {self.symbol} even at the end of {seen:,} bars.{trades}"
        if not self.lost:
            return f"Every mind had a vote from the first traded bar on.{trades}"
        more = f"; give {self.lost:,} more before --since" if self.share > MOST else ""
        return (
            f"{portion(self.share)} of the traded span is warm-up: every mind had a vote on {self.symbol} only from "
            f"{minute(self.first_ms)} on, after {self.needed:,} bars, of which {self.given:,} were given before the "
            f"start{more}.{trades}"
        )


def warm_up(past: Past, result: Result) -> WarmUp:
    """How the run began. Reads no more decisions than it takes."""
    waiting = dict.fromkeys(past.info.symbols)
    ready: dict[str, int] = {}
    for cycle in result.cycles:
        if cycle.symbol in waiting and _all_voted(cycle):
            ready[cycle.symbol] = cycle.ts_ms
            del waiting[cycle.symbol]
            if not waiting:
                break
    symbol = next(iter(waiting)) if waiting else max(ready, key=lambda s: ready[s])
    first_ms = None if waiting else ready[symbol]
    begin = past.times[past.begin : past.end]
    lost = past.count if first_ms is None else int(np.searchsorted(begin, first_ms))
    given = past.begin - max(past.begin - past.warm, 0)
    return WarmUp(symbol, given, past.count, first_ms, lost, _early(result.fills, ready, past.info.interval_ms))


def _all_voted(cycle: CycleRecord) -> bool:
    return not any(isinstance(b, Abstain) and b.reason is AbstainReason.WARMING_UP for b in cycle.ballots)


def _early(fills: Sequence[Fill], ready: dict[str, int], interval_ms: int) -> int:
    """Trades before the close of the first bar at which all voted on the symbol."""
    return sum(1 for fill in fills if fill.symbol not in ready or fill.ts_ms < ready[fill.symbol] + interval_ms)


def bars_needed(settings: Settings, interval_ms: int) -> int:
    """How many bars of a symbol it takes until every mind may vote, that of the first vote counted.

    A mind that finds out by itself when it has an opinion (a user's strategy that answers None) counts with what it
    declares; `WarmUp.needed` tells what it took in a run.

    Raises:
        ConfigError: a mind cannot be opened.
    """
    return max((int(mind.craft.blank().required) for mind in council(settings, interval_ms)), default=0)


def warmed(past: Past, needed: int) -> Past:
    """The past with its first traded bar moved on as far as it takes for every mind to vote at it, and with all bars
    given that it needs; a past that has them stays as it is. A symbol whose recording begins later does not count.

    Raises:
        DataError: no bar is left to be traded.
    """
    begin, first = past.begin, past.begin
    for track in past.tracks:
        times = track.columns.times
        if needed < 1 or int(times[0]) > past.first_ms:
            continue
        if len(times) < needed:
            raise DataError(f"{track.symbol} has {len(times):,} bars, and the minds need {needed:,} before they vote")
        begin = max(begin, int(np.searchsorted(past.times, times[needed - 1])))
    if begin >= past.end:
        raise DataError(f"the minds need {needed:,} bars before they vote: no bar is left to be traded")
    for track in past.tracks:
        times = track.columns.times
        at = int(np.searchsorted(times, past.times[begin])) - (needed - 1)
        if needed >= 1 and at >= 0 and int(times[0]) <= past.first_ms:
            first = min(first, int(np.searchsorted(past.times, times[at])))
    return replace(past, begin=begin, warm=max(past.warm, begin - first))
