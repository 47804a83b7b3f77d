"""The crafts that need nothing but bars: which features each mind keeps, and which rules judge them."""

from collections.abc import Callable, Mapping
from typing import Any

from fks_actors.agents import asmbtr, long_term, mid_term, short_term
from fks_actors.agents.config import AgentsConfig
from fks_actors.desk.mind import BarMind, Craft
from fks_actors.errors import ConfigError
from fks_actors.market.config import MarketConfig
from fks_actors.market.features import LongFeatures, MidFeatures, ShortFeatures
from fks_actors.memory.config import MemoryConfig


def _short(market: MarketConfig, memory: MemoryConfig, agents: AgentsConfig) -> Craft[ShortFeatures]:
    return Craft(
        short_term.AGENT,
        memory.short,
        market.short.model_dump(mode="json"),
        lambda: ShortFeatures(market.short),
        lambda features, _: short_term.vote(features.view(), agents.short),
    )


def _mid(market: MarketConfig, memory: MemoryConfig, agents: AgentsConfig) -> Craft[MidFeatures]:
    return Craft(
        mid_term.AGENT,
        memory.mid,
        market.mid.model_dump(mode="json"),
        lambda: MidFeatures(market.mid),
        lambda features, _: mid_term.vote(features.view(), agents.mid),
    )


def _long(market: MarketConfig, memory: MemoryConfig, agents: AgentsConfig) -> Craft[LongFeatures]:
    return Craft(
        long_term.AGENT,
        memory.long,
        market.long.model_dump(mode="json"),
        lambda: LongFeatures(market.long),
        lambda features, _: long_term.vote(features.view(), agents.long),
    )


def _asmbtr(_: MarketConfig, memory: MemoryConfig, agents: AgentsConfig) -> Craft[asmbtr.MoveTable]:
    config = agents.asmbtr
    return Craft(
        asmbtr.AGENT,
        memory.mid,
        {"depth": config.depth, "decay": config.decay, "min_move": config.min_move},
        lambda: asmbtr.MoveTable(config),
        lambda table, candle: asmbtr.vote(table, candle, config),
    )


_CRAFTS: Mapping[str, Callable[[MarketConfig, MemoryConfig, AgentsConfig], Craft[Any]]] = {
    short_term.AGENT: _short,
    mid_term.AGENT: _mid,
    long_term.AGENT: _long,
    asmbtr.AGENT: _asmbtr,
}


def bar_mind(agent: str, market: MarketConfig, memory: MemoryConfig, agents: AgentsConfig) -> BarMind:
    """The mind of that name.

    Raises:
        ConfigError: no mind of bars has that name.
    """
    if agent not in _CRAFTS:
        raise ConfigError(f"{agent!r} is no mind of bars; there are {', '.join(_CRAFTS)}")
    return BarMind(_CRAFTS[agent](market, memory, agents))
