"""The desk's lease: taken before anything is read, renewed while the desk lives. Without it no order leaves.

Who loses it (a longer silence than its life, another desk that took over) starts again from the beginning: `Fenced`.
"""

import asyncio
import time
from collections.abc import Callable

from fks_actors.actors.handles import JournalHandle
from fks_actors.adapters.holder import is_dead, this_holder
from fks_actors.errors import Fenced, FksError

NAME = "desk"
_TRY_S = 0.5


class LeaseKeeper:
    """Takes the lease and keeps it.

    Args:
        ttl_s: how long a grant lasts; it is renewed three times as often.
        granted: hears of every grant: epoch, and until when (UTC ms) it holds.
    """

    def __init__(self, journal: JournalHandle, ttl_s: float, granted: Callable[[int, int], None]) -> None:
        self._journal = journal
        self._ttl_ms = round(1_000 * ttl_s)
        self._granted = granted
        self._holder = this_holder()
        self._epoch = 0

    async def take(self) -> None:
        """Take the lease.

        Raises:
            Fenced: another desk holds it.
        """
        lease = await self._journal.acquire(NAME, self._holder, _now_ms(), self._ttl_ms, is_dead)
        if lease is None:
            raise Fenced("another desk holds the lease of this journal; this one waits until that ends")
        self._epoch = lease.epoch
        self._granted(lease.epoch, lease.until_ms)

    async def keep(self) -> None:
        """Renew the lease for ever.

        Raises:
            Fenced: it was lost.
        """
        held_until_ms = _now_ms() + self._ttl_ms
        while True:
            await asyncio.sleep(self._ttl_ms / 3_000)
            try:
                lease = await self._journal.renew(NAME, self._holder, self._epoch, _now_ms(), self._ttl_ms)
            except FksError:
                if _now_ms() < held_until_ms:
                    await asyncio.sleep(_TRY_S)
                    continue
                raise
            if lease is None:
                raise Fenced("another desk took the lease of this journal over")
            held_until_ms = lease.until_ms
            self._granted(lease.epoch, lease.until_ms)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
