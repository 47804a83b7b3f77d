"""Every mind of a desk in this process, over whatever journal it is rebuilt from."""

from collections.abc import Callable
from typing import Any

from fks_actors.actors.forecaster import ForecasterActor
from fks_actors.actors.sentiment import Outside, SentimentActor
from fks_actors.actors.wiring import NewsRooms
from fks_actors.adapters.sentiment.factory import open_model
from fks_actors.agents import forecast, sentiment
from fks_actors.desk.crafts import bar_mind
from fks_actors.desk.mind_keeper import History, MindKeeper
from fks_actors.settings import Settings


def all_minds(settings: Settings, symbols: tuple[str, ...], interval_ms: int) -> Callable[[History], dict[str, Any]]:
    """Builds the minds that a replay of these symbols and bars has, by name."""
    rooms = NewsRooms(settings.news, settings.sentiment, settings.agents.sentiment, symbols, live=False)

    def build(journal: History) -> dict[str, Any]:
        return {agent: mind(agent, journal) for agent in settings.agents.minds}

    def mind(agent: str, journal: History) -> Any:
        if agent == sentiment.AGENT:
            return SentimentActor(rooms, "none", Outside(journal, lambda: open_model(settings.sentiment)))
        if agent == forecast.AGENT:
            config = settings.agents.forecast.for_bars(interval_ms)
            return ForecasterActor(settings.forecast, config, "none", journal)
        return MindKeeper(agent, bar_mind(agent, settings.market, settings.memory, settings.agents), journal)

    return build
