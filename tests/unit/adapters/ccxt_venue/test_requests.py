"""An intent as the request that each exchange is sent, and which types it takes by itself."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from fks_actors.adapters.ccxt_venue.dialects import DIALECTS, dialect_of
from fks_actors.adapters.ccxt_venue.keys import KeySource
from fks_actors.adapters.ccxt_venue.lease import Lease
from fks_actors.adapters.ccxt_venue.requests import create_request, is_native, is_native_pair, oco_request, plain
from fks_actors.errors import ConfigError, Fenced
from fks_actors.model.markets import MarketRules, Quote
from fks_actors.model.orders import OrderIntent, OrderType, Origin, Side

RULES = MarketRules(
    "BTC/USDT",
    "BTC",
    "USDT",
    Decimal("0.01"),
    Decimal("0.00001"),
    Decimal("0.00001"),
    Decimal(5),
    Decimal("0.001"),
    Decimal("0.001"),
)
QUOTE = Quote(Decimal(49_990), Decimal(50_010), 1)
MODERN: dict[str, Any] = {
    "info": {
        "orderTypes": ["LIMIT", "MARKET", "STOP_LOSS", "TAKE_PROFIT"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "allowTrailingStop": True,
    }
}
OLD: dict[str, Any] = {"info": {"orderTypes": ["LIMIT", "MARKET", "STOP_LOSS_LIMIT"], "icebergAllowed": True}}


def intent(kind: OrderType, side: Side = Side.SELL, **figures: Any) -> OrderIntent:
    quantity, price = Decimal("0.50"), Decimal(50_000)
    fields: dict[str, Any] = {"limit_price": None, **figures}
    return OrderIntent("fks-a", Origin.EXIT, "s", "v", "BTC/USDT", side, kind, quantity, price, 1, **fields)


@pytest.mark.parametrize(
    ("kind", "modern", "old"),
    [
        (OrderType.MARKET, True, True),
        (OrderType.LIMIT, True, True),
        (OrderType.STOP_LOSS, True, False),
        (OrderType.TAKE_PROFIT, True, False),
        (OrderType.TRAILING_STOP, True, False),
        (OrderType.ICEBERG, True, True),
        (OrderType.TWAP, False, False),
    ],
)
def test_type_when_the_market_lists_it_then_is_native_at_binance(kind: OrderType, modern: bool, old: bool) -> None:
    binance = DIALECTS["binance"]
    assert is_native(intent(kind), binance, MODERN, {}) is modern
    assert is_native(intent(kind), binance, OLD, {}) is old


@pytest.mark.parametrize("exchange", ["kraken", "okx", "coinbase", "bybit"])
def test_type_when_ccxt_offers_it_then_is_native_only_where_its_trades_can_be_told(exchange: str) -> None:
    features = getattr(ccxt, exchange)().features["spot"]
    stop = intent(OrderType.STOP_LOSS, stop_price=Decimal(1))
    assert is_native(stop, dialect_of(exchange), {}, features) is (exchange == "kraken")
    assert is_native(intent(OrderType.MARKET), dialect_of(exchange), {}, features)


def test_pair_when_it_is_a_stop_and_a_target_then_is_native_at_binance_alone() -> None:
    stop = intent(OrderType.STOP_LOSS, stop_price=Decimal(45_000))
    target = intent(OrderType.LIMIT, limit_price=Decimal(55_000))
    assert is_native_pair(stop, target, DIALECTS["binance"], MODERN)
    assert not is_native_pair(stop, stop, DIALECTS["binance"], MODERN)
    assert not is_native_pair(stop, target, DIALECTS["binance"], OLD)
    assert not is_native_pair(stop, target, DIALECTS["kraken"], MODERN)


@pytest.mark.parametrize(
    ("side", "above", "below"), [(Side.SELL, "LIMIT_MAKER", "STOP_LOSS"), (Side.BUY, "STOP_LOSS", "LIMIT_MAKER")]
)
def test_pair_when_requested_then_the_target_of_a_sale_lies_above(side: Side, above: str, below: str) -> None:
    stop = intent(OrderType.STOP_LOSS, side, stop_price=Decimal(45_000))
    target = intent(OrderType.LIMIT, side, limit_price=Decimal(55_000))
    params = oco_request(stop, target, "BTCUSDT", ("fks-s", "fks-t"))
    assert (params["aboveType"], params["belowType"]) == (above, below)
    stop_place = "below" if side is Side.SELL else "above"
    assert params[f"{stop_place}ClientOrderId"] == "fks-s"
    assert params["quantity"] == "0.5"


def request(exchange: str, order: OrderIntent) -> Any:
    return create_request(order, "wire-id", dialect_of(exchange), RULES, QUOTE, 1_733_815_269_000)


def test_market_buy_when_the_exchange_wants_quote_then_goes_as_an_immediate_limit_order() -> None:
    made = request("coinbase", intent(OrderType.MARKET, Side.BUY))
    assert (made.type, made.price, made.params["timeInForce"]) == ("limit", "50510.1", "IOC")
    assert made.params["client_order_id"] == "wire-id"
    assert request("coinbase", intent(OrderType.MARKET)).type == "market"
    assert request("bybit", intent(OrderType.MARKET, Side.BUY)).type == "market"


def test_request_when_kraken_is_asked_then_it_carries_a_deadline() -> None:
    made = request("kraken", intent(OrderType.LIMIT, limit_price=Decimal("50000.10")))
    assert made.params["deadline"] == "2024-12-10T07:21:14Z"
    assert (made.amount, made.price, made.params["timeInForce"]) == ("0.5", "50000.1", "GTC")


@pytest.mark.parametrize(
    ("order", "kind", "key", "value"),
    [
        (intent(OrderType.STOP_LOSS, stop_price=Decimal(45_000)), "market", "stopLossPrice", "45000"),
        (intent(OrderType.TAKE_PROFIT, stop_price=Decimal(55_000)), "market", "takeProfitPrice", "55000"),
        (intent(OrderType.TRAILING_STOP, trail_pct=Decimal("2.5")), "STOP_LOSS", "trailingDelta", "250"),
        (
            intent(OrderType.ICEBERG, limit_price=Decimal(1), display_quantity=Decimal("0.1")),
            "limit",
            "icebergAmount",
            "0.1",
        ),
    ],
)
def test_request_when_a_native_type_is_entered_then_its_figure_goes_along(
    order: OrderIntent, kind: str, key: str, value: str
) -> None:
    made = request("binance", order)
    assert (made.type, made.params[key], made.params["clientOrderId"]) == (kind, value, "wire-id")


@pytest.mark.parametrize(("value", "text"), [("1E+3", "1000"), ("0.10", "0.1"), ("1E-8", "0.00000001"), ("0", "0")])
def test_number_when_written_then_has_no_exponent(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


def test_lease_when_newer_or_run_out_or_silent_then_nothing_is_sent() -> None:
    lease = Lease()
    with pytest.raises(Fenced):
        lease.check(0)
    lease.show(2, 100, 50)
    lease.check(100)
    with pytest.raises(Fenced, match="ran out"):
        lease.check(101)
    with pytest.raises(Fenced, match="taken over"):
        lease.show(1, 0, 50)
    lease.silence()
    with pytest.raises(Fenced, match="silent"):
        lease.check(60)
    lease.show(2, 200, 150)
    lease.check(160)


def test_keys_when_set_then_the_variable_counts_before_the_file(tmp_path: Any) -> None:
    (tmp_path / "key").write_text("from-file\n")
    (tmp_path / "secret").write_text("s3cret\n")
    source = KeySource("K", "S", str(tmp_path / "key"), str(tmp_path / "secret"))
    assert source.read({}).api_key.get_secret_value() == "from-file"
    assert source.read({"K": "from-env"}).api_key.get_secret_value() == "from-env"
    assert "s3cret" not in repr(source.read({}))
    with pytest.raises(ConfigError, match="no API key"):
        KeySource("K", "S").read({"K": "only"})
