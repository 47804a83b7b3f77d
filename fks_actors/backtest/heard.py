"""How often each mind of a run was asked, voted and failed."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from fks_actors.model.records import CycleRecord
from fks_actors.model.votes import Abstain, AbstainReason, Ballot


class Heard(msgspec.Struct, frozen=True, gc=False):
    """One mind: of `asked` decisions it voted in `voted` and failed in `failed`, for the first time with `first`."""

    agent: str
    asked: int
    voted: int
    failed: int
    first: Abstain | None = None


class Tally:
    """Counts one mind's words on one symbol."""

    __slots__ = ("asked", "failed", "first", "voted")

    def __init__(self) -> None:
        self.asked = self.voted = self.failed = 0
        self.first: Abstain | None = None

    def count(self, ballots: Iterable[Any]) -> None:
        """Take in what was said; what is no abstention is what a vote is made of, None nothing."""
        for ballot in ballots:
            if ballot is None:
                continue
            self.asked += 1
            if not isinstance(ballot, Abstain):
                self.voted += 1
            elif ballot.reason is AbstainReason.FAILED:
                self.failed += 1
                self.first = self.first or ballot


def heard(agent: str, tallies: Sequence[Tally]) -> Heard:
    """One mind's words on all symbols."""
    firsts = [tally.first for tally in tallies if tally.first]
    first = min(firsts, key=lambda each: (each.ts_ms, each.symbol), default=None)
    asked, voted, failed = (sum(getattr(t, name) for t in tallies) for name in ("asked", "voted", "failed"))
    return Heard(agent, asked, voted, failed, first)


def heard_in(cycles: Iterable[CycleRecord]) -> tuple[Heard, ...]:
    """The same, read from the decisions."""
    said: dict[str, list[Ballot]] = {}
    for cycle in cycles:
        for ballot in cycle.ballots:
            said.setdefault(ballot.agent, []).append(ballot)
    found = []
    for agent, ballots in said.items():
        tally = Tally()
        tally.count(ballots)
        found.append(heard(agent, [tally]))
    return tuple(found)
