"""Which model forecasts. Frozen; unknown keys are refused."""

from pydantic import BaseModel, ConfigDict


class ForecastModelConfig(BaseModel):
    """The statistical ensemble by default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
