"""What ccxt does not hide of an exchange: how a client id is given and looked up, how long a request lives.

`window_ms` is how long after a request left the exchange might still act on it: Binance and Bybit refuse by their
receive window, Kraken by the deadline we send, OKX 30 s and Coinbase 120 s after the time that the request was signed.
`native` names the order types that keep their order id and client id when they trigger; where a triggered stop turns
into another order (OKX, Bybit) the connector keeps the stop itself, because its fills could not be told apart.
"""

from dataclasses import dataclass
from enum import StrEnum

from fks_actors.model.orders import OrderType


class Lookup(StrEnum):
    """How an order is found by its client id: one request, filtered lists, or by reading whole lists."""

    FETCH_ORDER = "fetch_order"
    FILTERED = "filtered"
    SCAN = "scan"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One exchange. `client_key` names the client id when an order is created, `lookup_key` when it is looked up or
    cancelled. `market_buy_base`: a market buy may be given in base; else it goes as an immediate limit order.
    `burst_window_ms`: requests may come in bursts within such a window (0: evenly spaced). `settle_ms`: how long a read
    may lag behind a write."""

    exchange: str
    client_key: str = "clientOrderId"
    lookup: Lookup = Lookup.SCAN
    lookup_key: str = "clientOrderId"
    cancel_key: str = ""
    window_ms: int | None = 120_000
    market_buy_base: bool = True
    native: frozenset[OrderType] = frozenset()
    oco: bool = False
    deadline_param: bool = False
    burst_window_ms: int = 0
    settle_ms: int = 500


_STOPS = frozenset({OrderType.STOP_LOSS, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP, OrderType.ICEBERG})

DIALECTS: dict[str, Dialect] = {
    "binance": Dialect(
        "binance",
        lookup=Lookup.FETCH_ORDER,
        lookup_key="origClientOrderId",
        cancel_key="origClientOrderId",
        window_ms=None,
        native=_STOPS,
        oco=True,
        burst_window_ms=10_000,
    ),
    "kraken": Dialect(
        "kraken",
        lookup=Lookup.FILTERED,
        lookup_key="cl_ord_id",
        cancel_key="cl_ord_id",
        window_ms=None,
        native=_STOPS - {OrderType.ICEBERG},
        deadline_param=True,
        settle_ms=1_000,
    ),
    "okx": Dialect(
        "okx",
        lookup=Lookup.FETCH_ORDER,
        lookup_key="clientOrderId",
        cancel_key="clientOrderId",
        window_ms=30_000,
    ),
    "coinbase": Dialect("coinbase", client_key="client_order_id", market_buy_base=False, window_ms=120_000),
    "bybit": Dialect(
        "bybit",
        lookup=Lookup.FILTERED,
        lookup_key="orderLinkId",
        cancel_key="orderLinkId",
        window_ms=None,
    ),
}
"""The exchanges whose ways were read; binance stands for its national branches too."""

_FAMILIES = {"binanceus": "binance", "coinbaseexchange": "", "myokx": "okx", "okxus": "okx"}


def dialect_of(exchange: str) -> Dialect:
    """The exchange's dialect; the most careful one for an exchange that none was written for."""
    family = _FAMILIES.get(exchange, exchange)
    return DIALECTS.get(family, Dialect(exchange))
