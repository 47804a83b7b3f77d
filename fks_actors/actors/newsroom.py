"""What the sentiment actor reads with: one model, what it made of the headlines, and how far files were read.

Made anew when the desk's clock goes back, so that nothing of the future is known; what a bar needs is read again.
"""

from collections.abc import Callable, Sequence

from fks_actors.adapters.news.assets import Assets
from fks_actors.adapters.news.cache import Cache
from fks_actors.adapters.news.factory import Opened
from fks_actors.adapters.news.intake import Intake, Notes
from fks_actors.adapters.news.port import Headline
from fks_actors.adapters.news.scoring import Scorer
from fks_actors.adapters.sentiment.port import SentimentModel
from fks_actors.agents.config import SentimentConfig
from fks_actors.desk.mind_keeper import History
from fks_actors.desk.news_keeper import NewsKeeper
from fks_actors.errors import NewsUnavailable


class Newsroom:
    """Headlines in, ballots out.

    Args:
        bases: the assets of interest.
        weights: what each source's headlines count.
        ttl_s: for how long a score is kept.
    """

    def __init__(
        self,
        model: SentimentModel,
        cache: Cache,
        ttl_s: float,
        config: SentimentConfig,
        bases: Sequence[str],
        weights: dict[str, float],
        notes: Notes,
        history: History,
    ) -> None:
        self.keeper = NewsKeeper(config, model.name, history)
        self._intake = Intake(Scorer(model, cache, ttl_s), Assets(bases), weights, config.window_ms, notes)
        self._read_ms: dict[str, int] = {}

    async def take(self, headlines: Sequence[Headline], now_ms: int) -> None:
        """Take in headlines.

        Raises:
            ModelUnavailable: the model failed; the headlines wait for the next call.
        """
        for asset, scored in await self._intake.take(headlines, now_ms):
            self.keeper.put(asset, scored)

    def is_past(self, close_ms: int) -> bool:
        """Whether more was read than was known at an instant."""
        return any(read_ms > close_ms for read_ms in self._read_ms.values())

    async def read(self, sources: Sequence[Opened], close_ms: int, trouble: Callable[[str, str], None]) -> None:
        """Read on, up to an instant that the sources' clock shows; `trouble` is told of each source ("" for none).

        Raises:
            ModelUnavailable: as `take`.
        """
        found: list[Headline] = []
        for opened in sources:
            name = opened.source.name
            since_ms = self._read_ms.get(name, close_ms - self._intake.reach_ms)
            try:
                found += await opened.source.fetch(since_ms)
            except NewsUnavailable as error:
                trouble(name, error.message)
                continue
            self._read_ms[name] = close_ms
            trouble(name, "")
        await self.take(found, close_ms)
