"""A sentence encoder (ONNX, int8) and a linear head on onnxruntime: small enough for a Raspberry Pi, no torch.

The folder holds model.onnx, tokenizer.json and head.npz, as the training module writes them. Each text is run by
itself, without padding: int8 scales its activations by what runs together, so only then is a text's score the same in
every batch; on a CPU it is no slower.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from fks_actors.adapters.sentiment.extras import needed
from fks_actors.adapters.sentiment.hashing import wide_features
from fks_actors.adapters.sentiment.head import Floats, Head
from fks_actors.adapters.sentiment.lexicon import LexiconModel
from fks_actors.adapters.sentiment.port import Score
from fks_actors.adapters.sentiment.texts import clean
from fks_actors.errors import ConfigError

MODEL, TOKENIZER, HEAD = "model.onnx", "tokenizer.json", "head.npz"
_WHAT = "the sentiment model minilm"


class Featurer(Protocol):
    """Texts to rows of `width` features, one a text."""

    @property
    def width(self) -> int:
        """How many features."""
        ...

    def features(self, texts: Sequence[str]) -> Floats:
        """One row of features a text."""
        ...


class Encoder:
    """Texts to feature vectors, by an ONNX file and its tokenizer.

    Raises:
        ConfigError: onnxruntime or tokenizers is not installed, a file is missing or is not what it should be.
    """

    def __init__(self, model: Path, tokenizer: Path, *, threads: int = 1, max_tokens: int = 96) -> None:
        runtime = needed("onnxruntime", "minilm", _WHAT)
        tokenizers = needed("tokenizers", "minilm", _WHAT)
        for path in (model, tokenizer):
            if not path.is_file():
                raise ConfigError(
                    f"{path} is missing; write the folder with python -m fks_actors.adapters.sentiment.train"
                )
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
            self._tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # noqa: BLE001 - both raise bare or private exceptions for a file they cannot read
            raise ConfigError(f"{model.parent} holds no model: {error}") from None
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)

    @property
    def width(self) -> int:
        """How many features."""
        return int(self._session.get_outputs()[0].shape[-1])

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each cleaned text, up to the limit."""
        return [encoded.ids for encoded in self._tokenizer.encode_batch([clean(text) for text in texts])]

    def features(self, texts: Sequence[str]) -> Floats:
        """One row of features a text, each computed by itself."""
        rows = np.zeros((len(texts), self.width), np.float32)
        for row, tokens in zip(rows, self.tokens(texts), strict=True):
            ids = np.array([tokens], np.int64)
            row[:] = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]
        return rows


class MiniLmModel:
    """Scores by an encoder and a head."""

    def __init__(self, encoder: Featurer, head: Head, name: str = "minilm") -> None:
        if head.deep.shape[1] != encoder.width:
            raise ConfigError(f"the head wants {head.deep.shape[1]} features, the encoder gives {encoder.width}")
        self._encoder = encoder
        self.head = head
        self._lexicon = LexiconModel()
        self.name = name

    def score(self, texts: Sequence[str]) -> list[Score]:
        """A score for each text, in order."""
        deep = self._encoder.features(texts)
        return [self.head.score(row, wide_features(text, self._lexicon)) for row, text in zip(deep, texts, strict=True)]


def open_minilm(folder: Path, *, threads: int = 1, max_tokens: int = 96) -> MiniLmModel:
    """The model in a folder.

    Raises:
        ConfigError: a package or a file is missing, or a file is not what it should be.
    """
    encoder = Encoder(folder / MODEL, folder / TOKENIZER, threads=threads, max_tokens=max_tokens)
    return MiniLmModel(encoder, Head.load(folder / HEAD), f"minilm:{folder.name}")
