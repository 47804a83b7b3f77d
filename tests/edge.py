"""A gateway over fakes, for ASGI clients and for a real uvicorn on a free loopback port."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from deployments.gateway import Gateway, make_app
from deployments.ports import AsyncInbox
from fks_actors.risk.codec import decode
from fks_actors.webhook.config import WebhookConfig
from tests.fake_desk import FakeDesk, FakeJobs
from tests.fakes import FakeInbox, FakeReader

TOKEN = "token-for-tests"
SECRET = "secret-for-tests"
NOW_MS = 1_733_961_600_000
SYMBOLS = ("BTC/USDT", "ETH/USDT")
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def gateway_over(
    inbox: AsyncInbox | None = None,
    reader: FakeReader | None = None,
    desk: FakeDesk | None = None,
    now_ms: Callable[[], int] = lambda: NOW_MS,
    poll_s: float = 0.05,
    heartbeat_s: float = 15.0,
    jobs: FakeJobs | None = None,
    **rules: Any,
) -> Gateway:
    """A gateway of fakes; `rules` go into the webhook's config."""
    return Gateway(
        inbox=inbox or FakeInbox(),
        reader=reader or FakeReader(),
        desk=desk or FakeDesk(),
        jobs=jobs or FakeJobs(),
        decode=decode,
        token=SecretStr(TOKEN),
        webhook=WebhookConfig.model_validate({"secret": SECRET, **rules}),
        symbols=SYMBOLS,
        now_ms=now_ms,
        version="0.1.0",
        poll_s=poll_s,
        heartbeat_s=heartbeat_s,
    )


@contextlib.contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The app behind uvicorn; gives its base URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline, "uvicorn did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


__all__ = ["BEARER", "NOW_MS", "SECRET", "SYMBOLS", "TOKEN", "gateway_over", "make_app", "served"]
