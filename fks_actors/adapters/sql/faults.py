"""What a database's refusals mean, in the words of the error tree: what happened, where, and what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError, TimeoutError

from fks_actors.errors import JournalConflict, JournalCorrupt, JournalError, JournalUnavailable

_DAMAGED_SQLITE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR}
_ADVICE_SQLITE = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written: check it and the space left on it",
    sqlite3.SQLITE_BUSY: "another process holds the file for too long: end it",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened: check its folder and its rights",
    sqlite3.SQLITE_READONLY: "the file cannot be written: check its rights",
}
_DAMAGED_POSTGRES = ("XX001", "XX002")  # data_corrupted, index_corrupted
_FOREIGN_POSTGRES = ("42P01", "42703")  # undefined table or column
_RESTORE = "restore a backup, or move it away to start anew"


@contextmanager
def faults_of(where: str) -> Iterator[None]:
    """Turn the database's errors into JournalError's family; `where` is the file or the URL without its password.

    Raises:
        JournalUnavailable: full disk, lost database, a lock that was held too long.
        JournalCorrupt: the file or its tables are damaged.
        JournalConflict: another writer was faster.
    """
    try:
        yield
    except IntegrityError as error:
        raise JournalConflict(f"{where}: another writer was faster; recover from the journal ({error.orig})") from error
    except sqlite3.IntegrityError as error:
        raise JournalConflict(f"{where}: another writer was faster; recover from the journal ({error})") from error
    except DBAPIError as error:
        raise _meaning(error.orig, where) from error
    except sqlite3.Error as error:
        raise _meaning(error, where) from error
    except TimeoutError as error:
        raise JournalUnavailable(f"{where}: every connection is busy; retry") from error
    except SQLAlchemyError as error:
        raise JournalError(f"{where}: {error}") from error


def _meaning(fault: BaseException | None, where: str) -> JournalError:
    code = getattr(fault, "sqlite_errorcode", None)
    if isinstance(code, int):
        if code & 0xFF in _DAMAGED_SQLITE:
            return JournalCorrupt(f"{where} is damaged or no journal ({fault}): {_RESTORE}")
        advice = _ADVICE_SQLITE.get(code & 0xFF, "check the disk")
        return JournalUnavailable(f"{where}: {advice} ({fault})")
    state = getattr(fault, "sqlstate", None)
    if state in _DAMAGED_POSTGRES:
        return JournalCorrupt(f"{where} is damaged ({fault}): {_RESTORE}")
    if state in _FOREIGN_POSTGRES:
        return JournalCorrupt(f"{where} holds no complete journal ({fault}): {_RESTORE}")
    return JournalUnavailable(f"{where}: check the database, its disk and its network ({fault})")
