"""The market's periods, all counted in bars, and the quality gate's limits. Frozen; unknown keys are refused."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _need(warm_bars: int, least: int) -> None:
    if warm_bars < least:
        raise ValueError(f"warm_bars {warm_bars} is under the {least} bars that the indicators need")


class ShortPeriods(_Config):
    """RSI, MACD, volume and change of the short horizon."""

    rsi: int = Field(default=14, ge=2, le=200)
    macd_fast: int = Field(default=12, ge=2, le=200)
    macd_slow: int = Field(default=26, ge=3, le=400)
    macd_signal: int = Field(default=9, ge=2, le=200)
    volume: int = Field(default=20, ge=2, le=500)
    change: int = Field(default=6, ge=1, le=500)
    warm_bars: int = Field(default=60, ge=2, le=10_000)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.macd_fast >= self.macd_slow:
            raise ValueError(f"macd_fast {self.macd_fast} must be under macd_slow {self.macd_slow}")
        _need(self.warm_bars, max(self.rsi, self.macd_slow + self.macd_signal, self.volume, self.change) + 1)
        return self


class MidPeriods(_Config):
    """The crossing averages and the Bollinger band of the mid horizon; `bollinger_width` in standard deviations."""

    ema_fast: int = Field(default=20, ge=2, le=1_000)
    ema_slow: int = Field(default=50, ge=3, le=5_000)
    bollinger: int = Field(default=20, ge=2, le=1_000)
    bollinger_width: float = Field(default=2.0, gt=0, le=10)
    warm_bars: int = Field(default=100, ge=2, le=50_000)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.ema_fast >= self.ema_slow:
            raise ValueError(f"ema_fast {self.ema_fast} must be under ema_slow {self.ema_slow}")
        _need(self.warm_bars, max(self.ema_slow, self.bollinger))
        return self


class LongPeriods(_Config):
    """The slow average, the look-backs of its slope and of the high, and the variances' decay factors a bar."""

    average: int = Field(default=200, ge=2, le=20_000)
    trend: int = Field(default=168, ge=1, le=20_000)
    drawdown: int = Field(default=720, ge=1, le=50_000)
    decay_fast: float = Field(default=0.97, gt=0, lt=1)
    decay_slow: float = Field(default=0.997, gt=0, lt=1)
    warm_bars: int = Field(default=400, ge=2, le=50_000)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.decay_fast >= self.decay_slow:
            raise ValueError(f"decay_fast {self.decay_fast} must be under decay_slow {self.decay_slow}")
        _need(self.warm_bars, max(self.average, self.trend) + 1)
        return self


class QualityConfig(_Config):
    """When a bar is called bad. `spike_z` in standard deviations; a smaller move than `spike_floor` (fraction)
    never spikes."""

    spike_z: float = Field(default=3.0, gt=0, le=100)
    spike_decay: float = Field(default=0.97, gt=0, lt=1)
    spike_floor: float = Field(default=0.001, gt=0, le=1)
    spike_warm_bars: int = Field(default=30, ge=2, le=10_000)
    stale_ms: int = Field(default=300_000, ge=1_000, le=86_400_000)
    stale_bars: float = Field(default=2.0, gt=0, le=100)


class MarketConfig(_Config):
    """Everything that `market` can be told."""

    short: ShortPeriods = ShortPeriods()
    mid: MidPeriods = MidPeriods()
    long: LongPeriods = LongPeriods()
    quality: QualityConfig = QualityConfig()
