"""Public candles of one exchange, through ccxt. No key is used or needed. ccxt is imported when an exchange is opened.

Whatever goes wrong on the way to the exchange or in its answer is a FeedUnavailable; its cause is the ccxt error.
"""

import asyncio
import importlib
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from fks_actors.adapters.feeds.port import ClockMs
from fks_actors.adapters.feeds.symbols import close_matches
from fks_actors.errors import ConfigError, FeedUnavailable
from fks_actors.model.candles import Candle

T = TypeVar("T")
Rows = Sequence[Sequence[float | None]]

_log = logging.getLogger(__name__)


class Exchange:
    """An open connection. Build it with `connect`, let it go with `close`."""

    def __init__(self, client: Any, trouble: tuple[type[Exception], ...]) -> None:
        self._client = client
        self._trouble = trouble
        self.id: str = client.id
        self.name: str = client.name
        self.page = _page(client)

    @property
    def streams(self) -> bool:
        """Whether the exchange sends candles over a websocket by itself."""
        return self._client.has.get("watchOHLCV") is True

    def check(self, symbols: Iterable[str], timeframe: str, ended: bool = False) -> None:
        """Refuse what the exchange does not offer. `ended`: a market that is traded no more will do.

        Raises:
            ConfigError: an unknown or untraded symbol, or a timeframe that the exchange lacks.
        """
        if timeframe not in self._client.timeframes:
            raise ConfigError(f"{self.id} has no {timeframe} candles; it has {', '.join(self._client.timeframes)}")
        markets = self._client.markets
        for symbol in symbols:
            market = markets.get(symbol)
            if market is None or not market.get("spot"):
                known = [s for s, m in markets.items() if m.get("spot")]
                raise ConfigError(f"{self.id} has no spot market {symbol}{close_matches(symbol, known)}")
            if market.get("active") is False and not ended:
                raise ConfigError(f"{self.id} does not trade {symbol} at present; choose another symbol")

    async def offset_ms(self, clock_ms: ClockMs) -> int:
        """How far the exchange's clock is ahead of `clock_ms`; 0 where it does not tell its time."""
        if self._client.has.get("fetchTime") is not True:
            return 0
        before_ms = clock_ms()
        server_ms: int | None = await self._ask(self._client.fetch_time)
        return server_ms - (before_ms + clock_ms()) // 2 if server_ms else 0

    async def bars(self, symbol: str, timeframe: str, since_ms: int, limit: int) -> list[Candle]:
        """Bars from `since_ms` on, ascending; the last one may still be traded."""
        rows = await self._ask(lambda: self._client.fetch_ohlcv(symbol, timeframe, since_ms, limit))
        found = {c.ts_ms: c for c in candles(symbol, rows) if c.ts_ms >= since_ms}
        return [found[ts] for ts in sorted(found)]

    async def watch(self, symbols: Sequence[str], timeframe: str) -> list[Candle]:
        """Wait for news from the stream: updates of the running bars, ascending for each symbol."""
        if self._client.has.get("watchOHLCVForSymbols") is True:
            told = await self._ask(lambda: self._client.watch_ohlcv_for_symbols([[s, timeframe] for s in symbols]))
            return [c for s, frames in told.items() for rows in frames.values() for c in candles(s, rows)]
        rows = await self._ask(lambda: self._client.watch_ohlcv(symbols[0], timeframe))
        return candles(symbols[0], rows)

    def groups(self, symbols: Sequence[str]) -> list[Sequence[str]]:
        """The symbols that one `watch` may follow together."""
        together = self._client.has.get("watchOHLCVForSymbols") is True
        return [symbols] if together else [[s] for s in symbols]

    def forget(self, symbols: Iterable[str]) -> None:
        """Drop what the library remembers of the stream, so that nothing from before a break is told after it."""
        for symbol in symbols:
            self._client.ohlcvs.pop(symbol, None)

    async def close(self) -> None:
        """Close every connection; may be called twice."""
        try:
            await self._client.close()
        except self._trouble as error:
            _log.warning("closing %s: %s", self.id, error)

    async def load(self) -> None:
        """Read the list of markets."""
        await self._ask(self._client.load_markets)

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await call()
        except self._trouble as error:
            text = str(error).strip().replace("\n", " ")[:200]
            raise FeedUnavailable(f"{self.id}: {type(error).__name__}: {text}") from error


async def connect(exchange_id: str, options: Mapping[str, object] | None = None) -> Exchange:
    """A connection to the exchange with that ccxt id; nothing is sent yet.

    Args:
        options: ccxt's constructor settings (`urls`, `httpsProxy`, `timeout`, ...), merged over ours.

    Raises:
        ConfigError: ccxt knows no such exchange, or it has no candles.
    """
    ccxt = await asyncio.to_thread(importlib.import_module, "ccxt.pro")
    aiohttp = importlib.import_module("aiohttp")
    every: list[str] = importlib.import_module("ccxt").exchanges
    if exchange_id not in every:
        raise ConfigError(f"ccxt knows no exchange {exchange_id!r}{close_matches(exchange_id, every)}")
    home = ccxt if exchange_id in ccxt.exchanges else importlib.import_module("ccxt.async_support")
    client = getattr(home, exchange_id)(
        {"enableRateLimit": True, "timeout": 10_000, "aiohttp_trust_env": True, **(options or {})}
    )
    if client.has.get("fetchOHLCV") is not True:
        await client.close()
        raise ConfigError(f"{exchange_id} offers no public candles; choose another exchange")
    kinds = client.options.get("fetchMarkets")
    if isinstance(kinds, dict) and "spot" in kinds.get("types", ()):
        kinds["types"] = ["spot"]
    strange = (ValueError, TypeError, LookupError, AttributeError)  # an answer that the library cannot parse
    return Exchange(client, (ccxt.BaseError, aiohttp.ClientError, OSError, TimeoutError, *strange))


def candles(symbol: str, rows: Rows) -> list[Candle]:
    """ccxt's rows as candles; a row without a price, or with an impossible one, is left out."""
    found = []
    for row in rows:
        ts, *prices, volume = row[:6]
        if ts is None or any(p is None or not math.isfinite(p) or p <= 0 for p in prices):
            continue
        open_, high, low, close = (float(p) for p in prices if p is not None)
        amount = float(volume or 0.0)
        if low <= min(open_, close) and high >= max(open_, close) and math.isfinite(amount) and amount >= 0:
            found.append(Candle(symbol, int(ts), open_, high, low, close, amount))
    return found


def _page(client: Any) -> int:
    spot = (client.features or {}).get("spot") or {}
    limit = (spot.get("fetchOHLCV") or {}).get("limit")
    return min(1_000, int(limit or 500))
