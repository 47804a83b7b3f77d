"""One fetch: a connection to an exchange, and the recordings of some symbols in the store, one after the other."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from fks_actors.adapters.exchange_urls import exchange_options
from fks_actors.adapters.feeds.config import TIMEFRAMES, FeedConfig
from fks_actors.adapters.feeds.exchange import Exchange, connect
from fks_actors.adapters.feeds.symbols import symbol_of
from fks_actors.adapters.feeds.timing import LiveTiming
from fks_actors.adapters.recordings.fetch import Wish, fetch, patiently
from fks_actors.adapters.recordings.growing import Growing, Origin, exclusive
from fks_actors.adapters.recordings.store import path_in
from fks_actors.errors import ConfigError

Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What to fetch: bars that open from `since_ms` to before `until_ms` (None: now)."""

    exchange: str
    symbols: tuple[str, ...]
    timeframe: str
    since_ms: int
    until_ms: int | None = None
    base_url: str = ""

    def names(self) -> tuple[str, ...]:
        """The symbols as BASE/QUOTE, each once.

        Raises:
            ConfigError: one is no symbol, or the timeframe or the address is none.
        """
        try:
            FeedConfig(timeframe=self.timeframe, base_url=self.base_url)
        except ValueError:
            known = ", ".join(TIMEFRAMES)
            raise ConfigError(f"--timeframe is one of {known}; --base-url is http://HOST:PORT") from None
        found = {name: symbol_of(name) for name in self.symbols}
        for name, symbol in found.items():
            if symbol is None:
                raise ConfigError(f"{name!r} is no symbol; write BASE/QUOTE, such as BTC/USDT")
        return tuple(dict.fromkeys(symbol for symbol in found.values() if symbol))

    def wish(self, symbol: str, now_ms: int) -> Wish:
        """The bars of one symbol that are closed at `now_ms`.

        Raises:
            ConfigError: there are none.
        """
        interval_ms = TIMEFRAMES[self.timeframe]
        closed_ms = now_ms // interval_ms * interval_ms
        since_ms = -(-self.since_ms // interval_ms) * interval_ms
        until_ms = closed_ms if self.until_ms is None else min(closed_ms, self.until_ms)
        until_ms = -(-until_ms // interval_ms) * interval_ms
        if since_ms >= until_ms:
            raise ConfigError("--since to --until holds no closed bar")
        return Wish(symbol, self.timeframe, interval_ms, since_ms, until_ms)


@dataclass(frozen=True, slots=True)
class Result:
    """One symbol: bars that came now, questions asked, and what the file holds."""

    symbol: str
    fetched: int
    pages: int
    rows: int
    path: Path


async def fetch_all(root: Path, order: Order, told: Told, timing: LiveTiming | None = None) -> list[Result]:
    """Fetch every symbol of the order into the store at `root`.

    Raises:
        ConfigError: the exchange does not know what is wanted, or the store cannot be written.
        FeedUnavailable: it refused, or did not answer; what came is kept.
    """
    timing = timing or LiveTiming()
    symbols, source = order.names(), order.exchange
    options: Mapping[str, Any] | None = None
    if order.base_url:
        options, source = exchange_options(order.exchange, order.base_url), f"{order.exchange} at {order.base_url}"
    exchange = await connect(order.exchange, options)
    try:
        with exclusive(root / order.exchange):
            return await _each(root, order, symbols, exchange, source, timing, told)
    finally:
        await exchange.close()


async def _each(
    root: Path,
    order: Order,
    symbols: tuple[str, ...],
    exchange: Exchange,
    source: str,
    timing: LiveTiming,
    told: Told,
) -> list[Result]:
    await patiently(exchange.load, timing)
    exchange.check(symbols, order.timeframe, ended=True)
    offset_ms = await patiently(lambda: exchange.offset_ms(timing.clock_ms), timing)
    results = []
    for symbol in symbols:
        now_ms = timing.clock_ms() + offset_ms - round(timing.settle_s * 1_000)
        wish = order.wish(symbol, now_ms)
        path = path_in(root, order.exchange, symbol, order.timeframe)
        growing = Growing(path, Origin(source, symbol, order.timeframe), wish.interval_ms, _notes(timing.clock_ms()))
        found = await fetch(exchange, growing, wish, timing, partial(told, symbol))
        results.append(Result(symbol, found.bars, found.pages, growing.rows, path))
    return results


def _notes(now_ms: int) -> dict[str, str]:
    ccxt: Any = importlib.import_module("ccxt")
    at = datetime.fromtimestamp(now_ms / 1_000, UTC).isoformat(timespec="seconds")
    return {"fetched_at": at, "ccxt": str(ccxt.__version__)}
