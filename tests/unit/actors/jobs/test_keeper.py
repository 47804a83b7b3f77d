"""The jobs' actor over a job server that is a fake: queueing, cancelling, restarting, telling, forgetting."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fks_actors.actors.jobs.keeper import JobsActor
from fks_actors.actors.jobs.told import JobsTold
from fks_actors.adapters.jobs.config import JobsConfig
from fks_actors.adapters.jobs.folder import (
    LOG,
    OUTCOME,
    PROGRESS,
    JobFolder,
    JobFolders,
    Outcome,
    Progress,
    State,
    unfinished,
)
from fks_actors.errors import ClusterError, JobRefused

NOW_MS = 1_733_961_600_000
CANDLES = "timestamp,open,high,low,close,volume\n1704067200000,1,1,1,1,1\n1704070800000,1,1,1,1,1\n"


@dataclass
class FakeServer:
    """Ray's job server: what was started, what lives."""

    started: list[str] = field(default_factory=list)
    living: set[str] = field(default_factory=set)
    stopped: list[str] = field(default_factory=list)
    down: bool = False

    def _answer(self) -> None:
        if self.down:
            raise ClusterError("connection refused")

    async def submit(self, name: str, command: str) -> None:
        self._answer()
        if name not in self.started:
            self.started.append(name)
            self.living.add(name)

    async def alive(self, name: str) -> bool:
        self._answer()
        return name in self.living

    async def stop(self, name: str) -> None:
        self._answer()
        self.stopped.append(name)
        self.living.discard(name)


class Jobs:
    """An actor over a home, and the processes that it believes to have."""

    def __init__(self, home: Path, **config: Any) -> None:
        (home / "data").mkdir(exist_ok=True)
        (home / "data" / "BTCUSDT-1h.csv").write_text(CANDLES, encoding="utf-8")
        (home / "api-token").write_text("the-desks-own-token\n", encoding="utf-8")
        self.home, self.config = home, JobsConfig(**config)
        self.server = FakeServer()
        self.now_ms = NOW_MS
        self.actor = self._made()

    def _made(self) -> JobsActor:
        told = JobsTold(
            home=str(self.home), namespace="fks-t", config=self.config, secrets=(str(self.home / "api-token"),),
            own_process=False,
        )  # fmt: skip
        return JobsActor(told, self.server, self._clock)

    def _clock(self) -> int:
        self.now_ms += 1
        return self.now_ms

    def restart(self) -> None:
        """Another actor takes its place."""
        self.actor = self._made()

    async def submit(self, **fields: Any) -> str:
        body = {"data": [{"name": "BTCUSDT-1h.csv"}], "settings": {}, **fields}
        return str((await self.actor.submit(json.dumps(body).encode()))["id"])

    async def look(self) -> None:
        self.actor._asked.clear()  # asks the server at once
        await self.actor._look()

    async def state(self, job_id: str) -> str:
        job = await self.actor.job(job_id)
        assert job is not None
        return str(job["state"])

    def folder(self, job_id: str) -> JobFolder:
        return JobFolder(self.home / "backtests" / job_id)

    def ends(self, job_id: str, outcome: Outcome) -> None:
        """The process's last word."""
        self.folder(job_id).put(OUTCOME, outcome)
        self.server.living = {name for name in self.server.living if job_id not in name}


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path)


async def test_submit_when_one_runs_then_others_wait_and_say_so(jobs: Jobs) -> None:
    first, second, third = [await jobs.submit() for _ in range(3)]
    await jobs.look()
    await jobs.look()
    assert [await jobs.state(each) for each in (first, second, third)] == ["running", "queued", "queued"]
    waiting = await jobs.actor.job(third)
    assert waiting is not None
    assert waiting["doing"] == "waits: 1 running, 1 before it"
    jobs.ends(first, Outcome(state=State.DONE, first_line="LOSES", summary={"return": -0.1}))
    await jobs.look()
    assert [await jobs.state(each) for each in (first, second, third)] == ["done", "running", "queued"]
    assert len(jobs.server.started) == 2


async def test_submit_when_several_may_run_then_they_do(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, at_once=2)
    made = [await jobs.submit() for _ in range(3)]
    await jobs.look()
    assert [await jobs.state(each) for each in made] == ["running", "running", "queued"]


async def test_submit_when_as_many_wait_as_may_then_refused(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, waiting=2)
    await jobs.submit()
    await jobs.submit()
    with pytest.raises(JobRefused, match="2 jobs wait already") as refused:
        await jobs.submit()
    assert refused.value.code == "queue_full"
    assert len(JobFolders(tmp_path).records()) == 2


async def test_submit_when_the_id_is_repeated_then_one_job(jobs: Jobs) -> None:
    first, again = await jobs.submit(id="once"), await jobs.submit(id="once")
    assert first == again
    assert await jobs.submit(id="twice") != first
    jobs.restart()
    assert await jobs.submit(id="once") == first


async def test_cancel_when_queued_or_running_or_ended_then_each_ends_once(jobs: Jobs) -> None:
    runs, waits = await jobs.submit(), await jobs.submit()
    await jobs.look()
    assert (await jobs.actor.cancel(waits) or {})["state"] == "cancelled"
    assert (await jobs.actor.cancel(runs) or {})["cancelling"]
    await jobs.look()
    assert len(jobs.server.stopped) == 1
    assert await jobs.state(runs) == "cancelled"
    assert (await jobs.actor.cancel(runs) or {})["state"] == "cancelled"
    assert await jobs.actor.cancel("0" * 11 + "-" + "0" * 16) is None
    assert not unfinished(jobs.home)


async def test_restart_when_jobs_run_and_wait_then_the_next_actor_goes_on(jobs: Jobs) -> None:
    runs, waits = await jobs.submit(), await jobs.submit()
    await jobs.look()
    jobs.folder(runs).put(PROGRESS, Progress(0.5, "half"))
    jobs.restart()
    job = await jobs.actor.job(runs)
    assert job is not None
    assert (job["state"], job["progress"], job["doing"]) == ("running", 0.5, "half")
    jobs.ends(runs, Outcome(state=State.FAILED, error="no bars"))
    await jobs.look()
    assert [await jobs.state(each) for each in (runs, waits)] == ["failed", "running"]
    assert len(jobs.server.started) == 2


async def test_follow_when_the_process_is_gone_without_a_word_then_begun_anew_once(jobs: Jobs) -> None:
    job = await jobs.submit()
    await jobs.look()
    for begun in (1, 2):
        assert len(jobs.server.started) == begun
        jobs.server.living.clear()
        await jobs.look()
    assert len(set(jobs.server.started)) == 2
    assert await jobs.state(job) == "failed"
    assert "without a word" in (await jobs.actor.job(job) or {})["error"]


async def test_begin_when_no_job_server_answers_then_it_waits_and_says_why(jobs: Jobs) -> None:
    jobs.server.down = True
    job = await jobs.submit()
    await jobs.look()
    assert await jobs.state(job) == "queued"
    assert "job server does not answer" in (await jobs.actor.job(job) or {})["doing"]
    jobs.server.down = False
    await jobs.look()
    assert await jobs.state(job) == "running"
    assert jobs.server.started[0].endswith("-1")


async def test_logs_when_the_job_printed_secrets_then_they_are_hidden(jobs: Jobs) -> None:
    job = await jobs.submit()
    text = "the-desks-own-token Authorization: Bearer abc.def\napi_key=k123 redis://me:pw9@host \x1b[31mred\nfine\n"
    jobs.folder(job).write(LOG, text.encode() + b"\xff")
    shown, size = await jobs.actor.logs(job, 10_000) or ("", 0)
    assert size == len(text) + 1
    for secret in ("the-desks-own-token", "abc.def", "k123", "pw9", "\x1b"):
        assert secret not in shown
    assert "fine\n" in shown
    assert await jobs.actor.logs(job, 5) == ("ine\n\N{REPLACEMENT CHARACTER}", size)


@pytest.mark.parametrize(
    "hostile", ["../../api-token", "..", "", "a" * 400, "0" * 11 + "-" + "g" * 16, "x/../y", "%2e"]
)
async def test_files_when_the_id_is_hostile_then_there_is_no_such_job(jobs: Jobs, hostile: str) -> None:
    await jobs.submit()
    assert await jobs.actor.job(hostile) is None
    assert await jobs.actor.file(hostile, "result") is None
    assert await jobs.actor.logs(hostile, 10) is None
    assert await jobs.actor.cancel(hostile) is None


async def test_folder_when_it_is_a_link_then_it_is_no_job(jobs: Jobs, tmp_path: Path) -> None:
    job = await jobs.submit()
    link = jobs.home / "backtests" / ("0" * 11 + "-" + "0" * 16)
    link.symlink_to(jobs.home / "backtests" / job)
    assert await jobs.actor.logs(link.name, 10) is None
    assert [record.id for record in JobFolders(tmp_path).records()] == [job]


async def test_jobs_when_paged_then_each_once_newest_first(jobs: Jobs) -> None:
    made = [await jobs.submit() for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        rows, cursor = await jobs.actor.jobs(cursor, 2)
        seen += [row["id"] for row in rows]
        if not cursor:
            break
    assert seen == made[::-1]


async def test_submit_when_more_ended_than_are_kept_then_the_oldest_go(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, keep=1)
    made = [await jobs.submit() for _ in range(3)]
    for each in made:
        await jobs.actor.cancel(each)
    last = await jobs.submit()
    assert [record.id for record in JobFolders(tmp_path).records()] == [made[-1], last]


async def test_folders_when_made_then_nobody_else_may_look(jobs: Jobs) -> None:
    job = await jobs.submit(strategy="mine.py", sources=[{"file": "mine.py", "text": "class A: ...\n"}])
    for path in [jobs.home / "backtests", *(jobs.home / "backtests" / job).rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


async def _until(jobs: Jobs, job: str, state: str) -> None:
    while await jobs.state(job) != state:  # noqa: ASYNC110 (nothing tells of it)
        await asyncio.sleep(0.01)


async def test_forever_when_a_job_comes_then_it_is_begun_and_counted(jobs: Jobs) -> None:
    await jobs.actor.start()
    try:
        job = await jobs.submit()
        async with asyncio.timeout(10):
            await _until(jobs, job, "running")
            jobs.ends(job, Outcome(state=State.DONE))
            await _until(jobs, job, "done")
    finally:
        await jobs.actor.close()
    counted = {(name, labels): value for name, _, labels, value in jobs.actor.telemetry.snapshot()}
    assert counted["fks_jobs_total", (("kind", "backtest"), ("outcome", "done"))] == 1.0
