"""All that a report tells of one run: the run, what it is measured against, and what speaks against believing it."""

from dataclasses import dataclass, field

from fks_actors.backtest.baselines import Baseline
from fks_actors.backtest.past import Past
from fks_actors.backtest.run import Result
from fks_actors.backtest.significance import Overfitting
from fks_actors.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Searched:
    """What a search that found the run tried.

    `sharpes` are the Sharpe ratios of one return (not a year) of all trials, the chosen one's among them, 0 where it is
    not defined; `overfitting` is CSCV over all of their returns, None where it was not computed.
    """

    sharpes: tuple[float, ...]
    overfitting: Overfitting | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """One run over `past` as `settings` say it.

    `title` names the strategy or council; `first_line` is the verdict against flat and buy and hold
    (`baselines.verdict_line`) and stands first wherever the study is told. `warnings` are sentences: minds that were
    left out, gaps, simulated data, a period that a language model may remember, a result that one bar of lag undoes.
    `searched` is given where the settings were searched for over these bars.
    """

    title: str
    settings: Settings
    past: Past
    result: Result
    first_line: str
    baselines: tuple[Baseline, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    searched: Searched | None = None
