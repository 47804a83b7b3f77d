"""The venue's symbols: what `exchangeInfo` tells of each, and the filters that a new order must pass.

Source: https://developers.binance.com/docs/binance-spot-api-docs/filters
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from fks_actors.adapters.exchange_sim.codes import VenueRefusal, filter_failure, rejected
from fks_actors.adapters.feeds.fictional import asset_of
from fks_actors.errors import ConfigError
from fks_actors.model.orders import ZERO, Side

DEFAULT_SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "BNB/USDT", "ETH/BTC")
ORDER_TYPES = (
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
)
_ADDED = {
    "ocoAllowed": True,
    "otoAllowed": False,
    "icebergAllowed": True,
    "quoteOrderQtyMarketAllowed": True,
    "allowTrailingStop": True,
    "cancelReplaceAllowed": True,
    "amendAllowed": False,
    "isMarginTradingAllowed": False,
    "permissionSets": [["SPOT"]],
    "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
    "allowedSelfTradePreventionModes": ["EXPIRE_MAKER"],
}


@dataclass(frozen=True, slots=True)
class Market:
    """One symbol: its assets, the JSON that the venue tells of it, and its filters by name."""

    name: str
    symbol: str
    base: str
    quote: str
    info: Mapping[str, Any]
    filters: Mapping[str, Mapping[str, Any]]
    tick: Decimal
    step: Decimal

    @property
    def order_types(self) -> Sequence[str]:
        """The order types that it takes."""
        types: Sequence[str] = self.info["orderTypes"]
        return types

    def limit_of(self, filter_type: str, field: str, default: str = "0") -> Decimal:
        """A number of a filter; `default` where the symbol has no such filter."""
        return Decimal(str(self.filters.get(filter_type, {}).get(field, default)))

    def check_price(self, price: Decimal) -> None:
        """Refuse a price off the grid or outside the bounds.

        Raises:
            VenueRefusal: -1013.
        """
        if price <= 0:
            raise VenueRefusal(-1013, "Invalid price.")
        low, high = self.limit_of("PRICE_FILTER", "minPrice"), self.limit_of("PRICE_FILTER", "maxPrice")
        if (low and price < low) or (high and price > high) or price % self.tick:
            raise filter_failure("PRICE_FILTER")

    def check_percent(self, side: Side, price: Decimal, average: Decimal) -> None:
        """Refuse a limit price too far from the average price.

        Raises:
            VenueRefusal: -1013.
        """
        word = "bid" if side is Side.BUY else "ask"
        for name, up, down in (
            ("PERCENT_PRICE_BY_SIDE", f"{word}MultiplierUp", f"{word}MultiplierDown"),
            ("PERCENT_PRICE", "multiplierUp", "multiplierDown"),
        ):
            if name in self.filters and not (
                average * self.limit_of(name, down) <= price <= average * self.limit_of(name, up)
            ):
                raise filter_failure(name)

    def check_quantity(self, quantity: Decimal, market_order: bool) -> None:
        """Refuse a quantity off the grid or outside the bounds.

        Raises:
            VenueRefusal: -1013.
        """
        if quantity <= 0:
            raise VenueRefusal(-1013, "Invalid quantity.")
        for name in ("LOT_SIZE", "MARKET_LOT_SIZE") if market_order else ("LOT_SIZE",):
            low, high, step = (self.limit_of(name, f) for f in ("minQty", "maxQty", "stepSize"))
            if quantity < low or (high and quantity > high) or (step and quantity % step):
                raise filter_failure(name)

    def check_notional(self, cost: Decimal, market_order: bool) -> None:
        """Refuse an order worth too little or too much.

        Raises:
            VenueRefusal: -1013.
        """
        legacy = self.filters.get("MIN_NOTIONAL")
        if legacy and (not market_order or legacy.get("applyToMarket")) and cost < Decimal(legacy["minNotional"]):
            raise filter_failure("MIN_NOTIONAL")
        both = self.filters.get("NOTIONAL")
        if both is None:
            return
        if (not market_order or both["applyMinToMarket"]) and cost < Decimal(both["minNotional"]):
            raise filter_failure("NOTIONAL")
        if (not market_order or both["applyMaxToMarket"]) and cost > Decimal(both["maxNotional"]):
            raise filter_failure("NOTIONAL")

    def check_iceberg(self, visible: Decimal, quantity: Decimal) -> None:
        """Refuse an iceberg of too many parts.

        Raises:
            VenueRefusal: -1013 or -2010.
        """
        if not self.info["icebergAllowed"]:
            raise rejected("Iceberg orders are not supported for this symbol.")
        self.check_quantity(visible, market_order=False)
        parts = -(-quantity // visible)
        if visible > quantity or parts > self.limit_of("ICEBERG_PARTS", "limit", "10"):
            raise filter_failure("ICEBERG_PARTS")

    def check_trailing(self, bips: int) -> None:
        """Refuse a trailing distance (basis points) outside the bounds.

        Raises:
            VenueRefusal: -1013 or -2010.
        """
        if not self.info["allowTrailingStop"]:
            raise rejected("Trailing stop orders are not supported for this symbol.")
        low = min(self.limit_of("TRAILING_DELTA", f"minTrailing{w}Delta", "10") for w in ("Above", "Below"))
        high = max(self.limit_of("TRAILING_DELTA", f"maxTrailing{w}Delta", "2000") for w in ("Above", "Below"))
        if not low <= bips <= high:
            raise filter_failure("TRAILING_DELTA")

    def check_count(self, open_orders: int, open_stops: int) -> None:
        """Refuse an order too many; the counts are those with the new one.

        Raises:
            VenueRefusal: -1013.
        """
        if open_orders > self.limit_of("MAX_NUM_ORDERS", "maxNumOrders", "200"):
            raise filter_failure("MAX_NUM_ORDERS")
        if open_stops > self.limit_of("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", "5"):
            raise filter_failure("MAX_NUM_ALGO_ORDERS")

    def floor_quantity(self, quantity: Decimal) -> Decimal:
        """`quantity` on the grid, rounded down."""
        return quantity // self.step * self.step

    def round_price(self, price: float | Decimal) -> Decimal:
        """The price of the grid nearest to `price`, never below one tick."""
        value = price if isinstance(price, Decimal) else Decimal(repr(price))
        return max((value / self.tick).to_integral_value() * self.tick, self.tick)


def default_markets(symbols: Iterable[str] = DEFAULT_SYMBOLS) -> dict[str, Market]:
    """Markets made up in code, by their id at the venue; `symbols` as BASE/QUOTE."""
    return {m.name: m for m in (_market(_default_info(s)) for s in symbols)}


def read_markets(path: Path, symbols: Sequence[str] = ()) -> dict[str, Market]:
    """The markets of a captured exchangeInfo, only `symbols` (BASE/QUOTE) where some are given.

    Raises:
        ConfigError: the file is no exchangeInfo, or lacks a symbol.
    """
    try:
        rows = json.loads(path.read_bytes())["symbols"]
        found = {m.name: m for m in map(_market, rows)}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"{path} is no exchangeInfo: {type(error).__name__}: {error}") from None
    if not symbols:
        return {name: m for name, m in found.items() if m.info.get("status", "TRADING") == "TRADING"}
    lacking = [s for s in symbols if s.replace("/", "") not in found]
    if lacking:
        raise ConfigError(f"{path} has no {', '.join(lacking)}")
    return {s.replace("/", ""): found[s.replace("/", "")] for s in symbols}


def first_price(symbol: str) -> float:
    """What a symbol (BASE/QUOTE) costs when the simulated market opens."""
    base, _, quote = symbol.partition("/")
    price = asset_of(base).price
    return price / asset_of(quote).price if quote in ("BTC", "ETH", "BNB") else price


def _market(info: Mapping[str, Any]) -> Market:
    full = {**_ADDED, **info}
    filters = {f["filterType"]: f for f in full["filters"]}
    base, quote = full["baseAsset"], full["quoteAsset"]
    tick, step = Decimal(filters["PRICE_FILTER"]["tickSize"]), Decimal(filters["LOT_SIZE"]["stepSize"])
    return Market(full["symbol"], f"{base}/{quote}", base, quote, full, filters, tick, step)


def _default_info(symbol: str) -> dict[str, Any]:
    base, _, quote = symbol.partition("/")
    in_coin = quote in ("BTC", "ETH", "BNB")
    decimals = 5 if in_coin else asset_of(base).decimals
    step = _step(first_price(symbol), in_coin)
    return {
        "symbol": base + quote,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "isSpotTradingAllowed": True,
        "permissions": [],
        "filters": _default_filters(Decimal(1).scaleb(-decimals), step, Decimal("0.0001") if in_coin else Decimal(5)),
    }


def _step(price: float, in_coin: bool) -> Decimal:
    if in_coin:
        return Decimal("0.001")
    return next(Decimal(s) for s, above in _STEPS if price >= above)


_STEPS = (("0.00001", 10_000.0), ("0.0001", 1_000.0), ("0.001", 50.0), ("0.01", 5.0), ("0.1", 0.5), ("1", 0.0))


def _default_filters(tick: Decimal, step: Decimal, least: Decimal) -> list[dict[str, Any]]:
    sides = {"bidMultiplierUp": "5", "bidMultiplierDown": "0.2", "askMultiplierUp": "5", "askMultiplierDown": "0.2"}
    return [
        {"filterType": "PRICE_FILTER", "minPrice": str8(tick), "maxPrice": "1000000.00000000", "tickSize": str8(tick)},
        {"filterType": "LOT_SIZE", "minQty": str8(step), "maxQty": "9000000.00000000", "stepSize": str8(step)},
        {"filterType": "ICEBERG_PARTS", "limit": 100},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "9000000.00000000", "stepSize": str8(ZERO)},
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": 10,
            "maxTrailingAboveDelta": 2000,
            "minTrailingBelowDelta": 10,
            "maxTrailingBelowDelta": 2000,
        },
        {"filterType": "PERCENT_PRICE_BY_SIDE", **sides, "avgPriceMins": 5},
        {
            "filterType": "NOTIONAL",
            "minNotional": str8(least),
            "applyMinToMarket": True,
            "maxNotional": "9000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 20},
    ]


def str8(value: Decimal) -> str:
    """A number as the venue prints it: eight decimals, or more where fewer would lie."""
    text = f"{value:.8f}"
    return text if value.as_tuple().exponent >= -8 or Decimal(text) == value else f"{value:f}"  # type: ignore[operator]
