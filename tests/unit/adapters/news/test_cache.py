"""The memory of the news cache: bounded in time, number and bytes."""

from fks_actors.adapters.news.cache import MemoryCache


async def test_get_when_its_time_is_over_then_nothing_and_it_takes_no_room() -> None:
    now_s = [0.0]
    cache = MemoryCache(lambda: now_s[0])
    await cache.put({"a": b"1", "b": b"2"}, 300)
    now_s[0] = 299.9
    assert await cache.get(["a", "b", "c"]) == {"a": b"1", "b": b"2"}
    now_s[0] = 300.0
    assert await cache.get(["a", "b"]) == {}
    assert (len(cache), cache.size) == (0, 0)


async def test_put_when_there_are_too_many_then_what_was_used_longest_ago_goes() -> None:
    cache = MemoryCache(lambda: 0.0, max_entries=3)
    await cache.put({"a": b"1", "b": b"2", "c": b"3"}, 300)
    await cache.get(["a"])
    await cache.put({"d": b"4"}, 300)
    assert set(await cache.get("abcd")) == {"a", "c", "d"}


async def test_put_when_values_are_large_then_their_bytes_are_bounded() -> None:
    cache = MemoryCache(lambda: 0.0, max_bytes=1_000)
    for n in range(50):
        await cache.put({f"k{n}": b"x" * 100}, 300)
        assert cache.size <= 1_000
    assert "k49" in await cache.get(["k49"])
    await cache.put({"huge": b"x" * 2_000}, 300)
    assert await cache.get(["huge"]) == {}


async def test_put_when_a_key_comes_again_then_the_new_value_counts_once() -> None:
    cache = MemoryCache(lambda: 0.0)
    await cache.put({"a": b"12345"}, 300)
    await cache.put({"a": b"1"}, 300)
    assert (cache.size, await cache.get("a")) == (2, {"a": b"1"})
