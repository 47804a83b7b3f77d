"""Scores of headlines: from the cache where they are known, else from the model, in batches, in a thread, in turn."""

import asyncio
import hashlib
import math
import struct
from collections.abc import Sequence

from fks_actors.adapters.news.cache import Cache
from fks_actors.adapters.sentiment.port import SentimentModel
from fks_actors.errors import ModelUnavailable

_BATCH = 64
_VALUE = struct.Struct(">d")


class Scorer:
    """One model and its cache.

    Args:
        ttl_s: for how long a score is kept.
    """

    def __init__(self, model: SentimentModel, cache: Cache, ttl_s: float) -> None:
        self._model = model
        self._cache = cache
        self._ttl_s = ttl_s
        self._lock = asyncio.Lock()

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model.name

    async def score(self, texts: Sequence[str]) -> list[float | None]:
        """A value, -1 to 1, for each text; None for one that the model gives no number.

        Raises:
            ModelUnavailable: the model failed.
        """
        keys = [self._key(text) for text in texts]
        found = {key: value for key, raw in (await self._cache.get(keys)).items() if (value := _read(raw)) is not None}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        wanted = list(missing)
        for at in range(0, len(wanted), _BATCH):
            batch = wanted[at : at + _BATCH]
            values = await self._ask([missing[key] for key in batch])
            fresh = {key: value for key, value in zip(batch, values, strict=True) if value is not None}
            await self._cache.put({key: _VALUE.pack(value) for key, value in fresh.items()}, self._ttl_s)
            found |= fresh
        return [found.get(key) for key in keys]

    async def _ask(self, texts: list[str]) -> list[float | None]:
        async with self._lock:
            try:
                scores = await asyncio.to_thread(self._model.score, texts)
            except Exception as error:
                raise ModelUnavailable(self._model.name, f"it does not score: {type(error).__name__}") from error
        if len(scores) != len(texts):
            raise ModelUnavailable(self._model.name, f"it gave {len(scores)} scores for {len(texts)} texts")
        return [_bounded(score.value) for score in scores]

    def _key(self, text: str) -> str:
        said = f"{self._model.name}\0{text}".encode("utf-8", "surrogatepass")
        return f"score:{hashlib.blake2b(said, digest_size=16).hexdigest()}"


def _read(raw: bytes) -> float | None:
    return _bounded(_VALUE.unpack(raw)[0]) if len(raw) == _VALUE.size else None


def _bounded(value: float) -> float | None:
    return value if math.isfinite(value) and -1.0 <= value <= 1.0 else None
