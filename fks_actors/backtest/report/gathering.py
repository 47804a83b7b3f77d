"""One pass over a run's cycles: what the minds said, what came of it, what they claimed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from fks_actors.backtest.report.calibration import Claims
from fks_actors.model.records import CycleRecord
from fks_actors.model.votes import Action, Vote


@dataclass(slots=True)
class Said:
    """One mind's ballots, counted, and its claims by symbol."""

    buys: int = 0
    sells: int = 0
    holds: int = 0
    abstained: int = 0
    claims: dict[str, Claims] = field(default_factory=dict)


@dataclass(slots=True)
class Gathered:
    """Counts over all cycles; `words` is what the last refusal of each code said."""

    count: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    words: dict[str, str] = field(default_factory=dict)
    minds: dict[str, Said] = field(default_factory=dict)


def gather(cycles: Iterable[CycleRecord]) -> Gathered:
    """Count what the cycles hold."""
    found = Gathered()
    outcomes, minds = found.outcomes, found.minds
    for cycle in cycles:
        found.count += 1
        outcomes[cycle.outcome.value] += 1
        for refusal in cycle.refusals:
            found.refusals[refusal.code] += 1
            found.words[refusal.code] = refusal.message
        for ballot in cycle.ballots:
            said = minds.get(ballot.agent)
            if said is None:
                said = minds[ballot.agent] = Said()
            if not isinstance(ballot, Vote):
                said.abstained += 1
            elif ballot.action is Action.HOLD:
                said.holds += 1
            else:
                _claimed(said, ballot)
    return found


def _claimed(said: Said, vote: Vote) -> None:
    buys = vote.action is Action.BUY
    said.buys += buys
    said.sells += not buys
    claims = said.claims.get(vote.symbol)
    if claims is None:
        claims = said.claims[vote.symbol] = Claims()
    claims.times.append(vote.ts_ms)
    claims.leans.append(vote.confidence if buys else -vote.confidence)
