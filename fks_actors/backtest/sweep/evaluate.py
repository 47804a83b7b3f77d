"""Sets over bars, one after the other, in this process. The features are shared and, like the wishes, bounded."""

from dataclasses import dataclass

import numpy as np

from fks_actors.backtest.sweep import wishes
from fks_actors.backtest.sweep.account import account
from fks_actors.backtest.sweep.features import Features, sealed
from fks_actors.backtest.sweep.ports import FIGURES, FILL, Floats, Job, Told, Wishes
from fks_actors.backtest.sweep.rules import RULES, Rule, Values

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
    prices, rule, total = sealed(job.prices), RULES[job.rule], len(job.sets)
    features = Features(prices[3], job.room_bytes)
    wanted = np.empty(prices.shape[1], dtype=np.int8)
    figures = np.empty((total, FIGURES))
    for at in range(total):
        _wish(features, rule, tuple(job.sets[at].tolist()), wanted)
        account(prices, wanted, job.costs, job.cash, figures[at], _NONE, _NO_FILLS)
        if (at + 1) % _PART == 0 or at + 1 == total:
            told(at + 1, total)
    return figures


def traced(job: Job, place: int) -> Trace:
    """The job's set at `place`, bar by bar."""
    prices = sealed(job.prices)
    wanted = np.empty(prices.shape[1], dtype=np.int8)
    _wish(Features(prices[3], job.room_bytes), RULES[job.rule], tuple(job.sets[place].tolist()), wanted)
    return _trace(prices, wanted, job)


def held(job: Job) -> Trace:
    """Buy and hold by the same account: bought at the first close's word, never sold."""
    prices = sealed(job.prices)
    return _trace(prices, wishes.held(prices.shape[1]), job)


def _trace(prices: Floats, wanted: Wishes, job: Job) -> Trace:
    figures, curve = np.empty(FIGURES), np.empty(prices.shape[1])
    count = account(prices, wanted, job.costs, job.cash, figures, curve, _NO_FILLS)
    fills = np.empty((count, FILL))
    account(prices, wanted, job.costs, job.cash, figures, curve, fills)
    return Trace(figures, curve, fills)


def _wish(features: Features, rule: Rule, values: Values, wanted: Wishes) -> None:
    columns = [features.column(column) for column in rule.columns(values)]
    getattr(wishes, rule.kernel)(*columns, *rule.levels(values), rule.warm(values), wanted)
