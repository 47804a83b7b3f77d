"""Whether B earns more than A, asked after every block of time, with an error rate that holds however often one looks.

A test at a fixed sample size is wrong for somebody who looks every day and stops when he likes what he sees: his share
of false alarms tends to one. A confidence sequence is a series of intervals that hold the mean at all times at once
with probability 1 - alpha; the first interval without 0 is a decision, and to look more often costs nothing.

Blocks    returns of bars are autocorrelated, those of days hardly; what is compared is the log growth of B less that of
          A over whole blocks of UTC time, paired, so that what moves both alike cancels out.
Interval  Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence
          sequences", Annals of Statistics 52 (2024), theorem 2.2: with n blocks, their mean m and deviation s,
              m +- s k,   k = sqrt( 2 (n r^2 + 1) / (n^2 r^2) * log( sqrt(n r^2 + 1) / alpha ) )
          It needs finite variance and no bound on the returns. To ask whether it holds 0 is the mixture sequential
          probability ratio test with a normal mixing distribution (Johari, Koomen, Pekelis and Walsh 2017). Like the
          central limit theorem that it extends, it is exact only as the blocks before the first look grow: so there is
          no look before `burn_in`, and the deviation is taken about the mean that is asked about, not about m, which
          widens k to k / sqrt(1 - k^2) and matters as little later as Student's t does. That is the self-normalised
          sum of de la Pena 1999 (Annals of Probability 27), safe under any tails as long as they are alike on both
          sides. Differences with one very long tail (skewness of 6) still alarm twice as often as they should.
Tuning    r = sqrt( (-2 log alpha + log(1 - 2 log alpha)) / n* ) makes the interval tightest near n* blocks (their
          appendix B.2); it holds at every other n as well.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from math import isfinite, log, sqrt
from typing import overload

import numpy as np
from numpy.typing import NDArray

from fks_actors.backtest.run import Result
from fks_actors.model.records import EquityPoint

DAY_MS = 86_400_000
ALPHA = 0.05
BURN_IN = 30
TUNED = 250

Floats = NDArray[np.float64]


def mixture(alpha: float, tuned: int) -> float:
    """The r of the formula above that makes the interval tightest near `tuned` blocks."""
    return sqrt((-2 * log(alpha) + log(1 - 2 * log(alpha))) / tuned)


@overload
def half_width(n: int, deviation: float, alpha: float, r: float) -> float: ...
@overload
def half_width(n: Floats, deviation: Floats, alpha: float, r: float) -> Floats: ...
def half_width(n: int | Floats, deviation: float | Floats, alpha: float, r: float) -> float | Floats:
    """Half of the interval after n blocks, in the unit of `deviation`; infinite where n is too few to say anything."""
    spread = n * r**2 + 1
    k = np.sqrt(2 * spread / (n**2 * r**2) * np.log(np.sqrt(spread) / alpha))
    with np.errstate(divide="ignore", invalid="ignore"):
        width = deviation * (k / np.sqrt(np.maximum(1 - k**2, 0.0)))
    return width if isinstance(width, np.ndarray) else float(width)


class Standing(StrEnum):
    """What may be said by now: nothing for want of blocks, nothing yet, or who is better."""

    TOO_FEW = "too_few"
    UNDECIDED = "undecided"
    BETTER = "better"
    WORSE = "worse"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of B - A after `blocks` whole blocks: the mean log growth a block and its interval.

    `low` and `high` are None before the first look. `decided_after` is the number of blocks at which the interval first
    left 0 out, 0 where it never did; a decision stands, even where a later interval holds 0 again.
    """

    standing: Standing
    blocks: int
    burn_in: int
    block_ms: int
    alpha: float
    mean: float
    low: float | None
    high: float | None
    decided_after: int


@dataclass(slots=True)
class Difference:
    """The confidence sequence of a mean; `add` one value a block. Remembers five numbers.

    Args:
        alpha: the share of false alarms that is put up with, over all looks together, 0..1.
        burn_in: blocks before the first look, at least 2.
        tuned: for how many blocks the interval is tightest.

    Raises:
        ValueError: an argument is out of range.
    """

    alpha: float = ALPHA
    burn_in: int = BURN_IN
    tuned: int = TUNED
    n: int = field(init=False, default=0)
    mean: float = field(init=False, default=0.0)
    decided: int = field(init=False, default=0)
    sign: int = field(init=False, default=0)
    _squares: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1 or self.burn_in < 2 or self.tuned < 1:
            raise ValueError(f"alpha {self.alpha}, burn_in {self.burn_in} or tuned {self.tuned} is out of range")

    def add(self, value: float) -> None:
        """Take the next block's value, and look."""
        self.n += 1
        delta = value - self.mean
        self.mean += delta / self.n
        self._squares += delta * (value - self.mean)
        found = self.interval()
        if not self.decided and found and not found[0] <= 0 <= found[1]:
            self.decided, self.sign = self.n, 1 if self.mean > 0 else -1

    def interval(self) -> tuple[float, float] | None:
        """Where the mean lies, None before the first look."""
        if self.n < self.burn_in:
            return None
        deviation = sqrt(max(self._squares, 0.0) / (self.n - 1))
        half = half_width(self.n, deviation, self.alpha, mixture(self.alpha, self.tuned))
        return (self.mean - half, self.mean + half) if isfinite(half) else None

    @property
    def standing(self) -> Standing:
        """What may be said by now."""
        if self.sign:
            return Standing.BETTER if self.sign > 0 else Standing.WORSE
        return Standing.UNDECIDED if self.interval() else Standing.TOO_FEW


@dataclass(slots=True)
class PairedTest:
    """Two equity curves, told point by point, as differences of their log growth over whole blocks.

    The part of a block in which it begins does not count. An account that has nothing left ends the test.
    """

    block_ms: int = DAY_MS
    difference: Difference = field(default_factory=Difference)
    ruined: bool = field(init=False, default=False)
    _block: int = field(init=False, default=-1)
    _last: tuple[Decimal, Decimal] | None = field(init=False, default=None)
    _base: tuple[Decimal, Decimal] | None = field(init=False, default=None)

    def add(self, close_ms: int, a: Decimal, b: Decimal) -> None:
        """Take what both accounts are worth at a bar's close (UTC ms); ascending."""
        if self.ruined or a <= 0 or b <= 0:
            self.ruined = True
            return
        block = (close_ms - 1) // self.block_ms  # a close at midnight belongs to the day that ends
        if block != self._block:
            if self._base is not None and self._last is not None:
                self.difference.add(_growth(self._base[1], self._last[1]) - _growth(self._base[0], self._last[0]))
            self._base, self._block = self._last, block
        self._last = (a, b)

    def finding(self) -> Finding:
        """What is known by now."""
        d = self.difference
        low, high = d.interval() or (None, None)
        return Finding(d.standing, d.n, d.burn_in, self.block_ms, d.alpha, d.mean, low, high, d.decided)


def sequential(a: Result, b: Result, block_ms: int = DAY_MS, alpha: float = ALPHA) -> Finding:
    """The test over two runs of the same bars: B against A, at the instants that both have.

    Raises:
        ValueError: `alpha` is out of range.
    """
    test = PairedTest(block_ms, Difference(alpha))
    for ts_ms, one, other in _paired(a.equity, b.equity):
        test.add(ts_ms, one, other)
    return test.finding()


def verdict(finding: Finding, b: str, a: str) -> str:
    """The finding in a sentence; `b` and `a` are their names."""
    block, unit = ("a day", "a day") if finding.block_ms == DAY_MS else _hours(finding.block_ms)
    after = f"{finding.blocks} whole block{'s' if finding.blocks != 1 else ''} of {block}"
    if finding.low is None or finding.high is None:
        return f"no decision yet: {after} of {b} against {a}; the first look is after {finding.burn_in}"
    interval = f"[{finding.low:+.4%}, {finding.high:+.4%}] {unit}"
    sure = f"always-valid {1 - finding.alpha:.0%} interval"
    if finding.standing is Standing.UNDECIDED:
        return f"no decision yet: the {sure} {interval} of {b} less {a} contains 0 after {after}"
    word = "better" if finding.standing is Standing.BETTER else "worse"
    again = ", which by now contains 0 again" if finding.low <= 0 <= finding.high else ""
    return (
        f"{b} is {word} than {a} by {abs(finding.mean):.4%} {unit}: {sure} {interval}{again}; "
        f"decided after {finding.decided_after}, {after} seen"
    )


def _hours(block_ms: int) -> tuple[str, str]:
    hours = f"{block_ms / 3_600_000:g} h"
    return hours, f"per {hours}"


def _growth(first: Decimal, last: Decimal) -> float:
    return log(last / first)


def _paired(a: Iterable[EquityPoint], b: Iterable[EquityPoint]) -> Iterator[tuple[int, Decimal, Decimal]]:
    """Both curves at the instants that both have; each ascends."""
    other = iter(b)
    there = next(other, None)
    for here in a:
        while there is not None and there.ts_ms < here.ts_ms:
            there = next(other, None)
        if there is None:
            return
        if there.ts_ms == here.ts_ms:
            yield here.ts_ms, here.equity, there.equity
