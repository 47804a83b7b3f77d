"""An answer is found by everything that it depends on and by nothing else; what is held is bounded."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.llm.cache import AnswerCache, Remembered, cache_key
from fks_actors.llm.ports import Prompt
from fks_actors.model.debates import Tier
from tests.unit.llm.parts import GOOD, SCHEMA, prompt

LONG = "BTC/USDT closed at 65000 after 24 bars; RSI 71.2, the band is wide and the trend is up; how strong is the case?"


def remembered(asked: Prompt, provider: str = "p", model: str = "m") -> Remembered:
    return Remembered(cache_key(provider, model, asked), provider, model, asked.name, GOOD)


CHANGES: list[dict[str, Any]] = [
    {"name": "case@2"}, {"system": "other"}, {"user": "other"}, {"schema": {"type": "object"}}, {"temperature": 0.7},
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: next(iter(c)))
def test_cache_key_when_anything_asked_changes_then_it_does(change: dict[str, Any]) -> None:
    assert cache_key("p", "m", replace(prompt(), **change)) != cache_key("p", "m", prompt())


def test_cache_key_when_the_model_changes_then_it_does_and_when_the_asker_changes_not() -> None:
    keys = {cache_key("p", "m", prompt()), cache_key("q", "m", prompt()), cache_key("p", "n", prompt())}
    assert len(keys) == 3
    turned = dict(reversed(SCHEMA.items()))
    same = replace(prompt(), agent="bear", tier=Tier.ROUTINE, max_tokens=9, schema=turned)
    assert cache_key("p", "m", same) in keys


@given(st.text(), st.text(), st.text(), st.text())
def test_cache_key_when_texts_are_cut_elsewhere_then_it_differs(a: str, b: str, c: str, d: str) -> None:
    first, second = (replace(prompt(), system=s, user=u) for s, u in ((a, b), (c, d)))
    assert (cache_key("p", "m", first) == cache_key("p", "m", second)) == ((a, b) == (c, d))


def test_put_when_full_then_the_one_not_asked_for_longest_goes() -> None:
    cache = AnswerCache(2)
    asked = [prompt(f"q{n}") for n in range(3)]
    answers = [remembered(p) for p in asked]
    cache.put(answers[0], asked[0])
    cache.put(answers[1], asked[1])
    assert cache.find(answers[0].key) == answers[0]
    cache.put(answers[2], asked[2])
    assert [cache.find(a.key) is not None for a in answers] == [True, False, True]
    assert len(cache) == 2


def test_find_near_when_off_then_nothing_however_alike() -> None:
    cache = AnswerCache(8)
    cache.put(remembered(prompt(LONG)), prompt(LONG))
    assert cache.find_near("p", "m", prompt(LONG + " ")) is None


def test_find_near_when_on_then_only_what_is_alike_of_the_same_model_prompt_and_schema() -> None:
    cache = AnswerCache(8, near=0.9)
    answer = remembered(prompt(LONG))
    cache.put(answer, prompt(LONG))
    alike = prompt(LONG.replace("; how", ", how").upper())
    assert cache.find_near("p", "m", alike) == answer
    assert cache.find_near("p", "m", prompt(LONG.replace("71.2", "28.9").replace("65000", "100"))) is None
    assert cache.find_near("q", "m", alike) is None
    assert cache.find_near("p", "n", alike) is None
    assert cache.find_near("p", "m", replace(alike, name="case@2")) is None
    assert cache.find_near("p", "m", replace(alike, schema={})) is None
    assert cache.find_near("p", "m", prompt("")) is None


def test_find_near_when_many_were_pushed_out_then_they_are_forgotten() -> None:
    cache = AnswerCache(3, near=0.9)
    for number in range(600):
        asked = prompt(f"{LONG} {number} {number} {number}")
        cache.put(remembered(asked), asked)
    assert len(cache) == 3
    assert sum(len(kin) for kin in cache._kin.values()) == 3
    assert len(cache._kind_of) == 3


def test_put_when_answers_are_long_then_their_characters_are_bounded_too() -> None:
    cache = AnswerCache(1_000)
    for number in range(200):
        asked = prompt(f"q{number}")
        answer = replace(remembered(asked), text="x" * 100_000)
        cache.put(answer, asked)
        cache.put(answer, asked)
    assert len(cache) == (8 << 20) // 100_000
    assert cache.find(remembered(prompt("q199")).key) is not None
