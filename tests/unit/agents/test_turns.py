"""When a debate is held, what counts as a turn, and what comes of the turns: never more than the bound allows."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.turns import (
    GREY_BAND,
    LARGE_NOTIONAL,
    abstained,
    both_heard,
    checked,
    concluded,
    decoded,
    encoded,
    triggers,
)
from fks_actors.model.debates import CallOutcome, Role, Turn
from fks_actors.model.votes import Action, Verdict
from tests.debaters import motion, turn

CONFIG = DebateConfig()


def verdict(strength: float, leaning: Action = Action.BUY) -> Verdict:
    return Verdict("BTC/USDT", 0, Action.HOLD, leaning, 0.1, strength, 0.6)


@pytest.mark.parametrize(
    ("strength", "stake", "found"),
    [
        (0.449, 4_999, ()),
        (0.45, 4_999, (GREY_BAND,)),
        (0.75, 4_999, (GREY_BAND,)),
        (0.751, 4_999, ()),
        (0.1, 5_000, (LARGE_NOTIONAL,)),
        (0.6, 5_000, (GREY_BAND, LARGE_NOTIONAL)),
    ],
)
def test_triggers_when_the_score_or_the_stake_is_at_a_bound_then_it_is_within(
    strength: float, stake: int, found: tuple[str, ...]
) -> None:
    assert triggers(verdict(strength), Decimal(stake), CONFIG) == found
    assert triggers(replace(verdict(strength), target=0.5), Decimal(stake), CONFIG) == ()


def test_triggers_when_the_verdict_leans_nowhere_then_no_stake_is_large() -> None:
    assert triggers(verdict(0.0, Action.HOLD), Decimal(10**9), CONFIG) == ()


BULL, BEAR, JUDGE = (turn(role) for role in Role)


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        (None, "a NoneType is no turn"),
        ({"role": "bull", "score": 1}, "a dict is no turn"),
        (replace(BULL, call="vllm"), "a Turn is no turn"),
        (replace(BULL, role=Role.JUDGE), "a turn of judge in round 1 for bull in round 1"),
        (replace(BULL, round=2), "a turn of bull in round 2 for bull in round 1"),
        (replace(BULL, score=1.01), "score 1.01 outside 0..1"),
        (replace(BULL, score=-0.2), "score -0.2 outside 0..1"),
        (replace(BULL, score=float("nan")), "score nan outside 0..1"),
        (replace(BULL, score="0.5"), "score 0.5 outside 0..1"),
        (turn(Role.BULL, outcome=CallOutcome.LATE), "a score although the call ended as late"),
        (replace(BULL, text="half a pair \ud800"), "the turn cannot be written down"),
        (replace(BULL, cites=(1,)), "the turn cannot be written down"),
        (turn(Role.BULL, latency_ms=1.5), "the turn cannot be written down"),
        (turn(Role.BULL, cost_usd=Decimal("nan")), "the turn cannot be written down"),
    ],
)
def test_checked_when_an_answer_is_amiss_then_it_is_an_abstention_that_says_why(given_: Any, said: str) -> None:
    made = checked(given_, Role.BULL, 1)
    assert (made.role, made.round, made.score, made.text) == (Role.BULL, 1, None, "")
    assert (made.call.outcome, made.call.detail) == (CallOutcome.INVALID, said)
    assert decoded(encoded(made)) == made


def test_checked_when_a_bad_answer_was_paid_for_then_its_cost_stays() -> None:
    made = checked(turn(Role.BEAR, score=0.4, cost_usd=Decimal("0.5"), tokens_out=9), Role.BEAR, 1)
    assert (made.score, made.call.cost_usd, made.call.tokens_out) == (None, Decimal("0.5"), 9)


def test_checked_when_the_text_is_endless_then_it_is_cut_and_the_score_counts() -> None:
    made = checked(replace(JUDGE, text="x" * 10**6), Role.JUDGE, 1)
    assert (len(made.text), made.score) == (4_000, JUDGE.score)


@pytest.mark.parametrize("missing", Role)
def test_concluded_when_one_of_them_has_no_answer_then_the_arithmetic_stands(missing: Role) -> None:
    turns = [t if t.role is not missing else abstained(missing, 1, CallOutcome.LATE, "") for t in (BULL, BEAR, JUDGE)]
    before = motion(0.5).brief.verdict
    after, debate = concluded(before, turns, ("asked",), CONFIG, quorum=True)
    assert after == before
    assert (debate.before, debate.judged, debate.after) == (0.5, None, 0.5)
    assert debate.turns == tuple(turns)


def test_concluded_when_a_side_was_silent_in_one_round_then_its_other_counts() -> None:
    silent = abstained(Role.BULL, 1, CallOutcome.FAILED, "")
    turns = [silent, BEAR, turn(Role.BULL, 2), turn(Role.BEAR, 2), turn(Role.JUDGE, 2)]
    _, debate = concluded(motion(0.5).brief.verdict, turns, (), CONFIG, quorum=True)
    assert (debate.judged, debate.after) == (0.9, pytest.approx(0.65))


def test_concluded_when_too_few_minds_voted_then_no_judge_makes_it_act() -> None:
    after, debate = concluded(motion(0.59).brief.verdict, [BULL, BEAR, JUDGE], (), CONFIG, quorum=False)
    assert (after.action, debate.after) == (Action.HOLD, pytest.approx(0.74))


ROLES = st.sampled_from(Role)
SCORES = st.none() | st.floats(-2, 2) | st.just(float("nan"))


@given(
    st.floats(0, 1),
    st.lists(st.tuples(ROLES, st.integers(1, 2), SCORES, st.sampled_from(CallOutcome)), max_size=8),
    st.floats(0, 1),
    st.booleans(),
)
def test_concluded_when_anything_was_said_then_the_score_moves_by_no_more_than_the_bound(
    strength: float, answers: list[tuple[Role, int, float | None, CallOutcome]], most: float, quorum: bool
) -> None:
    config = DebateConfig(max_shift=most)
    before = motion(strength).brief.verdict
    given_ = [replace(turn(role, number, outcome=how), score=score) for role, number, score, how in answers]
    turns = [checked(each, each.role, each.round) for each in given_]
    after, debate = concluded(before, turns, (), config, quorum)
    assert abs(debate.after - debate.before) <= most + 1e-12
    assert dict(after.scores)["final"] == debate.after
    assert abs(debate.after) <= 1.0
    if debate.judged is None:
        assert after == before
    else:
        assert both_heard(turns)
        assert (after.action is not Action.HOLD) == (quorum and after.strength >= after.threshold)


@given(st.builds(turn, ROLES, st.integers(1, 5), st.none() | st.floats(-1, 1), st.text(max_size=20)))
def test_encoded_when_it_is_read_again_then_nothing_is_lost(said: Turn) -> None:
    kept = checked(said, said.role, said.round)
    assert decoded(encoded(kept)) == kept
    assert repr(decoded(encoded(kept)).call.cost_usd) == repr(kept.call.cost_usd)
