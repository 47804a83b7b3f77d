"""The minds of a recorded desk: rebuilt from its bars, as its actors rebuild theirs, or their recorded word taken.

Taken is what the journal's bars do not decide: the mind of news, a mind whose model is not here, and an abstention
because an actor was late or failed. Each is named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fks_actors.adapters.sql.chain import SqlChain
from fks_actors.backtest.council import council
from fks_actors.desk.mind_keeper import MindKeeper
from fks_actors.errors import ConfigError, FksError
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.records import CycleRecord, Snapshot, SnapshotAt
from fks_actors.model.votes import Abstain, AbstainReason, Ballot
from fks_actors.settings import Settings

_UNLUCKY = frozenset({AbstainReason.LATE, AbstainReason.FAILED})
_DETAIL_CHARS = 200
_LACKING = "the record holds no vote of it"

Answers = dict[str, tuple[Ballot, ...]]


@dataclass(slots=True)
class Gaps:
    """Of one symbol's decision: whose word was `taken` from the record, and what the record `lacks`."""

    taken: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)


class RecordedMinds:
    """The minds as of the last bar that they were given.

    Args:
        chain: the journal that they are rebuilt from.
    """

    def __init__(self, chain: SqlChain) -> None:
        self._past = _Past(chain)
        self._names: tuple[str, ...] = ()
        self._keepers: dict[str, MindKeeper] = {}

    def begin(self, settings: Settings, interval_ms: int) -> None:
        """New actors, which rebuild themselves at their first question."""
        self._names, self._keepers = settings.agents.minds, {}
        for agent in self._names:
            alone = settings.agents.model_copy(update={"minds": (agent,)})
            try:
                minds = council(settings.model_copy(update={"agents": alone}), interval_ms)
            except ConfigError:
                continue
            self._keepers.update((agent, MindKeeper(agent, mind, self._past)) for mind in minds)

    async def learn(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> None:
        """Let every mind observe bars without a vote."""
        for keeper in self._keepers.values():
            try:
                self._past.keep(await keeper.learn(batches, previous_ms))
            except FksError:
                continue  # it will rebuild itself, or say so when it is asked

    async def answers(
        self, batch: BarBatch, previous_ms: Mapping[str, int], held: Mapping[str, CycleRecord]
    ) -> tuple[Answers, dict[str, Gaps]]:
        """What each mind says of the batch, and by symbol what was taken from the record `held`, or lacks there."""
        said: Answers = {}
        gaps = {candle.symbol: Gaps() for candle in batch.candles}
        for agent in self._names:
            own = await self._asked(agent, batch, previous_ms)
            ballots = []
            for at, candle in enumerate(batch.candles):
                known = _recorded(held.get(candle.symbol), agent)
                ballot = own[at] if own else None
                unlucky = isinstance(known, Abstain) and known.reason in _UNLUCKY and ballot != known
                if known is not None and (ballot is None or unlucky):
                    ballot = known
                    gaps[candle.symbol].taken.append(_named(agent, known) if unlucky else agent)
                elif ballot is None:
                    ballot = Abstain(agent, candle.symbol, batch.ts_ms, AbstainReason.NO_DATA, _LACKING)
                    gaps[candle.symbol].lacks.append(agent)
                ballots.append(ballot)
            said[agent] = tuple(ballots)
        return said, gaps

    async def _asked(self, agent: str, batch: BarBatch, previous_ms: Mapping[str, int]) -> tuple[Ballot, ...]:
        keeper = self._keepers.get(agent)
        if keeper is None:
            return ()
        try:
            ballots, snapshots = await keeper.ask(batch, previous_ms)
        except FksError as error:
            return _failed(agent, batch, str(error))
        except Exception as error:  # noqa: BLE001 a failed mind abstains, as it does in the desk's debate
            return _failed(agent, batch, f"{type(error).__name__}: {error}"[:_DETAIL_CHARS])
        self._past.keep(snapshots)
        return ballots


class _Past:
    """desk.mind_keeper.History as of the last bar: the journal's candles, and the checkpoints made on the way."""

    def __init__(self, chain: SqlChain) -> None:
        self._chain = chain
        self._snapshots: dict[str, SnapshotAt] = {}

    def keep(self, snapshots: Sequence[Snapshot]) -> None:
        self._snapshots |= {s.owner: SnapshotAt(s.owner, "", s.payload) for s in snapshots}

    async def snapshot(self, owner: str) -> SnapshotAt:
        return self._snapshots.get(owner, SnapshotAt(owner, "", b""))

    async def candles(self, symbol: str, before_ms: int | None, limit: int) -> list[Candle]:
        return self._chain.candles(symbol, before_ms, limit)


def _recorded(cycle: CycleRecord | None, agent: str) -> Ballot | None:
    return None if cycle is None else next((b for b in cycle.ballots if b.agent == agent), None)


def _named(agent: str, ballot: Ballot) -> str:
    return f"{agent} ({ballot.reason})"


def _failed(agent: str, batch: BarBatch, detail: str) -> tuple[Ballot, ...]:
    return tuple(Abstain(agent, c.symbol, batch.ts_ms, AbstainReason.FAILED, detail) for c in batch.candles)
