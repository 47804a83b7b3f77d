"""What the foundation models have in common: a window goes in standardised, native quantiles come out, wrapped as ours.

A model sees the log closes minus their mean, over their deviation, so that single precision is enough for any price.
Levels between its own are interpolated; those beyond its outermost ones go on in a straight line on the scale of the
normal distribution, and `agents.conformal` corrects what that misses. A model has no memory: the window is all.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from statistics import NormalDist
from types import ModuleType

import numpy as np
import numpy.typing as npt

from fks_actors.adapters.forecast.config import ForecastModelConfig
from fks_actors.agents.forecast import Forecast, Memory
from fks_actors.errors import ConfigError, ModelUnavailable

Floats = npt.NDArray[np.float64]
Predict = Callable[[Floats, int], tuple[Sequence[float], Floats]]
"""From standardised values, oldest first, and a horizon: the levels and the quantiles of the value at the horizon."""

WINDOW_BARS = 512


class FoundationForecaster:
    """A foundation model behind the port.

    Args:
        config: levels and window.
        predict: asks the model.
    """

    def __init__(self, config: ForecastModelConfig, predict: Predict) -> None:
        self.name = f"{config.kind}:{Path(config.path).name}"
        self.levels = config.quantile_levels
        self.window_bars = config.window_bars or WINDOW_BARS
        self._predict = predict

    def forecast(self, closes: Floats, horizon_bars: int, bars: int, memory: Memory) -> Forecast:
        """Forecast from a window. Raises ModelUnavailable where the model fails or says what is no number."""
        logs = np.log(closes)
        centre, unit = float(logs.mean()), float(logs.std()) or 1.0
        try:
            levels, native = self._predict((logs - centre) / unit, horizon_bars)
        except ModelUnavailable:
            raise
        except Exception as error:
            raise ModelUnavailable(self.name, f"{type(error).__name__}: {error}") from error
        if not np.isfinite(native).all():
            raise ModelUnavailable(self.name, "the forecast is not finite")
        values = at_levels(self.levels, levels, np.sort(native)) * unit + centre - logs[-1]
        return Forecast(horizon_bars, self.levels, tuple(values.tolist()))


def at_levels(wanted: Sequence[float], levels: Sequence[float], quantiles: Floats) -> Floats:
    """Quantiles at other levels: piecewise linear against the normal score of the level, also beyond both ends."""
    normal = NormalDist()
    have = np.array([normal.inv_cdf(level) for level in levels])
    need = np.array([normal.inv_cdf(level) for level in wanted])
    found = np.interp(need, have, quantiles)
    if len(have) > 1:
        first = (quantiles[1] - quantiles[0]) / (have[1] - have[0])
        last = (quantiles[-1] - quantiles[-2]) / (have[-1] - have[-2])
        found = np.where(need < have[0], quantiles[0] + first * (need - have[0]), found)
        found = np.where(need > have[-1], quantiles[-1] + last * (need - have[-1]), found)
    result: Floats = np.maximum.accumulate(found)
    return result


def package(name: str, how: str) -> ModuleType:
    """An optional package. Raises ConfigError, with `how` to install it, where it is missing or cannot be imported."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError(f"forecast.kind needs the package {name}: {how} ({error})") from error


def weights(config: ForecastModelConfig, needed: str) -> Path:
    """The file `needed` within the configured folder (or the configured file itself).

    Raises:
        ConfigError: it is not there.
    """
    path = Path(config.path).expanduser()
    file = path if path.is_file() else path / needed
    if not file.is_file():
        raise ConfigError(f"forecast.path: {path} is no {config.kind} model: {file} is missing")
    return file


def device(config: ForecastModelConfig, torch: ModuleType) -> str:
    """cpu or cuda. Raises ConfigError where CUDA is asked for and there is none."""
    has_cuda = bool(torch.cuda.is_available())
    if config.device == "cuda" and not has_cuda:
        raise ConfigError("forecast.device: cuda is asked for, but torch finds no CUDA device here")
    return "cuda" if has_cuda and config.device != "cpu" else "cpu"
