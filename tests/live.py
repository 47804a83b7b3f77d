"""A desk of real actors on the test session's Ray cluster, told apart by its namespace."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

from fks_actors.actors import names
from fks_actors.actors.handles import DeskHandle
from fks_actors.actors.remote import Remote
from fks_actors.actors.spawn import dismiss, spawn
from fks_actors.actors.wiring import Wiring, actor_specs, paper_plan
from fks_actors.adapters.feeds.factory import open_feed
from fks_actors.adapters.sql import open_reader
from fks_actors.agents.config import AgentsConfig
from fks_actors.desk.config import PAPER
from fks_actors.errors import ActorUnavailable
from fks_actors.model.records import RunRecord
from fks_actors.settings import Settings, load

ACTORS = (
    names.JOURNAL, names.FEED, *AgentsConfig().minds, names.RISK, names.connector(PAPER), names.COORDINATOR,
)  # fmt: skip


def settings_of(feed: str, speed: str | float = "max", news: str = "") -> Settings:
    """The defaults with that feed, and headlines from a file where one is named."""
    flags: dict[tuple[str, ...], object] = {("feed", "spec"): feed, ("feed", "speed"): speed}
    if news:
        flags["news", "sources"] = {"record": {"kind": "file", "path": news}}
    return load(flags=flags, environ={}).settings


class LiveDesk:
    """Spawns the actors of one desk; `close` ends them."""

    def __init__(
        self,
        folder: Path,
        namespace: str,
        feed: str,
        speed: str | float = "max",
        news: str = "",
        told: Settings | None = None,
    ) -> None:
        """`news`: a file of headlines; `told`: minds, limits and times that are not the defaults."""
        self.namespace = namespace
        self._news = news
        self._told = told
        self.journal_url = f"sqlite:///{folder}/journal.db"
        self._feed, self._speed, self._folder = feed, speed, folder
        self.desk = DeskHandle(namespace)

    async def start(self) -> None:
        """Make the actors."""
        settings = settings_of(self._feed, self._speed, self._news)
        if self._told is not None:
            settings = self._told.model_copy(update={"feed": settings.feed})
        feed = await open_feed(settings.feed)
        info = feed.describe()
        await feed.close()
        run = RunRecord(
            "run", 0, self._feed, info.simulated, info.symbols, info.interval_ms, settings.desk.cash, "test"
        )
        plans = (paper_plan(PAPER, info.symbols, settings),)
        inbox = f"sqlite:///{self._folder}/inbox.db"
        cash = {PAPER: settings.desk.cash}
        wiring = Wiring(self.namespace, settings, run, self.journal_url, inbox, plans, cash)
        spawn(actor_specs(wiring), self.namespace)

    async def status(self) -> dict[str, Any]:
        """The coordinator's status; an empty one while it does not answer."""
        try:
            return await self.desk.status()
        except ActorUnavailable:
            return {}

    async def until(self, what: str, holds: Any, seconds: float = 120.0) -> dict[str, Any]:
        """Wait until `holds(status)`; fail after `seconds`, saying what was waited for."""
        end = time.monotonic() + seconds
        while True:
            status = await self.status()
            if status and holds(status):
                return status
            assert time.monotonic() < end, f"waited {seconds} s for {what}; last status {status}"
            await asyncio.sleep(0.1)

    async def pid(self, actor: str) -> int:
        """The process that an actor runs in."""
        return (await Remote(actor, self.namespace).call("report", timeout_s=30.0)).pid

    async def kill(self, actor: str) -> int:
        """SIGKILL an actor's process; return its id."""
        pid = await self.pid(actor)
        os.kill(pid, signal.SIGKILL)
        return pid

    def digest(self) -> str:
        """The journal's digest."""
        reader = open_reader(self.journal_url)
        try:
            return reader.digest()
        finally:
            reader.close()

    def counts(self) -> dict[str, int]:
        """How much is recorded."""
        reader = open_reader(self.journal_url)
        try:
            return reader.counts()
        finally:
            reader.close()

    def close(self) -> None:
        """End the actors for good."""
        dismiss(self.namespace)
