"""Gathers every process's metrics and watches which actors live. Actors are asked; Serve replicas push."""

import asyncio
import platform
import time
from collections.abc import Sequence
from typing import Any

import ray

from fks_actors import __version__
from fks_actors.actors import names
from fks_actors.actors.presence import Presence, Report
from fks_actors.actors.remote import Remote
from fks_actors.errors import FksError
from fks_actors.telemetry import Gathering, Sample

_EVERY_S = 1.0
_TIMEOUT_S = 1.5


class TelemetryActor(Presence):
    """The one place that a scraper and the dashboard's list of agents read from."""

    def __init__(self, watched: Sequence[str], namespace: str) -> None:
        super().__init__(names.TELEMETRY)
        self._gathering = Gathering(silent_ms=10_000)
        self._watched = {name: Remote(name, namespace) for name in watched}
        self._reports: dict[str, Report] = {}
        self._up: dict[str, bool] = dict.fromkeys(watched, False)
        self._restarts: dict[str, int] = dict.fromkeys(watched, 0)
        self._task: asyncio.Task[None] | None = None
        self.telemetry.gauge("fks_build_info", __version__, platform.python_version(), ray.__version__).set(1)

    async def start(self) -> None:
        """Begin to watch."""
        if self._task is None:
            self._task = asyncio.create_task(self._watch(), name="watch")

    async def push(self, source: str, samples: list[Sample]) -> None:
        """A process that nobody asks hands in its metrics."""
        self._gathering.push(source, samples, _now_ms())

    async def render(self) -> str:
        """Prometheus text of the whole cluster, as of now."""
        await self._ask_all()
        self._gathering.push(self.telemetry.source, self.telemetry.snapshot(), _now_ms())
        return self._gathering.page(_now_ms())

    async def agents(self) -> list[dict[str, Any]]:
        """Every watched actor: name, whether it is up, where, since when, how often it was restarted."""
        return [self._row(name) for name in (*self._watched, self.name)]

    async def _watch(self) -> None:
        while True:
            await self._ask_all()
            await asyncio.sleep(_EVERY_S)

    async def _ask_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name, remote in self._watched.items():
                group.create_task(self._ask(name, remote))

    async def _ask(self, name: str, remote: Remote) -> None:
        try:
            report: Report = await remote.call("report", timeout_s=_TIMEOUT_S, again=False)
        except FksError:
            self._up[name] = False
        else:
            before = self._reports.get(name)
            if before is not None and before.source != report.source:
                self._restarts[name] += 1
                self.telemetry.counter("fks_actor_restarts_total", name).inc()
            self._up[name] = True
            self._reports[name] = report
            self._gathering.push(report.source, report.samples, _now_ms())
        self.telemetry.gauge("fks_actor_up", name).set(float(self._up[name]))

    def _row(self, name: str) -> dict[str, Any]:
        if name == self.name:
            return {"name": name, "up": True, "state": "watching", "restarts": 0, "started_ms": self._started_ms}
        report = self._reports.get(name)
        row: dict[str, Any] = {"name": name, "up": self._up[name], "restarts": self._restarts[name]}
        if report is not None:
            row |= {"state": report.state, "pid": report.pid, "node": report.node, "started_ms": report.started_ms}
        if not self._up[name]:
            row["state"] = "not answering"
        return row


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
