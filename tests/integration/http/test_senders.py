"""Who may send alerts, how often, and what is written down of those who may not: through the ASGI app."""

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

import httpx
import pytest

from deployments.gateway import Gateway, make_app
from deployments.security import SecurityLog
from fks_actors.errors import ActorUnavailable
from fks_actors.model.records import AuditRecord
from fks_actors.telemetry import Telemetry
from fks_actors.webhook.symbols import Listing
from tests.edge import BEARER, NOW_MS, SECRET, gateway_over
from tests.fake_desk import FakeDesk
from tests.fakes import FakeInbox

PATH = "/webhook/tradingview"
ALERT = {"symbol": "BTCUSDT", "side": "buy", "quantity": "0.01", "secret": SECRET}
TRADINGVIEW = "52.89.214.238"
STRANGER = "6.6.6.6"


class Edge:
    """The app over fakes, asked from any address, with the header in either proxy's shape."""

    def __init__(self, **rules: Any) -> None:
        self.inbox, self.desk = FakeInbox(), FakeDesk()
        self.now_ms = NOW_MS
        self.gateway = gateway_over(self.inbox, desk=self.desk, now_ms=lambda: self.now_ms, **rules)
        self.app = make_app(self.gateway)
        self._sent = 0

    async def send(
        self, peer: str, forwarded: str = "", mode: str = "python", body: Any = ALERT, **headers: str
    ) -> httpx.Response:
        """From the TCP peer `peer`; HAProxy appends it to what the caller claims, Serve's Python proxy does not."""
        self._sent += 1
        claims = [part for part in (forwarded, peer if mode == "haproxy" else "") if part]
        lines = [*(("X-Forwarded-For", claim) for claim in claims)]
        lines += [(name.replace("_", "-"), value) for name, value in headers.items()]
        content = body if isinstance(body, bytes) else json.dumps({"id": f"a{self._sent}", **body})
        transport = httpx.ASGITransport(self.app, client=(peer, 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
            return await client.post(PATH, content=content, headers=lines)

    def counter(self, name: str, *labels: str) -> float:
        return float(self.gateway.telemetry.counter(name, *labels)._value.get())

    async def until_audited(self, count: int) -> list[AuditRecord]:
        deadline = time.monotonic() + 10
        while sum(record.count for record in self.desk.audited) < count:
            assert time.monotonic() < deadline, self.desk.audited
            await asyncio.sleep(0.02)
        return self.desk.audited


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", {}).get("code", "")


BOTH_MODES = pytest.mark.parametrize("mode", ["python", "haproxy"])


@BOTH_MODES
async def test_send_when_allow_list_is_set_then_only_its_addresses_pass(mode: str) -> None:
    edge = Edge(allowed_peers=["tradingview"])
    assert code_of(await edge.send(TRADINGVIEW, mode=mode)) == (202, "")
    assert code_of(await edge.send(STRANGER, mode=mode)) == (403, "forbidden")
    assert code_of(await edge.send(STRANGER, TRADINGVIEW, mode)) == (403, "forbidden")
    assert code_of(await edge.send("127.0.0.1", TRADINGVIEW, mode)) == (403, "forbidden")
    assert len(edge.inbox.stored) == 1
    assert edge.counter("fks_peer_denied_total") == 3


@BOTH_MODES
async def test_send_when_a_trusted_proxy_passes_it_on_then_the_sender_behind_it_counts(mode: str) -> None:
    edge = Edge(allowed_peers=["tradingview"], trusted_proxies=["127.0.0.1"])
    assert code_of(await edge.send("127.0.0.1", TRADINGVIEW, mode)) == (202, "")
    assert code_of(await edge.send("127.0.0.1", f"{STRANGER}, {TRADINGVIEW}", mode)) == (202, "")
    assert code_of(await edge.send("127.0.0.1", f"{TRADINGVIEW}, {STRANGER}", mode)) == (403, "forbidden")
    assert code_of(await edge.send("127.0.0.1", f"{TRADINGVIEW}, bogus", mode)) == (403, "forbidden")
    assert code_of(await edge.send("127.0.0.1", "", mode)) == (403, "forbidden")
    assert code_of(await edge.send("127.0.0.9", TRADINGVIEW, mode)) == (403, "forbidden")


async def test_send_when_peer_is_forbidden_then_its_body_is_not_read() -> None:
    drawn = 0

    async def body() -> Any:
        nonlocal drawn
        drawn += 1
        yield b"{}"

    edge = Edge(allowed_peers=["tradingview"])
    transport = httpx.ASGITransport(edge.app, client=(STRANGER, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        assert (await client.post(PATH, content=body())).status_code == 403
    assert drawn == 0
    assert (await edge.send(STRANGER, body=b"x" * 9000)).status_code == 413


@BOTH_MODES
async def test_send_when_a_certificate_is_shown_then_it_counts_from_the_trusted_proxy_only(mode: str) -> None:
    edge = Edge(require=["client_cert"], trusted_proxies=["10.0.0.1"], certificate_subjects=["CN=TradingView Webhooks"])
    shown = {"x_ssl_client_subject": "CN=TradingView Webhooks,O=TradingView", "x_ssl_client_verify": "SUCCESS"}
    alert = {name: value for name, value in ALERT.items() if name != "secret"}
    assert code_of(await edge.send("10.0.0.1", TRADINGVIEW, mode, alert, **shown)) == (202, "")
    assert code_of(await edge.send(STRANGER, "10.0.0.1", mode, alert, **shown)) == (401, "unauthorized")
    assert code_of(await edge.send("10.0.0.1", TRADINGVIEW, mode, ALERT)) == (401, "unauthorized")


async def test_send_when_one_address_floods_with_bad_secrets_then_only_it_is_limited() -> None:
    edge = Edge(rate_limit_per_minute=60, burst=5)
    bad = {**ALERT, "secret": "wrong"}
    answers = [code_of(await edge.send(STRANGER, body=bad))[0] for _ in range(20)]
    assert answers == [401] * 5 + [429] * 15
    limited = await edge.send(STRANGER, body=bad)
    assert limited.headers["retry-after"].isdecimal()
    assert [code_of(await edge.send(TRADINGVIEW))[0] for _ in range(5)] == [202] * 5
    edge.now_ms += 11_000
    assert code_of(await edge.send(STRANGER)) == (202, "")


async def test_send_when_strangers_share_an_address_then_they_use_up_no_proven_rate() -> None:
    edge = Edge(rate_limit_per_minute=60, burst=5)
    for _ in range(4):
        await edge.send(TRADINGVIEW, body={**ALERT, "secret": "wrong"})
    assert [code_of(await edge.send(TRADINGVIEW))[0] for _ in range(6)] == [202] * 5 + [429]


async def test_send_when_addresses_are_many_then_every_one_has_its_rate() -> None:
    edge = Edge(rate_limit_per_minute=60, burst=1)
    for peer in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"):
        assert code_of(await edge.send(peer))[0] == 202
    assert code_of(await edge.send("2001:db8::2"))[0] == 429


async def test_refusals_when_they_come_then_they_are_audited_by_kind_and_address() -> None:
    edge = Edge(allowed_peers=[f"{TRADINGVIEW}/32"], rate_limit_per_minute=60, burst=2)
    for _ in range(3):
        await edge.send(STRANGER)
    for _ in range(2):
        await edge.send(TRADINGVIEW, body={**ALERT, "secret": "s3cr3t-guess"})
    await edge.send(TRADINGVIEW, body={**ALERT, "secret": "s3cr3t-guess"})
    records = await edge.until_audited(6)
    second = NOW_MS // 1000 * 1000
    assert sorted(records, key=lambda r: r.kind) == [
        AuditRecord(second, "forbidden", STRANGER, PATH, 3),
        AuditRecord(second, "rate_limited", TRADINGVIEW, PATH, 1),
        AuditRecord(second, "unauthorized", TRADINGVIEW, PATH, 2),
    ]
    assert "s3cr3t" not in repr(records)
    assert edge.counter("fks_security_events_total", "forbidden") == 3


async def test_refusals_when_the_api_token_is_wrong_then_they_are_audited_too() -> None:
    edge = Edge()
    transport = httpx.ASGITransport(edge.app, client=(STRANGER, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        assert (await client.get("/api/v1/status", headers={"Authorization": "Bearer nope"})).status_code == 401
        assert (await client.get("/api/v1/health", headers=BEARER)).status_code == 200
    (record,) = await edge.until_audited(1)
    assert (record.kind, record.actor, record.detail) == ("unauthorized", STRANGER, "/api/v1/status")


async def test_refusals_when_the_desk_is_down_then_they_wait_for_it() -> None:
    edge = Edge(allowed_peers=["loopback"])
    edge.desk.down = True
    await edge.send(STRANGER)
    edge.now_ms += 1000
    await edge.send(STRANGER)
    await asyncio.sleep(0)
    edge.desk.down = False
    records = await edge.until_audited(2)
    assert [record.ts_ms for record in records] == [NOW_MS, NOW_MS + 1000]


class Broken(FakeDesk):
    """A desk that fails for the first `failures` calls."""

    failures = 2

    async def audit(self, records: Any) -> None:
        if self.failures:
            self.failures -= 1
            raise ActorUnavailable("coordinator.audit did not answer")
        await super().audit(records)


async def test_security_log_when_places_are_full_then_the_rest_is_counted() -> None:
    desk, telemetry, asked = Broken(), Telemetry("test"), []
    log = SecurityLog(desk, telemetry, lambda: NOW_MS, lambda: asked.append(1), places=3)
    for index in range(5):
        log.note(403, f"192.0.2.{index}", PATH)
    log.note(403, "192.0.2.0", PATH)
    log.note(200, "192.0.2.9", PATH)
    assert len(log) == 3
    assert float(telemetry.counter("fks_security_events_dropped_total")._value.get()) == 2
    asked.clear()
    await log.hand_over()
    await log.hand_over()
    assert (len(asked), len(log), desk.audited) == (2, 3, [])
    await log.hand_over()
    assert [(record.actor, record.count) for record in desk.audited] == [
        ("192.0.2.0", 2),
        ("192.0.2.1", 1),
        ("192.0.2.2", 1),
    ]
    assert len(log) == 0


async def test_security_log_when_it_closes_then_it_hands_over_once_more() -> None:
    desk = FakeDesk()
    log = SecurityLog(desk, Telemetry("test"), lambda: NOW_MS, lambda: None)
    log.note(401, STRANGER, PATH)
    await log.close()
    assert [record.kind for record in desk.audited] == ["unauthorized"]
    desk.down = True
    log.note(401, STRANGER, PATH)
    await log.close()
    assert len(log) == 1


async def test_send_when_venues_are_several_then_their_names_and_ids_count() -> None:
    inbox = FakeInbox()
    gateway = gateway_over(inbox)
    venues = (Listing("paper"), Listing("main", "kraken", {"XXBTZUSDT": "BTC/USDT"}))
    app = make_app(_with_venues(gateway, venues))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as client:
        good = await client.post(PATH, json={**ALERT, "symbol": "XXBTZUSDT", "exchange": "Kraken"})
        bad = await client.post(PATH, json={**ALERT, "exchange": "okx"})
    assert good.status_code == 202
    assert [(signal.symbol, signal.exchange) for signal in inbox.stored.values()] == [("BTC/USDT", "main")]
    assert (bad.status_code, bad.json()["error"]["field"]) == (422, "exchange")


def _with_venues(gateway: Gateway, venues: tuple[Listing, ...]) -> Gateway:

    return replace(gateway, venues=venues)
