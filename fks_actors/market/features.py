"""One symbol's indicators a horizon: `update` with each closed bar, `view` for what a specialist sees.

The views are defined from the first bar; before `warm` they say little. Bars that `quality.usable` refuses must be kept
out: one NaN would stay in an average for ever.
"""

from typing import Any

from fks_actors.errors import InvariantError
from fks_actors.market.config import LongPeriods, MidPeriods, ShortPeriods
from fks_actors.market.indicators import (
    CrossAge,
    Ema,
    EwmaVolatility,
    Indicator,
    Lagged,
    Macd,
    RollingMax,
    RollingMoments,
    Rsi,
    VolumeRatio,
)
from fks_actors.model.candles import Candle
from fks_actors.model.views import LongView, MidView, ShortView


class _Features:
    __slots__ = ("_close", "_parts", "_symbol", "_ts_ms", "bars", "required")

    def __init__(self, required: int, parts: tuple[Indicator, ...]) -> None:
        self.required = required
        self.bars = 0
        self._parts = parts
        self._symbol, self._ts_ms, self._close = "", 0, 0.0

    @property
    def warm(self) -> bool:
        """Whether enough bars were seen to vote on the view."""
        return self.bars >= self.required

    def state(self) -> dict[str, Any]:
        """What the next views depend on, JSON-able."""
        parts = [part.state() for part in self._parts]
        return {"bars": self.bars, "last": [self._symbol, self._ts_ms, self._close], "parts": parts}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue bit for bit from `state()` of features with the same periods."""
        self.bars = int(state["bars"])
        symbol, ts_ms, close = state["last"]
        self._symbol, self._ts_ms, self._close = str(symbol), int(ts_ms), float(close)
        for part, kept in zip(self._parts, state["parts"], strict=True):
            part.restore(kept)

    def _took(self, candle: Candle) -> None:
        self.bars += 1
        self._symbol, self._ts_ms, self._close = candle.symbol, candle.ts_ms, candle.close

    def _seen(self) -> None:
        if not self.bars:
            raise InvariantError("a view was asked for before the first bar")


class ShortFeatures(_Features):
    """RSI, MACD, volume ratio and price change; MACD figures leave as fractions of the present close."""

    __slots__ = ("_change", "_macd", "_rsi", "_volume")

    def __init__(self, periods: ShortPeriods) -> None:
        self._rsi = Rsi(periods.rsi)
        self._macd = Macd(periods.macd_fast, periods.macd_slow, periods.macd_signal)
        self._volume = VolumeRatio(periods.volume)
        self._change = Lagged(periods.change)
        super().__init__(periods.warm_bars, (self._rsi, self._macd, self._volume, self._change))

    def update(self, candle: Candle) -> None:
        """Take in a closed bar."""
        close = candle.close
        self._rsi.update(close)
        self._macd.update(close)
        self._volume.update(candle.volume)
        self._change.update(close)
        self._took(candle)

    def view(self) -> ShortView:
        """The numbers at the last bar. Raises InvariantError before the first."""
        self._seen()
        close, macd = self._close, self._macd
        return ShortView(
            symbol=self._symbol,
            ts_ms=self._ts_ms,
            bars=self.bars,
            close=close,
            rsi=self._rsi.value,
            macd=macd.line / close,
            macd_signal=macd.signal / close,
            macd_histogram=macd.histogram / close,
            macd_histogram_before=macd.before / close,
            volume_ratio=self._volume.value,
            change=close / self._change.value - 1.0,
        )


class MidFeatures(_Features):
    """Two crossing averages and the Bollinger band, in quote."""

    __slots__ = ("_cross", "_fast", "_moments", "_slow", "_width")

    def __init__(self, periods: MidPeriods) -> None:
        self._fast, self._slow = Ema(periods.ema_fast), Ema(periods.ema_slow)
        self._cross = CrossAge()
        self._moments = RollingMoments(periods.bollinger)
        self._width = periods.bollinger_width
        super().__init__(periods.warm_bars, (self._fast, self._slow, self._cross, self._moments))

    def update(self, candle: Candle) -> None:
        """Take in a closed bar."""
        close = candle.close
        self._cross.update(self._fast.update(close), self._slow.update(close))
        self._moments.update(close)
        self._took(candle)

    def view(self) -> MidView:
        """The numbers at the last bar. Raises InvariantError before the first."""
        self._seen()
        middle = self._moments.mean
        half = self._width * self._moments.deviation
        return MidView(
            symbol=self._symbol,
            ts_ms=self._ts_ms,
            bars=self.bars,
            close=self._close,
            ema_fast=self._fast.value,
            ema_slow=self._slow.value,
            cross_age=self._cross.value,
            bollinger_middle=middle,
            bollinger_upper=middle + half,
            bollinger_lower=middle - half,
        )


class LongFeatures(_Features):
    """The slow average and its slope, the fall from the look-back's high, and two volatilities."""

    __slots__ = ("_average", "_before", "_fast", "_high", "_slow")

    def __init__(self, periods: LongPeriods) -> None:
        self._average = Ema(periods.average)
        self._before = Lagged(periods.trend)
        self._high = RollingMax(periods.drawdown)
        self._fast, self._slow = EwmaVolatility(periods.decay_fast), EwmaVolatility(periods.decay_slow)
        parts = (self._average, self._before, self._high, self._fast, self._slow)
        super().__init__(periods.warm_bars, parts)

    def update(self, candle: Candle) -> None:
        """Take in a closed bar."""
        close = candle.close
        self._before.update(self._average.update(close))
        self._high.update(candle.high)
        self._fast.update(close)
        self._slow.update(close)
        self._took(candle)

    def view(self) -> LongView:
        """The numbers at the last bar. Raises InvariantError before the first."""
        self._seen()
        return LongView(
            symbol=self._symbol,
            ts_ms=self._ts_ms,
            bars=self.bars,
            close=self._close,
            average=self._average.value,
            trend=self._average.value / self._before.value - 1.0,
            drawdown=max(0.0, 1.0 - self._close / self._high.value),
            volatility_fast=self._fast.value,
            volatility_slow=self._slow.value,
        )
