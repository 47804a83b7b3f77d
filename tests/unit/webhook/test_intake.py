"""Every outcome of an alert, and the laws that hold for any bytes."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.model.orders import OrderType, Side
from fks_actors.model.records import Signal
from fks_actors.webhook.authenticity import signature
from fks_actors.webhook.config import WebhookConfig
from fks_actors.webhook.intake import prove, read_signal
from fks_actors.webhook.payload import MAX_BYTES
from fks_actors.webhook.peers import Caller, read_address
from fks_actors.webhook.refused import Refused
from fks_actors.webhook.symbols import Listing, Markets

SECRET = "hunter2-hunter2"
NOW_MS = 1_733_961_600_000
KNOWN = ("BTC/USDT", "ETH/USDT")
CONFIG = WebhookConfig.model_validate(
    {"secret": SECRET, "symbols": ["BTC/USDT"], "max_quantity": 5, "max_value": 100_000}
)
GOOD: dict[str, Any] = {"symbol": "BTC/USDT", "side": "buy", "quantity": "0.5"}
GONE: Any = object()
MARKETS = Markets(KNOWN, [Listing("paper"), Listing("main", "kraken", {"XXBTZUSD": "BTC/USD", "ETHUSDT": "ETH/USDT"})])
STRANGER = Caller(read_address("203.0.113.9"))


def receive(
    raw: bytes,
    headers: dict[str, str],
    now_ms: int = NOW_MS,
    config: WebhookConfig = CONFIG,
    caller: Caller = STRANGER,
    salt: str = "",
) -> Signal | Refused:
    proven = prove(raw, headers, config, caller)
    return proven if isinstance(proven, Refused) else read_signal(proven, now_ms, config, MARKETS, salt)


def signed(raw: bytes, config: WebhookConfig = CONFIG, **more: Any) -> Signal | Refused:
    return receive(raw, {"x-signature": signature(raw, SECRET)}, NOW_MS, config, **more)


def sent(**changes: Any) -> Signal | Refused:
    fields = {name: value for name, value in {**GOOD, **changes}.items() if value is not GONE}
    return signed(json.dumps(fields).encode())


def accepted(**changes: Any) -> Signal:
    result = sent(**changes)
    assert isinstance(result, Signal), result
    return result


def with_proof(given_secret: object = GONE, header: str | None = None, **rules: Any) -> Signal | Refused:
    fields = dict(GOOD) if given_secret is GONE else {**GOOD, "secret": given_secret}
    raw = json.dumps(fields).encode()
    headers = {} if header is None else {"x-signature": header or signature(raw, SECRET)}
    return receive(raw, headers, NOW_MS, CONFIG.model_copy(update=rules))


REFUSED: list[tuple[dict[str, Any], int, str, str]] = [
    ({"symbol": GONE}, 422, "missing_field", "symbol"),
    ({"symbol": None}, 422, "missing_field", "symbol"),
    ({"side": GONE}, 422, "missing_field", "side"),
    ({"quantity": GONE}, 422, "missing_field", "quantity"),
    ({"leverage": 10}, 422, "unknown_field", "leverage"),
    ({"leverage": None}, 422, "unknown_field", "leverage"),
    ({"side": "up", "leverage": 10}, 422, "unknown_field", "leverage"),
    ({"side": "long"}, 422, "invalid_side", "side"),
    ({"side": 1}, 422, "invalid_side", "side"),
    ({"side": GONE, "action": "hold"}, 422, "invalid_side", "action"),
    ({"side": "buy", "action": "sell"}, 422, "invalid_side", "side"),
    ({"order_type": "pegged"}, 422, "invalid_order_type", "order_type"),
    ({"quantity": 0}, 422, "invalid_quantity", "quantity"),
    ({"quantity": "-1"}, 422, "invalid_quantity", "quantity"),
    ({"quantity": ""}, 422, "invalid_quantity", "quantity"),
    ({"quantity": "1_000"}, 422, "invalid_quantity", "quantity"),
    ({"quantity": "NaN"}, 422, "invalid_quantity", "quantity"),
    ({"quantity": "１"}, 422, "invalid_quantity", "quantity"),
    ({"quantity": True}, 422, "invalid_quantity", "quantity"),
    ({"quantity": [1]}, 422, "invalid_quantity", "quantity"),
    ({"quantity": "1e300"}, 422, "invalid_quantity", "quantity"),
    ({"quantity": "1e-30"}, 422, "invalid_quantity", "quantity"),
    ({"quantity": "0.5", "sizing": "fixed_pct"}, 422, "invalid_field", "sizing"),
    ({"quantity": GONE, "sizing": "all_in"}, 422, "invalid_field", "sizing"),
    ({"price": "cheap"}, 422, "invalid_field", "price"),
    ({"price": 0}, 422, "invalid_field", "price"),
    ({"order_type": "limit"}, 422, "price_required", "price"),
    ({"order_type": "stop_loss"}, 422, "price_required", "price"),
    ({"order_type": "take_profit", "stop_loss": 5}, 422, "price_required", "price"),
    ({"order_type": "stop_loss", "price": 5, "stop_loss": 6}, 422, "invalid_field", "stop_loss"),
    ({"confidence": "1.01"}, 422, "confidence_out_of_range", "confidence"),
    ({"confidence": -0.1}, 422, "confidence_out_of_range", "confidence"),
    ({"confidence": "high"}, 422, "invalid_field", "confidence"),
    ({"confidence": 0.59}, 422, "low_confidence", "confidence"),
    ({"timestamp": NOW_MS - 300_001}, 422, "stale", "timestamp"),
    ({"timestamp": NOW_MS + 60_001}, 422, "future", "timestamp"),
    ({"timestamp": "2024-12-11T23:54:59Z"}, 422, "stale", "timestamp"),
    ({"timestamp": "yesterday"}, 422, "invalid_field", "timestamp"),
    ({"timestamp": {"at": 1}}, 422, "invalid_field", "timestamp"),
    ({"timestamp": "0001-01-01T00:00:00+14:00"}, 422, "stale", "timestamp"),
    ({"symbol": "DOGE/USDT"}, 422, "symbol_unknown", "symbol"),
    ({"symbol": "ВTC/USDT"}, 422, "symbol_unknown", "symbol"),
    ({"symbol": "ETHUSDT"}, 422, "symbol_not_allowed", "symbol"),
    ({"symbol": "BTC\u0000USDT"}, 422, "invalid_field", "symbol"),
    ({"symbol": "B" * 65}, 422, "invalid_field", "symbol"),
    ({"id": "\ud800"}, 422, "invalid_field", "id"),
    ({"id": ""}, 422, "invalid_field", "id"),
    ({"strategy": "line\nbreak"}, 422, "invalid_field", "strategy"),
    ({"quantity": "5.01"}, 422, "quantity_too_large", "quantity"),
    ({"quantity": "2", "order_type": "limit", "price": "60000"}, 422, "value_too_large", "quantity"),
    ({"exchange": "bitfinex"}, 422, "invalid_field", "exchange"),
    ({"exchange": ""}, 422, "invalid_field", "exchange"),
    ({"exchange": "kraken", "symbol": "BTCUSDT"}, 422, "symbol_unknown", "symbol"),
    ({"symbol": "XXBTZUSD"}, 422, "symbol_not_allowed", "symbol"),
    ({"symbol": "BTCUSDT.P"}, 422, "symbol_unknown", "symbol"),
    ({"symbol": "BTC/USDT:USDT"}, 422, "symbol_unknown", "symbol"),
    ({"stop_loss": 0}, 422, "invalid_field", "stop_loss"),
    ({"trail_pct": 100}, 422, "invalid_field", "trail_pct"),
    ({"trail_pct": "0"}, 422, "invalid_field", "trail_pct"),
    ({"stop_loss": 90_000, "trail_pct": 2}, 422, "invalid_field", "trail_pct"),
    ({"price": 60_000, "stop_loss": 60_000}, 422, "invalid_field", "stop_loss"),
    ({"price": 60_000, "take_profit": "60000"}, 422, "invalid_field", "take_profit"),
    ({"stop_loss": 90_000, "take_profit": 80_000}, 422, "invalid_field", "take_profit"),
    ({"order_type": "limit", "price": 100, "stop_loss": 101}, 422, "invalid_field", "stop_loss"),
    ({"order_type": "take_profit", "price": 100, "stop_loss": 101}, 422, "invalid_field", "stop_loss"),
    ({"side": "sell", "stop_loss": 90_000}, 422, "invalid_field", "stop_loss"),
    ({"side": "sell", "take_profit": 90_000}, 422, "invalid_field", "take_profit"),
    ({"side": "sell", "trail_pct": 2}, 422, "invalid_field", "trail_pct"),
    ({"side": "sell", "order_type": "stop_loss", "price": 9, "take_profit": 10}, 422, "invalid_field", "take_profit"),
    ({"quantity": GONE, "sizing": "risk"}, 422, "missing_field", "stop_loss"),
    ({"quantity": GONE, "sizing": "risk", "take_profit": 9}, 422, "missing_field", "stop_loss"),
    ({"quantity": GONE, "sizing": "risk", "side": "sell"}, 422, "invalid_field", "sizing"),
    ({"quantity": GONE, "sizing": "volatility", "side": "sell"}, 422, "invalid_field", "sizing"),
    ({"order_type": "trailing_stop", "side": "sell"}, 422, "missing_field", "trail_pct"),
    ({"order_type": "trailing_stop", "trail_pct": 2}, 422, "invalid_side", "side"),
    ({"order_type": "iceberg", "display_quantity": "0.1"}, 422, "price_required", "price"),
    ({"order_type": "iceberg", "price": 5}, 422, "missing_field", "display_quantity"),
    ({"order_type": "iceberg", "price": 5, "display_quantity": 1}, 422, "invalid_field", "display_quantity"),
    ({"order_type": "iceberg", "price": 5, "display_quantity": -1}, 422, "invalid_field", "display_quantity"),
    ({"order_type": "limit", "price": 5, "display_quantity": "0.1"}, 422, "invalid_field", "display_quantity"),
    ({"order_type": "twap", "slices": 4}, 422, "missing_field", "duration_s"),
    ({"order_type": "twap", "duration_s": 60}, 422, "missing_field", "slices"),
    ({"order_type": "twap", "duration_s": 86_401, "slices": 4}, 422, "invalid_field", "duration_s"),
    ({"order_type": "twap", "duration_s": 0, "slices": 4}, 422, "invalid_field", "duration_s"),
    ({"order_type": "twap", "duration_s": 60, "slices": 1}, 422, "invalid_field", "slices"),
    ({"order_type": "twap", "duration_s": 60, "slices": 1001}, 422, "invalid_field", "slices"),
    ({"order_type": "twap", "duration_s": 60, "slices": "2.5"}, 422, "invalid_field", "slices"),
    ({"duration_s": 60}, 422, "invalid_field", "duration_s"),
    ({"slices": 60}, 422, "invalid_field", "slices"),
    ({"order_type": "oco", "side": "sell", "take_profit": 9}, 422, "missing_field", "stop_loss"),
    ({"order_type": "oco", "side": "sell", "stop_loss": 9}, 422, "missing_field", "take_profit"),
    ({"order_type": "oco", "stop_loss": 9, "take_profit": 10}, 422, "invalid_side", "side"),
    ({"order_type": "oco", "side": "sell", "stop_loss": 9, "take_profit": 9}, 422, "invalid_field", "take_profit"),
    (
        {"order_type": "oco", "side": "sell", "stop_loss": 9, "take_profit": 12, "price": 8},
        422,
        "invalid_field",
        "stop_loss",
    ),
    (
        {"order_type": "oco", "side": "sell", "stop_loss": 9, "take_profit": 12, "trail_pct": 1},
        422,
        "invalid_field",
        "trail_pct",
    ),
    (
        {"order_type": "oco", "side": "sell", "stop_loss": 9, "take_profit": 900_000},
        422,
        "value_too_large",
        "quantity",
    ),
]


@pytest.mark.parametrize(("changes", "status", "code", "field"), REFUSED, ids=lambda v: ascii(v)[:40])
def test_receive_when_a_field_is_wrong_then_refusal_names_it(
    changes: dict[str, Any], status: int, code: str, field: str
) -> None:
    result = sent(**changes)
    assert isinstance(result, Refused)
    assert (result.status, result.code, result.field) == (status, code, field)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"buy BTC",
        b"[]",
        b'"text"',
        b'{"symbol":"BTC/USDT","symbol":"ETH/USDT","side":"buy","quantity":1}',
        b'{"quantity":NaN}',
        b'{"quantity":Infinity}',
        b'{"quantity":' + b"9" * 5000 + b"}",
        b'{"quantity":1e9999}',
        b'{"symbol":"\xff"}',
        b"\xef\xbb\xbf{}",
        '{"symbol":"BTC/USDT"}'.encode("utf-16"),
        b"[" * 4000 + b"]" * 4000,
        b'{"a":' * 1300 + b"1" + b"}" * 1300,
        b'{"symbol":"a\x00b"}',
    ],
    ids=range(15),
)
def test_receive_when_body_is_not_strict_json_then_400(raw: bytes) -> None:
    result = signed(raw)
    assert isinstance(result, Refused)
    assert (result.status, result.code) == (400, "invalid_json")


def test_receive_when_body_is_one_byte_too_long_then_413_before_anything_else() -> None:
    result = receive(b" " * (MAX_BYTES + 1), {})
    assert isinstance(result, Refused)
    assert (result.status, result.code) == (413, "too_large")


def test_receive_when_alert_is_full_then_signal_has_its_figures() -> None:
    signal = accepted(
        symbol="BINANCE:BTCUSDT",
        side="SELL",
        order_type="limit",
        quantity="1.50",
        price="61000.5",
        confidence="0.8",
        exchange="Paper",
        timestamp="2024-12-12T00:00:00Z",
        id="alert-7",
        strategy="ema cross",
    )
    assert (signal.symbol, signal.side, signal.order_type) == ("BTC/USDT", Side.SELL, OrderType.LIMIT)
    assert (signal.quantity, signal.price, signal.confidence) == (Decimal("1.5"), Decimal("61000.5"), Decimal("0.8"))
    assert (signal.exchange, signal.strategy, signal.sent_ms) == ("paper", "ema cross", NOW_MS)
    assert (signal.dedupe_key, signal.received_ms) == ("id:alert-7", NOW_MS)


@pytest.mark.parametrize("stamp", [NOW_MS, str(NOW_MS), NOW_MS // 1000, f"{NOW_MS // 1000}", "2024-12-12 00:00:00"])
def test_receive_when_timestamp_is_ms_s_or_iso_then_it_is_the_same_instant(stamp: object) -> None:
    assert accepted(timestamp=stamp).sent_ms == NOW_MS


def test_receive_when_stop_names_its_trigger_by_type_then_it_is_the_price() -> None:
    assert accepted(order_type="stop_loss", side="sell", stop_loss="90000").price == Decimal(90_000)
    assert accepted(order_type="take_profit", side="sell", take_profit="99000").price == Decimal(99_000)


def test_receive_when_an_entry_has_legs_then_they_are_in_the_signal() -> None:
    signal = accepted(order_type="limit", price="100", stop_loss="90", take_profit="120.5")
    assert (signal.price, signal.stop_loss, signal.take_profit) == (Decimal(100), Decimal(90), Decimal("120.5"))
    trailed = accepted(trail_pct="2.5", take_profit=5)
    assert (trailed.trail_pct, trailed.take_profit, trailed.stop_loss) == (Decimal("2.5"), Decimal(5), None)
    entry = accepted(order_type="stop_loss", price=100, take_profit=120)
    assert (entry.price, entry.stop_loss, entry.take_profit) == (Decimal(100), None, Decimal(120))


def test_receive_when_order_type_is_new_then_its_figures_are_in_the_signal() -> None:
    trailing = accepted(order_type="trailing_stop", side="sell", trail_pct=3)
    assert (trailing.order_type, trailing.trail_pct) == (OrderType.TRAILING_STOP, Decimal(3))
    iceberg = accepted(order_type="ICEBERG", price=100, display_quantity="0.1")
    assert (iceberg.order_type, iceberg.display_quantity) == (OrderType.ICEBERG, Decimal("0.1"))
    twap = accepted(order_type="twap", duration_s="3600", slices=12.0)
    assert (twap.order_type, twap.duration_s, twap.slices) == (OrderType.TWAP, 3600, 12)


def test_receive_when_oco_then_a_stop_that_names_its_target() -> None:
    signal = accepted(order_type="oco", side="sell", stop_loss=90, take_profit=120, price=100)
    assert (signal.order_type, signal.oco) == (OrderType.STOP_LOSS, True)
    assert (signal.price, signal.stop_loss, signal.take_profit) == (Decimal(90), Decimal(90), Decimal(120))
    assert not accepted().oco


def test_receive_when_sizing_needs_a_stop_then_either_kind_serves() -> None:
    assert accepted(quantity=GONE, sizing="risk", stop_loss=90).sizing == "risk"
    assert accepted(quantity=GONE, sizing="risk", trail_pct=2).trail_pct == Decimal(2)
    assert accepted(quantity=GONE, sizing="volatility").sizing == "volatility"


def test_receive_when_exchange_is_a_venues_other_name_then_signal_has_the_venue() -> None:
    config = CONFIG.model_copy(update={"symbols": ()})
    raw = json.dumps({**GOOD, "symbol": "ETH/USDT", "exchange": "KRAKEN"}).encode()
    signal = signed(raw, config)
    assert isinstance(signal, Signal)
    assert signal.exchange == "main"


def test_receive_when_mode_is_advisory_then_the_signal_says_so() -> None:
    raw = json.dumps(GOOD).encode()
    advisory = signed(raw, CONFIG.model_copy(update={"mode": "advisory"}))
    assert isinstance(advisory, Signal)
    assert (advisory.advisory, accepted().advisory) == (True, False)


def test_receive_when_sizing_is_fixed_pct_then_quantity_is_left_to_risk() -> None:
    signal = accepted(quantity=GONE, sizing="fixed_pct")
    assert (signal.quantity, signal.sizing) == (None, "fixed_pct")


def test_receive_when_optional_fields_are_null_then_they_are_absent() -> None:
    signal = accepted(price=None, id=None, timestamp=None, confidence=None, exchange=None)
    assert (signal.price, signal.sent_ms, signal.confidence) == (None, None, Decimal(1))


def test_receive_when_bytes_are_the_same_then_key_is_and_id_follows_receipt() -> None:
    raw = json.dumps(GOOD).encode()
    first, again = signed(raw), signed(raw)
    later = receive(raw, {"x-signature": signature(raw, SECRET)}, NOW_MS + 1)
    other = signed(raw, salt="b")
    assert first == again
    assert isinstance(first, Signal)
    assert isinstance(later, Signal)
    assert isinstance(other, Signal)
    assert first.dedupe_key == later.dedupe_key == other.dedupe_key
    assert len({first.signal_id, later.signal_id, other.signal_id}) == 3


def test_receive_when_secret_is_in_the_body_then_it_appears_nowhere() -> None:
    right = with_proof(given_secret=SECRET)
    wrong = receive(json.dumps({**GOOD, "secret": SECRET, "side": SECRET, "id": 1}).encode(), {})
    assert isinstance(right, Signal)
    assert isinstance(wrong, Refused)
    assert SECRET not in repr(right) + repr(wrong) + repr(CONFIG) + str(CONFIG.model_dump())


def test_config_when_secret_is_blank_or_proofs_are_empty_then_refused() -> None:
    for bad in ({"secret": "  "}, {"require": []}, {"mode": "off"}, {"typo": 1}):
        with pytest.raises(ValueError):
            WebhookConfig.model_validate(bad)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"allowed_peers": ["traddingview"]}, "'traddingview' is no address, no network"),
        ({"allowed_peers": ["10.0.0.1/8"]}, "host bits set"),
        ({"trusted_proxies": ["any"]}, "name the proxies' own networks"),
        ({"trusted_proxies": ["::/0"]}, "name the proxies' own networks"),
        ({"certificate_header": "x ssl"}, "is no header's name"),
        ({"certificate_subjects": ["TradingView"]}, "is no certificate subject"),
        ({"require": ["client_cert"]}, "needs certificate_subjects"),
        ({"require": ["client_cert"], "certificate_subjects": ["CN=a"]}, "needs certificate_subjects"),
    ],
)
def test_config_when_peers_or_certificates_are_wrong_then_it_says_which(bad: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        WebhookConfig.model_validate(bad)


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_receive_when_bytes_are_anything_then_signal_or_refusal(raw: bytes) -> None:
    assert isinstance(signed(raw), Signal | Refused)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
NAMES = [
    *("symbol", "side", "action", "order_type", "quantity", "sizing", "price", "stop_loss", "take_profit"),
    *(
        "display_quantity",
        "duration_s",
        "slices",
        "trail_pct",
        "confidence",
        "exchange",
        "timestamp",
        "id",
        "strategy",
        "secret",
        "nonsense",
    ),
]


@given(st.dictionaries(st.sampled_from(NAMES), json_values, max_size=5))
@settings(max_examples=400, deadline=None)
def test_receive_when_fields_are_anything_then_signal_or_refusal_of_the_contract(changes: dict[str, Any]) -> None:
    result = signed(json.dumps({**GOOD, **changes}).encode()[:MAX_BYTES])
    if isinstance(result, Refused):
        assert result.status in {400, 401, 422}
        json.dumps([result.code, result.message, result.field]).encode()
    else:
        assert result.quantity is None or result.quantity > 0
        assert not result.dedupe_key.startswith("id:") or len(result.dedupe_key) <= 131
