"""The venue's sockets: REST and websocket APIs on one port, the admin API on another, and the market's heartbeat."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

from aiohttp import web

from fks_actors.adapters.exchange_sim.admin import admin_app
from fks_actors.adapters.exchange_sim.config import SimConfig
from fks_actors.adapters.exchange_sim.engine import Engine
from fks_actors.adapters.exchange_sim.streams import Streams
from fks_actors.adapters.exchange_sim.venue import Lot, Venue

_log = logging.getLogger(__name__)
_BEAT_S = 0.05
_JSON = "application/json"


class RunningSim:
    """A venue that serves. `url` and `admin_url` say where, `key` and `secret` open its account."""

    def __init__(self, venue: Venue, host: str, port: int, admin_port: int) -> None:
        self.venue = venue
        self.url = f"http://{host}:{port}"
        self.admin_url = f"http://{host}:{admin_port}"

    @property
    def engine(self) -> Engine:
        """The matching engine, for a judge in the same process."""
        return self.venue.engine

    @property
    def key(self) -> str:
        """The API key."""
        return self.venue.keys.key

    @property
    def secret(self) -> str:
        """The API secret."""
        return self.venue.keys.secret


@asynccontextmanager
async def running_sim(config: SimConfig | None = None) -> AsyncIterator[RunningSim]:
    """A venue on loopback, for as long as the block runs.

    Raises:
        ConfigError: it cannot be made.
        OSError: a port is taken.
    """
    config = config or SimConfig()
    venue = Venue(config)
    streams = Streams(venue)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(venue.ledger.close)
        port = await _serve(stack, _Exchange(venue, streams).app(), config.host, config.port)
        admin_port = await _serve(stack, admin_app(venue, streams), config.host, config.admin_port)
        stack.push_async_callback(streams.close)
        beat = asyncio.create_task(_beat(venue, streams))
        beat.add_done_callback(_died)
        stack.push_async_callback(_stop, beat)
        yield RunningSim(venue, config.host, port, admin_port)


class _Exchange:
    def __init__(self, venue: Venue, streams: Streams) -> None:
        self._venue = venue
        self._streams = streams

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("GET", "/ws-api/v3", self._streams.api)
        for path in ("/ws", "/ws/{name:.*}", "/stream/ws", "/stream/ws/{name:.*}"):
            app.router.add_route("GET", path, self._streams.raw)
        app.router.add_route("GET", "/stream", self._streams.combined)
        app.router.add_route("*", "/{path:.*}", self._rest)
        return app

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        venue = self._venue
        method, path, query = request.method, request.path, request.rel_url.raw_query_string
        body = (await request.read()).decode(errors="replace")
        strikes = venue.faults.strike(method, path)
        if strikes.latency_ms:
            await asyncio.sleep(strikes.latency_ms / 1_000)
        if strikes.drop_request or strikes.status:
            outcome = "request dropped" if strikes.drop_request else f"http {strikes.status}"
            venue.note_lost(method, path, dict(parse_qsl(query)) | dict(parse_qsl(body)), outcome)
            return _hang_up(request) if strikes.drop_request else _broken(strikes.status)
        lot = Lot(replied=not strikes.drop_reply, share=strikes.share)
        answer = venue.answer(method, path, query, body, request.headers.get("X-MBX-APIKEY"), lot)
        if strikes.drop_reply:
            return _hang_up(request)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers, content_type=_JSON)


def _broken(status: int) -> web.Response:
    return web.Response(status=status, text=f"<html><body>{status}</body></html>", content_type="text/html")


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _serve(stack: contextlib.AsyncExitStack, app: web.Application, host: str, port: int) -> int:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port)
    await site.start()
    bound: int = runner.addresses[0][1]
    return bound


async def _beat(venue: Venue, streams: Streams) -> None:
    while True:
        venue.tick()
        streams.pulse()
        await asyncio.sleep(_BEAT_S)


def _died(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("the market stands still: its heartbeat failed", exc_info=task.exception())


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
