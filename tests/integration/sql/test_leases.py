"""One lease, many processes, SQLite and PostgreSQL."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from fks_actors.adapters.sql import SqlJournal
from fks_actors.adapters.sql.leases import SqlLeases
from fks_actors.adapters.sql.store import Store
from fks_actors.journal.lease import FREE, Lease
from fks_actors.journal.ports import Leases
from tests.integration.sql.conftest import NOW_MS, Start, go, said
from tests.journal_scene import step


def test_lease_when_taken_kept_and_freed_then_its_epoch_rises_and_the_chain_stays(journal: SqlJournal) -> None:
    port: Leases = journal.leases
    journal.commit((step(0),))
    assert port.held("desk") == FREE
    assert port.renew("desk", "a", 0, NOW_MS, 10) is None
    assert port.acquire("desk", "a", NOW_MS, 10) == Lease("a", 1, NOW_MS + 10)
    assert port.acquire("desk", "b", NOW_MS, 10) is None
    assert port.renew("desk", "a", 1, NOW_MS + 5, 10) == Lease("a", 1, NOW_MS + 15)
    assert port.acquire("desk", "b", NOW_MS + 6, 10, lambda name: name == "a") == Lease("b", 2, NOW_MS + 16)
    assert port.renew("desk", "a", 1, NOW_MS + 7, 10) is None
    assert port.release("desk", "a", 1) is False
    assert port.held("desk") == Lease("b", 2, NOW_MS + 16)
    assert port.release("desk", "b", 2) is True
    assert port.held("desk") == Lease("", 2, 0)
    assert port.acquire("other", "c", NOW_MS, 10) == Lease("c", 1, NOW_MS + 10)
    assert journal.commit((step(1),)) == "bar-1"


def test_lease_when_the_process_was_restarted_then_it_still_stands(
    url: str, opened: Callable[[str], SqlJournal]
) -> None:
    opened(url).leases.acquire("desk", "a", NOW_MS, 10)
    again = opened(url).leases
    assert again.held("desk") == Lease("a", 1, NOW_MS + 10)
    assert again.acquire("desk", "a", NOW_MS, 10) == Lease("a", 2, NOW_MS + 10)


def test_acquire_when_threads_race_then_each_epoch_is_granted_once(url: str, journal: SqlJournal) -> None:
    stores = [Store(url, 5_000) for _ in range(4)]

    def take(number: int) -> Lease | None:
        return SqlLeases(stores[number % 4]).acquire("desk", f"h{number}", NOW_MS + number // 16 * 100, 50)

    with ThreadPoolExecutor(8) as pool:
        won = [lease for lease in pool.map(take, range(64)) if lease is not None]
    assert [lease.epoch for lease in sorted(won, key=lambda each: each.until_ms)] == list(range(1, len(won) + 1))
    assert len({lease.until_ms for lease in won}) == len(won) <= 4
    for store in stores:
        store.close()


def test_acquire_when_processes_race_then_exactly_one_is_granted_each(
    url: str, journal: SqlJournal, start: Start
) -> None:
    names = [f"lease-{i}" for i in range(40)]
    workers = [start("lease", url, str(NOW_MS), label, *names) for label in "abc"]
    assert [said(worker) for worker in workers] == ["ready"] * 3
    for worker in workers:
        go(worker)
    answers = [said(worker).split() for worker in workers]
    assert sorted(name for won in answers for name in won) == sorted(names)
    for label, won in zip("abc", answers, strict=True):
        assert {journal.leases.held(name) for name in won} <= {Lease(label, 1, NOW_MS + 1_000)}
