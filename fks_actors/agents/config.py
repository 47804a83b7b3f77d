"""The minds' thresholds and the debate's rules. Frozen; unknown keys are refused. Confidences and shares are 0..1."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=100)]


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ShortTermConfig(_Config):
    """RSI levels 0..100. `momentum_rsi` = distance from 50 from which a move counts; `quiet_weight` = what a vote keeps
    on no volume, all of it from twice the usual volume on."""

    oversold: float = Field(default=30.0, gt=0, lt=50)
    overbought: float = Field(default=70.0, gt=50, lt=100)
    momentum_rsi: float = Field(default=5.0, ge=0, le=50)
    reversal_confidence: Share = 0.6
    momentum_confidence: Share = 0.6
    quiet_weight: Share = 0.5
    hold_confidence: Share = 0.3


class MidTermConfig(_Config):
    """`separation` = least distance of the averages and `stretched` = largest distance of the close from the band's
    middle, both in half-widths of the band; `half_life_bars` = age at which a cross tells half as much more than it
    tells for ever (`old_share`)."""

    separation: float = Field(default=0.25, ge=0, le=10)
    stretched: float = Field(default=1.0, gt=0, le=10)
    half_life_bars: float = Field(default=48.0, gt=0, le=100_000)
    old_share: Share = 0.6
    base_confidence: Share = 0.4
    pullback_share: Share = 0.7
    hold_confidence: Share = 0.4


class LongTermConfig(_Config):
    """`trend_noise` = the slope, in slow one-bar deviations, that a trendless average shows by chance (one sigma);
    `trend_sigmas` of those make a trend. `regime_high` = fast over slow volatility from which confidence is cut in
    proportion. `drawdown_deep` = fraction under the high that sells in a falling trend."""

    trend_noise: float = Field(default=8.0, gt=0, le=1_000)
    trend_sigmas: float = Field(default=1.0, ge=0, le=10)
    regime_high: float = Field(default=1.25, gt=0, le=100)
    drawdown_deep: Share = 0.2
    drawdown_confidence: Share = 0.7
    hold_confidence: Share = 0.4


class AsmbtrConfig(_Config):
    """`depth` moves make a state; a move under `min_move` (a fraction) is none. A vote needs `min_observations` of its
    state and a confidence of `threshold`; an observation counts `decay` times less with each that follows."""

    depth: int = Field(default=8, ge=6, le=12)
    threshold: float = Field(default=0.1, ge=0.05, le=0.2)
    decay: float = Field(default=0.999, ge=0.99, le=0.999)
    min_observations: int = Field(default=5, ge=3, le=10)
    min_move: float = Field(default=0.0, ge=0, le=0.1)
    stop_pct: float = Field(default=0.8, ge=0.3, le=1.5)
    take_profit_pct: float = Field(default=1.5, ge=0.5, le=2.5)


class SentimentConfig(_Config):
    """How headlines become a vote."""

    half_life_s: float = Field(default=6 * 3600.0, gt=0, le=30 * 86_400)


class ForecastConfig(_Config):
    """How a forecast becomes a vote; `horizon_bars` ahead."""

    horizon_bars: int = Field(default=24, ge=1, le=1_000)


class DebateConfig(_Config):
    """`threshold` = least strength that acts; `min_votes` = votes (HOLD counts, abstentions do not) that make a quorum;
    `weights` by agent, 1 where none is given. The hybrid's weights, and what `max_shift` bounds, stand in
    `agents.verdict`. Models are asked where the arithmetic score lies between `grey_low` and `grey_high`, or the stake
    is at least `large_notional` in quote; `rounds` of bull and bear, and `deadline_s` for the whole debate: whoever is
    late abstains."""

    threshold: float = Field(default=0.6, gt=0, le=1)
    min_votes: int = Field(default=2, ge=1, le=100)
    weights: Mapping[str, Weight] = Field(default_factory=dict)
    debate_weight: Share = 0.5
    asmbtr_weight: Share = 0.5
    asmbtr_full: float = Field(default=0.2, gt=0, le=1)
    sentiment_weight: Share = 0.25
    max_shift: Share = 0.15
    grey_low: Share = 0.45
    grey_high: Share = 0.75
    large_notional: float = Field(default=5_000.0, gt=0)
    rounds: int = Field(default=1, ge=1, le=5)
    deadline_s: float = Field(default=3.0, gt=0, le=600)


MINDS = ("short_term", "mid_term", "long_term", "asmbtr", "sentiment", "forecast")
"""Every mind there is."""


class AgentsConfig(_Config):
    """Everything that `agents` can be told; `minds` are those that a desk has."""

    minds: tuple[str, ...] = Field(default=("short_term", "mid_term", "long_term"), min_length=1)
    short: ShortTermConfig = ShortTermConfig()
    mid: MidTermConfig = MidTermConfig()
    long: LongTermConfig = LongTermConfig()
    asmbtr: AsmbtrConfig = AsmbtrConfig()
    sentiment: SentimentConfig = SentimentConfig()
    forecast: ForecastConfig = ForecastConfig()
    debate: DebateConfig = DebateConfig()

    @field_validator("minds")
    @classmethod
    def _known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for name in given:
            if name not in MINDS:
                raise ValueError(f"{name!r} is no mind; there are {', '.join(MINDS)}")
        if len(set(given)) != len(given):
            raise ValueError("a mind stands twice")
        return given
