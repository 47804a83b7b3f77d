"""The journal actor: every commit of the desk goes through it; commits that wait together share one transaction."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from fks_actors.actors.presence import Presence
from fks_actors.adapters.sql import SqlJournal
from fks_actors.errors import JournalError
from fks_actors.journal.lease import Lease
from fks_actors.model.candles import Candle
from fks_actors.model.orders import Order
from fks_actors.model.records import AuditRecord, Commit, RunRecord, SignalRecord, SnapshotAt

T = TypeVar("T")


class JournalActor(Presence):
    """Owns the connection that writes. The event loop's thread writes, so that the chain has one order; what arrives
    meanwhile waits and then shares a transaction. Another thread reads."""

    def __init__(self, url: str) -> None:
        super().__init__("journal")
        self._journal = SqlJournal(url, lambda: time.time_ns() // 1_000_000)
        self._reader = ThreadPoolExecutor(1, "journal-reader")
        self._waiting: list[tuple[Sequence[Commit], asyncio.Future[str]]] = []
        self._writing = False
        self._append_seconds = self.telemetry.histogram("fks_journal_append_seconds")

    async def commit(self, commits: Sequence[Commit]) -> str:
        """Append; durable when it returns. See `journal.ports.Journal`."""
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((commits, done))
        if not self._writing:
            self._writing = True
            try:
                while self._waiting:
                    waiting, self._waiting = self._waiting, []
                    self._write(waiting)
                    await asyncio.sleep(0)
            finally:
                self._writing = False
        return await done

    def _write(self, waiting: list[tuple[Sequence[Commit], asyncio.Future[str]]]) -> None:
        together = [commit for commits, _ in waiting for commit in commits]
        start = time.perf_counter()
        try:
            head = self._journal.commit(together)
        except JournalError as error:
            self.telemetry.counter("fks_journal_errors_total", "commit").inc()
            if len(waiting) == 1:
                waiting[0][1].set_exception(error)
                return
            for each in waiting:  # one refused commit must not take its neighbours along
                self._write([each])
            return
        self._append_seconds.observe(time.perf_counter() - start)
        for _, done in waiting:
            done.set_result(head)

    async def head(self) -> str:
        """The last commit's id."""
        return await self._read(self._journal.head)

    async def snapshot(self, owner: str) -> SnapshotAt:
        """The last snapshot of `owner`."""
        return await self._read(partial(self._journal.snapshot, owner))

    async def candles(self, symbol: str, before_ms: int | None, limit: int) -> list[Candle]:
        """The last bars before an instant, oldest first."""
        return await self._read(partial(self._journal.candles, symbol, before_ms, limit))

    async def last_bar_ms(self, symbols: Sequence[str]) -> dict[str, int]:
        """Each symbol's last recorded bar."""
        return await self._read(partial(self._journal.last_bar_ms, symbols))

    async def open_orders_page(self, after: int, limit: int) -> tuple[list[Order], int]:
        """A part of the orders that have not ended, and where the next one starts (0: none)."""
        return await self._read(partial(self._journal.open_orders_page, after, limit))

    async def order(self, client_order_id: str) -> Order | None:
        """One order in its present state."""
        return await self._read(partial(self._journal.order, client_order_id))

    async def trade_ids(self, client_order_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """(venue, trade id) of every fill that is booked for these orders."""
        return await self._read(partial(self._journal.trade_ids, client_order_ids))

    async def trades_by_order(self, client_order_ids: Sequence[str]) -> dict[str, frozenset[tuple[str, str]]]:
        """The same of each of these orders; one without a fill is absent."""
        return await self._read(partial(self._journal.trades_by_order, client_order_ids))

    async def signal(self, signal_id: str) -> SignalRecord | None:
        """What became of a signal."""
        return await self._read(partial(self._journal.signal, signal_id))

    async def last_run(self) -> RunRecord | None:
        """The newest start of the desk."""
        return await self._read(self._journal.last_run)

    async def audit(self, limit: int) -> list[AuditRecord]:
        """The last audit records, newest first."""
        return await self._read(partial(self._journal.audit, limit))

    async def acquire(self, name: str, holder: str, now_ms: int, ttl_ms: int, dead: str = "") -> Lease | None:
        """Take a lease; None where it is taken, unless its holder is `dead`. See `journal.ports.Leases`."""
        return self._journal.leases.acquire(name, holder, now_ms, ttl_ms, lambda found: found == dead)

    async def renew(self, name: str, holder: str, epoch: int, now_ms: int, ttl_ms: int) -> Lease | None:
        """Prolong a lease; None where it is not this grant's any more."""
        return self._journal.leases.renew(name, holder, epoch, now_ms, ttl_ms)

    async def release(self, name: str, holder: str, epoch: int) -> bool:
        """Free a lease; False where it was not this grant's any more."""
        return self._journal.leases.release(name, holder, epoch)

    async def held(self, name: str) -> Lease:
        """A lease as it stands."""
        return await self._read(partial(self._journal.leases.held, name))

    async def _read(self, read: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, read)
