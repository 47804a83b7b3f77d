"""The breaker's laws: it opens after failures in a row, never calls while open, and is never stuck."""

from hypothesis import given
from hypothesis import strategies as st

from fks_actors.adapters.ccxt_venue.breaker import Breaker, BreakerState
from fks_actors.execution.venues import BreakerConfig

CONFIG = BreakerConfig(failures=3, open_s=10, probes=2)
STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 15_000)), max_size=60)


def call(breaker: Breaker, good: bool, now_ms: int) -> Breaker:
    admitted = breaker.admit(now_ms)
    if admitted is None:
        return breaker
    return admitted.succeeded() if good else admitted.failed(now_ms)


def opened(now_ms: int = 0) -> Breaker:
    breaker = Breaker(CONFIG)
    for _ in range(3):
        breaker = call(breaker, False, now_ms)
    return breaker


def test_call_when_failures_come_in_a_row_then_opens() -> None:
    assert opened().state is BreakerState.OPEN
    assert opened().admit(9_999) is None


def test_call_when_a_success_comes_between_then_the_count_begins_anew() -> None:
    breaker = Breaker(CONFIG)
    for good in (False, False, True, False, False):
        breaker = call(breaker, good, 0)
    assert breaker.state is BreakerState.CLOSED


def test_probe_when_one_is_under_way_then_no_other_is_let_through() -> None:
    probing = opened().admit(10_000)
    assert probing is not None
    assert probing.admit(10_001) is None
    assert probing.dropped().admit(10_002) is not None


def test_probe_when_enough_are_good_then_closes_and_one_bad_opens_again() -> None:
    half = call(opened(), True, 10_000)
    assert half.state is BreakerState.HALF_OPEN
    assert call(half, True, 10_001).state is BreakerState.CLOSED
    again = call(half, False, 10_001)
    assert again.state is BreakerState.OPEN
    assert again.admit(20_000) is None


@given(STEPS)
def test_breaker_when_anything_happens_then_it_calls_again_after_its_pause(steps: list[tuple[bool, int]]) -> None:
    breaker, now = Breaker(CONFIG), 0
    for good, pause in steps:
        now += pause
        breaker = call(breaker, good, now)
        assert breaker.state is not BreakerState.OPEN or breaker.admit(breaker.opened_ms + 9_999) is None
    assert breaker.admit(now + 10_000) is not None


@given(STEPS)
def test_breaker_when_all_is_well_from_now_on_then_closes(steps: list[tuple[bool, int]]) -> None:
    breaker, now = Breaker(CONFIG), 0
    for good, pause in steps:
        now += pause
        breaker = call(breaker, good, now)
    for _ in range(3):
        now += 10_000
        breaker = call(breaker, True, now)
    assert breaker.state is BreakerState.CLOSED
