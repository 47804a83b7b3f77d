"""What a Brief holds, by name and as printed: all that a model is told, and all that it may name.

Numbers are formatted here and nowhere else. Labels of minds and facts are cleaned, because an alert names its strategy
itself; the words of minds that read text never get here.
"""

import math
import re
from collections.abc import Iterator
from decimal import Decimal

from fks_actors.llm.texts import clipped, plain
from fks_actors.model.debates import Brief
from fks_actors.model.votes import Vote

PRICE, FINAL = "price", "final"
RULE_MINDS = frozenset({"short_term", "mid_term", "long_term", "asmbtr", "forecast"})
"""Minds whose reason is made of their own words and numbers alone."""
MAX_BALLOTS, MAX_FACTS, MAX_SCORES, _MAX_LABEL, _MAX_SAID = 12, 6, 8, 40, 120
_UNCLEAN = re.compile(r"[^A-Za-z0-9_.]+")


def label(name: str) -> str:
    """A mind's or a fact's name as models see it: what stands before a colon, letters, digits, `_` and `.` only."""
    return _UNCLEAN.sub("_", name.split(":", 1)[0][:_MAX_LABEL]).strip("_") or "unnamed"


def figure(value: float | Decimal) -> str:
    """A number as models see it: four significant digits, from a thousand on one decimal; never an exponent."""
    if isinstance(value, Decimal):
        return _trimmed(format(value, "f"))
    if abs(value) >= 1_000.0:
        return _trimmed(f"{value:.1f}")
    return _trimmed(format(Decimal(f"{value:.4g}"), "f"))


def _trimmed(text: str) -> str:
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def votes(brief: Brief) -> tuple[Vote, ...]:
    """The votes that models are told, in the Brief's order."""
    return tuple(ballot for ballot in brief.ballots[:MAX_BALLOTS] if isinstance(ballot, Vote))


def facts(vote: Vote) -> tuple[tuple[str, float], ...]:
    """A vote's facts under the names that models see."""
    return tuple((label(name), value) for name, value in vote.facts[:MAX_FACTS] if math.isfinite(value))


def scores(brief: Brief) -> tuple[tuple[str, float], ...]:
    """The verdict's parts, the final score last."""
    told = dict(brief.verdict.scores)
    parts = [(label(name), value) for name, value in brief.verdict.scores[:MAX_SCORES] if name != FINAL]
    return (*parts, (FINAL, told.get(FINAL, final(brief))))


def final(brief: Brief) -> float:
    """The arithmetic score, -1 (sell) to 1 (buy)."""
    told = dict(brief.verdict.scores)
    if FINAL in told:
        return told[FINAL]
    sign = {"buy": 1.0, "sell": -1.0}.get(brief.verdict.leaning.value, 0.0)
    return sign * brief.verdict.strength


def said(vote: Vote) -> str:
    """What a mind of rules gave as its reason; nothing of a mind that reads text."""
    return clipped(plain(vote.reason), _MAX_SAID) if vote.agent in RULE_MINDS else ""


def named(brief: Brief) -> Iterator[tuple[str, float]]:
    """Every number that has a name which an answer may cite."""
    yield PRICE, float(brief.price)
    yield from scores(brief)
    for vote in votes(brief):
        yield from facts(vote)


def names(brief: Brief) -> tuple[str, ...]:
    """The names that an answer may cite."""
    return tuple(sorted({name for name, _ in named(brief)}))
