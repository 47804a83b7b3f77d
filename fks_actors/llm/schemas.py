"""What a model may answer: closed, bounded, strictly typed. Numbers come last, so that an answer cut short has none.

A model sees these as JSON schemas without references, patterns or titles, which guided decoding (llama.cpp, vLLM),
OpenAI's strict mode and Gemini all digest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

MAX_CITES, MAX_CITE = 4, 48
MAX_CLAIMS, MAX_CLAIM, MAX_REASON = 4, 140, 240

Cites = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=MAX_CITE)], ...],
    Field(min_length=1, max_length=MAX_CITES, strict=False),
]
Claims = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=MAX_CLAIM)], ...],
    Field(min_length=1, max_length=MAX_CLAIMS, strict=False),
]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Case(_Answer):
    """One side's case: the facts that it rests on, what it claims, how strong it is (0..1, never signed)."""

    cites: Cites
    claims: Claims
    strength: float = Field(ge=0, le=1)


class Judgement(_Answer):
    """What a judge makes of both cases: `score` -1 (sell) to 1 (buy), and how sure it is of that (0..1)."""

    cites: Cites
    reason: str = Field(min_length=1, max_length=MAX_REASON)
    score: float = Field(ge=-1, le=1)
    confidence: float = Field(ge=0, le=1)


Answer = Case | Judgement


class Fault(StrEnum):
    """Why a text is no answer. The first group is of its form, the second of what it says against the market."""

    TOO_LARGE = "too_large"
    EMPTY = "empty"
    NOT_TEXT = "not_text"
    NO_JSON = "no_json"
    BROKEN = "broken"
    TRUNCATED = "truncated"
    TOO_DEEP = "too_deep"
    DUPLICATE_KEY = "duplicate_key"
    SEVERAL = "several"
    PROSE = "prose"
    SHAPE = "shape"
    RANGE = "range"

    ECHO = "echo"
    FOREIGN_TEXT = "foreign_text"
    UNKNOWN_FACT = "unknown_fact"
    UNKNOWN_NUMBER = "unknown_number"
    UNKNOWN_INDICATOR = "unknown_indicator"
    UNKNOWN_EVENT = "unknown_event"
    OTHER_ASSET = "other_asset"
    OTHER_DATE = "other_date"
    LINK = "link"
    INSTRUCTION = "instruction"


@dataclass(frozen=True, slots=True)
class Invalid:
    """A text that is no answer. `detail` is short, printable ASCII, and quotes at most a few characters of the text."""

    code: Fault
    detail: str


def schema_of(answer: type[Answer], names: Iterable[str]) -> Mapping[str, Any]:
    """The JSON schema of `answer`, which may cite `names` only."""
    schema = _schema(answer)
    properties = schema["properties"]
    cites = {**properties["cites"], "items": {"type": "string", "enum": sorted(set(names))}}
    return {**schema, "properties": {**properties, "cites": cites}}


@cache
def _schema(answer: type[Answer]) -> dict[str, Any]:
    return _untitled(answer.model_json_schema())


def _untitled(node: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            kept[key] = {name: _untitled(each) for name, each in value.items()}
        elif isinstance(value, dict):
            kept[key] = _untitled(value)
        elif key not in {"title", "description"}:
            kept[key] = value
    return kept
