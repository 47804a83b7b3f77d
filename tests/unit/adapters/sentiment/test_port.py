"""Scores are probabilities, whatever they are made of."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.adapters.sentiment.port import TEXT_LIMIT, Score
from fks_actors.adapters.sentiment.texts import clean
from tests.unit.adapters.sentiment.contract import is_bounded

weights = st.floats(0.0, 1e6)


@given(st.tuples(weights, weights, weights))
def test_score_when_made_of_weights_then_it_keeps_their_order_and_bounds(
    given_weights: tuple[float, float, float],
) -> None:
    score = Score.of(given_weights)
    is_bounded(score)
    if given_weights[2] > given_weights[0]:
        assert score.value >= 0.0
    if given_weights[2] < given_weights[0]:
        assert score.value <= 0.0


def test_score_when_all_weights_are_zero_then_it_is_neutral() -> None:
    assert Score.of((0.0, 0.0, 0.0)) == Score(0.0, 1.0, 0.0)


@pytest.mark.parametrize("parts", [(0.5, 0.5, 0.5), (-0.1, 0.6, 0.5), (1.2, -0.1, -0.1), (math.nan, 0.5, 0.5)])
def test_score_when_parts_are_no_probabilities_then_it_is_refused(parts: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="no probabilities"):
        Score(*parts)


@given(st.text(max_size=300))
def test_clean_when_given_any_text_then_it_is_one_visible_encodable_line(text: str) -> None:
    cleaned = clean(text)
    assert cleaned == clean(cleaned)
    assert cleaned.isprintable() or all(c.isspace() or c.isprintable() for c in cleaned)
    assert not set("\r\n\x00\u200b\u202e") & set(cleaned)
    cleaned.encode("utf-8")


@pytest.mark.parametrize("text", ["x" * 5_000, "\ufdfa" * 5_000])
def test_clean_when_text_is_long_then_its_beginning_is_kept(text: str) -> None:
    assert 0 < len(clean(text)) <= TEXT_LIMIT


def test_clean_when_words_are_disguised_then_they_are_plain() -> None:
    assert clean("pro\u200bfit r\u00adose ５\u2009％") == "profit rose 5 %"
