"""The statistical ensemble: three members, each a location and a spread of its own, averaged quantile by quantile.

    drift   the window's mean return goes on; constant volatility
    ets     a damped trend of the log price (Holt's exponential smoothing, `statsmodels`); volatility by exponential
            smoothing of the squared returns, three memories mixed
    garch   no drift; GJR-GARCH(1,1) with Student's t (`arch`)

All of them see returns whose weekly rhythm of volatility (hour of the week) is taken out, and put it back for the
hours ahead. A member's shape is the distribution of its own past misses over the horizon, in units of the spread that
it would have given (filtered historical simulation: Barone-Adesi, Giannopoulos & Vosper 1999), made symmetric:
direction comes from the locations alone. Averaging quantiles keeps the shape sharp (Lichtendahl et al. 2013).

Parameters are fitted every `refit_bars` and kept in the memory that the caller holds; between fits a forecast filters
its window with them, so it is a function of its arguments. `arch` takes seconds to import: only this module does,
where the model runs.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from arch.univariate import GARCH, StudentsT, ZeroMean
from scipy.signal import lfilter  # type: ignore[import-untyped]
from statsmodels.tsa.holtwinters import Holt  # type: ignore[import-untyped]
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from fks_actors.adapters.forecast.config import WINDOW_BARS
from fks_actors.agents.forecast import Forecast, Memory

Floats = npt.NDArray[np.float64]

_MEMORIES = ((0.97, 0.2), (0.99, 0.3), (0.998, 0.5))
_SMOOTHED_BARS = 672
_LEAST_VARIANCE = 1e-18
_MOST_PERSISTENT = 0.9995
_GARCH_START = (0.02, 0.05, 0.02, 0.91, 5.0)
_HOLT_START = (0.95, 0.0, 0.98)


@dataclass(frozen=True, slots=True)
class _Past:
    """A window, prepared: log closes, returns, the rhythm's factor of each return and of those ahead, and returns
    without it."""

    logs: Floats
    returns: Floats
    rhythm: Floats
    ahead: Floats
    calm: Floats
    horizon: int

    def summed(self, kernel: Floats) -> Floats:
        """For each instant of the window, the rhythm's variance over the bars that follow, weighed by `kernel`."""
        factors = np.concatenate([self.rhythm, self.ahead]) ** 2
        found: Floats = np.convolve(factors, kernel[::-1], "valid")
        return found[-len(self.logs) :]


class StatisticalForecaster:
    """The ensemble.

    Args:
        levels: of the quantiles.
        window_bars: closes that it looks at, at most.
        refit_bars: bars between two fits.
        season_bars: bars a day; the rhythm is a week of them.
    """

    name = "statistical"

    def __init__(
        self, levels: tuple[float, ...], window_bars: int = WINDOW_BARS, refit_bars: int = 168, season_bars: int = 24
    ) -> None:
        self.levels = levels
        self.window_bars = window_bars
        self._refit_bars = refit_bars
        self._season_bars = season_bars
        self._algebra = ThreadpoolController()
        self._sides = np.sign(np.asarray(levels) - 0.5)
        self._inner = np.abs(2.0 * np.asarray(levels) - 1.0)

    def forecast(self, closes: Floats, horizon_bars: int, bars: int, memory: Memory) -> Forecast:
        """Forecast from a window; fits anew where it is time to."""
        members = self.members(closes, horizon_bars, bars, memory)
        mean = np.mean(list(members.values()), axis=0)
        return Forecast(horizon_bars, self.levels, tuple(np.sort(mean).tolist()))

    def members(self, closes: Floats, horizon_bars: int, bars: int, memory: Memory) -> Mapping[str, Floats]:
        """What each member says, its quantiles by its name."""
        # sums in another order, on another number of threads, lead a fit to other parameters
        with self._algebra.limit(limits=1):
            return self._members(closes, horizon_bars, bars, memory)

    def _members(self, closes: Floats, horizon_bars: int, bars: int, memory: Memory) -> Mapping[str, Floats]:
        past = self._prepared(closes, horizon_bars)
        if not memory or bars - memory["fitted"] >= self._refit_bars:
            memory.update(_fitted(past, memory), fitted=bars)
        return {
            "drift": self._quantiles(past, *_drift(past)),
            "ets": self._quantiles(past, *_ets(past, memory["holt"])),
            "garch": self._quantiles(past, *_garch(past, memory["garch"])),
        }

    def _prepared(self, closes: Floats, horizon: int) -> _Past:
        logs = np.log(closes)
        returns = np.diff(logs)
        week = _rhythm(returns, 7 * self._season_bars, self._season_bars // 4)
        rhythm = np.resize(week[::-1], len(returns))[::-1]
        return _Past(logs, returns, rhythm, np.resize(week, horizon), returns / rhythm, horizon)

    def _quantiles(self, past: _Past, location: float, spreads: Floats) -> Floats:
        """Quantiles from where the member stands and what it would have said of its spread at each past instant."""
        horizon = past.horizon
        came = past.logs[horizon:] - past.logs[:-horizon]
        misses = np.abs(came) / spreads[:-horizon]
        found: Floats = location + spreads[-1] * self._sides * np.quantile(misses, self._inner)
        return found


def _rhythm(returns: Floats, period: int, reach: int) -> Floats:
    """The factor of volatility for each bar of the coming week, mean square 1; flat under two weeks.

    Mean squares of each bar of the week, the largest clipped, smoothed over `reach` neighbours on both sides and drawn
    towards 1 where few bars stand behind one.
    """
    weeks = len(returns) // period
    if weeks < 2:
        return np.ones(period)
    squares = returns[-weeks * period :] ** 2
    squares = np.minimum(squares, np.quantile(squares, 0.995))
    means = squares.reshape(weeks, period).mean(axis=0)
    width = 2 * reach + 1
    around = np.concatenate([means[period - reach :], means, means[:reach]])
    smooth = np.convolve(around, np.ones(width) / width, "valid")
    overall = float(smooth.mean())
    if overall <= _LEAST_VARIANCE:
        return np.ones(period)
    trust = weeks * width / (weeks * width + 20.0)
    found: Floats = np.sqrt(trust * smooth / overall + 1.0 - trust)
    return found


def _drift(past: _Past) -> tuple[float, Floats]:
    count, horizon = len(past.returns), past.horizon
    variance = max(float(past.calm.var()), _LEAST_VARIANCE) * (1.0 + horizon / count)
    return float(past.returns.mean()) * horizon, np.sqrt(variance * past.summed(np.ones(horizon)))


def _ets(past: _Past, holt: tuple[float, float, float]) -> tuple[float, Floats]:
    """Holt's damped trend in error-correction form: ETS(A,Ad,N) of Hyndman et al. 2008, its variance by table 6.2."""
    alpha, beta, phi = holt
    logs = past.logs[-_SMOOTHED_BARS:].tolist()
    level, trend = logs[0], 0.0
    for seen in logs[1:]:
        error = seen - level - phi * trend
        level, trend = level + phi * trend + alpha * error, phi * trend + beta * error
    damped = np.cumsum(phi ** np.arange(1, past.horizon + 1))
    location = level + trend * float(damped[-1]) - logs[-1]
    weights = np.concatenate([[1.0], (alpha + beta * damped[:-1]) ** 2])
    squares = past.calm**2
    first = max(float(squares[: max(len(squares) // 10, 1)].mean()), _LEAST_VARIANCE)
    variance = np.zeros(len(squares))
    for keep, share in _MEMORIES:
        variance += share * lfilter([1.0 - keep], [1.0, -keep], squares, zi=[keep * first])[0]
    variance = np.concatenate([[first], variance])
    return location, np.sqrt(np.maximum(variance, _LEAST_VARIANCE) * past.summed(weights[::-1]))


def _garch(past: _Past, fitted: Mapping[str, Any]) -> tuple[float, Floats]:
    """The variance ahead: the long run's plus what is left of the present one's distance (Glosten et al. 1993)."""
    omega, alpha, gamma, beta, _ = fitted["parameters"]
    unit = fitted["unit"]
    shocks = past.calm / unit
    variance = _filtered(shocks, (omega, alpha, gamma, beta))
    coming = omega + (alpha + gamma * (shocks < 0.0)) * shocks**2 + beta * variance
    coming = np.concatenate([variance[:1], coming])
    persistence = min(alpha + gamma / 2.0 + beta, _MOST_PERSISTENT)
    long_run = omega / (1.0 - persistence)
    fading = persistence ** np.arange(past.horizon)
    summed = long_run * past.summed(np.ones(past.horizon)) + (coming - long_run) * past.summed(fading)
    return 0.0, unit * np.sqrt(np.maximum(summed, _LEAST_VARIANCE))


def _filtered(shocks: Floats, parameters: tuple[float, ...]) -> Floats:
    model = GARCH(p=1, o=1, q=1)
    bounds = model.variance_bounds(shocks)
    sigma2 = np.empty(len(shocks))
    found = model.compute_variance(np.asarray(parameters), shocks, sigma2, model.backcast(shocks), bounds)
    return cast(Floats, found)


def _fitted(past: _Past, before: Memory) -> Memory:
    """Parameters from the window, starting at the ones before; those, or usual ones, where a fit fails."""
    spread = float(past.calm.std())
    old = before.get("garch", {"parameters": list(_GARCH_START), "unit": max(spread, 1e-9)})
    if spread <= 1e-9:
        return {"holt": before.get("holt", list(_HOLT_START)), "garch": old}
    with warnings.catch_warnings():  # a start that the optimiser does not take is no trouble: it takes its own
        warnings.simplefilter("ignore")
        return {"holt": _fit_holt(past.logs[-_SMOOTHED_BARS:], before), "garch": _fit_garch(past.calm, spread, old)}


def _fit_garch(calm: Floats, unit: float, before: Mapping[str, Any]) -> dict[str, Any]:
    model = ZeroMean(calm / unit, volatility=GARCH(p=1, o=1, q=1), distribution=StudentsT(), rescale=False)
    start = _inside(before["parameters"])
    try:
        fit = model.fit(disp="off", show_warning=False, starting_values=start, options={"maxiter": 100})
        parameters = np.asarray(fit.params, np.float64)
    except (ValueError, np.linalg.LinAlgError):
        return dict(before)
    if not np.isfinite(parameters).all() or parameters[:4].min() < -1.0 or parameters[0] <= 0.0:
        return dict(before)
    return {"parameters": parameters.tolist(), "unit": unit}


def _inside(parameters: Sequence[float]) -> Floats:
    """A start that the optimiser accepts: well within stationarity."""
    omega, alpha, gamma, beta, nu = parameters
    beta = min(beta, 0.99 - alpha - gamma / 2.0)
    return np.asarray([omega, alpha, gamma, beta, min(max(nu, 2.5), 100.0)])


def _fit_holt(logs: Floats, before: Memory) -> list[float]:
    model = Holt(logs - logs[0], damped_trend=True, initialization_method="known", initial_level=0.0, initial_trend=0.0)
    try:
        params = model.fit().params
    except (ValueError, np.linalg.LinAlgError):
        return list(before.get("holt", _HOLT_START))
    found = [float(params[key]) for key in ("smoothing_level", "smoothing_trend", "damping_trend")]
    if not all(np.isfinite(found)):
        return list(before.get("holt", _HOLT_START))
    return found
