"""`POST /webhook/tradingview` through the ASGI app: what a sender sees, and what is stored."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from deployments.gateway import make_app
from deployments.webhook import wanted_wait_s
from fks_actors.errors import InvariantError, JournalUnavailable
from fks_actors.model.orders import Refusal
from fks_actors.model.records import SignalStatus
from fks_actors.webhook.authenticity import signature
from tests.edge import NOW_MS, SECRET, gateway_over
from tests.fake_desk import FakeDesk
from tests.fakes import FakeInbox, FakeReader, Scene, settled

PATH = "/webhook/tradingview"
ALERT = {"symbol": "BTCUSDT", "side": "buy", "quantity": "0.01", "secret": SECRET}


class Edge:
    """The app over fakes, and a client of it."""

    def __init__(self, **rules: Any) -> None:
        self.inbox, self.reader, self.desk = FakeInbox(), FakeReader(), FakeDesk()
        self.now_ms = NOW_MS
        self.gateway = gateway_over(self.inbox, self.reader, self.desk, lambda: self.now_ms, **rules)
        transport = httpx.ASGITransport(make_app(self.gateway))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://desk")

    async def send(self, body: dict[str, Any] | bytes = ALERT, **headers: str) -> httpx.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.client.post(PATH, content=raw, headers={k.replace("_", "-"): v for k, v in headers.items()})

    async def until_woken(self) -> None:
        async with asyncio.timeout(5):
            await self.desk.woken.wait()


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    built = Edge()
    yield built
    await built.client.aclose()


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "field"}
    assert SECRET not in answer.text
    return answer.status_code, error["code"], error["field"]


@pytest.mark.parametrize("kind", ["application/json", "text/plain; charset=utf-8", "application/octet-stream"])
async def test_send_when_alert_is_good_then_202_stored_and_desk_woken(edge: Edge, kind: str) -> None:
    answer = await edge.send(content_type=kind)
    assert answer.status_code == 202
    (stored,) = edge.inbox.stored.values()
    assert answer.json() == {"status": "accepted", "signal_id": stored.signal_id}
    await edge.until_woken()


async def test_send_when_desk_is_down_then_still_202(edge: Edge) -> None:
    edge.desk.down = True
    assert (await edge.send()).status_code == 202
    await edge.until_woken()


async def test_send_when_bytes_repeat_then_200_duplicate_with_the_first_id(edge: Edge) -> None:
    first = (await edge.send()).json()["signal_id"]
    again = await edge.send()
    assert (again.status_code, again.json()) == (200, {"status": "duplicate", "signal_id": first})


async def test_send_when_copies_race_then_exactly_one_is_accepted(edge: Edge) -> None:
    edge.inbox.delay_s = 0.01
    answers = await asyncio.gather(*(edge.send() for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [202]
    assert len({answer.json()["signal_id"] for answer in answers}) == 1


async def test_send_when_id_repeats_with_other_figures_then_duplicate(edge: Edge) -> None:
    first = await edge.send({**ALERT, "id": "a1"})
    again = await edge.send({**ALERT, "id": "a1", "quantity": "0.02"})
    assert again.json() == {"status": "duplicate", "signal_id": first.json()["signal_id"]}


async def test_send_when_signed_by_header_then_accepted(edge: Edge) -> None:
    raw = b'{"symbol":"ETH-USDT","action":"sell","quantity":1}'
    assert (await edge.send(raw, x_signature=signature(raw, SECRET))).status_code == 202


async def test_send_when_signature_comes_twice_then_401(edge: Edge) -> None:
    raw = json.dumps({k: v for k, v in ALERT.items() if k != "secret"}).encode()
    twice = [("X-Signature", signature(raw, SECRET)), ("X-Signature", "sha256=00")]
    assert error_of(await edge.client.post(PATH, content=raw, headers=twice))[0] == 401


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"x" * 9000, (413, "too_large", "")),
        (b"buy", (401, "unauthorized", "")),
        ({**ALERT, "secret": "wrong"}, (401, "unauthorized", "")),
        ({**ALERT, "quantity": 0}, (422, "invalid_quantity", "quantity")),
        ({**ALERT, "timestamp": NOW_MS - 301_000}, (422, "stale", "timestamp")),
        ({**ALERT, "leverage": 3}, (422, "unknown_field", "leverage")),
        ({**ALERT, "side": "sell", "trail_pct": 3}, (422, "invalid_field", "trail_pct")),
    ],
    ids=lambda v: str(v)[:30],
)
async def test_send_when_refused_then_error_shape_and_nothing_stored(
    edge: Edge, body: Any, expected: tuple[int, str, str]
) -> None:
    assert error_of(await edge.send(body)) == expected
    assert edge.inbox.stored == {}


async def test_send_when_body_is_streamed_and_endless_then_413_after_8_kib(edge: Edge) -> None:
    drawn = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal drawn
        while True:
            drawn += 1
            yield b" " * 1024

    assert error_of(await edge.client.post(PATH, content=endless()))[0] == 413
    assert drawn <= 10


async def test_send_when_body_is_compressed_then_415(edge: Edge) -> None:
    assert error_of(await edge.send(content_encoding="gzip")) == (415, "invalid_field", "content-encoding")


async def test_send_when_rate_is_used_up_then_429_with_retry_after() -> None:
    edge = Edge(rate_limit_per_minute=60, burst=2)
    codes = [(await edge.send({**ALERT, "id": str(n)})).status_code for n in range(3)]
    assert codes == [202, 202, 429]
    refused = await edge.send()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3")
    edge.now_ms += 2001
    assert (await edge.send({**ALERT, "id": "later"})).status_code == 202
    await edge.client.aclose()


@pytest.mark.parametrize("fault", [JournalUnavailable("disk is full"), InvariantError("a bug")])
async def test_send_when_storing_fails_then_503_and_no_other_5xx(edge: Edge, fault: Any) -> None:
    edge.inbox.fault = fault
    answer = await edge.send()
    assert error_of(answer)[:2] == (503, "unavailable")
    assert "disk" not in answer.text


async def test_wait_when_desk_finishes_then_200_with_outcome_and_orders(edge: Edge) -> None:
    order = Scene(20).reader.order_rows[0]
    edge.reader.order_rows = [order]

    class Settling(FakeInbox):
        async def put_async(self, signal: Any) -> str:
            record = settled(signal, SignalStatus.FILLED, (order.intent.client_order_id,))
            edge.reader.signal_rows[signal.signal_id] = record
            return str(await super().put_async(signal))

    app = make_app(gateway_over(Settling(), edge.reader, edge.desk))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as client:
        answer = await client.post(PATH, json=ALERT, headers={"Prefer": "respond-async, wait=2"})
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=2"
    body = answer.json()
    assert (body["status"], body["reasons"]) == ("filled", [])
    assert [row["client_order_id"] for row in body["orders"]] == [order.intent.client_order_id]
    assert isinstance(body["orders"][0]["quantity"], str)


async def test_wait_when_desk_denies_then_200_with_reasons(edge: Edge) -> None:
    why = Refusal("max_exposure", "exposure would be above its limit", "0.9", "0.8")

    class Settling(FakeInbox):
        async def put_async(self, signal: Any) -> str:
            edge.reader.signal_rows[signal.signal_id] = settled(signal, SignalStatus.DENIED, (), why)
            return str(await super().put_async(signal))

    app = make_app(gateway_over(Settling(), edge.reader, edge.desk))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as client:
        answer = await client.post(PATH, json=ALERT, headers={"Prefer": "wait=2"})
    assert answer.json()["status"] == "denied"
    assert answer.json()["reasons"] == [
        {"code": why.code, "message": why.message, "value": why.value, "limit": why.limit}
    ]


@pytest.mark.parametrize("state", ["slow", "down", "unrecorded"])
async def test_wait_when_outcome_is_not_known_in_time_then_202(edge: Edge, state: str) -> None:
    edge.desk.settles = state != "slow"
    edge.desk.down = state == "down"
    answer = await edge.send(prefer="wait=1")
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [("", 0), ("wait=5", 5), ("return=minimal, wait=99", 30), ('wait="3"; x=1', 3), ("wait=-1", 0), ("await=5", 0)],
)
def test_wanted_wait_when_header_varies_then_capped_or_ignored(prefer: str, seconds: int) -> None:
    assert wanted_wait_s(prefer) == seconds


async def test_get_when_webhook_is_opened_by_browser_then_405_in_shape(edge: Edge) -> None:
    answer = await edge.client.get(PATH)
    assert error_of(answer) == (405, "method_not_allowed", "")


async def test_send_when_answered_then_the_security_headers_stand_on_every_outcome(edge: Edge) -> None:
    for answer in (await edge.send(), await edge.send(), await edge.send(b"buy")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"] == "application/json"
        assert int(answer.headers["content-length"]) == len(answer.content)


async def test_send_when_the_app_is_mounted_elsewhere_then_alerts_still_arrive(edge: Edge) -> None:
    mounted = Starlette(routes=[Mount("/desk", make_app(edge.gateway))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(mounted), base_url="http://desk") as client:
        answer = await client.post(f"/desk{PATH}", json=ALERT)
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")


async def test_send_when_storing_hangs_then_503_within_the_deadline(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.webhook._STORE_S", 0.05)
    slow = Edge()
    slow.inbox.delay_s = 60.0
    async with asyncio.timeout(5):
        answer = await slow.send()
    assert error_of(answer)[:2] == (503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    slow.inbox.delay_s = 0.0
    assert (await slow.send()).status_code == 202
    await slow.client.aclose()


async def test_send_when_the_inbox_breaks_in_an_unknown_way_then_503_without_a_trace(edge: Edge) -> None:
    edge.inbox.fault = RuntimeError("secret detail")  # type: ignore[assignment]
    answer = await edge.send()
    assert error_of(answer)[:2] == (503, "unavailable")
    assert "detail" not in answer.text
    page = (await edge.client.get("/metrics")).text
    assert 'fks_http_requests_total{route="/webhook/tradingview",status="503"} 1.0' in page
    assert "fks_webhook_in_flight 0.0" in page


async def test_metrics_when_alerts_came_then_they_are_counted_by_code(edge: Edge) -> None:
    await edge.send()
    await edge.send()
    await edge.send({**ALERT, "secret": "wrong"})
    page = (await edge.client.get("/metrics")).text
    assert 'fks_webhook_requests_total{code="accepted"} 1.0' in page
    assert 'fks_webhook_requests_total{code="duplicate"} 1.0' in page
    assert "fks_webhook_signature_failures_total 1.0" in page
    assert 'fks_http_requests_total{route="/webhook/tradingview",status="202"} 1.0' in page
    assert "fks_webhook_in_flight 0.0" in page
    edge.desk.down = True
    assert 'code="accepted"} 1.0' in (await edge.client.get("/metrics")).text


@pytest.mark.parametrize("heard", [True, False])
async def test_accept_when_the_desk_heard_of_the_alert_by_itself_then_it_is_not_woken(edge: Edge, heard: bool) -> None:
    inbox = FakeInbox()
    inbox.is_heard = heard
    app = make_app(gateway_over(inbox, edge.reader, edge.desk))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as client:
        assert (await client.post(PATH, json=ALERT)).status_code == 202
        await asyncio.sleep(0.05)
    assert edge.desk.woken.is_set() is not heard
