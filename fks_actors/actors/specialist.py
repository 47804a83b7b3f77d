"""One specialist: its memory of every symbol, its indicators, its vote. What it forgot, the journal tells it."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from fks_actors.actors.handles import JournalHandle
from fks_actors.actors.presence import Presence
from fks_actors.agents.config import AgentsConfig
from fks_actors.desk.crafts import bar_mind
from fks_actors.desk.mind import BarMind
from fks_actors.desk.mind_keeper import History, MindKeeper, Run, at_once
from fks_actors.desk.strategy_craft import strategy_craft
from fks_actors.market.config import MarketConfig
from fks_actors.memory.config import MemoryConfig
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import Snapshot
from fks_actors.model.votes import Ballot
from fks_actors.strategies.source import Source, load


class MindActor(Presence):
    """Observes bars and votes on them. `run` says where the mind works."""

    def __init__(self, agent: str, mind: BarMind, history: History, run: Run = at_once) -> None:
        super().__init__(agent)
        self._keeper = MindKeeper(agent, mind, history, run)
        self._lock = asyncio.Lock()
        self._vote_seconds = self.telemetry.histogram("fks_vote_duration_seconds", agent)

    async def ask(
        self, batch: BarBatch, previous_ms: Mapping[str, int]
    ) -> tuple[tuple[Ballot, ...], tuple[Snapshot, ...]]:
        """Observe the batch and vote; idempotent by bar time."""
        start = time.perf_counter()
        async with self._lock:
            answer = await self._keeper.ask(batch, previous_ms)
        self._vote_seconds.observe(time.perf_counter() - start)
        return answer

    async def ask_ahead(
        self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]
    ) -> list[tuple[tuple[Ballot, ...], tuple[Snapshot, ...]]]:
        """Answers to several batches in turn, in one call."""
        async with self._lock:
            return await self._keeper.ask_ahead(batches, previous_ms)

    async def learn(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> tuple[Snapshot, ...]:
        """Observe history without a vote."""
        async with self._lock:
            return await self._keeper.learn(batches, previous_ms)


class StrategyActor(MindActor):
    """A strategy of the user's own."""

    def __init__(self, source: Source, namespace: str) -> None:
        super().__init__(source.name, BarMind(strategy_craft(load(source))), JournalHandle(namespace))


class SpecialistActor(MindActor):
    """A mind that needs nothing but bars."""

    def __init__(
        self, agent: str, market: MarketConfig, memory: MemoryConfig, agents: AgentsConfig, namespace: str
    ) -> None:
        super().__init__(agent, bar_mind(agent, market, memory, agents), JournalHandle(namespace))
