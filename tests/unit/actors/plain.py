"""A coordinator over plain objects: the real desk, risk, minds and inbox; feed and journal can be silenced."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from fks_actors.actors.coordinator import CoordinatorActor
from fks_actors.actors.links import Links
from fks_actors.actors.wiring import CoordinatorConfig
from fks_actors.agents.config import DebateConfig
from fks_actors.agents.turns import concluded
from fks_actors.desk.config import DeskConfig, VenuePlan
from fks_actors.desk.ports import Briefing, Deliberation
from fks_actors.errors import FeedUnavailable, JournalUnavailable
from fks_actors.journal.lease import IsDead, Lease, nobody_is_dead
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import Commit, ControlRecord, RunRecord, Snapshot
from fks_actors.risk.codec import decode
from fks_actors.risk.messages import RiskState
from tests.debaters import TURNS
from tests.in_process import CASH, Breaker, InProcessDesk, MemoryJournal
from tests.market import MINUTE, SYMBOLS, batches


class Feed:
    """Live bars, as far as the test lets them come."""

    def __init__(self) -> None:
        now_ms = time.time_ns() // 1_000_000
        self.waiting = batches(60, start_ms=now_ms // MINUTE * MINUTE - 2 * MINUTE)
        self.let = 0
        self.asked = 0
        self.broken = False

    async def info(self) -> dict[str, Any]:
        """A live feed."""
        return {"kind": "live", "name": "live:binance"}

    async def history(self) -> list[BarBatch]:
        """None."""
        return []

    async def next(self, after_ms: Mapping[str, int], limit: int, wait_s: float) -> tuple[list[BarBatch], bool]:
        """The bars that were let through."""
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.broken:
            raise FeedUnavailable("nobody answers")
        last = max(after_ms.values(), default=0)
        return [batch for batch in self.waiting[: self.let] if batch.ts_ms > last][:1], False


class Journal(MemoryJournal):
    """A journal whose disk may be full."""

    full: bool = False
    tries: int = 0

    async def commit(self, commits: Sequence[Commit]) -> str:
        """Append, unless there is no room."""
        if self.full:
            raise JournalUnavailable("the disk is full")
        return await super().commit(commits)

    async def acquire(
        self, name: str, holder: str, now_ms: int, ttl_ms: int, is_dead: IsDead = nobody_is_dead
    ) -> Lease | None:
        """Take a lease; how often that was tried is counted."""
        self.tries += 1
        return await super().acquire(name, holder, now_ms, ttl_ms, is_dead)


class Council:
    """The minds, one after the other."""

    def __init__(self, inside: InProcessDesk) -> None:
        self._inside = inside
        self.explained: list[tuple[BarBatch, Briefing, str]] = []

    async def deliberate(self, batch: BarBatch, briefing: Briefing) -> Deliberation:
        """Ask them."""
        return await self._inside.deliberate(batch, briefing)

    async def learn(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> tuple[Snapshot, ...]:
        """Let them observe."""
        return await self._inside.learn(batches, previous_ms)

    async def look_ahead(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> None:
        """Nothing is fetched."""

    def forget_ahead(self) -> None:
        """Nothing was."""

    async def explain(self, batch: BarBatch, briefing: Briefing, symbol: str) -> Deliberation:
        """What was said, and a debate of rules over it."""
        self.explained.append((batch, briefing, symbol))
        said = await self._inside.deliberate(batch, replace(briefing, previous_ms={s: batch.ts_ms for s in SYMBOLS}))
        verdict = next(v for v in said.verdicts if v.symbol == symbol)
        after, debate = concluded(verdict, TURNS, ("asked",), DebateConfig(), quorum=True, duration_ms=7)
        ballots = tuple(b for b in said.ballots if b.symbol == symbol)
        return Deliberation(ballots, (after,), (), {symbol: debate})

    async def close(self) -> None:
        """Nothing is open."""


class Scene:
    """What a coordinator works with; `coordinator()` makes one, and another after it died."""

    def __init__(self, folder: Path, dead_man_s: float = 1.0, interval_ms: int = 100) -> None:
        self.feed = Feed()
        self.journal = Journal()
        self.inside = InProcessDesk(SYMBOLS, Breaker(0, 0), journal=self.journal)
        self.council = Council(self.inside)
        self.run = RunRecord("r1", 0, "live:binance", False, SYMBOLS, interval_ms, CASH, "0")
        plan = VenuePlan(markets=self.inside._markets)
        url = f"sqlite:///{folder / 'inbox.db'}"
        desk = DeskConfig((plan,))
        self.config = CoordinatorConfig("none", desk, DebateConfig(), (), 1.0, url, 1_000, 1.0, dead_man_s)

    def coordinator(self) -> CoordinatorActor:
        """A coordinator that has not begun."""
        links = Links(self.feed, self.journal, self.council, self.inside, {"paper": self.inside})  # type: ignore[dict-item]
        return CoordinatorActor(self.config, self.run, links)

    @property
    def risk(self) -> RiskState:
        """What risk wrote last."""
        return decode(self.journal.snapshots["risk"].payload)

    def controls(self) -> list[ControlRecord]:
        """Every change of the trading state."""
        return [entry for entry in self.journal.entries if isinstance(entry, ControlRecord)]


async def until(condition: Callable[[], Any], within_s: float = 20.0) -> None:
    """Poll until the condition holds."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.01)
