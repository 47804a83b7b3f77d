"""Candles over a websocket, into the ledger. A stream that breaks is opened again, for as long as the feed lives."""

import asyncio
import logging
from collections.abc import Sequence

from fks_actors.adapters.feeds.exchange import Exchange
from fks_actors.adapters.feeds.ledger import Ledger
from fks_actors.adapters.feeds.timing import LiveTiming
from fks_actors.errors import FeedUnavailable

_log = logging.getLogger(__name__)


class Streams:
    """Follows `symbols`; sets `news` when a bar has closed. Does nothing where the exchange has no stream."""

    def __init__(
        self,
        exchange: Exchange,
        symbols: Sequence[str],
        timeframe: str,
        ledger: Ledger,
        news: asyncio.Event,
        timing: LiveTiming,
    ) -> None:
        self._exchange = exchange
        self._timeframe = timeframe
        self._ledger = ledger
        self._news = news
        self._timing = timing
        self.breaks = 0
        groups = exchange.groups(symbols) if exchange.streams else []
        self._up = [False] * len(groups)
        self._tasks = [asyncio.create_task(self._follow(i, group)) for i, group in enumerate(groups)]

    @property
    def up(self) -> bool:
        """Whether every stream has spoken since it was last opened."""
        return bool(self._up) and all(self._up)

    async def close(self) -> None:
        """End the streams; may be called twice."""
        tasks, self._tasks, self._up = self._tasks, [], []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, number: int, symbols: Sequence[str]) -> None:
        attempt = 0
        while True:
            try:
                candles = await self._exchange.watch(symbols, self._timeframe)
            except FeedUnavailable as error:
                attempt += 1
                await self._broken(number, symbols, attempt, error)
                continue
            attempt, self._up[number] = 0, True
            if any([self._ledger.stream(candle) for candle in candles]):
                self._news.set()

    async def _broken(self, number: int, symbols: Sequence[str], attempt: int, error: FeedUnavailable) -> None:
        self.breaks += self._up[number]
        self._up[number] = False
        self._ledger.interrupted(symbols)
        self._exchange.forget(symbols)
        pause_s = self._timing.backoff_s(attempt)
        _log.warning("candle stream broke (%s); reconnecting in %.1f s, polling meanwhile", error, pause_s)
        await self._timing.sleep(pause_s)
