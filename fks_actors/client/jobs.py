"""Jobs as a client sees them: what a request says, and what is told of one.

A file that is here is brought along: recordings, and strategies, whose text runs on the desk's machine. What is no file
here is the name of a recording there.
"""

import base64
import uuid
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from fks_actors.client.answers import ApiRefused
from fks_actors.errors import ConfigError, FksError, NotRunning

Instant = int | str | datetime | None
"""UTC ms, `2024-01-01`, `2024-01-01T12:00` (UTC), or a datetime."""

SUBMIT_S = 120.0
"""How long a request that brings files may take."""

AGAIN = 3
"""How often a request is sent that nobody answered; its `id` makes it one job."""

FIRST_LOOK_S, LAST_LOOK_S = 0.2, 2.0


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stands. `state` is queued, running, done, failed or cancelled; `progress` 0..1; times are UTC ms."""

    id: str
    kind: str
    state: str
    progress: float
    doing: str
    created_ms: int
    label: str = ""
    strategy: str = ""
    data: tuple[str, ...] = ()
    cancelling: bool = False
    started_ms: int = 0
    ended_ms: int = 0
    first_line: str = ""
    summary: dict[str, Any] = {}
    error: str = ""

    @property
    def is_end(self) -> bool:
        """Whether nothing follows."""
        return self.state in ("done", "failed", "cancelled")


def job_of(answer: Any, url: str) -> Job:
    """The job of an answer.

    Raises:
        FksError: it is none.
    """
    try:
        return msgspec.convert(answer, Job, strict=False)
    except msgspec.ValidationError:
        raise FksError(f"{url}: answered other JSON than a desk's; is this a desk?") from None


def passes(error: FksError) -> bool:
    """Whether a fault may pass by itself: nobody answered, or a part of the desk was being restarted."""
    if isinstance(error, ApiRefused):
        return error.status in (408, 502, 503, 504)
    return isinstance(error, NotRunning) or not isinstance(error, ConfigError)


def request(
    data: Sequence[str | Path],
    strategy: str = "",
    settings: Mapping[str, Any] | None = None,
    since: Instant = None,
    until: Instant = None,
    **more: Any,
) -> dict[str, Any]:
    """The body of a request (`JobSpec` at /docs); `more` are further fields of it.

    Args:
        data: each a file here, FILE or SYMBOL=FILE, or the name of a recording there.
        strategy: who trades, as `fks backtest --strategy`; FILE.py is brought along.
        settings: a tree as a config file has it, None for the desk's own; strategies' files are brought along.
        since: what is traded from here on.
        until: what is traded up to before here.

    Raises:
        ConfigError: a file cannot be read, or a time is none.
    """
    sources: dict[str, str] = {}
    tree = None if settings is None else _with_sources(settings, sources)
    body: dict[str, Any] = {
        "data": [_data(str(each)) for each in data],
        "settings": tree,
        "strategy": _brought(strategy, sources) if _is_file(strategy) else strategy,
        "since_ms": _ms(since),
        "until_ms": _ms(until),
        "id": uuid.uuid4().hex,
        **more,
    }
    body["sources"] = [{"file": name, "text": text} for name, text in sources.items()]
    return body


def _data(told: str) -> dict[str, Any]:
    symbol, found, rest = told.partition("=")
    named = bool(found) and "/" in symbol and "." not in symbol
    name, at = (rest, {"symbol": symbol}) if named else (told, {})
    path = Path(name).expanduser()
    if path.is_file():
        return {"name": path.name, "content": base64.b64encode(_read(path)).decode(), **at}
    if name.startswith(("/", ".", "~")):
        raise ConfigError(f"{name}: no such file; a recording of the desk is named below its FKS_HOME/data")
    return {"name": name, **at}


def _with_sources(settings: Mapping[str, Any], sources: dict[str, str]) -> dict[str, Any]:
    tree = deepcopy(dict(settings))
    for config in (tree.get("strategies") or {}).values():
        if isinstance(config, dict) and config.get("path"):
            config["path"] = _brought(config["path"], sources)
    return tree


def _is_file(strategy: str) -> bool:
    return strategy.endswith(".py") or ".py:" in strategy


def _brought(told: str, sources: dict[str, str]) -> str:
    """Takes a strategy's file into `sources`; how it is named there."""
    path, colon, chosen = told.rpartition(":") if ".py:" in told else (told, "", "")
    file = Path(path).expanduser()
    try:
        text = _read(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: not UTF-8 text") from None
    if sources.setdefault(file.name, text) != text:
        raise ConfigError(f"{file}: another strategy's file is called {file.name}, too; rename one")
    return f"{file.name}{colon}{chosen}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


def _ms(given: Instant) -> int | None:
    if given is None or isinstance(given, int):
        return given
    try:
        found = given if isinstance(given, datetime) else datetime.fromisoformat(given)
    except ValueError:
        raise ConfigError(f"{given!r} is no time; write 2024-01-01 or 2024-01-01T12:00 (UTC)") from None
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1_000)


def quoted(job_id: str) -> str:
    """An id as it stands in a path, whatever it holds."""
    return quote(job_id, safe="") or "-"


class Patience:
    """When to look again, and when to give up.

    Args:
        now_s: a clock that never falls.
        timeout_s: how long to wait in all, None for as long as it takes.
        patience_s: for how long nobody need answer.
    """

    def __init__(self, now_s: float, timeout_s: float | None, patience_s: float) -> None:
        self._end_s = None if timeout_s is None else now_s + timeout_s
        self._patience_s = patience_s
        self._heard_s = now_s
        self._pause_s = FIRST_LOOK_S

    def heard(self, job: Job, now_s: float) -> None:
        """It has not ended.

        Raises:
            FksError: the time is over.
        """
        self._heard_s = now_s
        if self._end_s is not None and now_s >= self._end_s:
            raise FksError(f"{job.id} is {job.state} yet, at {job.progress:.0%}; look again with `fks jobs {job.id}`")

    def silent(self, error: FksError, now_s: float) -> None:
        """Nobody answered.

        Raises:
            FksError: for too long, or that will not pass: the error itself.
        """
        over = self._end_s is not None and now_s >= self._end_s
        if over or not passes(error) or now_s - self._heard_s > self._patience_s:
            raise error

    def pause_s(self) -> float:
        """How long to wait until the next look; a little longer each time."""
        pause_s, self._pause_s = self._pause_s, min(self._pause_s * 1.3, LAST_LOOK_S)
        return pause_s
