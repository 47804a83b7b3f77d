"""What a run was worth, from its equity curve and its fills. Pure. What is not defined is None, never NaN or infinite.

Returns are simple, of one equity point to the next: r = E / E_before - 1. A year is 365.25 days of calendar time, and
P = returns / years is how many returns one has: no trading days are assumed, and holes in the data count as time.
The risk-free rate is 0. Equity of 0 or less is ruin: the curve ends there, with a last return of -1.

    total       E_last / E_first - 1                             None: under two points
    annual      (1 + total)^(1 / years) - 1                      None also: beyond what a float holds
    volatility  s sqrt(P), s^2 with n - 1                        None: under two returns
    Sharpe      mean / s sqrt(P) (Sharpe 1994)                   None also: no variance
    Sortino     mean / sqrt(mean(min(r, 0)^2)) sqrt(P)           None: no return, or none below 0
                (Sortino and Price 1994, target 0, over all n)
    drawdown    max(1 - E / highest E so far), 0..1
    Calmar      annual / drawdown (Young 1991), since the start  None: annual is, or no drawdown
    exposure    what is held at a point counts until the next    None: under two points
    turnover    (bought + sold) / 2 / mean equity a year         None: no time
    profit factor  profits / losses of the round trips           None: no loss
    expectancy  mean profit of a round trip                      None: no round trip

Round trips are FIFO (`backtest.trips`), open ones are not among them. Fees are in the equity and in every profit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

from fks_actors.backtest.run import Result
from fks_actors.backtest.trips import RoundTrip, round_trips
from fks_actors.model.orders import ZERO, Fill
from fks_actors.model.records import EquityPoint

YEAR_MS = 31_557_600_000
"""365.25 days."""

NO_SPREAD = 1e-14
"""A deviation of returns that is rounding alone: a return is a quotient of two floats, minus 1."""

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Curve:
    """Equity and what of it is held (`exposure`), in quote, by UTC milliseconds, ascending; up to ruin."""

    ts_ms: Whole
    equity: Floats
    exposure: Floats

    @classmethod
    def of(cls, points: Sequence[EquityPoint]) -> "Curve":
        """The curve of these points; of several at one instant the last counts."""
        last = {point.ts_ms: point for point in points}
        return cls.build([(ts_ms, float(point.equity), float(point.exposure)) for ts_ms, point in sorted(last.items())])

    @classmethod
    def build(cls, rows: Sequence[tuple[int, float, float]]) -> "Curve":
        """The curve of (ts_ms, equity, exposure), ascending.

        Raises:
            ValueError: times do not ascend, a figure is not finite, or the first equity is not above 0.
        """
        ts_ms = np.array([row[0] for row in rows], dtype=np.int64)
        equity = np.array([row[1] for row in rows], dtype=np.float64)
        exposure = np.array([row[2] for row in rows], dtype=np.float64)
        if (np.diff(ts_ms) <= 0).any() or not (np.isfinite(equity).all() and np.isfinite(exposure).all()):
            raise ValueError("an equity curve has ascending times and finite figures")
        if len(equity) and equity[0] <= 0:
            raise ValueError("an equity curve begins above 0")
        ruined = np.flatnonzero(equity <= 0.0)
        if len(ruined):
            end = int(ruined[0]) + 1
            ts_ms, equity, exposure = ts_ms[:end], np.maximum(equity[:end], 0.0), exposure[:end]
        return cls(ts_ms, equity, exposure)

    @property
    def years(self) -> float:
        """Calendar time covered."""
        return float(self.ts_ms[-1] - self.ts_ms[0]) / YEAR_MS if len(self.ts_ms) else 0.0

    def returns(self) -> Floats:
        """Simple returns, one less than there are points."""
        return self.equity[1:] / self.equity[:-1] - 1.0

    def a_year(self) -> float:
        """How many returns a year has; 0 where no time passed."""
        return (len(self.equity) - 1) / self.years if self.years > 0.0 else 0.0


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall, `depth` 0..1 of its peak, and `under_water_ms` from that peak to its recovery (or the end).

    `longest_ms` is the longest time under water of all falls; `recovered_ms` None where equity never came back.
    """

    depth: float
    peak_ms: int
    trough_ms: int
    recovered_ms: int | None
    under_water_ms: int
    longest_ms: int


@dataclass(frozen=True, slots=True)
class Trades:
    """Round trips together. Money in quote after fees; `expectancy_return` is the mean of profit over cost, a
    fraction; `held_ms` the mean time from entry to exit."""

    count: int
    wins: int
    profit: Decimal
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    expectancy_return: float | None
    held_ms: float | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """A run's figures; fractions, not percent, and `fees` in quote. The module's docstring has every formula.

    `time_exposed` is the share of time in which anything was held, `mean_exposure` the mean share of equity held.
    """

    years: float
    total: float | None
    annual: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    drawdown: Drawdown | None
    time_exposed: float | None
    mean_exposure: float | None
    turnover: float | None
    fees: Decimal
    trades: Trades


def metrics(result: Result) -> Metrics:
    """The figures of a run."""
    return measured(Curve.of(result.equity), result.fills)


def measured(curve: Curve, fills: Sequence[Fill]) -> Metrics:
    """The figures of a curve and the fills that made it."""
    returns, a_year = curve.returns(), curve.a_year()
    gained, fallen = total(curve), drawdown(curve)
    yearly = annual(gained, curve.years)
    spent = sum((fill.price * fill.quantity for fill in fills), ZERO)
    held = _held(curve)
    return Metrics(
        curve.years,
        gained,
        yearly,
        volatility(returns, a_year),
        sharpe(returns, a_year),
        sortino(returns, a_year),
        yearly / fallen.depth if fallen and fallen.depth > 0.0 and yearly is not None else None,
        fallen,
        held[0] if held else None,
        held[1] if held else None,
        float(spent) / 2.0 / held[2] / curve.years if held and held[2] > 0.0 else None,
        sum((fill.fee for fill in fills), ZERO),
        traded(round_trips(fills).trips),
    )


def total(curve: Curve) -> float | None:
    """The whole return as a fraction."""
    return float(curve.equity[-1] / curve.equity[0] - 1.0) if len(curve.equity) > 1 else None


def annual(gained: float | None, years: float) -> float | None:
    """The return a year that compounds to `gained` in `years`."""
    if gained is None or years <= 0.0:
        return None
    try:
        found = (1.0 + gained) ** (1.0 / years) - 1.0
    except OverflowError:
        return None
    return found if isfinite(found) else None


def volatility(returns: Floats, a_year: float) -> float | None:
    """The deviation of a year's returns, as a fraction."""
    return float(returns.std(ddof=1)) * sqrt(a_year) if len(returns) > 1 else None


def sharpe(returns: Floats, a_year: float) -> float | None:
    """The Sharpe ratio a year; with `a_year` 1 that of one return."""
    spread = float(returns.std(ddof=1)) if len(returns) > 1 else 0.0
    return float(returns.mean()) / spread * sqrt(a_year) if spread > NO_SPREAD else None


def sortino(returns: Floats, a_year: float) -> float | None:
    """The Sortino ratio a year, against a target of 0."""
    if not len(returns):
        return None
    below = sqrt(float(np.mean(np.minimum(returns, 0.0) ** 2)))
    return float(returns.mean()) / below * sqrt(a_year) if below > NO_SPREAD else None


def drawdown(curve: Curve) -> Drawdown | None:
    """The deepest fall; None without a point. The first of several that are as deep."""
    if not len(curve.equity):
        return None
    peaks = np.maximum.accumulate(curve.equity)
    falls = 1.0 - curve.equity / peaks
    trough = int(falls.argmax())
    at_peak = np.flatnonzero(curve.equity >= peaks)
    peak = int(at_peak[at_peak <= trough][-1])
    later = at_peak[at_peak > trough]
    recovered = int(curve.ts_ms[later[0]]) if len(later) and falls[trough] > 0.0 else None
    peak_ms, end_ms = int(curve.ts_ms[peak]), int(curve.ts_ms[-1])
    until = recovered if recovered is not None else end_ms
    if falls[trough] <= 0.0:
        return Drawdown(0.0, peak_ms, peak_ms, peak_ms, 0, 0)
    edges = np.append(curve.ts_ms[at_peak], end_ms)
    wet = np.append(np.diff(at_peak) > 1, at_peak[-1] < len(curve.equity) - 1)
    longest = int((np.diff(edges) * wet).max())
    return Drawdown(float(falls[trough]), peak_ms, int(curve.ts_ms[trough]), recovered, until - peak_ms, longest)


def traded(trips: Sequence[RoundTrip]) -> Trades:
    """The figures of round trips."""
    count, profit = len(trips), sum((trip.profit for trip in trips), ZERO)
    won = sum((trip.profit for trip in trips if trip.profit > 0), ZERO)
    lost = won - profit
    if not count:
        return Trades(0, 0, ZERO, None, None, None, None, None)
    wins = sum(trip.profit > 0 for trip in trips)
    shares = [float(trip.profit / trip.cost) for trip in trips if trip.cost > 0]
    return Trades(
        count,
        wins,
        profit,
        wins / count,
        float(won / lost) if lost > 0 else None,
        float(profit / count),
        sum(shares) / len(shares) if shares else None,
        sum(trip.closed_ms - trip.opened_ms for trip in trips) / count,
    )


def _held(curve: Curve) -> tuple[float, float, float] | None:
    """Share of time exposed, mean share of equity held, and mean equity; all weighted by time."""
    if len(curve.equity) < 2:
        return None
    times = np.diff(curve.ts_ms).astype(np.float64)
    whole, exposure, equity = times.sum(), curve.exposure[:-1], curve.equity[:-1]
    shares = (exposure > 0.0, exposure / equity, equity)
    exposed, share, mean = (float((times * each).sum() / whole) for each in shares)
    return exposed, share, mean
