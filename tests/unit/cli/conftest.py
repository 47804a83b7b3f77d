"""An FKS_HOME of the test's own, and a desk of fakes behind a real loopback port."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from fks_actors.home import Home
from tests.cli_runs import made_home, pretend_running
from tests.edge import SECRET, TOKEN, gateway_over, make_app, served

Serve = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("FKS_API_TOKEN", "FKS_WEBHOOK_SECRET", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FKS_HOME", str(tmp_path / "home"))
    return made_home(tmp_path / "home")


@pytest.fixture
def serve(home: Home) -> Iterator[Serve]:
    """Serve an app (a gateway of fakes by default) and write down that the desk of `home` answers there."""
    with ExitStack() as stack:

        def start(app: Any = None, token: str = TOKEN, secret: str = SECRET, **parts: Any) -> str:
            url = stack.enter_context(served(app or make_app(gateway_over(**parts))))
            pretend_running(home, urlsplit(url).port or 0, token, secret)
            return url

        yield start
