"""When a live feed asks, gives up and tries again. The clock, the sleep and the dice are arguments."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from secrets import SystemRandom

from fks_actors.adapters.feeds.port import ClockMs, Sleep

_DICE = SystemRandom()


def wall_ms() -> int:
    """The wall clock, UTC ms."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class LiveTiming:
    """Seconds after a bar's close: `settle_s` until it is asked for without a stream, `patience_s` with one, `grace_s`
    until one that the exchange does not tell is given up. `poll_s` lies between two questions.

    `clock_ms` is the wall clock (UTC ms), `sleep` waits before a new try, `jitter` gives a number in 0..1.
    """

    settle_s: float = 1.0
    patience_s: float = 2.5
    grace_s: float = 6.0
    poll_s: float = 1.0
    clock_ms: ClockMs = wall_ms
    sleep: Sleep = asyncio.sleep
    jitter: Callable[[], float] = _DICE.random

    def backoff_s(self, attempt: int) -> float:
        """Seconds before try `attempt` (1, 2, ...): doubling from 0.5 to 30, of which the upper half is random."""
        return min(30.0, 0.5 * 2.0 ** min(attempt - 1, 10)) * (0.5 + 0.5 * self.jitter())
