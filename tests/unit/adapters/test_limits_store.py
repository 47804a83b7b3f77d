"""The bound of a token bucket, kept by sliding windows in memory under a clock of the test's own."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.adapters.limits_store import MemoryLimiter, RedisLimiter, Windows
from fks_actors.errors import ConfigError
from fks_actors.webhook.limits import Rate


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize(
    ("per_minute", "burst", "window_s"),
    [(100, 100, 60.0), (60, 2, 2.0), (600, 5, 0.5), (100, 1, 0.625), (6000, 1, 0.125)],
)
def test_window_when_rate_is_given_then_burst_in_it_is_never_more_than_the_rate(
    per_minute: int, burst: int, window_s: float
) -> None:
    assert Rate(per_minute, burst).window_s == window_s
    assert burst / window_s <= per_minute / 60


async def test_admit_when_peers_are_many_then_memory_stays_bounded() -> None:
    clock = Clock()
    storage = Windows(clock, max_keys=10)
    for index in range(1000):
        assert await storage.acquire_sliding_window_entry(f"peer-{index}", 1, 60.0)
    assert len(storage) == 10


async def test_admit_when_clock_goes_back_then_nothing_comes_back() -> None:
    clock = Clock()
    limiter = MemoryLimiter(Rate(60, 1), clock)
    assert await limiter.admit("a") == 0.0
    clock.now_s -= 100
    assert await limiter.admit("a") > 0
    clock.now_s += 100
    assert await limiter.admit("a") > 0


async def test_admit_when_a_window_has_passed_then_requests_come_back_one_by_one() -> None:
    clock = Clock()
    clock.now_s = 6_000.0  # the start of a window
    limiter = MemoryLimiter(Rate(60, 60), clock)
    assert [await limiter.admit("a") for _ in range(60)] == [0.0] * 60
    came_back = []
    for _ in range(120):
        clock.now_s += 1.0
        came_back.append(await limiter.admit("a") == 0.0)
    assert not any(came_back[:60])
    assert sum(came_back[60:]) >= 58


async def test_reset_when_keys_are_held_then_they_are_forgotten() -> None:
    storage = Windows(Clock())
    await storage.acquire_sliding_window_entry("a", 1, 60.0)
    await storage.clear_sliding_window("a", 60.0)
    assert await storage.acquire_sliding_window_entry("a", 1, 60.0)
    assert (await storage.reset(), len(storage), await storage.check()) == (1, 0, True)


async def _most(per_minute: int, burst: int, steps: list[int]) -> None:
    clock = Clock()
    rate = Rate(per_minute, burst)
    limiter = MemoryLimiter(rate, clock)
    admitted: list[float] = []
    for step in steps:
        clock.now_s += step / 64
        if await limiter.admit("a") == 0.0:
            admitted.append(clock.now_s)
    for first, begin_s in enumerate(admitted):
        for last in range(first, len(admitted)):
            assert last - first + 1 <= burst + 1 + (admitted[last] - begin_s) * per_minute / 60 + 1e-6


@given(st.sampled_from([(600, 5), (60, 1), (100, 7)]), st.lists(st.integers(0, 400), max_size=120))
def test_admit_when_steps_are_anything_then_burst_plus_rate_is_never_exceeded(
    rate: tuple[int, int], steps: list[int]
) -> None:
    asyncio.run(_most(*rate, steps))


async def _wait_is_right(per_minute: int, burst: int, steps: list[int]) -> None:
    clock = Clock()
    limiter = MemoryLimiter(Rate(per_minute, burst), clock)
    for step in steps:
        clock.now_s += step / 64
        told_s = await limiter.wait_s("a")
        got_s = await limiter.admit("a")
        assert (told_s == 0.0) is (got_s == 0.0)
        if got_s:
            clock.now_s += got_s
            assert await limiter.admit("a") == 0.0


@given(st.sampled_from([(600, 5), (60, 1), (100, 7)]), st.lists(st.integers(0, 400), max_size=60))
def test_wait_when_it_was_kept_then_the_next_request_is_admitted(rate: tuple[int, int], steps: list[int]) -> None:
    asyncio.run(_wait_is_right(*rate, steps))


def test_redis_when_url_is_unusable_then_config_error() -> None:
    with pytest.raises(ConfigError, match=r"redis\.url") as raised:
        RedisLimiter(Rate(60, 1), "redis://:hunter2@127.0.0.1:port", "t", MemoryLimiter(Rate(60, 1)))
    assert "hunter2" not in repr(raised.value)
