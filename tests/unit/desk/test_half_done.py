"""Steps that broke half-way, and steps that are asked for twice: nothing of them may stand in a later commit."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from fks_actors.errors import ActorUnavailable, JournalConflict, JournalUnavailable
from fks_actors.model.orders import OrderType
from fks_actors.model.records import AuditRecord, Commit
from tests.in_process import MemoryJournal
from tests.unit.desk.exchange import VENUE
from tests.unit.desk.test_real_venue import Home

LIMIT = {"order_type": OrderType.LIMIT, "price": Decimal(29_000)}


class FullDisk:
    """A journal that keeps nothing of the next commit that `meets`."""

    def __init__(self, journal: MemoryJournal, meets: Callable[[str], bool]) -> None:
        self._journal = journal
        self._meets: Callable[[str], bool] | None = meets

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    async def commit(self, commits: list[Commit]) -> str:
        """Append, or refuse once."""
        if self._meets is not None and any(self._meets(c.commit_id) for c in commits):
            self._meets = None
            raise JournalUnavailable("no space left on the device")
        return await self._journal.commit(commits)


def full_disk(home: Home, prefix: str) -> None:
    """The next commit whose id begins so is not kept."""
    home.inside.journal = FullDisk(home.journal, lambda commit_id: commit_id.startswith(prefix))


async def test_audit_when_the_signal_before_it_was_not_kept_then_the_signal_is_not_skipped() -> None:
    home = await Home().begin()
    signal = home.signal()
    full_disk(home, "signal-")
    with pytest.raises(JournalUnavailable):
        await home.desk.run_signal(1, signal, home.desk.clock_ms)
    with pytest.raises(JournalConflict):
        await home.desk.audit("a", (AuditRecord(1, "peer_denied", "192.0.2.1"),))
    await home.desk.recover()
    assert home.desk.inbox_cursor == 0
    await home.desk.run_signal(1, signal, home.desk.clock_ms)
    assert len(home.exchange.entered) == 1
    home.agrees()


async def test_collect_when_the_step_before_it_was_not_kept_then_its_trade_is_booked() -> None:
    home = await Home().begin()
    (key,) = (await home.alert(**LIMIT)).client_order_ids
    home.exchange.trade(key, Decimal("0.004"), Decimal(29_000))
    home.connector.happened(key)
    full_disk(home, "collect-")
    with pytest.raises(JournalUnavailable):
        await home.desk.collect(VENUE, home.desk.clock_ms)
    with pytest.raises(JournalConflict):
        await home.desk.collect(VENUE, home.desk.clock_ms)
    await home.desk.recover()
    await home.desk.collect(VENUE, home.desk.clock_ms)
    home.agrees()


async def test_step_when_the_journal_did_not_answer_then_the_next_one_waits_for_a_recovery() -> None:
    home = await Home().begin()

    class Lost(FullDisk):
        async def commit(self, commits: list[Commit]) -> str:
            await self._journal.commit(commits)
            raise ActorUnavailable("the answer is lost")

    journal = home.journal
    home.inside.journal = Lost(journal, lambda _: False)
    with pytest.raises(ActorUnavailable):
        await home.alert()
    home.inside.journal = journal
    with pytest.raises(JournalConflict):
        await home.alert()
    await home.desk.recover()
    home.agrees()
