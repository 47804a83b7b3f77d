"""The public endpoints: what the venue tells everyone of its markets."""

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fks_actors.adapters.exchange_sim import params as read
from fks_actors.adapters.exchange_sim.board import Board
from fks_actors.adapters.exchange_sim.codes import VenueRefusal
from fks_actors.adapters.exchange_sim.markets import Market, str8
from fks_actors.adapters.exchange_sim.params import Params
from fks_actors.adapters.exchange_sim.prices import Bar
from fks_actors.adapters.exchange_sim.state import PublicTrade
from fks_actors.adapters.exchange_sim.wire import levels
from fks_actors.model.orders import Side

if TYPE_CHECKING:
    from fks_actors.adapters.exchange_sim.venue import Venue

SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1_000, 60_000, 3_600_000, 86_400_000
INTERVALS = {
    "1s": SECOND_MS,
    **{f"{n}m": n * MINUTE_MS for n in (1, 3, 5, 15, 30)},
    **{f"{n}h": n * HOUR_MS for n in (1, 2, 4, 6, 8, 12)},
    **{f"{n}d": n * DAY_MS for n in (1, 3)},
    "1w": 7 * DAY_MS,
}
_MAX_ROWS = 1_000


def ping(venue: "Venue", params: Params) -> Any:
    """Nothing, at once."""
    return {}


def server_time(venue: "Venue", params: Params) -> Any:
    """The clock against which requests are timed."""
    return {"serverTime": venue.told_ms()}


def exchange_info(venue: "Venue", params: Params) -> Any:
    """The venue's rules: limits, symbols and filters."""
    chosen: Iterable[Market] = venue.engine.markets.values()
    if "symbol" in params:
        chosen = [venue.engine.board(params["symbol"]).market]
    elif "symbols" in params:
        chosen = [b.market for b in _several(venue, params["symbols"])]
    return {
        "timezone": "UTC",
        "serverTime": venue.told_ms(),
        "rateLimits": venue.meter.rows(),
        "exchangeFilters": [],
        "symbols": [m.info for m in chosen],
    }


def depth(venue: "Venue", params: Params) -> Any:
    """The best levels of the book."""
    board = _board(venue, params)
    count = read.limit(params, 100, 5_000)
    book = board.book
    return {
        "lastUpdateId": board.version,
        "bids": levels(book.depth(Side.BUY, count)),
        "asks": levels(book.depth(Side.SELL, count)),
    }


def trades(venue: "Venue", params: Params) -> Any:
    """The last trades."""
    board = _board(venue, params)
    return [
        {
            "id": t.trade_id,
            "price": str8(t.price),
            "qty": str8(t.quantity),
            "quoteQty": str8(t.price * t.quantity),
            "time": t.ts_ms,
            "isBuyerMaker": t.buyer_maker,
            "isBestMatch": True,
        }
        for t in list(board.trades)[-read.limit(params, 500, _MAX_ROWS) :]
    ]


def agg_trades(venue: "Venue", params: Params) -> Any:
    """The last trades, one aggregate each."""
    board, since = _board(venue, params), read.whole(params, "startTime") or 0
    rows = [agg_row(t) for t in board.trades if t.ts_ms >= since]
    return rows[-read.limit(params, 500, _MAX_ROWS) :]


def agg_row(trade: PublicTrade) -> dict[str, Any]:
    """A trade as an aggregate."""
    return {
        "a": trade.trade_id,
        "p": str8(trade.price),
        "q": str8(trade.quantity),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.ts_ms,
        "m": trade.buyer_maker,
        "M": True,
    }


def klines(venue: "Venue", params: Params) -> Any:
    """Bars; the last one may still be traded."""
    board = _board(venue, params)
    interval_ms = interval_of(venue, board.market.name, read.text(params, "interval"))
    count, now = read.limit(params, 500, _MAX_ROWS), venue.now_ms()
    first, stop = read.whole(params, "startTime"), now + 1
    end = read.whole(params, "endTime")
    if end is not None:
        stop = min(stop, end + 1)
    if first is None:
        first = (stop - 1) // interval_ms * interval_ms - (count - 1) * interval_ms
    stop = min(stop, -(-first // interval_ms) * interval_ms + count * interval_ms)
    bars = venue.tapes[board.market.name].bars(interval_ms, first, stop)
    return [_kline(board.market, start, interval_ms, bar) for start, bar in bars]


def interval_of(venue: "Venue", name: str, text: str) -> int:
    """An interval in milliseconds.

    Raises:
        VenueRefusal: -1120; also for one shorter than the venue's bars.
    """
    interval_ms = INTERVALS.get(text, 0)
    if not interval_ms or interval_ms < venue.tapes[name].step_ms:
        raise VenueRefusal(-1120, "Invalid interval.")
    return interval_ms


def price(venue: "Venue", params: Params) -> Any:
    """The last price of one symbol, or of all."""
    return _each(venue, params, lambda b: {"symbol": b.market.name, "price": str8(b.last)})


def book_ticker(venue: "Venue", params: Params) -> Any:
    """The best bid and ask of one symbol, or of all."""
    return _each(venue, params, book_row)


def book_row(board: Board) -> dict[str, Any]:
    """The best bid and ask."""
    none = (Decimal(0), Decimal(0))
    (bid, bids), (ask, asks) = (next(iter(board.book.depth(s, 1)), none) for s in (Side.BUY, Side.SELL))
    return {
        "symbol": board.market.name,
        "bidPrice": str8(bid),
        "bidQty": str8(bids),
        "askPrice": str8(ask),
        "askQty": str8(asks),
    }


def day(venue: "Venue", params: Params) -> Any:
    """The figures of the last 24 hours of one symbol, or of all."""
    return _each(venue, params, lambda b: day_row(venue, b))


def day_row(venue: "Venue", board: Board) -> dict[str, Any]:
    """The figures of the last 24 hours."""
    now, market = venue.now_ms(), board.market
    bars = [bar for _, bar in venue.tapes[market.name].bars(HOUR_MS, now - DAY_MS, now + 1)]
    window = bars[0] if bars else Bar(float(board.last), float(board.last), float(board.last), float(board.last))
    for bar in bars[1:]:
        window.join(bar)
    first = market.round_price(window.open)
    middle = market.round_price((window.high + window.low + window.close) / 3)
    change = board.last - first
    last = board.trades[-1] if board.trades else None
    return {
        **book_row(board),
        "priceChange": str8(change),
        "priceChangePercent": f"{change / first * 100:.3f}",
        "weightedAvgPrice": str8(middle),
        "prevClosePrice": str8(first),
        "lastPrice": str8(board.last),
        "lastQty": str8(last.quantity if last else Decimal(0)),
        "openPrice": str8(first),
        "highPrice": str8(market.round_price(window.high)),
        "lowPrice": str8(market.round_price(window.low)),
        "volume": f"{window.volume:.8f}",
        "quoteVolume": f"{window.volume * float(middle):.8f}",
        "openTime": now - DAY_MS,
        "closeTime": now,
        "firstId": 1,
        "lastId": last.trade_id if last else -1,
        "count": window.trades,
    }


def average(venue: "Venue", params: Params) -> Any:
    """The price that the percent filters go by."""
    board = _board(venue, params)
    return {"mins": 5, "price": str8(board.last), "closeTime": venue.now_ms()}


def _kline(market: Market, start: int, interval_ms: int, bar: Bar) -> list[Any]:
    prices = [str8(market.round_price(p)) for p in (bar.open, bar.high, bar.low, bar.close)]
    quote = bar.volume * bar.close
    taken = [f"{bar.volume / 2:.8f}", f"{quote / 2:.8f}"]
    return [start, *prices, f"{bar.volume:.8f}", start + interval_ms - 1, f"{quote:.8f}", bar.trades, *taken, "0"]


def _board(venue: "Venue", params: Params) -> Board:
    return venue.engine.board(read.text(params, "symbol"))


def _each(venue: "Venue", params: Params, row: Any) -> Any:
    if "symbol" in params:
        return row(venue.engine.board(params["symbol"]))
    if "symbols" in params:
        return [row(b) for b in _several(venue, params["symbols"])]
    return [row(b) for b in venue.engine.boards.values()]


def _several(venue: "Venue", text: str) -> list[Board]:
    names = text.strip("[]").replace('"', "").split(",")
    return [venue.engine.board(n.strip()) for n in names]
