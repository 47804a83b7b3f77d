"""Answers that were given before, by the hash of everything that they depend on; they are also the record for replay.

Only answers that were checked come in here. The newest are held in memory; what was pushed out lies in the store.
"""

import hashlib
import json
import re
from collections import OrderedDict

import msgspec

from fks_actors.llm.ports import Prompt
from fks_actors.llm.schema_text import schema_text

_WORD = re.compile(r"[^\W_]+|[-+.%]", re.UNICODE)
_SPAN = 3
_KIN = 256
_MOST_CHARS = 8 << 20


class Remembered(msgspec.Struct, frozen=True, gc=False):
    """An answer that was given, and by whom."""

    key: str
    provider: str
    model: str
    prompt: str
    text: str


def cache_key(provider: str, model: str, prompt: Prompt) -> str:
    """SHA-256 (hex) over provider, model, prompt and version, texts, schema and temperature.

    What the agent's name, the tier and `max_tokens` change is who pays and how much, not what is asked.
    """
    return _digest(provider, model, prompt.name, prompt.system, prompt.user, schema_text(prompt.schema),
                   repr(float(prompt.temperature)))  # fmt: skip


class AnswerCache:
    """The newest answers. Bounded, in number and in characters: the one that was asked for longest ago goes first.

    Args:
        size: how many answers are held.
        near: from which overlap of word triples (Jaccard, 0 to 1) two questions count as one; None: never.
    """

    def __init__(self, size: int, near: float | None = None) -> None:
        self._size = size
        self._near = near
        self._chars = 0
        self._held: OrderedDict[str, Remembered] = OrderedDict()
        self._kin: dict[str, OrderedDict[str, frozenset[str]]] = {}
        self._kind_of: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._held)

    def find(self, key: str) -> Remembered | None:
        """The answer to this very question."""
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
        return found

    def find_near(self, provider: str, model: str, prompt: Prompt) -> Remembered | None:
        """The answer to the question most like this one, of the same prompt version, schema and model."""
        if self._near is None:
            return None
        asked = _shingles(prompt.user)
        best, found = self._near, None
        for key, shingles in self._kin.get(_kind(provider, model, prompt), {}).items():
            overlap = len(asked & shingles) / len(asked | shingles) if asked else 0.0
            if overlap >= best:
                best, found = overlap, key
        return self.find(found) if found is not None else None

    def put(self, answer: Remembered, prompt: Prompt) -> None:
        """Hold an answer."""
        self._forget(answer.key)
        self._held[answer.key] = answer
        self._chars += len(answer.text)
        if self._near is not None:
            kind = _kind(answer.provider, answer.model, prompt)
            self._kind_of[answer.key] = kind
            kin = self._kin.setdefault(kind, OrderedDict())
            kin[answer.key] = _shingles(prompt.user)
            if len(kin) > _KIN:
                kin.popitem(last=False)
        while len(self._held) > self._size or self._chars > _MOST_CHARS:
            self._forget(next(iter(self._held)))

    def _forget(self, key: str) -> None:
        if (gone := self._held.pop(key, None)) is not None:
            self._chars -= len(gone.text)
        kind = self._kind_of.pop(key, None)
        if kind is not None:
            self._kin[kind].pop(key, None)
            if not self._kin[kind]:
                del self._kin[kind]


def _kind(provider: str, model: str, prompt: Prompt) -> str:
    return _digest(provider, model, prompt.name, prompt.system, schema_text(prompt.schema), repr(prompt.temperature))


def _shingles(text: str) -> frozenset[str]:
    words = _WORD.findall(text.casefold())
    return frozenset(" ".join(words[at : at + _SPAN]) for at in range(max(1, len(words) - _SPAN + 1))) - {""}


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
