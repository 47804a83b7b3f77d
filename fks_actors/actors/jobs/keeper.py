"""The jobs' actor: takes jobs, lets some run and the others wait, and tells of them.

All that it knows lies in the jobs' folders and with Ray's job server: whoever takes its place goes on from there, and a
job that runs does not notice. A job whose process is gone without a word (the cluster was restarted) is begun anew,
once; it is a function of its folder, and a search goes on from its last block.
"""

import asyncio
import logging
import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from fks_actors.actors import names
from fks_actors.actors.jobs.process import LIMITS, Limits
from fks_actors.actors.jobs.server import JobServer, RayJobServer
from fks_actors.actors.jobs.told import JobsTold
from fks_actors.actors.presence import Presence
from fks_actors.actors.remote import Remote
from fks_actors.adapters.jobs.folder import (
    OUTCOME,
    PROGRESS,
    RECORD,
    REPORT,
    RESULT,
    SPEC,
    JobFolder,
    JobFolders,
    Outcome,
    Progress,
    Record,
    State,
)
from fks_actors.adapters.jobs.redact import redacted
from fks_actors.backtest.jobs.asked import Accepted, accepted
from fks_actors.backtest.jobs.work import DATA, SOURCES, TREE
from fks_actors.errors import ClusterError, FksError, JobRefused

_log = logging.getLogger(__name__)
_LOOK_S, _LOOK_SLOWLY_S, _PUSH_S = 0.5, 5.0, 10.0
_ASK_S = 2.0
_BEGUN_AT_MOST = 2
_LOG_BYTES = 256 * 1024
_NICE = 5
_WHO = "fks_actors.actors.jobs.process"


class JobsActor(Presence):
    """Keeps the jobs of a home."""

    def __init__(
        self,
        told: JobsTold,
        server: JobServer | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        super().__init__(names.JOBS)
        self._told = told
        self._folders = JobFolders(Path(told.home))
        self._server = server or RayJobServer()
        self._now_ms = now_ms
        self._records = {record.id: record for record in self._folders.records()}
        self._asked: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._pushed_s = 0.0
        self._taking = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to keep them; idempotent."""
        if self._task is None:
            if self._told.own_process:
                os.nice(_NICE)
            self._task = asyncio.create_task(self._forever(), name="jobs")

    async def close(self) -> None:
        """End; what runs goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def activity(self) -> str:
        """A few words on what the actor does now, for people."""
        return f"{len(self._in(State.RUNNING))} running, {len(self._in(State.QUEUED))} waiting"

    # --- what is asked of it ---

    async def submit(self, content: bytes) -> dict[str, Any]:
        """Take a job, a JSON text of `spec.JobSpec`; what `job` tells of it. The same `id` twice is one job.

        Raises:
            JobRefused: it may not run.
            JournalUnavailable: the disk refused; nothing was queued.
        """
        async with self._taking:
            asked = await asyncio.to_thread(accepted, content, self._told.place)
            known = next((each for each in self._records.values() if asked.spec.id and each.key == asked.spec.id), None)
            if known is not None:
                return self._told_of(known)
            if len(self._in(State.QUEUED)) >= self._told.config.waiting:
                raise JobRefused("queue_full", f"{self._told.config.waiting} jobs wait already; try again later")
            record = await asyncio.to_thread(self._stored, asked)
            self._records[record.id] = record
            await asyncio.to_thread(self._forget)
        self._wake.set()
        return self._told_of(record)

    async def jobs(self, cursor: str, limit: int) -> tuple[list[dict[str, Any]], str]:
        """A page, the newest first, and the cursor of the next one, empty on the last."""
        older = sorted((key for key in self._records if not cursor or key < cursor), reverse=True)
        rows = [self._told_of(self._records[key]) for key in older[:limit]]
        return rows, older[limit - 1] if len(older) > limit else ""

    async def job(self, job_id: str) -> dict[str, Any] | None:
        """One job; None where there is none of that id."""
        record = self._records.get(job_id)
        return None if record is None else self._told_of(record)

    async def cancel(self, job_id: str) -> dict[str, Any] | None:
        """End a job; one that has ended stays as it is. None where there is none of that id."""
        record = self._records.get(job_id)
        if record is None:
            return None
        if record.state is State.QUEUED:
            self._end(record, Outcome(state=State.CANCELLED))
        elif not record.state.is_end and not record.cancelling:
            self._keep(record, cancelling=True)
        self._wake.set()
        return self._told_of(self._records[job_id])

    async def file(self, job_id: str, name: str) -> bytes | None:
        """The page (`report`) or the document (`result`) of a job; None where it has none."""
        folder = self._folders.of(job_id)
        known = {"report": REPORT, "result": RESULT}
        return None if folder is None else await asyncio.to_thread(folder.read, known[name])

    async def logs(self, job_id: str, most: int) -> tuple[str, int] | None:
        """The end of what a job printed, and how long that is in bytes. None where there is no such job."""
        folder = self._folders.of(job_id)
        if folder is None:
            return None
        content, size = await asyncio.to_thread(folder.tail, min(most, _LOG_BYTES))
        return redacted(content.decode("utf-8", "replace"), self._secrets()), size

    # --- what it does ---

    async def _forever(self) -> None:
        while True:
            try:
                await self._look()
            except FksError as error:
                _log.warning("jobs: %s", error)
            except Exception:  # noqa: BLE001 (logged; the next look may do better)
                _log.exception("jobs: looking after them failed")
            busy = any(not record.state.is_end for record in self._records.values())
            try:
                async with asyncio.timeout(_LOOK_S if busy else _LOOK_SLOWLY_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    async def _look(self) -> None:
        for record in self._in(State.RUNNING):
            await self._follow(record)
        for record in self._in(State.QUEUED):
            if self._records[record.id].state is not State.QUEUED:
                continue
            if len(self._in(State.RUNNING)) >= self._told.config.at_once:
                break
            if not await self._begin(record):
                break
        self._push()

    async def _begin(self, record: Record) -> bool:
        """Hand it to the job server. Written down before: whoever takes over asks under the same name."""
        folder = self._folder(record)
        folder.put(LIMITS, self._limits())
        now_ms, attempts = self._now_ms(), record.attempts + 1
        begun = self._keep(record, state=State.RUNNING, started_ms=now_ms, attempts=attempts, waiting="")
        command = f"exec {shlex.join((sys.executable, '-P', '-m', _WHO, str(folder.path)))}"
        try:
            await self._server.submit(self._name(begun), command)
        except ClusterError as error:
            why = f"Ray's job server does not answer yet: {error}"[:300]
            self._keep(
                self._records[record.id], state=State.QUEUED, started_ms=0, attempts=record.attempts, waiting=why
            )
            return False
        return True

    async def _follow(self, record: Record) -> None:
        folder = self._folder(record)
        outcome = await asyncio.to_thread(folder.get, OUTCOME, Outcome)
        record = self._records[record.id]  # somebody may have asked for its end meanwhile
        if outcome is not None:
            self._end(record, outcome)
            return
        now_s = time.monotonic()
        if now_s < self._asked.get(record.id, 0.0):
            return
        self._asked[record.id] = now_s + _ASK_S
        name = self._name(record)
        if record.cancelling:
            await self._server.stop(name)
        if await self._server.alive(name):
            return
        outcome = await asyncio.to_thread(folder.get, OUTCOME, Outcome)
        record = self._records[record.id]
        if outcome is None and not record.cancelling and record.attempts < _BEGUN_AT_MOST:
            self._keep(record, state=State.QUEUED, started_ms=0, waiting="its process is gone; it is begun anew")
            return
        self._end(record, outcome or _without_word(record))

    def _end(self, record: Record, outcome: Outcome) -> None:
        state = State.CANCELLED if record.cancelling and outcome.state is State.FAILED else outcome.state
        self._keep(
            record, state=state, ended_ms=self._now_ms(), cancelling=False, waiting="",
            first_line=redacted(outcome.first_line, self._secrets()), summary=outcome.summary,
            error="" if state is State.CANCELLED else redacted(outcome.error, self._secrets()),
        )  # fmt: skip
        self._asked.pop(record.id, None)
        self.telemetry.counter("fks_jobs_total", record.kind, state).inc()

    def _keep(self, record: Record, **changes: Any) -> Record:
        """Change what is known of a job, in its folder first."""
        changed = msgspec.structs.replace(record, **changes)
        self._folder(record).put(RECORD, changed)
        self._records[record.id] = changed
        return changed

    def _stored(self, asked: Accepted) -> Record:
        spec = asked.spec
        now_ms = self._now_ms()
        job_id = self._folders.new_id(now_ms)
        folder = self._folders.make(job_id)
        record = Record(
            id=job_id, kind=spec.kind, label=spec.label, strategy=spec.strategy, key=spec.id, created_ms=now_ms,
            data=tuple(each.name for each in spec.data),
        )  # fmt: skip
        try:
            for source in spec.sources:
                folder.write(f"{SOURCES}/{source.file}", source.text.encode())
            for at, content in asked.uploads.items():
                folder.write(f"{DATA}/{at}/{spec.data[at].name}", content)
            tree = self._told.tree if spec.settings is None else spec.settings
            folder.write(TREE, msgspec.json.encode(tree))
            folder.write(SPEC, spec.model_dump_json().encode())
            folder.put(RECORD, record)
        except FksError:
            self._folders.drop(job_id)
            raise
        return record

    def _forget(self) -> None:
        ended = [key for key, record in sorted(self._records.items()) if record.state.is_end]
        for key in ended[: max(0, len(ended) - self._told.config.keep)]:
            del self._records[key]
            self._folders.drop(key)

    def _told_of(self, record: Record) -> dict[str, Any]:
        """A job as the API shows it."""
        share, doing = (1.0 if record.state is State.DONE else 0.0), record.waiting
        if record.state is State.RUNNING:
            progress = self._folder(record).get(PROGRESS, Progress) or Progress()
            share, doing = progress.share, progress.doing or "starting"
        elif record.state is State.QUEUED:
            before = [each.id for each in self._in(State.QUEUED)].index(record.id)
            running = len(self._in(State.RUNNING))
            doing = doing or (f"waits: {running} running, {before} before it" if running or before else "starting")
        told = msgspec.to_builtins(record)
        for hidden in ("key", "attempts", "waiting", "cancelling"):
            del told[hidden]
        return {**told, "cancelling": record.cancelling, "progress": share, "doing": doing}

    def _in(self, state: State) -> list[Record]:
        """The jobs in a state, the oldest first."""
        return [record for _, record in sorted(self._records.items()) if record.state is state]

    def _folder(self, record: Record) -> JobFolder:
        return JobFolder(self._folders.root / record.id)

    def _name(self, record: Record) -> str:
        return f"{self._told.namespace}-{record.id}-{record.attempts}"

    def _limits(self) -> Limits:
        config, place = self._told.config, self._told.place
        return Limits(
            home=self._told.home, folders=tuple(str(each) for each in place.folders), namespace=self._told.namespace,
            workers=config.workers, nice=config.nice, memory_mb=config.memory_mb,
        )  # fmt: skip

    def _secrets(self) -> list[str]:
        found = []
        for path in self._told.secrets:
            try:
                found.append(Path(path).read_text(encoding="utf-8").strip())
            except (OSError, UnicodeDecodeError):
                continue
        known = ("FKS_API_TOKEN", "FKS_WEBHOOK_SECRET", "RAY_AUTH_TOKEN")
        return [*found, *(os.environ[name] for name in known if os.environ.get(name))]

    def _push(self) -> None:
        self.telemetry.gauge("fks_jobs_running").set(len(self._in(State.RUNNING)))
        self.telemetry.gauge("fks_jobs_queued").set(len(self._in(State.QUEUED)))
        now_s = time.monotonic()
        if self._told.own_process and now_s >= self._pushed_s:
            self._pushed_s = now_s + _PUSH_S
            Remote(names.TELEMETRY, self._told.namespace).tell("push", self.telemetry.source, self.telemetry.snapshot())


def _without_word(record: Record) -> Outcome:
    if record.cancelling:
        return Outcome(state=State.CANCELLED)
    told = f"its process ended {record.attempts} times without a word: killed, perhaps for memory; its log may tell"
    return Outcome(state=State.FAILED, error=told)
