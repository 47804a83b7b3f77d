"""Reading: 300 answers gone wrong, each with its fate, and laws that hold for any text at all."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.llm.reading import MAX_CHARS, read
from fks_actors.llm.schemas import Case, Fault, Invalid, Judgement
from fks_actors.llm.speaker import check
from fks_actors.model.debates import Role
from tests.unit.llm.briefs import BRIEF
from tests.unit.llm.hostile_answers import HARMLESS, PLAIN, READ, Fate, P, corpus

JUDGED = Judgement.model_validate(PLAIN)
CORPUS = tuple(corpus())

texts = st.text(min_size=1, max_size=20)
judgements = st.builds(
    Judgement,
    cites=st.lists(texts, min_size=1, max_size=4).map(tuple),
    reason=st.text(min_size=1, max_size=80),
    score=st.floats(-1, 1),
    confidence=st.floats(0, 1),
)
cases = st.builds(
    Case,
    cites=st.lists(texts, min_size=1, max_size=4).map(tuple),
    claims=st.lists(texts, min_size=1, max_size=4).map(tuple),
    strength=st.floats(0, 1),
)
blanks = st.text(" \n\t\r", max_size=5)
harmless_prose = st.sampled_from(
    ["", "Here it is:\n", "## Answer\n", "<think>hm, sell?</think>", "Sure! As asked:\n\n"]
)
dirt = st.text(max_size=6) | st.sampled_from(
    ["-", "not ", "0", "9", "e1", "{", "}", "[", "]", '"', "\\", ",", ":", "1.", "</think>", "<think>", "true", P]
)


@pytest.mark.parametrize(
    ("text", "fate"), [(text, fate) for _, text, fate in CORPUS], ids=[name for name, *_ in CORPUS]
)
def test_check_when_an_answer_is_malformed_or_hostile_then_it_has_its_fate(text: str, fate: Fate) -> None:
    found = check(Role.JUDGE, BRIEF, text)
    if fate is READ:
        assert found == JUDGED
    else:
        assert isinstance(found, Invalid)
        assert found.code is fate
        assert len(found.detail) <= 200
        assert found.detail.isascii()
        assert found.detail.isprintable()


def test_corpus_when_counted_then_it_is_large_and_no_text_stands_twice() -> None:
    assert len(CORPUS) >= 300
    assert len({text for _, text, _ in CORPUS}) == len(CORPUS)
    assert {fate for _, _, fate in CORPUS if fate} == set(Fault)


@pytest.mark.parametrize("name", HARMLESS)
def test_read_when_a_harmless_form_is_turned_round_then_it_reads_the_other_sign(name: str) -> None:
    turned = HARMLESS[name].replace("0.4", "-0.4").replace("4e-1", "-4e-1").replace("0.04E+1", "-0.04E+1")
    assert read(turned, Judgement) == JUDGED.model_copy(update={"score": -0.4})


def test_read_when_bytes_are_given_then_they_are_utf_8_or_refused() -> None:
    assert read(P.encode(), Judgement) == JUDGED
    assert read(b"\xef\xbb\xbf" + P.encode(), Judgement) == JUDGED
    for raw in (P.encode("utf-16"), P.encode() + b"\xff", b"\xc0\xaf" + P.encode()):
        found = read(raw, Judgement)
        assert isinstance(found, Invalid)
        assert found.code is Fault.NOT_TEXT


def test_read_when_a_case_is_asked_then_it_is_closed_and_bounded() -> None:
    def case(claims: str, strength: str) -> Case | Invalid:
        return read(f'{{"cites": ["rsi"], "claims": {claims}, "strength": {strength}}}', Case)

    assert case('["None."]', "0") == Case(cites=("rsi",), claims=("None.",), strength=0.0)
    for claims, strength in (("[]", "0.1"), ('["a"]', "-0.1"), ('["a"]', "1.1"), ('["a", "b", "c", "d", "e"]', "0.1")):
        assert isinstance(case(claims, strength), Invalid)
    assert isinstance(read(P, Case), Invalid)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000_000,
        "{" * 10_000_000,
        P * 100_000,
        "{" * MAX_CHARS,
        "[" * MAX_CHARS,
        '{"a' + '\\"' * (MAX_CHARS // 2 - 10),
        " " * (MAX_CHARS - len(P)) + P,
        P[:-1] + " ," * 30_000 + "}",
        P[:-1] + "," + " " * 60_000,
        "<think>" * 9_000,
        "<think></think>" * 4_000,
        "</think>" * 8_000,
        "```json\n" * 8_000,
        "</s>" * 16_000,
        "{}" * 32_000,
        '{"a":"b"' + ',"a":"b"' * 8_000 + "}",
        '{"a":' + "1" * 65_000 + "}",
        '{"a":[' + "1," * 30_000 + "]}",
    ],
    ids=lambda text: f"{text[:8]!r}x{len(text)}",
)
def test_read_when_a_text_is_huge_or_built_to_cost_then_it_takes_milliseconds(text: str) -> None:
    read(text[:10], Judgement)
    started = time.perf_counter()
    read(text, Judgement)
    assert time.perf_counter() - started < 0.25  # a quadratic reader takes minutes; this one 10 ms on a quiet machine


@given(st.text(max_size=400) | st.binary(max_size=400))
def test_read_when_any_text_then_never_raises_and_gives_no_answer_by_chance(text: str | bytes) -> None:
    assert isinstance(read(text, Judgement), Invalid)
    assert isinstance(read(text, Case), Invalid)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*PLAIN, "x"]), inner, max_size=5),
    max_leaves=12,
)


@given(json_values)
def test_read_when_any_json_then_an_answer_only_where_the_json_is_one(value: Any) -> None:
    found = read(json.dumps(value), Judgement)
    assert isinstance(found, Invalid) or _of(found) == value


@given(judgements | cases, blanks, blanks, harmless_prose, st.booleans(), st.sampled_from([None, 1, 4]))
def test_read_when_an_answer_is_written_in_any_harmless_way_then_it_reads_back_the_same(
    answer: Judgement | Case, before: str, after: str, prose: str, fenced: bool, indent: int | None
) -> None:
    text = json.dumps(_of(answer), indent=indent, ensure_ascii=not fenced)
    text = f"{before}\n```json\n{text}\n```\n{after}" if fenced else f"{before}{text}{after}"
    assert read(prose + text, type(answer)) == answer


Edit = Callable[[str], str]


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    """A byte flipped, a piece cut out, doubled, moved to the end, or dirt put in, somewhere."""
    where, length = draw(st.floats(0, 1)), draw(st.integers(1, 12))
    put = draw(dirt)
    kind = draw(st.sampled_from(["insert", "cut", "replace", "double", "truncate", "move", "flip"]))

    def edit(text: str) -> str:
        at = int(where * len(text))
        piece, rest = text[at : at + length], text[at + length :]
        if kind == "flip" and piece:
            return text[:at] + chr(ord(piece[0]) ^ 1 << length % 7) + text[at + 1 :]
        made = {"insert": put + piece, "cut": "", "replace": put, "double": piece * 2, "flip": piece}
        if kind in made:
            return text[:at] + made[kind] + rest
        return text[:at] if kind == "truncate" else text[:at] + rest + piece

    return edit


@given(
    judgements,
    st.sampled_from(["{}", "```json\n{}\n```", "<think>x</think>\n{}", "Here:\n{}\n"]),
    st.lists(edits(), min_size=1, max_size=3),
)
def test_read_when_an_answer_is_mutated_then_its_meaning_is_the_old_one_or_what_the_text_itself_says(
    answer: Judgement, around: str, mutations: list[Edit]
) -> None:
    text = around.replace("{}", json.dumps(_of(answer)))
    for mutate in mutations:
        text = mutate(text)
    found = read(text, Judgement)
    if not isinstance(found, Invalid) and found != answer:
        assert _of(found) in list(_valid_objects(text))


@given(st.floats(-1, 1), st.floats(0, 1), st.lists(edits(), min_size=1, max_size=2))
def test_check_when_a_judges_numbers_are_mutated_then_no_score_appears_that_the_text_does_not_spell(
    score: float, confidence: float, mutations: list[Edit]
) -> None:
    text = json.dumps({**PLAIN, "score": round(score, 3), "confidence": round(confidence, 3)})
    for mutate in mutations:
        text = mutate(text)
    found = check(Role.JUDGE, BRIEF, text)
    if isinstance(found, Judgement):
        spelled = re.findall(r'"score":\s*(-?[0-9.eE+-]+)', text.replace("\\u", ""))
        assert found.score in [float(number) for number in spelled if _is_number(number)]


def _of(answer: Judgement | Case) -> dict[str, Any]:
    return answer.model_dump(mode="json")


def _valid_objects(text: str) -> Any:
    """Every object that strict JSON finds in a text: the reader's oracle, which tries each brace."""
    for start in (at for at, char in enumerate(text) if char == "{"):
        try:
            value, _ = json.JSONDecoder().raw_decode(_without_commas(text[start:]))
        except ValueError:
            continue
        yield value


def _without_commas(text: str) -> str:
    return re.sub(r",(\s*[}\]])", r"\1", text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
