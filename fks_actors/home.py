"""FKS_HOME: where a desk keeps its state. Everything under it is private to its user (0700, secrets 0600)."""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fks_actors.errors import AlreadyRunning, ConfigError

_SECRET_CHARS = 4_096


@dataclass(frozen=True, slots=True)
class Home:
    """The paths under FKS_HOME."""

    root: Path

    @property
    def namespace(self) -> str:
        """The desk's name in a Ray cluster: two homes on one cluster never share an actor."""
        return f"fks-{hashlib.sha256(str(self.root).encode()).hexdigest()[:8]}"

    @property
    def run(self) -> Path:
        """What belongs to the desk that runs now."""
        return self.root / "run"

    @property
    def api_token(self) -> Path:
        """The bearer token of the HTTP API."""
        return self.root / "api-token"

    @property
    def webhook_secret(self) -> Path:
        """The secret that signs alerts."""
        return self.root / "webhook-secret"

    @property
    def data(self) -> Path:
        """The store of recordings; made by whoever writes the first one."""
        return self.root / "data"

    def journal_dir(self, feed: str) -> Path:
        """The folder of a feed's journal: results of different feeds, simulated ones above all, never share one."""
        return self.root / "journals" / feed_slug(feed)


def feed_slug(feed: str) -> str:
    """A folder name for a feed: `simulated`, `live-binance`, `replay-<first file>-<hash of the whole spec>`."""
    kind, _, rest = feed.partition(":")
    if kind != "replay":
        return _plain(feed)
    first = Path(rest.split(",")[0].split("=")[-1]).name.split(".")[0]
    return f"replay-{_plain(first)}-{hashlib.sha256(os.fsencode(rest)).hexdigest()[:8]}"


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:64]


def find_home() -> Home:
    """FKS_HOME, `~/.fks` by default; made if it is not there.

    Raises:
        ConfigError: it cannot be made or written.
    """
    given = os.environ.get("FKS_HOME") or "~/.fks"
    try:
        root = Path(given).expanduser().absolute()
    except RuntimeError:
        raise ConfigError(f"FKS_HOME {given}: no such home folder; set FKS_HOME to a writable folder") from None
    try:
        for path in (root, root / "run", root / "journals"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(path, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, "no right to write in it", str(path))
    except OSError as error:
        raise ConfigError(
            f"FKS_HOME {root} cannot be used: {error.filename}: {error.strerror}; set FKS_HOME to a writable folder"
        ) from None
    return Home(root)


@contextlib.contextmanager
def starting(home: Home) -> Iterator[None]:
    """Hold the home while a desk is started in it.

    Raises:
        AlreadyRunning: another command is starting one.
        ConfigError: the home cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context((home.run / "lock").open("w", encoding="utf-8"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"another `fks up` is starting a desk in {home.root}; wait for it") from None
        except OSError as error:
            raise ConfigError(f"{home.run / 'lock'} cannot be locked: {error.strerror}; use a local disk") from None
        yield


def write_private(path: Path, text: str) -> None:
    """Write a file 0600, whole or not at all.

    Raises:
        ConfigError: it cannot be written; what was there stays.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise ConfigError(f"{path} cannot be written: {error.strerror}; check the disk's space and rights") from None


def secret(path: Path, variable: str) -> tuple[str, bool]:
    """The secret from the environment variable, else from the file, else a new one stored there 0600.

    Returns:
        (secret, whether it was made now).

    Raises:
        ConfigError: the file holds no secret, is open to others, or cannot be read or made.
    """
    known = known_secret(path, variable)
    if known is not None:
        return known, False
    made = secrets.token_urlsafe(32)
    write_private(path, made + "\n")
    return made, True


def known_secret(path: Path, variable: str) -> str | None:
    """The secret from the environment variable, else from the file; None where there is neither.

    Raises:
        ConfigError: as `secret`.
    """
    if given := os.environ.get(variable, "").strip():
        return given
    anew = f"set {variable}, or remove the file: `fks up` makes a new one"
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            held = file.read(_SECRET_CHARS).strip()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} holds no secret, but other data; {anew}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; {anew}") from None
    if mode & 0o077:
        raise ConfigError(f"{path} can be read by others (mode {mode & 0o777:04o}); chmod 600 it, or better: {anew}")
    if not held:
        raise ConfigError(f"{path} is empty; {anew}")
    if not held.isprintable():
        raise ConfigError(f"{path} holds no secret, but several lines or other data; {anew}")
    return held
