"""One suite over both limiters, memory and a real Redis, in real time; then what only Redis can do: share, and die."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fks_actors.adapters.limits_store import MemoryLimiter, RedisLimiter
from fks_actors.webhook.limits import Rate, RateLimiter
from tests.integration.limits.redis_server import RedisServer

RATE = Rate(per_minute=600, burst=5)  # half a second's window


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    if reason := RedisServer.missing():
        pytest.skip(reason)
    redis = RedisServer(tmp_path_factory.mktemp("redis"))
    redis.start()
    yield redis
    redis.stop()


@pytest.fixture(params=["memory", "redis"])
async def limiter(request: pytest.FixtureRequest) -> AsyncIterator[RateLimiter]:
    made: RateLimiter
    if request.param == "memory":
        made = MemoryLimiter(RATE)
    else:
        redis: RedisServer = request.getfixturevalue("server")
        made = RedisLimiter(RATE, redis.url, f"test-{time.time_ns()}", _Unwanted())
    yield made
    await made.close()


class _Unwanted:
    """A fallback that must not be used."""

    async def admit(self, key: str) -> float:
        raise AssertionError("Redis did not count")

    async def wait_s(self, key: str) -> float:
        raise AssertionError("Redis did not count")

    async def close(self) -> None:
        """Nothing."""


async def _until_admitted(limiter: RateLimiter, key: str, within_s: float) -> float:
    begin = time.monotonic()
    while await limiter.admit(key) > 0:
        assert time.monotonic() - begin < within_s, "nothing came back"
        await asyncio.sleep(0.01)
    return time.monotonic() - begin


async def test_admit_when_burst_is_used_up_then_refused_with_a_wait_that_holds(limiter: RateLimiter) -> None:
    begin = time.monotonic()
    admitted = [await limiter.admit("a") for _ in range(20)]
    assert time.monotonic() - begin < 0.4, "too slow a machine to judge a half-second window"
    assert 5 <= admitted.count(0.0) <= 10
    wait_s = admitted[-1]
    assert 0 < wait_s <= 0.61
    assert await limiter.wait_s("a") > 0
    assert await _until_admitted(limiter, "a", 2.0) <= wait_s + 0.2


async def test_admit_when_time_passes_then_no_more_than_burst_and_rate(limiter: RateLimiter) -> None:
    begin = time.monotonic()
    admitted = 0
    while time.monotonic() - begin < 1.6:
        admitted += await limiter.admit("a") == 0.0
        await asyncio.sleep(0.005)
    took_s = time.monotonic() - begin
    assert 8 <= admitted <= RATE.burst + 1 + took_s * RATE.per_minute / 60


async def test_admit_when_keys_differ_then_each_has_its_own_count(limiter: RateLimiter) -> None:
    while await limiter.admit("a") == 0.0:
        pass
    assert await limiter.admit("2001:db8::/64") == 0.0


async def test_wait_when_nothing_was_taken_then_zero_and_nothing_is_taken(limiter: RateLimiter) -> None:
    assert [await limiter.wait_s("a") for _ in range(50)] == [0.0] * 50
    assert await limiter.admit("a") == 0.0


async def test_admit_when_many_ask_at_once_then_the_burst_holds(limiter: RateLimiter) -> None:
    waits = await asyncio.gather(*(limiter.admit("a") for _ in range(60)))
    assert 5 <= list(waits).count(0.0) <= 11


async def test_redis_when_two_replicas_share_it_then_they_share_the_burst(server: RedisServer) -> None:
    rate, prefix = Rate(per_minute=10, burst=10), f"shared-{time.time_ns()}"
    one, two = (RedisLimiter(rate, server.url, prefix, _Unwanted()) for _ in range(2))
    other = RedisLimiter(rate, server.url, f"{prefix}-other", _Unwanted())
    admitted = [await each.admit("a") == 0.0 for _ in range(10) for each in (one, two)]
    assert admitted == [True] * 10 + [False] * 10
    assert await other.admit("a") == 0.0
    for each in (one, two, other):
        await each.close()


async def test_redis_when_it_dies_and_comes_back_then_memory_counts_meanwhile_and_it_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if reason := RedisServer.missing():
        pytest.skip(reason)
    caplog.set_level(logging.INFO, "fks_actors")
    redis = RedisServer(tmp_path)
    redis.start("--requirepass", "hunter2")
    url = redis.url.replace("//", "//:hunter2@")
    told: list[bool] = []
    now_s = [0.0]
    limiter = RedisLimiter(
        Rate(60, 3), url, "t", MemoryLimiter(Rate(60, 3), lambda: 1000.0), told.append, lambda: now_s[0]
    )
    try:
        assert await limiter.admit("a") == 0.0
        redis.stop()
        assert [await limiter.admit("a") == 0.0 for _ in range(5)] == [True, True, True, False, False]
        assert await limiter.wait_s("a") > 0
        assert told == [True]
        redis.start("--requirepass", "hunter2")
        assert await limiter.admit("a") > 0, "it asked too early"
        now_s[0] += 6
        assert await limiter.admit("a") == 0.0
        assert told == [True, False]
    finally:
        await limiter.close()
        redis.stop()
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "hunter2" not in caplog.text


async def test_redis_when_it_hangs_then_an_answer_comes_all_the_same(tmp_path: Path) -> None:
    if reason := RedisServer.missing():
        pytest.skip(reason)
    redis = RedisServer(tmp_path)
    redis.start()
    limiter = RedisLimiter(Rate(60, 30), redis.url, "t", MemoryLimiter(Rate(60, 30)))
    try:
        assert await limiter.admit("a") == 0.0
        redis.signal(signal.SIGSTOP)
        begin = time.monotonic()
        assert await limiter.admit("a") == 0.0
        first_s = time.monotonic() - begin
        waits = [await limiter.admit("a") for _ in range(20)]
        assert first_s < 1.0
        assert time.monotonic() - begin < first_s + 0.2
        assert waits == [0.0] * 20
    finally:
        redis.signal(signal.SIGCONT)
        await limiter.close()
        redis.stop()


async def test_redis_when_the_password_is_wrong_then_memory_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if reason := RedisServer.missing():
        pytest.skip(reason)
    redis = RedisServer(tmp_path)
    redis.start("--requirepass", "hunter2")
    told: list[bool] = []
    limiter = RedisLimiter(RATE, redis.url.replace("//", "//:wr0ng@"), "t", MemoryLimiter(RATE), told.append)
    try:
        assert await limiter.admit("a") == 0.0
        assert told == [True]
        assert "wr0ng" not in caplog.text
    finally:
        await limiter.close()
        redis.stop()
