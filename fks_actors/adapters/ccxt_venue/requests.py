"""An intent as the request that the exchange is sent, and which order types an exchange takes by itself. Pure.

Native are MARKET and LIMIT everywhere; the others where the dialect and the market say so. Everything else is kept by
the connector.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fks_actors.adapters.ccxt_venue.dialects import Dialect
from fks_actors.model.markets import MarketRules, Quote
from fks_actors.model.orders import OrderIntent, OrderType, Side

_IOC_SLIP = Decimal("0.01")
_BINANCE_TYPES = {
    OrderType.STOP_LOSS: "STOP_LOSS",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT",
    OrderType.TRAILING_STOP: "STOP_LOSS",
}


@dataclass(frozen=True, slots=True)
class Request:
    """Arguments of ccxt's `create_order`; the numbers are strings in plain notation."""

    symbol: str
    type: str
    side: str
    amount: str
    price: str | None
    params: Mapping[str, Any] = field(default_factory=dict)


def is_native(intent: OrderIntent, dialect: Dialect, market: Mapping[str, Any], features: Mapping[str, Any]) -> bool:
    """Whether the exchange takes an order of this type for this market, and goes on naming it by its id."""
    kind = intent.order_type
    if kind in (OrderType.MARKET, OrderType.LIMIT):
        return True
    if kind not in dialect.native:
        return False
    if dialect.exchange == "binance":
        return _binance_takes(kind, market)
    offered = features.get("createOrder") or {}
    wanted = {
        OrderType.STOP_LOSS: offered.get("stopLossPrice"),
        OrderType.TAKE_PROFIT: offered.get("takeProfitPrice"),
        OrderType.TRAILING_STOP: offered.get("trailing"),
    }
    return bool(wanted.get(kind))


def is_native_pair(first: OrderIntent, second: OrderIntent, dialect: Dialect, market: Mapping[str, Any]) -> bool:
    """Whether the exchange takes the two as one OCO."""
    if not dialect.oco or (market.get("info") or {}).get("ocoAllowed") is False:
        return False
    legs = {first.order_type, second.order_type}
    target = legs - {OrderType.STOP_LOSS, OrderType.TRAILING_STOP}
    return (
        len(legs) == 2
        and target <= {OrderType.LIMIT, OrderType.TAKE_PROFIT}
        and len(target) == 1
        and first.quantity == second.quantity
        and all(_binance_takes(kind, market) for kind in legs - {OrderType.LIMIT})
    )


def _binance_takes(kind: OrderType, market: Mapping[str, Any]) -> bool:
    info = market.get("info") or {}
    if kind is OrderType.ICEBERG:
        return bool(info.get("icebergAllowed"))
    if kind is OrderType.TRAILING_STOP and info.get("allowTrailingStop") is False:
        return False
    return _BINANCE_TYPES.get(kind) in (info.get("orderTypes") or ())


def create_request(
    intent: OrderIntent, venue_client_id: str, dialect: Dialect, rules: MarketRules, quote: Quote | None, now_ms: int
) -> Request:
    """The request that enters the order under that client id."""
    params: dict[str, Any] = {dialect.client_key: venue_client_id}
    if dialect.deadline_param:
        params["deadline"] = _iso(now_ms + 5_000)
    kind, price = _type_and_price(intent, dialect, rules, quote, params)
    return Request(intent.symbol, kind, intent.side.value, plain(intent.quantity), price, params)


def _type_and_price(
    intent: OrderIntent, dialect: Dialect, rules: MarketRules, quote: Quote | None, params: dict[str, Any]
) -> tuple[str, str | None]:
    kind, binance = intent.order_type, dialect.exchange == "binance"
    limit = plain(intent.limit_price) if intent.limit_price is not None else None
    if kind in (OrderType.LIMIT, OrderType.ICEBERG):
        params["timeInForce"] = "GTC"
        if kind is OrderType.ICEBERG and intent.display_quantity is not None:
            params["icebergAmount"] = plain(intent.display_quantity)
        return "limit", limit
    if kind is OrderType.TRAILING_STOP and intent.trail_pct is not None:
        if binance:
            params["trailingDelta"] = str(int(intent.trail_pct * 100))
            return "STOP_LOSS", None
        params["trailingPercent"] = plain(intent.trail_pct)
        return "market", None
    if kind in (OrderType.STOP_LOSS, OrderType.TAKE_PROFIT) and intent.stop_price is not None:
        stop = plain(intent.stop_price)
        params["stopLossPrice" if kind is OrderType.STOP_LOSS else "takeProfitPrice"] = stop
        return "market", None
    if intent.side is Side.BUY and not dialect.market_buy_base:
        params["timeInForce"] = "IOC"
        market = quote.ask if quote else intent.market_price
        return "limit", plain(rules.floor_price(market * (1 + _IOC_SLIP)))
    return "market", None


def oco_request(stop: OrderIntent, target: OrderIntent, market_id: str, ids: tuple[str, str]) -> dict[str, Any]:
    """Binance's `POST orderList/oco`: `ids` are the stop's and the target's client ids. The one above the market is the
    target of a sale and the stop of a purchase."""
    above, below = ("target", "stop") if stop.side is Side.SELL else ("stop", "target")
    legs = {"stop": (stop, ids[0]), "target": (target, ids[1])}
    params: dict[str, Any] = {
        "symbol": market_id,
        "side": stop.side.value.upper(),
        "quantity": plain(stop.quantity),
        "listClientOrderId": f"{ids[0]}-l"[:36],
        "newOrderRespType": "FULL",
    }
    for place, name in (("above", above), ("below", below)):
        intent, client_id = legs[name]
        params[f"{place}ClientOrderId"] = client_id
        params |= {f"{place}{key}": value for key, value in _oco_leg(intent).items()}
    return params


def _oco_leg(intent: OrderIntent) -> dict[str, str]:
    if intent.order_type is OrderType.LIMIT and intent.limit_price is not None:
        return {"Type": "LIMIT_MAKER", "Price": plain(intent.limit_price)}
    if intent.order_type is OrderType.TRAILING_STOP and intent.trail_pct is not None:
        return {"Type": "STOP_LOSS", "TrailingDelta": str(int(intent.trail_pct * 100))}
    kind = "TAKE_PROFIT" if intent.order_type is OrderType.TAKE_PROFIT else "STOP_LOSS"
    return {"Type": kind, "StopPrice": plain(intent.stop_price or intent.market_price)}


def plain(value: Decimal) -> str:
    """The number without an exponent and without trailing zeros."""
    return f"{value.normalize():f}"


def _iso(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
