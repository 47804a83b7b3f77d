"""A desk takes the lease, keeps it, and learns in time that it lost it."""

import asyncio
import time
from typing import Any

import pytest

from fks_actors.actors.lease import NAME, LeaseKeeper
from fks_actors.errors import Fenced, JournalUnavailable
from fks_actors.journal.lease import Lease
from tests.in_process import MemoryJournal

TTL_S = 0.3


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


class BrokenJournal(MemoryJournal):
    """Renewals fail, or hang, as long as they are told to."""

    broken: bool = False
    hangs: bool = False

    def __init__(self) -> None:
        super().__init__()
        self.refused = asyncio.Event()

    async def renew(self, *args: Any) -> Lease | None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.broken:
            self.refused.set()
            raise JournalUnavailable("the disk is full")
        return await super().renew(*args)


class Grants:
    def __init__(self) -> None:
        self.all: list[tuple[int, int]] = []
        self._came = asyncio.Event()

    def __call__(self, epoch: int, until_ms: int) -> None:
        self.all.append((epoch, until_ms))
        self._came.set()

    async def another(self) -> None:
        """Wait for the next one."""
        self._came.clear()
        await asyncio.wait_for(self._came.wait(), 10)


async def test_take_when_free_then_the_desk_believes_in_less_than_the_journal_grants() -> None:
    journal, grants, clock = MemoryJournal(), Grants(), Clock()
    keeper = LeaseKeeper(journal, 10, grants, "a", clock)
    assert not keeper.held()
    await keeper.take()
    assert (await journal.held(NAME)).until_ms == clock.now + 10_000
    assert grants.all == [(1, clock.now + 9_000)]
    assert keeper.held()
    clock.now += 9_000
    assert not keeper.held()


async def test_take_when_another_holds_it_then_fenced_until_it_has_run_out() -> None:
    journal, clock = MemoryJournal(), Clock()
    first = LeaseKeeper(journal, 10, Grants(), "a", clock)
    second = LeaseKeeper(journal, 10, Grants(), "b", clock)
    await first.take()
    clock.now += 9_999
    assert not first.held()
    with pytest.raises(Fenced):
        await second.take()
    clock.now += 1
    await second.take()
    assert second.epoch == 2


async def test_keep_when_it_renews_then_the_epoch_stays_and_the_end_moves_on() -> None:
    journal, grants = MemoryJournal(), Grants()
    keeper = LeaseKeeper(journal, TTL_S, grants, "a")
    await keeper.take()
    keeping = asyncio.create_task(keeper.keep())
    while len(grants.all) < 5:
        await grants.another()
        assert keeper.held()
        assert await journal.acquire(NAME, "b", time.time_ns() // 1_000_000, 10) is None
    keeping.cancel()
    assert {epoch for epoch, _ in grants.all} == {1}
    assert [until for _, until in grants.all] == sorted({until for _, until in grants.all})


async def test_keep_when_another_took_over_then_fenced() -> None:
    journal = MemoryJournal()
    keeper = LeaseKeeper(journal, TTL_S, Grants(), "a")
    await keeper.take()
    journal.leases[NAME] = Lease("b", 2, 2**60)
    with pytest.raises(Fenced, match="took the lease"):
        await asyncio.wait_for(keeper.keep(), 10)
    assert not keeper.held()


async def test_keep_when_the_journal_fails_for_a_moment_then_asks_again() -> None:
    journal, grants = BrokenJournal(), Grants()
    keeper = LeaseKeeper(journal, 1.0, grants, "a")
    await keeper.take()
    journal.broken = True
    keeping = asyncio.create_task(keeper.keep())
    await asyncio.wait_for(journal.refused.wait(), 10)
    journal.broken = False
    await grants.another()
    assert keeper.held()
    keeping.cancel()


@pytest.mark.parametrize("fault", ["broken", "hangs"])
async def test_keep_when_the_journal_does_not_answer_until_the_end_then_gives_up(fault: str) -> None:
    journal = BrokenJournal()
    keeper = LeaseKeeper(journal, TTL_S, Grants(), "a")
    await keeper.take()
    setattr(journal, fault, True)
    with pytest.raises(Exception, match=r"the disk is full|ran out"):
        await asyncio.wait_for(keeper.keep(), 10)
    assert not keeper.held()


async def test_let_go_when_held_then_another_takes_it_at_once() -> None:
    journal, clock = MemoryJournal(), Clock()
    keeper = LeaseKeeper(journal, 10, Grants(), "a", clock)
    await keeper.take()
    await keeper.let_go()
    other = LeaseKeeper(journal, 10, Grants(), "b", clock)
    await other.take()
    assert other.held()
    assert not keeper.held()
