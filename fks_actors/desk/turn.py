"""One step of the desk at a time, and none on what a broken one left behind."""

import asyncio

from fks_actors.errors import JournalConflict


class Whole:
    """Whether the desk's memory is the journal's."""

    __slots__ = ("broken",)

    def __init__(self) -> None:
        self.broken = False


class Turn:
    """The time of one step; an error that leaves it breaks the desk."""

    __slots__ = ("_again", "_lock", "_whole")

    def __init__(self, lock: asyncio.Lock, whole: Whole, again: bool) -> None:
        self._lock, self._whole, self._again = lock, whole, again

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        if self._whole.broken and not self._again:
            self._lock.release()
            raise JournalConflict("the step before broke half-way: recover first")
        self._whole.broken = True

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._whole.broken = kind is not None
        self._lock.release()
