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
    """When a bar is called bad, and when trading pauses. The formulas are in `market.quality`, `volume`,
    `plausibility`, `witnesses` and `health`.

    `spike_z` in standard deviations; a smaller move than `spike_floor` (fraction) never spikes; `volume_z` in robust
    ones, over `volume_window` bars. A bar is stale after the lesser of `stale_ms` and `stale_bars`. Other sources'
    prices from within `source_age_ms` of a bar's close are held against it: one that is further than `deviation_pct`
    from the others deviates. `implausible_pct`: a larger move in one minute needs a second witness.

    `score_decay` is what a bar leaves of a source's old score; it fails under `fail_under` and recovers at
    `recover_at`. More than `pause_share` (0..1) of the sources failing pauses trading; one that is silent for
    `gone_bars` bars is no source any more.
    """

    spike_z: float = Field(default=3.0, gt=0, le=100)
    spike_decay: float = Field(default=0.97, gt=0, lt=1)
    spike_floor: float = Field(default=0.001, gt=0, le=1)
    spike_warm_bars: int = Field(default=30, ge=2, le=10_000)
    stale_ms: int = Field(default=300_000, ge=1_000, le=86_400_000)
    stale_bars: float = Field(default=2.0, gt=0, le=100)
    volume_z: float = Field(default=5.0, gt=0, le=100)
    volume_window: int = Field(default=48, ge=5, le=1_000)
    deviation_pct: float = Field(default=2.0, gt=0, le=100)
    source_age_ms: int = Field(default=30_000, ge=1_000, le=86_400_000)
    implausible_pct: float = Field(default=50.0, gt=0, lt=100)
    score_decay: float = Field(default=0.8, gt=0, lt=1)
    fail_under: float = Field(default=0.5, gt=0, lt=1)
    recover_at: float = Field(default=0.6, gt=0, lt=0.7)
    pause_share: float = Field(default=0.1, ge=0, le=1)
    gone_bars: int = Field(default=100, ge=2, le=100_000)

    @model_validator(mode="after")
    def _recovers_above(self) -> Self:
        if self.recover_at < self.fail_under:
            raise ValueError(f"recover_at {self.recover_at} must not be under fail_under {self.fail_under}")
        return self


class MarketConfig(_Config):
    """Everything that `market` can be told."""

    short: ShortPeriods = ShortPeriods()
    mid: MidPeriods = MidPeriods()
    long: LongPeriods = LongPeriods()
    quality: QualityConfig = QualityConfig()
