"""What a specialist sees when a bar closes: one set of numbers a horizon. `market` makes it, `agents` judge it."""

import msgspec


class ShortView(msgspec.Struct, frozen=True, gc=False):
    """Minutes to hours. RSI 0..100; MACD figures as fractions of the close; ratios and changes dimensionless."""

    symbol: str
    ts_ms: int
    bars: int
    close: float
    rsi: float
    macd: float
    macd_signal: float
    macd_histogram: float
    macd_histogram_before: float
    volume_ratio: float
    change: float


class MidView(msgspec.Struct, frozen=True, gc=False):
    """Hours to days. Averages in quote; `cross_age` = bars since the fast average last crossed the slow one."""

    symbol: str
    ts_ms: int
    bars: int
    close: float
    ema_fast: float
    ema_slow: float
    cross_age: int
    bollinger_middle: float
    bollinger_upper: float
    bollinger_lower: float


class LongView(msgspec.Struct, frozen=True, gc=False):
    """Weeks to months. `trend` = fractional slope of the slow average over the look-back; `drawdown` 0..1 from the
    look-back's high; volatilities are standard deviations of log returns a bar, fast and slow."""

    symbol: str
    ts_ms: int
    bars: int
    close: float
    average: float
    trend: float
    drawdown: float
    volatility_fast: float
    volatility_slow: float


MarketView = ShortView | MidView | LongView
