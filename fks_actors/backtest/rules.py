"""Textbook strategies that a result is measured against: plain classes, a closed bar in, target exposure out.

Each knows one symbol, sees every bar of it once and in order, and answers with the share of equity that it wants there:
1.0 long, 0.0 out, None while it has seen too few bars. Long only, as the desk is. Parameters are the sources' own, in
bars; none was fitted to anything.

    sma        close above its SMA(200): Faber 2007, "A Quantitative Approach to Tactical Asset Allocation", Journal of
               Wealth Management 9 (ten months of days)
    sma_cross  SMA(50) above SMA(200), the "golden cross": Brock, Lakonishok and LeBaron 1992, J. of Finance 47
               (variable-length moving averages); Murphy 1999, "Technical Analysis of the Financial Markets"
    macd       MACD(12, 26) above its signal line (9): Appel 2005, "Technical Analysis: Power Tools"
    bollinger  bought under the lower band (20 bars, 2 deviations), sold at the mean: Bollinger 2001, "Bollinger on
               Bollinger Bands", for the bands; Chan 2013, "Algorithmic Trading", ch. 3, for the rule
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from fks_actors.desk.mind import Craft
from fks_actors.errors import ConfigError
from fks_actors.market.indicators import Macd, RollingMoments
from fks_actors.model.candles import Candle
from fks_actors.model.votes import Action, Vote

LONG, OUT = 1.0, 0.0
_RING = 1


class Rule(Protocol):
    """One symbol's strategy."""

    required: int
    """How many bars it takes before it answers."""

    def on_bar(self, candle: Candle) -> float | None:
        """Take in the next closed bar; the share of equity that is wanted, 0..1, or None while warming up."""
        ...

    def state(self) -> list[Any]:
        """What the next answers depend on, JSON-able."""
        ...

    def restore(self, state: list[Any]) -> None:
        """Continue bit for bit from `state()`."""
        ...


class PriceOverSma:
    """Long while the close is above its moving average."""

    def __init__(self, period: int = 200) -> None:
        self.required = period
        self._mean = RollingMoments(period)
        self._bars = 0

    def on_bar(self, candle: Candle) -> float | None:
        self._mean.update(candle.close)
        self._bars += 1
        if self._bars < self.required:
            return None
        return LONG if candle.close > self._mean.mean else OUT

    def state(self) -> list[Any]:
        return [self._bars, self._mean.state()]

    def restore(self, state: list[Any]) -> None:
        self._bars = int(state[0])
        self._mean.restore(state[1])


class SmaCross:
    """Long while the fast moving average is above the slow one."""

    def __init__(self, fast: int = 50, slow: int = 200) -> None:
        self.required = slow
        self._fast, self._slow = RollingMoments(fast), RollingMoments(slow)
        self._bars = 0

    def on_bar(self, candle: Candle) -> float | None:
        self._fast.update(candle.close)
        self._slow.update(candle.close)
        self._bars += 1
        if self._bars < self.required:
            return None
        return LONG if self._fast.mean > self._slow.mean else OUT

    def state(self) -> list[Any]:
        return [self._bars, self._fast.state(), self._slow.state()]

    def restore(self, state: list[Any]) -> None:
        self._bars = int(state[0])
        self._fast.restore(state[1])
        self._slow.restore(state[2])


class MacdCross:
    """Long while the MACD line is above its signal line."""

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        self.required = slow + signal - 1
        self._macd = Macd(fast, slow, signal)
        self._bars = 0

    def on_bar(self, candle: Candle) -> float | None:
        self._macd.update(candle.close)
        self._bars += 1
        if self._bars < self.required:
            return None
        return LONG if self._macd.histogram > 0.0 else OUT

    def state(self) -> list[Any]:
        return [self._bars, self._macd.state()]

    def restore(self, state: list[Any]) -> None:
        self._bars = int(state[0])
        self._macd.restore(state[1])


class BollingerReversion:
    """Long from a close under the lower band until one at the mean or above it."""

    def __init__(self, period: int = 20, width: float = 2.0) -> None:
        self.required = period
        self._width = width
        self._band = RollingMoments(period)
        self._bars = 0
        self._target = OUT

    def on_bar(self, candle: Candle) -> float | None:
        self._band.update(candle.close)
        self._bars += 1
        if self._bars < self.required:
            return None
        if candle.close >= self._band.mean:
            self._target = OUT
        elif candle.close < self._band.mean - self._width * self._band.deviation:
            self._target = LONG
        return self._target

    def state(self) -> list[Any]:
        return [self._bars, self._target, self._band.state()]

    def restore(self, state: list[Any]) -> None:
        self._bars, self._target = int(state[0]), float(state[1])
        self._band.restore(state[2])


RULES: Mapping[str, Callable[[], Rule]] = {
    "sma": PriceOverSma,
    "sma_cross": SmaCross,
    "macd": MacdCross,
    "bollinger": BollingerReversion,
}
"""The textbook strategies by the name that they vote under."""


class Ruled:
    """A rule as a mind's features (desk.mind.Features)."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self.bars = 0
        self.target: float | None = None

    @property
    def required(self) -> int:
        """How many bars it takes before it can vote."""
        return self._rule.required

    @property
    def warm(self) -> bool:
        """Whether it can vote."""
        return self.target is not None

    def update(self, candle: Candle) -> None:
        """Take in the next closed bar."""
        self.bars += 1
        self.target = self._rule.on_bar(candle)

    def state(self) -> dict[str, Any]:
        """What the next votes depend on."""
        return {"bars": self.bars, "target": self.target, "rule": self._rule.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state()`."""
        self.bars, self.target = int(state["bars"]), state["target"]
        self._rule.restore(state["rule"])


def rule_craft(name: str) -> Craft[Ruled]:
    """A mind that does what the rule says: BUY for a target above 0, SELL for 0, with full confidence.

    Raises:
        ConfigError: there is no such rule.
    """
    if name not in RULES:
        raise ConfigError(f"{name!r} is no built-in strategy; there are {', '.join(RULES)}")
    make = RULES[name]

    def vote(held: Ruled, candle: Candle) -> Vote:
        target = held.target or OUT
        action = Action.BUY if target > OUT else Action.SELL
        return Vote(name, candle.symbol, candle.ts_ms, action, 1.0, f"{name} wants {target:g} of equity", target=target)

    return Craft(name, _RING, {"rule": name}, lambda: Ruled(make()), vote)
