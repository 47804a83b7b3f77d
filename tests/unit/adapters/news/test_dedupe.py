"""Headlines that were told before: by id, in the same words, in nearly the same; never the opposite."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.adapters.news.dedupe import Dedupe, Seen, words_of

HOUR = 3_600_000
LONG = "Bitcoin price rises above its yearly high as traders cheer the first spot fund in the country"


def dedupe(capacity: int = 1_000) -> Dedupe:
    return Dedupe(48 * HOUR, 200 * HOUR, capacity)


def test_look_when_the_id_comes_again_then_known_whatever_it_says() -> None:
    held = dedupe()
    assert [held.look("a", "One", 0), held.look("a", "Two", 0)] == [Seen.NEW, Seen.KNOWN]
    assert held.knows("a")


@pytest.mark.parametrize("again", ["bitcoin, falls!", "  BITCOIN FALLS", "Bitcoin’s “falls”", "Bïtcoin falls"])
def test_look_when_only_dress_differs_then_duplicate(again: str) -> None:
    held = dedupe()
    held.look("a", "Bitcoin falls", 0)
    assert held.look("b", again, HOUR) is Seen.DUPLICATE


@pytest.mark.parametrize(
    ("again", "seen"),
    [
        (LONG.replace("cheer", "welcome"), Seen.NEAR),
        (LONG + " today", Seen.NEAR),
        (LONG.replace("rises", "falls"), Seen.NEW),
        (LONG.replace("above", "below"), Seen.NEW),
        (LONG.replace("cheer", "do not cheer"), Seen.NEW),
        (LONG + " 2024", Seen.NEW),
        ("Ethereum foundation sells", Seen.NEW),
    ],
)
def test_look_when_a_few_words_differ_then_near_unless_they_turn_the_sense(again: str, seen: Seen) -> None:
    held = dedupe()
    held.look("a", LONG, 0)
    assert held.look("b", again, 0) is seen


def test_look_when_the_same_words_stand_in_another_order_then_new() -> None:
    held = dedupe()
    held.look("a", "Ethereum flips Bitcoin", 0)
    assert held.look("b", "Bitcoin flips Ethereum", 0) is Seen.NEW


def test_look_when_the_repetition_is_published_long_after_then_new() -> None:
    held = dedupe()
    held.look("a", LONG, 0)
    assert held.look("b", LONG, 49 * HOUR) is Seen.NEW


def test_look_when_far_more_is_seen_than_it_remembers_then_it_stays_small() -> None:
    held = dedupe(capacity=50)
    for n in range(2_000):
        held.look(str(n), f"word{n} and common words", 0)
    assert len(held) == 50
    assert not held.knows("0")
    assert held.look("again", "word1999 and common words", 0) is Seen.DUPLICATE
    assert len(held._index) <= 50 * 3


WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "up", "down", "5", "7")
words = st.sampled_from(WORDS)
titles = st.lists(words, min_size=1, max_size=12, unique=True).map(" ".join)


@given(st.lists(st.tuples(titles, st.integers(0, 150)), max_size=25))
def test_look_when_compared_with_every_earlier_headline_then_the_same_answer(told: list[tuple[str, int]]) -> None:
    """The index finds what a comparison with each of them finds."""
    told = sorted(told, key=lambda pair: pair[1])
    held = dedupe()
    for n, (title, at) in enumerate(told):
        expected = Seen.NEW
        for other, before in told[:n]:
            if at - before <= 48:
                if words_of(title) == words_of(other):
                    expected = Seen.DUPLICATE
                    break
                if _alike(title, other):
                    expected = Seen.NEAR
        assert held.look(str(n), title, at * HOUR) is expected


def _alike(one: str, other: str) -> bool:
    first, second = words_of(one), words_of(other)
    shared, union = set(first) & set(second), set(first) | set(second)
    strict = {"up", "down", "5", "7"}
    in_order = [w for w in first if w in shared] == [w for w in second if w in shared]
    return set(first) & strict == set(second) & strict and 5 * len(shared) >= 4 * len(union) and in_order


def test_look_when_begun_one_span_later_then_the_same_answers_from_then_on() -> None:
    rng = random.Random(7)
    vocabulary = [f"w{chr(97 + n)}{chr(97 + m)}" for n in range(4) for m in range(5)]
    told = [(f"{n}", " ".join(rng.sample(vocabulary, 9)), n * HOUR // 4) for n in range(1_200)]
    told = [
        (n, told[int(n) - rng.randrange(1, 300)][1] if rng.random() < 0.3 and int(n) > 300 else t, at)
        for n, t, at in told
    ]
    straight, late = dedupe(10_000), dedupe(10_000)
    answers = [straight.look(*each) for each in told]
    begin = 500
    others = [late.look(*each) for each in told[begin:]]
    after = begin + 48 * 4 + 1
    assert answers[after:] == others[after - begin :]
    assert answers[after:].count(Seen.DUPLICATE) > 50
