"""How good forecasts were: CRPS, MASE and the coverage of the 90 % interval, beside two baselines at the same instants.

Nothing is scored before its horizon has passed. What was scored fades with a half-life, so that the figures are those
of the recent past.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LOW, HIGH = 0.05, 0.95
"""The levels that bound the 90 % interval."""


def crps(levels: Floats, quantiles: Floats, outcome: float) -> float:
    """The continuous ranked probability score of a forecast given by quantiles; lower is better, 0 is perfect.

    CRPS(F, y) = 2 * integral over the levels of the pinball loss (1{y <= q} - level) * (q - y) (Gneiting & Raftery
    2007, JASA 102:359, sections 4.2 and 6.1); the integral by the mean over evenly spaced levels. Unit: the outcome's.
    """
    missed = outcome - quantiles
    return 2.0 * float(np.maximum(levels * missed, (levels - 1.0) * missed).mean())


def seasonal_naive(closes: Floats, horizon_bars: int, season_bars: int, levels: Sequence[float]) -> Floats:
    """Quantiles of the log return by the same hour yesterday: the last close of the same season, known now.

    y(t+h) = y(t+h-m*k) with k = the least whole number of seasons m that reaches back to t, and around it the
    empirical quantiles of what this forecast missed by over the window, their mean taken out (Hyndman &
    Athanasopoulos, Forecasting 3rd ed., 5.2 and 5.5, with bootstrapped residuals). At h = m: the price stays.
    """
    logs = np.log(closes)
    lag = season_bars * -(-horizon_bars // season_bars)
    point = logs[-1 - (lag - horizon_bars)] - logs[-1]
    missed = logs[lag:] - logs[:-lag]
    found: Floats = point + np.quantile(missed - missed.mean(), levels)
    return found


def drift(closes: Floats, horizon_bars: int, levels: Sequence[float]) -> Floats:
    """Quantiles of the log return by a random walk with drift: the window's mean return goes on.

    Normal, with variance s^2 * h * (1 + h / n) over n returns (Hyndman & Athanasopoulos, 3rd ed., 5.5).
    """
    returns = np.diff(np.log(closes))
    spread = float(returns.std()) * np.sqrt(horizon_bars * (1.0 + horizon_bars / len(returns)))
    normal = np.array([NormalDist().inv_cdf(level) for level in levels])
    found: Floats = float(returns.mean()) * horizon_bars + spread * normal
    return found


def scale(closes: Floats, season_bars: int) -> float:
    """The mean absolute error of the seasonal-naive forecast in the window: MASE's unit (Hyndman & Koehler 2006)."""
    logs = np.log(closes)
    return float(np.abs(logs[season_bars:] - logs[:-season_bars]).mean())


@dataclass(frozen=True, slots=True)
class Figures:
    """What the scores say. `skill` = 1 - CRPS / the better baseline's, at most 1, 0 where nothing was scored; CRPS in
    log return; MASE against the seasonal-naive forecast; `coverage` of the 90 % interval, 0..1."""

    scored: int = 0
    crps: float = 0.0
    crps_naive: float = 0.0
    crps_drift: float = 0.0
    mase: float = 0.0
    coverage: float = 0.0

    @property
    def skill(self) -> float:
        """1 - CRPS / the better baseline's."""
        best = min(self.crps_naive, self.crps_drift)
        return 1.0 - self.crps / best if best > 0.0 else 0.0


@dataclass(slots=True)
class Scores:
    """The faded sums.

    Args:
        levels: the forecasts' levels; 0.05 and 0.95 are among them.
        horizon_bars: how far ahead.
        season_bars: bars in a season.
        fade: what a score still counts after one more, 0..1.
    """

    levels: tuple[float, ...]
    horizon_bars: int
    season_bars: int
    fade: float
    scored: int = 0
    _weight: float = 0.0
    _crps: float = 0.0
    _naive: float = 0.0
    _drift: float = 0.0
    _mase: float = 0.0
    _covered: float = 0.0

    def score(self, closes: Floats, quantiles: Floats, outcome: float) -> None:
        """Take in a forecast whose horizon has passed.

        Args:
            closes: the window that it was made from, its last close the one that it starts at.
            quantiles: what it said.
            outcome: the log return that came.
        """
        levels = np.asarray(self.levels)
        naive = seasonal_naive(closes, self.horizon_bars, self.season_bars, self.levels)
        walk = drift(closes, self.horizon_bars, self.levels)
        unit = scale(closes, self.season_bars)
        missed = abs(outcome - float(quantiles[self.levels.index(0.5)]))
        inside = quantiles[self.levels.index(LOW)] <= outcome <= quantiles[self.levels.index(HIGH)]
        self.scored += 1
        self._weight = self._weight * self.fade + 1.0
        self._crps = self._crps * self.fade + crps(levels, quantiles, outcome)
        self._naive = self._naive * self.fade + crps(levels, naive, outcome)
        self._drift = self._drift * self.fade + crps(levels, walk, outcome)
        self._mase = self._mase * self.fade + (missed / unit if unit > 0.0 else 0.0)
        self._covered = self._covered * self.fade + float(inside)

    def figures(self) -> Figures:
        """The faded means."""
        if not self.scored:
            return Figures()
        parts = (self._crps, self._naive, self._drift, self._mase, self._covered)
        return Figures(self.scored, *(part / self._weight for part in parts))

    def state(self) -> dict[str, Any]:
        """The sums, JSON-able."""
        return {name: getattr(self, name) for name in _SUMS}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state()`."""
        for name in _SUMS:
            setattr(self, name, type(getattr(self, name))(state[name]))


_SUMS = tuple(field.name for field in fields(Scores))[4:]
