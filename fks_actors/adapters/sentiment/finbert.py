"""FinBERT, or another three-way text classifier of `transformers`, batched on the CPU; linear layers in int8 if asked.

A local folder is read and nothing else; without one the named model comes from the Hugging Face hub or its cache. The
model's own `id2label` says which of its outputs is which. torch's number of threads is that of the whole process.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from fks_actors.adapters.sentiment.extras import needed, transformers_for
from fks_actors.adapters.sentiment.port import Score
from fks_actors.adapters.sentiment.texts import clean
from fks_actors.errors import ConfigError

_WHAT = "the sentiment model finbert"
_NAMES = {
    "negative": ("negative", "bearish", "neg"),
    "neutral": ("neutral", "neu"),
    "positive": ("positive", "bullish", "pos"),
}


class FinBertModel:
    """Scores by a sequence classifier.

    Args:
        source: a folder, or a name on the Hugging Face hub.
        local: read only what is on this machine.

    Raises:
        ConfigError: torch or transformers is not installed, the model cannot be loaded, or its labels are others.
    """

    def __init__(
        self,
        source: str,
        *,
        local: bool,
        batch_size: int = 16,
        threads: int = 1,
        max_tokens: int = 96,
        int8: bool = True,
    ) -> None:
        transformers = transformers_for(_WHAT)
        self._torch = needed("torch", "nlp", _WHAT)
        self._torch.set_num_threads(threads)
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(source, local_files_only=local)
            model = transformers.AutoModelForSequenceClassification.from_pretrained(source, local_files_only=local)
        except (OSError, ValueError) as error:
            where = "its folder must hold config.json, model.safetensors and the tokenizer's files"
            raise ConfigError(f"{_WHAT}: {source} cannot be loaded ({error}); {where}") from None
        self._columns = columns_of(model.config.id2label)
        self._model = _int8(self._torch, model.eval()) if int8 else model.eval()
        self._batch_size = batch_size
        self._max_tokens = min(max_tokens, model.config.max_position_embeddings)
        self.name = f"finbert:{source.rstrip('/').rpartition('/')[2]}"

    def score(self, texts: Sequence[str]) -> list[Score]:
        """A score for each text, in order; texts of like length share a batch."""
        cleaned = [clean(text) for text in texts]
        order = sorted(range(len(cleaned)), key=lambda at: len(cleaned[at]))
        scores: dict[int, Score] = {}
        for start in range(0, len(order), self._batch_size):
            chosen = order[start : start + self._batch_size]
            scores.update(zip(chosen, self._scores([cleaned[at] for at in chosen]), strict=True))
        return [scores[at] for at in range(len(cleaned))]

    def _scores(self, texts: list[str]) -> list[Score]:
        inputs = self._tokenizer(texts, padding=True, truncation=True, max_length=self._max_tokens, return_tensors="pt")
        with self._torch.inference_mode():
            shares = self._model(**inputs).logits.float().softmax(-1).nan_to_num(0.0).tolist()
        return [Score.of([row[column] for column in self._columns]) for row in shares]


def columns_of(id2label: Mapping[int, str]) -> tuple[int, int, int]:
    """The model's output columns of negative, neutral and positive.

    Raises:
        ConfigError: the labels are not these three.
    """
    known = {name.lower(): at for at, name in id2label.items()}
    columns = [next((known[name] for name in names if name in known), None) for names in _NAMES.values()]
    negative, neutral, positive = columns
    if negative is None or neutral is None or positive is None or len(known) != len(columns):
        raise ConfigError(f"{_WHAT}: the labels {sorted(known)} are not negative, neutral and positive")
    return negative, neutral, positive


def _int8(torch: Any, model: Any) -> Any:
    quantization = needed("torch.ao.quantization", "nlp", "int8 (sentiment.int8: false does without)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces that this is to move to a package of its own
        return quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
