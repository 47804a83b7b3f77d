"""One database, opened: where it lies, how a transaction begins, and what becomes of a connection that failed.

SQLite: write-ahead log, every commit synced to the disk, one writer at a time (BEGIN IMMEDIATE), readers on connections
of their own that cannot write. A file that was moved or deleted under us is noticed before it is used again: a write
would otherwise go to a file that nobody finds any more. PostgreSQL: the server's own rules; reads see one snapshot.
"""

import itertools
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import QueuePool

from fks_actors.adapters.sql.faults import faults_of
from fks_actors.errors import ConfigError, JournalUnavailable

WAL_LIMIT_BYTES = 64 << 20
_SHORT_MS = 3
_READERS = 8
_CONNECT_S = 5
_POLLS_S = (0.00005, 0.0001, 0.0002, 0.0005)


class Store:
    """A database that is written, read, or both.

    Args:
        url: `sqlite:////abs/file.db`, or `postgresql://` (`postgresql+psycopg://` is the same).
        busy_ms: how long a statement waits for another's lock.
        writable: False opens no connection that could write.

    Raises:
        ConfigError: the URL names no database that this can use.
        JournalUnavailable: the file is not there and may not be made.
    """

    def __init__(self, url: str, busy_ms: int, writable: bool = True) -> None:
        self._url = _usable(url)
        self.path = Path(self._url.database).absolute() if self._is_sqlite and self._url.database else None
        self.where = str(self.path) if self.path else self._url.render_as_string(hide_password=True)
        self._busy_ms = busy_ms
        if self.path:
            _touch(self.path) if writable else _must_exist(self.path)
        self._inode = self._stat()
        self._reader = self._engine(read_only=True)
        self._writer = self._engine(read_only=False) if writable else None
        self._bare: sqlite3.Connection | None = None

    @property
    def _is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    @property
    def dialect_name(self) -> str:
        """sqlite or postgresql."""
        return self._url.get_backend_name()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that is kept when the block ends, or of which nothing is kept.

        Raises:
            JournalError: see `faults_of`; the next call starts on a fresh connection.
        """
        if self._writer is None:
            raise JournalUnavailable(f"{self.where} was opened to be read only")
        self._check_place()
        with self._transaction(self._writer) as connection:
            yield connection

    @contextmanager
    def bare(self) -> Iterator["Bare"]:
        """SQLite without SQLAlchemy, for statements that each commit by themselves; for one thread at a time.

        Raises:
            JournalError: see `faults_of`; the next call starts on a fresh connection.
        """
        if self.path is None or self._writer is None:
            raise JournalUnavailable(f"{self.where} is no SQLite file that was opened to be written")
        self._check_place()
        with faults_of(self.where):
            try:
                if self._bare is None:
                    self._bare = _connect(self.path, False, self._busy_ms)
                    self._bare.execute(f"PRAGMA busy_timeout={_SHORT_MS}")  # waits without the interpreter's lock
                yield Bare(self._bare, self._busy_ms)
            except sqlite3.Error:
                self._drop_bare()
                raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot.

        Raises:
            JournalError: see `faults_of`.
        """
        self._check_place()
        with self._transaction(self._reader) as connection:
            yield connection

    def close(self) -> None:
        """Give every connection back. The store opens them again when it is used again."""
        for engine in (self._reader, self._writer):
            if engine is not None:
                engine.dispose()
        self._drop_bare()

    def _drop_bare(self) -> None:
        if self._bare is not None:
            self._bare.close()
            self._bare = None

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        with faults_of(self.where), engine.connect() as connection:
            try:
                with connection.begin():
                    yield connection
            except (DBAPIError, sqlite3.Error):
                connection.invalidate()
                raise

    def _stat(self) -> tuple[int, int] | None:
        if self.path is None:
            return None
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _check_place(self) -> None:
        now = self._stat()
        if now == self._inode:
            return
        self.close()
        if now is None:
            raise JournalUnavailable(f"{self.where} was moved or deleted while in use: put it back, or start anew")
        self._inode = now

    def _engine(self, read_only: bool) -> Engine:
        size = _READERS if read_only else 1
        pool: dict[str, Any] = {"poolclass": QueuePool, "pool_size": size, "max_overflow": 0, "pool_timeout": 10}
        if self.path is None:
            connect = {"connect_timeout": _CONNECT_S, "keepalives_idle": 30, "tcp_user_timeout": 10_000}
            level = "REPEATABLE READ" if read_only else "READ COMMITTED"
            engine = create_engine(self._url, connect_args=connect, isolation_level=level, **pool)
            return engine.execution_options(postgresql_readonly=True) if read_only else engine
        path, busy_ms = self.path, self._busy_ms
        engine = create_engine(self._url, creator=lambda: _connect(path, read_only, busy_ms), **pool)
        event.listen(engine, "begin", _begin if read_only else lambda connection: _begin_writing(connection, busy_ms))
        return engine


@contextmanager
def sent_together(connection: Connection) -> Iterator[None]:
    """Let what is executed in the block, and asks for no rows, go out without a wait for each answer (PostgreSQL)."""
    if connection.dialect.name == "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    fault: Any = connection.dialect.loaded_dbapi.Error
    try:
        with driver.pipeline():
            yield
    except fault as error:
        raise DBAPIError.instance(None, None, error, fault, dialect=connection.dialect) from error


class Bare:
    """A connection whose statements wait for the write lock. SQLite's own wait sleeps up to 100 ms a time, which
    starves the slower of two writers."""

    def __init__(self, connection: sqlite3.Connection, busy_ms: int) -> None:
        self._connection = connection
        self._busy_s = busy_ms / 1000

    def execute(self, sql: str, parameters: Mapping[str, object] | None = None) -> sqlite3.Cursor:
        """Run one statement."""
        polls = itertools.chain(_POLLS_S, itertools.repeat(_POLLS_S[-1]))
        deadline = time.monotonic() + self._busy_s
        while True:
            try:
                return self._connection.execute(sql, parameters or {})
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(next(polls))


def _usable(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("a journal URL reads sqlite:////abs/file.db or postgresql://user@host/db") from None
    name = parsed.get_backend_name()
    if name == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed.set(drivername="sqlite+pysqlite")
    if name == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigError(
        f"{parsed.render_as_string(hide_password=True)}: a journal lies in a SQLite file or in PostgreSQL"
    )


def _touch(path: Path) -> None:
    """Make the file, for its owner only. Nothing but SQLite opens one that exists: closing it would drop its locks."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise JournalUnavailable(f"{path} cannot be made: {error.strerror}") from error


def _must_exist(path: Path) -> None:
    if not path.exists():
        raise JournalUnavailable(f"{path} is not there yet: start the desk that writes it")


def _connect(path: Path, read_only: bool, busy_ms: int) -> sqlite3.Connection:
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=busy_ms / 1000,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if not read_only:
            _log_ahead(connection, time.monotonic() + busy_ms / 1000)
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute(f"PRAGMA journal_size_limit={WAL_LIMIT_BYTES}")
            connection.execute("PRAGMA busy_timeout=0")  # Bare waits; after it nothing is in the way
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection, busy_ms: int) -> None:
    driver: Any = connection.connection.driver_connection
    Bare(driver, busy_ms).execute("BEGIN IMMEDIATE")


def _log_ahead(connection: sqlite3.Connection, deadline: float) -> None:
    """Switch to the write-ahead log. SQLite does not wait for the lock that a new file's switch needs."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
