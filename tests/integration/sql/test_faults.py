"""Disks fill, files are damaged, servers go away: nothing half is kept, and the next call may work."""

import os
import resource
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from fks_actors.adapters.sql import SqlInbox, SqlJournal, open_reader
from fks_actors.adapters.sql.store import Store
from fks_actors.errors import JournalConflict, JournalCorrupt, JournalUnavailable
from fks_actors.journal.audit import Verified
from fks_actors.journal.ports import GENESIS
from tests.integration.sql.conftest import NOW_MS, WINDOW_MS
from tests.journal_scene import control, fill, only, signal, step

Opened = Callable[[str], SqlJournal]
BULK = b"x" * 1_000_000


@contextmanager
def _files_end_at(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_commit_when_the_file_may_not_grow_then_nothing_is_kept_and_the_next_try_works(
    file: Path, opened: Opened
) -> None:
    journal = opened(f"sqlite:///{file}")
    journal.commit((step(0),))
    with _files_end_at(600_000), pytest.raises(JournalUnavailable, match=f"{file}: the disk .*space"):
        journal.commit((step(1), step(2, payload=BULK)))
    assert journal.head() == "bar-0"
    assert journal.counts() == {"commits": 1, "candles": 2, "decisions": 2, "orders": 0, "fills": 0, "signals": 0}
    assert journal.commit((step(1), step(2, payload=BULK))) == "bar-2"


def test_commit_when_the_disk_is_full_then_nothing_is_kept_and_the_next_try_works(
    tmp_path: Path, opened: Opened
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here (no root)")
    try:
        journal = opened(f"sqlite:///{disk / 'journal.db'}")
        journal.commit((step(0),))
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * (3 << 20))
        with pytest.raises(JournalUnavailable, match="free some space"):
            journal.commit((step(1, payload=BULK),))
        assert journal.head() == "bar-0"
        ballast.unlink()
        assert journal.commit((step(1, payload=BULK),)) == "bar-1"
        journal.close()
    finally:
        subprocess.run(["umount", disk], check=True)


def test_put_when_the_disk_refuses_then_every_caller_hears_it_and_the_next_try_works(file: Path) -> None:
    inbox = SqlInbox(f"sqlite:///{file}", WINDOW_MS, lambda: NOW_MS)
    with _files_end_at(1):
        threads = [threading.Thread(target=_refused, args=(inbox, f"id:{i}")) for i in range(5)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert inbox.after(0, 10) == []
    assert inbox.put(signal("s", "id:0")) == "s"
    inbox.close()


def _refused(inbox: SqlInbox, key: str) -> None:
    with pytest.raises(JournalUnavailable):
        inbox.put(signal(key, key))


def test_commit_when_the_file_was_moved_away_then_it_is_noticed_until_it_is_back(file: Path, opened: Opened) -> None:
    journal = opened(f"sqlite:///{file}")
    journal.commit((step(0),))
    away = file.with_name("away.db")
    file.rename(away)
    for _ in range(2):
        with pytest.raises(JournalUnavailable, match="moved or deleted"):
            journal.commit((step(1),))
        with pytest.raises(JournalUnavailable):
            journal.head()
    away.rename(file)
    assert journal.commit((step(1),)) == "bar-1"


def test_commit_when_another_process_holds_the_lock_then_it_is_unavailable(
    file: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fks_actors.adapters.sql.journal._BUSY_MS", 50)
    first, second = opened(f"sqlite:///{file}"), opened(f"sqlite:///{file}")
    with first._store.writing(), pytest.raises(JournalUnavailable, match="another process holds the file"):
        second.commit((step(0),))
    assert second.commit((step(0),)) == "bar-0"


def test_open_when_the_folder_is_missing_then_it_is_unavailable(tmp_path: Path, opened: Opened) -> None:
    with pytest.raises(JournalUnavailable, match="cannot be made: No such file"):
        opened(f"sqlite:///{tmp_path / 'none' / 'journal.db'}")


def test_open_when_the_file_is_made_then_only_its_owner_may_read_it(file: Path, opened: Opened) -> None:
    opened(f"sqlite:///{file}").commit((step(0),))
    assert {path.stat().st_mode & 0o777 for path in file.parent.glob("journal.db*")} == {0o600}


def test_open_when_the_path_is_odd_then_it_is_the_file_that_is_named(tmp_path: Path, opened: Opened) -> None:
    folder = tmp_path / "a b#c%41"
    folder.mkdir()
    opened(sa.URL.create("sqlite", database=str(folder / "j.db")).render_as_string())
    assert (folder / "j.db").stat().st_size > 0


def _filled(file: Path) -> None:
    journal = SqlJournal(f"sqlite:///{file}", lambda: NOW_MS)
    journal.commit([step(i) for i in range(200)])
    journal.close()


def _overwrite(file: Path, start: int, size: int) -> None:
    with file.open("r+b") as raw:
        raw.seek(start)
        raw.write(os.urandom(size))


def test_open_when_the_file_is_something_else_then_it_is_corrupt(file: Path, opened: Opened) -> None:
    file.write_bytes(b"no database at all" * 500)
    for attempt in (opened, open_reader):
        with pytest.raises(JournalCorrupt, match=f"{file} is damaged.*restore a backup"):
            attempt(f"sqlite:///{file}")


@pytest.mark.parametrize("start", [0, 100, 40_960, 200_000])
def test_open_when_the_file_is_damaged_somewhere_then_it_is_corrupt(file: Path, opened: Opened, start: int) -> None:
    _filled(file)
    _overwrite(file, start, 8_192)
    with pytest.raises(JournalCorrupt, match="restore a backup, or move it away"):
        opened(f"sqlite:///{file}")


def test_open_when_the_file_was_cut_short_then_it_is_corrupt(file: Path, opened: Opened) -> None:
    _filled(file)
    os.truncate(file, file.stat().st_size // 2)
    with pytest.raises(JournalCorrupt):
        opened(f"sqlite:///{file}")


def test_read_when_pages_are_damaged_after_opening_then_it_is_corrupt(file: Path) -> None:
    _filled(file)
    reader = open_reader(f"sqlite:///{file}")
    _overwrite(file, 40_960, file.stat().st_size - 40_960)
    with pytest.raises(JournalCorrupt):
        reader.digest()
    reader.close()


def test_read_when_a_row_was_changed_by_hand_then_it_is_corrupt(url: str, journal: SqlJournal) -> None:
    journal.commit((step(0),))
    with journal._store.writing() as connection:
        connection.execute(sa.text("UPDATE decisions SET payload = '{}'"))
    with pytest.raises(JournalCorrupt):
        journal.decisions("", 10)


def test_read_when_a_table_is_gone_then_it_is_corrupt(url: str, journal: SqlJournal) -> None:
    with journal._store.writing() as connection:
        connection.execute(sa.text("DROP TABLE fills"))
    with pytest.raises(JournalCorrupt):
        journal.fills("", 10)


def test_commit_when_the_server_dropped_the_connections_then_the_next_try_works(
    schema_url: str, postgres_url: str, opened: Opened
) -> None:
    journal = opened(schema_url)
    journal.commit((step(0),))
    journal.head()
    engine = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename='fks'"
            )
        )
    engine.dispose()
    with pytest.raises(JournalUnavailable, match="check the database"):
        journal.commit((step(1),))
    assert journal.commit((step(1),)) == "bar-1"
    with pytest.raises(JournalUnavailable):
        journal.head()
    assert journal.head() == "bar-1"


def test_commit_when_one_table_refuses_late_then_nothing_of_the_commit_is_kept(url: str, journal: SqlJournal) -> None:
    with journal._store.writing() as connection:
        connection.execute(sa.text("ALTER TABLE snapshots RENAME TO elsewhere"))
    with pytest.raises(JournalCorrupt):
        journal.commit((step(0, None, control("x")),))
    assert (journal.head(), set(journal.counts().values())) == (GENESIS, {0})
    with journal._store.writing() as connection:
        connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO snapshots"))
    assert journal.commit((step(0), only("next", "bar-0", control("x")))) == "next"


def test_commit_when_a_row_lies_in_the_way_then_nothing_is_kept_and_the_log_stays_whole(
    url: str, opened: Opened
) -> None:
    journal = opened(url)
    journal.commit((only("a", GENESIS, fill("t1", "o")),))
    store = Store(url, 5_000)
    with store.writing() as connection:
        connection.exec_driver_sql("INSERT INTO audit VALUES (2000001, 1, 'fill', 'paper/t2', '', '', '')")
    with pytest.raises(JournalConflict, match="another writer was faster"):
        journal.commit((only("b", "a", fill("t2", "o"), control("x")),))
    assert (journal.head(), journal.counts()["fills"], journal.controls(1)) == ("a", 1, [])
    with store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM audit WHERE seq = 2000001")
    store.close()
    assert journal.commit((only("b", "a", fill("t2", "o"), control("x")),)) == "b"
    assert journal.verify() == Verified({"commits": 2, "logged": 3, "fill": 2, "control": 1}, _last_hash(journal))


def _last_hash(journal: SqlJournal) -> str:
    with journal._store.reading() as connection:
        found: str = connection.exec_driver_sql("SELECT hash FROM audit ORDER BY seq DESC LIMIT 1").scalar_one()
    return found
