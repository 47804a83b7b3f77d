"""One time limit for many at once. asyncio's own sets and clears a timer each time, some
microseconds each; here one timer serves all. The price: a limit is kept a quarter of it late at worst."""

import asyncio
from types import TracebackType
from typing import Self


class Deadline:
    """Limits how long the blocks under `with deadline.limit():` take; belongs to one event loop."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._running: dict[int, _Limit] = {}  # in the order in which they began, so in that of their ends
        self._begun = 0
        self._timer: asyncio.TimerHandle | None = None

    def limit(self) -> "_Limit":
        """A block in a task that is ended with TimeoutError when it takes too long."""
        return _Limit(self)

    def _begin(self, limit: "_Limit") -> int:
        loop = asyncio.get_running_loop()
        limit.end = loop.time() + self._after_s
        self._begun += 1
        self._running[self._begun] = limit
        if self._timer is None:
            self._timer = loop.call_later(self._after_s, self._look)
        return self._begun

    def _end(self, number: int) -> None:
        self._running.pop(number, None)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for number, limit in list(self._running.items()):
            if limit.end > now:
                break
            del self._running[number]
            limit.expire()
        self._timer = loop.call_later(self._after_s / 4, self._look) if self._running else None


class _Limit:
    """As `asyncio.timeout`: the task is cancelled from outside, and that cancellation becomes a TimeoutError here."""

    __slots__ = ("_cancelling", "_expired", "_number", "_owner", "_task", "end")

    def __init__(self, owner: Deadline) -> None:
        self._owner = owner
        self._expired = False
        self.end = 0.0

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a limit needs a task")
        self._task = task
        self._cancelling = task.cancelling()
        self._number = self._owner._begin(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._owner._end(self._number)
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        self._expired = True
        self._task.cancel()
