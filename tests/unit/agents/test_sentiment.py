"""The sentiment mind's formulas, recomputed by hand and held to their laws."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.agents.config import SentimentConfig
from fks_actors.agents.sentiment import AGENT, Regime, Scored, SentimentView, view, vote
from fks_actors.model.votes import Abstain, AbstainReason, Action, Vote

HOUR = 3_600_000
DAY = 24 * HOUR
CLOSE = 1_650_000_000_000
BTC = "BTC/USDT"
CONFIG = SentimentConfig()


def said(age_ms: int, value: float, weight: float = 1.0, number: int = 0) -> Scored:
    return Scored(f"{age_ms:x}-{number}", CLOSE - age_ms, value, weight)


def seen(*items: Scored, config: SentimentConfig = CONFIG) -> SentimentView:
    return view(items, BTC, CLOSE, config)


def voted(*items: Scored, config: SentimentConfig = CONFIG) -> Vote:
    ballot = vote(seen(*items, config=config), CLOSE - HOUR, config)
    assert isinstance(ballot, Vote)
    return ballot


headlines = st.lists(
    st.builds(said, st.integers(-2 * DAY, 10 * DAY), st.floats(-1, 1), st.floats(0, 1), st.integers(0, 1_000_000)),
    max_size=30,
)


def test_view_when_two_headlines_differ_in_age_then_the_older_counts_half_at_its_half_life() -> None:
    old, new = said(6 * HOUR, -1.0), said(0, 0.5, 0.8)
    found = seen(old, new)
    assert found.weight == pytest.approx(0.5 + 0.8)
    assert found.score == pytest.approx((0.5 * -1.0 + 0.8 * 0.5) / 1.3)
    assert found.effective == pytest.approx(1.3**2 / (0.5**2 + 0.8**2))
    assert (found.headlines, found.newest) == (2, new.id)


@given(headlines)
def test_view_when_anything_is_said_then_score_and_effective_size_are_bounded(items: list[Scored]) -> None:
    found = seen(*items)
    assert -1.0 <= found.score <= 1.0
    assert 0.0 <= found.effective <= found.headlines * (1 + 1e-9)
    assert found.volume_ratio > 0.0
    assert all(math.isfinite(x) for x in (found.weight, found.score, found.effective, found.volume_ratio))


@given(headlines, st.randoms())
def test_view_when_the_order_changes_then_not_a_bit_of_it_does(items: list[Scored], luck: random.Random) -> None:
    shuffled = list(items)
    luck.shuffle(shuffled)
    assert seen(*shuffled) == seen(*items)


@given(headlines, headlines)
def test_view_when_the_future_changes_then_nothing_does(items: list[Scored], others: list[Scored]) -> None:
    past = [each for each in items if each.ts_ms <= CLOSE]
    future = [each for each in others if each.ts_ms > CLOSE]
    assert seen(*past, *future) == seen(*past)


@given(headlines)
def test_vote_when_every_value_is_mirrored_then_the_action_is(items: list[Scored]) -> None:
    mirrored = [Scored(each.id, each.ts_ms, -each.value, each.weight) for each in items]
    one, other = (vote(seen(*group), CLOSE, CONFIG) for group in (items, mirrored))
    turned = {Action.BUY: Action.SELL, Action.SELL: Action.BUY, Action.HOLD: Action.HOLD}
    if isinstance(one, Abstain):
        assert isinstance(other, Abstain)
        return
    assert isinstance(other, Vote)
    assert other.action is turned[one.action]
    assert other.confidence == pytest.approx(one.confidence)
    assert 0.0 <= one.confidence <= 1.0


def test_vote_when_news_are_good_then_buy_with_the_confidence_of_the_formula() -> None:
    ballot = voted(*(said(0, 0.6, number=n) for n in range(4)))
    shrunk = 0.6 * 4 / (4 + CONFIG.prior)
    assert ballot.action is Action.BUY
    assert ballot.confidence == pytest.approx(min(1.0, shrunk / CONFIG.full) * CONFIG.quiet_share)
    assert (ballot.agent, ballot.symbol, ballot.ts_ms) == (AGENT, BTC, CLOSE - HOUR)
    assert dict(ballot.facts)["score"] == pytest.approx(0.6)
    assert {name for name, _ in ballot.facts} == {"score", "headlines", "weight", "effective", "volume_ratio", "regime"}


def test_vote_when_news_are_bad_then_sell_and_when_mixed_then_hold() -> None:
    assert voted(*(said(0, -0.6, number=n) for n in range(4))).action is Action.SELL
    mixed = voted(said(0, 0.6), said(0, -0.6, number=1))
    assert mixed.action is Action.HOLD
    assert mixed.confidence == pytest.approx(CONFIG.hold_confidence)


def test_vote_when_few_headlines_speak_then_they_are_believed_less_than_many() -> None:
    one, many = voted(said(0, 0.7)), voted(*(said(0, 0.7, number=n) for n in range(20)))
    assert one.confidence < many.confidence


def test_vote_when_all_news_are_old_then_it_abstains_and_says_what_there_was() -> None:
    ballot = vote(seen(said(2 * DAY, 1.0), said(3 * DAY, 1.0)), CLOSE, CONFIG)
    assert isinstance(ballot, Abstain)
    assert ballot.reason is AbstainReason.NO_DATA
    assert ballot.detail.startswith("2 headlines weigh 0.0")


def test_vote_when_nothing_was_written_then_it_abstains() -> None:
    ballot = vote(seen(), CLOSE, CONFIG)
    assert isinstance(ballot, Abstain)
    assert ballot.reason is AbstainReason.NO_DATA


def day_of(count: int, first_age: int, value: float, start: int) -> list[Scored]:
    return [said(first_age + n * DAY // count, value, number=start + n) for n in range(count)]


def steady(days: int, a_day: int, value: float) -> list[Scored]:
    return [each for day in range(days) for each in day_of(a_day, day * DAY, value, day * a_day)]


def test_regime_when_volume_is_as_ever_then_sideways_with_a_ratio_near_one() -> None:
    found = seen(*steady(8, 24, 0.5))
    assert found.regime is Regime.SIDEWAYS
    assert found.volume_ratio == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("value", "regime"), [(0.5, Regime.BULL), (-0.5, Regime.BEAR), (0.01, Regime.SIDEWAYS)])
def test_regime_when_news_pour_in_then_their_tone_tells_which(value: float, regime: Regime) -> None:
    found = seen(*steady(8, 24, value), *(said(n * 60_000, value, number=10_000 + n) for n in range(30)))
    assert found.volume_ratio == pytest.approx((1 + 6 + 30) / (1 + 6), abs=0.5)
    assert found.regime is regime


def test_regime_when_it_bears_the_vote_then_confidence_is_whole() -> None:
    config = SentimentConfig(full=1.0)
    flood = [*steady(8, 24, 0.5), *(said(n * 60_000, 0.5, number=10_000 + n) for n in range(30))]
    loud, quiet = voted(*flood, config=config), voted(*steady(8, 24, 0.5), config=config)
    shrunk = [
        fact["score"] * fact["effective"] / (fact["effective"] + 2) for fact in (dict(loud.facts), dict(quiet.facts))
    ]
    assert loud.confidence == pytest.approx(shrunk[0])
    assert quiet.confidence == pytest.approx(shrunk[1] * config.quiet_share)


def test_volume_when_headlines_are_known_of_for_too_short_a_time_then_it_says_nothing() -> None:
    assert seen(*(said(n * HOUR, 0.9, number=n) for n in range(11))).volume_ratio == 1.0


def test_reason_when_written_then_it_holds_ids_and_numbers_only() -> None:
    ballot = voted(said(0, 0.6), said(HOUR, 0.6))
    assert ballot.reason.endswith(f"newest {said(0, 0.6).id}")
    assert "2 headlines" in ballot.reason
