"""Sets over bars, one after the other, in this process. The features are shared and, like the wishes, bounded."""

from dataclasses import dataclass

import numpy as np

from fks_actors.backtest.sweep import wishes
from fks_actors.backtest.sweep.account import account
from fks_actors.backtest.sweep.features import Features, sealed
from fks_actors.backtest.sweep.ports import FIGURES, FILL, Floats, Job, Told, Wishes
from fks_actors.backtest.sweep.rules import RULES

_NONE = np.empty(0)
_NO_FILLS = np.empty((0, FILL))
_PART = 64


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One set bar by bar: its figures, equity at each close, and its fills (rows of FILL)."""

    figures: Floats
    curve: Floats
    fills: Floats


def evaluated(job: Job, told: Told) -> Floats:
    """The job's figures (a `Spread`); it can be interrupted between any two sets."""
    total, work = len(job.sets), _Work(job)
    figures = np.empty((total, FIGURES))
    for at in range(total):
        wanted = work.wish(at)
        account(work.traded, wanted, job.costs, job.cash, figures[at], _NONE, _NO_FILLS)
        if (at + 1) % _PART == 0 or at + 1 == total:
            told(at + 1, total)
    return figures


def traced(job: Job, place: int) -> Trace:
    """The job's set at `place`, bar by bar."""
    work = _Work(job)
    return _trace(work, work.wish(place))


def held(job: Job) -> Trace:
    """Buy and hold by the same account: bought at the first close's word, never sold."""
    work = _Work(job)
    return _trace(work, wishes.held(work.traded.shape[1]))


class _Work:
    """What all sets of a job share."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.traded = sealed(job.prices[:, job.learnt :])
        self._features = Features(sealed(job.prices[3]), job.room_bytes)
        self._wanted = np.empty(job.prices.shape[1], dtype=np.int8)

    def wish(self, place: int) -> Wishes:
        """What the set wants at each bar that is traded; the next call overwrites it."""
        rule, values = RULES[self.job.rule], tuple(self.job.sets[place].tolist())
        columns = [self._features.column(column) for column in rule.columns(values)]
        first = min(rule.warm(values), len(self._wanted))
        getattr(wishes, rule.kernel)(*columns, *rule.levels(values), first, self._wanted)
        return self._wanted[self.job.learnt :]


def _trace(work: _Work, wanted: Wishes) -> Trace:
    figures, curve, job = np.empty(FIGURES), np.empty(len(wanted)), work.job
    count = account(work.traded, wanted, job.costs, job.cash, figures, curve, _NO_FILLS)
    fills = np.empty((count, FILL))
    account(work.traded, wanted, job.costs, job.cash, figures, curve, fills)
    return Trace(figures, curve, fills)
