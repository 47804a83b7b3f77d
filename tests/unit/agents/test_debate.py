"""The consensus: its bounds, its symmetry, and that the order of speaking does not matter."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.debate import consensus, has_quorum
from fks_actors.errors import InvariantError
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Verdict, Vote

CONFIG = DebateConfig()
OPPOSITE = {Action.BUY: Action.SELL, Action.SELL: Action.BUY, Action.HOLD: Action.HOLD}
ABSTAIN = Abstain("d", "X", 1, AbstainReason.LATE)

votes = st.builds(
    Vote, st.sampled_from("abcdef"), st.just("X"), st.just(1), st.sampled_from(Action), st.floats(0.0, 1.0), st.just("")
)
ballots = st.lists(st.one_of(votes, st.just(ABSTAIN)), max_size=12)
configs = st.builds(
    DebateConfig,
    threshold=st.floats(0.01, 1.0),
    min_votes=st.integers(1, 4),
    weights=st.dictionaries(st.sampled_from("abc"), st.floats(0.0, 100.0)),
)


def vote(action: Action, confidence: float, agent: str = "a") -> Vote:
    return Vote(agent, "X", 1, action, confidence, "")


def decide(*given_: Ballot, config: DebateConfig = CONFIG) -> Verdict:
    return consensus(given_, "X", 1, config)


def test_decide_when_most_want_to_buy_then_buys() -> None:
    verdict = decide(vote(Action.BUY, 0.8), vote(Action.BUY, 0.6), vote(Action.SELL, 0.2))
    assert verdict == Verdict("X", 1, Action.BUY, Action.BUY, pytest.approx(1.2), pytest.approx(0.75), 0.6)


def test_decide_when_a_hold_is_sure_of_itself_then_it_weakens_the_rest() -> None:
    verdict = decide(vote(Action.BUY, 0.6), vote(Action.HOLD, 0.6))
    assert (verdict.action, verdict.leaning, verdict.strength) == (Action.HOLD, Action.BUY, 0.5)


def test_decide_when_strength_equals_the_threshold_then_acts() -> None:
    config = DebateConfig(threshold=0.5)
    assert decide(vote(Action.SELL, 0.75), vote(Action.BUY, 0.25), config=config).action is Action.SELL


def test_decide_when_votes_are_balanced_or_absent_or_empty_then_holds() -> None:
    for given_ in ((vote(Action.BUY, 0.3), vote(Action.SELL, 0.3)), (), (ABSTAIN,), (vote(Action.BUY, 0.0),) * 2):
        verdict = decide(*given_)
        assert (verdict.action, verdict.leaning, verdict.net, verdict.strength) == (Action.HOLD, Action.HOLD, 0.0, 0.0)


def test_decide_when_too_few_voted_then_holds_whatever_they_lean_to() -> None:
    given_ = (vote(Action.BUY, 1.0), ABSTAIN, ABSTAIN)
    assert (decide(*given_).action, decide(*given_).leaning) == (Action.HOLD, Action.BUY)
    assert not has_quorum(given_, CONFIG)
    assert has_quorum((*given_, vote(Action.HOLD, 0.1)), CONFIG)


def test_decide_when_a_mind_is_weighted_then_it_counts_so_often() -> None:
    config = DebateConfig(weights={"b": 3.0})
    verdict = decide(vote(Action.BUY, 0.5), vote(Action.SELL, 0.5, "b"), config=config)
    assert (verdict.net, verdict.strength, verdict.leaning) == (-1.0, 0.5, Action.SELL)


@pytest.mark.parametrize(
    "wrong", [{"symbol": "Y"}, {"ts_ms": 2}, {"confidence": 1.1}, {"confidence": float("nan")}, {"confidence": -0.1}]
)
def test_decide_when_a_ballot_is_amiss_then_it_is_an_invariant_error(wrong: dict[str, float]) -> None:
    with pytest.raises(InvariantError):
        decide(replace(vote(Action.BUY, 0.5), **wrong))


@given(ballots, configs)
def test_decide_when_any_votes_then_strength_is_a_share_and_action_obeys_the_threshold(
    given_: list[Ballot], config: DebateConfig
) -> None:
    verdict = decide(*given_, config=config)
    assert 0.0 <= verdict.strength <= 1.0
    acts = verdict.strength >= config.threshold and has_quorum(given_, config)
    assert verdict.action is (verdict.leaning if acts else Action.HOLD)


@given(ballots, configs)
def test_decide_when_every_vote_is_turned_round_then_so_is_the_verdict(
    given_: list[Ballot], config: DebateConfig
) -> None:
    turned = [replace(b, action=OPPOSITE[b.action]) if isinstance(b, Vote) else b for b in given_]
    one, other = decide(*given_, config=config), decide(*turned, config=config)
    assert (one.net, one.strength) == (-other.net, other.strength)
    assert (one.action, one.leaning) == (OPPOSITE[other.action], OPPOSITE[other.leaning])


@given(ballots, configs, st.integers(0, 2**32))
def test_decide_when_minds_speak_in_another_order_then_not_a_bit_changes(
    given_: list[Ballot], config: DebateConfig, seed: int
) -> None:
    shuffled = random.Random(seed).sample(given_, len(given_))
    assert repr(decide(*shuffled, config=config)) == repr(decide(*given_, config=config))
