"""Intervals that keep their word: widened and narrowed, online, until as many outcomes fall outside as they say.

After an outcome, the offset of each central interval (the quantiles of a level and of 1 - level) moves by
`rate * (1{outside} - what should be outside)`, in half-widths of the model's own 90 % interval: adaptive conformal
inference (Gibbs & Candes 2021, NeurIPS 34) on the quantiles themselves (quantile tracking: Angelopoulos, Candes &
Tibshirani 2023, NeurIPS 36). Summed up, |share outside - what should be| = |offset now - before| / (rate * outcomes),
whatever the outcomes are. Both ends move alike and the median stays: which way the price goes is the model's to say.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fks_actors.agents.forecast_scores import HIGH, LOW

Floats = npt.NDArray[np.float64]


class Conformal:
    """The offsets of one series.

    Args:
        levels: of the quantiles, symmetric around 0.5; 0.05 and 0.95 are among them.
        rate: how far one outcome moves a quantile, in half-widths of the interval; 0 moves none.
    """

    __slots__ = ("_half", "_high", "_low", "_outside", "_rate", "offsets")

    def __init__(self, levels: Sequence[float], rate: float) -> None:
        self._half = len(levels) // 2
        self._low, self._high = list(levels).index(LOW), list(levels).index(HIGH)
        self._outside = 2.0 * np.asarray(levels[: self._half])
        self._rate = rate
        self.offsets: Floats = np.zeros(self._half)

    def adjust(self, raw: Floats) -> Floats:
        """The model's quantiles with the intervals moved; none is narrower than one that lies within it."""
        width = (raw[self._high] - raw[self._low]) / 2.0
        middle = raw[self._half]
        offsets = self.offsets[::-1] * width
        above = np.maximum.accumulate(np.maximum(raw[self._half + 1 :] + offsets, middle))
        below = np.minimum.accumulate(np.minimum(raw[: self._half][::-1] - offsets, middle))
        return np.concatenate([below[::-1], [middle], above])

    def learn(self, adjusted: Floats, outcome: float) -> None:
        """Take in what came of quantiles that `adjust` gave."""
        below, above = adjusted[: self._half], adjusted[::-1][: self._half]
        self.offsets = self.offsets + self._rate * (((outcome < below) | (outcome > above)) - self._outside)

    def state(self) -> list[float]:
        """The offsets."""
        kept: list[float] = self.offsets.tolist()
        return kept

    def restore(self, state: Sequence[Any]) -> None:
        """Continue from `state()`. Raises ValueError where the levels are others."""
        if len(state) != self._half:
            raise ValueError(f"{len(state)} offsets for {self._half} intervals")
        self.offsets = np.asarray([float(value) for value in state])
