"""Which model scores headlines. Frozen; unknown keys are refused."""

from pydantic import BaseModel, ConfigDict


class SentimentModelConfig(BaseModel):
    """The lexicon by default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
