"""The formula from ballots to a verdict, recomputed by hand and held to its laws."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.debate import consensus
from fks_actors.agents.verdict import ASMBTR, SENTIMENT, shifted, weigh
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Vote

CONFIG = DebateConfig()
AGENTS = ("short_term", "mid_term", "long_term", ASMBTR, SENTIMENT, "forecast", "tradingview")


def vote(agent: str, action: Action, confidence: float) -> Vote:
    return Vote(agent, "BTC/USDT", 60_000, action, confidence, "")


def of(ballots: list[Ballot], weights: dict[str, float] | None = None, config: DebateConfig = CONFIG):  # type: ignore[no-untyped-def]
    return weigh(ballots, "BTC/USDT", 60_000, config, weights)


ballots_of = st.lists(
    st.builds(vote, st.sampled_from(AGENTS), st.sampled_from(Action), st.floats(0, 1)), unique_by=lambda v: v.agent
)


def test_weigh_when_all_speak_then_the_documented_formula() -> None:
    found = of([
        vote("short_term", Action.BUY, 0.8), vote("mid_term", Action.SELL, 0.2),
        vote(ASMBTR, Action.BUY, 0.12), vote(SENTIMENT, Action.SELL, 0.4),
    ])  # fmt: skip
    debate, asmbtr = 0.6, 0.12 / 0.2
    final = 0.75 * (0.5 * debate + 0.5 * asmbtr) + 0.25 * -0.4
    assert dict(found.scores) == pytest.approx({"debate": debate, ASMBTR: asmbtr, SENTIMENT: -0.4, "final": final})
    assert (found.strength, found.leaning, found.action) == (pytest.approx(final), Action.BUY, Action.HOLD)


def test_weigh_when_asmbtr_and_sentiment_are_silent_then_the_consensus_alone() -> None:
    votes: list[Ballot] = [vote("short_term", Action.BUY, 0.8), vote("mid_term", Action.BUY, 0.4)]
    silent: list[Ballot] = [
        vote(ASMBTR, Action.HOLD, 0.3), Abstain(SENTIMENT, "BTC/USDT", 60_000, AbstainReason.NO_DATA),
    ]  # fmt: skip
    plain = consensus(votes, "BTC/USDT", 60_000, CONFIG)
    found = of(votes + silent)
    assert (found.action, found.strength, found.net) == (plain.action, plain.strength, plain.net)


def test_weigh_when_only_asmbtr_votes_then_its_score_and_no_quorum() -> None:
    found = of([vote(ASMBTR, Action.SELL, 0.2)])
    assert (found.leaning, found.strength, found.action) == (Action.SELL, 1.0, Action.HOLD)


def test_weigh_when_a_mind_weighs_nothing_then_it_has_no_voice() -> None:
    ballots: list[Ballot] = [vote("short_term", Action.BUY, 0.5), vote("mid_term", Action.SELL, 1.0)]
    found = of(ballots, {"mid_term": 0.0})
    assert (found.leaning, found.strength, dict(found.weights)["mid_term"]) == (Action.BUY, 1.0, 0.0)


@given(ballots_of, st.randoms(use_true_random=False))
def test_weigh_when_the_order_changes_then_not_a_bit_does(votes: list[Ballot], luck: random.Random) -> None:
    mixed = list(votes)
    luck.shuffle(mixed)
    assert of(mixed) == of(votes)


@given(ballots_of)
def test_weigh_when_every_side_is_turned_then_the_score_is(votes: list[Vote]) -> None:
    turn = {Action.BUY: Action.SELL, Action.SELL: Action.BUY, Action.HOLD: Action.HOLD}
    mirrored = of([vote(v.agent, turn[v.action], v.confidence) for v in votes])
    assert mirrored.strength == of(list(votes)).strength <= 1.0
    assert mirrored.leaning == turn[of(list(votes)).leaning]


@given(ballots_of, st.floats(-1, 1))
def test_shifted_when_a_judge_speaks_then_the_score_moves_towards_it_and_no_further_than_the_bound(
    votes: list[Ballot], judged: float
) -> None:
    before = of(votes)
    after = shifted(before, judged, CONFIG, quorum=True)
    moved = dict(after.scores)["final"] - dict(before.scores)["final"]
    assert abs(moved) <= CONFIG.max_shift + 1e-12
    assert moved * (judged - dict(before.scores)["final"]) >= 0.0
    assert (after.action is not Action.HOLD) == (after.strength >= CONFIG.threshold)


def test_shifted_when_there_is_no_quorum_then_nothing_acts() -> None:
    before = of([vote(ASMBTR, Action.BUY, 0.2)])
    assert shifted(before, 1.0, CONFIG, quorum=False).action is Action.HOLD
