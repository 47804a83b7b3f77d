"""Opens the model that the configuration names. Each is imported only here and only when it is asked for."""

from importlib import import_module

from fks_actors.adapters.forecast.config import WINDOW_BARS, ForecastModelConfig
from fks_actors.agents.forecast import Forecaster


def open_forecaster(config: ForecastModelConfig, season_bars: int = 24) -> Forecaster:
    """The configured model, loaded and ready.

    Args:
        config: which, and where its weights lie.
        season_bars: bars in a day.

    Raises:
        ConfigError: its package is missing, or the path holds no such model.
    """
    if config.kind == "statistical":
        from fks_actors.adapters.forecast.statistical import StatisticalForecaster

        window = config.window_bars or WINDOW_BARS
        return StatisticalForecaster(config.quantile_levels, window, config.refit_bars, season_bars)
    module = import_module(f"fks_actors.adapters.forecast.{config.kind}")
    opened: Forecaster = module.open_model(config)
    return opened
