"""Which models are asked, for what, and what they may cost. Frozen; unknown keys are refused."""

from pydantic import BaseModel, ConfigDict


class LlmConfig(BaseModel):
    """Nothing is asked where no provider is named."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
