"""Rate limiters over the `limits` library: counts in memory, or in a Redis that several replicas share.

`limits` 5 has fixed windows, moving windows and sliding window counters, and no token bucket. The sliding window
counter of `burst` in the time that a bucket of that size takes to fill keeps the bucket's bound: `burst` at once, then
the last window's count fades evenly, so that requests come back one by one at the rate. (Unlike tokens, none comes back
before the window has ended.) A moving window gives the whole burst back in one piece, and remembers every request.

The library's own memory storage walks over every key at every hit and never forgets one before its time; `Windows` does
neither, and takes its clock as an argument.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from math import floor
from typing import Any

import redis
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage, Storage
from limits.aio.storage.base import SlidingWindowCounterSupport
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError

from fks_actors.errors import ConfigError
from fks_actors.webhook.limits import Rate, RateLimiter

_log = logging.getLogger(__name__)
_ANSWER_S = 0.25
_RETRY_S = 5.0
_LEAST_WAIT_S = 0.001

Window = tuple[int, float, int, float]
"""(previous count, seconds until it has faded, current count, seconds until it has faded): `limits`' own order."""


class _Item(RateLimitItemPerSecond):
    """A limit whose window is no whole number of seconds."""

    __slots__ = ("window_s",)

    def __init__(self, rate: Rate) -> None:
        super().__init__(rate.burst, namespace="rate")
        self.window_s = rate.window_s

    def get_expiry(self) -> float:  # type: ignore[override]  # every storage counts with it as with any number
        return self.window_s

    def key_for(self, *identifiers: bytes | str | int | float) -> str:
        return "/".join([self.namespace, *map(str, identifiers), f"{self.amount}", f"{self.window_s:g}s"])


class Windows(Storage, SlidingWindowCounterSupport):
    """Sliding windows in memory, for a bounded number of keys; the one that was quiet longest is forgotten first.

    Args:
        clock_s: the time in seconds; where it goes back, time stands still.
        max_keys: how many keys are remembered.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock_s: Callable[[], float], max_keys: int = 4096) -> None:
        super().__init__()
        self._clock_s = clock_s
        self._max_keys = max_keys
        self._now_s = clock_s()
        self._held: OrderedDict[str, tuple[int, int, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: float, amount: int = 1) -> bool:
        """Count `amount` more unless that would be more than `limit`."""
        index, previous, current, fading = self._window(key, expiry)
        taken = floor(previous * fading) + current + amount <= limit
        self._held[key] = (index, previous, current + amount if taken else current)
        self._held.move_to_end(key)
        if len(self._held) > self._max_keys:
            self._held.popitem(last=False)
        return taken

    async def get_sliding_window(self, key: str, expiry: float) -> Window:
        """The counts as they stand."""
        _, previous, current, fading = self._window(key, expiry)
        return previous, fading * expiry, current, (fading + 1) * expiry

    async def clear_sliding_window(self, key: str, expiry: float) -> None:
        """Forget `key`."""
        self._held.pop(key, None)

    def _window(self, key: str, expiry: float) -> tuple[int, int, int, float]:
        """(index of the window, previous count, current count, how much of the previous one still counts: 1 to 0)."""
        self._now_s = max(self._now_s, self._clock_s())
        at = self._now_s / expiry
        index, previous, current = self._held.get(key, (0, 0, 0))
        passed = int(at) - index
        if passed:
            previous, current = (current if passed == 1 else 0), 0
        return int(at), previous, current, 1 - at % 1

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    async def check(self) -> bool:
        """Memory is always there."""
        return True

    async def reset(self) -> int:
        """Forget every key."""
        held = len(self._held)
        self._held.clear()
        return held

    async def clear(self, key: str) -> None:
        """Forget `key`."""
        self._held.pop(key, None)

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        raise NotImplementedError("fixed windows are not kept here")

    async def get(self, key: str) -> int:
        raise NotImplementedError("fixed windows are not kept here")

    async def get_expiry(self, key: str) -> float:
        raise NotImplementedError("fixed windows are not kept here")


class _Counted:
    """A limiter over any storage of `limits` that has sliding windows."""

    def __init__(self, rate: Rate, storage: Any) -> None:
        self._item = _Item(rate)
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._storage = storage

    async def admit(self, key: str) -> float:
        return 0.0 if await self._limiter.hit(self._item, key) else max(_LEAST_WAIT_S, await self.wait_s(key))

    async def wait_s(self, key: str) -> float:
        window = await self._storage.get_sliding_window(self._item.key_for(key), self._item.window_s)
        return _wait_s(window, self._item.amount, self._item.window_s)


def _wait_s(window: Window, limit: int, window_s: float) -> float:
    """Seconds until one more is admitted: until the faded previous count and the current one make less than `limit`."""
    previous, previous_s, current, current_s = window
    if current >= limit:
        return max(0.0, current_s - window_s) + _LEAST_WAIT_S
    if not previous or floor(previous * previous_s / window_s) + current + 1 <= limit:
        return 0.0
    return max(0.0, previous_s - (limit - current) * window_s / previous) + _LEAST_WAIT_S


class MemoryLimiter(_Counted):
    """Counts of this process alone."""

    def __init__(self, rate: Rate, clock_s: Callable[[], float] = time.monotonic, max_keys: int = 4096) -> None:
        super().__init__(rate, Windows(clock_s, max_keys))

    async def close(self) -> None:
        """Nothing is held open."""


class RedisLimiter:
    """Counts in Redis, shared by all that use the same `prefix`. While Redis does not answer, `fallback` counts.

    A Redis that was silent for a quarter of a second, or failed, is asked again after five seconds, by one request.

    Args:
        url: `redis://[user:password@]host:port[/db]` or `rediss://...`.
        degraded: told True when counts are in memory only, False when Redis is back.

    Raises:
        ConfigError: the URL cannot be used.
    """

    def __init__(
        self,
        rate: Rate,
        url: str,
        prefix: str,
        fallback: RateLimiter,
        degraded: Callable[[bool], None] = lambda _: None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        try:
            self._storage = RedisStorage(
                f"async+{url}",
                implementation="redispy",
                key_prefix=prefix,
                socket_timeout=_ANSWER_S,
                socket_connect_timeout=_ANSWER_S,
            )
        except (ValueError, ConfigurationError, redis.RedisError):  # its text holds the URL, password and all
            raise ConfigError("redis.url cannot be used; it reads redis://host:port/0") from None
        self._shared = _Counted(rate, self._storage)
        self._fallback = fallback
        self._degraded = degraded
        self._clock_s = clock_s
        self._silent_until_s: float | None = None

    async def admit(self, key: str) -> float:
        """As the port; in Redis, or in memory where that does not answer."""
        if self._is_silent():
            return await self._fallback.admit(key)
        try:
            async with asyncio.timeout(_ANSWER_S):
                wait_s = await self._shared.admit(key)
        except (redis.RedisError, OSError, TimeoutError) as error:
            self._lost(type(error).__name__)
            return await self._fallback.admit(key)
        self._found()
        return wait_s

    async def wait_s(self, key: str) -> float:
        """As the port."""
        if self._is_silent():
            return await self._fallback.wait_s(key)
        try:
            async with asyncio.timeout(_ANSWER_S):
                wait_s = await self._shared.wait_s(key)
        except (redis.RedisError, OSError, TimeoutError) as error:
            self._lost(type(error).__name__)
            return await self._fallback.wait_s(key)
        self._found()
        return wait_s

    async def close(self) -> None:
        """Close the connections."""
        bridge: Any = self._storage.bridge
        await bridge.get_connection().aclose()

    def _is_silent(self) -> bool:
        if self._silent_until_s is None:
            return False
        now_s = self._clock_s()
        if now_s < self._silent_until_s:
            return True
        self._silent_until_s = now_s + _RETRY_S  # the others go on in memory while this one asks
        return False

    def _lost(self, why: str) -> None:
        if self._silent_until_s is None:
            _log.warning("Redis does not count requests (%s): each replica counts its own now", why)
            self._degraded(True)
        self._silent_until_s = self._clock_s() + _RETRY_S

    def _found(self) -> None:
        if self._silent_until_s is not None:
            _log.info("Redis counts requests again")
            self._degraded(False)
            self._silent_until_s = None
