"""A user's desk: `fks up --detach` in an empty home, once for a module's tests."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

FKS = Path(sys.executable).with_name("fks")


@dataclass(frozen=True)
class User:
    """Somebody who types commands with an FKS_HOME of their own."""

    home: Path
    port: int

    @property
    def url(self) -> str:
        """Where the desk answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        """The API token."""
        return (self.home / "api-token").read_text(encoding="utf-8").strip()

    @property
    def secret(self) -> str:
        """The webhook's secret."""
        return (self.home / "webhook-secret").read_text(encoding="utf-8").strip()

    def types(self, *words: str, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run `fks WORDS`."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "FKS_"))}
        return subprocess.run(
            [str(FKS), *words], env=environ | {"FKS_HOME": str(self.home)}, capture_output=True, text=True,
            timeout=timeout_s, check=False,
        )  # fmt: skip

    def told(self, *words: str) -> Any:
        """What a command prints with --json; it must succeed."""
        done = self.types(*words, "--json")
        assert done.returncode == 0, done.stderr or done.stdout
        return json.loads(done.stdout)

    def get(self, path: str, **query: str) -> Any:
        """GET /api/v1/path with the token."""
        answer = httpx.get(
            f"{self.url}/api/v1/{path}", params=query, headers={"Authorization": f"Bearer {self.token}"}, timeout=10
        )
        assert answer.status_code == 200, answer.text
        return answer.json()


def new_user() -> User:
    """A user with an empty home (a short path) and a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    return User(Path(tempfile.mkdtemp(prefix="fksa", dir="/tmp")), port)


def eventually(what: str, look: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first truthy thing that `look` sees."""
    end = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.2)
    return seen


@pytest.fixture(scope="module")
def desk() -> Iterator[User]:
    """A running desk on the simulated market, five bars a second."""
    user = new_user()
    up = user.types("up", "--detach", "--feed", "simulated", "--speed", "300", "--port", str(user.port))
    try:
        assert up.returncode == 0, up.stderr + up.stdout
        yield user
    finally:
        user.types("down")
        shutil.rmtree(user.home, ignore_errors=True)
