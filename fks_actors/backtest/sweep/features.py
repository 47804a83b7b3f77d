"""The columns that rules compare, each computed once; the least recently used go where they would be too many."""

from collections import OrderedDict
from collections.abc import Callable, Mapping

import numpy as np

from fks_actors.backtest.sweep import indicators
from fks_actors.backtest.sweep.ports import Floats
from fks_actors.backtest.sweep.rules import Column, Values

_LEAST = 8
"""Columns that are always kept: more than any rule compares."""


class Features:
    """The features of one column of closes.

    Args:
        closes: what they are computed from.
        room_bytes: how much the kept columns may take together; at least eight are kept whatever they take.
    """

    def __init__(self, closes: Floats, room_bytes: int) -> None:
        self._closes = closes
        self._most = max(_LEAST, room_bytes // max(closes.nbytes, 1))
        self._kept: OrderedDict[Column, Floats] = OrderedDict()
        self.computed = 0
        """How many columns were computed so far."""

    def __len__(self) -> int:
        return len(self._kept)

    def column(self, column: Column) -> Floats:
        """The feature, read-only."""
        if column[0] == "close":
            return self._closes
        if column not in self._kept:
            self._add(column)
        self._kept.move_to_end(column)
        return self._kept[column]

    def _add(self, column: Column) -> None:
        name, values = column
        for key, found in zip(_TOGETHER.get(name, (name,)), _MADE[name](self, values), strict=True):
            found.setflags(write=False)
            self._kept[key, values] = found
            self.computed += 1
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def ema(self, values: Values) -> tuple[Floats, ...]:
        return (indicators.ema(self._closes, int(values[0])),)

    def moments(self, values: Values) -> tuple[Floats, ...]:
        return indicators.moments(self._closes, int(values[0]))

    def rsi(self, values: Values) -> tuple[Floats, ...]:
        return (indicators.rsi(self._closes, int(values[0])),)

    def macd(self, values: Values) -> tuple[Floats, ...]:
        return (indicators.macd_line(self._closes, int(values[0]), int(values[1])),)

    def macd_signal(self, values: Values) -> tuple[Floats, ...]:
        return (indicators.ema(self.column(("macd", values[:2])), int(values[2])),)


_MADE: Mapping[str, Callable[[Features, Values], tuple[Floats, ...]]] = {
    "ema": Features.ema,
    "sma": Features.moments,
    "deviation": Features.moments,
    "rsi": Features.rsi,
    "macd": Features.macd,
    "macd_signal": Features.macd_signal,
}
_TOGETHER = {"sma": ("sma", "deviation"), "deviation": ("sma", "deviation")}


def sealed(values: Floats) -> Floats:
    """A read-only view, contiguous: kernels are compiled for one kind of array alone."""
    view = np.ascontiguousarray(values, dtype=np.float64).view()
    view.setflags(write=False)
    return view
