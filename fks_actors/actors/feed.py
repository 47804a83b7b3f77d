"""The feed: bars from a file, an exchange or the simulated market. It keeps no cursor: the caller names where it is."""

import asyncio
import dataclasses
from collections.abc import Mapping
from typing import Any

from fks_actors.actors.presence import Presence
from fks_actors.adapters.feeds.config import FeedConfig
from fks_actors.adapters.feeds.factory import open_feed
from fks_actors.adapters.feeds.port import Feed
from fks_actors.model.candles import BarBatch


class FeedActor(Presence):
    """Hands out closed bars."""

    def __init__(self, config: FeedConfig) -> None:
        super().__init__("feed")
        self._config = config
        self._opened: Feed | None = None
        self._lock = asyncio.Lock()

    async def info(self) -> dict[str, Any]:
        """What the feed says of itself."""
        return dataclasses.asdict((await self._feed()).describe())

    async def history(self) -> list[BarBatch]:
        """Bars to learn from before trading starts."""
        return await (await self._feed()).history()

    async def next(self, after_ms: Mapping[str, int], limit: int, wait_s: float) -> tuple[list[BarBatch], bool]:
        """Up to `limit` batches after the cursor (none when none came within `wait_s`), and whether the feed has ended
        at this cursor."""
        feed = await self._feed()
        batches = await feed.next(after_ms, limit, wait_s)
        return batches, not batches and feed.exhausted(after_ms)

    async def _feed(self) -> Feed:
        async with self._lock:
            if self._opened is None:
                self._opened = await open_feed(self._config)
            return self._opened
