"""The arrays that pass between the kernels and their callers, and the places in them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Wishes = NDArray[np.int8]
"""What a rule wants at each bar's close: BUY, SELL or, 0, what it has."""

BUY, SELL = 1, -1

FINAL, DRAWDOWN, TRIPS, FEES, SUM, SQUARES, EXPOSED, THIN = range(8)
"""What is found of a set: equity at the end (quote), deepest fall (0..1), closed round trips, fees (quote), the sum of
the bars' returns and of their squares, bars at whose close something was held, fills above the volume's share."""

FIGURES = 8
"""How many figures a set has."""

FEE, SLIPPAGE, RANGE_SHARE, TICK, STEP, SHARE, GROSS, RESERVE, LEAST, LEAST_NOTIONAL, VOLUME_SHARE, BAND = range(12)
"""Places in the costs, in the order of `Costs`."""

FILL = 4
"""Columns of a fill: bar, quantity (negative: sold), price, fee."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What is to be evaluated.

    `prices`: open, high, low, close, volume in rows, shape (5, bars); of the first `learnt` bars the features know, but
    they are not traded. `sets`: one a row, the rule's parameters in their
    order. `costs`: `Costs.figures`. `room_bytes`: for the features that are kept.
    """

    prices: Floats
    rule: str
    sets: Floats
    costs: Floats
    cash: float
    room_bytes: int
    learnt: int = 0

    def parts(self, size: int) -> Iterator["Job"]:
        """The job in parts of at most `size` sets, in order."""
        for at in range(0, len(self.sets), size):
            yield replace(self, sets=self.sets[at : at + size])


Told = Callable[[int, int], None]
"""Hears (sets done, sets in all) now and then."""

Spread = Callable[[Job, Told], Floats]
"""Evaluates a job, here or on a cluster: FIGURES columns, a row for each set, in order."""
