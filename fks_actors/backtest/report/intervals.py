"""Confidence intervals of a run's figures, fast enough for any length. Pure; randomness is an argument.

Stationary bootstrap (Politis and Romano 1994, JASA 89), as `backtest.significance` has it: blocks of geometric length,
wrapped around, percentiles over the resamples. All figures here are functions of sums over the returns, so a block is
the difference of two running sums, and a resample costs its number of blocks, not of returns.

The mean block is n^(1/3) (the rate that is best for it: Politis and White 2004), and at least n / 4,000, which bounds
the work; longer blocks keep more of what returns have to do with their neighbours.
"""

from collections.abc import Mapping
from math import sqrt

import numpy as np

from fks_actors.backtest.metrics import NO_SPREAD, Curve, Floats

_MOST_BLOCKS = 4_000
_LEAST_DEFINED = 0.9
_LEAST_RETURN = -1.0 + 1e-12

Bounded = Mapping[str, tuple[float, float]]


def generators(seed: int) -> tuple[np.random.Generator, np.random.Generator]:
    """Of the returns and of the round trips: neither's intervals depend on how much was drawn for the other's."""
    return np.random.default_rng((seed, 0)), np.random.default_rng((seed, 1))


def mean_block(count: int) -> float:
    """The mean block length for `count` returns."""
    return max(1.0, float(np.cbrt(count)), count / _MOST_BLOCKS)


def resampled_sums(columns: Floats, block: float, rng: np.random.Generator, times: int) -> Floats:
    """Sums of `columns` (n, k) over `times` resamples of their rows: shape (times, k).

    Raises:
        ValueError: there is no row, or a block is shorter than 1.
    """
    count, width = columns.shape
    if count < 1 or not block >= 1.0:
        raise ValueError(f"{count} rows in blocks of {block} cannot be resampled")
    running = np.zeros((2 * count + 1, width))
    np.cumsum(np.concatenate((columns, columns)), axis=0, out=running[1:])
    sums = np.empty((times, width))
    for at in range(times):
        lengths = _lengths(count, block, rng)
        starts = rng.integers(0, count, len(lengths))
        sums[at] = (running[starts + lengths] - running[starts]).sum(axis=0)
    return sums


def of_returns(curve: Curve, level: float, rng: np.random.Generator, times: int) -> Bounded:
    """Intervals of total, annual, volatility, sharpe and sortino, where `metrics` defines them."""
    returns, years, a_year = curve.returns(), curve.years, curve.a_year()
    count = len(returns)
    if count < 2 or years <= 0.0:
        return {}
    logs = np.log1p(np.maximum(returns, _LEAST_RETURN))
    columns = np.column_stack((returns, returns**2, np.minimum(returns, 0.0) ** 2, logs))
    whole, squares, below, grown = resampled_sums(columns, mean_block(count), rng, times).T
    mean = whole / count
    spread = np.sqrt(np.maximum(squares - whole * mean, 0.0) / (count - 1))
    down = np.sqrt(np.maximum(below, 0.0) / count)
    with np.errstate(over="ignore"):
        annual = np.expm1(grown / years)
        total = np.expm1(grown)
    return _bounded(
        {
            "total": total,
            "annual": annual,
            "volatility": spread * sqrt(a_year),
            "sharpe": _over(mean, spread) * sqrt(a_year),
            "sortino": _over(mean, down) * sqrt(a_year),
        },
        level,
    )


def of_trips(profits: Floats, level: float, rng: np.random.Generator, times: int) -> Bounded:
    """Intervals of win_rate, expectancy (quote) and profit_factor of round trips, in the order in which they ended."""
    count = len(profits)
    if count < 2:
        return {}
    gains = np.maximum(profits, 0.0)
    columns = np.column_stack((profits, profits > 0.0, gains, gains - profits))
    profit, wins, gained, lost = resampled_sums(columns, mean_block(count), rng, times).T
    tiny = float(np.abs(profits).sum()) * NO_SPREAD
    factor = np.divide(gained, lost, out=np.full(times, np.nan), where=lost > tiny)
    return _bounded({"win_rate": wins / count, "expectancy": profit / count, "profit_factor": factor}, level)


def _lengths(count: int, block: float, rng: np.random.Generator) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Lengths of blocks that make `count` together."""
    wanted = int(count / block * 1.1) + 16
    ends = np.cumsum(rng.geometric(1.0 / block, wanted))
    while ends[-1] < count:
        ends = np.concatenate((ends, ends[-1] + np.cumsum(rng.geometric(1.0 / block, wanted))))
    last = int(np.searchsorted(ends, count))
    ends = ends[: last + 1]
    ends[-1] = count
    found: np.ndarray[tuple[int], np.dtype[np.int64]] = np.diff(ends, prepend=0)
    return found


def _over(mean: Floats, spread: Floats) -> Floats:
    found: Floats = np.divide(mean, spread, out=np.full(len(mean), np.nan), where=spread > NO_SPREAD)
    return found


def _bounded(drawn: Mapping[str, Floats], level: float) -> Bounded:
    """Percentiles of what is defined in enough resamples."""
    shares, found = [(1.0 - level) / 2.0, (1.0 + level) / 2.0], {}
    for name, values in drawn.items():
        defined = values[np.isfinite(values)]
        if len(defined) >= _LEAST_DEFINED * len(values):
            low, high = np.quantile(defined, shares).tolist()
            found[name] = (low, high)
    return found
