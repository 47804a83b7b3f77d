"""The cycles of batches that were passed over, as the desk would have recorded them: the minds are shown the bars again."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from fks_actors.agents.config import DebateConfig
from fks_actors.backtest.ahead import Ahead
from fks_actors.backtest.grid import Grid
from fks_actors.backtest.passed import Passed, Rows, Telling
from fks_actors.backtest.quality import FLAGS, RunQuality
from fks_actors.desk.config import PAPER
from fks_actors.desk.mind import Craft
from fks_actors.desk.ports import Deliberation
from fks_actors.desk.proposals import cycle_records, from_verdict
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import CycleRecord
from fks_actors.model.votes import Action, Verdict
from fks_actors.risk.messages import RiskRuling, Unneeded
from fks_actors.risk.sizing import NO_POSITION, POSITION_HELD

WeightsAt = Callable[[int], Mapping[str, float]]
"""What each mind's vote weighed at a batch."""

_BLOCK = 4_096


class Retold:
    """Tells a run's cycles again.

    Args:
        grid: its bars.
        quality: what was wrong with them.
        crafts: makes its minds anew.
        config: how the votes are weighed.
        weights: what each weighed.
    """

    def __init__(
        self,
        grid: Grid,
        quality: RunQuality,
        crafts: Callable[[], Sequence[Craft]],
        config: DebateConfig,
        weights: WeightsAt,
    ) -> None:
        self._grid, self._quality, self._crafts = grid, quality, crafts
        self._config, self._weights = config, weights

    def cycles(self, kept: Sequence[CycleRecord | Passed]) -> Rows[CycleRecord]:
        """All of them."""
        width = len(self._grid.symbols)
        length = sum((row.end - row.begin) * width if isinstance(row, Passed) else 1 for row in kept)
        return Rows(kept, length, self._telling)

    def _telling(self) -> Telling[CycleRecord]:
        ahead = Ahead(self._crafts(), self._grid, self._config)
        ahead.show(0, self._grid.begin)
        seen = self._grid.begin

        def tell(row: Passed) -> Iterator[CycleRecord]:
            nonlocal seen
            if seen < row.begin:
                ahead.show(seen, row.begin)
            for begin in range(row.begin, row.end, _BLOCK):
                end = min(begin + _BLOCK, row.end)
                ahead.look(begin, end)
                for at, batch in enumerate(self._grid.batches(begin, end), begin):
                    yield from self._records(ahead.said(at, batch, self._weights(at)), at, batch)
            seen = row.end

        return tell

    def _records(self, said: Deliberation, at: int, batch: BarBatch) -> tuple[CycleRecord, ...]:
        flags = {c.symbol: FLAGS[self._quality.flags[c.symbol][at]] for c in batch.candles}
        candles = {c.symbol: c for c in batch.candles}
        rulings: dict[str, RiskRuling] = {}
        for verdict in said.verdicts:
            for proposal in from_verdict(verdict, candles[verdict.symbol], batch.close_ms, (PAPER,))[:1]:
                rulings[verdict.symbol] = Unneeded(proposal, _why(verdict))
        return cycle_records(batch, said, rulings, flags)


def _why(verdict: Verdict) -> str:
    return POSITION_HELD if verdict.action is Action.BUY else NO_POSITION
