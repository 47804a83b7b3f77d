"""The linear head: one layer over the encoder's features (deep) and over the text's words (wide).

Stored as head.npz: `deep` (3, E), `wide` (3, W) and `bias` (3), in the order negative, neutral, positive.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fks_actors.adapters.sentiment.hashing import WIDTH
from fks_actors.adapters.sentiment.port import Score
from fks_actors.errors import ConfigError

Floats = npt.NDArray[np.float32]
LABELS = ("negative", "neutral", "positive")


@dataclass(frozen=True, slots=True)
class Head:
    """Weights of the three labels over E features of the encoder and `WIDTH` of the words."""

    deep: Floats
    wide: Floats
    bias: Floats

    def __post_init__(self) -> None:
        parts = (self.deep, self.wide, self.bias)
        if self.deep.ndim != 2 or len(self.deep) != 3 or self.wide.shape != (3, WIDTH) or self.bias.shape != (3,):
            raise ConfigError(f"a head of the shapes {[part.shape for part in parts]} does not fit; train it anew")
        if not all(np.isfinite(part).all() for part in parts):
            raise ConfigError("the head holds numbers that are not finite; train it anew")

    def score(self, deep: Floats, wide: Mapping[int, float]) -> Score:
        """The score of a text by its features; features that are not finite make it neutral."""
        logits = self.bias + self.deep @ deep
        for column, value in wide.items():
            logits = logits + self.wide[:, column] * value
        if not np.isfinite(logits).all():
            return Score(0.0, 1.0, 0.0)
        return Score.of(np.exp(logits - logits.max()).tolist())

    def save(self, path: Path) -> None:
        """Write the head."""
        np.savez_compressed(path, deep=self.deep, wide=self.wide, bias=self.bias)

    @classmethod
    def load(cls, path: Path) -> "Head":
        """Read a head.

        Raises:
            ConfigError: the file is missing, or is no head.
        """
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
                arrays: dict[str, Any] = {name: stored[name].astype(np.float32) for name in ("deep", "wide", "bias")}
        except (OSError, EOFError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
            raise ConfigError(f"{path} is no head ({error}); write it with the training module") from None
        return cls(**arrays)
