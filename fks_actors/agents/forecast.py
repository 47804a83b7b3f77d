"""The forecaster: a distribution of the return some bars ahead, as quantiles, and the vote that follows from it.

A model is a port (`Forecaster`); how well it did is kept in `agents.forecast_scores`, and only what beats the naive
baselines is believed: without skill its vote is HOLD with no confidence.

CRPS judges the whole distribution. On hourly BTC/USDT the ensemble's skill lies in the width: of the directions it
voted for, 24 hours ahead from late 2022 to 2024, 49 % came true. So its votes are faint, and the minds' calibration,
which judges directions, weighs them on top.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fks_actors.agents.config import ForecastConfig
from fks_actors.agents.forecast_scores import Figures
from fks_actors.errors import InvariantError
from fks_actors.model.votes import Action, Vote

AGENT = "forecast"

Floats = npt.NDArray[np.float64]
Memory = dict[str, Any]
"""What a model keeps of one series between two forecasts (fitted parameters), JSON-able; empty at the beginning."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The distribution of the cumulative log return `horizon_bars` ahead.

    `levels` rise strictly within 0..1, with the median and both ends of the 90 % interval among them; `quantiles` are
    finite and do not fall.

    Raises:
        InvariantError: one of these does not hold.
    """

    horizon_bars: int
    levels: tuple[float, ...]
    quantiles: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.levels) != len(self.quantiles) or not np.isfinite(self.quantiles).all():
            raise InvariantError(f"a forecast needs a finite quantile for each of its {len(self.levels)} levels")
        if any(b < a for a, b in zip(self.quantiles, self.quantiles[1:], strict=False)):
            raise InvariantError("a forecast's quantiles must not fall")

    def at(self, level: float) -> float:
        """The quantile of a level that the forecast has."""
        return self.quantiles[self.levels.index(level)]


class Forecaster(Protocol):
    """A model of prices. A forecast is a function of the arguments alone: deterministic, synchronous, any thread.

    `forecast` may change `memory`, which it owns; the caller keeps one for each series, and with the same one it
    continues bit for bit. It sees no close after the last one given.
    """

    @property
    def name(self) -> str:
        """Which model this is, for people and metrics."""
        ...

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels of its forecasts."""
        ...

    @property
    def window_bars(self) -> int:
        """How many closes it looks at, at most."""
        ...

    def forecast(self, closes: Floats, horizon_bars: int, bars: int, memory: Memory) -> Forecast:
        """Forecast from a window.

        Args:
            closes: oldest first, up to `window_bars`, positive and finite.
            horizon_bars: how far ahead.
            bars: how many bars of the series there were so far, the last close included.
            memory: what it kept of this series.

        Raises:
            ModelUnavailable: the model failed; nothing is known.
        """
        ...


def p_up(forecast: Forecast) -> float:
    """The probability that the price will be higher: 1 - F(0), with F linear between the quantiles.

    Beyond the outermost quantiles F keeps their level, so that nothing is ever called certain.
    """
    return 1.0 - float(np.interp(0.0, _rising(forecast.quantiles), forecast.levels))


def vote(forecast: Forecast, figures: Figures, symbol: str, ts_ms: int, config: ForecastConfig) -> Vote:
    """Judge a forecast by its figures.

    edge  = 2 * p_up - 1, -1..1
    trust = skill / skill_full, clamped to 0..1; 0 until `min_scored` forecasts were scored
    confidence = trust * min(1, |edge| / edge_full)

    BUY or SELL by the sign of the edge where |edge| >= edge_min and trust > 0; else HOLD, with the confidence
    `hold_confidence * trust`: a model without skill has no weight at all.
    """
    up = p_up(forecast)
    edge = 2.0 * up - 1.0
    trust = trusted(figures, config)
    if abs(edge) >= config.edge_min and trust > 0.0:
        action = Action.BUY if edge > 0.0 else Action.SELL
        confidence = trust * min(1.0, abs(edge) / config.edge_full)
    else:
        action, confidence = Action.HOLD, config.hold_confidence * trust
    facts = (
        ("p_up", up),
        ("median", forecast.at(0.5)),
        ("q05", forecast.at(0.05)),
        ("q95", forecast.at(0.95)),
        ("horizon", float(forecast.horizon_bars)),
        ("scored", float(figures.scored)),
        ("crps", figures.crps),
        ("crps_naive", figures.crps_naive),
        ("crps_drift", figures.crps_drift),
        ("skill", figures.skill),
        ("mase", figures.mase),
        ("coverage", figures.coverage),
        ("trust", trust),
    )
    return Vote(AGENT, symbol, ts_ms, action, confidence, _reason(forecast, figures, up, config), facts)


def trusted(figures: Figures, config: ForecastConfig) -> float:
    """How far a model is believed, 0..1 (see `vote`)."""
    if figures.scored < config.min_scored:
        return 0.0
    return min(max(figures.skill / config.skill_full, 0.0), 1.0)


def _reason(forecast: Forecast, figures: Figures, up: float, config: ForecastConfig) -> str:
    low, high = forecast.at(0.05), forecast.at(0.95)
    said = f"P(up) {up:.1%} in {forecast.horizon_bars} bars, 90 % within {low:+.2%} and {high:+.2%}"
    if figures.scored < config.min_scored:
        return f"{said}; only {figures.scored} of {config.min_scored} forecasts could be scored yet"
    return f"{said}; skill {figures.skill:+.1%} over the naive baselines, coverage {figures.coverage:.1%}"


def _rising(quantiles: Sequence[float]) -> Floats:
    """The quantiles with ties broken around their middle, so that a point mass at 0 is neither up nor down."""
    values = np.asarray(quantiles, np.float64)
    tiny = 1e-15 * (1.0 + float(np.abs(values).max()))
    return values + tiny * (np.arange(len(values)) - (len(values) - 1) / 2.0)
