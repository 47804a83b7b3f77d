"""Which model scores headlines. Frozen; unknown keys are refused."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SentimentModelConfig(BaseModel):
    """The lexicon by default.

    `kind`: lexicon (nothing to install), minilm (a sentence encoder and a linear head on onnxruntime: extra `minilm`)
    or finbert (a `transformers` classifier: extra `nlp`). `path`: the model's folder; for minilm the one that
    `python -m fks_actors.adapters.sentiment.train` wrote, for finbert empty to take `model` from the Hugging Face hub
    or its cache, else a local folder, and nothing is fetched. `batch_size` texts go through FinBERT at a time (minilm
    runs each by itself); `threads` cores for either. A text counts up to `max_pieces` word pieces of the model. `int8`
    quantises FinBERT's linear layers when it is loaded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["lexicon", "minilm", "finbert"] = "lexicon"
    path: str = ""
    model: str = Field("ProsusAI/finbert", min_length=1)
    batch_size: int = Field(16, ge=1, le=512)
    threads: int = Field(1, ge=1, le=64)
    max_pieces: int = Field(96, ge=8, le=512)
    int8: bool = True

    @model_validator(mode="after")
    def _has_its_path(self) -> Self:
        if self.kind == "minilm" and not self.path:
            raise ValueError("kind minilm needs path, the folder that the training wrote")
        return self
