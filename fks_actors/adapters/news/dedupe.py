"""Which headline was told before: by id, by the same words, or by nearly the same.

A headline repeats another where that was seen within `span_ms` of it, itself kept or not; so whether it is kept depends
on the headlines of that span alone, and reading a file from somewhere in the middle gives the same answers from one
span later on. Nearly the same means: a Jaccard index of the two sets of words of at least four fifths, the shared words
in the same order, the same numbers, and the same words of direction and negation ("up" and "down" are one word apart).

Near ones are found by prefix filtering (Chaudhuri, Ganti, Kaushik, 2006): two sets with an index of t share one of the
first n - ceil(t * n) + 1 words, if all words are sorted by one rule. Longest first: long words are rare.
"""

import re
import unicodedata
from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

_SHARE, _OF = 4, 5
_COMPARED = 256
"""With how many headlines that share a word another is compared: the newest; a flood of one kind costs no more."""
_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*")
_DIRECTIONS = frozenset({
    "above", "after", "against", "before", "below", "bear", "bearish", "bears", "bull", "bullish", "bulls", "buy",
    "buys", "crash", "crashes", "decline", "declines", "denies", "deny", "down", "drop", "drops", "fall", "falls",
    "fell", "gain", "gains", "high", "higher", "jump", "jumps", "lose", "loses", "loss", "losses", "low", "lower", "no",
    "not", "never", "plunge", "plunges", "rally", "rallies", "rise", "rises", "rose", "sell", "sells", "sink", "sinks",
    "soar", "soars", "surge", "surges", "tumble", "tumbles", "under", "up", "without",
})  # fmt: skip


class Seen(StrEnum):
    """What is known of a headline: nothing, itself, the same words, nearly the same words."""

    NEW = "new"
    KNOWN = "known"
    DUPLICATE = "duplicate"
    NEAR = "near_duplicate"


@dataclass(frozen=True, slots=True)
class _Told:
    id: str
    at_ms: int
    words: tuple[str, ...]
    distinct: frozenset[str]
    strict: frozenset[str]
    prefix: tuple[str, ...]

    @property
    def keys(self) -> tuple[Hashable, ...]:
        return (self.words, *self.prefix) if self.words else ()


class Dedupe:
    """A memory of headlines, bounded by time and number; what arrived first is forgotten first.

    Args:
        span_ms: how far apart two headlines may be published that tell the same.
        keep_ms: for how long an id is remembered, at least.
        capacity: how many headlines are remembered at most.
    """

    def __init__(self, span_ms: int, keep_ms: int, capacity: int = 8_192) -> None:
        self._span_ms = span_ms
        self._keep_ms = max(span_ms, keep_ms)
        self._capacity = capacity
        self._order: deque[_Told] = deque()
        self._ids: set[str] = set()
        self._index: dict[Hashable, deque[_Told]] = {}

    def __len__(self) -> int:
        return len(self._order)

    def knows(self, id: str) -> bool:
        """Whether a headline of this id was seen."""
        return id in self._ids

    def look(self, id: str, title: str, at_ms: int) -> Seen:
        """Tell whether the headline is new, and remember it; one without a word is like no other."""
        if id in self._ids:
            return Seen.KNOWN
        told = _told(id, title, at_ms)
        answer = self._judge(told)
        self._keep(told)
        return answer

    def _judge(self, told: _Told) -> Seen:
        if any(self._close(told, other) for other in self._last(told.words)):
            return Seen.DUPLICATE
        for word in told.prefix:
            if any(self._close(told, other) and _near(told, other) for other in self._last(word)):
                return Seen.NEAR
        return Seen.NEW

    def _last(self, key: Hashable) -> Iterator[_Told]:
        return islice(reversed(self._index.get(key, ())), _COMPARED)

    def _close(self, one: _Told, other: _Told) -> bool:
        return abs(one.at_ms - other.at_ms) <= self._span_ms

    def _keep(self, told: _Told) -> None:
        self._order.append(told)
        self._ids.add(told.id)
        for key in told.keys:
            self._index.setdefault(key, deque()).append(told)
        while len(self._order) > self._capacity or told.at_ms - self._order[0].at_ms > self._keep_ms:
            self._forget(self._order.popleft())

    def _forget(self, told: _Told) -> None:
        self._ids.discard(told.id)
        for key in told.keys:
            held = self._index[key]
            held.popleft()  # both queues are in the order of arrival
            if not held:
                del self._index[key]


def words_of(title: str) -> tuple[str, ...]:
    """The words of a headline without case, accents, marks and the possessive s; each once, in their order."""
    plain = unicodedata.normalize("NFKD", title).casefold().replace("'s", "").replace("’s", "")
    return tuple(dict.fromkeys(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))))


def _told(id: str, title: str, at_ms: int) -> _Told:
    words = words_of(title)
    strict = frozenset(w for w in words if w in _DIRECTIONS or any(c.isdigit() for c in w))
    ordered = sorted(words, key=lambda word: (-len(word), word))
    least = -(-_SHARE * len(words) // _OF)
    return _Told(id, at_ms, words, frozenset(words), strict, tuple(ordered[: len(words) - least + 1]))


def _near(one: _Told, other: _Told) -> bool:
    if one.strict != other.strict:
        return False
    shared = one.distinct & other.distinct
    if _OF * len(shared) < _SHARE * len(one.distinct | other.distinct):
        return False
    return [w for w in one.words if w in shared] == [w for w in other.words if w in shared]
