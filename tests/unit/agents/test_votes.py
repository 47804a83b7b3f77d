"""What the three minds say: sensible at landmarks, bounded everywhere."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import ValidationError

from fks_actors.agents import long_term, mid_term, short_term
from fks_actors.agents.config import AgentsConfig, DebateConfig, LongTermConfig, MidTermConfig, ShortTermConfig
from fks_actors.market.config import LongPeriods, MidPeriods, ShortPeriods
from fks_actors.market.features import LongFeatures, MidFeatures, ShortFeatures
from fks_actors.model.candles import Candle
from fks_actors.model.views import LongView, MidView, ShortView
from fks_actors.model.votes import Action, Vote
from tests.unit.bars import extremes, walks

SHORT = ShortView("BTC/USDT", 1, 60, 100.0, 50.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
MID = MidView("BTC/USDT", 1, 100, 100.5, 101.0, 100.0, 5, 100.0, 102.0, 98.0)
LONG = LongView("BTC/USDT", 1, 400, 100.0, 100.0, 0.0, 0.05, 0.01, 0.01)


def short(**changes: float) -> Vote:
    return short_term.vote(replace(SHORT, **changes), ShortTermConfig())


def mid(**changes: float) -> Vote:
    return mid_term.vote(replace(MID, **changes), MidTermConfig())


def long(**changes: float) -> Vote:
    return long_term.vote(replace(LONG, **changes), LongTermConfig())


def test_vote_short_when_oversold_and_turning_then_buys_and_names_its_numbers() -> None:
    vote = short(rsi=27.4, macd_histogram=0.0012, macd_histogram_before=0.0008, volume_ratio=1.5)
    assert vote.action is Action.BUY
    assert "RSI 27.4 under 30 and MACD histogram rising (0.0012 > 0.0008)" in vote.reason
    assert dict(vote.facts)["rsi"] == 27.4
    assert dict(vote.facts)["macd_histogram"] == 0.0012


def test_vote_short_when_oversold_but_still_falling_then_waits() -> None:
    assert short(rsi=20.0, macd_histogram=-0.002, macd_histogram_before=-0.001).action is Action.HOLD


def test_vote_short_when_overbought_and_turning_then_sells() -> None:
    assert short(rsi=80.0, macd_histogram=0.001, macd_histogram_before=0.002).action is Action.SELL
    assert short(rsi=80.0, macd_histogram=0.002, macd_histogram_before=0.001).action is Action.HOLD


def test_vote_short_when_momentum_agrees_then_follows_it_less_surely_than_a_reversal() -> None:
    up = dict(macd_histogram=0.002, macd_histogram_before=0.001, change=0.01)
    follow = short(rsi=62.0, **up)
    assert follow.action is Action.BUY
    assert short(rsi=62.0, **{**up, "change": -0.01}).action is Action.HOLD
    down = dict(macd_histogram=-0.002, macd_histogram_before=-0.001, change=-0.01)
    assert short(rsi=38.0, **down).action is Action.SELL
    assert follow.confidence < short(rsi=25.0, macd_histogram=0.1).confidence


def test_vote_short_when_volume_or_depth_grows_then_confidence_grows() -> None:
    turn = dict(macd_histogram=0.001)
    confidences = [short(rsi=25.0, volume_ratio=v, **turn).confidence for v in (0.0, 0.5, 1.0, 2.0)]
    assert confidences == sorted(set(confidences))
    assert short(rsi=25.0, volume_ratio=50.0, **turn).confidence == confidences[-1]
    assert short(rsi=5.0, **turn).confidence > short(rsi=25.0, **turn).confidence


def test_vote_mid_when_averages_crossed_then_follows_the_trend() -> None:
    assert mid().action is Action.BUY
    assert mid(ema_fast=99.0, close=99.5).action is Action.SELL


def test_vote_mid_when_the_close_is_outside_the_band_then_does_not_chase() -> None:
    assert mid(close=102.5).action is Action.HOLD
    assert mid(ema_fast=99.0, close=97.5).action is Action.HOLD


def test_vote_mid_when_averages_are_close_then_holds() -> None:
    assert mid(ema_fast=100.1).action is Action.HOLD
    assert mid(ema_fast=100.0).action is Action.HOLD


def test_vote_mid_when_the_cross_is_older_or_the_price_pulled_back_then_is_less_sure() -> None:
    assert mid(cross_age=200).confidence < mid(cross_age=5).confidence
    assert mid(close=99.5).confidence < mid(close=100.5).confidence


def test_vote_mid_when_the_band_has_no_width_then_holds() -> None:
    assert mid(bollinger_upper=100.0, bollinger_lower=100.0).action is Action.HOLD


def test_vote_long_when_the_slope_exceeds_chance_then_follows_it() -> None:
    assert long(trend=0.2).action is Action.BUY
    assert long(trend=-0.2).action is Action.SELL
    assert long(trend=0.02).action is Action.HOLD
    assert long(trend=0.08).confidence == pytest.approx(0.6827, abs=1e-4)


def test_vote_long_when_volatility_is_high_then_is_less_sure() -> None:
    calm, wild = long(trend=0.12), long(trend=0.12, volatility_fast=0.025)
    assert wild.confidence == pytest.approx(calm.confidence / 2.0)
    assert "volatility 2.50 of its usual" in wild.reason


def test_vote_long_when_deep_under_the_high_and_falling_then_sells_even_in_a_wild_market() -> None:
    vote = long(trend=-0.03, drawdown=0.35, volatility_fast=0.05)
    assert vote.action is Action.SELL
    assert vote.confidence >= 0.7
    assert long(trend=0.2, drawdown=0.35).action is Action.HOLD
    assert long(trend=-0.03, drawdown=0.1).action is Action.HOLD


def test_vote_long_when_prices_stood_still_then_holds() -> None:
    assert long(volatility_fast=0.0, volatility_slow=0.0, drawdown=0.0).action is Action.HOLD
    assert long(volatility_fast=0.0, volatility_slow=0.0, drawdown=0.9).action is Action.HOLD


@given(st.one_of(extremes(least=50), walks(least=50)))
@settings(max_examples=80, deadline=None)
def test_vote_when_bars_are_anything_then_confidence_is_a_share_and_facts_are_numbers(candles: list[Candle]) -> None:
    config = AgentsConfig()
    brief = LongPeriods(average=20, trend=10, drawdown=30, warm_bars=40)
    features = ShortFeatures(ShortPeriods()), MidFeatures(MidPeriods()), LongFeatures(brief)
    for candle in candles:
        for one in features:
            one.update(candle)
        for vote in (
            short_term.vote(features[0].view(), config.short),
            mid_term.vote(features[1].view(), config.mid),
            long_term.vote(features[2].view(), config.long),
        ):
            assert 0.0 <= vote.confidence <= 1.0
            assert all(math.isfinite(number) for _, number in vote.facts)
            assert (vote.symbol, vote.ts_ms) == (candle.symbol, candle.ts_ms)
            assert re.search(r"\d", vote.reason)
            assert "nan" not in vote.reason


def test_read_config_when_out_of_range_then_it_is_refused() -> None:
    for config, bad in (
        (ShortTermConfig, {"oversold": 55.0}),
        (MidTermConfig, {"old_share": 1.5}),
        (LongTermConfig, {"trend_noise": 0.0}),
        (DebateConfig, {"threshold": 1.2}),
        (DebateConfig, {"weights": {"mid_term": -1.0}}),
        (AgentsConfig, {"shrot": {}}),
    ):
        with pytest.raises(ValidationError):
            config.model_validate(bad)
