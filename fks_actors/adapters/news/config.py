"""Where headlines come from. Frozen; unknown keys are refused."""

from pydantic import BaseModel, ConfigDict


class NewsConfig(BaseModel):
    """No source by default: nothing is fetched."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
