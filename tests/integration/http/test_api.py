"""`/api/v1`, its errors, the pages and the stream."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from deployments.gateway import make_app
from fks_actors.errors import JournalUnavailable
from fks_actors.model.records import SignalStatus
from tests.edge import BEARER, gateway_over, served
from tests.fake_desk import SHADOWS
from tests.fakes import Scene, settled

NEEDS_TOKEN = [
    *("status", "agents", "decisions", "decisions/x", "signals/x", "orders", "positions", "account", "equity"),
    *("shadows", "trades", "risk", "metrics-summary", "stream", "lessons", "backtests/x"),
]


class Api:
    """The app over a scene, and a client with the token."""

    def __init__(self) -> None:
        self.scene = Scene(60)
        self.app = make_app(gateway_over(reader=self.scene.reader, desk=self.scene.desk))
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://desk/api/v1/", headers=BEARER
        )

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, path: str, **more: Any) -> tuple[int, str, str]:
        answer = await self.client.request(more.pop("method", "GET"), path, **more)
        error = answer.json()["error"]
        assert set(error) == {"code", "message", "field"}
        return answer.status_code, error["code"], error["field"]


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    built = Api()
    yield built
    await built.client.aclose()


@pytest.mark.parametrize("path", NEEDS_TOKEN)
@pytest.mark.parametrize("given", ["", "Bearer wrong", "Basic dG9rZW4=", "Bearer "])
async def test_get_when_token_is_missing_or_wrong_then_401(api: Api, path: str, given: str) -> None:
    assert await api.refused(path, headers={"Authorization": given}) == (401, "unauthorized", "")


async def test_post_when_token_is_missing_then_401_and_nothing_done(api: Api) -> None:
    headers = {"Authorization": ""}
    body = {"state": "halted", "reason": "x"}
    assert (await api.refused("control", method="POST", json=body, headers=headers))[0] == 401
    assert api.scene.desk.controls == []


async def test_health_and_ready_when_asked_without_token_then_ok_or_which_part_is_not(api: Api) -> None:
    api.client.headers.pop("Authorization")
    assert await api.get("health") == {"status": "ok"}
    assert await api.get("ready") == {"status": "ok"}
    api.scene.desk.ready = False
    assert await api.refused("ready") == (503, "unavailable", "desk")
    api.scene.reader.fault = JournalUnavailable("/secret/path is locked")
    answer = await api.client.get("ready")
    assert answer.json()["error"]["field"] == "journal"
    assert "secret" not in answer.text


async def test_decisions_when_paged_then_each_comes_once_newest_first(api: Api) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = await api.get(f"decisions?limit=50&cursor={cursor}")
        seen += [row["decision_id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert seen == [row.decision_id for row in api.scene.reader.cycle_rows]


async def test_decisions_when_filtered_then_symbol_in_any_spelling_and_outcome(api: Api) -> None:
    page = await api.get("decisions?symbol=btcusdt&outcome=ordered&limit=500")
    assert page["items"]
    assert {(row["symbol"], row["outcome"]) for row in page["items"]} == {("BTC/USDT", "ordered")}


async def test_decision_when_asked_by_id_then_every_vote_and_abstention(api: Api) -> None:
    record = api.scene.reader.cycle_rows[0]
    shown = await api.get(f"decisions/{record.decision_id}")
    assert [vote["agent"] for vote in shown["votes"]] == ["short_term", "mid_term", "long_term"]
    assert shown["votes"][2]["action"] == "abstain"
    assert shown["votes"][2]["abstained"] == "warming_up"
    assert shown["votes"][2]["confidence"] is None
    assert shown["votes"][0]["facts"]["rsi"] > 0
    assert shown == await api.get(f"decisions/{record.decision_id.replace('/', '%2F')}")


async def test_account_when_read_then_money_is_decimal_text_and_adds_up(api: Api) -> None:
    account = await api.get("account")
    positions = await api.get("positions")
    last = api.scene.reader.points[-1]
    assert Decimal(account["equity"]) == last.equity == Decimal(account["cash"]) + Decimal(account["exposure"])
    assert account["currency"] == "USDT"
    assert sum(Decimal(row["value"]) for row in positions) == Decimal(account["exposure"])
    assert sum(Decimal(row["unrealised"]) for row in positions) == Decimal(account["unrealised"])
    assert (await api.get("risk"))["drawdown"] == account["drawdown"]


async def test_risk_when_an_order_is_open_then_its_reservation_shows(api: Api) -> None:
    api.scene.reserve("c-1", "BTC/USDT", Decimal("250.50"))
    assert (await api.get("account"))["reserved"] == "250.50"
    (row,) = (await api.get("risk"))["reservations"]
    assert (row["client_order_id"], row["quote"]) == ("c-1", "250.50")


async def test_lists_when_read_then_orders_trades_and_equity_agree(api: Api) -> None:
    orders = (await api.get("orders?status=filled&limit=500"))["items"]
    trades = (await api.get("trades?limit=500"))["items"]
    assert {row["client_order_id"] for row in orders} == {row["client_order_id"] for row in trades}
    one = (await api.get(f"trades?order={orders[0]['client_order_id']}"))["items"]
    assert len(one) == 1
    points = await api.get("equity?points=10")
    assert len(points) == 10
    assert points[0]["ts_ms"] < points[-1]["ts_ms"]


async def test_signal_when_recorded_then_outcome_without_its_dedupe_key(api: Api) -> None:
    from fks_actors.model.orders import OrderType, Side
    from fks_actors.model.records import Signal

    alert = Signal("sig-1", "id:private", 1, "BTC/USDT", Side.BUY, OrderType.MARKET, Decimal("1E-8"))
    order_id = api.scene.reader.order_rows[0].intent.client_order_id
    api.scene.reader.signal_rows["sig-1"] = settled(alert, SignalStatus.OPEN, (order_id,))
    shown = await api.get("signals/sig-1")
    assert (shown["status"], shown["quantity"]) == ("open", "0.00000001")
    assert [row["client_order_id"] for row in shown["orders"]] == [order_id]
    assert "private" not in json.dumps(shown)


async def test_status_when_desk_is_down_then_journal_speaks_and_it_is_said(api: Api) -> None:
    up = await api.get("status")
    assert up["feed"]["simulated"] is True
    assert up["desk"]["reachable"] is True
    api.scene.desk.down = True
    down = await api.get("status")
    assert down["desk"]["reachable"] is False
    assert down["feed"]["name"] == "simulated"
    assert down["counts"]["decisions"] == 120
    assert (await api.refused("agents"))[:2] == (503, "unavailable")


async def test_shadows_when_some_are_kept_then_rows_and_tests_and_none_where_nobody_answers(api: Api) -> None:
    assert await api.get("shadows") == {
        "reachable": False, "clock_ms": 0, "behind": False, "trouble": "", "items": [], "tests": [],
    }  # fmt: skip
    api.scene.desk.shadow_rows = SHADOWS
    shown = await api.get("shadows")
    assert shown == {"reachable": True, **SHADOWS}
    page = (await api.client.get("http://desk/openapi.json")).json()
    described = page["components"]["schemas"]
    assert set(described["ShadowShape"]["properties"]) == set(shown["items"][0])
    assert set(described["ShadowTestShape"]["properties"]) == set(shown["tests"][0])
    assert "/api/v1/shadows" in page["paths"]


async def test_decide_when_symbol_has_bars_then_votes_and_verdict(api: Api) -> None:
    api.scene.desk.votes = api.scene.reader.cycle_rows[0].ballots
    answer = await api.client.post("decide", json={"symbol": "BTC-USDT"})
    assert answer.status_code == 200
    assert answer.json()["symbol"] == "BTC/USDT"
    assert len(answer.json()["votes"]) == 3
    assert answer.json()["verdict"]["action"] == "buy"
    assert answer.json()["debate"] is None


async def test_decide_when_it_was_debated_then_the_same_facts_as_a_recorded_decision(api: Api) -> None:
    recorded = next(row for row in api.scene.reader.cycle_rows if row.debate is not None)
    api.scene.desk.votes, api.scene.desk.debate = recorded.ballots, recorded.debate
    asked = (await api.client.post("decide", json={"symbol": "BTC-USDT"})).json()
    kept = await api.get(f"decisions/{recorded.decision_id}")
    assert asked["debate"] == kept["debate"]
    assert [turn["role"] for turn in kept["debate"]["turns"]] == ["bull", "bear", "judge"]
    assert set(asked["verdict"]) == set(kept["verdict"])
    assert [set(vote) for vote in asked["votes"]] == [set(vote) for vote in kept["votes"]]


async def test_decide_when_symbol_is_unknown_or_has_no_bar_then_422(api: Api) -> None:
    assert await api.refused("decide", method="POST", json={"symbol": "DOGE"}) == (422, "symbol_unknown", "symbol")
    assert await api.refused("decide", method="POST", json={"symbol": "BTCUSDT"}) == (422, "invalid_field", "symbol")


async def test_control_when_state_is_given_then_desk_is_told_once_by_id(api: Api) -> None:
    body = {"state": "halted", "reason": "news", "id": "c1"}
    assert (await api.client.post("control", json=body)).json() == {"state": "halted", "reason": "news"}
    assert api.scene.desk.controls == [("c1", "halted", "news")]


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "nothing", None, (404, "not_found", "")),
        ("GET", "decisions/none", None, (404, "not_found", "")),
        ("GET", "signals/none", None, (404, "not_found", "")),
        ("DELETE", "orders", None, (405, "method_not_allowed", "")),
        ("GET", "decisions?limit=0", None, (422, "invalid_field", "limit")),
        ("GET", "decisions?limit=many", None, (422, "invalid_field", "limit")),
        ("GET", "decisions?cursor=bad", None, (422, "invalid_field", "cursor")),
        ("GET", "decisions?symbol=DOGE", None, (422, "symbol_unknown", "symbol")),
        ("GET", "orders?status=lost", None, (422, "invalid_field", "status")),
        ("POST", "control", {"state": "paused", "reason": "x"}, (422, "invalid_field", "state")),
        ("POST", "control", {"state": "halted"}, (422, "missing_field", "reason")),
        ("POST", "control", {"state": "halted", "reason": "x", "force": 1}, (422, "unknown_field", "force")),
        ("GET", "lessons", None, (501, "not_implemented", "")),
        ("POST", "backtests", {}, (422, "missing_field", "data")),
        ("GET", "backtests/1", None, (404, "not_found", "")),
    ],
    ids=lambda v: str(v)[:32],
)
async def test_ask_when_request_is_wrong_then_error_has_the_one_shape(
    api: Api, method: str, path: str, body: Any, expected: tuple[int, str, str]
) -> None:
    assert await api.refused(path, method=method, json=body) == expected


async def test_post_when_body_is_no_json_then_400(api: Api) -> None:
    assert (await api.refused("control", method="POST", content=b"{"))[:2] == (400, "invalid_json")


async def test_get_when_journal_is_unavailable_then_503_without_details(api: Api) -> None:
    api.scene.reader.fault = JournalUnavailable("/home/me/journal.db is locked")
    answer = await api.client.get("orders")
    assert answer.status_code == 503
    assert "journal.db" not in answer.text
    assert answer.headers["retry-after"]


async def test_account_when_nothing_is_recorded_then_503_not_zeroes(api: Api) -> None:
    api.scene.reader.state = None
    assert (await api.refused("account"))[:2] == (503, "unavailable")


async def test_metrics_summary_when_asked_then_families_without_buckets(api: Api) -> None:
    await api.client.get("/metrics")
    summary = await api.get("metrics-summary")
    names = {family["name"] for family in summary}
    assert "fks_http_requests" in names
    assert not any(sample["name"].endswith("_bucket") for family in summary for sample in family["samples"])


async def test_pages_when_opened_then_all_is_local_small_and_guarded(api: Api) -> None:
    total = 0
    for path in ("/", "/static/app.js", "/static/style.css", "/static/lightweight-charts.js", "/static/views.js"):
        answer = await api.client.get(f"http://desk{path}")
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        total += len(answer.content)
    assert total <= 500_000
    assert (await api.client.get("http://desk/docs")).status_code == 200
    spec = (await api.client.get("http://desk/openapi.json")).json()
    assert "/api/v1/decisions" in spec["paths"]
    assert spec["paths"]["/api/v1/status"]["get"]["security"] == [{"HTTPBearer": []}]
    for path in ("/static/../gateway.py", "/static/nothing.js"):
        assert (await api.client.get(f"http://desk{path}")).status_code == 404


async def frames(answer: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    kind = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            kind = line[7:]
        elif line.startswith("data: "):
            yield kind, json.loads(line[6:])
        elif line.startswith(":"):
            yield "heartbeat", None


async def test_stream_when_a_bar_closes_then_its_events_follow_the_status() -> None:
    scene = Scene(60)
    app = make_app(gateway_over(reader=scene.reader, desk=scene.desk, heartbeat_s=0.3))
    seen: dict[str, list[Any]] = {}
    with served(app) as base:
        async with httpx.AsyncClient(timeout=20) as client, asyncio.timeout(20):
            headers = {**BEARER, "Last-Event-ID": "whatever"}
            async with client.stream("GET", f"{base}/api/v1/stream", headers=headers) as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                async for kind, data in frames(answer):
                    if not seen:
                        assert kind == "status"
                        assert data["account"]["currency"] == "USDT"
                        for _ in range(9):
                            scene.step()
                    seen.setdefault(kind, []).append(data)
                    if {"decision", "order", "fill", "equity", "heartbeat"} <= set(seen):
                        break
    wanted = {row.decision_id for row in scene.reader.cycle_rows[:18]}
    assert {row["decision_id"] for row in seen["decision"]} <= wanted
    closes = [row["close_ms"] for row in seen["decision"]]
    assert closes == sorted(closes)


async def test_stream_when_clients_are_many_then_the_journal_is_polled_once_for_all() -> None:
    scene = Scene(10)
    app = make_app(gateway_over(reader=scene.reader, desk=scene.desk, poll_s=0.2))
    polls = 0
    read = scene.reader.decisions

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal polls
        polls += 1
        return read(*args, **kwargs)

    scene.reader.decisions = counted  # type: ignore[method-assign]

    async def first_status(client: httpx.AsyncClient, base: str) -> None:
        async with client.stream("GET", f"{base}/api/v1/stream", headers=BEARER) as answer:
            async for kind, _ in frames(answer):
                assert kind == "status"
                return

    with served(app) as base:
        async with httpx.AsyncClient(timeout=20) as client, asyncio.timeout(20):
            started = asyncio.get_running_loop().time()
            await asyncio.gather(*(first_status(client, base) for _ in range(15)))
            took = asyncio.get_running_loop().time() - started
    assert polls <= 3 + took / 0.2
