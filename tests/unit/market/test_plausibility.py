"""A move too large for its time is believed when somebody else shows it, and not before."""

import json
from math import exp, log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.market.config import QualityConfig
from fks_actors.market.plausibility import Plausibility, Suspicion

MINUTE_MS = 60_000
prices = st.floats(1e-6, 1e9)


def check(*closes: float) -> Plausibility:
    made = Plausibility(QualityConfig())
    for close in closes:
        made.take(close, MINUTE_MS)
    return made


@pytest.mark.parametrize(
    ("close", "implausible"), [(51.0, False), (49.0, True), (149.0, False), (151.0, True), (100.0, False), (1e-9, True)]
)
def test_take_when_a_minute_moves_more_than_half_then_it_is_implausible(close: float, implausible: bool) -> None:
    assert check(100.0).take(close, MINUTE_MS) is implausible


@pytest.mark.parametrize(("minutes", "close"), [(1, 50.0), (4, 25.0), (9, 12.5), (60, 10.0), (1440, 10.0)])
def test_take_when_the_bar_is_longer_then_the_limit_grows_with_the_root_of_it_up_to_a_tenth(
    minutes: int, close: float
) -> None:
    assert not check(100.0).take(close * 1.0001, minutes * MINUTE_MS)
    assert check(100.0).take(close * 0.9999, minutes * MINUTE_MS)


def test_take_when_the_first_bar_comes_then_there_is_nothing_to_doubt() -> None:
    assert check().suspicion is None
    assert not check().take(1e9, MINUTE_MS)


def test_take_when_another_source_shows_the_move_then_it_is_believed() -> None:
    assert check(100.0).take(40.0, MINUTE_MS, [99.0])
    assert not check(100.0).take(40.0, MINUTE_MS, [99.0, 41.0])


def test_take_when_the_next_bar_confirms_then_it_is_believed_and_else_the_old_price_is() -> None:
    print_of_40 = check(100.0, 40.0)
    assert print_of_40.suspicion is not None
    assert print_of_40.suspicion.before == 100.0
    assert print_of_40.suspicion.move == pytest.approx(-0.6)
    assert not print_of_40.take(41.0, MINUTE_MS)
    assert print_of_40.take(100.0, MINUTE_MS), "41 is the trusted price now, and 100 is 144 % above it"
    back = check(100.0, 40.0)
    assert not back.take(98.0, MINUTE_MS)
    assert back.suspicion is None


def test_take_when_the_next_bar_is_wild_again_then_the_suspicion_goes_on() -> None:
    wild = check(100.0, 40.0)
    assert wild.take(1_000.0, MINUTE_MS)
    assert wild.suspicion == Suspicion(100.0, 1_000.0, pytest.approx(exp(log(1.5) * sqrt(2)) - 1))  # type: ignore[arg-type]


@given(prices, prices, st.integers(1, 10_000))
def test_take_when_it_stays_there_then_at_the_second_bar_every_price_is_believed(
    old: float, new: float, minutes: int
) -> None:
    made = check(old)
    made.take(new, minutes * MINUTE_MS)
    assert not made.take(new, MINUTE_MS)
    assert made.suspicion is None


@given(st.lists(st.tuples(prices, st.integers(1, 60), st.lists(prices, max_size=2)), max_size=30), st.integers(0, 30))
def test_restore_when_cut_anywhere_then_the_judgements_go_on_bit_for_bit(
    bars: list[tuple[float, int, list[float]]], cut: int
) -> None:
    straight, first, second = check(), check(), check()
    for close, minutes, others in bars[:cut]:
        straight.take(close, minutes * MINUTE_MS, others)
        first.take(close, minutes * MINUTE_MS, others)
    second.restore(json.loads(json.dumps(first.state())))
    for close, minutes, others in bars[cut:]:
        span_ms = minutes * MINUTE_MS
        assert second.take(close, span_ms, others) == straight.take(close, span_ms, others)
        assert second.suspicion == straight.suspicion
