"""What the execution tests are made of."""

from decimal import Decimal

from fks_actors.execution.book import PaperBook
from fks_actors.execution.config import PaperConfig, default_rules
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.orders import ZERO, Approved, Fill, OrderIntent, OrderType, OrderUpdate, Origin, Side, VenueEvent
from fks_actors.risk.rulings import approve

HOUR_MS = 3_600_000
T0 = 480_000 * HOUR_MS
BTC = "BTC/USDT"
ETH = "ETH/USDT"
CALM = PaperConfig(slippage_bps=ZERO, range_share=ZERO)
"""No slippage: prices in the expectations are the bar's own."""


def book(config: PaperConfig = CALM, cash: str = "10000") -> PaperBook:
    return PaperBook(config, {s: default_rules(s, config) for s in (BTC, ETH)}, Decimal(cash))


def batch(n: int, *prices: float, volume: float = 1_000, symbol: str = BTC) -> BarBatch:
    """Bar `n` after T0 with open, high, low and close."""
    ts_ms = T0 + n * HOUR_MS
    open_, high, low, close = prices
    return BarBatch(ts_ms, HOUR_MS, (Candle(symbol, ts_ms, open_, high, low, close, volume),))


def order(side: Side = Side.BUY, quantity: str = "1", **figures: object) -> Approved:
    """A cycle's approved order, decided at the close of bar 0 unless `ts_ms` says otherwise."""
    fields: dict[str, object] = {
        "client_order_id": "fks-a",
        "origin": Origin.CYCLE,
        "origin_id": "o",
        "venue": "paper",
        "symbol": BTC,
        "side": side,
        "order_type": OrderType.MARKET,
        "quantity": Decimal(quantity),
        "market_price": Decimal(100),
        "ts_ms": T0 + HOUR_MS,
        **figures,
    }
    return approve(OrderIntent(**fields), ZERO)  # type: ignore[arg-type]


def limit(side: Side, price: str, quantity: str = "1", **figures: object) -> Approved:
    return order(side, quantity, **{"order_type": OrderType.LIMIT, "limit_price": Decimal(price), **figures})


def stop(side: Side, price: str, quantity: str = "1", **figures: object) -> Approved:
    return order(side, quantity, **{"order_type": OrderType.STOP_LOSS, "stop_price": Decimal(price), **figures})


def holding(config: PaperConfig = CALM, quantity: str = "2") -> PaperBook:
    """A book that holds `quantity` BTC bought at 100 and has seen bar 0 close at 100."""
    held = book(config, "10000")
    held.advance(batch(-1, 100, 100, 100, 100))
    held.submit([order(quantity=quantity, client_order_id="fks-held", ts_ms=T0)])
    held.advance(batch(0, 100, 101, 99, 100))
    assert held.account().position(BTC).quantity == Decimal(quantity)
    return held


def fills(events: tuple[VenueEvent, ...]) -> list[Fill]:
    return [e for e in events if isinstance(e, Fill)]


def updates(events: tuple[VenueEvent, ...]) -> list[OrderUpdate]:
    return [e for e in events if isinstance(e, OrderUpdate)]
