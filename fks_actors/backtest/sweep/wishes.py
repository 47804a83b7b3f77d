"""What a rule wants at each close, from its columns. A bar before `first` (0-based) wants nothing."""

import numpy as np

from fks_actors.backtest.sweep.compiled import compiled
from fks_actors.backtest.sweep.ports import BUY, SELL, Floats, Wishes


@compiled
def crossings(fast: Floats, slow: Floats, first: int, wishes: Wishes) -> None:
    """BUY where `fast` comes to be above `slow`, SELL where it no longer is."""
    above = fast[0] > slow[0]
    wishes[0] = 0
    for at in range(1, len(fast)):
        before, above = above, fast[at] > slow[at]
        wish = 0
        if at >= first and above != before:
            wish = BUY if above else SELL
        wishes[at] = wish


@compiled
def above(value: Floats, level: Floats, first: int, wishes: Wishes) -> None:
    """BUY at every bar above the level, SELL at every other."""
    for at in range(len(value)):
        wish = 0
        if at >= first:
            wish = BUY if value[at] > level[at] else SELL
        wishes[at] = wish


@compiled
def reverting(value: Floats, middle: Floats, spread: Floats, width: float, first: int, wishes: Wishes) -> None:
    """BUY under `middle - width * spread`, SELL above the middle."""
    for at in range(len(value)):
        wish = 0
        if at >= first:
            if value[at] < middle[at] - width * spread[at]:
                wish = BUY
            elif value[at] > middle[at]:
                wish = SELL
        wishes[at] = wish


@compiled
def between(value: Floats, low: float, high: float, first: int, wishes: Wishes) -> None:
    """BUY under `low`, SELL above `high`."""
    for at in range(len(value)):
        wish = 0
        if at >= first:
            if value[at] < low:
                wish = BUY
            elif value[at] > high:
                wish = SELL
        wishes[at] = wish


def held(count: int) -> Wishes:
    """Buy at the first close and keep it: buy and hold."""
    wishes = np.zeros(count, dtype=np.int8)
    wishes[0] = BUY
    return wishes
