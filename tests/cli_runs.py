"""Runs of the `fks` command: in a process of its own, and inside the test's."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from fks_actors.cli.main import app
from fks_actors.cli.session import Running, note_running
from fks_actors.home import Home, write_private

_ROOT = Path(__file__).parents[1]
FKS = (str(Path(sys.executable).with_name("fks")),)
"""The installed command."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


def fks(home: Path, *args: str, **environ: str) -> Ran:
    """`fks` in a process of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FKS_", "RAY_"))}
    done = subprocess.run(
        [*FKS, *args],
        env={**kept, "FKS_HOME": str(home), "PYTHONPATH": str(_ROOT), **environ},
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def fks_here(*args: str) -> Ran:
    """`fks` inside the test's process, with its FKS_HOME; for commands that start nothing."""
    done = CliRunner().invoke(app, list(args))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ran(done.exit_code, done.stdout, done.stderr)


def made_home(root: Path) -> Home:
    """An empty FKS_HOME."""
    for path in (root, root / "run", root / "journals"):
        path.mkdir(mode=0o700, exist_ok=True)
    return Home(root)


def pretend_running(home: Home, port: int, token: str = "", secret: str = "", journal_url: str = "") -> Running:
    """Write down that a desk answers at a port of loopback."""
    running = Running("127.0.0.1", port, "fks", "simulated", "Simulated", journal_url, "", ("BTC/USDT",), 1)
    note_running(home, running)
    for path, text in ((home.api_token, token), (home.webhook_secret, secret)):
        if text:
            write_private(path, text)
    return running
