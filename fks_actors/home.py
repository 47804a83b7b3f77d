"""FKS_HOME: where a desk keeps its state. Everything under it is private to its user (0700, secrets 0600)."""

import contextlib
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fks_actors.errors import AlreadyRunning, ConfigError


@dataclass(frozen=True, slots=True)
class Home:
    """The paths under FKS_HOME."""

    root: Path

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

    def journal_dir(self, feed: str) -> Path:
        """The folder of a feed's journal: results of different feeds, simulated ones above all, never share one."""
        return self.root / "journals" / feed_slug(feed)


def feed_slug(feed: str) -> str:
    """A folder name for a feed: `simulated`, `live-binance`, `replay-<first file>-<hash of the whole spec>`."""
    kind, _, rest = feed.partition(":")
    if kind != "replay":
        return feed.replace(":", "-").replace("/", "-")
    first = Path(rest.split(",")[0].split("=")[-1]).name.split(".")[0]
    return f"replay-{first}-{hashlib.sha256(rest.encode()).hexdigest()[:8]}"


def find_home() -> Home:
    """FKS_HOME, `~/.fks` by default; made if it is not there.

    Raises:
        ConfigError: it cannot be made or written.
    """
    root = Path(os.environ.get("FKS_HOME") or "~/.fks").expanduser().absolute()
    try:
        for path in (root, root / "run", root / "journals"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"FKS_HOME {root} cannot be made: {error.strerror}; set FKS_HOME to a writable folder"
        ) from None
    return Home(root)


@contextlib.contextmanager
def starting(home: Home) -> Iterator[None]:
    """Hold the home while a desk is started in it.

    Raises:
        AlreadyRunning: another command is starting one.
    """
    with (home.run / "lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning(f"another `fks up` is starting a desk in {home.root}") from None
        yield


def secret(path: Path, variable: str) -> tuple[str, bool]:
    """The secret from the environment variable, else from the file, else a new one stored there 0600.

    Returns:
        (secret, whether it was made now).
    """
    if given := os.environ.get(variable, "").strip():
        return given, False
    if path.exists():
        return path.read_text(encoding="utf-8").strip(), False
    made = secrets.token_urlsafe(32)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(made + "\n")
    return made, True
