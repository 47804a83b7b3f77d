"""Each test of the conformance suite runs on a fresh SQLite file and in a fresh PostgreSQL schema."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from fks_actors.adapters.sql import SqlInbox, SqlJournal
from tests.integration.sql.servers import NoServer, postgres

NOW_MS = 1_733_100_000_000
WINDOW_MS = 300_000
_schemas = itertools.count()
Start = Callable[..., "subprocess.Popen[str]"]


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    try:
        with postgres() as url:
            yield url
    except NoServer as error:
        pytest.skip(str(error))


@pytest.fixture
def schema_url(postgres_url: str) -> str:
    name = f"t{next(_schemas)}"
    engine = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA {name}"))
    engine.dispose()
    return f"{postgres_url}&options=-csearch_path%3D{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.db'}"
    found: str = request.getfixturevalue("schema_url")
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def opened(clock: Clock) -> Iterator[Callable[[str], SqlJournal]]:
    """Open journals that are closed when the test ends."""
    journals: list[SqlJournal] = []

    def open_journal(url: str) -> SqlJournal:
        journals.append(SqlJournal(url, clock))
        return journals[-1]

    yield open_journal
    for journal in journals:
        journal.close()


@pytest.fixture
def journal(url: str, opened: Callable[[str], SqlJournal]) -> SqlJournal:
    return opened(url)


@pytest.fixture
def inbox(url: str, clock: Clock) -> Iterator[SqlInbox]:
    inbox = SqlInbox(url, WINDOW_MS, clock)
    yield inbox
    inbox.close()


@pytest.fixture
def start() -> Iterator[Start]:
    """Start workers that are killed when the test ends."""
    workers: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "tests.integration.sql.worker", *arguments]
        workers.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.kill()
        worker.communicate()


def said(worker: "subprocess.Popen[str]") -> str:
    """The worker's next line."""
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


def go(worker: "subprocess.Popen[str]") -> None:
    """Let the worker start."""
    assert worker.stdin is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()
