"""The quality gate of a run: `market.quality.QualityGate`, whose words on every bar were computed beforehand."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fks_actors.adapters.feeds.columns import Columns
from fks_actors.backtest.grid import Bools, Grid
from fks_actors.backtest.kernels.quality import NO_VOLUME, SPIKE, VOLUME, Judged, judged
from fks_actors.desk.data_quality import GateOf
from fks_actors.errors import InvariantError
from fks_actors.market.config import QualityConfig
from fks_actors.market.health import WEIGHTS
from fks_actors.market.quality import Flag, Quality, QualityGate
from fks_actors.model.candles import Candle

_BITS = ((SPIKE, Flag.SPIKE), (NO_VOLUME, Flag.NO_VOLUME), (VOLUME, Flag.VOLUME))
FLAGS: tuple[tuple[Flag, ...], ...] = tuple(
    tuple(flag for bit, flag in _BITS if bits & bit) for bits in range(SPIKE | NO_VOLUME | VOLUME + 1)
)
"""The flags by their bits, in the order in which the gate tells them."""


class ColumnGate(QualityGate):
    """A gate that looks its words up."""

    __slots__ = ("_at", "_found", "_times")

    def __init__(self, config: QualityConfig, interval_ms: int, columns: Columns, found: Judged) -> None:
        super().__init__(config, interval_ms)
        self._times, self._found, self._at = columns.times, found, -1

    def judge(self, candle: Candle, now_ms: int | None = None) -> Quality:
        """The word on the next bar.

        Raises:
            InvariantError: it is not the next one, or is to be judged against a clock.
        """
        at = self._at + 1
        if now_ms is not None or self._times[at] != candle.ts_ms:
            raise InvariantError(f"{candle.symbol}@{candle.ts_ms} is not the next bar of the run")
        self._at, self._last_ms = at, candle.ts_ms
        missing = int(self._found.missing[at])
        flags = FLAGS[self._found.flags[at]]
        return Quality((Flag.GAP, *flags) if missing else flags, missing)

    def skip(self, bars: int) -> None:
        """Pass over bars that need not be judged again."""
        self._at += bars
        self._last_ms = int(self._times[self._at])

    @property
    def deviation(self) -> float:
        """Standard deviation of the log returns a bar; 0.0 until enough of them were seen."""
        return float(self._found.deviation[self._at]) if self._at >= 0 else 0.0


class RunQuality:
    """The gates of a run, and which of its batches nothing is wrong with.

    Args:
        grid: the bars, all usable.
        config: the limits.
    """

    def __init__(self, grid: Grid, config: QualityConfig) -> None:
        self._grid = grid
        self._found = {s: judged(c, grid.interval_ms, config) for s, c in grid.columns.items()}
        self.harmless = grid.whole.copy()
        self.flags: Mapping[str, npt.NDArray[np.uint8]] = {s: self._by_batch(s) for s in grid.symbols}
        """By symbol, the bits of each batch's bar; 0 where it has none."""
        for symbol in grid.symbols:
            self.harmless &= self._fine(symbol, config)

    def gate_of(self) -> GateOf:
        """Makes the gates for a desk."""

        def make(symbol: str, config: QualityConfig, interval_ms: int) -> QualityGate:
            return ColumnGate(config, interval_ms, self._grid.columns[symbol], self._found[symbol])

        return make

    def _by_batch(self, symbol: str) -> npt.NDArray[np.uint8]:
        rows = self._grid.rows[symbol]
        return np.where(rows >= 0, self._found[symbol].flags[rows], np.uint8(0))

    def _fine(self, symbol: str, config: QualityConfig) -> Bools:
        """Where no bar is missing, the price is plausible, and no flag can make the source fail."""
        found, rows = self._found[symbol], self._grid.rows[symbol]
        harmless = np.array([1.0 - sum(WEIGHTS[flag] for flag in flags) >= config.fail_under for flags in FLAGS])
        fine = (found.missing == 0) & found.plausible & harmless[found.flags]
        fine[0] = False  # the first bar makes the gate
        there: Bools = fine[rows] & (rows >= 0)
        return there
