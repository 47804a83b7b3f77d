"""The answers' JSON schemas: closed, and in the few words that every provider's guided decoding knows."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from fks_actors.llm import known
from fks_actors.llm.schemas import Case, Judgement, schema_of
from tests.unit.llm.briefs import BRIEF

COMMON = {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
}


def keywords(schema: Mapping[str, Any]) -> Iterator[str]:
    for key, value in schema.items():
        yield key
        if key == "properties":
            for each in value.values():
                yield from keywords(each)
        elif isinstance(value, Mapping):
            yield from keywords(value)


@pytest.mark.parametrize("answer", [Case, Judgement])
def test_schema_when_made_then_it_is_closed_plain_and_needs_every_field(answer: type[Case] | type[Judgement]) -> None:
    schema = schema_of(answer, known.names(BRIEF))
    assert set(keywords(schema)) <= COMMON
    assert schema["additionalProperties"] is False
    assert list(schema["properties"]) == schema["required"] == list(answer.model_fields)
    assert schema["properties"]["cites"]["items"]["enum"] == sorted(known.names(BRIEF))
    assert len(json.dumps(schema)) < 2_000


@pytest.mark.parametrize("answer", [Case, Judgement])
def test_schema_when_given_to_llama_cpp_and_gemini_then_both_take_it(answer: type[Case] | type[Judgement]) -> None:
    schema = dict(schema_of(answer, known.names(BRIEF)))
    grammar = pytest.importorskip("xllamacpp").json_schema_to_grammar(schema)
    assert "confidence" in grammar or "strength" in grammar
    types = pytest.importorskip("google.genai.types")
    read = types.Schema.from_json_schema(json_schema=types.JSONSchema.model_validate(schema))
    assert set(read.properties) == set(answer.model_fields)


def test_answer_when_changed_or_out_of_bounds_then_it_is_refused() -> None:
    judgement = Judgement(cites=("rsi",), reason="Low.", score=0.1, confidence=0.2)
    with pytest.raises(ValidationError):
        judgement.score = 0.9  # type: ignore[misc]
    for wrong in ({"score": float("nan")}, {"score": 1.1}, {"confidence": float("inf")}, {"cites": ()}, {"reason": ""}):
        with pytest.raises(ValidationError):
            Judgement(**{**judgement.model_dump(), **wrong})
