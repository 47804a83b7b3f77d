"""Incremental indicators: constant work a bar, no arrays, no NaN.

Each keeps only what its next value needs. `state()` is JSON-able and `restore(state)` continues bit for bit, because a
float's shortest decimal reads back as the same float. Inputs are finite; the gate in `quality` sees to that.
"""

from collections import deque
from math import fsum, log, sqrt
from typing import Any, Protocol

State = list[Any]
"""Numbers and lists of numbers, as JSON holds them."""

_MAX_RATIO = 1_000.0
_CANCELLED = 1e-9


class Indicator(Protocol):
    """What keeps a state that survives a restart."""

    def state(self) -> State:
        """Everything the next value depends on."""
        ...

    def restore(self, state: State) -> None:
        """Continue from `state()` of an indicator with the same periods."""
        ...


class Ema:
    """Exponential moving average, alpha = 2 / (n + 1), begun at the first value (pandas `ewm(adjust=False)`)."""

    __slots__ = ("_alpha", "_begun", "value")

    def __init__(self, period: int) -> None:
        self._alpha = 2.0 / (period + 1.0)
        self._begun = False
        self.value = 0.0

    def update(self, x: float) -> float:
        """Take in `x`; return the average."""
        if self._begun:
            self.value += self._alpha * (x - self.value)
        else:
            self._begun = True
            self.value = x
        return self.value

    def state(self) -> State:
        return [self._begun, self.value]

    def restore(self, state: State) -> None:
        self._begun, self.value = bool(state[0]), float(state[1])


class Rsi:
    """Relative strength index, 0..100. J. W. Wilder, New Concepts in Technical Trading Systems, 1978.

    The first averages are plain means of `period` gains and losses, later ones (before * (n - 1) + now) / n;
    RSI = 100 * gain / (gain + loss). 50 where nothing moved or fewer than `period` changes are known.
    """

    __slots__ = ("_changes", "_gain", "_last", "_loss", "_period")

    def __init__(self, period: int) -> None:
        self._period = period
        self._changes = -1
        self._last = self._gain = self._loss = 0.0

    def update(self, close: float) -> None:
        """Take in a close."""
        change = close - self._last
        self._last = close
        self._changes += 1
        n = self._period
        if self._changes == 0:
            return
        gain, loss = (change, 0.0) if change > 0.0 else (0.0, -change)
        if self._changes <= n:
            self._gain += gain / n
            self._loss += loss / n
        else:
            self._gain += (gain - self._gain) / n
            self._loss += (loss - self._loss) / n

    @property
    def value(self) -> float:
        """The index, 0..100."""
        total = self._gain + self._loss
        if total <= 0.0 or self._changes < self._period:
            return 50.0
        return 100.0 * (self._gain / total)

    def state(self) -> State:
        return [self._changes, self._last, self._gain, self._loss]

    def restore(self, state: State) -> None:
        self._changes = int(state[0])
        self._last, self._gain, self._loss = (float(x) for x in state[1:])


class Macd:
    """Moving average convergence divergence, in quote. G. Appel, Technical Analysis: Power Tools, 2005.

    `line` = EMA(fast) - EMA(slow); `signal` = EMA of the line; `histogram` = line - signal.
    """

    __slots__ = ("_fast", "_signal", "_slow", "before", "histogram", "line", "signal")

    def __init__(self, fast: int, slow: int, signal: int) -> None:
        self._fast, self._slow, self._signal = Ema(fast), Ema(slow), Ema(signal)
        self.line = self.signal = self.histogram = self.before = 0.0

    def update(self, close: float) -> None:
        """Take in a close; `before` becomes the last bar's histogram."""
        self.before = self.histogram
        self.line = self._fast.update(close) - self._slow.update(close)
        self.signal = self._signal.update(self.line)
        self.histogram = self.line - self.signal

    def state(self) -> State:
        averages = [self._fast.state(), self._slow.state(), self._signal.state()]
        return [*averages, self.line, self.signal, self.histogram, self.before]

    def restore(self, state: State) -> None:
        for average, kept in zip((self._fast, self._slow, self._signal), state[:3], strict=True):
            average.restore(kept)
        self.line, self.signal, self.histogram, self.before = (float(x) for x in state[3:])


class RollingMoments:
    """Mean and population variance of the last n values, as J. Bollinger's bands use them (Bollinger on Bollinger
    Bands, 2001).

    Updated after Welford (1962) for a sliding window; computed afresh at every wrap of the window, and whenever the
    variance fell so far under its peak that rounding of the large values would show. So no drift outlives n bars.
    """

    __slots__ = ("_at", "_m2", "_n", "_peak", "_window", "mean")

    def __init__(self, period: int) -> None:
        self._n = period
        self._window: list[float] = []
        self._at = 0
        self.mean = self._m2 = self._peak = 0.0

    def update(self, x: float) -> None:
        """Take in `x`; the oldest of n values leaves."""
        window, n, at = self._window, self._n, self._at
        if len(window) < n:
            window.append(x)
            self._afresh()
            return
        old = window[at]
        window[at] = x
        if at + 1 == n:
            self._at = 0
            self._afresh()
            return
        self._at = at + 1
        change, mean = x - old, self.mean
        self.mean = after = mean + change / n
        m2 = self._m2 + change * ((x - after) + (old - mean))
        self._m2 = m2
        if m2 > self._peak:
            self._peak = m2
        elif m2 < self._peak * _CANCELLED:
            self._afresh()

    def _afresh(self) -> None:
        window = self._window
        self.mean = mean = fsum(window) / len(window)
        self._m2 = self._peak = fsum([(x - mean) * (x - mean) for x in window])

    @property
    def deviation(self) -> float:
        """Population standard deviation, 0 before the first value."""
        return sqrt(max(self._m2, 0.0) / len(self._window)) if self._window else 0.0

    def state(self) -> State:
        return [list(self._window), self._at, self.mean, self._m2, self._peak]

    def restore(self, state: State) -> None:
        self._window, self._at = [float(x) for x in state[0]], int(state[1])
        self.mean, self._m2, self._peak = (float(x) for x in state[2:])


class VolumeRatio:
    """A bar's volume over the mean of the n bars before it, 0..1000; 1 where there is no mean to compare with."""

    __slots__ = ("_before", "value")

    def __init__(self, period: int) -> None:
        self._before = RollingMoments(period)
        self.value = 1.0

    def update(self, volume: float) -> None:
        """Take in a bar's volume, >= 0."""
        mean = self._before.mean
        self.value = min(volume / mean, _MAX_RATIO) if mean > 0.0 else 1.0
        self._before.update(volume)

    def state(self) -> State:
        return [self._before.state(), self.value]

    def restore(self, state: State) -> None:
        self._before.restore(state[0])
        self.value = float(state[1])


class Lagged:
    """The value of n updates ago; the oldest known one while fewer are known."""

    __slots__ = ("_at", "_n", "_window", "value")

    def __init__(self, bars: int) -> None:
        self._n = bars
        self._window: list[float] = []
        self._at = 0
        self.value = 0.0

    def update(self, x: float) -> None:
        """Take in `x`."""
        window, at = self._window, self._at
        if len(window) < self._n:
            window.append(x)
            self.value = window[0]
            return
        self.value = window[at]
        window[at] = x
        self._at = at + 1 if at + 1 < self._n else 0

    def state(self) -> State:
        return [list(self._window), self._at, self.value]

    def restore(self, state: State) -> None:
        self._window, self._at, self.value = [float(x) for x in state[0]], int(state[1]), float(state[2])


class RollingMax:
    """The highest of the last n values. Monotonic queue: D. Lemire, Streaming Maximum-Minimum Filter, 2006."""

    __slots__ = ("_count", "_n", "_queue", "value")

    def __init__(self, bars: int) -> None:
        self._n = bars
        self._count = 0
        self._queue: deque[tuple[int, float]] = deque()
        self.value = 0.0

    def update(self, x: float) -> None:
        """Take in `x`."""
        queue = self._queue
        while queue and queue[-1][1] <= x:
            queue.pop()
        queue.append((self._count, x))
        self._count += 1
        if queue[0][0] < self._count - self._n:
            queue.popleft()
        self.value = queue[0][1]

    def state(self) -> State:
        return [self._count, [[at, x] for at, x in self._queue], self.value]

    def restore(self, state: State) -> None:
        self._count, self.value = int(state[0]), float(state[2])
        self._queue = deque((int(at), float(x)) for at, x in state[1])


class EwmaVolatility:
    """Standard deviation of log returns a bar, zero mean, exponentially weighted. RiskMetrics Technical Document, 1996.

    variance = decay * variance + (1 - decay) * r^2, divided by the weight seen so far, so that the first returns are
    not taken for the whole past.
    """

    __slots__ = ("_decay", "_last", "_squares", "_weight")

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._last = self._squares = self._weight = 0.0

    def update(self, close: float) -> None:
        """Take in a close, > 0."""
        if self._last > 0.0:
            change, decay = log(close / self._last), self._decay
            self._squares = decay * self._squares + (1.0 - decay) * change * change
            self._weight = decay * self._weight + (1.0 - decay)
        self._last = close

    @property
    def value(self) -> float:
        """The deviation a bar, 0 before the second close."""
        return sqrt(self._squares / self._weight) if self._weight > 0.0 else 0.0

    def state(self) -> State:
        return [self._last, self._squares, self._weight]

    def restore(self, state: State) -> None:
        self._last, self._squares, self._weight = (float(x) for x in state)


class CrossAge:
    """Bars since the fast line last crossed the slow one; bars since the first update where it never did."""

    __slots__ = ("_above", "value")

    def __init__(self) -> None:
        self._above = 0
        self.value = 0

    def update(self, fast: float, slow: float) -> None:
        """Take in both lines; touching is not crossing."""
        above = (fast > slow) - (fast < slow)
        if above and above == -self._above:
            self.value = 0
        else:
            self.value += 1
        self._above = above or self._above

    def state(self) -> State:
        return [self._above, self.value]

    def restore(self, state: State) -> None:
        self._above, self.value = int(state[0]), int(state[1])
