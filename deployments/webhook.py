"""`POST /webhook/tradingview`. The way to the 202: bounded read, checks, one durable insert; no actor call.

TradingView cuts off after 3 s and sends again on a 5xx, so storing has a deadline under that, and the only 5xx for
something that may work later is 503.
"""

import asyncio
import itertools
import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping

from fastapi import APIRouter, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments import render
from deployments.answers import Plain, error_answer, json_answer
from deployments.deadline import Deadline
from deployments.ports import AsyncInbox, Desk
from deployments.reception import Reception
from deployments.webhook_docs import ANSWERS, BODY
from fks_actors.errors import FksError, JournalError
from fks_actors.journal.ports import JournalReader
from fks_actors.model.records import Signal, SignalStatus
from fks_actors.telemetry import Telemetry
from fks_actors.webhook.intake import TOO_LARGE
from fks_actors.webhook.payload import MAX_BYTES
from fks_actors.webhook.refused import Refused

PATH = "/webhook/tradingview"

_log = logging.getLogger(__name__)
_BODY_S = 3.0
_STORE_S = 2.0
_MAX_WAIT_S = 30
_WAIT = re.compile(r"(?:^|,)\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?:[,;]|$)", re.ASCII | re.IGNORECASE)
_COUNTED = {
    "unauthorized": "fks_webhook_signature_failures_total",
    "stale": "fks_webhook_stale_total",
    "low_confidence": "fks_webhook_low_confidence_total",
    "rate_limited": "fks_rate_limited_total",
    "forbidden": "fks_peer_denied_total",
}


class Webhook:
    """Receives alerts at one replica: an ASGI application, so that an alert meets nothing but these checks."""

    def __init__(
        self,
        inbox: AsyncInbox,
        desk: Desk,
        reader: JournalReader,
        reception: Reception,
        telemetry: Telemetry,
        wake: Callable[[], None],
    ) -> None:
        self._inbox = inbox
        self._desk = desk
        self._reader = reader
        self._reception = reception
        self._telemetry = telemetry
        self._wake = wake
        self._reading, self._storing = Deadline(_BODY_S), Deadline(_STORE_S)
        self._salts = map(f"{uuid.uuid4().hex}-{{}}".format, itertools.count())
        self._in_flight = telemetry.gauge("fks_webhook_in_flight")
        self._duration = telemetry.histogram("fks_webhook_duration_seconds")
        self._put_seconds = telemetry.histogram("fks_inbox_put_seconds")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, whatever it holds."""
        self._in_flight.inc()
        try:
            response = await self._answer(scope, receive)
        finally:
            self._in_flight.dec()
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> ASGIApp:
        start = time.perf_counter()
        headers = _headers(scope)
        signal = await self._received(scope, headers, receive)
        if isinstance(signal, Refused):
            return self._refuse(signal, start)
        try:
            with self._storing.limit():
                stored_id = await self._inbox.put_async(signal)
        except (JournalError, TimeoutError) as error:
            _log.warning("an alert was not stored: %s", type(error).__name__)
            self._telemetry.counter("fks_journal_errors_total", "inbox_put").inc()
            return self._refuse(
                Refused(503, "unavailable", "the alert could not be stored; send it again", "", 5), start
            )
        taken_s = time.perf_counter() - start
        self._put_seconds.observe(taken_s)
        self._duration.observe(taken_s)
        if stored_id != signal.signal_id:
            self._count("duplicate", "fks_webhook_duplicates_total")
            return Plain({"status": "duplicate", "signal_id": stored_id}, 200)
        self._count("accepted")
        wait_s = wanted_wait_s(headers.get("prefer", ""))
        done = await self._outcome(stored_id, wait_s) if wait_s else None
        if done is not None:
            return done
        self._wake()
        return Plain({"status": SignalStatus.ACCEPTED, "signal_id": stored_id}, 202)

    async def _received(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> Signal | Refused:
        """Read at most one byte more than an alert may have, then judge it."""
        direct = scope["client"][0] if scope.get("client") else ""
        caller = self._reception.caller(direct, headers.get("x-forwarded-for", ""))
        refused = await self._reception.at_door(headers, caller)
        if refused:
            return refused
        body = await _body(headers, receive, self._reading)
        return await self._reception.judge(body, headers, caller, next(self._salts))

    async def _outcome(self, signal_id: str, wait_s: int) -> Response | None:
        """What the desk made of it within `wait_s`, as the journal tells it; None where that is not known."""
        try:
            async with asyncio.timeout(wait_s + 1):
                if await self._desk.wait_signal(signal_id, float(wait_s)) is None:
                    return None
                content = await asyncio.to_thread(self._settled, signal_id)
        except (FksError, TimeoutError) as error:
            _log.warning("the outcome of %s is not known: %s", signal_id, type(error).__name__)
            return None
        if content is None:
            return None
        return json_answer(content, 200, {"Preference-Applied": f"wait={wait_s}"})

    def _settled(self, signal_id: str) -> dict[str, object] | None:
        record = self._reader.signal(signal_id)
        if record is None or record.status is SignalStatus.ACCEPTED:
            return None
        orders = [order for key in record.client_order_ids if (order := self._reader.order(key))]
        return {
            "status": record.status,
            "signal_id": signal_id,
            "orders": [render.order(order) for order in orders],
            "reasons": render.refusals(record.refusals),
        }

    def _refuse(self, refused: Refused, start: float) -> Response:
        self._duration.observe(time.perf_counter() - start)
        self._count(refused.code, _COUNTED.get(refused.code, ""))
        headers = {"Retry-After": str(refused.retry_after_s)} if refused.retry_after_s else None
        return error_answer(refused.status, refused.code, refused.message, refused.field, headers)

    def _count(self, code: str, own: str = "") -> None:
        self._telemetry.counter("fks_webhook_requests_total", code).inc()
        if own:
            self._telemetry.counter(own).inc()


def _headers(scope: Scope) -> dict[str, str]:
    """By lower-case name; what stands several times is joined, as one reads it."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


async def _body(headers: Mapping[str, str], receive: Receive, reading: Deadline) -> bytes | Refused:
    """The body, or a refusal as soon as it is too large or too slow."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        return Refused(415, "invalid_field", "compressed bodies are not read", "content-encoding")
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:12]) > MAX_BYTES:
        return TOO_LARGE
    raw: bytes = b""
    try:
        with reading.limit():
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return Refused(400, "invalid_json", "the body is not complete")
                chunk: bytes = message.get("body", b"")
                raw += chunk
                if len(raw) > MAX_BYTES:
                    return TOO_LARGE
                if not message.get("more_body", False):
                    return raw
    except TimeoutError:
        return Refused(408, "unavailable", f"the body did not arrive within {_BODY_S:.0f} s")


def wanted_wait_s(prefer: str) -> int:
    """N of `Prefer: wait=N` (RFC 7240), at most 30; 0 where none is asked for."""
    found = _WAIT.search(prefer)
    return min(int(found[1]), _MAX_WAIT_S) if found else 0


class _Handed(Response):
    """Hands the request on to the ASGI application."""

    def __init__(self, webhook: Webhook) -> None:
        super().__init__()
        self._webhook = webhook

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._webhook(scope, receive, send)


def router(webhook: Webhook) -> APIRouter:
    """The webhook's route: describes it, answers other methods, and takes alerts where the app is mounted elsewhere."""
    routes = APIRouter(tags=["webhook"])

    @routes.post(PATH, status_code=202, openapi_extra=BODY, responses=ANSWERS)
    async def tradingview() -> Response:
        """Store an alert durably and answer; the desk takes it from there."""
        return _Handed(webhook)

    return routes
