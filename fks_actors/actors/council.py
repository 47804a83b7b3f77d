"""The specialists and their debate, seen from the coordinator (desk.ports.Minds)."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from fks_actors.actors.handles import SpecialistHandle
from fks_actors.agents.config import DebateConfig
from fks_actors.agents.graph import Ask, LiveDebate, settle
from fks_actors.desk.ports import Briefing, Deliberation
from fks_actors.errors import ActorUnavailable, FksError
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import Snapshot
from fks_actors.model.votes import Abstain, AbstainReason, Ballot

Answer = tuple[tuple[Ballot, ...], tuple[Snapshot, ...]]


class Council:
    """Asks every specialist at once; who is late or fails abstains.

    Args:
        handles: the specialists by name.
        deadline_s: how long a vote may take. In a replay time stands still, so the deadline may outlast a restart.
    """

    def __init__(self, handles: Mapping[str, SpecialistHandle], config: DebateConfig, deadline_s: float) -> None:
        self._handles = handles
        self._deadline_s = deadline_s
        self._config = config
        self._previous_ms: Mapping[str, int] = {}
        self._snapshots: list[Snapshot] = []
        self._ahead: dict[BarBatch, dict[str, Answer]] = {}
        self._debate = LiveDebate({name: self._asker(name, handle) for name, handle in handles.items()}, config)
        self._lock = asyncio.Lock()

    async def deliberate(self, batch: BarBatch, briefing: Briefing) -> Deliberation:
        """One debate over the batch."""
        async with self._lock:
            fetched = self._ahead.pop(batch, {})
            if len(fetched) == len(self._handles):
                answers = {name: fetched[name][0] for name in self._handles}
                snapshots = [snapshot for _, taken in fetched.values() for snapshot in taken]
                result = settle(batch, answers, self._config, briefing.heard, briefing.weights)
            else:
                self._previous_ms, self._snapshots = briefing.previous_ms, []
                result = await self._debate.run(batch, briefing.heard, briefing.weights)
                snapshots = self._snapshots
            return Deliberation(result.ballots, result.verdicts, tuple(sorted(snapshots, key=lambda s: s.owner)))

    async def look_ahead(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> None:
        """Fetch what the minds say of batches that come next, with one call each, where bars queue up (a replay).

        An answer to a bar depends on no later bar, so it is the same as if asked alone. What fails is asked again.
        """

        async def fetch(name: str, handle: SpecialistHandle) -> None:
            with contextlib.suppress(FksError):
                answers = await handle.ask_ahead(batches, previous_ms, self._deadline_s)
                for batch, answer in zip(batches, answers, strict=True):
                    self._ahead.setdefault(batch, {})[name] = answer

        async with asyncio.TaskGroup() as group:
            for name, handle in self._handles.items():
                group.create_task(fetch(name, handle))

    def forget_ahead(self) -> None:
        """Drop what was fetched: the desk starts again from the journal."""
        self._ahead.clear()

    async def learn(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> tuple[Snapshot, ...]:
        """Let every specialist observe history."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(handle.learn(batches, previous_ms)) for handle in self._handles.values()]
        return tuple(snapshot for task in tasks for snapshot in task.result())

    def _asker(self, name: str, handle: SpecialistHandle) -> Ask:
        async def ask(batch: BarBatch) -> tuple[Ballot, ...]:
            try:
                ballots, snapshots = await handle.ask(batch, self._previous_ms, self._deadline_s)
            except ActorUnavailable as error:
                return _abstain(name, batch, AbstainReason.LATE, str(error))
            except FksError as error:
                return _abstain(name, batch, AbstainReason.FAILED, str(error))
            self._snapshots.extend(snapshots)
            return ballots

        return ask


def _abstain(name: str, batch: BarBatch, reason: AbstainReason, detail: str) -> tuple[Ballot, ...]:
    return tuple(Abstain(name, candle.symbol, batch.ts_ms, reason, detail) for candle in batch.candles)
