"""What `fks doctor` looks at. Each check is a function that never raises: it finds, and says what to do."""

import os
import platform
import shutil
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from fks_actors.cli.findings import Finding
from fks_actors.cli.venue_checks import redis_findings, venue_findings
from fks_actors.errors import FksError, JournalUnavailable
from fks_actors.home import Home, known_secret
from fks_actors.settings import Settings, load

_GIB = 1024**3
_MEMORY_GIB = 2.0
_DISK_GIB = 1.0


def examine(home: Home, config: Path | None) -> list[Finding]:
    """Every check, in the order in which a user would mend things."""
    findings = [_python(), _ray()]
    try:
        settings = load(config).settings
    except FksError as error:
        return [*findings, Finding("config", "failed", str(error), "correct it, or leave it out for the default")]
    findings.append(Finding("config", "ok", str(config) if config else "the packaged paper.yaml"))
    checks: tuple[Callable[[Home, Settings], Finding], ...] = (
        _home, _disk, _memory, _clock, _port, _haproxy, _feed,
    )  # fmt: skip
    findings += [_checked(check, home, settings) for check in checks]
    findings += [*venue_findings(home, settings), *redis_findings(settings)]
    return findings + [_checked(check, home, settings) for check in (_journals, _desk)]


def _checked(check: Callable[[Home, Settings], Finding], home: Home, settings: Settings) -> Finding:
    try:
        return check(home, settings)
    except (FksError, OSError) as error:
        return Finding(check.__name__.strip("_"), "failed", str(error), "mend what is named")


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} on {platform.machine()}")


def _ray() -> Finding:
    try:
        return Finding("ray", "ok", f"ray {version('ray')}")
    except PackageNotFoundError:
        return Finding("ray", "failed", "not installed", "run `make install`")


def _home(home: Home, _: Settings) -> Finding:
    mode = home.root.stat().st_mode & 0o077
    if mode:
        return Finding("home", "warning", f"{home.root} can be read by others", f"chmod 700 {home.root}")
    for path, variable in ((home.api_token, "FKS_API_TOKEN"), (home.webhook_secret, "FKS_WEBHOOK_SECRET")):
        known_secret(path, variable)
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
    newest = max((_written_s(path) for path in home.root.glob("journals/*/*")), default=now)
    if newest > now + 60:
        return Finding("clock", "failed", "the clock stands before the newest file of FKS_HOME", "set the clock (NTP)")
    if not Path("/run/systemd/timesync/synchronized").exists() and Path("/run/systemd/timesync").exists():
        return Finding("clock", "warning", "not synchronised", "timedatectl set-ntp true; alerts carry timestamps")
    return Finding("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))


def _written_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # gone meanwhile
        return 0.0


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
    from fks_actors.adapters.feeds.config import ReplaySpec, parse_spec
    from fks_actors.adapters.feeds.replay import load as load_recordings

    spec = parse_spec(settings.feed.spec)
    if not isinstance(spec, ReplaySpec):
        return Finding("feed", "ok", f"{settings.feed.spec}: looked for when the desk starts")
    try:
        tracks = load_recordings((symbol, os.path.expanduser(path)) for symbol, path in spec.files)
    except FksError as error:
        return Finding("feed", "failed", str(error), "correct the file, or feed.spec")
    notes = "; ".join(note for track in tracks for note in track.notes())
    return Finding("feed", "ok", f"{len(tracks)} recordings are sound{'; ' + notes if notes else ''}")


def _journals(home: Home, settings: Settings) -> Finding:
    from fks_actors.adapters.sql import open_reader
    from fks_actors.cli.journals import kept_journals, sqlite_url

    urls = [settings.journal.url] if settings.journal.url else [sqlite_url(path) for path in kept_journals(home)]
    for url in urls:
        try:
            reader = open_reader(url)
            try:
                reader.counts()
            finally:
                reader.close()
        except JournalUnavailable as error:
            return Finding("journal", "warning", str(error), "`fks up` makes or mends it where it can")
        except FksError as error:
            return Finding("journal", "failed", str(error), "restore a backup, or `fks up --new` sets it aside")
    return Finding("journal", "ok", f"{len(urls)} readable" if urls else "none yet")


def _desk(home: Home, _: Settings) -> Finding:
    from fks_actors.cli.session import find_running, open_client

    if not (home.run / "desk.json").exists():
        return Finding("desk", "ok", "not running")
    try:
        running = find_running(home)
        with open_client(home) as client:
            status = client.status()
            desk, quality = status.get("desk") or {}, status.get("quality") or {}
    except FksError as error:
        return Finding("desk", "failed", str(error), "fks down, then fks up")
    if not desk.get("reachable"):
        return Finding("desk", "warning", "its HTTP edge answers, the desk does not", "wait; else fks down, fks up")
    if desk.get("trouble"):
        return Finding("desk", "warning", str(desk["trouble"]), "the desk retries by itself; see `fks agents`")
    if quality.get("paused"):
        return Finding(
            "desk", "warning", f"nothing is bought: {quality['reason']}", "it resumes by itself; see the feed"
        )
    return Finding("desk", "ok", f"running at {running.url}")
