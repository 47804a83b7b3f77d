"""What `fks doctor` looks at. Each check is a function that never raises: it finds, and says what to do."""

import platform
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import psutil

from fks_actors.errors import FksError
from fks_actors.home import Home
from fks_actors.settings import Settings, load

_GIB = 1024**3
_MEMORY_GIB = 2.0
_DISK_GIB = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result; `remedy` is what the user does, empty where all is well."""

    check: str
    state: Literal["ok", "warning", "failed"]
    found: str
    remedy: str = ""


def examine(home: Home, config: Path | None) -> list[Finding]:
    """Every check, in the order in which a user would mend things."""
    findings = [_python(), _ray(), _config(config)]
    try:
        settings = load(config).settings
    except FksError:
        return findings
    checks: tuple[Callable[[Home, Settings], Finding], ...] = (
        _home, _disk, _memory, _clock, _port, _haproxy, _feed, _journals, _desk,
    )  # fmt: skip
    return findings + [check(home, settings) for check in checks]


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} on {platform.machine()}")


def _ray() -> Finding:
    try:
        return Finding("ray", "ok", f"ray {version('ray')}")
    except PackageNotFoundError:
        return Finding("ray", "failed", "not installed", "run `make install`")


def _config(path: Path | None) -> Finding:
    try:
        load(path)
    except FksError as error:
        return Finding("config", "failed", str(error), "correct the key, or leave it out for the default")
    return Finding("config", "ok", str(path) if path else "the packaged paper.yaml")


def _home(home: Home, _: Settings) -> Finding:
    mode = home.root.stat().st_mode & 0o077
    if mode:
        return Finding("home", "warning", f"{home.root} can be read by others", f"chmod 700 {home.root}")
    for path in (home.api_token, home.webhook_secret):
        if path.exists() and path.stat().st_mode & 0o077:
            return Finding("home", "failed", f"{path.name} can be read by others", f"chmod 600 {path}, then replace it")
    return Finding("home", "ok", str(home.root))


def _disk(home: Home, _: Settings) -> Finding:
    free = shutil.disk_usage(home.root).free / _GIB
    found = f"{free:.1f} GiB free for {home.root}"
    if free < _DISK_GIB:
        return Finding("disk", "failed", found, f"free at least {_DISK_GIB:.0f} GiB, or set FKS_HOME to another disk")
    return Finding("disk", "ok", found)


def _memory(_: Home, __: Settings) -> Finding:
    free = psutil.virtual_memory().available / _GIB
    found = f"{free:.1f} GiB available"
    if free < _MEMORY_GIB:
        return Finding("memory", "warning", found, f"a desk takes about {_MEMORY_GIB:.0f} GiB; close something")
    return Finding("memory", "ok", found)


def _clock(home: Home, _: Settings) -> Finding:
    now = time.time()
    newest = max((path.stat().st_mtime for path in home.root.rglob("*") if path.is_file()), default=now)
    if newest > now + 60:
        return Finding("clock", "failed", "the clock stands before the newest file of FKS_HOME", "set the clock (NTP)")
    if not Path("/run/systemd/timesync/synchronized").exists() and Path("/run/systemd/timesync").exists():
        return Finding("clock", "warning", "not synchronised", "timedatectl set-ntp true; alerts carry timestamps")
    return Finding("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))


def _port(home: Home, settings: Settings) -> Finding:
    from fks_actors.cli.cluster import port_owner
    from fks_actors.cli.session import find_running

    port = settings.serve.port
    owner = port_owner(settings.serve.host, port)
    if owner is None:
        return Finding("port", "ok", f"{port} is free")
    try:
        if find_running(home).port == port:
            return Finding("port", "ok", f"{port} is held by this desk")
    except FksError:
        pass
    return Finding("port", "failed", f"{port} is taken{' by ' + owner if owner else ''}", "free it, or use --port")


def _haproxy(_: Home, settings: Settings) -> Finding:
    from fks_actors.cli.cluster import haproxy_fault

    if settings.serve.proxy != "haproxy":
        return Finding("proxy", "ok", "Serve's own Python proxy, by config")
    fault = haproxy_fault()
    if fault:
        return Finding("proxy", "warning", fault, "the slower Python proxy is used; nothing else to do")
    return Finding("proxy", "ok", "haproxy runs")


def _feed(_: Home, settings: Settings) -> Finding:
    spec = settings.feed.spec
    if not spec.startswith("replay:"):
        return Finding("feed", "ok", f"{spec}: looked for when the desk starts")
    for part in spec.removeprefix("replay:").split(","):
        path = Path(part.split("=")[-1])
        if not path.is_file():
            return Finding("feed", "failed", f"{path} is not there", "correct feed.spec")
    return Finding("feed", "ok", spec)


def _journals(home: Home, _: Settings) -> Finding:
    from fks_actors.adapters.sql import open_reader

    found = sorted(home.root.glob("journals/*/journal.db"))
    for path in found:
        try:
            open_reader(f"sqlite:///{path}").counts()
        except FksError as error:
            return Finding("journal", "failed", str(error), f"restore a backup, or move {path.parent} away")
    return Finding("journal", "ok", f"{len(found)} readable" if found else "none yet")


def _desk(home: Home, _: Settings) -> Finding:
    from fks_actors.cli.session import find_running, open_client

    try:
        running = find_running(home)
    except FksError:
        return Finding("desk", "ok", "not running")
    try:
        with open_client() as client:
            facts = client.status()
    except FksError as error:
        return Finding("desk", "failed", str(error), "fks down, then fks up")
    if facts["desk"]["trouble"]:
        return Finding("desk", "warning", facts["desk"]["trouble"], "the desk retries by itself; see `fks agents`")
    return Finding("desk", "ok", f"running at {running.url}")
