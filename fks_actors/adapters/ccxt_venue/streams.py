"""What the exchange tells by itself: orders, trades and best prices over a websocket, or by asking where that fails.

A stream is only a faster way to hear: whatever it misses is found by asking. While one is down, its part is asked for
every second; after each break everything is compared once.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from fks_actors.adapters.ccxt_venue import translate
from fks_actors.adapters.ccxt_venue.client import Client
from fks_actors.adapters.ccxt_venue.faults import Fault, judge
from fks_actors.adapters.ccxt_venue.tasks import Tasks
from fks_actors.adapters.ccxt_venue.translate import SeenOrder, SeenTrade
from fks_actors.model.markets import Quote

_log = logging.getLogger(__name__)
_POLL_S = 1.0
_SETTLED_S = 2.0
_CALM_MS = 4_000
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0

ORDERS, TRADES, QUOTES = "orders", "trades", "quotes"


class Streams:
    """The streams of one exchange.

    Args:
        heard_orders: takes orders as they change.
        heard_trades: takes our trades.
        quotes: filled with the best prices by symbol.
        moved: hears of every symbol whose price moved.
        missed: compares orders and trades by asking; called while a stream is down and after each break.
    """

    def __init__(
        self,
        client: Client,
        tasks: Tasks,
        symbols: Sequence[str],
        heard_orders: Callable[[list[SeenOrder]], None],
        heard_trades: Callable[[list[SeenTrade]], None],
        quotes: dict[str, Quote],
        moved: Callable[[str], None],
        missed: Callable[[], Awaitable[None]],
    ) -> None:
        self._client = client
        self._tasks = tasks
        self._symbols = list(symbols)
        self._heard_orders = heard_orders
        self._heard_trades = heard_trades
        self._quotes = quotes
        self._moved = moved
        self._missed = missed
        self._up: dict[str, bool] = {}

    @property
    def up(self) -> dict[str, bool]:
        """Which streams are up."""
        return dict(self._up)

    def start(self) -> None:
        """Listen from now on, until the tasks are closed."""
        ccxt, offers = self._client.ccxt, self._client.offers
        self._begin(ORDERS, offers("watchOrders"), lambda: ccxt.watch_orders(), self._orders)
        if offers("watchMyTrades"):
            self._begin(TRADES, True, lambda: ccxt.watch_my_trades(), self._trades)
        if offers("watchBidsAsks"):
            self._begin(QUOTES, True, lambda: ccxt.watch_bids_asks(self._symbols), self._tickers)
        else:
            self._begin(QUOTES, offers("watchTickers"), lambda: ccxt.watch_tickers(self._symbols), self._tickers)
        self._tasks.start("poll", self._poll())

    def _begin(
        self, stream: str, offered: bool, watch: Callable[[], Awaitable[Any]], take: Callable[[Any], None]
    ) -> None:
        self._show(stream, False)
        if offered:
            self._tasks.start(f"stream-{stream}", self._follow(stream, watch, take))

    async def _follow(self, stream: str, watch: Callable[[], Awaitable[Any]], take: Callable[[Any], None]) -> None:
        pause, broke = _FIRST_PAUSE_S, False
        while True:
            try:
                told = await self._next(stream, watch)
                take(told)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  a broken stream raises whatever its socket or parser did
                fault = judge(error)
                if self._up.get(stream) or not broke:
                    _log.warning("%s: stream of %s broke: %s", self._client.venue, stream, fault.reason)
                self._show(stream, False)
                broke = True
                await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311
                pause = min(2 * pause, _LONGEST_PAUSE_S)
                continue
            pause = _FIRST_PAUSE_S
            if broke:
                broke = False
                await self._missed()

    async def _next(self, stream: str, watch: Callable[[], Awaitable[Any]]) -> Any:
        """The next message. A stream that is silent without an error is up: there may be nothing to tell."""
        waiting = asyncio.ensure_future(watch())
        try:
            done, _ = await asyncio.wait({waiting}, timeout=None if self._up.get(stream) else _SETTLED_S)
            if not done:
                self._show(stream, True)
                await self._missed()
            told = await waiting
        finally:
            waiting.cancel()
        self._show(stream, True)
        return told

    def _show(self, stream: str, up: bool) -> None:
        self._up[stream] = up
        self._client.telemetry.gauge("fks_stream_up", self._client.venue, stream).set(float(up))

    def _orders(self, rows: Any) -> None:
        self._heard_orders([seen for row in rows if (seen := translate.seen_order(row)) is not None])

    def _trades(self, rows: Any) -> None:
        self._heard_trades([seen for row in rows if (seen := translate.seen_trade(row)) is not None])

    def _tickers(self, told: Any) -> None:
        rows = told.values() if isinstance(told, dict) and "symbol" not in told else [told]
        for row in rows:
            self._quote(row)

    def _quote(self, row: Any) -> None:
        quote = translate.quote_of(row, self._client.venue_now_ms())
        symbol = row.get("symbol")
        if quote is None or symbol not in self._symbols:
            return
        self._quotes[symbol] = replace(quote, ts_ms=quote.ts_ms - self._client.offset_ms)
        self._moved(symbol)

    async def _poll(self) -> None:
        """Ask for what no stream tells; the more symbols, the less often, so that orders are not held up by it."""
        while True:
            if old := self._old():
                await self.ask_quotes(old)
            if not self._up.get(ORDERS) or not self._up.get(TRADES, True):
                await self._missed()
            await asyncio.sleep(_POLL_S * max(1.0, len(self._symbols) / 2) * random.uniform(0.9, 1.1))  # noqa: S311

    def _old(self) -> list[str]:
        """The symbols whose price is to be asked for: all where no stream tells it, else those that stand still."""
        if not self._up.get(QUOTES):
            return self._symbols
        since_ms = self._client.now_ms() - _CALM_MS
        return [s for s in self._symbols if s not in self._quotes or self._quotes[s].ts_ms < since_ms]

    async def ask_quotes(self, symbols: Sequence[str] = ()) -> None:
        """Ask for the best prices once, of all symbols unless some are named. They bear our clock's time."""
        ccxt, symbols = self._client.ccxt, list(symbols or self._symbols)
        together = self._client.ccxt.has.get("fetchBidsAsks") is True
        if together:
            told = await self._client.ask("quotes", lambda: ccxt.fetch_bids_asks(symbols))
            for row in [] if isinstance(told, Fault) else told.values():
                self._quote(row)
            return
        for symbol in symbols:
            row = await self._client.ask("quotes", partial(ccxt.fetch_ticker, symbol))
            if not isinstance(row, Fault):
                self._quote(row)
