"""Recorded decisions made once more, and compared with the record byte for byte.

The bars before the first wanted decision are taken in, not decided on; the journal keeps no state of the past but the
newest, so that this begins at its first commit. With other settings every bar is decided on, for the votes teach the
weights. Compared is the canonical JSON of a CycleRecord: all that was said, scored, ruled and noted of it.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from fks_actors.adapters.sql.chain import SqlChain
from fks_actors.agents.floor import Debaters
from fks_actors.backtest.rebuild import Rebuilt
from fks_actors.backtest.recorded_minds import Gaps
from fks_actors.errors import DataError
from fks_actors.journal.codec import canonical
from fks_actors.journal.recorded import RecordedCommit
from fks_actors.model.records import CycleRecord, EquityPoint, RunRecord
from fks_actors.settings import Settings

_POINTS = 512
_TOLD = 64


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which decisions: one by its id, else those on bars that opened from `since_ms` to before `until_ms` (UTC)."""

    decision_id: str = ""
    since_ms: int | None = None
    until_ms: int | None = None

    def has(self, cycle: CycleRecord) -> bool:
        """Whether the decision is wanted."""
        if self.decision_id:
            return cycle.decision_id == self.decision_id
        return (self.since_ms is None or cycle.ts_ms >= self.since_ms) and (
            self.until_ms is None or cycle.ts_ms < self.until_ms
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not as it was recorded; None where there is none."""

    field: str
    recorded: Any
    rebuilt: Any


@dataclass(frozen=True, slots=True)
class Checked:
    """One decision made once more. `bytes` is the length of the recorded one's canonical JSON; `gaps` what was not made
    anew."""

    recorded: CycleRecord
    rebuilt: CycleRecord
    bytes: int
    identical: bool
    gaps: Gaps

    @property
    def turned(self) -> bool:
        """Whether another decision came of it, not just other figures: its action, its outcome or its refusals."""
        before, after = self.recorded, self.rebuilt
        return (before.verdict.action, before.outcome, before.refusals) != (
            after.verdict.action,
            after.outcome,
            after.refusals,
        )

    def differences(self) -> tuple[Difference, ...]:
        """What differs, in the record's order."""
        before, after = dict(_leaves("", plain(self.recorded))), dict(_leaves("", plain(self.rebuilt)))
        keys = dict.fromkeys((*before, *after))
        return tuple(Difference(k, before.get(k), after.get(k)) for k in keys if before.get(k) != after.get(k))


@dataclass(slots=True)
class Replayed:
    """What a replay found.

    `differing` are the decisions that are not as recorded, oldest first, `turned` counts those of which another
    decision came; `last` is the last one that was made; `taken` and `lacks` as in Gaps, counted. `runs` are the
    desk's starts, `unsettled` those of them whose record holds no settings. `points` instants of the account were
    compared with the record, `point_differs` is the first of those that differ: recorded, rebuilt.
    """

    decisions: int = 0
    identical: int = 0
    turned: int = 0
    bytes: int = 0
    commits: int = 0
    bars: int = 0
    differing: list[Checked] = field(default_factory=list)
    last: Checked | None = None
    taken: Counter[str] = field(default_factory=Counter)
    lacks: Counter[str] = field(default_factory=Counter)
    runs: list[RunRecord] = field(default_factory=list)
    unsettled: list[RunRecord] = field(default_factory=list)
    points: int = 0
    points_differ: int = 0
    point_differs: tuple[EquityPoint, EquityPoint] | None = None


async def replay(
    chain: SqlChain,
    wanted: Wanted,
    settings_of: Callable[[RunRecord], Settings],
    anew: bool = False,
    ask: Debaters | None = None,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> Replayed:
    """Make the wanted decisions once more.

    Args:
        chain: the journal.
        settings_of: under which settings a run is replayed.
        anew: those are others than the run's own.
        ask: who is asked what models did not answer in the record.
        told: hears (commits done, commits in all) now and then.

    Raises:
        DataError: the journal holds no such decision.
        JournalError: the journal cannot be read.
    """
    first, last = _place(chain, wanted)
    found, desk, books = Replayed(), Rebuilt(chain, anew, ask), _Books(chain)
    for commit in chain.commits(last):
        for run in commit.runs():
            found.runs.append(run)
            if not run.settings:
                found.unsettled.append(run)
            desk.begin(run, settings_of(run))
        asked = bool(commit.cycles) and (anew or commit.seq >= first)
        made = await desk.decide(commit) if asked else None
        await desk.follow(commit, made)
        if made is not None and commit.seq >= first:
            for recorded, rebuilt in zip(commit.cycles, made.cycles, strict=True):
                if wanted.has(recorded):
                    _note(found, recorded, rebuilt, made.gaps[recorded.symbol])
        _count(found, commit)
        if not anew and desk.point is not None:
            books.note(desk.point)
        if commit.seq % _TOLD == 0 or commit.seq == last:
            told(commit.seq, last)
    books.close(found)
    return found


def plain(cycle: CycleRecord) -> dict[str, Any]:
    """A decision as its canonical JSON has it."""
    body: dict[str, Any] = msgspec.json.decode(canonical(cycle))[1]
    return body


def _place(chain: SqlChain, wanted: Wanted) -> tuple[int, int]:
    """The seqs of the first and the last commit with a decision that is wanted."""
    if wanted.decision_id:
        place = chain.place(wanted.decision_id)
        if place is None:
            raise DataError(
                f"the journal holds no decision {wanted.decision_id!r}; an id reads SYMBOL@<open of its bar, ms>"
            )
        return place, place
    found = chain.decided(wanted.since_ms, wanted.until_ms)
    if not found.count:
        whole = chain.decided_ms()
        there = f"they lie on bars from {whole[0]} to {whole[1]} (ms, UTC)" if whole else "it holds none"
        raise DataError(f"the journal holds no decision in that span; {there}")
    return found.first_seq, found.last_seq


def _note(found: Replayed, recorded: CycleRecord, rebuilt: CycleRecord, gaps: Gaps) -> None:
    before, after = canonical(recorded), canonical(rebuilt)
    found.decisions += 1
    found.bytes += len(before)
    found.identical += before == after
    found.taken.update(gaps.taken)
    found.lacks.update(gaps.lacks)
    found.last = Checked(recorded, rebuilt, len(before), before == after, gaps)
    found.turned += found.last.turned
    if before != after:
        found.differing.append(found.last)


def _count(found: Replayed, commit: RecordedCommit) -> None:
    found.commits += 1
    found.bars += sum(len(batch.candles) for batch in commit.batches)


class _Books:
    """Holds the rebuilt account against the recorded one; of an instant only the last word is recorded."""

    def __init__(self, chain: SqlChain) -> None:
        self._chain = chain
        self._waiting: dict[int, EquityPoint] = {}
        self._result = Replayed()

    def note(self, point: EquityPoint) -> None:
        if point.ts_ms not in self._waiting and len(self._waiting) >= _POINTS:
            self._compare()
        self._waiting[point.ts_ms] = point

    def close(self, found: Replayed) -> None:
        """The last instant's last word may not be reached yet."""
        if self._waiting:
            self._waiting.pop(max(self._waiting))
            self._compare()
        found.points, found.points_differ = self._result.points, self._result.points_differ
        found.point_differs = self._result.point_differs

    def _compare(self) -> None:
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        recorded = self._chain.points(min(waiting), max(waiting))
        for ts_ms, point in waiting.items():
            held = recorded.get(ts_ms)
            self._result.points += 1
            if held != point:
                self._result.points_differ += 1
                if held is not None and self._result.point_differs is None:
                    self._result.point_differs = held, point


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, each)
    elif isinstance(value, list) and value and all(_is_named(each) for each in value):
        for name, each in value:
            yield from _leaves(f"{path}.{name}", each)
    elif isinstance(value, list) and value:
        for at, each in enumerate(value):
            name = each.get("agent", at) if isinstance(each, dict) else at
            yield from _leaves(f"{path}[{name}]", each)
    else:
        yield path, value


def _is_named(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
