"""ccxt's dicts as our values. Numbers are read from strings (the client makes ccxt hand out strings): never a float.

What an exchange leaves out is None here, and the caller decides; nothing is guessed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from fks_actors.errors import ConfigError
from fks_actors.model.markets import MarketRules, Quote
from fks_actors.model.orders import ZERO, Fill, Liquidity, OrderIntent, OrderStatus, OrderType, Side

Raw = Mapping[str, Any]
Convert = Callable[[str, str], Decimal | None]
"""(asset, quote) -> how much quote one unit of the asset is worth, None where that is not known."""

TICK_SIZE = 4
DECIMAL_PLACES = 2

_STATUSES = {
    "open": OrderStatus.ACCEPTED,
    "closed": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "canceling": OrderStatus.CANCEL_PENDING,
    "cancelled": OrderStatus.CANCELLED,
    "rejected": OrderStatus.REJECTED,
    "expired": OrderStatus.EXPIRED,
}
_EXCHANGE_STATUSES = {
    "PENDING_CANCEL": OrderStatus.CANCEL_PENDING,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    "PENDING_NEW": OrderStatus.ACCEPTED,
}


@dataclass(frozen=True, slots=True)
class SeenTrade:
    """A trade as the venue tells it. `client_id` is the venue's form of it, empty where it is not told."""

    trade_id: str
    venue_id: str
    client_id: str
    symbol: str
    side: Side | None
    price: Decimal
    quantity: Decimal
    fees: tuple[tuple[str, Decimal], ...]
    liquidity: Liquidity
    ts_ms: int


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """An order as the venue tells it. `client_id` is the venue's form of it."""

    venue_id: str
    client_id: str
    symbol: str
    side: Side
    order_type: OrderType
    status: OrderStatus
    quantity: Decimal
    filled: Decimal
    average: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    ts_ms: int
    trades: tuple[SeenTrade, ...] = ()


def money(value: object) -> Decimal | None:
    """A number that an exchange wrote, without the zeros behind it (0.00200000 is 0.002); None where it wrote none."""
    if value is None or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return _plain(found) if found.is_finite() else None


def _plain(number: Decimal) -> Decimal:
    """Equal to `number`, to the last digit, without trailing zeros after the point and without an exponent."""
    written = format(number, "f")
    return Decimal(written.rstrip("0").rstrip(".")) if "." in written else Decimal(written)


def market_rules(market: Raw, precision_mode: int = TICK_SIZE) -> MarketRules:
    """The rules of a spot market.

    Raises:
        ConfigError: the exchange does not tell the steps of its prices or quantities.
    """
    precision, limits = market.get("precision") or {}, market.get("limits") or {}
    tick, step = _step(precision.get("price"), precision_mode), _step(precision.get("amount"), precision_mode)
    if tick is None or step is None:
        raise ConfigError(f"{market['symbol']}: the exchange does not tell its price and quantity steps")
    return MarketRules(
        market["symbol"],
        market["base"],
        market["quote"],
        tick,
        step,
        max(money((limits.get("amount") or {}).get("min")) or ZERO, step),
        money((limits.get("cost") or {}).get("min")) or ZERO,
        money(market.get("maker")) or ZERO,
        money(market.get("taker")) or ZERO,
    )


def _step(value: object, precision_mode: int) -> Decimal | None:
    found = money(value)
    if found is None:
        return None
    if precision_mode == DECIMAL_PLACES:
        return Decimal(1).scaleb(-int(found))
    return found.normalize() if found > 0 else None


def seen_order(raw: Raw) -> SeenOrder | None:
    """The order; None where ccxt could not name its symbol or side (not a spot order of ours to judge)."""
    symbol, side = raw.get("symbol"), raw.get("side")
    if not symbol or side not in ("buy", "sell"):
        return None
    price, stop = money(raw.get("price")), money(raw.get("triggerPrice")) or money(raw.get("stopPrice"))
    return SeenOrder(
        str(raw.get("id") or ""),
        str(raw.get("clientOrderId") or ""),
        str(symbol),
        Side(side),
        order_type(raw),
        order_status(raw),
        money(raw.get("amount")) or ZERO,
        money(raw.get("filled")) or ZERO,
        money(raw.get("average")) or ZERO,
        price or None,
        stop or None,
        int(raw.get("lastUpdateTimestamp") or raw.get("lastTradeTimestamp") or raw.get("timestamp") or 0),
        tuple(t for each in raw.get("trades") or () if (t := seen_trade(each, raw)) is not None),
    )


def order_status(raw: Raw) -> OrderStatus:
    """The order's status; an exchange's own word counts where ccxt's is too coarse. What is not told is ACCEPTED.

    An order that is closed before it is filled was cancelled (Bybit's PartiallyFilledCanceled).
    """
    info = raw.get("info")
    own = info.get("status", info.get("X")) if isinstance(info, Mapping) else None
    if isinstance(own, str) and own in _EXCHANGE_STATUSES:
        return _EXCHANGE_STATUSES[own]
    status = _STATUSES.get(str(raw.get("status")), OrderStatus.ACCEPTED)
    filled, quantity = money(raw.get("filled")), money(raw.get("amount"))
    short = filled is not None and quantity is not None and filled < quantity
    return OrderStatus.CANCELLED if status is OrderStatus.FILLED and short else status


def order_type(raw: Raw) -> OrderType:
    """The nearest of our order types: what cannot be told apart is a limit order where it has a price."""
    info = raw.get("info")
    own = info.get("type") if isinstance(info, Mapping) and raw.get("triggerPrice") else None
    named = str(own or raw.get("type") or "").lower().replace("-", "_")
    if "trailing" in named:
        return OrderType.TRAILING_STOP
    if "take_profit" in named or named == "takeprofit":
        return OrderType.TAKE_PROFIT
    if "stop" in named:
        return OrderType.STOP_LOSS
    if named == "market":
        return OrderType.MARKET
    return OrderType.LIMIT


def seen_trade(raw: Raw, order: Raw | None = None) -> SeenTrade | None:
    """The trade, with what it leaves out taken from its order; None where it lacks an id, a price or a quantity."""
    order = order or {}
    price, quantity = money(raw.get("price")), money(raw.get("amount"))
    trade_id, symbol = raw.get("id"), raw.get("symbol") or order.get("symbol")
    if not trade_id or not symbol or not price or not quantity:
        return None
    side = raw.get("side") or order.get("side")
    info = raw.get("info")
    client_id = raw.get("clientOrderId") or order.get("clientOrderId")
    if not client_id and isinstance(info, Mapping):
        client_id = _client_id_of(info)
    return SeenTrade(
        str(trade_id),
        str(raw.get("order") or order.get("id") or ""),
        str(client_id or ""),
        str(symbol),
        Side(side) if side in ("buy", "sell") else None,
        price,
        quantity,
        _fees(raw),
        Liquidity.MAKER if raw.get("takerOrMaker") == "maker" else Liquidity.TAKER,
        int(raw.get("timestamp") or order.get("timestamp") or 0),
    )


def _client_id_of(info: Raw) -> object:
    """Where exchanges put the client id of a trade. In Binance's report of a cancel, `C` is the order's own id."""
    if info.get("e") == "executionReport":
        return info.get("C") or info.get("c")
    return info.get("clOrdId") or info.get("orderLinkId") or info.get("cl_ord_id") or info.get("client_order_id")


def _fees(raw: Raw) -> tuple[tuple[str, Decimal], ...]:
    found: dict[str, Decimal] = {}
    for fee in raw.get("fees") or ([raw["fee"]] if raw.get("fee") else []):
        cost, asset = money(fee.get("cost")), fee.get("currency")
        if cost and asset:
            found[str(asset)] = found.get(str(asset), ZERO) + cost
    return tuple(found.items())


def trade_key(trade: SeenTrade, side: Side) -> str:
    """The trade's id, unique at the venue: exchanges count per symbol, and both sides of a trade may be ours."""
    return f"{trade.symbol}:{trade.trade_id}:{side.value[0]}"


def fill(trade: SeenTrade, intent: OrderIntent, taker_fee: Decimal, convert: Convert) -> Fill:
    """The trade as a fill of `intent`. A fee in a third asset whose price is not known counts as the taker's fee."""
    quote = intent.symbol.partition("/")[2]
    fee, asset, quantity = ZERO, "", ZERO
    for fee_asset, cost in trade.fees:
        if fee_asset == quote:
            fee += cost
            continue
        base = intent.symbol.partition("/")[0]
        worth = trade.price if fee_asset == base else convert(fee_asset, quote)
        fee += cost * worth if worth is not None else trade.price * trade.quantity * taker_fee
        asset, quantity = fee_asset, quantity + cost
    return Fill(
        trade_key(trade, intent.side),
        intent.client_order_id,
        intent.venue,
        intent.symbol,
        intent.side,
        trade.price,
        trade.quantity,
        fee,
        trade.liquidity,
        trade.ts_ms,
        asset,
        quantity,
    )


def quote_of(ticker: Raw, now_ms: int) -> Quote | None:
    """Best bid and ask of a ticker; None where one is missing."""
    bid, ask = money(ticker.get("bid")), money(ticker.get("ask"))
    if not bid or not ask:
        return None
    return Quote(bid, ask, int(ticker.get("timestamp") or now_ms))
