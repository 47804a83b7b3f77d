"""Several runs over the same bars, each held against the first one by a paired bootstrap of their returns.

The intervals hold together: each is widened so that with `confidence` none of them misses (Bonferroni 1936). Whoever
tries ten strategies finds one that looks better, and a table that calls it so would be read as proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fks_actors.backtest.baselines import Baseline, flat, verdict_line
from fks_actors.backtest.contenders import Contender, run_contender
from fks_actors.backtest.past import Past
from fks_actors.backtest.run import Result
from fks_actors.backtest.significance import Interval, total_differences
from fks_actors.backtest.studies import Told, as_baseline, held, quiet, warnings_of

CONFIDENCE = 0.95
_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """`runs` in the order in which they were asked for; `against_first` the difference of each later one's whole return
    to the first's, None where it is not defined (a run that was ruined before the bars ended).

    `first_line` is the first run's verdict against flat and buy and hold, which are in `idle`.
    """

    past: Past
    runs: tuple[Baseline, ...]
    against_first: tuple[Interval | None, ...]
    idle: tuple[Baseline, ...]
    first_line: str
    warnings: tuple[str, ...]
    confidence: float = CONFIDENCE

    def differs(self, at: int) -> bool:
        """Whether the interval of run `at` leaves out 0; never for the first."""
        found = self.against_first[at - 1] if at else None
        return found is not None and (found.low > 0.0 or found.high < 0.0)


async def contest(entrants: Sequence[Contender], past: Past, *, seed: int, told: Told = quiet) -> Contest:
    """Run all of them.

    Args:
        entrants: one at least; the first is what the others are held against.
        seed: of the bootstrap.

    Raises:
        ConfigError: a mind cannot be opened.
    """
    runs: list[Baseline] = []
    warnings: dict[str, None] = {}
    first: Result | None = None
    for entrant in entrants:
        result = await run_contender(entrant, past, lambda done, total, name=entrant.label: told(name, done, total))
        first = first or result
        runs.append(as_baseline(entrant.label, result))
        warnings |= dict.fromkeys(warnings_of(entrant, past, result))
    if first is None:
        raise ValueError("a contest of nobody")
    holds = held(entrants[0].settings, past, told)
    line = verdict_line(first, holds)
    idle = (flat(first), *holds)
    return Contest(past, tuple(runs), against_first(runs, seed), idle, line, tuple(warnings))


def against_first(runs: Sequence[Baseline], seed: int) -> tuple[Interval | None, ...]:
    """The difference of each later run's whole return to the first's."""
    returns = [run.curve.returns() for run in runs]
    whole = [at for at, each in enumerate(returns) if len(each) == len(returns[0])]
    if len(whole) < 2:
        return (None,) * (len(runs) - 1)
    level = 1.0 - (1.0 - CONFIDENCE) / (len(whole) - 1)
    table = np.column_stack([returns[at] for at in whole])
    found = total_differences(table, np.random.default_rng(seed), level=level, times=_RESAMPLES)
    known = dict(zip(whole[1:], found, strict=True))
    return tuple(known.get(at) for at in range(1, len(runs)))
