"""Rolling forecasts over recorded bars, judged afterwards: the forecaster as a mind runs it, its members, baselines."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from fks_actors.adapters.forecast.config import DEFAULT_LEVELS, WINDOW_BARS
from fks_actors.adapters.forecast.statistical import StatisticalForecaster
from fks_actors.agents.config import ForecastConfig
from fks_actors.agents.forecast_scores import crps, drift, scale, seasonal_naive
from fks_actors.desk.forecast_craft import ForecastFeatures
from fks_actors.model.candles import Candle

Floats = npt.NDArray[np.float64]
OURS = "ensemble, conformal"


@dataclass
class Row:
    """What one forecaster scored, a number for each forecast."""

    crps: list[float] = field(default_factory=list)
    mase: list[float] = field(default_factory=list)
    inside: list[bool] = field(default_factory=list)

    def add(self, quantiles: Floats, outcome: float, unit: float) -> None:
        """Judge one forecast."""
        self.crps.append(crps(np.asarray(DEFAULT_LEVELS), quantiles, outcome))
        self.mase.append(abs(outcome - float(quantiles[DEFAULT_LEVELS.index(0.5)])) / unit)
        self.inside.append(bool(quantiles[0] <= outcome <= quantiles[-1]))

    def means(self) -> tuple[float, float, float]:
        """CRPS, MASE, coverage."""
        return float(np.mean(self.crps)), float(np.mean(self.mase)), float(np.mean(self.inside))


@dataclass
class Rolled:
    """The table, and what the mind's bars took (seconds each): on the clock, and of this thread's processor time."""

    rows: dict[str, Row]
    wall_s: list[float]
    cpu_s: list[float]


def roll(
    candles: Sequence[Candle], from_ms: int, every: int = 1, with_members: bool = True, warm: int = 1_000
) -> Rolled:
    """Forecast at every `every`-th bar from `from_ms` on, as far as the outcomes are recorded.

    The mind observes `warm` bars with forecasts before; each forecast sees the window before it and nothing else.
    """
    config = ForecastConfig(every_bars=every)
    horizon, season = config.horizon_bars, config.season_bars
    closes = np.array([candle.close for candle in candles])
    start = next(at for at, candle in enumerate(candles) if candle.ts_ms >= from_ms)
    model, members = StatisticalForecaster(DEFAULT_LEVELS), StatisticalForecaster(DEFAULT_LEVELS)
    features, memory = ForecastFeatures(model, config), {}
    rolled = Rolled({OURS: Row()}, [], [])
    for at in range(max(0, start - warm - WINDOW_BARS), len(candles) - horizon):
        begin, cpu = time.perf_counter(), time.thread_time()
        features.update(candles[at])
        rolled.wall_s.append(time.perf_counter() - begin)
        rolled.cpu_s.append(time.thread_time() - cpu)
        if at < start or features.bars % every or features.forecast is None:
            continue
        window = closes[max(0, at + 1 - WINDOW_BARS) : at + 1]
        outcome, unit = float(np.log(closes[at + horizon] / closes[at])), scale(window, season)
        said: dict[str, Floats] = {}
        if with_members:
            said.update(members.members(window, horizon, features.bars, memory))
            said["ensemble"] = np.mean(list(said.values()), axis=0)
        said["seasonal-naive"] = seasonal_naive(window, horizon, season, DEFAULT_LEVELS)
        said["random walk with drift"] = drift(window, horizon, DEFAULT_LEVELS)
        rolled.rows[OURS].add(np.asarray(features.forecast.quantiles), outcome, unit)
        for name, quantiles in said.items():
            rolled.rows.setdefault(name, Row()).add(quantiles, outcome, unit)
    return rolled
