"""What a command needs to reach the desk that runs in this FKS_HOME, and how commands end."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Any, ParamSpec

import typer

from fks_actors.client import Client
from fks_actors.errors import AlreadyRunning, ConfigError, DataError, FksError, JournalError, NotRunning
from fks_actors.home import Home, find_home, secret

P = ParamSpec("P")

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_RUNNING = 3
EXIT_DATA = 4
EXIT_JOURNAL = 5
_EXITS: tuple[tuple[type[FksError], int], ...] = (
    (ConfigError, EXIT_USAGE),
    (AlreadyRunning, EXIT_USAGE),
    (NotRunning, EXIT_NOT_RUNNING),
    (DataError, EXIT_DATA),
    (JournalError, EXIT_JOURNAL),
)


@dataclass(frozen=True, slots=True)
class Running:
    """The desk that `fks up` started: where it answers and what it trades on."""

    host: str
    port: int
    namespace: str
    feed: str
    label: str
    journal_url: str
    inbox_url: str
    symbols: tuple[str, ...]
    started_ms: int

    @property
    def url(self) -> str:
        """The address of the HTTP edge."""
        return f"http://{self.host}:{self.port}"


def note_running(home: Home, running: Running) -> None:
    """Write down what runs, for the other commands."""
    path = home.run / "desk.json"
    path.write_text(json.dumps(asdict(running), indent=1), encoding="utf-8")
    path.chmod(0o600)


def find_running(home: Home) -> Running:
    """What runs in this home.

    Raises:
        NotRunning: nothing was started here.
    """
    path = home.run / "desk.json"
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise NotRunning(f"no desk runs in {home.root}; start one with `fks up`") from None
    return Running(**{**held, "symbols": tuple(held["symbols"])})


def open_client() -> Client:
    """A client of the desk that runs in FKS_HOME."""
    home = find_home()
    running = find_running(home)
    return Client(running.url, secret(home.api_token, "FKS_API_TOKEN")[0])


def spoken(command: Callable[P, None]) -> Callable[P, None]:
    """A command whose errors are a line for the user and an exit code for a script, never a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except FksError as error:
            say_error(str(error))
            raise typer.Exit(_exit_of(error)) from None

    return run


def say_error(text: str) -> None:
    """One error line on standard error."""
    sys.stderr.write(f"fks: {text}\n")


def print_json(value: Any) -> None:
    """Facts for a script."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def _exit_of(error: FksError) -> int:
    return next((code for kind, code in _EXITS if isinstance(error, kind)), EXIT_FAILED)
