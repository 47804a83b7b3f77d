"""What a search found, told after luck: what choosing in training would have earned in the tests, and what of the best
trial survives the number of trials.

The search's own result is not that of its best trial. For every split the trial that was best in training (by the first
objective, of those that were completed) is taken, and what it made in the test is joined along a path through all
tests; of several paths (combinatorial) the middle one is told. The best trial is told with the deflated Sharpe ratio
over all trials that ran, pruned ones with what they ran, and with the probability of backtest overfitting over all that
were completed (`significance`). A trial that was refused has never been tried.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from fks_actors.backtest.baselines import BuyAndHold
from fks_actors.backtest.metrics import Floats, sharpe
from fks_actors.backtest.past import Past
from fks_actors.backtest.search.drive import a_year, joined_returns, within
from fks_actors.backtest.search.objectives import Score, score
from fks_actors.backtest.search.splits import Plan
from fks_actors.backtest.search.store import COMPLETE, FAILED, PRUNED, Kept, Store
from fks_actors.backtest.search.trial import Outcome, cut
from fks_actors.backtest.significance import deflated_sharpe, moments, overfitting
from fks_actors.execution.config import default_rules
from fks_actors.settings import Settings

SURVIVES = 0.95
"""The deflated Sharpe ratio from which a trial is told as better than luck."""

_BLOCKS, _MOST_ROWS = 16, 4_096


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial that ran. `tested` is out of sample, or of all bars where nothing was tested; `trained` its score on
    each split's training bars."""

    kept: Kept
    tested: Score
    trained: tuple[Score, ...]
    fills: int


@dataclass(frozen=True, slots=True)
class Findings:
    """A search that ended or was interrupted.

    `tried` are all trials that ran, the best first; `front` the completed ones that no other beats in every objective;
    `chosen` by split the trial that was best in training, `searched` what they made, `paths` the totals of all paths;
    `hold` what buy and hold of the same tests made. `dsr`, `pbo`: None where they are not defined.
    """

    objectives: tuple[str, ...]
    tried: tuple[Tried, ...]
    refused: tuple[Kept, ...]
    front: tuple[int, ...]
    chosen: tuple[int, ...]
    searched: Score | None
    paths: tuple[float, ...]
    hold: float
    dsr: float | None
    pbo: float | None

    @property
    def best(self) -> Tried | None:
        """The completed trial with the best first objective."""
        return next((each for each in self.tried if each.kept.state == COMPLETE), None)

    @property
    def survives(self) -> bool:
        """Whether the best trial is better than luck among so many."""
        return self.dsr is not None and self.dsr >= SURVIVES

    @property
    def pruned(self) -> int:
        """Trials that were given up."""
        return sum(each.kept.state == PRUNED for each in self.tried)

    def first_line(self) -> str:
        """The search in a line, the bad news first."""
        count = f"{len(self.tried)} trial{'s' * (len(self.tried) != 1)} tried"
        count += f" ({self.pruned} pruned)" if self.pruned else ""
        count += f", {len(self.refused)} refused" if self.refused else ""
        best = self.best
        if best is None:
            why = f": {self.refused[0].reason}" if self.refused else ""
            return f"No trial was completed; {count}{why}."
        if self.searched is None:
            told = (
                "NOTHING was tested out of sample (--cv none): the best of "
                f"{count} made {_percent(best.tested.total)} in sample, against 0.00 % flat and {_percent(self.hold)} "
                "buy and hold."
            )
        else:
            told = (
                f"Out of sample the search {_verdict(self.searched.total, self.hold)}: {_percent(self.searched.total)} "
                f"against 0.00 % flat and {_percent(self.hold)} buy and hold, with {count} and each test run by the "
                "one that was best in training."
            )
        return f"{told} {self._luck(best)}"

    def _luck(self, best: Tried) -> str:
        found = "survives" if self.survives else "does NOT survive"
        dsr = "not defined" if self.dsr is None else f"{self.dsr:.2f}, {SURVIVES} needed"
        pbo = "not defined" if self.pbo is None else f"{self.pbo:.2f}"
        return f"The best trial, {best.kept.number}, {found} deflation (DSR {dsr}); probability of overfitting {pbo}."


def findings(store: Store, past: Past, plan: Plan, settings: Settings) -> Findings:
    """Judge every trial of a study.

    Args:
        settings: those that the trials change; their costs are buy and hold's.
    """
    year, objectives = a_year(past, plan), store.spec.objectives
    tried: list[tuple[Tried, Floats]] = []
    kept = store.kept()
    for each in kept:
        if each.state in (COMPLETE, PRUNED):
            tried.append(_tried(each, store, plan, year))
    first = objectives[0]
    tried.sort(key=lambda pair: (pair[0].kept.state != COMPLETE, -pair[0].tested.better(first), pair[0].kept.number))
    complete = [pair for pair in tried if pair[0].kept.state == COMPLETE]
    chosen = tuple(_chosen(complete, at, first) for at in range(len(plan.splits))) if complete else ()
    paths = [_walked(complete, chosen, path, plan) for path in plan.paths()] if complete else []
    walked = sorted(paths, key=lambda returns: float(np.prod(1.0 + returns)))
    ours = walked[(len(walked) - 1) // 2] if walked else None
    return Findings(
        objectives,
        tuple(pair[0] for pair in tried),
        tuple(each for each in kept if each.state == FAILED),
        _front([pair[0] for pair in complete], objectives),
        chosen,
        None if ours is None else score(ours, year),
        tuple(float(np.prod(1.0 + each) - 1.0) for each in walked),
        _hold(past, plan, settings),
        _deflated(complete, tried, plan),
        _overfitted(complete, plan),
    )


def _tried(kept: Kept, store: Store, plan: Plan, year: float) -> tuple[Tried, Floats]:
    outcomes: dict[int, Outcome] = {}
    for at in range(len(plan.blocks)):
        found = store.outcome(kept.number, at, kept.key)
        if found is not None:
            outcomes[at] = found
    returns = joined_returns(outcomes, plan)
    trained = tuple(score(within(returns, plan, split.train), year) for split in plan.splits)
    fills = sum(each.fills for each in outcomes.values())
    return Tried(kept, score(within(returns, plan, plan.tested), year), trained, fills), returns


def _chosen(complete: Sequence[tuple[Tried, Floats]], split: int, objective: str) -> int:
    """The trial that was best in a split's training; of equals the first that was tried."""
    best = min(complete, key=lambda pair: (-pair[0].trained[split].better(objective), pair[0].kept.number))
    return best[0].kept.number


def _walked(
    complete: Sequence[tuple[Tried, Floats]],
    chosen: Sequence[int],
    path: Sequence[tuple[int, tuple[int, int]]],
    plan: Plan,
) -> Floats:
    by_number = {trial.kept.number: returns for trial, returns in complete}
    joined: Floats = np.concatenate([within(by_number[chosen[split]], plan, (block,)) for split, block in path])
    return joined


def _front(complete: Sequence[Tried], objectives: Sequence[str]) -> tuple[int, ...]:
    worth = {each.kept.number: [each.tested.better(name) for name in objectives] for each in complete}
    return tuple(
        sorted(
            number
            for number, own in worth.items()
            if not any(
                all(a >= b for a, b in zip(other, own, strict=True)) and other != own for other in worth.values()
            )
        )
    )


def _deflated(
    complete: Sequence[tuple[Tried, Floats]], tried: Sequence[tuple[Tried, Floats]], plan: Plan
) -> float | None:
    """The deflated Sharpe ratio of the best, of returns of a bar."""
    if not complete:
        return None
    of = moments(within(complete[0][1], plan, plan.tested))
    if of is None:
        return None
    return deflated_sharpe(of, [sharpe(within(returns, plan, plan.tested), 1.0) or 0.0 for _, returns in tried])


def _overfitted(complete: Sequence[tuple[Tried, Floats]], plan: Plan) -> float | None:
    """PBO over the completed trials, of returns of at most 4,096 periods."""
    if len(complete) < 2:
        return None
    rows = [within(returns, plan, plan.tested) for _, returns in complete]
    each = -(-len(rows[0]) // _MOST_ROWS)
    starts = np.arange(0, len(rows[0]), each)
    matrix = np.column_stack([np.multiply.reduceat(1.0 + row, starts) - 1.0 for row in rows])
    blocks = min(_BLOCKS, len(matrix) // 2 // 2 * 2)
    found = overfitting(matrix, blocks) if blocks >= 2 else None
    return None if found is None else found.probability


def _hold(past: Past, plan: Plan, settings: Settings) -> float:
    """Buy and hold of all cash from the first test to the end of the last."""
    part = cut(past, (plan.tested[0][0], plan.tested[-1][1]), 0)
    markets = {symbol: default_rules(symbol, settings.paper) for symbol in past.info.symbols}
    held = BuyAndHold(settings.desk.cash, markets, settings.paper)
    for batch in part.traded():
        held.observe(batch)
    return float(held.baseline().gained)


def _verdict(ours: float, hold: float) -> str:
    if ours > 0.0:
        return "beats flat and buy and hold" if ours > hold else "beats flat but NOT buy and hold"
    return "does NOT beat flat, though it beats buy and hold" if ours > hold else "beats NEITHER flat NOR buy and hold"


def _percent(fraction: float) -> str:
    return f"{fraction * 100:+.2f} %"


class Shown(msgspec.Struct, frozen=True):
    """A trial for people and scripts; fractions, not percent."""

    number: int
    state: str
    values: dict[str, object]
    tested: Score
    trained: Score | None
    fills: int


def shown(tried: Tried) -> Shown:
    """A trial with its mean score in training."""
    parts = tried.trained
    mean = Score(
        round(_mean([each.bars for each in parts])),
        _mean([each.total for each in parts]),
        _mean([each.sharpe for each in parts]),
        _mean([each.calmar for each in parts]),
        _mean([each.drawdown for each in parts]),
    )
    kept = tried.kept
    return Shown(kept.number, kept.state, dict(kept.values), tried.tested, mean if parts else None, tried.fills)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
