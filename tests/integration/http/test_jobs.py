"""`/api/v1/backtests` over a fake of the jobs' actor, and the client over a real HTTP server."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.gateway import make_app
from fks_actors.client import ApiRefused, AsyncClient, Client, Job
from fks_actors.errors import ConfigError, FksError
from tests.edge import BEARER, TOKEN, gateway_over, served
from tests.fake_desk import FakeJobs, job_row

BODY: dict[str, Any] = {"data": [{"name": "BTCUSDT-1h.csv.gz"}], "strategy": "sma_cross"}


@pytest.fixture
def jobs() -> FakeJobs:
    return FakeJobs({row["id"]: row for row in (job_row(1), job_row(2, "running"), job_row(3, "failed"))})


@pytest.fixture
async def api(jobs: FakeJobs) -> AsyncIterator[httpx.AsyncClient]:
    app = make_app(gateway_over(jobs=jobs))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk/api/v1/", headers=BEARER) as client:
        yield client


@pytest.fixture
def url(jobs: FakeJobs) -> Iterator[str]:
    with served(make_app(gateway_over(jobs=jobs))) as base:
        yield base


async def test_submit_when_it_is_taken_then_202_and_location(api: httpx.AsyncClient) -> None:
    answer = await api.post("backtests", json=BODY)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/v1/backtests/{answer.json()['id']}"
    assert (await api.get(f"http://desk{answer.headers['location']}")).json()["state"] == "queued"


@pytest.mark.parametrize(
    ("content", "status", "code", "field"),
    [
        (b"{", 400, "invalid_json", ""),
        (b"{}", 422, "missing_field", "data"),
        (b'{"data": [{"name": "a.csv"}], "force": 1}', 422, "unknown_field", "force"),
        (b'{"data": [{"name": "../a.csv"}]}', 422, "invalid_field", "data.0.name"),
    ],
)
async def test_submit_when_it_is_wrong_then_the_one_shape(
    api: httpx.AsyncClient, content: bytes, status: int, code: str, field: str
) -> None:
    answer = await api.post("backtests", content=content)
    assert answer.status_code == status
    assert (answer.json()["error"]["code"], answer.json()["error"]["field"]) == (code, field)


async def test_submit_when_the_queue_is_full_then_429_and_when(api: httpx.AsyncClient, jobs: FakeJobs) -> None:
    jobs.full = True
    answer = await api.post("backtests", json=BODY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "queue_full")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("told", [True, False])
async def test_submit_when_the_body_is_too_large_then_413_and_no_more_is_read(jobs: FakeJobs, told: bool) -> None:
    from dataclasses import replace

    app = make_app(replace(gateway_over(jobs=jobs), upload_mb=1))
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 64:
            sent += 1
            yield b" " * 2**20

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as client:
        more = {"Content-Length": str(64 * 2**20)} if told else {}
        answer = await client.post("/api/v1/backtests", content=endless(), headers=BEARER | more)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
        stranger = await client.post("/api/v1/backtests", content=endless(), headers={"Authorization": "Bearer no"})
        assert stranger.status_code == 401
    assert len(jobs.rows) == 3


async def test_report_when_read_then_it_runs_in_a_sandbox_and_other_pages_do_not(api: httpx.AsyncClient) -> None:
    answer = await api.get(f"backtests/{job_row(1)['id']}/report")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policies = answer.headers.get_list("content-security-policy")
    assert len(policies) == 1
    assert policies[0].startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in policies[0]
    assert "sandbox" not in (await api.get("http://desk/")).headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


async def test_files_when_the_job_has_none_or_is_none_then_404(api: httpx.AsyncClient) -> None:
    for path in (f"{job_row(2)['id']}/report", f"{job_row(3)['id']}/result", "nothing", "nothing/logs"):
        assert (await api.get(f"backtests/{path}")).status_code == 404, path


async def test_list_when_paged_then_newest_first(api: httpx.AsyncClient) -> None:
    first = (await api.get("backtests?limit=2")).json()
    rest = (await api.get(f"backtests?limit=2&cursor={first['next_cursor']}")).json()
    assert [row["id"] for row in first["items"] + rest["items"]] == [job_row(n)["id"] for n in (3, 2, 1)]
    assert rest["next_cursor"] == ""


async def test_jobs_when_their_actor_does_not_answer_then_503(api: httpx.AsyncClient, jobs: FakeJobs) -> None:
    jobs.down = True
    answer = await api.get("backtests")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


def test_client_when_a_job_ends_while_it_waits_then_told_of_it(url: str, jobs: FakeJobs, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class Mine: ...\n", encoding="utf-8")
    heard: list[Job] = []
    with Client(url, TOKEN) as client:
        job = client.submit_backtest(["BTCUSDT-1h.csv.gz"], f"{tmp_path}/mine.py:Mine", since="2024-01-01")
        assert (job.state, job.strategy) == ("queued", "mine.py:Mine")

        def hear(now: Job) -> None:
            heard.append(now)
            jobs.rows[job.id] |= {"state": "done", "progress": 1.0, "first_line": "LOSES"}

        assert client.wait(job.id, hear).first_line == "LOSES"
        assert [each.state for each in heard] == ["queued", "done"]
        assert client.result(job.id) == {"first_line": "LOSES"}
        assert client.report(job.id).startswith("<!doctype html>")
        assert client.logs(job.id, 3) == "it\n"
        assert client.cancel_backtest(job_row(2)["id"]).state == "cancelled"
        assert len(client.backtests(limit=2)[0]) == 2
        with pytest.raises(ApiRefused, match="404"):
            client.backtest("../../status")


def test_wait_when_nobody_answers_for_a_while_then_it_goes_on(url: str, jobs: FakeJobs) -> None:
    running = job_row(2)["id"]
    jobs.down = True

    def mend() -> None:
        jobs.down = False
        jobs.rows[running] |= {"state": "done"}

    timer = threading.Timer(0.5, mend)
    timer.start()
    with Client(url, TOKEN) as client:
        assert client.wait(running).state == "done"
        jobs.down = True
        with pytest.raises(ApiRefused, match="503"):
            client.wait(running, patience_s=0.3)
    timer.join()


def test_wait_when_the_time_is_over_then_it_says_how_to_look_again(url: str) -> None:
    with Client(url, TOKEN) as client, pytest.raises(FksError, match="look again with `fks jobs"):
        client.wait(job_row(2)["id"], timeout_s=0.1)


async def test_async_client_when_used_then_the_same_words(url: str, jobs: FakeJobs) -> None:
    async with AsyncClient(url, TOKEN) as client:
        job = await client.submit_sweep("BTCUSDT-1h.csv.gz", "ema_cross", {"fast": [5], "slow": [9]})
        assert job.kind == "sweep"
        jobs.rows[job.id] |= {"state": "failed", "error": "no numba"}
        assert (await client.wait(job.id)).error == "no numba"
        found = await client.submit_optimisation(["a.parquet"], {"space": {"risk.per_trade_pct": [1, 2]}})
        assert found.kind == "optimize"
        both = await asyncio.gather(client.backtest(job.id), client.backtest(found.id))
        assert [each.id for each in both] == [job.id, found.id]
        assert (await client.cancel_backtest(found.id)).state == "cancelled"


@pytest.mark.parametrize("data", ["/nowhere/a.csv", "./a.csv", "~/nowhere.csv"])
def test_submit_when_a_file_is_not_here_then_said_before_anything_is_sent(url: str, jobs: FakeJobs, data: str) -> None:
    with Client(url, TOKEN) as client, pytest.raises(ConfigError, match="no such file"):
        client.submit_backtest([data])
    assert len(jobs.rows) == 3
