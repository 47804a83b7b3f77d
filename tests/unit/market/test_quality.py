"""The gate flags what is wrong and nothing else, and forgets nothing over a restart."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.market.config import QualityConfig
from fks_actors.market.quality import Flag, Quality, QualityGate, usable
from fks_actors.model.candles import Candle
from tests.unit.bars import HOUR_MS, bar, extremes


def gate(**settings_: float) -> QualityGate:
    return QualityGate(QualityConfig(**settings_), HOUR_MS)


def noisy(count: int, sigma: float = 0.01) -> list[Candle]:
    rng = random.Random(7)
    close, out = 100.0, []
    for at in range(count):
        close *= 1.0 + rng.choice((-sigma, sigma))
        out.append(bar(at, close))
    return out


def test_judge_when_bars_follow_each_other_then_no_flag() -> None:
    judge = gate().judge
    assert [judge(candle).flags for candle in noisy(100)] == [()] * 100


def test_judge_when_bars_are_missing_then_the_gap_is_counted() -> None:
    one = gate()
    one.judge(bar(0))
    assert one.judge(bar(4)) == Quality((Flag.GAP,), 3, 0.0)
    assert one.judge(bar(5)).flags == ()


def test_judge_when_a_bar_comes_twice_or_late_then_it_is_flagged_and_changes_nothing() -> None:
    one = gate()
    for candle in noisy(40):
        one.judge(candle)
    before = one.state()
    assert one.judge(bar(39, 500.0)).flags == (Flag.DUPLICATE,)
    assert one.judge(bar(12, 500.0)).flags == (Flag.OUT_OF_ORDER,)
    assert one.state() == before


@pytest.mark.parametrize(("factor", "spikes"), [(1.05, True), (0.95, True), (1.02, False), (0.985, False)])
def test_judge_when_the_price_jumps_then_it_spikes_beyond_three_deviations(factor: float, spikes: bool) -> None:
    one = gate()
    candles = noisy(60)
    for candle in candles:
        one.judge(candle)
    quality = one.judge(bar(60, candles[-1].close * factor))
    assert (Flag.SPIKE in quality.flags) is spikes
    assert (abs(quality.z) > 3.0) is spikes


def test_judge_when_one_print_is_absurd_then_the_next_spike_is_still_seen() -> None:
    one = gate()
    candles = noisy(60)
    for candle in candles:
        one.judge(candle)
    price = candles[-1].close
    assert Flag.SPIKE in one.judge(bar(60, price * 1e6)).flags
    assert Flag.SPIKE in one.judge(bar(61, price)).flags
    one.judge(bar(62, price * 1.001))
    assert Flag.SPIKE in one.judge(bar(63, price * 1.1)).flags


def test_judge_when_prices_stood_still_then_a_move_under_the_floor_is_no_spike() -> None:
    one = gate()
    for at in range(60):
        one.judge(bar(at))
    assert one.judge(bar(60, 100.05)).flags == ()
    assert one.judge(bar(61, 101.0)).flags == (Flag.SPIKE,)


def test_judge_when_nothing_traded_then_no_volume_is_flagged() -> None:
    assert gate().judge(bar(0, volume=0.0)).flags == (Flag.NO_VOLUME,)


@pytest.mark.parametrize(("age_ms", "stale"), [(0, False), (300_000, False), (300_001, True)])
def test_judge_when_the_bar_is_old_then_it_is_stale_after_five_minutes(age_ms: int, stale: bool) -> None:
    flags = gate().judge(bar(0), now_ms=HOUR_MS + age_ms).flags
    assert (Flag.STALE in flags) is stale


def test_judge_when_bars_are_short_then_it_is_stale_after_two_of_them() -> None:
    one = QualityGate(QualityConfig(), 60_000)
    assert one.judge(bar(0, interval_ms=60_000), now_ms=60_000 + 120_000).flags == ()
    assert one.judge(bar(1, interval_ms=60_000), now_ms=120_000 + 120_001).flags == (Flag.STALE,)


def test_overdue_when_the_next_bar_does_not_come_then_after_the_limit_it_is() -> None:
    one = gate()
    assert not one.overdue(10**15)
    one.judge(bar(0))
    assert not one.overdue(2 * HOUR_MS + 300_000)
    assert one.overdue(2 * HOUR_MS + 300_001)


@pytest.mark.parametrize(
    "wrong",
    [
        {"close": float("nan")},
        {"close": float("inf"), "high": float("inf")},
        {"low": 0.0},
        {"low": -1.0},
        {"high": 99.0},
        {"low": 101.0},
        {"volume": -1.0},
        {"volume": float("nan")},
        {"open": 102.0},
        {"high": 1e16},
    ],
)
def test_judge_when_figures_are_impossible_then_invalid_and_nothing_is_learnt(wrong: dict[str, float]) -> None:
    one = gate()
    one.judge(bar(0))
    before = one.state()
    candle = replace(bar(1), **wrong)
    assert not usable(candle)
    assert one.judge(candle).flags == (Flag.INVALID,)
    assert one.state() == before


@given(extremes(), st.integers(0, 120))
@settings(max_examples=60)
def test_restore_when_cut_anywhere_then_later_judgements_are_the_same_bits(candles: list[Candle], cut: int) -> None:
    straight, first, second = gate(), gate(), gate()
    for candle in candles[:cut]:
        straight.judge(candle)
        first.judge(candle)
    second.restore(json.loads(json.dumps(first.state())))
    for candle in candles[cut:]:
        assert repr(second.judge(candle)) == repr(straight.judge(candle))
