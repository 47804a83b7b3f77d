"""Anything at all, thrown at the pure functions and at the whole edge."""

import asyncio
import hashlib
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.gateway import make_app
from fks_actors.model.orders import OrderType, Side
from fks_actors.model.records import Signal
from fks_actors.webhook.authenticity import signature
from fks_actors.webhook.config import WebhookConfig
from fks_actors.webhook.intake import prove, read_signal
from fks_actors.webhook.payload import MAX_BYTES
from fks_actors.webhook.peers import Caller, Peers
from fks_actors.webhook.refused import Refused
from fks_actors.webhook.symbols import Markets
from tests.edge import NOW_MS, SECRET, SYMBOLS, TOKEN, gateway_over
from tests.fakes import FakeInbox
from tests.fuzz.conftest import Watch, examples
from tests.fuzz.hostile import alerts, bodies, encoded, odd_headers, plausible

PATH = "/webhook/tradingview"
STATUSES = {200, 202, 400, 401, 403, 408, 413, 415, 422, 429, 503}
CODES = {
    *("invalid_json", "too_large", "missing_field", "unknown_field", "invalid_field", "invalid_side"),
    *("invalid_order_type", "invalid_quantity", "price_required", "confidence_out_of_range", "low_confidence"),
    *("stale", "future", "symbol_not_allowed", "symbol_unknown", "quantity_too_large", "value_too_large"),
    *("unauthorized", "forbidden", "rate_limited", "unavailable"),
}
CONFIG = WebhookConfig.model_validate({"secret": SECRET, "max_value": 10**9})
MARKETS = Markets(SYMBOLS, (), CONFIG.exchanges)


def _judged(raw: bytes) -> Signal | Refused:
    headers = {"x-signature": signature(raw, SECRET)}
    proven = prove(raw, headers, CONFIG, Caller(None))
    return proven if isinstance(proven, Refused) else read_signal(proven, NOW_MS, CONFIG, MARKETS, "salt")


def _check_refusal(refused: Refused) -> None:
    assert refused.status in STATUSES
    assert refused.code in CODES
    assert SECRET not in repr(refused)
    assert len(refused.message) < 300
    assert len(refused.field) <= 70
    json.dumps([refused.message, refused.field]).encode()
    assert (refused.field + refused.message).isprintable()


def _check_signal(signal: Signal) -> None:
    """What the desk may rely on."""
    assert (signal.quantity is None) is (signal.sizing != "")
    assert signal.symbol in SYMBOLS
    assert SECRET not in repr(signal)
    for figure in (signal.quantity, signal.price, signal.stop_loss, signal.take_profit, signal.trail_pct):
        assert figure is None or (figure.is_finite() and figure > 0)
    if signal.side is Side.SELL and not signal.oco:
        assert (signal.stop_loss, signal.take_profit) == (None, None)
    if signal.side is Side.BUY:
        assert signal.stop_loss is None or signal.trail_pct is None
        assert not signal.oco
        assert signal.order_type is not OrderType.TRAILING_STOP
    levels = [figure for figure in (signal.stop_loss, signal.take_profit) if figure is not None]
    assert levels == sorted(set(levels))
    if signal.order_type is OrderType.TWAP:
        assert 1 <= signal.duration_s <= 86_400
        assert 2 <= signal.slices <= 1_000
    if signal.order_type is OrderType.ICEBERG:
        assert signal.display_quantity is not None
        assert signal.quantity is None or signal.display_quantity <= signal.quantity
    if signal.order_type in (OrderType.LIMIT, OrderType.ICEBERG, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT):
        assert signal.price is not None


@examples(400)
@given(bodies)
def test_judge_when_bytes_are_hostile_then_signal_or_refusal_of_the_contract(watched: Watch, raw: bytes) -> None:
    result = _judged(raw)
    _check_refusal(result) if isinstance(result, Refused) else _check_signal(result)
    assert watched.found == []


@examples(400)
@given(alerts | plausible)
def test_judge_when_a_field_is_hostile_then_signal_or_refusal_of_the_contract(
    watched: Watch, alert: dict[str, Any]
) -> None:
    result = _judged(encoded(alert)[:MAX_BYTES])
    _check_refusal(result) if isinstance(result, Refused) else _check_signal(result)
    assert watched.found == []


async def _sent(raw: bytes, headers: dict[str, str], signed: bool, pieces: int) -> httpx.Response:
    inbox = FakeInbox()
    app = make_app(gateway_over(inbox, allowed_peers=["loopback"], trusted_proxies=["127.0.0.1"]))
    given = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    if signed:
        given |= {b"X-Signature": signature(raw, SECRET).encode()}

    async def chunks() -> Any:
        step = max(1, len(raw) // pieces)
        for start in range(0, len(raw), step):
            yield raw[start : start + step]

    transport = httpx.ASGITransport(app, raise_app_exceptions=True, client=("127.0.0.1", 9))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        answer = await client.post(PATH, content=raw if pieces == 1 else chunks(), headers=list(given.items()))
    assert (answer.status_code in (200, 202)) is bool(inbox.stored)
    return answer


def _check_answer(answer: httpx.Response) -> None:
    assert answer.status_code in STATUSES
    assert SECRET not in answer.text
    assert TOKEN not in answer.text
    assert "Traceback" not in answer.text
    assert SECRET not in repr(answer.headers)
    body = answer.json()
    if answer.status_code in (200, 202):
        assert {"status", "signal_id"} <= set(body)
    else:
        assert set(body["error"]) == {"code", "message", "field"}
        assert body["error"]["code"] in CODES
    assert answer.headers["x-content-type-options"] == "nosniff"


@examples(120)
@given(bodies, odd_headers, st.booleans(), st.sampled_from([1, 2, 7]))
def test_send_when_body_and_headers_are_hostile_then_the_answer_is_of_the_contract(
    watched: Watch, raw: bytes, headers: dict[str, str], signed: bool, pieces: int
) -> None:
    _check_answer(asyncio.run(_sent(raw, headers, signed, pieces)))
    assert watched.found == []


@examples(60)
@given(st.binary(max_size=64), st.sampled_from(["secret", "id", "strategy", "nonsense"]))
def test_send_when_the_secret_stands_where_it_does_not_belong_then_it_never_comes_back(
    watched: Watch, salt: bytes, name: str
) -> None:
    secret = hashlib.sha256(salt).hexdigest()
    body = json.dumps({"symbol": secret, "side": secret, "quantity": 1, name: secret, secret: 1}).encode()
    answer = asyncio.run(_sent(body, {"X-Signature": secret, "X-SSL-Client-Subject": secret}, False, 1))
    assert secret not in answer.text
    assert not any(secret in line for line in watched.found)


@examples(200)
@given(st.text(max_size=60) | st.sampled_from(["::1%", "[::1", "1.2.3.4:", "::ffff:1.2.3.4"]), st.text(max_size=120))
def test_caller_when_addresses_are_anything_then_a_stranger_never_becomes_another(direct: str, forwarded: str) -> None:
    peers = Peers.named(["tradingview"], ["127.0.0.1"])
    seen = peers.caller("203.0.113.9", forwarded)
    assert seen.peer == "203.0.113.9"
    assert not peers.admits(seen)
    assert peers.caller(direct, forwarded).peer


@pytest.mark.parametrize("size", [100, 8_000, 60_000])
async def test_send_when_headers_are_huge_then_an_answer_of_the_contract(watched: Watch, size: int) -> None:
    answer = await _sent(b"{}", {"X-Forwarded-For": "1.2.3.4," * (size // 8), "X-Signature": "0" * size}, False, 1)
    _check_answer(answer)
    assert watched.found == []
