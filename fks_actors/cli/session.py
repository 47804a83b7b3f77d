"""What a command needs to reach the desk that runs in this FKS_HOME, and how commands end."""

import ipaddress
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Any, ParamSpec

import msgspec
import typer
from rich.console import Console

from fks_actors.client import ApiRefused, Client
from fks_actors.errors import AlreadyRunning, ConfigError, DataError, FksError, JournalError, NotRunning
from fks_actors.home import Home, find_home, known_secret, write_private

P = ParamSpec("P")

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_RUNNING = 3
EXIT_DATA = 4
EXIT_JOURNAL = 5
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
_EXITS: tuple[tuple[type[FksError], int], ...] = (
    (ConfigError, EXIT_USAGE),
    (AlreadyRunning, EXIT_USAGE),
    (NotRunning, EXIT_NOT_RUNNING),
    (DataError, EXIT_DATA),
    (JournalError, EXIT_JOURNAL),
)
EXITS = (
    "Exit codes: 0 done, 1 failed or refused, 2 wrong option or setting or a desk that runs already, "
    "3 no desk runs, 4 data or feed, 5 journal, 70 a bug, 130 interrupted."
)
_PIPE_COLUMNS = 160


def make_console(stderr: bool = False) -> Console:
    """A console that prints what it is given as it is: text of reasons, labels and files is no markup."""
    wide = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(markup=False, emoji=False, highlight=False, stderr=stderr, width=_PIPE_COLUMNS if wide else None)


console = make_console()


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
        """The address of the HTTP edge, for this machine."""
        return f"http://{reachable(self.host)}:{self.port}"


def reachable(host: str) -> str:
    """`host` as it stands in a URL; for one that means every interface, loopback."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"[{address}]" if address.version == 6 else str(address)


def note_running(home: Home, running: Running) -> None:
    """Write down what runs, for the other commands.

    Raises:
        ConfigError: it cannot be written.
    """
    write_private(home.run / "desk.json", json.dumps(asdict(running), indent=1))


def find_running(home: Home) -> Running:
    """What runs in this home, or ran when its machine stopped.

    Raises:
        NotRunning: nothing was started here, or what was written down of it cannot be read.
    """
    path = home.run / "desk.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Running)
    except FileNotFoundError:
        raise NotRunning(f"no desk runs in {home.root}; start one with `fks up`") from None
    except OSError as error:
        raise NotRunning(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise NotRunning(f"{path} is damaged; `fks down` clears it away, then start with `fks up`") from None


def open_client(home: Home | None = None) -> Client:
    """A client of the desk that runs in FKS_HOME.

    Raises:
        NotRunning: none runs.
        ConfigError: the API's token is not to be found.
    """
    home = home or find_home()
    running = find_running(home)
    return Client(running.url, running_secret(home, home.api_token.name, "FKS_API_TOKEN"))


def running_secret(home: Home, name: str, variable: str) -> str:
    """A secret of the desk that runs; never a new one, for that the desk would not know.

    Raises:
        ConfigError: there is none.
    """
    found = known_secret(home.root / name, variable)
    if found is None:
        raise ConfigError(f"{home.root / name} is not there; set {variable} to what the desk was started with")
    return found


def spoken(command: Callable[P, None]) -> Callable[P, None]:
    """A command whose errors are a line for the user and an exit code for a script, never a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except FksError as error:
            say_error(str(error) + _hint(error))
            raise typer.Exit(_exit_of(error)) from None
        except KeyboardInterrupt:
            say_error("interrupted")
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except BrokenPipeError:
            raise
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except OSError as error:
            say_error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
            raise typer.Exit(EXIT_FAILED) from None
        except Exception as error:
            if os.environ.get("FKS_DEBUG"):
                raise
            say_error(f"this is a bug: {type(error).__name__}: {error}; FKS_DEBUG=1 shows where, please report it")
            raise typer.Exit(EXIT_BUG) from None

    return run


def say_error(text: str) -> None:
    """An error on standard error, a line a fault. What no terminal should obey, such as bytes of a file, is escaped."""
    for line in text.strip("\n").split("\n"):
        shown = "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in line)
        sys.stderr.write(f"fks: {shown}\n")


def print_json(value: Any) -> None:
    """Facts for a script."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def _hint(error: FksError) -> str:
    if isinstance(error, ApiRefused) and error.status == 401:
        return "; set FKS_API_TOKEN and FKS_WEBHOOK_SECRET as they were for `fks up`, or use its FKS_HOME"
    return ""


def _exit_of(error: FksError) -> int:
    return next((code for kind, code in _EXITS if isinstance(error, kind)), EXIT_FAILED)
