"""What of a headline's text is fit to be read by a model: plain words, and nothing that was put there for a machine.

Harmless wrapping (entities, bare inline tags, line breaks) is taken off; whatever else is suspicious drops the headline
whole, with a reason that is counted. It is better to lose a headline than to let one speak to a model.
"""

import html
import re
import unicodedata
from enum import StrEnum

MAX_CHARS = 300
"""A longer headline is no headline."""

_EDGES = "\ufeff\u200b\u200e\u200f \t\r\n"
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_SPACES = re.compile(r"\s+")
_BARE_TAG = re.compile(r"</?(?:b|i|u|em|strong|span|p|br|h[1-6])\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"<[a-z!/?]", re.IGNORECASE)
_PILED = re.compile(r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]{3}")
_MIXED = re.compile(r"[a-z][\u0370-\u03ff\u0400-\u052f]|[\u0370-\u03ff\u0400-\u052f][a-z]", re.IGNORECASE)
_LINK = re.compile(
    r"\b(?:https?|ftp|wss?|file)\s?:\s?/|\w\s?:\s?//|\b(?:javascript|vbscript)\s?:\S|\bdata\s?:\w+/|\bwww\s?\.\s?\w"
    r"|\b[\w-]+\.(?:app|click|cn|co|com|gg|io|link|ly|me|net|org|ru|top|xyz)/[^\s]",
    re.IGNORECASE,
)
_LOOKALIKES = str.maketrans("абеіјкмнорсѕтухԁԛԝαβεικνορτυχ", "abeijkmhopcstyxdqwabeiknoptux")
_DIGITS = str.maketrans("013457@$", "oieastas")
_SPELT = re.compile(r"\b(?:\w[\s._*-]){3,}\w\b")

_ORDER = r"(?:ignor|disregard|forget|overrid|bypass|discard)\w*"
_INJECTED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_ORDER}\b.{{0,40}}\b(?:instructions?|prompts?|commands?)\b",
        rf"\b{_ORDER}\b.{{0,20}}\b(?:previous|prior|above|earlier|preceding|your|system)\b"
        r".{0,30}\b(?:rules?|guidelines?|directions?|context|training|polic(?:y|ies)|safeguards?|messages?)\b",
        rf"\b{_ORDER}\b.{{0,12}}\b(?:everything|anything|all)\b.{{0,12}}\b(?:above|before|previous|prior|said|told)\b",
        r"\b(?:system|developer|assistant|hidden)\s(?:prompt|message|instruction)s?\b",
        r"(?:^|[.!?;\]})>\"'|-]\s?)(?:system|assistant|user|human|developer)\s?:",
        r"<\||\|>|\[/?inst\]|<</?sys>>|#{3,}|`{3}|\bbegin (?:system|prompt|instructions?)\b",
        r"\byou(?: are|'re|r)(?: now)? (?:an?|the|my|no longer|not)\b.{0,40}"
        r"\b(?:assistant|model|ai|bot|agent|analyst|trader|llm|chatgpt|gpt|bound|restricted)\b",
        r"\b(?:you (?:must|shall|should|will)|please|always|now)\b.{0,20}"
        r"\b(?:respond|reply|answer|output|return|classify|rate|score|label|vote)\b.{0,40}"
        r"\b(?:buy|sell|hold|positive|negative|neutral|bullish|bearish|json|yes|1|1\.0|100)\b",
        r"\b(?:respond|reply|output|answer|return)\s(?:only|exactly|just|with|in|as)\b.{0,20}"
        r"\b(?:buy|sell|hold|positive|negative|neutral|bullish|bearish|json|yes|true)\b",
        r"\b(?:classify|rate|score|label|treat|mark)\s(?:this|it|the following|these)\b.{0,30}"
        r"\b(?:positive|negative|neutral|bullish|bearish|buy|sell|1|10|100)\b",
        r"\b(?:new|updated|revised|following|these) instructions?\b|\bprompt injection\b",
        r"\bdo anything now\b|\b(?:developer|dan|god) mode\b|\bas an? (?:ai|language|large language)\b.{0,10}\bmodel\b",
        r"\b(?:function|tool)[_ ]?call|\bsudo \w|\bexec(?:ute)?\s?\(|\beval\s?\(",
        r"[{\[]\s?[\"']?(?:action|side|confidence|sentiment|score|role|content|tool|vote)[\"']?\s?:",
        r"\b(?:confidence|sentiment|score|conviction)\s?(?:=|:|is|to)\s?[-+]?(?:1(?:\.0+)?|100\s?%?|0?\.9\d*)(?![\d.%])",
    )
)


class Drop(StrEnum):
    """Why a headline was dropped."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CONTROL = "control"
    HIDDEN = "hidden"
    MARKUP = "markup"
    LINK = "link"
    INJECTION = "injection"


def clean(title: str) -> tuple[str, Drop | None]:
    """The text that may be read, in NFKC with single spaces; or an empty one, and why."""
    if len(title) > 4 * MAX_CHARS:
        return "", Drop.TOO_LONG
    text = _unwrapped(title)
    reason = _unfit(text)
    if reason is not None:
        return "", reason
    text = _SPACES.sub(" ", unicodedata.normalize("NFKC", text)).strip()
    reason = _said(text)
    return ("", reason) if reason is not None else (text, None)


def _unwrapped(text: str) -> str:
    for _ in range(3):
        plain = html.unescape(text)
        if plain == text:
            break
        text = plain
    return _SPACES.sub(" ", _BARE_TAG.sub(" ", text)).strip(_EDGES)


def _unfit(text: str) -> Drop | None:
    """What its characters say against it."""
    for at, char in enumerate(text):
        if char.isascii() and char.isprintable():
            continue
        kind = unicodedata.category(char)
        if kind == "Cc":
            return Drop.CONTROL
        if char in _BLANKS or (kind in ("Cf", "Co", "Cs", "Cn") and not _joins(text, at)):
            return Drop.HIDDEN
    return Drop.HIDDEN if _PILED.search(unicodedata.normalize("NFD", text)) else None


def _joins(text: str, at: int) -> bool:
    """Whether the character at `at` joins two emoji to one."""
    around = text[max(0, at - 2) : at], text[at + 1 : at + 2]
    return text[at] == "\u200d" and all(any(unicodedata.category(c) == "So" for c in side) for side in around)


def _said(text: str) -> Drop | None:
    """What its words say against it."""
    if not any(char.isalnum() for char in text):
        return Drop.EMPTY
    if len(text) > MAX_CHARS:
        return Drop.TOO_LONG
    if _MIXED.search(text):
        return Drop.HIDDEN
    folded = text.casefold().translate(_LOOKALIKES)
    closed = _SPELT.sub(lambda found: re.sub(r"[\s._*-]", "", found[0]), folded)
    spellings = {folded, closed, _separated(folded), _separated(folded.translate(_DIGITS))}
    if any(pattern.search(spelling) for spelling in spellings for pattern in _INJECTED):
        return Drop.INJECTION
    if _TAG.search(text):
        return Drop.MARKUP
    return Drop.LINK if _LINK.search(text) else None


def _separated(text: str) -> str:
    """Words parted by single spaces, whatever parted them."""
    return " ".join(re.findall(r"[\w':.]+", text.replace("_", " ")))
