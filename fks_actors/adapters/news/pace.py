"""How often a source may be asked: so many requests a minute and so many a day, neither ever exceeded.

The counts lie in Redis where one is configured, so that a restart does not give a day's quota twice, else in memory.
"""

import time
from collections.abc import Callable, Sequence

from fks_actors.adapters.limits_store import MemoryLimiter, RedisLimiter
from fks_actors.webhook.limits import Rate, RateLimiter

_DAY_S = 86_400.0


class _Daily(Rate):
    """`burst` requests in a day."""

    @property
    def window_s(self) -> float:
        return _DAY_S


class Pace:
    """The limits of one source, all of which must admit a request."""

    def __init__(self, source: str, limiters: Sequence[RateLimiter]) -> None:
        self._source = source
        self._limiters = tuple(limiters)

    async def admit(self) -> float:
        """Take a request: 0.0 where there was one, else the seconds until there is; then none was taken of any limit
        but by somebody who asked at the same time."""
        wait_s = max([await limiter.wait_s(self._source) for limiter in self._limiters], default=0.0)
        if wait_s > 0.0:
            return wait_s
        return max([await limiter.admit(self._source) for limiter in self._limiters], default=0.0)

    async def close(self) -> None:
        """Let go of connections."""
        for limiter in self._limiters:
            await limiter.close()


def open_pace(
    source: str,
    per_minute: int,
    per_day: int,
    redis_url: str = "",
    prefix: str = "fks:news",
    clock_s: Callable[[], float] = time.monotonic,
) -> Pace:
    """The pace of a source; `per_day` 0 for no daily limit.

    Raises:
        ConfigError: the URL cannot be used.
    """
    rates: list[Rate] = [Rate(per_minute, per_minute)]
    if per_day:
        rates.append(_Daily(1, per_day))
    limiters: list[RateLimiter] = []
    for rate in rates:
        memory = MemoryLimiter(rate, clock_s)
        limiters.append(RedisLimiter(rate, redis_url, prefix, memory, clock_s=clock_s) if redis_url else memory)
    return Pace(source, limiters)
