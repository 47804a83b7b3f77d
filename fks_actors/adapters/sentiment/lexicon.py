"""The default model: a lexicon of finance and crypto words, read with a few rules of grammar. Nothing to install.

A direction takes its sign from what it moves: a profit that rises is good, a loss that narrows is good too. Words of
tone count for themselves, negations turn them, degrees strengthen or weaken them. Where a clause names no direction but
two figures ("EUR 9.8 mn compared to EUR 7.1 mn") the figures give it. The sum goes through a softmax against a
constant for neutral. The vocabulary is words.txt; how well it does stands in docs/sentiment-model-card.md.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fks_actors.adapters.sentiment.port import Score
from fks_actors.adapters.sentiment.texts import clean
from fks_actors.adapters.sentiment.vocabulary import Entry, Kind, Vocabulary, vocabulary

_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|(?<![\w.])[+-]\d[\d.,]*%|\d[\d.,]*%?|[.;:,!?()](?=\s|$)|[()]")
_SPLIT_FIGURE = re.compile(r"(\d) (?=\.\d)|([+-]?\d) (?=%)")
_LINKS = frozenset(
    {
        "in",
        "of",
        "the",
        "its",
        "their",
        "a",
        "an",
        "our",
        "for",
        "to",
        "company",
        "group",
        "full",
        "year",
        "annual",
        "total",
    }
)
_WALLS = frozenset(
    {",", "and", "(", ")", ";", ".", ":", "or", "as", "after", "amid", "on", "because", "due", "by", "when"}
)
_UNITS = {"k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "mln": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9}
(_THING, _MOVE, _TONE, _PLAIN, _NOT, _SCALE, _THAN, _STOP) = Kind
_SIGNED = {"+": Entry(_MOVE, 1, 0.8), "-": Entry(_MOVE, -1, 0.8)}

SHARPNESS = 2.0
THRESHOLD = 0.5
BOUND = 4.0
_FOLLOWS_WITHIN, _PRECEDES_WITHIN, _TURNS_WITHIN, _SCALES_WITHIN, _OLDER_WITHIN = 4, 16, 4, 2, 4
_TURNED = -0.6
_COMPARED = 1.0


@dataclass(slots=True)
class Item:
    """A known term in a sentence: where it begins and ends (tokens), what it is, and what it counts."""

    at: int
    end: int
    kind: int
    sign: int
    weight: float
    value: float = 0.0
    moved: bool = False


class LexiconModel:
    """Scores by the packaged words; about 25 microseconds a headline."""

    name = "lexicon-1"

    def __init__(self, words: Vocabulary | None = None) -> None:
        self._words = vocabulary() if words is None else words

    def score(self, texts: Sequence[str]) -> list[Score]:
        """A score for each text, in order."""
        return [_softmax(self.sum_of(text)) for text in texts]

    def sum_of(self, text: str) -> float:
        """What the words of a text add up to, -4 .. 4."""
        return max(-BOUND, min(BOUND, sum(item.value for item in self.read(text))))

    def read(self, text: str) -> list[Item]:
        """The known terms of a text, in order, each with what it counts."""
        tokens = tokens_of(clean(text))
        items = self._known(tokens)
        if items:
            _move(items, tokens)
            _sound(items)
            _turn(items)
            _compare(items, tokens)
        return items

    def _known(self, tokens: Sequence[str]) -> list[Item]:
        words, phrases = self._words.words, self._words.phrases
        items: list[Item] = []
        end = 0
        for at, token in enumerate(tokens):
            if at < end:
                continue
            entry, end = words.get(token), at + 1
            for rest, phrase in phrases.get(token, ()):
                if tuple(tokens[at + 1 : at + 1 + len(rest)]) == rest:
                    entry, end = phrase, at + 1 + len(rest)
                    break
            if entry is None and token[0] in "+-":
                entry = _SIGNED[token[0]]
            if entry is not None and entry.kind != _PLAIN:
                items.append(Item(at, end, entry.kind, entry.sign, entry.weight))
        return items


def tokens_of(text: str) -> list[str]:
    """Words, figures and marks of a cleaned text, in lower case; hyphens divide, `-2%` keeps its sign."""
    text = text.lower().replace("\u2019", "'").replace("\u2212", "-")
    return _TOKEN.findall(_SPLIT_FIGURE.sub(r"\1\2", text))


def _softmax(total: float) -> Score:
    positive, neutral = math.exp(SHARPNESS * total), math.exp(SHARPNESS * THRESHOLD)
    return Score.of((1.0 / positive, neutral, positive))


def _move(items: Sequence[Item], tokens: Sequence[str]) -> None:
    for index, item in enumerate(items):
        if item.kind != _MOVE:
            continue
        thing = _following(items, index, tokens) or _preceding(items, index)
        if thing is None:
            item.value = 0.8 * item.sign * item.weight
        else:
            thing.moved = True
            item.value = item.sign * thing.sign * item.weight


def _following(items: Sequence[Item], index: int, tokens: Sequence[str]) -> Item | None:
    item = items[index]
    for other in items[index + 1 :]:
        if other.at - item.end > _FOLLOWS_WITHIN or other.kind not in (_THING, _SCALE):
            return None
        if other.kind == _THING:
            gap = tokens[item.end : other.at]
            strangers = sum(1 for token in gap if token not in _LINKS)
            return other if strangers <= 1 and not _WALLS.intersection(gap) else None
    return None


def _preceding(items: Sequence[Item], index: int) -> Item | None:
    item = items[index]
    for other in reversed(items[:index]):
        if item.at - other.end > _PRECEDES_WITHIN or other.kind == _STOP:
            return None
        if other.kind == _THING:
            return other
    return None


def _sound(items: Sequence[Item]) -> None:
    older = 0
    for item in items:
        if item.kind == _TONE:
            item.value = item.sign * item.weight
        elif item.kind == _THAN:
            older = item.end + _OLDER_WITHIN
        elif item.kind == _THING and item.sign < 0 and not item.moved and item.at >= older:
            item.value = -item.weight


def _turn(items: Sequence[Item]) -> None:
    for index, item in enumerate(items):
        if item.kind == _NOT:
            for other in items[index + 1 :]:
                if other.at - item.end > _TURNS_WITHIN or other.kind == _STOP:
                    break
                if other.value:
                    other.value *= _TURNED
                    break
        elif item.kind == _SCALE:
            for other in (*items[index + 1 : index + 2], *items[max(0, index - 1) : index]):
                if other.value and max(other.at - item.end, item.at - other.end) <= _SCALES_WITHIN:
                    other.value *= item.weight
                    break


def _compare(items: Sequence[Item], tokens: Sequence[str]) -> None:
    """Where no direction is told, let a figure and the older one beside it tell it."""
    if any(item.kind == _MOVE for item in items):
        return
    for index, item in enumerate(items):
        if item.kind != _THAN:
            continue
        thing = next((other for other in reversed(items[:index]) if other.kind == _THING), None)
        if thing is None:
            return
        older = next((other for other in items[index + 1 :] if other.kind == _THING), thing)
        if older.sign != thing.sign:
            item.value = _COMPARED * thing.sign
        else:
            now, then = _figure(tokens[thing.end : item.at]), _figure(tokens[item.end : item.end + 12])
            if now is None or then is None or now[1] != then[1]:
                return
            item.value = _COMPARED * thing.sign * ((now[0] > then[0]) - (now[0] < then[0]))
        thing.value = older.value = 0.0
        return


def _figure(tokens: Sequence[str]) -> tuple[float, bool] | None:
    """The first figure that is no year, with its unit, and whether it is a percentage."""
    for at, token in enumerate(tokens):
        if not token[0].isdigit():
            continue
        try:
            number = float(token.rstrip("%.,").replace(",", ""))
        except ValueError:
            continue
        if token.isdigit() and 1900 <= number <= 2100:
            continue
        unit = _UNITS.get(tokens[at + 1], 1.0) if at + 1 < len(tokens) else 1.0
        return number * unit, token.endswith("%")
    return None


def features_of(items: Sequence[Item]) -> Mapping[str, float]:
    """What the terms of a text say in numbers, for a head that learns from them."""
    values = [item.value for item in items]
    total = sum(values)
    return {
        "sum": max(-BOUND, min(BOUND, total)),
        "good": min(BOUND, sum(value for value in values if value > 0.0)),
        "bad": max(-BOUND, sum(value for value in values if value < 0.0)),
        "moves": min(BOUND, sum(item.value for item in items if item.kind == _MOVE)),
        "any": float(any(values)),
    }
