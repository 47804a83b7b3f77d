"""The look-ahead test: whatever comes after a bar, the decisions up to it stay the same.

The run is repeated with every bar after an instant corrupted (`corrupted`), for several instants; each decision up to
the instant (ballots, verdict, outcome, order) must be the one of the undisturbed run. A decision that is another one
knew the future, unless a third run over undisturbed bars is another one too: then the strategy is not reproducible.

A strategy that reads the recording's file by itself sees the true future in every run, so no corruption of the bars
shows it. Therefore the files are watched: who opens one while it runs is caught as well (`opened`).

Not seen: a future that was learnt beforehand (fitted parameters, another file with the same prices, a model's memory),
and a leak that needs more than the `TAIL` corrupted bars that are played after each instant, in a strategy that is
shown only the bars played. The desk's own code is tested along with the strategy.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from fks_actors.backtest.honesty.corrupted import corrupted
from fks_actors.backtest.honesty.findings import many, minute
from fks_actors.backtest.honesty.opened import watching
from fks_actors.backtest.past import Past
from fks_actors.backtest.run import Result, run_past
from fks_actors.errors import ConfigError
from fks_actors.model.records import CycleRecord
from fks_actors.model.votes import Ballot, Vote
from fks_actors.settings import Settings

CUTS = 5
TAIL = 64
"""Corrupted bars that are played after each instant."""

Rerun = Callable[[Settings, Past], Awaitable[Result]]
"""Makes the run that is tested, from scratch."""

_ENCODER = msgspec.json.Encoder(decimal_format="string")


@dataclass(frozen=True, slots=True)
class Changed:
    """The first decision that became another one, and after which instant the bars were corrupted (open, UTC ms)."""

    decision_id: str
    cut_ms: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class LookAhead:
    """What the test found.

    `cuts_ms`: the opens of the last undisturbed bars. `compared`: decisions that were held against the first run's.
    `opened`: recordings that were read while the strategy ran. `reproducible`: whether the same bars gave the same
    decisions; only looked at where a decision changed.
    """

    cuts_ms: tuple[int, ...]
    compared: int
    changed: Changed | None = None
    opened: tuple[str, ...] = ()
    reproducible: bool = True

    @property
    def is_warning(self) -> bool:
        """Whether something was found."""
        return self.changed is not None or bool(self.opened)

    @property
    def sentence(self) -> str:
        """What to tell."""
        told = []
        if self.changed is not None and not self.reproducible:
            told.append(
                f"NOT REPRODUCIBLE: on the same bars decision {self.changed.decision_id} was another one when the run "
                "was repeated; whether it looks ahead cannot be told."
            )
        elif self.changed is not None:
            told.append(
                f"LOOK-AHEAD: decision {self.changed.decision_id} was {self.changed.before}, and became "
                f"{self.changed.after} when the bars after {minute(self.changed.cut_ms)} were corrupted: it knows the "
                "future, and the result is worth nothing."
            )
        if self.opened:
            told.append(
                f"LOOK-AHEAD: {', '.join(self.opened)} was opened while the strategy ran: whoever reads the recording "
                "itself knows the future, and the result is worth nothing."
            )
        if not told:
            told.append(
                f"No look-ahead was found: {many(self.compared, 'decision')} stayed the same when all bars after "
                f"{many(len(self.cuts_ms), 'instant')} were corrupted."
            )
        return " ".join(told)


async def check_lookahead(
    settings: Settings,
    past: Past,
    rerun: Rerun = run_past,
    *,
    cuts: int = CUTS,
    seed: int = 7,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> LookAhead:
    """Run once undisturbed, then with the future corrupted after each of `cuts` instants, evenly spread.

    That is about 1 + cuts / 2 runs in which every decision is told in full to be compared, which costs more than the
    runs themselves. It stops at the first decision that changed.

    Args:
        settings: as for the run.
        past: as for the run.
        rerun: makes the run; `run_past`, or what passes it the debates of language models as well.
        cuts: how many instants.
        seed: of the corruption.
        told: hears (runs done, runs in all).

    Raises:
        ConfigError: fewer than two bars are traded, or a mind cannot be opened.
    """
    places = _places(past.count, cuts)
    cuts_ms = tuple(int(past.times[past.begin + place]) for place in places)
    compared = 0
    with watching(track.recording.path for track in past.tracks) as opened:
        first = await rerun(settings, _until(past, places[-1]))
        base = tuple(_prints(first.cycles, cuts_ms[-1]))
        told(1, len(places) + 1)
        for done, (place, cut_ms) in enumerate(zip(places, cuts_ms, strict=True), 1):
            other = await rerun(settings, _until(corrupted(past, cut_ms, seed + done), place))
            prints = tuple(_prints(other.cycles, cut_ms))
            at = _differs(base[: _count(base, cut_ms)], prints)
            compared += len(prints)
            told(done + 1, len(places) + 1)
            if at is not None:
                # A result may be told anew at each reading: read each one before the world is another run's.
                after = _at(other, at)
                again = await rerun(settings, _until(past, place))
                same = _differs(base[: _count(base, cut_ms)], tuple(_prints(again.cycles, cut_ms))) is None
                changed = _changed(cut_ms, _at(again, at), after)
                return LookAhead(cuts_ms, compared, changed, tuple(sorted(opened)), same)
    return LookAhead(cuts_ms, compared, None, tuple(sorted(opened)))


def _places(count: int, cuts: int) -> tuple[int, ...]:
    """Which traded bars are the last undisturbed ones."""
    if count < 2:
        raise ConfigError("the look-ahead test needs two traded bars at least: widen --since and --until")
    return tuple(sorted({min(max(count * n // (cuts + 1), 0), count - 2) for n in range(1, max(cuts, 1) + 1)}))


def _until(past: Past, place: int) -> Past:
    """The past, of which no more is played than a tail after the traded bar `place`; all of it is there."""
    return replace(past, end=min(past.end, past.begin + place + 1 + TAIL))


_Print = tuple[int, int]
"""A decision's bar (open, UTC ms) and the hash of all that is recorded of it."""


def _prints(cycles: Sequence[CycleRecord], until_ms: int) -> Iterator[_Print]:
    for cycle in cycles:
        if cycle.ts_ms > until_ms:
            return
        yield cycle.ts_ms, hash(_ENCODER.encode(cycle))


def _count(prints: Sequence[_Print], until_ms: int) -> int:
    return sum(1 for ts_ms, _ in prints if ts_ms <= until_ms)


def _differs(one: Sequence[_Print], other: Sequence[_Print]) -> int | None:
    """The first place where they differ."""
    found = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    return min(len(one), len(other)) if found is None and len(one) != len(other) else found


def _at(result: Result, at: int) -> CycleRecord | None:
    return next((cycle for n, cycle in enumerate(result.cycles) if n == at), None)


def _changed(cut_ms: int, before: CycleRecord | None, after: CycleRecord | None) -> Changed:
    named = before or after
    return Changed(named.decision_id if named else "", cut_ms, *_told_apart(before, after))


def _told_apart(one: CycleRecord | None, other: CycleRecord | None) -> tuple[str, str]:
    """What differs between two records of a decision, as text: the first vote that does, or what came of all."""
    if one is None or other is None:
        return ("missing" if one is None else "there"), ("missing" if other is None else "there")
    for a, b in zip(one.ballots, other.ballots, strict=False):
        if a != b:
            return _voted(a), _voted(b)
    return _decided(one), _decided(other)


def _voted(ballot: Ballot) -> str:
    if isinstance(ballot, Vote):
        return f"a {ballot.action} of {ballot.agent} with confidence {ballot.confidence:.9g}"
    return f"an abstention of {ballot.agent} ({ballot.reason})"


def _decided(cycle: CycleRecord) -> str:
    return f"a {cycle.verdict.action} with strength {cycle.verdict.strength:.9g} ({cycle.outcome})"
