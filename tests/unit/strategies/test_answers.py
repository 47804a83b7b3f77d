"""What an answer becomes: a target, a vote, an abstention."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.model.votes import Abstain, AbstainReason, Action, Vote
from fks_actors.strategies.answers import Fault, ballot, judged
from fks_actors.strategies.port import Opinion
from tests.unit.strategies.written import BTC, bar


@pytest.mark.parametrize(
    ("said", "target"),
    [
        (0.25, 0.25),
        (1, 1.0),
        (True, 1.0),
        (False, 0.0),
        (np.float32(0.5), 0.5),
        (np.bool_(True), 1.0),
        (Decimal("0.5"), 0.5),
    ],
)
def test_judged_when_a_number_in_0_to_1_is_given_then_it_is_the_target(said: Any, target: float) -> None:
    found = judged(said)
    assert (found, type(found)) == (target, float)


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (float("nan"), "answered nan; a target lies in 0..1"),
        (float("inf"), "answered inf; a target lies in 0..1"),
        (1.5, "answered 1.5; a target lies in 0..1"),
        (-1, "answered -1; a target lies in 0..1"),
        ("buy", "answered 'buy'; an answer is a number in 0..1, an Opinion or None"),
        ([1.0], "answered [1.0]; an answer is"),
        (np.array([1.0, 2.0]), "answered array([1., 2.]); an answer is"),
        (Odd(), "answered a Odd (RuntimeError in its __repr__); an answer is"),
        (Opinion(Action.BUY, 1.5), "; a confidence lies in 0..1"),
        (Opinion(Action.BUY, float("nan")), "; a confidence lies in 0..1"),
        (Opinion("up", 1.0), "; an Opinion has an action and a confidence"),  # type: ignore[arg-type]
        (Opinion(Action.BUY, "much"), "; an Opinion has an action and a confidence"),  # type: ignore[arg-type]
    ],
)
def test_judged_when_it_is_no_answer_then_names_what_was_given(said: Any, told: str) -> None:
    found = judged(said)
    assert isinstance(found, Fault)
    assert told in found.text
    assert ballot("mine", bar(3), found) == Abstain("mine", BTC, 180_000, AbstainReason.FAILED, found.text)


def test_ballot_when_a_target_is_wanted_then_it_is_a_vote_that_names_it() -> None:
    assert ballot("mine", bar(3), 0.25) == Vote(
        "mine", BTC, 180_000, Action.BUY, 0.25, "wants 25.00% of equity", (), 0.25
    )
    flat = ballot("mine", bar(3), 0.0)
    assert isinstance(flat, Vote)
    assert (flat.action, flat.confidence, flat.target) == (Action.SELL, 1.0, 0.0)


def test_ballot_when_an_opinion_is_given_then_it_is_that_vote_and_names_no_target() -> None:
    found = ballot("mine", bar(3), judged(Opinion("sell", 0.7, "too high")))  # type: ignore[arg-type]
    assert found == Vote("mine", BTC, 180_000, Action.SELL, 0.7, "too high")


def test_ballot_when_there_is_no_opinion_yet_then_it_is_warming_up() -> None:
    assert ballot("mine", bar(3), judged(None)) == Abstain(
        "mine", BTC, 180_000, AbstainReason.WARMING_UP, "no opinion yet"
    )


@given(st.floats() | st.integers() | st.text() | st.none() | st.lists(st.integers()))
def test_judged_when_anything_is_given_then_a_target_lies_within_0_to_1(said: Any) -> None:
    found = judged(said)
    assert found is None or isinstance(found, Fault) or 0.0 <= found <= 1.0  # type: ignore[operator]
