"""The specialists and their debate, seen from the coordinator (desk.ports.Minds)."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from fks_actors.actors.debating import Debating
from fks_actors.actors.handles import SpecialistHandle
from fks_actors.agents.config import DebateConfig
from fks_actors.agents.floor import Checkpoints, Debaters
from fks_actors.agents.graph import Ask, LiveDebate
from fks_actors.agents.settlement import DebateResult, settle
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
        debaters: the models that debate; None where there are none.
        checkpoints: what keeps their debates over a crash.
    """

    def __init__(
        self,
        handles: Mapping[str, SpecialistHandle],
        config: DebateConfig,
        deadline_s: float,
        debaters: Debaters | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self._handles = handles
        self._deadline_s = deadline_s
        self._config = config
        self._previous_ms: Mapping[str, int] = {}
        self._snapshots: list[Snapshot] = []
        self._ahead: dict[BarBatch, dict[str, Answer]] = {}
        self._said: dict[str, dict[int, dict[str, Ballot]]] = {}
        self._votes = LiveDebate({name: self._asker(name, handle) for name, handle in handles.items()}, config)
        self._debating = Debating(config, debaters, checkpoints)
        self._lock = asyncio.Lock()

    async def deliberate(self, batch: BarBatch, briefing: Briefing) -> Deliberation:
        """Every mind's vote on the batch, and a debate where models can change a verdict."""
        async with self._lock:
            result, snapshots = await self._heard(batch, briefing)
            debated = await self._debating.decide(batch, result, briefing)
            taken = tuple(sorted(snapshots, key=lambda s: s.owner))
            return Deliberation(result.ballots, debated.verdicts, taken, debated.debates)

    async def explain(self, batch: BarBatch, briefing: Briefing, symbol: str) -> Deliberation:
        """What was said of one symbol of the last batch, and a debate over it, whatever the votes. Nothing trades.

        The minds are asked again only where they were not heard on that bar; a decision never waits for the debate.
        """
        (candle,) = (candle for candle in batch.candles if candle.symbol == symbol)
        said = self._said.get(symbol, {}).get(batch.ts_ms)
        if said is None:
            async with self._lock:
                last = {**briefing.previous_ms, **{c.symbol: c.ts_ms for c in batch.candles}}
                await self._heard(batch, replace(briefing, previous_ms=last))
                said = self._said[symbol][batch.ts_ms]
        one = replace(batch, candles=(candle,))
        answers = {name: (ballot,) for name, ballot in said.items()}
        result = settle(one, answers, self._config, briefing.heard, briefing.weights)
        verdict, debate = await self._debating.explain(one, result, briefing, symbol)
        return Deliberation(result.ballots, (verdict,), (), {symbol: debate})

    async def _heard(self, batch: BarBatch, briefing: Briefing) -> tuple[DebateResult, Sequence[Snapshot]]:
        fetched = self._ahead.pop(batch, {})
        if len(fetched) == len(self._handles):
            answers = {name: fetched[name][0] for name in self._handles}
            snapshots = [snapshot for _, taken in fetched.values() for snapshot in taken]
            result = settle(batch, answers, self._config, briefing.heard, briefing.weights)
        else:
            self._previous_ms, self._snapshots = briefing.previous_ms, []
            result = await self._votes.run(batch, briefing.heard, briefing.weights)
            snapshots = self._snapshots
        for candle in batch.candles:
            self._remember(candle.symbol, batch.ts_ms, result)
        return result, snapshots

    def _remember(self, symbol: str, ts_ms: int, result: DebateResult) -> None:
        """What the minds said of two bars: the last one, and the one before while the last is not yet recorded."""
        bars = self._said.setdefault(symbol, {})
        bars[ts_ms] = {b.agent: b for b in result.ballots if b.symbol == symbol and b.agent in self._handles}
        for old in sorted(bars)[:-2]:
            del bars[old]

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

    async def close(self) -> None:
        """Let go of what the debates are kept in."""
        await self._debating.close()

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
