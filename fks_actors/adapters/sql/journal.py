"""The journal's writer. One transaction a call; the chain is checked inside it, so that a second one is found out."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from fks_actors.adapters.sql.leases import SqlLeases
from fks_actors.adapters.sql.reader import SqlReader
from fks_actors.adapters.sql.rows import rows_of, statements
from fks_actors.adapters.sql.schema import open_schema, open_written
from fks_actors.adapters.sql.store import Store, sent_together
from fks_actors.errors import JournalConflict
from fks_actors.journal.audit import START
from fks_actors.journal.ports import GENESIS
from fks_actors.model.records import Commit

_BUSY_MS = 5_000
_CHUNK = 500
_LAST_HASH = "SELECT hash FROM audit ORDER BY seq DESC LIMIT 1"


class SqlJournal(SqlReader):
    """Implements journal.ports.Journal and JournalReader on SQLite or PostgreSQL; safe for many threads.

    Args:
        url: `sqlite:////abs/journal.db` or `postgresql://...`; made and brought up to this code's tables where needed.
        clock: the wall clock in UTC milliseconds, noted beside each commit and never read back.

    Raises:
        ConfigError: the URL names no database that can hold a journal.
        JournalCorrupt: the file is damaged.
        JournalError: the file was written by a newer FKS.
        JournalUnavailable: the database cannot be reached or written.
    """

    def __init__(self, url: str, clock: Callable[[], int]) -> None:
        store = Store(url, _BUSY_MS)
        super().__init__(store)
        self.leases = SqlLeases(store)
        self._clock = clock
        self._logged = -1, START
        self._insert = statements(store.dialect_name)
        self._mark = "?" if store.dialect_name == "sqlite" else "%s"
        try:
            open_schema(store)
        except BaseException:
            store.close()
            raise

    def commit(self, commits: Sequence[Commit]) -> str:
        """Append the commits in order in one transaction; return the new head.

        Raises:
            JournalConflict: a commit that is not in the chain builds on something else than the head.
            JournalUnavailable: storage refused; nothing was kept, and the same call may be made again.
            JournalCorrupt: the file is damaged.
            InvariantError: an entry cannot be written down; nothing was kept.
        """
        with self._store.writing() as connection:
            head, last_seq, known = self._chain(connection, [c.commit_id for c in commits])
            fresh: list[Commit] = []
            for commit in commits:
                if commit.commit_id in known:
                    continue
                if commit.after != head:
                    raise JournalConflict(
                        f"commit {commit.commit_id!r} builds on {commit.after!r}, but the journal's head is {head!r}"
                    )
                fresh.append(commit)
                known.add(commit.commit_id)
                head = commit.commit_id
            if not fresh:
                return head
            rows = rows_of(fresh, last_seq, self._clock())
            logged = rows.chain(self._last_hash(connection, last_seq))
            with sent_together(connection):
                for table, batch in rows.batches():
                    connection.exec_driver_sql(self._insert[table], batch[0] if len(batch) == 1 else batch)
        self._logged = rows.last_seq, logged
        return head

    def _last_hash(self, connection: Connection, last_seq: int) -> str:
        """The audit log's head; remembered while no other commit came between."""
        known_seq, known = self._logged
        if known_seq == last_seq:
            return known
        return connection.exec_driver_sql(_LAST_HASH).scalar() or START

    def _chain(self, connection: Connection, ids: Sequence[str]) -> tuple[str, int, set[str]]:
        """The head, its seq, and which of the commits are in the chain already."""
        known: set[str] = set()
        head, last_seq = GENESIS, 0
        for start in range(0, max(len(ids), 1), _CHUNK):
            chunk = tuple(ids[start : start + _CHUNK])
            marks = ",".join([self._mark] * len(chunk)) or "''"
            last = "seq = (SELECT max(seq) FROM commits)"
            query = f"SELECT seq, commit_id FROM commits WHERE {last} OR commit_id IN ({marks})"  # noqa: S608
            for seq, commit_id in connection.exec_driver_sql(query, chunk):
                known.add(commit_id)
                if seq > last_seq:
                    head, last_seq = commit_id, seq
        return head, last_seq, known


def open_reader(url: str) -> SqlReader:
    """A journal that another process writes, opened to be read: nothing of it can be changed.

    Raises:
        ConfigError: the URL names no database that can hold a journal.
        JournalUnavailable: the journal is not there yet, or cannot be reached.
        JournalError: it was written by a newer FKS.
    """
    return SqlReader(open_written(url, _BUSY_MS))
