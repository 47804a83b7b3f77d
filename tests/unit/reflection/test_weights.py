"""Weights are equal until enough is known, bounded, one on average, and rise with the skill."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.reflection.config import ReflectionConfig
from fks_actors.reflection.scores import Score, weights

AGENTS = ("a", "b", "c", "d")
CONFIG = ReflectionConfig()


def known(agent: str, brier: float, independent: float = 100.0, error: float = 0.1) -> Score:
    return Score(agent, 4, None, int(independent) + 1, independent, brier, error)


@st.composite
def scored(draw: st.DrawFn) -> list[Score]:
    briers, counts = st.floats(0.0, 1.0), st.one_of(st.floats(0.1, 60.0), st.floats(1.0, 1e6))
    return [known(agent, draw(briers), draw(counts)) for agent in AGENTS[: draw(st.integers(1, 4))]]


@st.composite
def configs(draw: st.DrawFn) -> ReflectionConfig:
    return ReflectionConfig(
        min_outcomes=draw(st.integers(1, 60)),
        prior_outcomes=draw(st.floats(0.1, 1_000.0)),
        gain=draw(st.floats(0.0, 10.0)),
        least_weight=draw(st.floats(0.01, 1.0)),
        most_weight=draw(st.floats(1.0, 10.0)),
    )


@given(scores=scored(), config=configs(), seed=st.integers(0, 99))
@settings(max_examples=300, deadline=None)
def test_weights_when_scores_are_anything_then_bounded_one_on_average_and_free_of_order(
    scores: list[Score], config: ReflectionConfig, seed: int
) -> None:
    found = weights(scores, config)
    assert set(found) == {each.agent for each in scores}
    least, most = config.least_weight / config.most_weight, config.most_weight / config.least_weight
    assert all(least - 1e-9 <= weight <= most + 1e-9 for weight in found.values())
    assert sum(found.values()) / len(found) == pytest.approx(1.0)
    assert weights(random.Random(seed).sample(scores, len(scores)), config) == found
    grown = [each for each in scores if each.independent >= config.min_outcomes]
    assert all(found[each.agent] == 1.0 for each in scores if each not in grown)
    for one in grown:
        for other in grown:
            if one.brier < other.brier and one.independent == other.independent:
                assert found[one.agent] >= found[other.agent]


def test_weights_when_outcomes_are_too_few_then_exactly_equal() -> None:
    few = [known("a", 0.0, 19.9), known("b", 1.0, 19.9)]
    assert weights(few, CONFIG) == {"a": 1.0, "b": 1.0}
    assert weights([], CONFIG) == {}
    enough = [replace(each, independent=20.0) for each in few]
    assert weights(enough, CONFIG)["a"] > 1.0 > weights(enough, CONFIG)["b"]


def test_weights_when_more_is_known_then_the_difference_is_believed_more() -> None:
    spread = []
    for count in (20.0, 50.0, 500.0):
        found = weights([known("a", 0.2, count), known("b", 0.3, count)], CONFIG)
        spread.append(found["a"] - found["b"])
    # skills 0.2 and -0.2: the whole difference is 0.4, of which n / (n + 50) is believed
    assert spread == [pytest.approx(0.4 * n / (n + 50)) for n in (20.0, 50.0, 500.0)]


def test_weights_when_one_mind_is_as_good_as_the_other_then_equal_however_bad_both_are() -> None:
    assert weights([known("a", 0.4), known("b", 0.4, 1_000.0)], CONFIG) == {"a": 1.0, "b": 1.0}


def test_weights_when_a_mind_is_always_wrong_then_no_less_than_the_least() -> None:
    found = weights([known("a", 0.0, 1e6), known("b", 1.0, 1e6)], CONFIG)
    assert found["b"] / found["a"] == pytest.approx(CONFIG.least_weight / CONFIG.most_weight)
