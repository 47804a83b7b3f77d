"""From a model's text to an answer, or why there is none. What cannot be read in one way only is refused.

Repaired, because the meaning stays: white space, a byte order mark, a leaked end-of-text token, thoughts before the
answer (`<think>...</think>`), a code fence, a comma before a closing bracket, the same answer said again, and a little
prose around it that neither turns nor doubts it. Refused: everything else, such as text cut short, quotes that are not
JSON's, a key with two values, answers that disagree, wrappers, tool calls, numbers that are texts. No guess is made at
what was meant; the model can be asked again, once (`prompts.repair_prompt`).
"""

import json
import re
from typing import TypeVar

from pydantic import ValidationError

from fks_actors.llm.lexicon import TURNING
from fks_actors.llm.schemas import Case, Fault, Invalid, Judgement
from fks_actors.llm.texts import shown

A = TypeVar("A", Case, Judgement)

MAX_CHARS = 64 * 1024
_MAX_DEPTH, _MAX_ANSWERS, _MAX_PROSE, _MAX_NUMBER = 4, 4, 400, 32
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_TOKEN = re.compile(_STRING + r'|["{}\[\]]', re.DOTALL)
_COMMA = re.compile(rf'({_STRING}|[^\s,{{\[:"])(\s*),(?=\s*[}}\]])|{_STRING}', re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_THOUGHT_END = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_ENDS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end|>", "</s>")
_FENCE = re.compile(r"^[ \t]*```(?:json)?[ \t]*$", re.MULTILINE | re.IGNORECASE)


def read(text: str | bytes, schema: type[A]) -> A | Invalid:
    """The answer that `text` gives. Never raises; takes time in proportion to at most `MAX_CHARS` characters."""
    given = _text(text)
    if isinstance(given, Invalid):
        return given
    found = _objects(given)
    if isinstance(found, Invalid) and "<" in given:
        found = _objects(_answering(given))
    if isinstance(found, Invalid):
        return found
    answers = [_validated(each, schema) for each in found]
    for answer in answers:
        if isinstance(answer, Invalid):
            return answer
    if any(answer != answers[0] for answer in answers):
        return Invalid(Fault.SEVERAL, "several answers that disagree")
    return answers[0]


def _text(text: str | bytes) -> str | Invalid:
    if len(text) > MAX_CHARS:
        return Invalid(Fault.TOO_LARGE, f"longer than {MAX_CHARS}")
    try:
        given = text.decode("utf-8") if isinstance(text, bytes) else text
        given.encode("utf-8")  # a lone surrogate cannot be written down
    except UnicodeError:
        return Invalid(Fault.NOT_TEXT, "not UTF-8")
    given = given.removeprefix("\ufeff")
    return given if given.strip() else Invalid(Fault.EMPTY, "nothing was said")


def _answering(text: str) -> str:
    """What stands after the last thought; of one that does not end the tag is left, for which the text is refused."""
    at = 0
    for end in _THOUGHT_END.finditer(text):  # a server may have kept the opening tag to itself
        at = end.end()
    text = text[at:]
    for token in _ENDS:
        text = text.rstrip().removesuffix(token)
    return text


def _objects(text: str) -> list[dict[str, object]] | Invalid:
    found: list[dict[str, object]] = []
    prose, at = [], 0
    while (start := text.find("{", at)) >= 0:
        if len(found) == _MAX_ANSWERS:
            return Invalid(Fault.SEVERAL, f"more than {_MAX_ANSWERS} objects")
        end = _end(text, start)
        if isinstance(end, Invalid):
            return end
        value = _decoded(text[start:end])
        if isinstance(value, Invalid):
            return value
        found.append(value)
        prose.append(text[at:start])
        at = end
    if not found:
        return Invalid(Fault.NO_JSON, "no JSON object")
    return _harmless([*prose, text[at:]]) or found


def _end(text: str, start: int) -> int | Invalid:
    """Where the object that begins at `start` ends."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        mark = token.group()
        if mark == '"':
            break
        if mark in "{[":
            depth += 1
            if depth > _MAX_DEPTH:
                return Invalid(Fault.TOO_DEEP, f"nested deeper than {_MAX_DEPTH}")
        elif mark in "}]":
            depth -= 1
            if depth == 0:
                return token.end()
    return Invalid(Fault.TRUNCATED, "the object does not end")


class _Twice(ValueError):
    pass


def _decoded(text: str) -> dict[str, object] | Invalid:
    try:
        try:
            value = _JSON.decode(text)
        except json.JSONDecodeError:
            value = _JSON.decode(_COMMA.sub(_without_comma, text))
    except _Twice:
        return Invalid(Fault.DUPLICATE_KEY, "a key stands twice, with different values")
    except ValueError as error:
        return Invalid(Fault.BROKEN, f"not JSON: {shown(str(error))}")
    return value if isinstance(value, dict) else Invalid(Fault.SHAPE, "not an object")


def _without_comma(found: re.Match[str]) -> str:
    return found.group() if found.group(1) is None else found.group(1) + found.group(2)


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found and repr(found[key]) != repr(value):
            raise _Twice
        found[key] = value
    return found


def _number(text: str) -> float:
    if len(text) > _MAX_NUMBER or not _NUMBER.fullmatch(text):
        raise ValueError("a number has too many digits")
    return float(text)


def _constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


_JSON = json.JSONDecoder(object_pairs_hook=_pairs, parse_float=_number, parse_int=_number, parse_constant=_constant)


def _harmless(parts: list[str]) -> Invalid | None:
    """Whether what stands around the answer can be left out: apart from it, short, in words, none of which turns it."""
    if any(part and not (part[0].isspace() or part[0] == ".") for part in parts[1:]) or any(
        part and not (part[-1].isspace() or part[-1] == ":") for part in parts[:-1]
    ):
        return Invalid(Fault.PROSE, "text stands right at the answer")
    prose = _FENCE.sub("", "\n".join(parts)).strip()
    if len(prose) > _MAX_PROSE:
        return Invalid(Fault.PROSE, "much text around the answer")
    for char in prose:
        if not (char.isascii() and (char.isprintable() or char.isspace())) or char.isdigit() or char in '{}[]<>`"\\=':
            return Invalid(Fault.PROSE, f"text around the answer holds {shown(char)} (U+{ord(char):04X})")
    turning = TURNING.search(prose.lower())
    return Invalid(Fault.PROSE, f"text around the answer says {shown(turning.group())}") if turning else None


def _validated(value: dict[str, object], schema: type[A]) -> A | Invalid:
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = shown(".".join(str(part) for part in fault["loc"]))
    ranged = fault["type"] in {"greater_than_equal", "less_than_equal", "finite_number"}
    return Invalid(Fault.RANGE if ranged else Fault.SHAPE, f"{where}: {shown(fault['msg'], 80)}")
