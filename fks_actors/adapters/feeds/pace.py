"""When a recorded or made-up bar is due: real time, times a speed. The clock and the sleep are arguments."""

import asyncio
import time
from collections.abc import Sequence

from fks_actors.adapters.feeds.port import Clock, Sleep


class Pace:
    """Releases bars at `speed` times real time.

    The first bar after a cursor that was not continued (the first call, a restarted caller) is due at once, and the
    clock runs from there. A caller that stays away longer than `slack_s` does not get the arrears in one burst:
    the clock slips so that it is never more than `slack_s` behind.

    Args:
        speed: the bars' time by real time; None releases everything at once.
        clock: monotonic seconds.
    """

    def __init__(
        self, speed: float | None, clock: Clock = time.monotonic, sleep: Sleep = asyncio.sleep, slack_s: float = 5.0
    ) -> None:
        self._speed = speed
        self._clock = clock
        self._sleep = sleep
        self._slack_s = slack_s
        self._cursor: int | None = None
        self._origin_ms = 0
        self._origin_s = 0.0

    async def due(self, cursor: int, times: Sequence[int], wait_s: float) -> int:
        """How many of `times` are due, after waiting for the first up to `wait_s` seconds.

        Args:
            cursor: what the caller has seen last, UTC ms.
            times: the open times after it, ascending.
        """
        if not times:
            await self._sleep(wait_s)
            return 0
        if self._speed is None:
            await self._sleep(0)
            return len(times)
        self._anchor(cursor, times[0])
        early_s = self._at(times[0]) - self._clock()
        if early_s > 0:
            await self._sleep(min(early_s, wait_s))
        now_s = self._clock() + 1e-6
        count = sum(1 for t in times if self._at(t) <= now_s)
        if count:
            self._cursor = times[count - 1]
        return count

    def _anchor(self, cursor: int, first_ms: int) -> None:
        now_s = self._clock()
        if cursor != self._cursor:
            self._cursor, self._origin_ms, self._origin_s = cursor, first_ms, now_s
        behind_s = now_s - self._at(first_ms)
        if behind_s > self._slack_s:
            self._origin_s += behind_s - self._slack_s

    def _at(self, ts_ms: int) -> float:
        return self._origin_s + (ts_ms - self._origin_ms) / 1000 / (self._speed or 1.0)
