"""Which model forecasts, and from what. Frozen; unknown keys are refused."""

from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

DEFAULT_LEVELS = tuple(round(0.05 * step, 2) for step in range(1, 20))

ForecastKind = Literal["statistical", "chronos", "timesfm", "lag_llama", "timecopilot"]


class ForecastModelConfig(BaseModel):
    """The statistical ensemble by default; the others are foundation models, read from a local path.

    `kind`: which model. `path`: the folder or file of a foundation model's weights (nothing is downloaded). `levels`:
    of the quantiles, evenly spaced and symmetric, 0.05, 0.5 and 0.95 among them. `window_bars`: how many closes a
    forecast sees; 0 for the usual (statistical 4032, foundation models 512). `refit_bars`: after how many bars the
    statistical ensemble fits its parameters anew. `device`: where a foundation model computes; auto takes CUDA where
    there is one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: ForecastKind = "statistical"
    path: str = ""
    levels: tuple[float, ...] = DEFAULT_LEVELS
    window_bars: int = Field(default=0, ge=0, le=100_000)
    refit_bars: int = Field(default=168, ge=1, le=100_000)
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @field_validator("levels")
    @classmethod
    def _usable(cls, given: tuple[float, ...]) -> tuple[float, ...]:
        if not {0.05, 0.5, 0.95} <= set(given):
            raise ValueError("the levels need 0.05, 0.5 and 0.95 among them")
        steps = np.diff(given)
        if not (given[0] > 0.0 and given[-1] < 1.0 and steps.min() > 0.0 and np.allclose(steps, steps[0], 1e-6)):
            raise ValueError("the levels must rise evenly between 0 and 1, as 0.05, 0.10, ... 0.95")
        if not np.allclose(np.add(given, given[::-1]), 1.0):
            raise ValueError("the levels must lie symmetrically around 0.5")
        return given

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if self.kind != "statistical" and not self.path:
            raise ValueError(f"kind {self.kind} needs the path of its weights on this machine")
        return self
