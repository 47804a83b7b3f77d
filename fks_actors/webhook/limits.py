"""How often somebody may ask: what the webhook needs of a rate limiter.

The rate is a token bucket's: `burst` requests at once, and in any span of t minutes at most `burst` and one more, and
`per_minute` times t. Which algorithm keeps that bound, and where the counts lie, is the adapter's.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, `per_minute` in the long run."""

    per_minute: int
    burst: int

    @property
    def window_s(self) -> float:
        """How long an empty bucket takes to fill, rounded up to eighths of a second (exact as a binary fraction)."""
        return -(-self.burst * 60 * 8 // self.per_minute) / 8


class RateLimiter(Protocol):
    """Counts by key. Never raises and never waits long: where the counts cannot be reached, others are used."""

    async def admit(self, key: str) -> float:
        """Take one of `key`'s requests: 0.0 where there was one, else the seconds until there is."""
        ...

    async def wait_s(self, key: str) -> float:
        """What `admit` would say, taking nothing."""
        ...

    async def close(self) -> None:
        """Let go of what is held open."""
        ...
