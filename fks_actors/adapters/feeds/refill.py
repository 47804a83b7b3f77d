"""Candles by request, into the ledger: history, and whatever the stream did not tell."""

import asyncio
import logging
import time
from collections.abc import Sequence

from fks_actors.adapters.feeds.config import TIMEFRAMES
from fks_actors.adapters.feeds.exchange import Exchange
from fks_actors.adapters.feeds.ledger import Ledger
from fks_actors.adapters.feeds.timing import LiveTiming
from fks_actors.errors import FeedUnavailable

_log = logging.getLogger(__name__)


class Refill:
    """Asks the exchange for bars, one question at a time; sets `news` when one was answered or failed.

    Args:
        offset_ms: how far the exchange's clock is ahead of ours.
    """

    def __init__(
        self,
        exchange: Exchange,
        timeframe: str,
        ledger: Ledger,
        news: asyncio.Event,
        timing: LiveTiming,
        offset_ms: int,
    ) -> None:
        self._exchange = exchange
        self._timeframe = timeframe
        self._interval_ms = TIMEFRAMES[timeframe]
        self._ledger = ledger
        self._news = news
        self._timing = timing
        self._offset_ms = offset_ms
        self._task: asyncio.Task[None] | None = None
        self._ask_again_s = 0.0
        self.failures = 0
        self.fetched = 0
        self.error = ""

    def now_ms(self) -> int:
        """The exchange's time, UTC ms."""
        return self._timing.clock_ms() + self._offset_ms

    def settled_ms(self) -> int:
        """The last open time whose bar closed longer than the grace ago."""
        upto_ms = self.now_ms() - round(self._timing.grace_s * 1000)
        return (upto_ms // self._interval_ms - 1) * self._interval_ms

    def ask(self, symbols: Sequence[str], since_ms: int) -> None:
        """Start to fetch what opened from `since_ms` on; nothing where a question is under way or it is too soon."""
        busy = self._task is not None and not self._task.done()
        if not busy and time.monotonic() >= self._ask_again_s:
            self._task = asyncio.create_task(self._fetch_all(symbols, since_ms))

    async def wait_for(self, symbol: str, since_ms: int) -> None:
        """Fetch one page, trying three times.

        Raises:
            FeedUnavailable: the exchange did not answer.
        """
        for _ in range(2):
            try:
                return await self._fetch(symbol, since_ms)
            except FeedUnavailable as error:
                await self._timing.sleep(self._failed(error))
        return await self._fetch(symbol, since_ms)

    async def close(self) -> None:
        """End the question that is under way; may be called twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _fetch_all(self, symbols: Sequence[str], since_ms: int) -> None:
        pause_s = self._timing.poll_s
        try:
            for symbol in symbols:
                await self._fetch(symbol, since_ms)
        except FeedUnavailable as error:
            pause_s = self._failed(error)
        self._ask_again_s = time.monotonic() + pause_s
        self._news.set()

    async def _fetch(self, symbol: str, since_ms: int) -> None:
        """Read a page and note what it proves: bars before its last are final, and there are no others before it."""
        interval_ms, page = self._interval_ms, self._exchange.page
        asked_ms, settled_ms = self.now_ms(), self.settled_ms()
        bars = await self._exchange.bars(symbol, self._timeframe, since_ms, page)
        self.failures, self.error = 0, ""
        if not bars:
            self._ledger.cover(symbol, since_ms, min(since_ms + (page - 1) * interval_ms, settled_ms))
            return
        last_ms = bars[-1].ts_ms
        final_ms = asked_ms - interval_ms - round(self._timing.settle_s * 1000)
        self.fetched += self._ledger.store(b for b in bars if b.ts_ms < last_ms or b.ts_ms <= final_ms)
        self._ledger.cover(symbol, since_ms, last_ms - interval_ms)

    def _failed(self, error: FeedUnavailable) -> float:
        self.failures += 1
        self.error = str(error)
        pause_s = self._timing.backoff_s(self.failures)
        _log.warning("no candles (%s); next try in %.1f s", error, pause_s)
        return pause_s
