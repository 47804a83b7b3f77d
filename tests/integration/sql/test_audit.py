"""Whatever is done to a journal behind its writer's back shows, on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from fks_actors.adapters.sql import SqlJournal, SqlReader, open_reader
from fks_actors.adapters.sql.store import Store
from fks_actors.journal.audit import START, AuditRow, Fault, Verified, link
from fks_actors.journal.ports import GENESIS
from fks_actors.model.orders import OrderStatus
from fks_actors.model.records import Commit, SignalStatus
from tests.integration.sql.conftest import Start, said
from tests.journal_scene import START_MS, charge, control, fill, note, only, order, run, signal_record, step

Opened = Callable[[str], SqlJournal]
Tamper = Callable[..., None]

STORY: tuple[Commit, ...] = (
    only("start", GENESIS, run("r1"), run("r2"), control("one"), note("lease_taken", "null")),
    step(1, "start", order("o", OrderStatus.SUBMITTED), signal_record("s", SignalStatus.ACCEPTED)),
    step(2, None, order("o", OrderStatus.FILLED, updated_ms=START_MS + 1), fill("t", "o"), fill("u", "o")),
    step(3, None, signal_record("s", SignalStatus.FILLED), order("p", OrderStatus.SUBMITTED), control("two")),
    only("end", "bar-3", note("unauthorized"), note("forbidden"), fill("t", "o"), run("r1")),
)
COUNTS = {"commits": 5, "logged": 16, "run": 3, "control": 2, "audit": 3, "order": 3, "signal": 2, "fill": 3}


@pytest.fixture
def story(url: str, opened: Opened) -> Iterator[SqlReader]:
    """The story written by several writers, in several cuts."""
    for commits in (STORY[:1], STORY[1:3], STORY[3:]):
        opened(url).commit(commits)
    reader = open_reader(url)
    yield reader
    reader.close()


@pytest.fixture
def tamper(url: str, story: SqlReader) -> Iterator[Tamper]:
    """Statements as somebody with the database's password could send them."""
    store = Store(url, 5_000)

    def run_all(*statements: str) -> None:
        with store.writing() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    yield run_all
    store.close()


def _ok(found: Verified | Fault) -> Verified:
    assert isinstance(found, Verified), found
    return found


def _fault(found: Verified | Fault) -> Fault:
    assert isinstance(found, Fault)
    return found


def test_verify_when_nothing_was_done_then_every_row_is_counted_and_each_head_is_in_the_log(
    url: str, story: SqlReader, opened: Opened
) -> None:
    found = _ok(story.verify())
    assert found.counts == COUNTS
    opened(url).commit((only("more", "end", fill("v", "o")),))
    later = _ok(story.verify(found.head))
    assert later.head != found.head


def test_verify_when_the_journal_is_new_then_there_is_nothing_to_doubt(journal: SqlJournal) -> None:
    assert journal.verify() == Verified({"commits": 0}, START)
    journal.commit((step(0),))
    assert journal.verify(START) == Verified({"commits": 1}, START)


def test_verify_when_the_cut_into_transactions_was_another_one_then_the_head_is_the_same(
    url: str, story: SqlReader, opened: Opened, tmp_path: Path
) -> None:
    other = opened(f"sqlite:///{tmp_path / 'other.db'}")
    other.commit(STORY)
    assert other.verify() == story.verify()


def test_commit_when_another_writer_came_between_then_the_log_goes_on_behind_its_rows(url: str, opened: Opened) -> None:
    one, other = opened(url), opened(url)
    one.commit((only("a", GENESIS, fill("t1", "o")),))
    other.commit((only("b", "a", fill("t2", "o")),))
    one.commit((only("c", "b", fill("t3", "o")),))
    other.commit((only("b", "a", fill("t2", "o")),))
    assert _ok(one.verify()).counts == {"commits": 3, "logged": 3, "fill": 3}


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE charges SET payload = replace(payload, '0.25', '0.01')", "charges"),
        ("UPDATE charges SET venue = 'binance'", "charges"),
        ("DELETE FROM charges", "audit"),
    ],
)
def test_verify_when_what_holding_cost_was_changed_then_it_shows(
    url: str, story: SqlReader, opened: Opened, tamper: Tamper, statement: str, table: str
) -> None:
    opened(url).commit((only("held", "end", charge("funding-1")),))
    assert _ok(story.verify()).counts == COUNTS | {"commits": 6, "logged": 17, "charge": 1}
    tamper(statement)
    assert _fault(story.verify()).table == table


CHANGED: tuple[tuple[str, str, str], ...] = (
    ("UPDATE history SET payload = replace(payload, 'filled', 'expired') WHERE seq = 3000003", "history", "payload"),
    ("UPDATE history SET payload = payload || ' ' WHERE seq = 2000004", "history", "payload"),
    ("UPDATE history SET ts_ms = ts_ms + 1 WHERE seq = 2000003", "history", "key or time"),
    ("UPDATE history SET key = 'p' WHERE seq = 2000003", "history", "key or time"),
    ("UPDATE history SET kind = 'signal' WHERE seq = 2000003", "history", "key or time"),
    ("UPDATE fills SET payload = replace(payload, '100.10', '1.10') WHERE seq = 3000004", "fills", "payload"),
    ("UPDATE fills SET payload = '{}' WHERE seq = 3000004", "fills", "payload"),
    ("UPDATE fills SET client_order_id = 'p' WHERE seq = 3000004", "fills", "column"),
    ("UPDATE fills SET venue = 'binance' WHERE seq = 3000004", "fills", "column"),
    ("UPDATE controls SET payload = replace(payload, 'halted', 'active') WHERE seq = 4000005", "controls", "payload"),
    ("UPDATE controls SET ts_ms = 1 WHERE seq = 4000005", "controls", "column"),
    ("UPDATE runs SET payload = replace(payload, '10000', '99999') WHERE run_id = 'r1'", "runs", "payload"),
    ("UPDATE runs SET run_id = 'r9' WHERE run_id = 'r2'", "runs", "column"),
    ("UPDATE notes SET payload = replace(payload, 'forbidden', 'forgotten')", "notes", "payload"),
    ("UPDATE notes SET ts_ms = 0 WHERE seq = 5000001", "notes", "column"),
    ("UPDATE orders SET payload = replace(payload, '100.10', '1.10') WHERE client_order_id = 'o'", "orders", "payload"),
    ("UPDATE orders SET status = 'cancelled' WHERE client_order_id = 'p'", "orders", "column"),
    ("UPDATE orders SET seq = 9000000 WHERE client_order_id = 'p'", "orders", "column"),
    ("UPDATE orders SET client_order_id = 'q' WHERE client_order_id = 'p'", "orders", "no history"),
    ("UPDATE signals SET payload = replace(payload, '0.10', '9.10')", "signals", "payload"),
    ("UPDATE signals SET status = 'denied'", "signals", "column"),
    ("UPDATE audit SET payload_hash = '0' WHERE seq = 3000003", "audit", "not the one"),
    ("UPDATE audit SET state_hash = '0' WHERE seq = 3000003", "audit", "not the one"),
    ("UPDATE audit SET hash = '0' WHERE seq = 5000004", "audit", "not the one"),
    ("UPDATE audit SET key = 'p' WHERE seq = 3000003", "audit", "not the one"),
    ("UPDATE commits SET commit_id = 'bar-x' WHERE seq = 5", "audit", "not the one"),
    ("UPDATE commits SET after = 'bar-x' WHERE seq = 3", "commits", "builds on"),
)
REMOVED: tuple[tuple[str, str, str], ...] = (
    ("DELETE FROM history WHERE seq = 2000003", "audit", "order it speaks of is gone"),
    ("DELETE FROM fills WHERE seq = 3000005", "audit", "fill it speaks of is gone"),
    ("DELETE FROM fills WHERE seq = 3000004", "audit", "fill it speaks of is gone"),
    ("DELETE FROM controls WHERE seq = 4000005", "audit", "control it speaks of is gone"),
    ("DELETE FROM runs WHERE run_id = 'r2'", "audit", "run it speaks of is gone"),
    ("DELETE FROM notes WHERE seq = 5000001", "audit", "audit it speaks of is gone"),
    ("DELETE FROM orders WHERE client_order_id = 'o'", "orders", "its history is there"),
    ("DELETE FROM signals", "signals", "its history is there"),
    ("DELETE FROM audit WHERE seq = 1000001", "audit", "not the one"),
    ("DELETE FROM audit WHERE seq = 3000005", "audit", "not the one"),
    ("DELETE FROM audit WHERE seq >= 5000002", "notes", "not in the audit log"),
    ("DELETE FROM audit", "runs", "not in the audit log"),
    ("DELETE FROM commits WHERE seq = 3", "commits", "commits between 2 and 4"),
)
ADDED: tuple[tuple[str, str, str], ...] = (
    (
        "INSERT INTO history SELECT 2000009, kind, key, ts_ms, payload FROM history WHERE seq = 2000003",
        "history",
        "not in",
    ),
    (
        "INSERT INTO history SELECT 9000009, kind, key, ts_ms, payload FROM history WHERE seq = 2000003",
        "history",
        "not in",
    ),
    ("INSERT INTO history SELECT 1, kind, key, ts_ms, payload FROM history WHERE seq = 2000003", "history", "not in"),
    (
        "INSERT INTO fills SELECT 5000003, venue, 'z', 'o', symbol, ts_ms, payload FROM fills WHERE seq = 3000005",
        "fills",
        "",
    ),
    ("INSERT INTO controls SELECT 4000009, ts_ms, payload FROM controls WHERE seq = 1000003", "controls", "not in"),
    ("INSERT INTO runs SELECT 5000009, 'r7', ts_ms, payload FROM runs WHERE run_id = 'r1'", "runs", "not in"),
    ("INSERT INTO notes SELECT 5000009, ts_ms, payload FROM notes WHERE seq = 5000001", "notes", "not in"),
    (
        "INSERT INTO orders SELECT 7, 'q', symbol, status, ts_ms, payload FROM orders WHERE status = 'filled'",
        "orders",
        "no history",
    ),
    (
        "INSERT INTO audit SELECT 2000009, ts_ms, kind, key, payload_hash, state_hash, hash FROM audit WHERE key = 'p'",
        "audit",
        "not the one",
    ),
    ("INSERT INTO commits VALUES (6, 'forged', 'nowhere', 1)", "commits", "builds on"),
)


@pytest.mark.parametrize(("statement", "table", "what"), [*CHANGED, *REMOVED, *ADDED])
def test_verify_when_a_row_was_changed_removed_or_added_then_it_is_named(
    story: SqlReader, tamper: Tamper, statement: str, table: str, what: str
) -> None:
    tamper(statement)
    fault = _fault(story.verify())
    assert (fault.table, what in fault.what) == (table, True), fault


@pytest.mark.parametrize(
    ("table", "one", "other"),
    [
        ("history", 2000003, 3000003),
        ("fills", 3000004, 3000005),
        ("controls", 1000003, 4000005),
        ("runs", 1000001, 1000002),
        ("notes", 5000001, 5000002),
        ("audit", 3000004, 3000005),
        ("orders", 2000003, 4000004),
    ],
)
def test_verify_when_two_rows_changed_places_then_the_first_is_named(
    story: SqlReader, tamper: Tamper, table: str, one: int, other: int
) -> None:
    places = ((one, 42), (other, one), (42, other))
    tamper(*(f"UPDATE {table} SET seq = {to} WHERE seq = {of}" for of, to in places))  # noqa: S608
    fault = _fault(story.verify())
    assert (fault.table, fault.seq) == (table, one), fault


def test_verify_when_the_last_commit_was_cut_off_whole_then_only_a_noted_head_tells(
    story: SqlReader, tamper: Tamper
) -> None:
    head = _ok(story.verify()).head
    tamper(
        "DELETE FROM commits WHERE seq = 5",
        "DELETE FROM audit WHERE seq > 5000000",
        "DELETE FROM notes WHERE seq > 5000000",
    )
    shorter = _ok(story.verify())
    assert (shorter.counts["commits"], shorter.head == head) == (4, False)
    assert "noted head is not in the log" in _fault(story.verify(head)).what


def test_verify_when_every_hash_was_computed_anew_then_only_a_noted_head_tells(
    url: str, story: SqlReader, tamper: Tamper
) -> None:
    head = _ok(story.verify()).head
    tamper("UPDATE fills SET payload = replace(payload, '100.10', '1.10') WHERE seq = 3000004")
    _forge(url)
    assert _ok(story.verify()).counts == COUNTS
    assert "noted head is not in the log" in _fault(story.verify(head)).what


def _forge(url: str) -> None:
    """Write the log anew from the fills as they are now."""
    import hashlib

    store = Store(url, 5_000)
    with store.writing() as connection:
        query = (
            "SELECT a.seq, a.ts_ms, a.kind, a.key, coalesce(f.payload, ''), a.payload_hash, a.state_hash, c.commit_id "
            "FROM audit a JOIN commits c ON c.seq = a.seq / 1000000 LEFT JOIN fills f ON f.seq = a.seq ORDER BY a.seq"
        )
        previous = START
        for seq, ts_ms, kind, key, payload, found, state, commit_id in connection.execute(sa.text(query)).all():
            new = hashlib.sha256(payload.encode()).hexdigest() if payload else found
            previous = link(previous, AuditRow(seq, ts_ms, kind, key, new, state, commit_id))
            update = sa.text("UPDATE audit SET payload_hash = :new, hash = :own WHERE seq = :seq")
            connection.execute(update, {"new": new, "own": previous, "seq": seq})
    store.close()


def test_verify_when_the_desk_writes_meanwhile_then_each_look_is_one_snapshot(url: str, start: Start) -> None:
    worker = start("commit", url)
    said(worker)
    reader = open_reader(url)
    heads: list[str] = []
    counted = []
    for _ in range(15):
        found = _ok(reader.verify(heads[-1] if heads else ""))
        assert found.counts["order"] == found.counts["fill"] == found.counts["commits"]
        heads.append(found.head)
        counted.append(found.counts["commits"])
    assert counted == sorted(counted)
    assert counted[-1] > counted[0]
    reader.close()


def test_audit_when_records_were_written_then_the_newest_come_first(story: SqlReader) -> None:
    assert story.audit(2) == [note("forbidden"), note("unauthorized")]
    assert story.audit(9)[-1] == note("lease_taken", "null")
