"""Textbook strategies that a result is measured against (strategies.port.Strategy), installed under these names:

    sma        close above its SMA(200): Faber 2007, "A Quantitative Approach to Tactical Asset Allocation", Journal of
               Wealth Management 9 (ten months of days)
    sma_cross  SMA(50) above SMA(200), the "golden cross": Brock, Lakonishok and LeBaron 1992, J. of Finance 47
               (variable-length moving averages); Murphy 1999, "Technical Analysis of the Financial Markets"
    macd       MACD(12, 26) above its signal line (9): Appel 2005, "Technical Analysis: Power Tools"
    bollinger  bought under the lower band (20 bars, 2 deviations), sold at the mean: Bollinger 2001, "Bollinger on
               Bollinger Bands", for the bands; Chan 2013, "Algorithmic Trading", ch. 3, for the rule

Each wants all of the equity or none. With `votes` it only says BUY or SELL, so that a trade is as large as one of the
council's. Long only, as the desk is. Parameters are the sources' own, in bars; none was fitted to anything.
"""

from typing import Any

from fks_actors.market.indicators import Macd, RollingMoments
from fks_actors.model.candles import Candle
from fks_actors.model.votes import Action
from fks_actors.strategies.port import Answer, Opinion

_BUY, _SELL = Opinion(Action.BUY), Opinion(Action.SELL)


def _answer(is_long: bool, votes: bool) -> Answer:
    if votes:
        return _BUY if is_long else _SELL
    return 1.0 if is_long else 0.0


class PriceOverSma:
    """Long while the close is above its moving average."""

    def __init__(self, period: int = 200, votes: bool = False) -> None:
        self._period, self._votes = period, votes
        self._mean = RollingMoments(period)
        self._bars = 0

    def on_bar(self, bar: Candle) -> Answer:
        """What is wanted as of this close; None while there are too few bars."""
        self._mean.update(bar.close)
        self._bars += 1
        if self._bars < self._period:
            return None
        return _answer(bar.close > self._mean.mean, self._votes)

    def state(self) -> list[Any]:
        """What the next answers depend on, JSON-able."""
        return [self._bars, self._mean.state()]

    def restore(self, state: list[Any]) -> None:
        """Continue bit for bit from `state()`."""
        self._bars = int(state[0])
        self._mean.restore(state[1])


class SmaCross:
    """Long while the fast moving average is above the slow one."""

    def __init__(self, fast: int = 50, slow: int = 200, votes: bool = False) -> None:
        self._period, self._votes = slow, votes
        self._fast, self._slow = RollingMoments(fast), RollingMoments(slow)
        self._bars = 0

    def on_bar(self, bar: Candle) -> Answer:
        """What is wanted as of this close; None while there are too few bars."""
        self._fast.update(bar.close)
        self._slow.update(bar.close)
        self._bars += 1
        if self._bars < self._period:
            return None
        return _answer(self._fast.mean > self._slow.mean, self._votes)

    def state(self) -> list[Any]:
        """What the next answers depend on, JSON-able."""
        return [self._bars, self._fast.state(), self._slow.state()]

    def restore(self, state: list[Any]) -> None:
        """Continue bit for bit from `state()`."""
        self._bars = int(state[0])
        self._fast.restore(state[1])
        self._slow.restore(state[2])


class MacdCross:
    """Long while the MACD line is above its signal line."""

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9, votes: bool = False) -> None:
        self._period, self._votes = slow + signal - 1, votes
        self._macd = Macd(fast, slow, signal)
        self._bars = 0

    def on_bar(self, bar: Candle) -> Answer:
        """What is wanted as of this close; None while there are too few bars."""
        self._macd.update(bar.close)
        self._bars += 1
        if self._bars < self._period:
            return None
        return _answer(self._macd.histogram > 0.0, self._votes)

    def state(self) -> list[Any]:
        """What the next answers depend on, JSON-able."""
        return [self._bars, self._macd.state()]

    def restore(self, state: list[Any]) -> None:
        """Continue bit for bit from `state()`."""
        self._bars = int(state[0])
        self._macd.restore(state[1])


class BollingerReversion:
    """Long from a close under the lower band until one at the mean or above it."""

    def __init__(self, period: int = 20, width: float = 2.0, votes: bool = False) -> None:
        self._period, self._votes = period, votes
        self._width = width
        self._band = RollingMoments(period)
        self._bars = 0
        self._held = False

    def on_bar(self, bar: Candle) -> Answer:
        """What is wanted as of this close; None while there are too few bars."""
        self._band.update(bar.close)
        self._bars += 1
        if self._bars < self._period:
            return None
        if bar.close >= self._band.mean:
            self._held = False
        elif bar.close < self._band.mean - self._width * self._band.deviation:
            self._held = True
        return _answer(self._held, self._votes)

    def state(self) -> list[Any]:
        """What the next answers depend on, JSON-able."""
        return [self._bars, self._held, self._band.state()]

    def restore(self, state: list[Any]) -> None:
        """Continue bit for bit from `state()`."""
        self._bars, self._held = int(state[0]), bool(state[1])
        self._band.restore(state[2])
