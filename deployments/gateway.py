"""The edge of one replica: what it holds, and the ASGI app over it. Tested without Ray, by any ASGI client."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments import answers, api, pages, webhook
from deployments.ports import AsyncInbox, Desk
from deployments.tape import Tape
from deployments.view import View
from fks_actors.errors import FksError
from fks_actors.journal.ports import JournalReader
from fks_actors.risk.messages import RiskState
from fks_actors.telemetry import Telemetry
from fks_actors.webhook.config import WebhookConfig

_log = logging.getLogger(__name__)
_DESCRIPTION = "Votes, decisions, orders and the account of an FKS Actors desk. Money is decimal text, times UTC ms."
_PUSH_S = 2.0
_CALL_S = 5.0
_WAKE_APART_S = 0.01  # a wake costs as much as an alert; a desk that is behind looks for more by itself
_MANY = 4


@dataclass(frozen=True, slots=True)
class Gateway:
    """All that a replica holds.

    `token` opens the query API; `webhook` has the alerts' own secret. `decode` reads risk's snapshot
    (`risk.codec.decode`); `now_ms` is the wall clock.
    """

    inbox: AsyncInbox
    reader: JournalReader
    desk: Desk
    decode: Callable[[bytes], RiskState]
    token: SecretStr
    webhook: WebhookConfig
    symbols: tuple[str, ...]
    now_ms: Callable[[], int]
    version: str = ""
    mode: str = "paper"
    poll_s: float = 1.0
    heartbeat_s: float = 15.0
    telemetry: Telemetry = field(default_factory=lambda: Telemetry(f"gateway-{uuid.uuid4().hex[:12]}"))


class Soon:
    """Does a thing soon after it was asked for, once however often it was asked; a failure is logged and forgotten.

    Args:
        work: the thing.
        after_s: what is asked within this time is done together, at its end.
        apart_s: how long after one time comes the next, at the earliest, and up to five times that while more than
            `_MANY` ask each time; the first waits for nothing.
    """

    def __init__(self, work: Callable[[], Awaitable[None]], after_s: float = 0.0, apart_s: float = 0.0) -> None:
        self._work = work
        self._after_s = after_s
        self._apart_s = apart_s
        self._asked = 0
        self._task: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Have it done; returns at once."""
        self._asked += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End what is under way."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        pause_s = self._apart_s
        while self._asked:
            await asyncio.sleep(self._after_s)
            pause_s = min(2 * pause_s, 5 * self._apart_s) if self._asked > _MANY else self._apart_s
            self._asked = 0
            try:
                async with asyncio.timeout(_CALL_S):
                    await self._work()
            except (FksError, TimeoutError, OSError) as error:
                _log.warning("left undone: %s: %s", type(error).__name__, error)
            if pause_s:
                await asyncio.sleep(pause_s)


class EdgeApp(FastAPI):
    """The app; an alert goes straight to its handler, past the framework's routing and layers, which cost more."""

    alerts: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if (
            self.alerts is not None
            and scope["type"] == "http"
            and scope["path"] == webhook.PATH
            and scope["method"] == "POST"
        ):
            await self.alerts(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def make_app(gateway: Gateway) -> EdgeApp:
    """The whole HTTP surface: webhook, query API, stream, metrics, dashboard."""
    telemetry = gateway.telemetry

    async def push() -> None:
        await gateway.desk.push(telemetry.source, telemetry.snapshot())

    pushing = Soon(push, _PUSH_S)
    waking = Soon(gateway.desk.wake, apart_s=_WAKE_APART_S)
    view = View(gateway.reader, gateway.desk, gateway.decode, gateway.version, gateway.mode)
    tape = Tape(view, gateway.poll_s, gateway.heartbeat_s)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> Any:
        yield
        await tape.stop()
        await waking.stop()
        await pushing.stop()

    def count(scope: Mapping[str, Any], status: int) -> None:
        count_at(getattr(scope.get("route"), "path", "other"), status)

    def count_at(route: str, status: int) -> None:
        telemetry.counter("fks_http_requests_total", route, str(status)).inc()
        pushing.ask()

    alerts = webhook.Webhook(gateway.inbox, gateway.desk, gateway.reader, _rules(gateway), waking.ask)
    app = EdgeApp(
        title="FKS Actors",
        version=gateway.version or "0",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        lifespan=lifespan,
    )
    answers.answer_errors(app)
    app.alerts = answers.LastResort(alerts, lambda _, status: count_at(webhook.PATH, status))
    app.include_router(webhook.router(alerts))
    app.include_router(api.open_router(view))
    app.include_router(api.router(view, gateway.desk, tape, gateway.token, gateway.symbols, telemetry))
    app.include_router(api.metrics_router(gateway.desk, telemetry))
    pages.serve_pages(app)
    app.add_middleware(answers.LastResort, count=count)
    return app


def _rules(gateway: Gateway) -> webhook.Rules:
    return webhook.Rules(gateway.webhook, gateway.symbols, gateway.now_ms, gateway.telemetry)
