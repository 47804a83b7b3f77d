"""The journal and the inbox in SQL: SQLite by default, PostgreSQL by URL. Passes tests/integration/sql on both."""

from fks_actors.adapters.sql.inbox import SqlInbox
from fks_actors.adapters.sql.journal import SqlJournal, open_reader
from fks_actors.adapters.sql.reader import SqlReader

__all__ = ["SqlInbox", "SqlJournal", "SqlReader", "open_reader"]
