"""The desk's lease: taken before anything is read, renewed while the desk lives. Without it no order leaves.

Who loses it (a longer silence than its life, another desk that took over) starts again from the beginning: `Fenced`.
The desk believes in a shorter life than the journal grants: the hosts' clocks may differ by the rest.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from fks_actors.adapters.holder import is_dead, this_holder
from fks_actors.desk.ports import JournalPort
from fks_actors.errors import ActorUnavailable, Fenced, FksError
from fks_actors.journal.lease import IsDead, Lease
from fks_actors.model.records import Commit

NAME = "desk"
_RENEWALS = 3
_SLACK = 0.1
_TRY_S = 0.5


class LeasePort(Protocol):
    """What a lease is asked of: `journal.ports.Leases`, asynchronously."""

    async def acquire(self, name: str, holder: str, now_ms: int, ttl_ms: int, is_dead: IsDead) -> Lease | None:
        """Take the lease; None where somebody else holds it."""
        ...

    async def renew(self, name: str, holder: str, epoch: int, now_ms: int, ttl_ms: int) -> Lease | None:
        """Prolong the lease; None where it is not this grant's any more."""
        ...

    async def release(self, name: str, holder: str, epoch: int) -> bool:
        """Free the lease."""
        ...


class LeaseKeeper:
    """Takes the lease and keeps it.

    Args:
        ttl_s: how long a grant lasts; it is renewed three times as often.
        granted: hears of every grant: epoch, and until when (UTC ms) the desk may believe in it.
        holder: who takes it; this process unless it is named.
        now_ms: the wall clock.
    """

    def __init__(
        self,
        journal: LeasePort,
        ttl_s: float,
        granted: Callable[[int, int], None],
        holder: str = "",
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._journal = journal
        self._ttl_ms = round(1_000 * ttl_s)
        self._granted = granted
        self._holder = holder or this_holder()
        self._now_ms = now_ms
        self.epoch = 0
        self.until_ms = 0

    def held(self) -> bool:
        """Whether this desk may believe that it holds the lease now."""
        return self._now_ms() < self.until_ms

    async def take(self) -> None:
        """Take the lease.

        Raises:
            Fenced: another desk holds it.
        """
        lease = await self._journal.acquire(NAME, self._holder, self._now_ms(), self._ttl_ms, is_dead)
        if lease is None:
            raise Fenced("another desk holds the lease of this journal; this one waits until that ends")
        self._take_note(lease)

    async def keep(self) -> None:
        """Renew the lease for ever.

        Raises:
            Fenced: it was lost.
            FksError: the journal did not answer until it had run out.
        """
        while True:
            await asyncio.sleep(self._ttl_ms / (1_000 * _RENEWALS))
            lease = await self._renewed()
            if lease is None:
                self.until_ms = 0
                raise Fenced("another desk took the lease of this journal over")
            self._take_note(lease)

    async def let_go(self) -> None:
        """Free the lease, so that another desk need not wait for its end."""
        self.until_ms = 0
        await self._journal.release(NAME, self._holder, self.epoch)

    async def _renewed(self) -> Lease | None:
        """The answer of the journal; asked again until the lease has run out."""
        while True:
            left_s = max((self.until_ms - self._now_ms()) / 1_000, _TRY_S)
            try:
                async with asyncio.timeout(left_s):
                    return await self._journal.renew(NAME, self._holder, self.epoch, self._now_ms(), self._ttl_ms)
            except TimeoutError:
                raise ActorUnavailable("the lease ran out while the journal did not answer") from None
            except FksError:
                if not self.held():
                    raise
                await asyncio.sleep(min(_TRY_S, self._ttl_ms / 10_000))

    def _take_note(self, lease: Lease) -> None:
        self.epoch, self.until_ms = lease.epoch, lease.until_ms - round(_SLACK * self._ttl_ms)
        self._granted(self.epoch, self.until_ms)


def leased(journal: JournalPort, keeper: LeaseKeeper) -> JournalPort:
    """The journal as a desk writes it: nothing without the lease."""
    return cast(JournalPort, _Leased(journal, keeper))


class _Leased:
    def __init__(self, journal: JournalPort, keeper: LeaseKeeper) -> None:
        self._journal = journal
        self._keeper = keeper

    async def commit(self, commits: Sequence[Commit]) -> str:
        """Append. The chain refuses a desk that was overtaken; this one also a desk that has read on meanwhile.

        Raises:
            Fenced: the lease has run out; nothing was written.
        """
        if not self._keeper.held():
            raise Fenced("the desk does not hold the lease: nothing was written")
        return await self._journal.commit(commits)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)
