"""How the minds are scored. Frozen; unknown keys are refused."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Bars = Annotated[int, Field(ge=1, le=1_000)]


class ReflectionConfig(BaseModel):
    """Scores and shrinkage. `horizons`: after how many bars a mind's vote is held against the close, by agent; who is
    not named is not scored. `bins` of the calibration error. All weights are equal until a mind has `min_outcomes`
    independent outcomes; at `prior_outcomes` half of its difference from the others is believed. A weight is 1 plus
    `gain` times that difference in Brier skill, within `least_weight` and `most_weight`, then over the mean. The market
    is a bull or bear where the drift of some `regime_bars` is `regime_sigmas` of what chance would show."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    horizons: Mapping[str, Bars] = Field(
        default={"short_term": 4, "mid_term": 24, "long_term": 168, "asmbtr": 1, "sentiment": 24, "forecast": 24},
        max_length=32,
    )
    bins: int = Field(default=10, ge=2, le=50)
    min_outcomes: int = Field(default=20, ge=1, le=100_000)
    prior_outcomes: float = Field(default=50.0, gt=0, le=1_000_000)
    gain: float = Field(default=1.0, ge=0, le=10)
    least_weight: float = Field(default=0.25, gt=0, le=1)
    most_weight: float = Field(default=2.0, ge=1, le=10)
    regime_bars: int = Field(default=72, ge=2, le=10_000)
    regime_sigmas: float = Field(default=1.0, ge=0, le=10)

    @model_validator(mode="after")
    def _named(self) -> Self:
        if "" in self.horizons:
            raise ValueError("a mind without a name has no horizon")
        return self
