"""Indicators over a whole column: bit for bit what `market.indicators` gives bar by bar."""

from math import sqrt

import numpy as np

from fks_actors.backtest.sweep.compiled import compiled
from fks_actors.backtest.sweep.ports import Floats

_CANCELLED = 1e-9


@compiled
def ema(values: Floats, period: int) -> Floats:
    """`market.indicators.Ema`."""
    found = np.empty_like(values)
    alpha = 2.0 / (period + 1.0)
    value = values[0]
    found[0] = value
    for at in range(1, len(values)):
        value += alpha * (values[at] - value)
        found[at] = value
    return found


@compiled
def macd_line(values: Floats, fast: int, slow: int) -> Floats:
    """The line of `market.indicators.Macd`: EMA(fast) - EMA(slow)."""
    found = np.empty_like(values)
    quick, lazy = 2.0 / (fast + 1.0), 2.0 / (slow + 1.0)
    one = other = values[0]
    found[0] = one - other
    for at in range(1, len(values)):
        one += quick * (values[at] - one)
        other += lazy * (values[at] - other)
        found[at] = one - other
    return found


@compiled
def rsi(values: Floats, period: int) -> Floats:
    """`market.indicators.Rsi`."""
    found = np.empty_like(values)
    gained = lost = 0.0
    for at in range(len(values)):
        if at > 0:
            change = values[at] - values[at - 1]
            gain, loss = (change, 0.0) if change > 0.0 else (0.0, -change)
            if at <= period:
                gained += gain / period
                lost += loss / period
            else:
                gained += (gain - gained) / period
                lost += (loss - lost) / period
        total = gained + lost
        found[at] = 50.0 if total <= 0.0 or at < period else 100.0 * (gained / total)
    return found


@compiled
def _exact_sum(values: Floats, parts: Floats) -> float:
    """`math.fsum`: the sum, rounded once (Shewchuk 1997, "Adaptive precision floating-point arithmetic"). `parts` is
    room for partial sums that do not overlap; finite values need 40 at most."""
    count = 0
    for x in values:
        kept = 0
        for at in range(count):
            y = parts[at]
            if abs(x) < abs(y):
                x, y = y, x
            high = x + y
            low = y - (high - x)
            if low != 0.0:
                parts[kept] = low
                kept += 1
            x = high
        parts[kept] = x
        count = kept + 1
    if count == 0:
        return 0.0
    count -= 1
    high = parts[count]
    low = 0.0
    while count > 0:
        x = high
        count -= 1
        y = parts[count]
        high = x + y
        low = y - (high - x)
        if low != 0.0:
            break
    # half-way cases round by what lies below them
    if count > 0 and ((low < 0.0 and parts[count - 1] < 0.0) or (low > 0.0 and parts[count - 1] > 0.0)):
        y = low * 2.0
        x = high + y
        if y == x - high:
            high = x
    return float(high)


@compiled
def moments(values: Floats, period: int) -> tuple[Floats, Floats]:
    """Mean and deviation of `market.indicators.RollingMoments`."""
    means, deviations = np.empty_like(values), np.empty_like(values)
    window, squares, parts = np.empty(period), np.empty(period), np.empty(64)
    mean = m2 = peak = 0.0
    place = size = 0
    for bar in range(len(values)):
        x = values[bar]
        afresh = True
        if size < period:
            window[size] = x
            size += 1
        else:
            old = window[place]
            window[place] = x
            place += 1
            if place == period:
                place = 0
            else:
                change, before = x - old, mean
                mean = before + change / period
                m2 = m2 + change * ((x - mean) + (old - before))
                afresh = m2 <= peak and m2 < peak * _CANCELLED
                peak = max(m2, peak)
        if afresh:
            mean = _exact_sum(window[:size], parts) / size
            for at in range(size):
                squares[at] = (window[at] - mean) * (window[at] - mean)
            m2 = peak = _exact_sum(squares[:size], parts)
        means[bar] = mean
        deviations[bar] = sqrt(max(m2, 0.0) / size)
    return means, deviations
