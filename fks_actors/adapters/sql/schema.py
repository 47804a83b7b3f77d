"""The tables' version. A new database gets them as they are today; an older one is brought up step by step by Alembic,
which is imported only then. `tests/integration/sql` holds both ways to the same tables."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from fks_actors.adapters.sql.store import Store
from fks_actors.adapters.sql.tables import metadata
from fks_actors.errors import JournalCorrupt, JournalError, JournalUnavailable

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0003"
"""The newest revision in `migrations/versions`; revisions count up."""

QUICK_CHECK_BYTES = 200 << 20
"""Files up to this size are checked whole when they are opened to be written (some 2 ms a MiB)."""

VERSION_TABLE = "fks_schema"
"""Where the version stands; not Alembic's usual name, as a PostgreSQL database may be shared."""

_LOCK = 0x464B_5301
_MIGRATIONS = Path(__file__).parent / "migrations"


def open_schema(store: Store) -> None:
    """Bring the database to HEAD; several processes may try at once.

    Raises:
        JournalCorrupt: the file is damaged.
        JournalError: it was written by a newer FKS.
        JournalUnavailable: it cannot be reached or written.
    """
    with store.reading() as connection:
        if store.path is not None and store.path.stat().st_size <= QUICK_CHECK_BYTES:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if found != "ok":
                raise JournalCorrupt(
                    f"{store.where} is damaged ({found}): restore a backup, or move it away to start anew"
                )
        if _version(connection, store.where) == HEAD:
            return
    with store.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        version = _version(connection, store.where)
        if version is None:
            metadata.create_all(connection, checkfirst=False)
            connection.exec_driver_sql(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
            connection.exec_driver_sql(f"INSERT INTO {VERSION_TABLE} VALUES ('{HEAD}')")  # noqa: S608
        elif version != HEAD:
            upgrade(connection)


def check_schema(store: Store) -> None:
    """Make sure that the database can be read by this code.

    Raises:
        JournalUnavailable: its tables are not made yet, or still to be brought up by the desk that writes them.
        JournalError: it was written by a newer FKS.
    """
    with store.reading() as connection:
        version = _version(connection, store.where)
    if version is None:
        raise JournalUnavailable(f"{store.where} holds no journal yet: start the desk that writes it")
    if version != HEAD:
        raise JournalUnavailable(f"{store.where} is of an older FKS: start the desk once, it brings the journal up")


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run every migration that is missing up to `revision`, in the transaction that `connection` is in."""
    from alembic import command

    command.upgrade(_config(connection), revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Take the tables back to those of an older revision, in the transaction that `connection` is in."""
    from alembic import command

    command.downgrade(_config(connection), revision)


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _version(connection: Connection, where: str) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()  # noqa: S608
    if found is not None and str(found) > HEAD:
        raise JournalError(f"{where} was written by a newer FKS (schema {found}, here {HEAD}): upgrade FKS")
    return str(found) if found is not None else ""


def open_written(url: str, busy_ms: int) -> Store:
    """The store of a journal that another process writes: nothing of it can be changed.

    Raises:
        ConfigError: the URL names no database that can hold a journal.
        JournalUnavailable: the journal is not there yet, or cannot be reached.
        JournalError: it was written by a newer FKS.
    """
    store = Store(url, busy_ms, writable=False)
    try:
        check_schema(store)
    except BaseException:
        store.close()
        raise
    return store
