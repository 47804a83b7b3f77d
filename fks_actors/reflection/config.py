"""How the minds are scored. Frozen; unknown keys are refused."""

from pydantic import BaseModel, ConfigDict


class ReflectionConfig(BaseModel):
    """Scores and shrinkage."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
