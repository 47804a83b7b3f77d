"""Bytes that are worth keeping for a few minutes: scores and fetched headlines. In memory, and in Redis where one is.

A cache never fails: what it cannot give is missing, and a Redis that was silent for a quarter of a second, or failed,
is left alone for five seconds. What comes out of Redis may be anything; who reads it checks it.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import redis
import redis.asyncio

from fks_actors.errors import ConfigError

_log = logging.getLogger(__name__)
_ANSWER_S = 0.25
_RETRY_S = 5.0


class Cache(Protocol):
    """Bytes by key, for a time."""

    async def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """What is held of these keys."""
        ...

    async def put(self, values: Mapping[str, bytes], ttl_s: float) -> None:
        """Hold values for so many seconds, or shorter."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class MemoryCache:
    """Holds at most `max_entries` values of together `max_bytes`; what was used longest ago goes first."""

    def __init__(
        self, clock_s: Callable[[], float] = time.monotonic, max_entries: int = 20_000, max_bytes: int = 16 << 20
    ) -> None:
        self._clock_s = clock_s
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._held: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._held)

    async def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """As the port."""
        now_s, found = self._clock_s(), {}
        for key in keys:
            held = self._held.get(key)
            if held is None:
                continue
            if held[0] <= now_s:
                self._drop(key)
                continue
            self._held.move_to_end(key)
            found[key] = held[1]
        return found

    async def put(self, values: Mapping[str, bytes], ttl_s: float) -> None:
        """As the port."""
        until_s = self._clock_s() + ttl_s
        for key, value in values.items():
            self._drop(key)
            self._held[key] = until_s, value
            self.size += len(key) + len(value)
        while self._held and (len(self._held) > self._max_entries or self.size > self._max_bytes):
            self._drop(next(iter(self._held)))

    async def close(self) -> None:
        """Nothing is held open."""

    def _drop(self, key: str) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self.size -= len(key) + len(held[1])


class RedisCache:
    """A Redis that all who use the same `prefix` share, behind a memory of its own.

    Raises:
        ConfigError: the URL cannot be used.
    """

    def __init__(
        self, url: str, prefix: str, memory: MemoryCache, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        try:
            self._client: Any = redis.asyncio.Redis.from_url(
                url, socket_timeout=_ANSWER_S, socket_connect_timeout=_ANSWER_S, retry=None
            )
        except (ValueError, redis.RedisError):  # its text holds the URL, password and all
            raise ConfigError("redis.url cannot be used; it reads redis://host:port/0") from None
        self._prefix = prefix
        self._memory = memory
        self._clock_s = clock_s
        self._silent_until_s: float | None = None

    async def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """As the port."""
        wanted = list(keys)
        found = await self._memory.get(wanted)
        missing = [key for key in wanted if key not in found]
        if not missing:
            return found
        values = await self._ask(lambda: self._client.mget([self._name(key) for key in missing]))
        pairs = zip(missing, values or (), strict=False)
        return found | {key: value for key, value in pairs if isinstance(value, bytes)}

    async def put(self, values: Mapping[str, bytes], ttl_s: float) -> None:
        """As the port."""
        await self._memory.put(values, ttl_s)
        if values:
            pipe = self._client.pipeline(transaction=False)
            for key, value in values.items():
                pipe.set(self._name(key), value, px=max(1, int(ttl_s * 1_000)))
            await self._ask(pipe.execute)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _name(self, key: str) -> str:
        return f"{self._prefix}:{key}"

    async def _ask(self, request: Callable[[], Any]) -> Any:
        """The answer; None where there is none."""
        now_s = self._clock_s()
        if self._silent_until_s is not None:
            if now_s < self._silent_until_s:
                return None
            self._silent_until_s = now_s + _RETRY_S  # the others go on without while this one asks
        try:
            async with asyncio.timeout(_ANSWER_S):
                answer = await request()
        except (redis.RedisError, OSError, TimeoutError) as error:
            if self._silent_until_s is None:
                _log.warning("Redis keeps no news (%s): memory does", type(error).__name__)
            self._silent_until_s = self._clock_s() + _RETRY_S
            return None
        if self._silent_until_s is not None:
            _log.info("Redis keeps news again")
            self._silent_until_s = None
        return answer


def open_cache(redis_url: str, prefix: str = "fks:news") -> Cache:
    """A cache in Redis, or in memory where the URL is empty.

    Raises:
        ConfigError: the URL cannot be used.
    """
    return RedisCache(redis_url, prefix, MemoryCache()) if redis_url else MemoryCache()
