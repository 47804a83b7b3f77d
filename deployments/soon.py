"""Work that a request asks for and does not wait for."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from fks_actors.errors import FksError

_log = logging.getLogger(__name__)
_CALL_S = 5.0
_MANY = 4


class Soon:
    """Does a thing soon after it was asked for, once however often it was asked; a failure is logged and forgotten.

    Args:
        work: the thing.
        after_s: what is asked within this time is done together, at its end.
        apart_s: how long after one time comes the next, at the earliest, and up to five times that while more than
            `_MANY` ask each time; the first waits for nothing.
    """

    def __init__(self, work: Callable[[], Awaitable[None]], after_s: float = 0.0, apart_s: float = 0.0) -> None:
        self._work = work
        self._after_s = after_s
        self._apart_s = apart_s
        self._asked = 0
        self._task: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Have it done; returns at once."""
        self._asked += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End what is under way."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        pause_s = self._apart_s
        while self._asked:
            await asyncio.sleep(self._after_s)
            pause_s = min(2 * pause_s, 5 * self._apart_s) if self._asked > _MANY else self._apart_s
            self._asked = 0
            try:
                async with asyncio.timeout(_CALL_S):
                    await self._work()
            except (FksError, TimeoutError, OSError) as error:
                _log.warning("left undone: %s: %s", type(error).__name__, error)
            if pause_s:
                await asyncio.sleep(pause_s)
