"""The market streams: each gives, when it is asked, what is new since it was asked last.

Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
"""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from fks_actors.adapters.exchange_sim.board import Board
from fks_actors.adapters.exchange_sim.codes import VenueRefusal
from fks_actors.adapters.exchange_sim.market_api import agg_row, book_row, day_row, interval_of
from fks_actors.adapters.exchange_sim.markets import str8
from fks_actors.adapters.exchange_sim.prices import Bar
from fks_actors.adapters.exchange_sim.wire import levels
from fks_actors.model.orders import ZERO, Side

if TYPE_CHECKING:
    from fks_actors.adapters.exchange_sim.venue import Venue

Row = dict[str, Any]
_NAME = re.compile(r"([a-z0-9]+)@(\w+?)(?:@(100|1000)ms)?")
_DEEPEST = 5_000
_TICKER_MS, _KLINE_MS, _ARRAY = 1_000, 200, ("!ticker@arr", "!miniTicker@arr")


class Channel(Protocol):
    """One stream."""

    def news(self, now_ms: int) -> list[Any]:
        """The messages since the last call."""


def open_channel(venue: "Venue", name: str) -> Channel | None:
    """The stream of a name; None where there is no such stream."""
    if name in _ARRAY:
        return _AllTickers(venue, mini=name == "!miniTicker@arr")
    found = _NAME.fullmatch(name)
    board = venue.engine.boards.get(found[1].upper()) if found else None
    if found is None or board is None:
        return None
    kind, every_ms = found[2], int(found[3] or 1_000)
    if kind.startswith("kline_"):
        try:
            return _Klines(venue, board, kind.removeprefix("kline_"))
        except VenueRefusal:
            return None
    if kind.removeprefix("depth").isdigit():
        return _PartialDepth(board, int(kind.removeprefix("depth")), every_ms)
    if kind == "depth":
        return _Depth(board, every_ms)
    return _simple(venue, board, kind)


def _simple(venue: "Venue", board: Board, kind: str) -> Channel | None:
    if kind == "bookTicker":
        return _BookTicker(board)
    if kind in ("trade", "aggTrade"):
        return _Trades(board, kind)
    if kind in ("ticker", "miniTicker"):
        return _Ticker(venue, board, mini=kind == "miniTicker")
    return None


class _BookTicker:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._sent: Row = {}

    def news(self, now_ms: int) -> list[Any]:
        row = book_row(self._board)
        if row == self._sent:
            return []
        self._sent = row
        names = {"s": "symbol", "b": "bidPrice", "B": "bidQty", "a": "askPrice", "A": "askQty"}
        return [{"u": self._board.version, **{short: row[name] for short, name in names.items()}}]


class _Trades:
    def __init__(self, board: Board, kind: str) -> None:
        self._board = board
        self._kind = kind
        self._seen = board.trades[-1].trade_id if board.trades else 0

    def news(self, now_ms: int) -> list[Any]:
        new = [t for t in self._board.trades if t.trade_id > self._seen]
        if new:
            self._seen = new[-1].trade_id
        head = {"e": self._kind, "E": now_ms, "s": self._board.market.name}
        if self._kind == "aggTrade":
            return [{**head, **agg_row(t)} for t in new]
        rows = (
            {"t": t.trade_id, "p": str8(t.price), "q": str8(t.quantity), "T": t.ts_ms, "m": t.buyer_maker} for t in new
        )
        return [{**head, **row, "M": True} for row in rows]


class _Ticker:
    def __init__(self, venue: "Venue", board: Board, *, mini: bool) -> None:
        self._venue = venue
        self._board = board
        self._mini = mini
        self._due_ms = 0

    def news(self, now_ms: int) -> list[Any]:
        if now_ms < self._due_ms:
            return []
        self._due_ms = now_ms + _TICKER_MS
        return [_ticker(self._venue, self._board, now_ms, self._mini)]


class _AllTickers:
    def __init__(self, venue: "Venue", *, mini: bool) -> None:
        self._venue = venue
        self._mini = mini
        self._due_ms = 0

    def news(self, now_ms: int) -> list[Any]:
        if now_ms < self._due_ms:
            return []
        self._due_ms = now_ms + _TICKER_MS
        return [[_ticker(self._venue, b, now_ms, self._mini) for b in self._venue.engine.boards.values()]]


class _Klines:
    def __init__(self, venue: "Venue", board: Board, interval: str) -> None:
        self._board = board
        self._interval = interval
        self._interval_ms = interval_of(venue, board.market.name, interval)
        self._tape = venue.tapes[board.market.name]
        self._start = venue.now_ms() // self._interval_ms * self._interval_ms
        self._sent: Row = {}
        self._due_ms = 0

    def news(self, now_ms: int) -> list[Any]:
        start = now_ms // self._interval_ms * self._interval_ms
        if start == self._start and now_ms < self._due_ms:
            return []
        self._due_ms = now_ms + _KLINE_MS
        bars = list(self._tape.bars(self._interval_ms, self._start, now_ms + 1))
        self._start = start
        rows = [self._row(at, bar, closed=at < start) for at, bar in bars]
        if rows and rows[-1] == self._sent:
            return []
        self._sent = rows[-1] if rows else {}
        return [{"e": "kline", "E": now_ms, "s": self._board.market.name, "k": row} for row in rows]

    def _row(self, at: int, bar: Bar, *, closed: bool) -> Row:
        market, quote = self._board.market, bar.volume * bar.close
        prices = {n: str8(market.round_price(getattr(bar, w))) for n, w in zip("ochl", _PRICES, strict=True)}
        return {
            "t": at,
            "T": at + self._interval_ms - 1,
            "s": market.name,
            "i": self._interval,
            "f": -1,
            "L": -1,
            **prices,
            "v": f"{bar.volume:.8f}",
            "n": bar.trades,
            "x": closed,
            "q": f"{quote:.8f}",
            "V": f"{bar.volume / 2:.8f}",
            "Q": f"{quote / 2:.8f}",
            "B": "0",
        }


_PRICES = ("open", "close", "high", "low")


class _PartialDepth:
    def __init__(self, board: Board, count: int, every_ms: int) -> None:
        self._board = board
        self._count = count
        self._every_ms = every_ms
        self._version = self._due_ms = 0

    def news(self, now_ms: int) -> list[Any]:
        board = self._board
        if now_ms < self._due_ms or board.version == self._version:
            return []
        self._version, self._due_ms = board.version, now_ms + self._every_ms
        bids, asks = (levels(board.book.depth(s, self._count)) for s in (Side.BUY, Side.SELL))
        return [{"lastUpdateId": board.version, "bids": bids, "asks": asks}]


class _Depth:
    def __init__(self, board: Board, every_ms: int) -> None:
        self._board = board
        self._every_ms = every_ms
        self._due_ms = 0
        self._version = board.version
        self._sides = self._now()

    def news(self, now_ms: int) -> list[Any]:
        board = self._board
        if now_ms < self._due_ms or board.version == self._version:
            return []
        self._due_ms = now_ms + self._every_ms
        before, self._sides = self._sides, self._now()
        changes = [_changes(old, new) for old, new in zip(before, self._sides, strict=True)]
        if not any(changes):
            return []
        first, self._version = self._version + 1, board.version
        bids, asks = (levels(c) for c in changes)
        head = {"e": "depthUpdate", "E": now_ms, "s": board.market.name, "U": first, "u": board.version}
        return [{**head, "b": bids, "a": asks}]

    def _now(self) -> tuple[dict[Decimal, Decimal], ...]:
        return tuple(dict(self._board.book.depth(s, _DEEPEST)) for s in (Side.BUY, Side.SELL))


def _changes(old: dict[Decimal, Decimal], new: dict[Decimal, Decimal]) -> list[tuple[Decimal, Decimal]]:
    """The levels that are different; one that is gone has no quantity."""
    gone = [(price, ZERO) for price in old if price not in new]
    return gone + [(price, quantity) for price, quantity in new.items() if old.get(price) != quantity]


def _ticker(venue: "Venue", board: Board, now_ms: int, mini: bool) -> Row:
    day = day_row(venue, board)
    names = {"s": "symbol", "c": "lastPrice", "o": "openPrice", "h": "highPrice", "l": "lowPrice", "v": "volume"}
    names |= {"q": "quoteVolume"}
    if not mini:
        names |= {"p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice", "x": "prevClosePrice"}
        names |= {"Q": "lastQty", "b": "bidPrice", "B": "bidQty", "a": "askPrice", "A": "askQty", "O": "openTime"}
        names |= {"C": "closeTime", "F": "firstId", "L": "lastId", "n": "count"}
    head = {"e": "24hrMiniTicker" if mini else "24hrTicker", "E": now_ms}
    return {**head, **{short: day[name] for short, name in names.items()}}
