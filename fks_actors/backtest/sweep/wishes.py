"""What a rule wants at each close, from its columns: to be long or out, from bar `first` (0-based) on."""

import numpy as np

from fks_actors.backtest.sweep.compiled import compiled
from fks_actors.backtest.sweep.ports import BUY, SELL, Floats, Wishes


@compiled
def above(value: Floats, level: Floats, first: int, wishes: Wishes) -> None:
    """Long at every bar above the level, out at every other."""
    wishes[:first] = 0
    for at in range(first, len(value)):
        wishes[at] = BUY if value[at] > level[at] else SELL


@compiled
def reverting(value: Floats, middle: Floats, spread: Floats, width: float, first: int, wishes: Wishes) -> None:
    """Long from a bar under `middle - width * spread` until one at the middle or above it."""
    wishes[:first] = 0
    wish = SELL
    for at in range(first, len(value)):
        if value[at] >= middle[at]:
            wish = SELL
        elif value[at] < middle[at] - width * spread[at]:
            wish = BUY
        wishes[at] = wish


@compiled
def between(value: Floats, low: float, high: float, first: int, wishes: Wishes) -> None:
    """Long from a bar under `low` until one above `high`."""
    wishes[:first] = 0
    wish = SELL
    for at in range(first, len(value)):
        if value[at] > high:
            wish = SELL
        elif value[at] < low:
            wish = BUY
        wishes[at] = wish


def held(count: int) -> Wishes:
    """Buy at the first close and keep it: buy and hold."""
    wishes = np.zeros(count, dtype=np.int8)
    wishes[0] = BUY
    return wishes
