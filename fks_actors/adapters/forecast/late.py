"""The statistical ensemble, loaded when it is first asked: its packages take seconds, which a run need not wait for
before its first bar. A live desk loads it when it starts, so that no vote is late."""

from fks_actors.adapters.forecast.config import WINDOW_BARS, ForecastModelConfig
from fks_actors.agents.forecast import Floats, Forecast, Forecaster, Memory


class LateForecaster:
    """agents.forecast.Forecaster: says at once what it is, and forecasts as `StatisticalForecaster` does.

    Args:
        config: of kind statistical.
        season_bars: bars in a day.
    """

    name = "statistical"

    def __init__(self, config: ForecastModelConfig, season_bars: int) -> None:
        self.levels = config.quantile_levels
        self.window_bars = config.window_bars or WINDOW_BARS
        self._config = config
        self._season_bars = season_bars
        self._opened: Forecaster | None = None

    def forecast(self, closes: Floats, horizon_bars: int, bars: int, memory: Memory) -> Forecast:
        """Forecast from a window."""
        if self._opened is None:
            from fks_actors.adapters.forecast.factory import open_forecaster

            self._opened = open_forecaster(self._config, self._season_bars)
        return self._opened.forecast(closes, horizon_bars, bars, memory)
