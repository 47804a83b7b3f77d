"""The minds' thresholds and the debate's rules. Frozen; unknown keys are refused. Confidences and shares are 0..1."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

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
    state (their plain count) and a confidence of `threshold`; an observation counts `decay` times less with each
    counted move that follows. `stop_pct` and `take_profit_pct`, in percent of the price, are told with the vote. With
    `protect` they act: a verdict's BUY that ASMBTR voted for gets a stop and a target so far from the price that was
    decided on, kept like a signal's as soon as its fill is known (on paper: from the close of the bar that it fills
    in). It needs `asmbtr` among `agents.minds`."""

    depth: int = Field(default=8, ge=6, le=12)
    threshold: float = Field(default=0.1, ge=0.05, le=0.2)
    decay: float = Field(default=0.999, ge=0.99, le=0.999)
    min_observations: int = Field(default=5, ge=3, le=10)
    min_move: float = Field(default=0.0, ge=0, le=0.1)
    stop_pct: float = Field(default=0.8, ge=0.3, le=1.5)
    take_profit_pct: float = Field(default=1.5, ge=0.5, le=2.5)
    protect: bool = False


class SentimentConfig(_Config):
    """How headlines become a vote; `agents.sentiment` has the formulas.

    A headline counts half after `half_life_s`; one on the market as a whole counts `market_share` for each asset. Less
    than `min_weight` (in fresh headlines of a source of weight 1) is too little to vote on. `prior` headlines that say
    nothing are added to those that came; a score of `threshold` after that is a vote, one of `full` a vote with all
    confidence. News of the last `volume_s` against those of `baseline_s` before: `loud` times as many make a regime
    where the score is at least `regime_score`; a vote that no regime bears keeps `quiet_share`. The newest
    `max_headlines` of an asset are kept, and a snapshot is taken every `checkpoint_bars`.
    """

    half_life_s: float = Field(default=6 * 3600.0, gt=0, le=30 * 86_400)
    market_share: Share = 0.25
    min_weight: float = Field(default=1.0, gt=0, le=1_000)
    prior: float = Field(default=2.0, ge=0, le=1_000)
    threshold: float = Field(default=0.15, gt=0, le=1)
    full: float = Field(default=0.5, gt=0, le=1)
    volume_s: float = Field(default=6 * 3600.0, ge=60, le=30 * 86_400)
    baseline_s: float = Field(default=7 * 86_400.0, ge=60, le=90 * 86_400)
    loud: float = Field(default=1.5, ge=1, le=100)
    regime_score: Share = 0.05
    quiet_share: Share = 0.8
    hold_confidence: Share = 0.3
    max_headlines: int = Field(default=1_000, ge=10, le=10_000)
    checkpoint_bars: int = Field(default=12, ge=1, le=1_000)

    @property
    def window_ms(self) -> int:
        """How old a headline may be and still count for anything."""
        return round((self.volume_s + self.baseline_s) * 1_000)


_DAY_MS, _MOST_A_DAY = 86_400_000, 96


class ForecastConfig(_Config):
    """When to forecast, and how a forecast becomes a vote.

    `horizon_bars`: how far ahead. `season_bars`: bars in a day, for the rhythm and the seasonal-naive baseline;
    where it is not set it follows from the bars' length, and is 1 (no season) for bars under 15 minutes.
    `min_history`: bars before the first forecast. `every_bars`: forecast so often and keep the vote between; raise it
    for a slow model: the history that a desk learns from at its start is forecast too. `conformal_rate`: how fast
    intervals are corrected (`agents.conformal`). `score_half_life`: scored forecasts after which a score counts half.
    `min_scored`: scores before the forecaster is believed at all. `skill_full`: the skill over the baselines from which
    it is believed fully; `edge_min` and `edge_full`: the least |2 P(up) - 1| that acts and the one that is fully sure.
    `hold_confidence`: of a HOLD.
    """

    horizon_bars: int = Field(default=24, ge=1, le=1_000)
    season_bars: int = Field(default=24, ge=1, le=10_000)
    min_history: int = Field(default=504, ge=50, le=100_000)
    every_bars: int = Field(default=1, ge=1, le=10_000)
    conformal_rate: float = Field(default=0.001, ge=0, le=0.02)
    score_half_life: float = Field(default=2_000.0, ge=10, le=1_000_000)
    min_scored: int = Field(default=240, ge=1, le=100_000)
    skill_full: float = Field(default=0.05, gt=0, le=1)
    edge_min: float = Field(default=0.04, ge=0, le=1)
    edge_full: float = Field(default=0.2, gt=0, le=1)
    hold_confidence: Share = 0.2

    @model_validator(mode="after")
    def _enough(self) -> Self:
        least = 2 * (self.horizon_bars + self.season_bars)
        if self.min_history < least:
            raise ValueError(f"min_history {self.min_history} is under twice horizon_bars and season_bars, {least}")
        return self

    def for_bars(self, interval_ms: int) -> Self:
        """The same for bars of that length, its season with it unless that was set."""
        if "season_bars" in self.model_fields_set:
            return self
        daily = _DAY_MS // interval_ms
        return self.model_copy(update={"season_bars": daily if 1 < daily <= _MOST_A_DAY else 1})


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
"""Every mind there is, beside the strategies of the user's own."""


class AgentsConfig(_Config):
    """Everything that `agents` can be told; `minds` are those that a desk has: built-in ones and strategies.

    Where a strategy is the only mind, `debate.min_votes` is 1 unless it was set: nobody else could make a quorum.
    """

    minds: tuple[str, ...] = Field(default=MINDS, min_length=1)
    short: ShortTermConfig = ShortTermConfig()
    mid: MidTermConfig = MidTermConfig()
    long: LongTermConfig = LongTermConfig()
    asmbtr: AsmbtrConfig = AsmbtrConfig()
    sentiment: SentimentConfig = SentimentConfig()
    forecast: ForecastConfig = ForecastConfig()
    debate: DebateConfig = DebateConfig()

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, given: Any) -> Any:
        minds = given.get("minds") if isinstance(given, dict) else None
        if not isinstance(minds, list | tuple) or len(minds) != 1 or minds[0] in MINDS:
            return given
        debate = given.get("debate", {})
        if isinstance(debate, DebateConfig):
            debate = debate.model_dump(exclude_unset=True)
        return {**given, "debate": {"min_votes": 1, **debate}} if isinstance(debate, dict) else given

    @field_validator("minds")
    @classmethod
    def _once(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(given)) != len(given):
            raise ValueError("a mind stands twice")
        return given

    @model_validator(mode="after")
    def _protects(self) -> Self:
        if self.asmbtr.protect and "asmbtr" not in self.minds:
            raise ValueError("asmbtr.protect needs asmbtr among the minds")
        return self
