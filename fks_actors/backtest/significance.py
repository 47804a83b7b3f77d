"""How much of a result is luck. Pure; randomness is an argument. What is not defined is None, never NaN or infinite.

interval      stationary bootstrap (Politis and Romano 1994, JASA 89): blocks of geometric length, mean `block`,
              wrapped around; percentiles of the statistic over the resamples (Efron 1979). It keeps what returns
              have to do with their neighbours, as far as blocks reach
PSR           P(true Sharpe > SR*) = Phi((SR - SR*) sqrt(n - 1) / sqrt(1 - g3 SR + (g4 - 1) / 4 SR^2)), SR a return
              (not a year), g3 skewness, g4 kurtosis (3 for a normal): Bailey and Lopez de Prado 2012, "The Sharpe
              ratio efficient frontier", J. of Risk 15
DSR           PSR against what the best of N useless trials would show,
              SR* = sqrt(V) ((1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e))), V the variance of the trials' SR,
              g Euler's constant: Bailey and Lopez de Prado 2014, "The deflated Sharpe ratio", JPM 40. N counts
              independent trials; trials that resemble each other make it too strict
PBO           share of the combinations in which the trial that was best in one half of the blocks is in the lower
              half of all trials in the other half (CSCV): Bailey, Borwein, Lopez de Prado, Zhu 2015, "The
              probability of backtest overfitting", J. of Computational Finance 20
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, e, isfinite, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from fks_actors.backtest.metrics import NO_SPREAD, Floats

EULER = 0.5772156649015329
"""The Euler-Mascheroni constant."""

_NORMAL = NormalDist()
_CHUNK = 1024
_RUIN = -1.0 + 1e-12
_LEAST_DEFINED = 0.9

Statistic = Callable[[Floats], float | None]


@dataclass(frozen=True, slots=True)
class Interval:
    """A statistic and its confidence interval; `block` in returns, `resamples` of which were defined."""

    estimate: float
    low: float
    high: float
    level: float
    block: float
    resamples: int


@dataclass(frozen=True, slots=True)
class Moments:
    """Returns in brief: how many, the Sharpe ratio of one (n - 1), skewness, and kurtosis (3 for a normal)."""

    count: int
    sharpe: float
    skew: float
    kurtosis: float


@dataclass(frozen=True, slots=True)
class Overfitting:
    """`probability` 0..1 that the best of the trials is overfitted; `loss` the share of the combinations in which it
    lost out of sample; `logits` ln(w / (1 - w)) of its relative rank w, one a combination."""

    probability: float
    loss: float
    combinations: int
    logits: Floats


def block_length(returns: Floats) -> float:
    """The mean block length for the stationary bootstrap of a mean (Politis and White 2004; Patton, Politis and White
    2009), at least 1; n^(1/3) under 16 returns or without variance. Of nine digits: the rest is the processor's."""
    if len(returns) >= 16 and float(returns.std()) > NO_SPREAD:
        from arch.bootstrap import optimal_block_length  # seconds to import, and only here is it needed

        found = float(optimal_block_length(returns)["stationary"].iloc[0])
        if isfinite(found):
            return max(1.0, float(f"{found:.9g}"))
    return float(max(1, ceil(len(returns) ** (1 / 3))))


def resamples(count: int, block: float, rng: np.random.Generator, times: int) -> Iterator[NDArray[np.int64]]:
    """Places of `count` returns, resampled `times` times in blocks of mean length `block`.

    Raises:
        ValueError: there is nothing to resample, or a block is shorter than 1.
    """
    if count < 1 or not block >= 1.0:
        raise ValueError(f"{count} returns in blocks of {block} cannot be resampled")
    steps = np.arange(count)
    for _ in range(times):
        begins = rng.random(count) * block < 1.0
        begins[0] = True
        starts = rng.integers(0, count, count)
        since = np.maximum.accumulate(np.where(begins, steps, 0))
        yield (starts[since] + steps - since) % count


def interval(
    returns: Floats,
    statistic: Statistic,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    times: int = 1_000,
    block: float | None = None,
) -> Interval | None:
    """The statistic's confidence interval.

    None where it is undefined for the returns themselves, or for more than a tenth of the resamples.

    Args:
        returns: simple returns, in order.
        statistic: of returns; None where undefined.
        level: 0..1, how sure.
        block: mean block length in returns; None for `block_length`.

    Raises:
        ValueError: `level` is not within 0..1.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"a level of {level} is not within 0..1")
    estimate = statistic(returns) if len(returns) else None
    if estimate is None:
        return None
    length = block if block is not None else block_length(returns)
    drawn = (statistic(returns[places]) for places in resamples(len(returns), length, rng, times))
    found = [each for each in drawn if each is not None]
    if not found or len(found) < _LEAST_DEFINED * times:
        return None
    low, high = np.quantile(found, [(1.0 - level) / 2.0, (1.0 + level) / 2.0]).tolist()
    return Interval(estimate, low, high, level, length, len(found))


def total_interval(
    returns: Floats, rng: np.random.Generator, *, level: float = 0.95, times: int = 1_000
) -> Interval | None:
    """The confidence interval of the whole return as a fraction; None without a return.

    Raises:
        ValueError: `level` is not within 0..1.
    """
    still = np.zeros_like(returns)
    return total_differences(np.column_stack([still, returns]), rng, level=level, times=times)[0]


def total_differences(
    returns: Floats, rng: np.random.Generator, *, level: float = 0.95, times: int = 1_000
) -> tuple[Interval | None, ...]:
    """By how much the whole return of each other column lies above the first one's, with its confidence interval.

    Paired: every resample takes the same bars from all columns, so that what moves them together cancels out. The block
    is the longest that any of the differences asks for. None where there is no return.

    Args:
        returns: shape (n, columns), simple returns over the same bars; -1 is ruin.
        level: 0..1, how sure each single interval is.

    Raises:
        ValueError: `level` is not within 0..1.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"a level of {level} is not within 0..1")
    count, columns = returns.shape
    if not count:
        return tuple(None for _ in range(columns - 1))
    growth = np.log1p(np.maximum(returns, _RUIN))
    apart = growth[:, 1:] - growth[:, :1]
    block = max((block_length(apart[:, i]) for i in range(columns - 1)), default=1.0)
    drawn = np.array([np.bincount(at, minlength=count) @ growth for at in resamples(count, block, rng, times)])
    totals, own = np.expm1(drawn), np.expm1(growth.sum(axis=0))
    edges = np.quantile(totals[:, 1:] - totals[:, :1], [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0)
    return tuple(
        Interval(float(own[i + 1] - own[0]), float(edges[0, i]), float(edges[1, i]), level, block, times)
        for i in range(columns - 1)
    )


def moments(returns: Floats) -> Moments | None:
    """The returns in brief; None under three, or without variance."""
    spread = float(returns.std()) if len(returns) > 2 else 0.0
    if spread <= NO_SPREAD:
        return None
    z = (returns - returns.mean()) / spread
    return Moments(
        len(returns),
        float(returns.mean() / returns.std(ddof=1)),
        float(np.mean(z**3)),
        float(np.mean(z**4)),
    )


def probabilistic_sharpe(of: Moments, benchmark: float = 0.0) -> float | None:
    """PSR: how sure it is that the true Sharpe ratio is above `benchmark` (of one return, not a year), 0..1.

    None where the variance of the estimate is not positive (so few returns that their moments contradict each other).
    """
    variance = 1.0 - of.skew * of.sharpe + (of.kurtosis - 1.0) / 4.0 * of.sharpe**2
    if variance <= 0.0 or of.count < 2:
        return None
    return _NORMAL.cdf((of.sharpe - benchmark) * sqrt(of.count - 1) / sqrt(variance))


def expected_best(trials: int, variance: float) -> float:
    """The Sharpe ratio that the best of `trials` shows by luck alone; `variance` is that of the trials' Sharpe ratios.

    0 for a single trial.

    Raises:
        ValueError: no trial, or a negative variance.
    """
    if trials < 1 or not variance >= 0.0:
        raise ValueError(f"{trials} trials with a variance of {variance}")
    if trials == 1:
        return 0.0
    first, second = _NORMAL.inv_cdf(1.0 - 1.0 / trials), _NORMAL.inv_cdf(1.0 - 1.0 / (trials * e))
    return sqrt(variance) * ((1.0 - EULER) * first + EULER * second)


def deflated_sharpe(of: Moments, sharpes: Sequence[float]) -> float | None:
    """DSR: how sure it is that the chosen trial is better than luck among all that were tried, 0..1.

    Args:
        of: the chosen trial's returns.
        sharpes: the Sharpe ratios of one return of all trials, the chosen one's among them; one that is not defined
            (no trade) belongs in as 0.
    """
    if not sharpes:
        return None
    variance = float(np.var(sharpes, ddof=1)) if len(sharpes) > 1 else 0.0
    return probabilistic_sharpe(of, expected_best(len(sharpes), variance))


def overfitting(returns: Floats, blocks: int = 16) -> Overfitting | None:
    """PBO by CSCV over all trials of a search, by their Sharpe ratios.

    A trial without variance counts as 0 there. Of equally good trials in sample the first is chosen; out of sample
    equals share their mean rank. None under two trials, or under two returns a block.

    Args:
        returns: shape (n, trials), simple returns over the same bars; the first n % blocks rows are left out.
        blocks: even, at least 2; blocks! / (blocks / 2)!^2 combinations (16: 12,870).

    Raises:
        ValueError: `blocks` is odd or under 2, or a return is not finite.
    """
    if blocks < 2 or blocks % 2:
        raise ValueError(f"{blocks} blocks cannot be halved")
    if not np.isfinite(returns).all():
        raise ValueError("a return is not finite")
    rows, trials = returns.shape
    size = rows // blocks
    if trials < 2 or size < 2:
        return None
    cut = returns[rows % blocks :].reshape(blocks, size, trials)
    sums, squares = cut.sum(axis=1), (cut**2).sum(axis=1)
    chosen = np.array(list(combinations(range(blocks), blocks // 2)))
    inside = np.zeros((len(chosen), blocks))
    np.put_along_axis(inside, chosen, 1.0, axis=1)
    logits, lost = [], 0
    for at in range(0, len(inside), _CHUNK):
        halves = inside[at : at + _CHUNK]
        best = _ratios(halves @ sums, halves @ squares, size * blocks // 2).argmax(axis=1)
        others = 1.0 - halves
        out = _ratios(others @ sums, others @ squares, size * blocks // 2)
        own = np.take_along_axis(out, best[:, None], axis=1)
        ranks = (out < own).sum(axis=1) + ((out == own).sum(axis=1) + 1.0) / 2.0
        share = ranks / (trials + 1.0)
        logits.append(np.log(share / (1.0 - share)))
        lost += int((own < 0.0).sum())
    every = np.concatenate(logits)
    return Overfitting(float(np.mean(every <= 0.0)), lost / len(every), len(every), every)


def _ratios(sums: Floats, squares: Floats, count: int) -> Floats:
    """Sharpe ratios of one return, from sums over `count` returns; 0 without variance."""
    mean = sums / count
    spread = np.sqrt(np.maximum(squares / count - mean**2, 0.0) * count / (count - 1))
    found: Floats = np.divide(mean, spread, out=np.zeros_like(mean), where=spread > np.abs(mean) * 1e-7 + NO_SPREAD)
    return found
