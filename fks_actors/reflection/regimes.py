"""What a market is doing as of its last bar: bull, bear or sideways. Causal: a later bar changes no earlier regime.

The mean log return over its deviation, both exponentially weighted over a span of bars (the mean of such a span
deviates by deviation / sqrt(span) by chance).
"""

from dataclasses import dataclass, field
from math import log, sqrt

from fks_actors.reflection.scores import Regime


@dataclass(slots=True)
class Drift:
    """One symbol's drift so far: `moves` of one bar were learnt, `close` is the last one."""

    moves: int = field(default=0, kw_only=True)
    close: float = field(default=0.0, kw_only=True)
    drift: float = field(default=0.0, kw_only=True)
    square: float = field(default=0.0, kw_only=True)

    def move(self, close: float, span: int, whole: bool) -> None:
        """Learn the drift from a move of one bar (`whole`); one over a hole says nothing of a bar's."""
        if self.close and whole:
            change, share = log(close / self.close), 2.0 / (span + 1.0)
            self.drift += share * (change - self.drift)
            self.square += share * (change * change - self.square)
            self.moves += 1
        self.close = close

    def regime(self, span: int, sigmas: float) -> Regime:
        """What the market does as of the last bar; SIDEWAYS until a span was seen."""
        if self.moves < span or self.square <= 0.0:
            return Regime.SIDEWAYS
        z = self.drift / sqrt(self.square) * sqrt(span)
        return Regime.BULL if z > sigmas else Regime.BEAR if z < -sigmas else Regime.SIDEWAYS
