"""The folders of jobs: FKS_HOME/backtests/<id>/, 0700, a job's whole state.

Whoever supervises the jobs writes `job.json`; the job's own process writes `progress.json`, `log`, what it found, and,
last, `outcome.json`. No file has two writers, and each is there whole or not at all. An id is the time and 64 random
bits; only such an id is ever made part of a path.
"""

import contextlib
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from fks_actors.errors import DataError, JournalUnavailable

_ID = re.compile(r"[0-9a-f]{11}-[0-9a-f]{16}")
SPEC, RECORD, PROGRESS, OUTCOME, RESULT, REPORT, LOG, LOCK = (
    *("spec.json", "job.json", "progress.json", "outcome.json", "result.json", "report.html", "log", "lock"),
)
T = TypeVar("T")


class State(StrEnum):
    """Where a job stands; the last three are its end."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_end(self) -> bool:
        """Whether nothing follows."""
        return self in (State.DONE, State.FAILED, State.CANCELLED)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A job as its supervisor keeps it. Times are UTC ms, 0 where it has not come to that.

    `key` is what a repeated request is known by; `attempts` how often it was begun; `cancelling` that somebody wants
    its end; `waiting` why it does not run yet; `summary` a few figures of what it found.
    """

    id: str
    kind: str
    label: str
    strategy: str
    data: tuple[str, ...]
    created_ms: int
    key: str = ""
    state: State = State.QUEUED
    attempts: int = 0
    cancelling: bool = False
    waiting: str = ""
    started_ms: int = 0
    ended_ms: int = 0
    first_line: str = ""
    summary: dict[str, Any] = {}
    error: str = ""


class Progress(msgspec.Struct, frozen=True):
    """How far the process of a job is: a share of 0..1, and what it does."""

    share: float = 0.0
    doing: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How the process of a job ended, in its own word."""

    state: State
    first_line: str = ""
    summary: dict[str, Any] = {}
    error: str = ""


class JobFolder:
    """One job's folder, which may not be there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, content: bytes) -> None:
        """Write a file 0600, whole or not at all.

        Raises:
            JournalUnavailable: the disk refused.
        """
        place = self.path / name
        partial = place.with_name(f".{place.name}.{os.getpid()}")
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(place)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise JournalUnavailable(f"{place} cannot be written: {error.strerror}") from None

    def put(self, name: str, value: msgspec.Struct) -> None:
        """Write a value as JSON; raises as `write`."""
        self.write(name, msgspec.json.encode(value))

    def get(self, name: str, kind: type[T]) -> T | None:
        """A value that was put there; None where none is, or what is there is no such value."""
        try:
            return msgspec.json.decode((self.path / name).read_bytes(), type=kind)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def read(self, name: str) -> bytes | None:
        """A file's content; None where there is none."""
        try:
            return (self.path / name).read_bytes()
        except OSError:
            return None

    def tail(self, most: int) -> tuple[bytes, int]:
        """The last bytes of the log, and how many it has."""
        try:
            with (self.path / LOG).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - most))
                return file.read(most), size
        except OSError:
            return b"", 0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Be the one process that does the job.

        Raises:
            DataError: another process does it.
        """
        with (self.path / LOCK).open("w", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DataError(f"another process does the job of {self.path}") from None
            yield


class JobFolders:
    """All jobs of a home."""

    def __init__(self, home: Path) -> None:
        self.root = home / "backtests"

    def new_id(self, now_ms: int) -> str:
        """An id that nobody can guess; later ones sort behind earlier ones."""
        return f"{now_ms:011x}-{secrets.token_hex(8)}"

    def of(self, job_id: str) -> JobFolder | None:
        """The folder of a job; None where the text is no id, or no such job is there."""
        if not _ID.fullmatch(job_id):
            return None
        folder = self.root / job_id
        return JobFolder(folder) if folder.is_dir() and not folder.is_symlink() else None

    def make(self, job_id: str) -> JobFolder:
        """A new folder.

        Raises:
            JournalUnavailable: the disk refused.
        """
        folder = self.root / job_id
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root.chmod(0o700)
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise JournalUnavailable(f"{folder} cannot be made: {error.strerror}") from None
        return JobFolder(folder)

    def records(self) -> list[Record]:
        """Every job, the oldest first; a folder without a readable record is no job."""
        found = []
        for path in sorted(self.root.glob("*-*")) if self.root.is_dir() else ():
            folder = self.of(path.name)
            record = folder.get(RECORD, Record) if folder else None
            if record is not None and record.id == path.name:
                found.append(record)
        return found

    def drop(self, job_id: str) -> None:
        """Remove a job and all that it found."""
        folder = self.of(job_id)
        if folder is not None:
            shutil.rmtree(folder.path, ignore_errors=True)


def unfinished(home: Path) -> bool:
    """Whether a job of this home waits or runs."""
    return any(not record.state.is_end for record in JobFolders(home).records())
