"""What the minds' votes turned out to be worth, over columns: `reflection.Calibration`'s totals after every batch.

A weight depends on the totals alone: outcomes, sums of squares, bars covered. Those are whole numbers, so they are the
Calibration's to the last bit; a weight that is told is computed from them by `reflection.scores.weights` itself.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fks_actors.backtest.grid import Grid
from fks_actors.desk.scoring import CALIBRATION_OWNER, Scoring
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import Snapshot
from fks_actors.model.votes import Ballot
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.reflection.scores import ONE, Score, weights

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Signs = npt.NDArray[np.int8]

_NOTHING = Snapshot(CALIBRATION_OWNER, b"")
_OUTCOMES, _SQUARES, _COVERED = range(3)


class Worth:
    """The totals of every mind, up to the batches whose votes are known.

    Args:
        grid: the bars.
        agents: the minds, in the order in which their votes come.
        config: horizons and shrinkage.
    """

    def __init__(self, grid: Grid, agents: Sequence[str], config: ReflectionConfig) -> None:
        self._grid, self._agents, self._config = grid, tuple(agents), config
        length = len(grid)
        self._reach = max(config.horizons.values(), default=1)
        self._leans = {s: np.zeros((len(agents), length), np.int16) for s in grid.symbols}
        """Claims as ten-thousandths off one half, signed; a claim of exactly one half is one too, see `_claimed`."""
        self._claimed = {s: np.zeros((len(agents), length), np.bool_) for s in grid.symbols}
        self._slots = {s: _slots(grid, s) for s in grid.symbols}
        self._totals = np.zeros((3, len(agents), length + 1), np.int64)
        """By batch, before it: outcomes, sums of squares, bars covered."""

    def take(self, begin: int, end: int, signs: Mapping[str, Signs], sure: Mapping[str, Floats]) -> None:
        """Take in what was said of the batches from `begin` to before `end`: by symbol, minds x batches."""
        if len(self._agents) == 1:
            return
        for symbol in self._grid.symbols:
            claims = (signs[symbol] == 1) | (signs[symbol] == -1)
            self._claimed[symbol][:, begin:end] = claims
            leans = np.rint(sure[symbol] * ONE / 2) * signs[symbol]
            self._leans[symbol][:, begin:end] = np.where(claims, leans, 0)
        found = np.zeros((3, len(self._agents), end - begin), np.int64)
        for symbol in self._grid.symbols:
            for place, agent in enumerate(self._agents):
                if agent in self._config.horizons:
                    self._settle(symbol, place, self._config.horizons[agent], begin, end, found[:, place])
        self._totals[:, :, begin + 1 : end + 1] = self._totals[:, :, begin, None] + np.cumsum(found, axis=2)

    def _settle(self, symbol: str, place: int, horizon: int, begin: int, end: int, found: Ints) -> None:
        """Add what the bars of a block settle of one mind's claims."""
        first = max(begin - horizon, 0)
        slots = self._slots[symbol]
        claims = np.flatnonzero(self._claimed[symbol][place, first:end]) + first
        if not len(claims):
            return
        wanted = slots[claims] + horizon
        due = np.searchsorted(self._ends(symbol), wanted)
        due = self._batches(symbol)[np.minimum(due, len(self._batches(symbol)) - 1)]
        there = (slots[due] == wanted) & (due >= begin) & (due < end)
        later = np.append(slots[claims[1:]], np.iinfo(np.int64).max)
        covers = np.minimum(later - slots[claims], horizon)
        claims, due, covers = claims[there], due[there], covers[there]
        rows, close = self._grid.rows[symbol], self._grid.columns[symbol].close
        rose = close[rows[due]] > close[rows[claims]]
        missed = self._leans[symbol][place, claims].astype(np.int64) + ONE // 2 - ONE * rose
        np.add.at(found[_OUTCOMES], due - begin, 1)
        np.add.at(found[_SQUARES], due - begin, missed * missed)
        np.add.at(found[_COVERED], due - begin, covers)

    def _ends(self, symbol: str) -> Ints:
        slots: Ints = self._slots[symbol][self._batches(symbol)]
        return slots

    def _batches(self, symbol: str) -> Ints:
        return np.flatnonzero(self._grid.rows[symbol] >= 0)

    def at(self, batch: int) -> dict[str, float]:
        """What each mind's vote weighs at a batch; a mind without an outcome is not named, nor is one that is alone: it
        weighs 1, however well it does."""
        if len(self._agents) == 1:
            return {}
        outcomes, squares, covered = (self._totals[part, :, batch].tolist() for part in range(3))
        scores = [
            Score(agent, horizon, None, n, c / horizon, s / (n * ONE * ONE), 0.0)
            for agent, n, s, c in sorted(zip(self._agents, outcomes, squares, covered, strict=True))
            if n and (horizon := self._config.horizons[agent])
        ]
        return weights(scores, self._config)

    def over(self, begin: int, end: int) -> Floats:
        """The same for a block, minds x batches, but for rounding; 1 for a mind without an outcome."""
        config = self._config
        horizons = np.array([config.horizons.get(agent, 1) for agent in self._agents])[:, None]
        outcomes, squares, covered = self._totals[:, :, begin:end].astype(np.float64)
        independent = covered / horizons
        grown = (independent >= config.min_outcomes) & (outcomes > 0.0)
        skill = 1.0 - squares / np.maximum(outcomes, 1.0) / (ONE * ONE) / 0.25
        believed = np.where(grown, independent / (independent + config.prior_outcomes), 0.0)
        total = believed.sum(axis=0)
        common = np.divide((believed * skill).sum(axis=0), total, out=np.zeros_like(total), where=total > 0.0)
        raw = np.clip(1.0 + config.gain * believed * (skill - common), config.least_weight, config.most_weight)
        count = grown.sum(axis=0)
        mean = np.divide(np.where(grown, raw, 0.0).sum(axis=0), count, out=np.ones_like(total), where=count > 0)
        return np.where(grown, raw / mean, 1.0)


class RunScoring(Scoring):
    """The desk's calibration in a run: looked up.

    Args:
        config: how minds are scored.
        worth: the totals.
    """

    def __init__(self, config: ReflectionConfig, worth: Worth) -> None:
        super().__init__(config)
        self._worth = worth
        self.batch = 0
        """The batch that the desk deliberates on next."""

    @property
    def weights(self) -> Mapping[str, float]:
        """What each mind's vote weighs, by agent; a mind without an outcome is not named."""
        return self._worth.at(self.batch)

    def note(self, batch: BarBatch, ballots: Iterable[Ballot] = ()) -> Snapshot:
        """Nothing: the totals are known."""
        return _NOTHING


def _slots(grid: Grid, symbol: str) -> Ints:
    """The bar intervals since the first bar, by batch; of a batch without a bar, those of the bar before."""
    rows = grid.rows[symbol]
    times = grid.columns[symbol].times
    own = np.concatenate([[0], np.cumsum((np.diff(times) - 1) // grid.interval_ms + 1)])
    found: Ints = own[np.maximum(np.maximum.accumulate(rows), 0)]
    return found
