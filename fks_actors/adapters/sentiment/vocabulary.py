"""The words of the lexicon: a text file of sections, terms and endings, read once into a table.

The file's own header describes its form. A term that stands in two sections belongs to the later one.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from importlib.resources import files
from typing import NamedTuple

_SECTION = re.compile(r"\[(\w+) ([\d.]+)\]")


class Kind(IntEnum):
    """What a term does in a sentence."""

    THING = 0
    MOVE = 1
    TONE = 2
    PLAIN = 3
    NOT = 4
    SCALE = 5
    THAN = 6
    STOP = 7


class Entry(NamedTuple):
    """A term's kind and number.

    `sign` is -1 or 1: whether more of a thing is good, where a move goes, how a tone sounds. `weight` >= 0 is its
    strength, for a bad thing what it counts unmoved, for a scale its factor.
    """

    kind: Kind
    sign: int
    weight: float


_KINDS = {
    "good": (Kind.THING, 1),
    "bad": (Kind.THING, -1),
    "rise": (Kind.MOVE, 1),
    "fall": (Kind.MOVE, -1),
    "positive": (Kind.TONE, 1),
    "negative": (Kind.TONE, -1),
    "plain": (Kind.PLAIN, 1),
    "not": (Kind.NOT, 1),
    "more": (Kind.SCALE, 1),
    "less": (Kind.SCALE, 1),
    "than": (Kind.THAN, 1),
    "stop": (Kind.STOP, 1),
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Terms by their words.

    `words`: the one-word terms. `phrases`: by first word, the further words and the entry, the longest first.
    """

    words: Mapping[str, Entry]
    phrases: Mapping[str, tuple[tuple[tuple[str, ...], Entry], ...]]

    def __len__(self) -> int:
        return len(self.words) + sum(len(group) for group in self.phrases.values())


@functools.cache
def vocabulary() -> Vocabulary:
    """The packaged vocabulary."""
    return parse(files(__package__).joinpath("words.txt").read_text(encoding="utf-8"))


def parse(text: str) -> Vocabulary:
    """The vocabulary that a file's text describes.

    Raises:
        ValueError: a line stands before any section, or a section is of no known kind.
    """
    terms: dict[tuple[str, ...], Entry] = {}
    entry: Entry | None = None
    for line in filter(None, (line.strip() for line in text.splitlines())):
        if line.startswith("#"):
            continue
        if line.startswith("["):
            entry = _section(line)
        elif entry is None:
            raise ValueError(f"{line!r} stands before the first section")
        else:
            terms.update((words, entry) for words in _terms(line))
    words = {term[0]: entry for term, entry in terms.items() if len(term) == 1}
    groups: dict[str, list[tuple[tuple[str, ...], Entry]]] = {}
    for term, entry in sorted(terms.items(), key=lambda item: -len(item[0])):
        if len(term) > 1:
            groups.setdefault(term[0], []).append((term[1:], entry))
    return Vocabulary(words, {first: tuple(group) for first, group in groups.items()})


def _section(line: str) -> Entry:
    found = _SECTION.fullmatch(line)
    if not found or found[1] not in _KINDS:
        raise ValueError(f"{line!r} is no section; write [kind weight] with a kind of {', '.join(_KINDS)}")
    kind, sign = _KINDS[found[1]]
    return Entry(kind, sign, float(found[2]))


def _terms(line: str) -> Iterator[tuple[str, ...]]:
    for term in filter(None, (term.strip() for term in line.split(","))):
        spelt: list[tuple[str, ...]] = [()]
        for word in term.replace("-", " ").split():
            spelt = [(*before, form) for before in spelt for form in _forms(word)]
        yield from spelt


def _forms(word: str) -> tuple[str, ...]:
    if word.endswith("++"):
        stem = word[:-2]
        return stem, _plural(stem), stem + stem[-1] + "ed", stem + stem[-1] + "ing"
    if word.endswith("+"):
        return _verb(word[:-1])
    if word.endswith("#"):
        return word[:-1], _plural(word[:-1])
    return (word,)


def _verb(stem: str) -> tuple[str, ...]:
    if stem.endswith("e"):
        return stem, stem + "s", stem + "d", (stem[:-1] if stem[-2] not in "eoy" else stem) + "ing"
    past = stem[:-1] + "ied" if stem.endswith("y") and stem[-2] not in "aeiou" else stem + "ed"
    return stem, _plural(stem), past, stem + "ing"


def _plural(stem: str) -> str:
    if stem.endswith("y") and stem[-2] not in "aeiou":
        return stem[:-1] + "ies"
    return stem + ("es" if stem.endswith(("s", "x", "z", "ch", "sh")) else "s")
