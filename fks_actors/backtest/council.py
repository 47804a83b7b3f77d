"""The minds of a run, from the settings alone: those of `agents.minds` that need nothing but bars."""

from fks_actors.adapters.forecast.factory import open_forecaster
from fks_actors.adapters.forecast.late import LateForecaster
from fks_actors.agents import forecast
from fks_actors.agents.forecast import Forecaster
from fks_actors.agents.verdict import SENTIMENT
from fks_actors.desk.crafts import bar_mind
from fks_actors.desk.forecast_craft import forecast_craft
from fks_actors.desk.mind import BarMind
from fks_actors.settings import Settings


def left_out(settings: Settings) -> tuple[str, ...]:
    """The configured minds that have no part in a run: they need more than bars."""
    return tuple(agent for agent in settings.agents.minds if agent == SENTIMENT)


def council(settings: Settings, interval_ms: int) -> list[BarMind]:
    """The minds, in the configured order.

    Raises:
        ConfigError: a model or a mind cannot be opened; the text says what to do.
    """
    return [_mind(agent, settings, interval_ms) for agent in settings.agents.minds if agent != SENTIMENT]


def _mind(agent: str, settings: Settings, interval_ms: int) -> BarMind:
    if agent != forecast.AGENT:
        return bar_mind(agent, settings.market, settings.memory, settings.agents)
    config = settings.agents.forecast.for_bars(interval_ms)
    return BarMind(forecast_craft(_forecaster(settings, config.season_bars), config))


def _forecaster(settings: Settings, season_bars: int) -> Forecaster:
    if settings.forecast.kind == "statistical":
        return LateForecaster(settings.forecast, season_bars)
    return open_forecaster(settings.forecast, season_bars)
