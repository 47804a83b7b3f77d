"""The token bucket's law: never more than burst plus what time gave."""

from hypothesis import given
from hypothesis import strategies as st

from fks_actors.webhook.rate import RateLimiter


def test_admit_when_burst_is_used_up_then_waits_for_one_token() -> None:
    limiter = RateLimiter(per_minute=60, burst=2)
    assert [limiter.admit("a", 0) for _ in range(3)] == [0.0, 0.0, 1.0]
    assert limiter.admit("a", 500) == 0.5
    assert limiter.admit("a", 1000) == 0.0


def test_admit_when_peers_differ_then_each_has_its_own_bucket() -> None:
    limiter = RateLimiter(per_minute=60, burst=1)
    assert limiter.admit("a", 0) == 0.0
    assert limiter.admit("b", 0) == 0.0


def test_admit_when_peers_are_many_then_memory_stays_bounded() -> None:
    limiter = RateLimiter(per_minute=60, burst=1, max_peers=10)
    for index in range(1000):
        limiter.admit(f"peer-{index}", 0)
    assert len(limiter) == 10


def test_admit_when_clock_goes_back_then_no_token_is_made() -> None:
    limiter = RateLimiter(per_minute=60, burst=1)
    limiter.admit("a", 10_000)
    assert limiter.admit("a", 0) > 0
    assert limiter.admit("a", 10_000) > 0


@given(st.lists(st.integers(0, 5_000), max_size=200))
def test_admit_when_steps_are_anything_then_burst_plus_rate_is_never_exceeded(steps: list[int]) -> None:
    limiter = RateLimiter(per_minute=600, burst=5)
    now_ms = admitted = 0
    for step in steps:
        now_ms += step
        admitted += limiter.admit("a", now_ms) == 0.0
    assert admitted <= 5 + now_ms / 100 + 1e-6
