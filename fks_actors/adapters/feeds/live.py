"""An exchange's public candles as a feed.

A bar counts as closed when the stream has begun the next one, or when the exchange tells it on request after its close.
Requests alone are enough: where there is no stream, or it broke, or a bar is overdue, what is missing is fetched, so a
gap after a reconnect fills itself. A bar that the exchange does not have stays missing; its batch goes without it.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence

from fks_actors.adapters.feeds.config import TIMEFRAMES
from fks_actors.adapters.feeds.exchange import Exchange, connect
from fks_actors.adapters.feeds.ledger import Ledger
from fks_actors.adapters.feeds.port import BEGINNING, Cursor, FeedHealth, FeedInfo, FeedKind, instant
from fks_actors.adapters.feeds.refill import Refill
from fks_actors.adapters.feeds.stream import Streams
from fks_actors.adapters.feeds.timing import LiveTiming
from fks_actors.errors import FeedUnavailable
from fks_actors.model.candles import BarBatch

CATCH_UP_BARS = 10_080


class LiveFeed:
    """Closed bars of one exchange. Build it with `open_live`, inside the event loop that uses it."""

    def __init__(
        self,
        exchange: Exchange,
        symbols: Sequence[str],
        timeframe: str,
        *,
        history_bars: int,
        offset_ms: int,
        reason: str,
        timing: LiveTiming,
        stand_in: str = "",
    ) -> None:
        self._exchange = exchange
        self._symbols = tuple(symbols)
        self._interval_ms = TIMEFRAMES[timeframe]
        self._history_bars = history_bars
        self._timing = timing
        self._news = asyncio.Event()
        self._ledger = Ledger(self._symbols, self._interval_ms, max(history_bars, 2 * exchange.page))
        self._refill = Refill(exchange, timeframe, self._ledger, self._news, timing, offset_ms)
        self._streams = Streams(exchange, self._symbols, timeframe, self._ledger, self._news, timing)
        self._origin_ms = self._seen_ms = self._refill.settled_ms()
        self._missing = 0
        self._info = FeedInfo(
            kind=FeedKind.LIVE,
            name=f"live:{exchange.id}",
            label=_label(exchange, stand_in),
            simulated=bool(stand_in),
            symbols=self._symbols,
            interval_ms=self._interval_ms,
            reason=reason or f"{exchange.id} was asked for",
        )

    def describe(self) -> FeedInfo:
        """The exchange and what is read of it."""
        return self._info

    def health(self) -> FeedHealth:
        """Connected means that the last question was answered; `error` says why not."""
        return FeedHealth(
            connected=not self._refill.failures,
            streaming=self._streams.up,
            reconnects=self._streams.breaks,
            fetched=self._refill.fetched,
            missing=self._missing,
            error=self._refill.error,
        )

    async def history(self) -> list[BarBatch]:
        """The last `history_bars` that had closed when the feed was opened, read page by page.

        Raises:
            FeedUnavailable: the exchange did not answer, three times over.
        """
        first_ms = self._origin_ms - (self._history_bars - 1) * self._interval_ms
        times = range(first_ms, self._origin_ms + 1, self._interval_ms)
        for symbol in self._symbols:
            for ts in times:
                if not self._ledger.knows(symbol, ts):
                    await self._refill.wait_for(symbol, ts)
        found = ((ts, self._ledger.at(ts)) for ts in times)
        return [BarBatch(ts, self._interval_ms, bars) for ts, bars in found if bars]

    async def next(self, after_ms: Cursor, limit: int, wait_s: float) -> list[BarBatch]:
        """Up to `limit` closed batches after the cursor; it reaches back at most `CATCH_UP_BARS` from the opening."""
        cursor = instant(after_ms, self._symbols)
        floor_ms = self._origin_ms - CATCH_UP_BARS * self._interval_ms
        cursor = self._origin_ms if cursor == BEGINNING else max(cursor, floor_ms)
        deadline = time.monotonic() + wait_s
        while True:
            self._news.clear()
            batches, again_s = self._collect(cursor, limit)
            left_s = deadline - time.monotonic()
            if batches or left_s <= 0:
                return batches
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, again_s)):
                    await self._news.wait()

    def exhausted(self, after_ms: Cursor) -> bool:
        """Never."""
        return False

    async def close(self) -> None:
        """End the streams and close every connection."""
        await self._streams.close()
        await self._refill.close()
        await self._exchange.close()

    def _collect(self, cursor: int, limit: int) -> tuple[list[BarBatch], float]:
        """The batches that are complete, and in how many seconds to look again."""
        batches: list[BarBatch] = []
        ts = (cursor // self._interval_ms + 1) * self._interval_ms
        while len(batches) < limit:
            wait_s = self._wait_s(ts)
            if wait_s is not None:
                return batches, wait_s
            bars = self._ledger.at(ts)
            if ts > self._seen_ms:
                self._seen_ms, self._missing = ts, self._missing + len(self._symbols) - len(bars)
            if bars:
                batches.append(BarBatch(ts, self._interval_ms, bars))
            ts += self._interval_ms
        return batches, 0.0

    def _wait_s(self, ts: int) -> float | None:
        """Seconds until it is worth to look at `ts` again; None where all is known of it. Asks for what is overdue."""
        timing = self._timing
        overdue_s = (self._refill.now_ms() - ts - self._interval_ms) / 1000
        if overdue_s < 0:
            return min(timing.poll_s, -overdue_s)
        unknown = self._ledger.unknown(ts)
        if not unknown:
            return None
        early_s = (timing.patience_s if self._streams.up else timing.settle_s) - overdue_s
        if early_s > 0:
            return min(timing.poll_s, early_s)
        self._refill.ask(unknown, ts)
        return timing.poll_s


async def open_live(
    exchange_id: str,
    symbols: Sequence[str],
    timeframe: str = "1m",
    *,
    history_bars: int = 1_440,
    answer_within_s: float = 30.0,
    options: Mapping[str, object] | None = None,
    reason: str = "",
    timing: LiveTiming | None = None,
    stand_in: str = "",
) -> LiveFeed:
    """A feed of `exchange_id`, once it has answered with its markets, its time and a candle.

    Args:
        answer_within_s: for all of that; loading ccxt does not count.
        options: ccxt's constructor settings, such as urls or proxies.
        stand_in: the host and port of a server that only speaks the exchange's API; what it tells counts as simulated.

    Raises:
        ConfigError: an unknown exchange, symbol (close matches are named) or timeframe.
        FeedUnavailable: it did not answer; the cause is the library's error.
    """
    timing = timing or LiveTiming()
    exchange = await connect(exchange_id, options)
    try:
        async with asyncio.timeout(answer_within_s):
            offset_ms = await _greet(exchange, symbols, timeframe, timing)
    except BaseException as error:
        await exchange.close()
        if isinstance(error, TimeoutError | FeedUnavailable):
            kind = "TimeoutError" if isinstance(error, TimeoutError) else type(error.__cause__).__name__
            raise FeedUnavailable(f"{exchange_id} did not answer within {answer_within_s:g} s: {kind}") from error
        raise
    return LiveFeed(
        exchange,
        symbols,
        timeframe,
        history_bars=history_bars,
        offset_ms=offset_ms,
        reason=reason,
        timing=timing,
        stand_in=stand_in,
    )


def _label(exchange: Exchange, stand_in: str) -> str:
    way = "websocket" if exchange.streams else "polled"
    if stand_in:
        return f"SIMULATED candles of a server at {stand_in} that speaks {exchange.name}'s API ({way})"
    return f"live candles of {exchange.name} (public, {way})"


async def probe(
    exchange_id: str, symbol: str, timeout_s: float = 5.0, options: Mapping[str, object] | None = None
) -> str:
    """Ask the exchange for its markets and a candle; empty where it answered, else why not.

    Raises:
        ConfigError: it answered that there is no such symbol, or ccxt knows no such exchange.
    """
    try:
        feed = await open_live(exchange_id, [symbol], answer_within_s=timeout_s, options=options)
    except FeedUnavailable as error:
        return str(error)
    await feed.close()
    return ""


async def _greet(exchange: Exchange, symbols: Sequence[str], timeframe: str, timing: LiveTiming) -> int:
    await exchange.load()
    exchange.check(symbols, timeframe)
    offset_ms = await exchange.offset_ms(timing.clock_ms)
    since_ms = timing.clock_ms() + offset_ms - 3 * TIMEFRAMES[timeframe]
    await exchange.bars(symbols[0], timeframe, since_ms, 3)
    return offset_ms
