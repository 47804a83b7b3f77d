"""Asks the sources of a live desk for news, each in its own rhythm, in the background.

A source that fails is asked again when it wants to be, and delays no other; so does a model that fails.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from fks_actors.adapters.news.factory import Opened
from fks_actors.adapters.news.port import Headline
from fks_actors.errors import FksError, NewsUnavailable

_log = logging.getLogger(__name__)
_LEAST_PAUSE_S = 1.0

Take = Callable[[Sequence[Headline]], Awaitable[None]]


class Poller:
    """The sources of a live desk.

    Args:
        take: takes headlines in.
        reach_ms: how far back the sources are asked.
        age: told how old a source's newest headline is, seconds.
        sleep: the loop's pause.
    """

    def __init__(
        self,
        sources: Sequence[Opened],
        take: Take,
        reach_ms: int,
        now_ms: Callable[[], int],
        age: Callable[[str, float], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sources = tuple(sources)
        self._take = take
        self._reach_ms = reach_ms
        self._now_ms = now_ms
        self._age = age
        self._sleep = sleep
        self._newest_ms: dict[str, int] = {}
        self.troubles: dict[str, str] = {}
        """What keeps a source from giving headlines, by its name; those that do are absent."""

    async def run(self) -> None:
        """Poll for ever."""
        async with asyncio.TaskGroup() as group:
            for opened in self._sources:
                group.create_task(self._forever(opened), name=f"news {opened.source.name}")

    async def once(self, opened: Opened) -> float:
        """Ask a source once; the seconds until it is to be asked again."""
        name = opened.source.name
        pause_s, trouble = opened.every_s, ""
        try:
            headlines = await opened.source.fetch(self._now_ms() - self._reach_ms)
            newest_ms = max((h.published_ms for h in headlines), default=0)
            self._newest_ms[name] = max(newest_ms, self._newest_ms.get(name, 0))
            await self._take(headlines)
        except NewsUnavailable as error:
            pause_s, trouble = error.retry_after_s or opened.every_s, error.message
        except FksError as error:
            trouble = str(error)
        except Exception as error:  # noqa: BLE001 (one source's oddity must not end the polling of the others)
            trouble = f"{type(error).__name__}"
            _log.exception("the news source %s failed", name)
        self._tell(name, trouble)
        return max(_LEAST_PAUSE_S, pause_s)

    async def _forever(self, opened: Opened) -> None:
        while True:
            await self._sleep(await self.once(opened))

    def _tell(self, name: str, trouble: str) -> None:
        if self._newest_ms.get(name):
            self._age(name, max(0.0, (self._now_ms() - self._newest_ms[name]) / 1_000))
        if not trouble:
            if self.troubles.pop(name, None):
                _log.info("the news source %s answers again", name)
            return
        if name not in self.troubles:
            _log.warning("the news source %s is degraded: %s", name, trouble)
        self.troubles[name] = trouble
