"""The minds of a run, from the settings alone: those of `agents.minds` that need nothing but bars."""

from collections.abc import Mapping
from typing import Any

from fks_actors.adapters.forecast.factory import open_forecaster
from fks_actors.adapters.forecast.late import LateForecaster
from fks_actors.agents import forecast
from fks_actors.agents.config import MINDS, AgentsConfig
from fks_actors.agents.forecast import Forecaster
from fks_actors.agents.verdict import ASMBTR, SENTIMENT
from fks_actors.desk.crafts import bar_mind
from fks_actors.desk.forecast_craft import forecast_craft
from fks_actors.desk.mind import BarMind
from fks_actors.desk.strategy_craft import strategy_craft
from fks_actors.errors import ConfigError
from fks_actors.settings import Settings
from fks_actors.strategies.config import StrategyConfig, is_strategy_name
from fks_actors.strategies.source import Source, called, installed, load, read_source

COMPOSED = ("council", "debate", "hybrid")
"""Several minds that `contenders` asks for by one name."""

_UNNAMED = "strategies.strategy."


def left_out(settings: Settings) -> tuple[str, ...]:
    """The configured minds that have no part in a run: they need more than bars."""
    return tuple(agent for agent in settings.agents.minds if agent == SENTIMENT)


def council(settings: Settings, interval_ms: int) -> list[BarMind]:
    """The minds, in the configured order.

    Raises:
        ConfigError: a model, a mind or a strategy cannot be opened; the text says what to do.
    """
    return [_mind(agent, settings, interval_ms) for agent in settings.agents.minds if agent != SENTIMENT]


def strategy_source(name: str, settings: Settings) -> Source:
    """The strategy of that name, configured or installed.

    Raises:
        ConfigError: its file cannot be read.
    """
    return read_source(name, settings.strategies.get(name, StrategyConfig()))


def alone(settings: Settings, strategy: str, params: Mapping[str, Any] | None = None) -> Settings:
    """The same settings with one mind that decides alone.

    Args:
        strategy: a built-in mind, a configured or installed strategy, or FILE.py, FILE.py:CLASS. A file's strategy is
            called by its class's `name`, or else as the file.
        params: instead of the configured parameters.

    Raises:
        ConfigError: there is no such strategy, or it cannot be loaded.
    """
    strategies = dict(settings.strategies)
    if strategy.endswith(".py") or ".py:" in strategy:
        config = StrategyConfig(path=strategy, params=params or {})
        try:
            strategy = called(load(read_source("strategy", config)))
        except ConfigError as error:
            raise ConfigError(_of_file(str(error), strategy)) from None
        if strategy in MINDS or not is_strategy_name(strategy):
            raise ConfigError(f"{config.path}: {strategy!r} cannot be its name; set another as the class's `name`")
        strategies[strategy] = config
    elif strategy not in MINDS:
        if strategy not in strategies and strategy not in installed():
            there = ", ".join(dict.fromkeys((*strategies, *installed(), *COMPOSED, *MINDS)))
            raise ConfigError(f"there is no strategy {strategy!r}; there are {there}, and FILE.py or FILE.py:CLASS")
        config = strategies.get(strategy, StrategyConfig())
        strategies[strategy] = config if params is None else config.model_copy(update={"params": params})
        load(read_source(strategy, strategies[strategy]))
    told = settings.agents.model_dump(exclude_unset=True)
    told |= {"minds": (strategy,), "debate": {**told.get("debate", {}), "min_votes": 1}}
    if strategy != ASMBTR:
        told["asmbtr"] = {**told.get("asmbtr", {}), "protect": False}
    return settings.model_copy(update={"agents": AgentsConfig.model_validate(told), "strategies": strategies})


def _of_file(text: str, path: str) -> str:
    """What is wrong with a strategy that no settings name, without the key that it has not got."""
    if not text.startswith(f"{_UNNAMED}params"):
        return text.removeprefix(f"{_UNNAMED}path: ")
    return f"{path}: {text.removeprefix(_UNNAMED)} (a configuration can give params, under strategies)"


def _mind(agent: str, settings: Settings, interval_ms: int) -> BarMind:
    if agent not in MINDS:
        return BarMind(strategy_craft(load(strategy_source(agent, settings)), ends_run=True))
    if agent != forecast.AGENT:
        return bar_mind(agent, settings.market, settings.memory, settings.agents)
    config = settings.agents.forecast.for_bars(interval_ms)
    return BarMind(forecast_craft(_forecaster(settings, config.season_bars), config))


def _forecaster(settings: Settings, season_bars: int) -> Forecaster:
    if settings.forecast.kind == "statistical":
        return LateForecaster(settings.forecast, season_bars)
    return open_forecaster(settings.forecast, season_bars)
