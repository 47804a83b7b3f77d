"""The crafts that need nothing but bars: which features each mind keeps, and which rules judge them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from fks_actors.agents import asmbtr, long_term, mid_term, short_term
from fks_actors.agents.config import AgentsConfig
from fks_actors.desk.mind import BarMind, Craft, Features, Glance
from fks_actors.errors import ConfigError
from fks_actors.market.config import MarketConfig
from fks_actors.market.features import LongFeatures, MidFeatures, ShortFeatures
from fks_actors.memory.config import MemoryConfig

P = TypeVar("P", bound=BaseModel)
F = TypeVar("F", bound=Features)


def _short(market: MarketConfig, memory: MemoryConfig, agents: AgentsConfig) -> Craft[ShortFeatures]:
    return _specialist(short_term, memory.short, market.short, ShortFeatures, agents.short)


def _mid(market: MarketConfig, memory: MemoryConfig, agents: AgentsConfig) -> Craft[MidFeatures]:
    return _specialist(mid_term, memory.mid, market.mid, MidFeatures, agents.mid)


def _long(market: MarketConfig, memory: MemoryConfig, agents: AgentsConfig) -> Craft[LongFeatures]:
    return _specialist(long_term, memory.long, market.long, LongFeatures, agents.long)


def _specialist(rules: Any, capacity: int, periods: P, features: Callable[[P], F], config: BaseModel) -> Craft[F]:
    """Features that show a view, and the module whose rules judge it."""

    glance: Glance[Any] = Glance(
        lambda held, _: held.view(), lambda view: rules.judge(view, config), lambda view: rules.vote(view, config)
    )
    kept = periods.model_dump(mode="json")
    return Craft(rules.AGENT, capacity, kept, lambda: features(periods), glance.vote, glance=glance)


def _asmbtr(_: MarketConfig, memory: MemoryConfig, agents: AgentsConfig) -> Craft[asmbtr.MoveTable]:
    config = agents.asmbtr
    glance: Glance[asmbtr.MoveTable] = Glance(
        asmbtr.look, lambda odds: asmbtr.judge(odds, config), lambda odds: asmbtr.vote(odds, config)
    )
    return Craft(
        asmbtr.AGENT,
        memory.mid,
        {"depth": config.depth, "decay": config.decay, "min_move": config.min_move},
        lambda: asmbtr.MoveTable(config),
        glance.vote,
        glance=glance,
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
