"""The shadows' actor: follows the desk's journal at a distance and keeps paper portfolios beside it.

It only reads, in short reads of its own connection, a page at a time and as fast as it gets along, at the lowest
priority: the desk neither waits for it nor hears of it. It keeps nothing that matters: whoever takes its place follows
the same journal from the same places and comes to the same figures.
"""

import asyncio
import logging
import os
import time
from decimal import Decimal
from typing import Any

from fks_actors.actors import names
from fks_actors.actors.presence import Presence
from fks_actors.actors.shadow_begins import Begins
from fks_actors.actors.wiring import ShadowsTold
from fks_actors.adapters.sql.course import open_course
from fks_actors.backtest.shadows import Shadows
from fks_actors.errors import FksError, JournalUnavailable
from fks_actors.journal.course import Course

_PAGE = 256
_IDLE_S = 1.0
_PAUSE_S, _MAX_PAUSE_S = 0.5, 30.0
_NICE = 10
_log = logging.getLogger(__name__)


class ShadowActor(Presence):
    """Keeps the shadows."""

    def __init__(self, told: ShadowsTold) -> None:
        super().__init__(names.SHADOWS)
        self._told = told
        self._shadows: Shadows | None = None
        self._trouble = ""
        self._behind = True
        self._clock_ms = 0
        self._rows: list[dict[str, Any]] = []
        self._tests: list[dict[str, Any]] = []
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to follow; idempotent."""
        if self._task is None:
            if self._told.own_process:
                os.nice(_NICE)
            self._task = asyncio.create_task(self._forever(), name="shadows")

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def told(self) -> dict[str, Any]:
        """Rows and tests of one instant, `clock_ms`; `behind`: more is recorded than was followed yet."""
        return {
            "clock_ms": self._clock_ms,
            "behind": self._behind,
            "trouble": self._trouble,
            "items": self._rows,
            "tests": self._tests,
        }

    def activity(self) -> str:
        """A few words on what the actor does now, for people."""
        if self._trouble:
            return f"paused: {self._trouble}"
        if self._shadows is None:
            return "waiting for the desk's journal"
        stopped = self._shadows.troubles
        words = "catching up" if self._behind else "following"
        return f"{words}; stopped: {', '.join(stopped)}" if stopped else words

    async def _forever(self) -> None:
        pause = _PAUSE_S
        while True:
            began_s = time.monotonic()
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001 (shown as trouble; it begins anew from the journal)
                self._trouble = str(error) if isinstance(error, FksError) else f"{type(error).__name__}: {error}"
                log = _log.info if isinstance(error, JournalUnavailable) else _log.exception
                log("the shadows wait: %s", self._trouble)
            pause = _PAUSE_S if time.monotonic() - began_s > _MAX_PAUSE_S else min(2 * pause, _MAX_PAUSE_S)
            await asyncio.sleep(pause)

    async def _follow(self) -> None:
        """Begin at the places of begin, and follow until something fails."""
        course = await asyncio.to_thread(open_course, self._told.journal_url)
        try:
            shadows = await self._begun(course)
            self._shadows, self._trouble = shadows, ""
            while True:
                await self._page(course, shadows)
        finally:
            course.close()

    async def _begun(self, course: Course) -> Shadows:
        """The shadows as they began.

        Raises:
            JournalUnavailable: the desk has not written its run down yet.
        """
        told = self._told
        found = await asyncio.to_thread(course.run_at, told.run.run_id)
        if found is None:
            raise JournalUnavailable("the desk has not begun yet")
        after = await asyncio.to_thread(Begins(told.begins).places, told.plans, course, found[0], told.run.run_id)
        await asyncio.to_thread(course.start, min(after.values()))
        return Shadows(told.plans, told.config, told.run, course, after, told.warm)

    async def _page(self, course: Course, shadows: Shadows) -> None:
        """Take what follows, or wait a little; a journal that does not answer is asked again."""
        try:
            page = await asyncio.to_thread(course.next, _PAGE)
        except JournalUnavailable as error:
            self._behind, self._trouble = False, str(error)
            await asyncio.sleep(_IDLE_S)
            return
        for taken in page:
            await shadows.take(taken)
            await asyncio.sleep(0)  # whoever asks meanwhile is answered
        self._show(shadows, await asyncio.to_thread(course.equity_before, shadows.clock_ms + 1))
        self._behind, self._trouble = len(page) > 1, ""
        if not self._behind:
            await asyncio.sleep(_IDLE_S)

    def _show(self, shadows: Shadows, desk_equity: Decimal | None) -> None:
        self._clock_ms, self._rows, self._tests = shadows.clock_ms, shadows.rows(desk_equity), shadows.tests()
        for name, worth in shadows.worths().items():
            self.telemetry.gauge("fks_shadow_equity", name).set(float(worth.equity))
        for plan in self._told.plans:
            self.telemetry.gauge("fks_shadow_up", plan.name).set(float(plan.name not in shadows.troubles))
