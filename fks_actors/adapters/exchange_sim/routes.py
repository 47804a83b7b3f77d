"""Every endpoint: who may ask, what it weighs, and the websocket API's name for it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from fks_actors.adapters.exchange_sim import market_api as market
from fks_actors.adapters.exchange_sim import trade_api as trade
from fks_actors.adapters.exchange_sim.params import Params

if TYPE_CHECKING:
    from fks_actors.adapters.exchange_sim.venue import Venue

Handler = Callable[["Venue", Params], Any]
Weight = int | Callable[[Params], int]


class Security(Enum):
    """What a request must bring."""

    NONE = 0
    KEY = 1
    SIGNED = 2


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One question; `submits` marks those that the ledger writes down."""

    answer: Handler
    weight: Weight = 1
    security: Security = Security.NONE
    submits: bool = False

    def cost(self, params: Params) -> int:
        """What this request weighs."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def _one_or_all(one: int, every: int) -> Callable[[Params], int]:
    return lambda params: one if "symbol" in params else every


def _depth(params: Params) -> int:
    limit = int(params["limit"]) if params.get("limit", "").isdigit() else 100
    return next((w for most, w in ((100, 5), (500, 25), (1_000, 50)) if limit <= most), 250)


def _signed(handler: Handler, weight: Weight = 1, *, submits: bool = False) -> Endpoint:
    return Endpoint(handler, weight, Security.SIGNED, submits)


_PAIRS: tuple[tuple[str, str, str, Endpoint], ...] = (
    ("GET", "/api/v3/ping", "ping", Endpoint(market.ping)),
    ("GET", "/api/v3/time", "time", Endpoint(market.server_time)),
    ("GET", "/api/v3/exchangeInfo", "exchangeInfo", Endpoint(market.exchange_info, 20)),
    ("GET", "/api/v3/depth", "depth", Endpoint(market.depth, _depth)),
    ("GET", "/api/v3/trades", "trades.recent", Endpoint(market.trades, 25)),
    ("GET", "/api/v3/historicalTrades", "trades.historical", Endpoint(market.trades, 25, Security.KEY)),
    ("GET", "/api/v3/aggTrades", "trades.aggregate", Endpoint(market.agg_trades, 4)),
    ("GET", "/api/v3/klines", "klines", Endpoint(market.klines, 2)),
    ("GET", "/api/v3/uiKlines", "uiKlines", Endpoint(market.klines, 2)),
    ("GET", "/api/v3/avgPrice", "avgPrice", Endpoint(market.average, 2)),
    ("GET", "/api/v3/ticker/price", "ticker.price", Endpoint(market.price, _one_or_all(2, 4))),
    ("GET", "/api/v3/ticker/bookTicker", "ticker.book", Endpoint(market.book_ticker, _one_or_all(2, 4))),
    ("GET", "/api/v3/ticker/24hr", "ticker.24hr", Endpoint(market.day, _one_or_all(2, 80))),
    ("GET", "/api/v3/ticker", "ticker", Endpoint(market.day, 4)),
    ("POST", "/api/v3/order", "order.place", _signed(trade.new_order, submits=True)),
    ("POST", "/api/v3/order/test", "order.test", _signed(trade.test_order)),
    ("GET", "/api/v3/order", "order.status", _signed(trade.get_order, 4)),
    ("DELETE", "/api/v3/order", "order.cancel", _signed(trade.cancel_order, submits=True)),
    ("POST", "/api/v3/order/cancelReplace", "order.cancelReplace", _signed(trade.cancel_replace, submits=True)),
    ("GET", "/api/v3/openOrders", "openOrders.status", _signed(trade.open_orders, _one_or_all(6, 80))),
    ("DELETE", "/api/v3/openOrders", "openOrders.cancelAll", _signed(trade.cancel_open_orders, submits=True)),
    ("GET", "/api/v3/allOrders", "allOrders", _signed(trade.all_orders, 20)),
    ("GET", "/api/v3/myTrades", "myTrades", _signed(trade.my_trades, lambda p: 5 if "orderId" in p else 20)),
    ("GET", "/api/v3/account", "account.status", _signed(trade.account, 20)),
    ("GET", "/api/v3/account/commission", "account.commission", _signed(trade.commission, 20)),
    ("POST", "/api/v3/orderList/oco", "orderList.place.oco", _signed(trade.new_pair, submits=True)),
    ("POST", "/api/v3/order/oco", "orderList.place", _signed(trade.legacy_pair, submits=True)),
    ("GET", "/api/v3/orderList", "orderList.status", _signed(trade.get_pair, 4)),
    ("DELETE", "/api/v3/orderList", "orderList.cancel", _signed(trade.cancel_pair, submits=True)),
    ("GET", "/api/v3/allOrderList", "allOrderLists", _signed(trade.all_pairs, 20)),
    ("GET", "/api/v3/openOrderList", "openOrderLists.status", _signed(trade.open_pairs, 6)),
    ("POST", "/api/v3/userDataStream", "userDataStream.start", Endpoint(trade.listen_key, 2, Security.KEY)),
    ("PUT", "/api/v3/userDataStream", "userDataStream.ping", Endpoint(trade.keep_listen_key, 2, Security.KEY)),
    ("DELETE", "/api/v3/userDataStream", "userDataStream.stop", Endpoint(trade.keep_listen_key, 2, Security.KEY)),
    ("GET", "/sapi/v1/capital/config/getall", "", _signed(trade.currencies, 10)),
    ("GET", "/sapi/v1/asset/tradeFee", "", _signed(trade.trade_fee)),
    ("GET", "/sapi/v1/margin/allPairs", "", _signed(trade.nothing)),
    ("GET", "/sapi/v1/margin/isolated/allPairs", "", _signed(trade.nothing)),
    ("GET", "/sapi/v1/margin/allAssets", "", _signed(trade.nothing)),
)
REST = {(method, path): endpoint for method, path, _, endpoint in _PAIRS}
WS = {name: endpoint for _, _, name, endpoint in _PAIRS if name}
PATHS = {name: (method, path) for method, path, name, _ in _PAIRS if name}
