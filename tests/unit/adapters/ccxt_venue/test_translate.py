"""What five exchanges send, as our values: every figure exact, every status the right one."""

from decimal import Decimal
from typing import Any

import pytest

from fks_actors.adapters.ccxt_venue import translate
from fks_actors.adapters.ccxt_venue.translate import seen_order, seen_trade
from fks_actors.errors import ConfigError
from fks_actors.model.orders import Liquidity, OrderIntent, OrderStatus, OrderType, Origin, Side
from tests.unit.adapters.ccxt_venue import shapes

TAKER = Decimal("0.001")


@pytest.mark.parametrize(
    ("exchange", "raw", "status", "side", "kind", "quantity", "filled", "client_id"),
    [
        (
            "kraken",
            shapes.KRAKEN_ORDER,
            "accepted",
            "buy",
            "limit",
            "0.0001",
            "0.00004",
            "f5000102030405060708090a0b0c0d0e",
        ),
        ("okx", shapes.OKX_ORDER, "filled", "sell", "limit", "0.001", "0.001", "fksabcdefghijklmnopqrstuvwx"),
        ("coinbase", shapes.COINBASE_ORDER, "cancelled", "sell", "limit", "0.2", "0.1", "fks-abc"),
        ("bybit", shapes.BYBIT_ORDER, "cancelled", "buy", "limit", "0.003", "0.001", "fks-abc"),
        ("binance", shapes.BINANCE_FILLED, "filled", "buy", "market", "0.0005", "0.0005", "fks-abc"),
        ("binance", shapes.BINANCE_STOP, "accepted", "sell", "stop_loss", "1", "0", "fks-stop"),
    ],
)
def test_order_when_read_then_every_figure_is_exact(
    exchange: str, raw: dict[str, Any], status: str, side: str, kind: str, quantity: str, filled: str, client_id: str
) -> None:
    seen = seen_order(shapes.order(exchange, raw))
    assert seen is not None
    assert (seen.status, seen.side, seen.order_type) == (OrderStatus(status), Side(side), OrderType(kind))
    assert (seen.quantity, seen.filled, seen.client_id) == (Decimal(quantity), Decimal(filled), client_id)
    assert seen.ts_ms > 1_400_000_000_000


@pytest.mark.parametrize(
    ("exchange", "raw", "price", "quantity", "fees", "liquidity"),
    [
        ("kraken", shapes.KRAKEN_TRADE, "30010", "0.02", (("USD", Decimal("0.90030")),), "maker"),
        ("okx", shapes.OKX_TRADE, "2654.98", "0.007533", (("BTC", Decimal("0.000007533")),), "taker"),
        (
            "coinbase",
            shapes.COINBASE_TRADE,
            "21220.64",
            "0.0046830664333996",
            (("USDT", Decimal("0.0000280983986004")),),
            "taker",
        ),
        ("bybit", shapes.BYBIT_TRADE, "16800", "0.1", (("BTC", Decimal("0.000001")),), "taker"),
        ("binance", shapes.BINANCE_TRADE, "0.5388", "10", (("USDT", Decimal("0.005388")),), "maker"),
    ],
)
def test_trade_when_read_then_every_figure_is_exact(
    exchange: str, raw: dict[str, Any], price: str, quantity: str, fees: Any, liquidity: str
) -> None:
    seen = seen_trade(shapes.trade(exchange, raw))
    assert seen is not None
    assert (seen.price, seen.quantity, seen.fees, seen.liquidity) == (
        Decimal(price),
        Decimal(quantity),
        fees,
        Liquidity(liquidity),
    )
    assert seen.venue_id
    assert seen.trade_id


def test_status_when_the_exchange_is_more_exact_than_ccxt_then_its_word_counts() -> None:
    raw = {**shapes.BINANCE_STOP, "status": "PENDING_CANCEL"}
    assert translate.order_status(shapes.order("binance", raw)) is OrderStatus.CANCEL_PENDING
    raw = {**shapes.BINANCE_STOP, "status": "EXPIRED_IN_MATCH"}
    assert translate.order_status(shapes.order("binance", raw)) is OrderStatus.EXPIRED


def test_order_when_its_answer_lists_trades_then_they_are_read_with_it() -> None:
    seen = seen_order(shapes.order("binance", shapes.BINANCE_FILLED))
    assert seen is not None
    (trade,) = seen.trades
    assert (trade.trade_id, trade.venue_id, trade.side) == ("737466631", "5403233939", Side.BUY)
    assert trade.fees == (("BNB", Decimal("0.0000705")),)


def intent(side: Side = Side.BUY) -> OrderIntent:
    return OrderIntent(
        "fks-a", Origin.CYCLE, "c", "binance", "BTC/USDT", side, OrderType.MARKET, Decimal(1), Decimal(50_000), 1
    )


def trade_with(*fees: tuple[str, str]) -> translate.SeenTrade:
    paid = tuple((asset, Decimal(cost)) for asset, cost in fees)
    return translate.SeenTrade(
        "7", "42", "", "BTC/USDT", Side.BUY, Decimal(50_000), Decimal("0.1"), paid, Liquidity.TAKER, 5
    )


@pytest.mark.parametrize(
    ("fees", "fee", "asset", "quantity"),
    [
        ((("USDT", "5"),), "5", "", "0"),
        ((("BTC", "0.0001"),), "5", "BTC", "0.0001"),
        ((("BNB", "0.01"),), "6", "BNB", "0.01"),
        ((("XYZ", "3"),), "5", "XYZ", "3"),
        ((), "0", "", "0"),
    ],
)
def test_fee_when_paid_in_whatever_then_is_told_in_quote(
    fees: tuple[tuple[str, str], ...], fee: str, asset: str, quantity: str
) -> None:
    prices = {("BNB", "USDT"): Decimal(600)}
    fill = translate.fill(trade_with(*fees), intent(), TAKER, lambda a, q: prices.get((a, q)))
    assert (fill.fee, fill.fee_asset, fill.fee_quantity) == (Decimal(fee), asset, Decimal(quantity))


def test_trade_id_when_both_sides_are_ours_then_differs() -> None:
    trade = trade_with()
    assert translate.trade_key(trade, Side.BUY) != translate.trade_key(trade, Side.SELL)


def test_rules_when_read_from_a_market_then_are_exact() -> None:
    market = {
        "symbol": "BTC/USDT",
        "base": "BTC",
        "quote": "USDT",
        "precision": {"price": "0.01000000", "amount": "0.00001000"},
        "limits": {"amount": {"min": "0.00001000"}, "cost": {"min": "5.00000000"}},
        "maker": 0.001,
        "taker": 0.001,
    }
    rules = translate.market_rules(market)
    assert (rules.tick, rules.step, rules.min_notional) == (Decimal("0.01"), Decimal("0.00001"), Decimal(5))
    assert (rules.maker_fee, rules.taker_fee) == (Decimal("0.001"), Decimal("0.001"))
    digits = {**market, "precision": {"price": "2", "amount": "5"}}
    assert translate.market_rules(digits, translate.DECIMAL_PLACES).step == Decimal("0.00001")


def test_rules_when_the_exchange_does_not_tell_its_steps_then_is_refused() -> None:
    with pytest.raises(ConfigError, match="steps"):
        translate.market_rules({"symbol": "BTC/USDT", "base": "BTC", "quote": "USDT"})


@pytest.mark.skipif(not shapes.WIRE.exists(), reason="the shared data is not here; set FKS_TEST_DATA")
def test_rules_when_read_from_the_captured_exchange_info_then_every_market_has_them() -> None:
    markets = shapes.captured_markets()
    rules = {symbol: translate.market_rules(market) for symbol, market in markets.items()}
    assert len(rules) == 32
    assert rules["BTC/USDT"].min_notional == Decimal(10)
    assert all(r.tick > 0 and r.step > 0 and r.min_quantity >= r.step for r in rules.values())


@pytest.mark.parametrize("value", [None, "", "nan", "Infinity", "abc"])
def test_money_when_it_is_none_then_is_none(value: object) -> None:
    assert translate.money(value) is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0.00200000", "0.002"),
        ("100.00000000", "100"),
        ("100", "100"),
        ("93490.38000000", "93490.38"),
        ("1e2", "100"),
        ("1.50E-3", "0.0015"),
        ("0.00000000", "0"),
        ("-2.50", "-2.5"),
        ("12345678901234567890.123456789012345678900", "12345678901234567890.1234567890123456789"),
    ],
)
def test_money_when_filled_up_with_zeros_then_they_go_and_no_digit_else(written: str, read: str) -> None:
    found = translate.money(written)
    assert str(found) == read
    assert found == Decimal(written)
