"""Two runs over the same bars, side by side: what the language models changed, what it cost, what came of it.

One pair of runs proves nothing about the next: the figures are told, no significance is claimed.
"""

from dataclasses import dataclass
from decimal import Decimal

from fks_actors.backtest.run import Result
from fks_actors.model.debates import CallOutcome, ModelCall
from fks_actors.model.orders import ZERO
from fks_actors.model.records import CycleRecord

_ANSWERED = frozenset({CallOutcome.ANSWERED, CallOutcome.REPAIRED, CallOutcome.CACHED})


@dataclass(frozen=True, slots=True)
class Changed:
    """A decision that came out otherwise. Scores are signed, -1..1; `moved`: by a debate, else by what it holds."""

    decision_id: str
    before: str
    after: str
    score_before: float
    score_after: float
    moved: bool


@dataclass(frozen=True, slots=True)
class Versus:
    """Without models (`off`) against with them (`on`). Latencies in milliseconds, costs in USD, the rest in quote.

    `latency_ms` are those of the calls that reached a provider, ascending.
    """

    off: Result
    on: Result
    changed: tuple[Changed, ...]
    debates: int
    calls: tuple[ModelCall, ...]
    latency_ms: tuple[int, ...]

    @property
    def cost_usd(self) -> Decimal:
        """What the models cost."""
        return sum((call.cost_usd for call in self.calls), ZERO)

    @property
    def tokens(self) -> tuple[int, int]:
        """(read, written)."""
        return sum(c.tokens_in for c in self.calls), sum(c.tokens_out for c in self.calls)

    @property
    def answered(self) -> int:
        """Questions that brought an answer."""
        return sum(call.outcome in _ANSWERED for call in self.calls)

    @property
    def gained(self) -> Decimal:
        """What the desk with models ended with above the one without."""
        return self.on.final - self.off.final

    def latency(self, share: float) -> int:
        """Nearest rank, ms; 0 where no provider was asked."""
        last = len(self.latency_ms) - 1
        return self.latency_ms[min(last, int(share * len(self.latency_ms)))] if self.latency_ms else 0


def versus(off: Result, on: Result) -> Versus:
    """Lay two runs beside each other.

    Raises:
        ValueError: they are not over the same bars.
    """
    if [c.decision_id for c in off.cycles] != [c.decision_id for c in on.cycles]:
        raise ValueError("the two runs are not over the same bars")
    pairs = zip(off.cycles, on.cycles, strict=True)
    changed = tuple(_changed(a, b) for a, b in pairs if _end(a) != _end(b))
    debates = [cycle.debate for cycle in on.cycles if cycle.debate]
    calls = tuple(turn.call for debate in debates for turn in debate.turns)
    return Versus(off, on, changed, len(debates), calls, tuple(sorted(c.latency_ms for c in calls if c.requests)))


def _end(cycle: CycleRecord) -> tuple[str, str]:
    return cycle.verdict.action, cycle.outcome


def _changed(before: CycleRecord, after: CycleRecord) -> Changed:
    told = [dict(cycle.verdict.scores).get("final", 0.0) for cycle in (before, after)]
    moved = after.debate is not None and after.debate.after != after.debate.before
    return Changed(after.decision_id, " ".join(_end(before)), " ".join(_end(after)), told[0], told[1], moved)
