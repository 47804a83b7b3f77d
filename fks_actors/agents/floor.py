"""The debate of the models as a LangGraph: bull and bear speak at once, round by round, then the judge.

What is said goes into the graph's state as plain bytes, so that a checkpointer keeps each turn as soon as it ends: who
is killed and holds the same motion again pays for no turn twice. The deadline holds whatever the speakers or the
checkpointer do; what is late is an abstention, and without a judgement the arithmetic stands.
"""

import asyncio
import hashlib
import logging
import operator
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, TypedDict, TypeVar, cast

import msgspec
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from msgspec.structs import replace

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.turns import abstained, both_heard, checked, concluded, decoded, encoded, in_order
from fks_actors.model.debates import Brief, CallOutcome, Debate, Role, Turn
from fks_actors.model.votes import Verdict

T = TypeVar("T")
_log = logging.getLogger(__name__)
_ENCODER = msgspec.json.Encoder(decimal_format="string")
_SLACK, _MOST_SLACK_S = 0.05, 0.1
"""The share of a time limit that whoever sets it keeps for itself, so that a late answer can still say so."""


class Debaters(Protocol):
    """Who speaks for the bull, the bear and the judge."""

    async def speak(self, role: Role, brief: Brief, timeout_s: float) -> Turn:
        """One turn of `role` in round `brief.round`, within `timeout_s`. No usable answer is a turn without a score."""
        ...


@dataclass(frozen=True, slots=True)
class Motion:
    """What is debated: the brief, why, and whether enough minds voted for anything to come of it."""

    brief: Brief
    triggers: tuple[str, ...]
    quorum: bool

    def thread(self, rounds: int) -> str:
        """The name under which the debate is kept: the decision, and a digest of all that the speakers are told."""
        told = _ENCODER.encode((self.brief, self.triggers, self.quorum, rounds))
        return f"{self.brief.decision_id}#{hashlib.blake2b(told, digest_size=12).hexdigest()}"


class _State(TypedDict, total=False):
    turns: Annotated[list[bytes], operator.add]


@dataclass(slots=True)
class _Sitting:
    """One debate while it runs. `end_s` is on the event loop's clock; `said` what is known, by role and round."""

    brief: Brief
    debaters: Debaters
    end_s: float
    forsaken: set[asyncio.Future[Any]]
    said: dict[tuple[Role, int], Turn] = field(default_factory=dict)

    def note(self, turns: list[Turn]) -> None:
        self.said |= {(turn.role, turn.round): turn for turn in turns}


class Checkpoints(Protocol):
    """Where turns are kept while their decision is not yet recorded; see `adapters.checkpoints`."""

    async def saver(self) -> BaseCheckpointSaver[str] | None:
        """The checkpointer, always the same; None where there is none to be had."""
        ...

    async def keep(self, threads: Collection[str]) -> None:
        """Forget every debate but these."""
        ...

    async def close(self) -> None:
        """Let go of the file."""
        ...


class Floor:
    """Holds debates.

    Args:
        config: rounds, bound, deadline.
        checkpoints: keeps the turns of motions that are held with `keep`; None: nothing is kept.
    """

    def __init__(self, config: DebateConfig, checkpoints: Checkpoints | None = None) -> None:
        self._config = config
        self._checkpoints = checkpoints
        self._unbuilt = _graph(config.rounds)
        self._plain = self._unbuilt.compile(name="floor")
        self._kept: tuple[BaseCheckpointSaver[str], Any] | None = None
        self._forsaken: set[asyncio.Future[Any]] = set()

    async def hold(self, motions: Sequence[Motion], debaters: Debaters, keep: bool) -> list[tuple[Verdict, Debate]]:
        """Debate all motions at once; of each the verdict after it, moved by at most `max_shift`, and its record.

        It returns within `deadline_s`. With `keep`, a motion that was held before goes on where it stood, so that
        nobody who spoke is asked again; and every debate that is not of these motions is forgotten.
        """
        threads = frozenset(motion.thread(self._config.rounds) for motion in motions) if keep else frozenset()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._one(motion, debaters, threads)) for motion in motions]
        return [task.result() for task in tasks]

    async def _one(self, motion: Motion, debaters: Debaters, threads: Collection[str]) -> tuple[Verdict, Debate]:
        loop = asyncio.get_running_loop()
        start_s, limit_s = loop.time(), self._config.deadline_s
        sitting = _Sitting(motion.brief, debaters, start_s + limit_s - _slack(limit_s), self._forsaken)
        try:
            await within(self._debate(motion, sitting, threads), limit_s, self._forsaken)
        except TimeoutError:
            _log.warning("the debate is late", extra={"decision_id": motion.brief.decision_id})
        turns = self._with_late(sitting)
        taken_ms = round(1_000 * (loop.time() - start_s))
        return concluded(motion.brief.verdict, turns, motion.triggers, self._config, motion.quorum, taken_ms)

    async def _debate(self, motion: Motion, sitting: _Sitting, threads: Collection[str]) -> None:
        try:
            graph = await self._keeping(threads)
            if graph is not None:
                return await _resumed(graph, motion.thread(self._config.rounds), sitting)
        except Exception as error:  # noqa: BLE001 a debate does without its checkpoints before it does not happen
            _log.warning("checkpoints fail: %s", error, extra={"decision_id": motion.brief.decision_id})
        turns = [encoded(turn) for turn in sitting.said.values()]
        await self._plain.ainvoke({"turns": turns}, context=sitting)
        return None

    async def _keeping(self, threads: Collection[str]) -> Any:
        """The graph that keeps turns, with every other thread forgotten; None where none are to be kept."""
        if self._checkpoints is None or not threads:
            return None
        saver = await self._checkpoints.saver()
        if saver is None:
            return None
        if self._kept is None or self._kept[0] is not saver:
            self._kept = saver, self._unbuilt.compile(checkpointer=saver, name="floor")
        graph = self._kept[1]
        await self._checkpoints.keep(threads)
        return graph

    def _with_late(self, sitting: _Sitting) -> tuple[Turn, ...]:
        """What was said, and an abstention of everybody whose turn should have come."""
        said, rounds = dict(sitting.said), self._config.rounds
        for number in range(1, rounds + 1):
            for role in (Role.BULL, Role.BEAR):
                said.setdefault((role, number), abstained(role, number, CallOutcome.LATE, "past the deadline"))
        if both_heard(said.values()):
            late = abstained(Role.JUDGE, rounds, CallOutcome.LATE, "past the deadline")
            said.setdefault((Role.JUDGE, rounds), late)
        return in_order(said.values())


async def _resumed(graph: Any, thread: str, sitting: _Sitting) -> None:
    """Begin the debate, go on with it, or read what a finished one brought."""
    where = {"configurable": {"thread_id": thread}}
    held = await graph.aget_state(where)
    sitting.note(_turns(held.values))
    is_new = held.created_at is None
    if is_new or held.tasks:
        await graph.ainvoke({"turns": []} if is_new else None, where, context=sitting, durability="sync")


def _graph(rounds: int) -> StateGraph[_State, _Sitting]:
    """bull 1 and bear 1, then bull 2 and bear 2, ..., then the judge."""
    graph = StateGraph(_State, context_schema=_Sitting)
    before = [START]
    for number in range(1, rounds + 1):
        now = [f"{role}_{number}" for role in (Role.BULL, Role.BEAR)]
        for name, role in zip(now, (Role.BULL, Role.BEAR), strict=True):
            graph.add_node(name, cast("Any", _speaking(role, number, rounds - number + 2)))
            _join(graph, before, name)
        before = now
    graph.add_node(Role.JUDGE.value, cast("Any", _speaking(Role.JUDGE, rounds, 1)))
    _join(graph, before, Role.JUDGE.value)
    graph.add_edge(Role.JUDGE.value, END)
    return graph


def _join(graph: StateGraph[_State, _Sitting], before: list[str], name: str) -> None:
    if before == [START]:
        graph.add_edge(START, name)
    else:
        graph.add_edge(before, name)


def _speaking(role: Role, number: int, phases: int) -> Callable[[_State, Runtime[_Sitting]], Awaitable[_State]]:
    """The node of one turn. `phases`: how many turns one after the other are still to come, this one included."""

    async def node(state: _State, runtime: Runtime[_Sitting]) -> _State:
        sitting = runtime.context
        turns = _turns(state)
        known = {(turn.role, turn.round) for turn in turns}
        if (role, number) in known or (role is Role.JUDGE and not both_heard(turns)):
            return {"turns": []}
        heard = turns if role is Role.JUDGE else [turn for turn in turns if turn.round < number]
        brief = replace(sitting.brief, round=number, turns=in_order(heard))
        left_s = max(0.0, sitting.end_s - asyncio.get_running_loop().time())
        turn = await _asked(sitting, role, brief, left_s / phases)
        sitting.note([turn])
        return {"turns": [encoded(turn)]}

    return node


async def _asked(sitting: _Sitting, role: Role, brief: Brief, seconds: float) -> Turn:
    if seconds <= 0.0:
        return abstained(role, brief.round, CallOutcome.LATE, "no time was left")
    try:
        speaking = sitting.debaters.speak(role, brief, seconds - _slack(seconds))
        return checked(await within(speaking, seconds, sitting.forsaken), role, brief.round)
    except TimeoutError:
        late = f"no answer within {seconds:.2f} s"
        return abstained(role, brief.round, CallOutcome.LATE, late, round(1_000 * seconds))
    except Exception as error:  # noqa: BLE001 a failed speaker abstains, whatever it failed of
        _log.warning("speaker failed", extra={"role": role, "decision_id": brief.decision_id}, exc_info=error)
        return abstained(role, brief.round, CallOutcome.FAILED, f"{type(error).__name__}: {error}")


def _turns(values: Any) -> list[Turn]:
    return [decoded(payload) for payload in values.get("turns", ())]


def _slack(seconds: float) -> float:
    return min(_SLACK * seconds, _MOST_SLACK_S)


async def within(coroutine: Coroutine[Any, Any, T], seconds: float, forsaken: set[asyncio.Future[Any]]) -> T:
    """The result within so many seconds, even of one that does not heed its cancellation: it is `forsaken` then.

    Raises:
        TimeoutError: it was late, or was cancelled by somebody else.
    """
    task = asyncio.ensure_future(coroutine)
    try:
        await asyncio.wait({task}, timeout=max(0.0, seconds))
    finally:
        if not task.done():
            task.cancel()
            forsaken.add(task)
            task.add_done_callback(lambda ended: _let_go(ended, forsaken))
    if not task.done() or task.cancelled():
        raise TimeoutError
    return task.result()


def _let_go(ended: asyncio.Future[Any], forsaken: set[asyncio.Future[Any]]) -> None:
    forsaken.discard(ended)
    if not ended.cancelled():
        ended.exception()  # heard, so that nobody complains that it was not
