"""Whether a price can be believed: a move too large for its time needs a second witness before anything trades on it.

Beyond `implausible_pct` a minute (default 50 %), which grows with the square root of the time passed, as the standard
deviation of a random walk does, and is bounded by a factor of ten either way:

    a fall is implausible where ln(close / trusted) < ln(1 - p) sqrt(minutes)
    a rise is implausible where ln(close / trusted) > ln(1 + p) sqrt(minutes)

`trusted` is the last close that was believed. Another source bears the move out where its price lies nearer (in logs)
to the new close than to the trusted one; so does the next bar's close. A next bar that is back where the price came
from shows that the print was wrong; one that is elsewhere still is suspected anew.
"""

from collections.abc import Iterable, Sequence
from math import exp, log, sqrt

import msgspec

from fks_actors.market.config import QualityConfig

_MINUTE_MS = 60_000
_MOST = log(10.0)


class Suspicion(msgspec.Struct, frozen=True, gc=False):
    """A close that nobody else has shown yet: what was trusted before it, and the move that was allowed (fraction)."""

    before: float
    close: float
    limit: float

    @property
    def move(self) -> float:
        """The move as a fraction of the trusted close; negative for a fall."""
        return self.close / self.before - 1.0

    def borne_out_by(self, price: float) -> bool:
        """Whether a price lies nearer to the suspected close than to the trusted one."""
        return abs(log(price / self.close)) < abs(log(price / self.before))


class Plausibility:
    """Judges one symbol's closes in their order."""

    __slots__ = ("_config", "_span_ms", "_trusted", "suspicion")

    def __init__(self, config: QualityConfig) -> None:
        self._config = config
        self._trusted = 0.0
        self._span_ms = 0
        self.suspicion: Suspicion | None = None

    def take(self, close: float, span_ms: int, witnesses: Iterable[float] = ()) -> bool:
        """Whether `close`, `span_ms` after the bar before it, is implausible. `witnesses`: other sources' prices."""
        self.suspicion = self.suspected(close, span_ms, witnesses)
        if self.suspicion is not None:
            self._span_ms += span_ms
            return True
        self._trusted, self._span_ms = close, 0
        return False

    def suspected(self, close: float, span_ms: int, witnesses: Iterable[float] = ()) -> Suspicion | None:
        """What `take` would find, without taking it."""
        limit = self._limit(close, self._span_ms + span_ms)
        if not limit:
            return None
        found, earlier = Suspicion(self._trusted, close, limit), self.suspicion
        confirmed = earlier is not None and earlier.borne_out_by(close)
        return None if confirmed or any(found.borne_out_by(price) for price in witnesses) else found

    def rest(self, close: float) -> None:
        """Take in any number of bars that are plausible without a doubt, the last of which closed at `close`."""
        self._trusted, self._span_ms, self.suspicion = close, 0, None

    def _limit(self, close: float, span_ms: int) -> float:
        """The move (fraction) that `close` goes beyond; 0.0 where it is plausible."""
        if self._trusted <= 0.0:
            return 0.0
        move, part = log(close / self._trusted), self._config.implausible_pct / 100.0
        growth = sqrt(span_ms / _MINUTE_MS)
        if move >= 0.0:
            bound = min(log(1.0 + part) * growth, _MOST)
            return exp(bound) - 1.0 if move > bound else 0.0
        bound = max(log(1.0 - part) * growth, -_MOST)
        return exp(bound) - 1.0 if move < bound else 0.0

    def state(self) -> list[float]:
        """What the next judgement depends on, JSON-able."""
        held = self.suspicion
        return [self._trusted, self._span_ms, *((held.before, held.close, held.limit) if held else ())]

    def restore(self, state: Sequence[float]) -> None:
        """Continue bit for bit from `state()`."""
        self._trusted, self._span_ms = float(state[0]), int(state[1])
        rest = [float(each) for each in state[2:]]
        self.suspicion = Suspicion(rest[0], rest[1], rest[2]) if rest else None
