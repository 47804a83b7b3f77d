"""Guards against the market: an answer may name what its Brief holds, and nothing else.

Every number of the free text must be one of the Brief's (`numbers` has the rules), and right for the fact that it is
said of; every cited name must exist; indicators, events, assets and dates must be the Brief's own (`lexicon`);
no links, no instructions, no letters but Latin ones, in which names could hide. The check is of `texts.plain(text)`,
which is what is shown. A guard errs to the strict side: a refused answer costs one more question, or an abstention.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from re import Pattern
from typing import TypeVar

from fks_actors.llm import known, lexicon
from fks_actors.llm.numbers import Printed, holds, printed
from fks_actors.llm.prompts import bar_times, echoed
from fks_actors.llm.schemas import Answer, Case, Fault, Invalid, Judgement
from fks_actors.llm.texts import plain, shown
from fks_actors.model.debates import Brief
from fks_actors.model.votes import Vote

A = TypeVar("A", Case, Judgement)

_LETTERS, _LEAST_WORDS, _ENOUGH_WORDS = re.compile(r"[A-Za-z]{2,}"), 2, 4
_DIGITS = re.compile("[0-9]")
_WORD = re.compile(r"[a-z]+")
_SHOUTED = re.compile(r"\b[A-Z]{2,}\b")
_NAMED = re.compile(r"\b[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*\b")
_BEFORE_NUMBER = (
    r"(?: (?:value|score))?(?: (?:is|was|of|at|near|around|about|equals|reads|stands|sits|remains)){0,2}[ =:(]*\Z"
)


@dataclass(frozen=True, slots=True)
class _Held:
    """What a Brief holds, made ready for looking things up."""

    figures: tuple[float, ...]
    named: tuple[tuple[str, float], ...]
    names: frozenset[str]
    labels: frozenset[str]  # of the facts and of the minds
    words: frozenset[str]
    assets: frozenset[str]
    own: Pattern[str]
    interval_ms: int
    minds: int


def guard(answer: A, brief: Brief) -> A | Invalid:
    """The answer itself, or what it names that the Brief does not hold."""
    held = _held(brief)
    for name in answer.cites:
        if name not in held.names:
            return Invalid(Fault.UNKNOWN_FACT, f"cites {shown(name)}")
    for text in free_texts(answer):
        fault = _checked(text, held)
        if fault is not None:
            return fault
    return answer


def free_texts(answer: Answer) -> tuple[str, ...]:
    """The prose of an answer."""
    return answer.claims if isinstance(answer, Case) else (answer.reason,)


def _checked(raw: str, held: _Held) -> Invalid | None:
    text = plain(raw)
    for char in text:
        if not char.isascii():
            return Invalid(Fault.FOREIGN_TEXT, f"holds U+{ord(char):04X}")
    if echoed(text):
        return Invalid(Fault.ECHO, "repeats the question")
    if len(_LETTERS.findall(text)) < _LEAST_WORDS:
        return Invalid(Fault.ECHO, "a sentence without words")
    for rule in _RULES:
        fault = rule(text, held)
        if fault is not None:
            return fault
    return None


def _found(pattern: Pattern[str], code: Fault, text: str, held: _Held) -> Invalid | None:
    found = pattern.search(_spoken(text, held).lower())
    return Invalid(code, f"says {shown(found.group())}") if found else None


def _spoken(text: str, held: _Held) -> str:
    """The text without the bar's own times and symbol, and without the names of facts and minds."""
    return _NAMED.sub(
        lambda found: " it " if found.group() in held.labels else found.group(), held.own.sub(" it ", text)
    )


def _indicators(text: str, held: _Held) -> Invalid | None:
    lowered = text.lower().replace("_", " ")
    for pattern, stems in lexicon.INDICATORS:
        found = pattern.search(lowered)
        if found and not stems & held.words:
            return Invalid(Fault.UNKNOWN_INDICATOR, f"names {shown(found.group())}")
    for found in _NAMED.finditer(text):
        if "_" in found.group() and found.group() not in held.labels:
            return Invalid(Fault.UNKNOWN_FACT, f"names {shown(found.group())}")
    return None


def _events(text: str, held: _Held) -> Invalid | None:
    found = lexicon.FED.search(text)
    if found:
        return Invalid(Fault.UNKNOWN_EVENT, f"names {found.group()}")
    return _found(lexicon.EVENTS, Fault.UNKNOWN_EVENT, text, held)


def _assets(text: str, held: _Held) -> Invalid | None:
    spoken = _spoken(text, held)
    found = lexicon.PAIR.search(spoken)
    if found and found.group() not in held.assets:
        return Invalid(Fault.OTHER_ASSET, f"names {shown(found.group())}")
    for pattern, own in lexicon.ASSETS:
        found = pattern.search(spoken.lower())
        if found and not {each.lower() for each in held.assets} & own:
            return Invalid(Fault.OTHER_ASSET, f"names {shown(found.group())}")
    for name in _SHOUTED.findall(spoken):
        if not lexicon.SHOUTED.fullmatch(name) and name not in held.assets and name.lower() not in held.words:
            return Invalid(Fault.UNKNOWN_INDICATOR, f"names {shown(name)}")
    return None


def _numbers(text: str, held: _Held) -> Invalid | None:
    spoken = _spoken(text, held)
    word = lexicon.NUMBER_WORD.search(spoken.lower())
    if word:
        return Invalid(Fault.UNKNOWN_NUMBER, f"says {word.group()}")
    numbered = _numbered(text, held)
    for number in printed(numbered):
        if not holds(held.figures, number, held.interval_ms, held.minds):
            return Invalid(Fault.UNKNOWN_NUMBER, f"says {shown(number.text.strip())}")
        if not _rightly_said(numbered, number, held):
            return Invalid(Fault.UNKNOWN_NUMBER, f"says {shown(number.text.strip())} of something else")
    return None


def _numbered(text: str, held: _Held) -> str:
    """The text without digits that are no figures: those of the bar's own times, of the symbol and of names."""
    own = held.own.sub(" it ", text)
    return _NAMED.sub(lambda name: _DIGITS.sub("_", name[0]) if name[0] in held.labels else name[0], own)


def _english(text: str, held: _Held) -> Invalid | None:
    if len(_LETTERS.findall(text)) < _ENOUGH_WORDS or lexicon.ENGLISH.search(text.lower()):
        return None
    return Invalid(Fault.FOREIGN_TEXT, "not in English")


def _rightly_said(text: str, number: Printed, held: _Held) -> bool:
    """Whether a number that is said of a named fact (`rsi 28.4`, `trend of +2%`) is that fact's.

    `price +2%` says how the price moved. Where several names end there (`final score of`), one of them has the number.
    """
    if number.counts or number.kind in {"ordinal", "span"}:
        return True
    before = text[: number.start].lower()
    named = tuple((name, value) for name, value in held.named if _ends_with(before, name))
    if not named or (number.kind == "percent" and any(name == known.PRICE for name, _ in named)):
        return True
    return holds(tuple(value for _, value in named), number, held.interval_ms, 0)


def _ends_with(before: str, name: str) -> bool:
    spelled = re.escape(name.lower()).replace("_", "[_ ]")
    return re.search(rf"(?<!\w){spelled}{_BEFORE_NUMBER}", before) is not None


_RULES: tuple[Callable[[str, _Held], Invalid | None], ...] = (
    partial(_found, lexicon.LINK, Fault.LINK),
    partial(_found, lexicon.INSTRUCTION, Fault.INSTRUCTION),
    partial(_found, lexicon.DATE, Fault.OTHER_DATE),
    _events,
    _assets,
    _indicators,
    _numbers,
    _english,
)


def _held(brief: Brief) -> _Held:
    named = tuple(known.named(brief))
    votes = known.votes(brief)
    said = " ".join(known.said(vote) for vote in votes)
    labels = [known.label(ballot.agent) for ballot in brief.ballots[: known.MAX_BALLOTS]]
    base, _, quote = brief.symbol.partition("/")
    names = frozenset(name for name, _ in named)
    return _Held(
        figures=(*(value for _, value in named), *_figures(brief, votes), *_said_figures(said)),
        named=named,
        names=names,
        labels=names.union(labels),
        words=frozenset(_WORD.findall(" ".join((*names, *labels, said)).lower().replace("_", " "))),
        assets=frozenset({brief.symbol, f"{base}{quote}", f"{base}-{quote}", f"{base}_{quote}", base, quote}),
        own=_own(brief),
        interval_ms=brief.interval_ms,
        minds=len(brief.ballots),
    )


def _figures(brief: Brief, votes: tuple[Vote, ...]) -> Iterator[float]:
    verdict = brief.verdict
    yield from (float(brief.stake_quote), verdict.net, verdict.strength, verdict.threshold)
    yield from dict(verdict.weights).values()
    yield from (vote.confidence for vote in votes)
    yield from (turn.score for turn in brief.turns if turn.score is not None)


def _said_figures(said: str) -> Iterator[float]:
    for number in printed(said):
        size = -number.size if number.sign < 0 else number.size
        yield size
        if number.kind == "percent":
            yield size / 100.0


def _own(brief: Brief) -> Pattern[str]:
    """The symbol, and the ways in which the bar's open and close may be written; longest first, whole only."""
    written = ("%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M", "%H:%MZ", "%Y")
    forms = {moment.strftime(form) for moment in bar_times(brief) for form in written} | {brief.symbol}
    either = "|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form)))
    return re.compile(rf"(?<!\w)(?<!\w[-:/.])(?:{either})(?![-:/.]?\w)")
