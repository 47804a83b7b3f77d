"""The edge of one replica: what it holds, and the ASGI app over it. Tested without Ray, by any ASGI client."""

import contextlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments import answers, api, pages, webhook
from deployments.ports import AsyncInbox, Desk, Jobs
from deployments.reception import Reception
from deployments.security import KINDS, SecurityLog
from deployments.soon import Soon
from deployments.tape import Tape
from deployments.view import View
from fks_actors.adapters.limits_store import MemoryLimiter
from fks_actors.journal.ports import JournalReader
from fks_actors.risk.messages import RiskState
from fks_actors.telemetry import Telemetry
from fks_actors.webhook.config import WebhookConfig
from fks_actors.webhook.limits import Rate, RateLimiter
from fks_actors.webhook.symbols import Listing, Markets

_DESCRIPTION = "Votes, decisions, orders and the account of an FKS Actors desk. Money is decimal text, times UTC ms."
_PUSH_S = 2.0
_TELL_S = 1.0
_WAKE_APART_S = 0.01  # a wake costs as much as an alert; a desk that is behind looks for more by itself


@dataclass(frozen=True, slots=True)
class Gateway:
    """All that a replica holds.

    `token` opens the query API; `webhook` has the alerts' own secret. `decode` reads risk's snapshot
    (`risk.codec.decode`); `now_ms` is the wall clock. `venues` are those that an alert may name; `limiter` counts the
    proven senders, None for in memory. `jobs` takes bodies of up to `upload_mb` MiB of files.
    """

    inbox: AsyncInbox
    reader: JournalReader
    desk: Desk
    jobs: Jobs
    decode: Callable[[bytes], RiskState]
    token: SecretStr
    webhook: WebhookConfig
    symbols: tuple[str, ...]
    now_ms: Callable[[], int]
    upload_mb: int = 32
    version: str = ""
    mode: str = "paper"
    poll_s: float = 1.0
    heartbeat_s: float = 15.0
    venues: tuple[Listing, ...] = ()
    limiter: RateLimiter | None = None
    telemetry: Telemetry = field(default_factory=lambda: Telemetry(f"gateway-{uuid.uuid4().hex[:12]}"))


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

    async def wake() -> None:
        if not gateway.inbox.is_heard:
            await gateway.desk.wake()

    pushing = Soon(push, _PUSH_S)
    waking = Soon(wake, apart_s=_WAKE_APART_S)
    view = View(gateway.reader, gateway.desk, gateway.decode, gateway.version, gateway.mode)
    tape = Tape(view, gateway.poll_s, gateway.heartbeat_s)
    reception = _reception(gateway)
    telling = Soon(lambda: security.hand_over(), _TELL_S)
    security = SecurityLog(gateway.desk, telemetry, gateway.now_ms, telling.ask)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> Any:
        yield
        await tape.stop()
        await waking.stop()
        await security.close()
        await telling.stop()
        await reception.close()
        await pushing.stop()

    def count(scope: Mapping[str, Any], status: int) -> None:
        count_at(scope, getattr(scope.get("route"), "path", "other"), status)

    def count_at(scope: Mapping[str, Any], route: str, status: int) -> None:
        telemetry.counter("fks_http_requests_total", route, str(status)).inc()
        if status in KINDS:
            security.note(status, _peer(scope, reception), route)
        pushing.ask()

    alerts = webhook.Webhook(gateway.inbox, gateway.desk, gateway.reader, reception, telemetry, waking.ask)
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
    app.alerts = answers.LastResort(alerts, lambda scope, status: count_at(scope, webhook.PATH, status))
    app.include_router(webhook.router(alerts))
    app.include_router(api.open_router(view))
    app.include_router(
        api.router(view, gateway.desk, tape, gateway.token, gateway.symbols, telemetry, gateway.jobs, gateway.upload_mb)
    )
    app.include_router(api.metrics_router(gateway.desk, telemetry))
    pages.serve_pages(app)
    app.add_middleware(answers.LastResort, count=count)
    return app


def _reception(gateway: Gateway) -> Reception:
    rules = gateway.webhook
    rate = Rate(rules.rate_limit_per_minute, rules.burst)

    def clock_s() -> float:
        return gateway.now_ms() / 1000

    senders = gateway.limiter or MemoryLimiter(rate, clock_s)
    markets = Markets(gateway.symbols, gateway.venues, rules.exchanges)
    return Reception(rules, markets, gateway.now_ms, senders, MemoryLimiter(rate, clock_s))


def _peer(scope: Mapping[str, Any], reception: Reception) -> str:
    """The true peer of any request, for the audit log."""
    client = scope.get("client")
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return reception.caller(client[0] if client else "", ", ".join(lines)).peer
