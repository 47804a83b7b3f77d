"""A state that follows the journal's chain of commits.

A request names the commit it builds on (`after`) and the one it will become part of (`request_id`). The holder answers
from the state as of `after`; it answers a repeated request with the same reply; when it is behind or ahead of the
chain (it was restarted, or the coordinator died before it could commit), it loads the state that the chain holds. So
risk and the paper venue recover: start-up and restart are the same path.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from fks_actors.errors import JournalConflict

S = TypeVar("S")
Q = TypeVar("Q")
R = TypeVar("R")


class Step(msgspec.Struct, frozen=True, gc=False):
    """Which commit a request builds on, and which it becomes part of. Both are commit ids.

    `epoch` and `until_ms` (the venue side's wall clock) are the desk's lease: a connector that reaches a real venue
    sends nothing for an older epoch than it has seen, or after `until_ms`. 0 for both: the chain alone fences.
    """

    request_id: str
    after: str
    epoch: int = 0
    until_ms: int = 0


@dataclass(frozen=True, slots=True)
class _Answered(Generic[Q, R]):
    step: Step
    request: Q
    reply: R


class Lineage(Generic[S, Q, R]):
    """Holds a state and its last answer.

    Args:
        load: reads (commit id, state) as the chain holds them now.
        work: the pure step: (state, request, request_id) -> (state, reply).
    """

    def __init__(self, load: Callable[[], Awaitable[tuple[str, S]]], work: Callable[[S, Q, str], tuple[S, R]]) -> None:
        self._load = load
        self._work = work
        self._held: tuple[str, S] | None = None
        self._answered: _Answered[Q, R] | None = None

    async def answer(self, step: Step, request: Q) -> R:
        """Answer `request` from the state as of `step.after`, once.

        Raises:
            JournalConflict: the chain does not stand where the caller believes; the caller recovers.
        """
        last = self._answered
        if last is not None and _same(last.step, step) and last.request == request:
            return last.reply
        state = await self._state_at(step.after)
        after, reply = self._work(state, request, step.request_id)
        self._held = (step.request_id, after)
        self._answered = _Answered(step, request, reply)
        return reply

    async def current(self) -> S:
        """The state after the last answer, as loaded where nothing was answered yet."""
        if self._held is None:
            self._held = await self._load()
        return self._held[1]

    async def _state_at(self, label: str) -> S:
        if self._held is None or self._held[0] != label:
            self._held = await self._load()
        held, state = self._held
        if held != label:
            raise JournalConflict(f"asked to build on {label!r}, the journal holds {held!r}")
        return state


def _same(one: Step, other: Step) -> bool:
    """Whether both ask for the same step; the lease may have been renewed between them."""
    return (one.request_id, one.after) == (other.request_id, other.after)
