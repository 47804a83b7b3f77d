"""Which model forecasts, and from what. Frozen; unknown keys are refused."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


def levels_of(count: int) -> tuple[float, ...]:
    """So many levels, evenly from 0.05 to 0.95."""
    return tuple(round(0.05 + 0.9 * step / (count - 1), 9) for step in range(count))


DEFAULT_LEVELS = levels_of(19)

WINDOW_BARS = 4_032
"""How many closes the statistical ensemble sees where nothing else is said."""

ForecastKind = Literal["statistical", "chronos", "timesfm", "lag_llama", "timecopilot"]


class ForecastModelConfig(BaseModel):
    """The statistical ensemble by default; the others are foundation models, read from a local path.

    `kind`: which model. `path`: the folder or file of a foundation model's weights (nothing is downloaded). `levels`:
    how many quantiles, evenly from 0.05 to 0.95; odd. `window_bars`: how many closes a forecast sees; 0 for the usual
    (statistical 4032, foundation models 512). `refit_bars`: after how many bars the statistical ensemble fits its
    parameters anew. `device`: where a foundation model computes; auto takes CUDA where there is one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: ForecastKind = "statistical"
    path: str = ""
    levels: int = Field(default=19, ge=3, le=181)
    window_bars: int = Field(default=0, ge=0, le=100_000)
    refit_bars: int = Field(default=168, ge=1, le=100_000)
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @field_validator("levels")
    @classmethod
    def _has_a_median(cls, given: int) -> int:
        if given % 2 == 0:
            raise ValueError("levels must be odd: the median is one of them")
        return given

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if self.kind != "statistical" and not self.path:
            raise ValueError(f"kind {self.kind} needs the path of its weights on this machine")
        return self

    @property
    def quantile_levels(self) -> tuple[float, ...]:
        """The levels themselves."""
        return levels_of(self.levels)
