"""The news cache and the quotas in a real Redis: shared, and gone without harm."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fks_actors.adapters.news.cache import MemoryCache, RedisCache, open_cache
from fks_actors.adapters.news.pace import open_pace
from fks_actors.errors import ConfigError
from tests.integration.limits.redis_server import RedisServer


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    if reason := RedisServer.missing():
        pytest.skip(reason)
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.signal(signal.SIGCONT)
    server.stop()


def cache(url: str, clock: list[float] | None = None, prefix: str = "t") -> RedisCache:
    now_s = clock if clock is not None else [0.0]
    return RedisCache(url, prefix, MemoryCache(lambda: now_s[0]), lambda: now_s[0])


async def test_get_when_another_process_put_it_then_found_under_the_same_prefix_only(redis: RedisServer) -> None:
    one, two, other = cache(redis.url), cache(redis.url), cache(redis.url, prefix="u")
    try:
        await one.put({"a": b"\x00\xff", "b": b"2"}, 300)
        assert await two.get(["a", "b", "c"]) == {"a": b"\x00\xff", "b": b"2"}
        assert await other.get(["a"]) == {}
    finally:
        for each in (one, two, other):
            await each.close()


async def test_get_when_its_time_is_over_then_redis_has_forgotten_it(redis: RedisServer) -> None:
    one, two = cache(redis.url), cache(redis.url)
    try:
        await one.put({"a": b"1"}, 0.05)
        end = time.monotonic() + 5
        while await two.get(["a"]):
            assert time.monotonic() < end
    finally:
        await one.close()
        await two.close()


async def test_get_when_redis_dies_and_comes_back_then_memory_serves_meanwhile(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if reason := RedisServer.missing():
        pytest.skip(reason)
    server, now_s = RedisServer(tmp_path), [0.0]
    server.start("--requirepass", "hunter2")
    one = cache(server.url.replace("//", "//:hunter2@"), now_s)
    try:
        await one.put({"a": b"1"}, 300)
        server.stop()
        assert await one.get(["a", "b"]) == {"a": b"1"}
        await one.put({"b": b"2"}, 300)
        begin = time.monotonic()
        for n in range(200):
            assert await one.get(["b", f"missing{n}"]) == {"b": b"2"}
        assert time.monotonic() - begin < 1.0, "a dead Redis was asked every time"
        server.start("--requirepass", "hunter2")
        now_s[0] += 6
        await one.put({"c": b"3"}, 300)
        two = cache(server.url.replace("//", "//:hunter2@"), now_s)
        assert await two.get(["c"]) == {"c": b"3"}
        await two.close()
    finally:
        await one.close()
        server.stop()
    assert "hunter2" not in caplog.text
    assert len(caplog.records) >= 1


async def test_get_when_redis_hangs_then_an_answer_comes_all_the_same(redis: RedisServer) -> None:
    one = cache(redis.url)
    try:
        await one.put({"a": b"1"}, 300)
        redis.signal(signal.SIGSTOP)
        begin = time.monotonic()
        assert await one.get(["a", "b"]) == {"a": b"1"}
        assert time.monotonic() - begin < 1.0
    finally:
        redis.signal(signal.SIGCONT)
        await one.close()


async def test_pace_when_a_desk_restarts_then_the_days_quota_is_not_given_twice(redis: RedisServer) -> None:
    one = open_pace("papers", 600, 3, redis.url, "q")
    try:
        assert [await one.admit() == 0.0 for _ in range(4)] == [True, True, True, False]
        again = open_pace("papers", 600, 3, redis.url, "q")
        assert await again.admit() > 0
        await again.close()
    finally:
        await one.close()


async def test_pace_when_there_is_no_redis_then_memory_keeps_the_minute_and_the_day() -> None:
    now_s = [0.0]
    pace = open_pace("papers", 2, 5, "", clock_s=lambda: now_s[0])
    sent = []
    for second in range(86_400):
        now_s[0] = float(second)
        if second % 10 == 0 and await pace.admit() == 0.0:
            sent.append(second)
    assert len(sent) == 5
    assert all(sum(1 for other in sent if 0 <= other - at < 60) <= 2 for at in sent)
    await pace.close()


def test_open_when_the_url_cannot_be_used_then_refused_without_it() -> None:
    with pytest.raises(ConfigError) as refused:
        open_cache("http://:hunter2@x:1")
    assert "hunter2" not in str(refused.value)
