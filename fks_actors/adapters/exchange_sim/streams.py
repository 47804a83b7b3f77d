"""The venue's websockets: market streams, the user data stream, and the websocket API.

Every connection has a queue and a writer of its own, so that a slow reader holds nobody up; one that lets
`_SLOWEST` messages pile up is cut off, as at Binance.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from fks_actors.adapters.exchange_sim.channels import Channel, open_channel
from fks_actors.adapters.exchange_sim.codes import VenueRefusal
from fks_actors.adapters.exchange_sim.state import Followed, News
from fks_actors.adapters.exchange_sim.venue import Lot, Venue
from fks_actors.adapters.exchange_sim.wire import user_event

Row = dict[str, Any]
_SLOWEST = 10_000
_HEARTBEAT_S = 20.0
_RESTART = 1012


class Connection:
    """One client's socket: what it follows, and what is still to be sent."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, combined: bool) -> None:
        self.socket = socket
        self.combined = combined
        self.names: set[str] = set()
        self.subscriptions: set[int] = set()
        self.session = False
        self.next_subscription = 0
        self._request = request
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()

    def send(self, message: Any) -> None:
        """Queue a message."""
        if self._queue.qsize() >= _SLOWEST:
            self.abort()
        else:
            self._queue.put_nowait(msgspec.json.encode(message))

    def send_stream(self, name: str, message: Any) -> None:
        """Queue a stream's message, in its wrapping."""
        self.send({"stream": name, "data": message} if self.combined else message)

    def abort(self) -> None:
        """Cut the line without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def write(self) -> None:
        """Send what is queued, for ever."""
        while True:
            data = await self._queue.get()
            with contextlib.suppress(ConnectionError):
                await self.socket.send_str(data.decode())


class Streams:
    """All connections of a venue."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._connections: set[Connection] = set()
        self._channels: dict[str, Channel] = {}
        venue.engine.listeners.append(self._told)

    def __len__(self) -> int:
        return len(self._connections)

    def pulse(self) -> None:
        """Send what is new on every stream that someone follows."""
        followed: dict[str, list[Connection]] = {}
        for connection in self._connections:
            for name in connection.names:
                followed.setdefault(name, []).append(connection)
        for name in self._channels.keys() - followed.keys():
            del self._channels[name]
        now = self._venue.now_ms()
        for name, connections in followed.items():
            channel = self._channels.get(name)
            for message in channel.news(now) if channel else ():
                for connection in connections:
                    connection.send_stream(name, message)

    async def disconnect(self, *, abrupt: bool = False) -> int:
        """End every connection; how many there were."""
        connections = list(self._connections)
        for connection in connections:
            if abrupt:
                connection.abort()
            else:
                await connection.socket.close(code=_RESTART)
        return len(connections)

    async def close(self) -> None:
        """End every connection."""
        await self.disconnect()

    async def raw(self, request: web.Request) -> web.WebSocketResponse:
        """`/ws`: messages as they are."""
        return await self._follow(request, combined=False, names=request.match_info.get("name", "").split("/"))

    async def combined(self, request: web.Request) -> web.WebSocketResponse:
        """`/stream`: messages with the stream's name."""
        return await self._follow(request, combined=True, names=request.query.get("streams", "").split("/"))

    async def api(self, request: web.Request) -> web.WebSocketResponse:
        """`/ws-api/v3`: requests over the websocket, and the user data stream."""
        async with self._connected(request, combined=False) as connection:
            async for message in connection.socket:
                if message.type is WSMsgType.TEXT:
                    await self._call(connection, message.data)
        return connection.socket

    async def _follow(self, request: web.Request, *, combined: bool, names: list[str]) -> web.WebSocketResponse:
        async with self._connected(request, combined) as connection:
            for name in names:
                if name in self._venue.listen_keys or self._known(name):
                    connection.names.add(name)
            async for message in connection.socket:
                if message.type is WSMsgType.TEXT:
                    self._subscribe(connection, message.data)
        return connection.socket

    @asynccontextmanager
    async def _connected(self, request: web.Request, combined: bool) -> AsyncIterator[Connection]:
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S)
        await socket.prepare(request)
        connection = Connection(socket, request, combined)
        self._connections.add(connection)
        writer = asyncio.create_task(connection.write())
        try:
            yield connection
        finally:
            self._connections.discard(connection)
            writer.cancel()

    def _subscribe(self, connection: Connection, text: str) -> None:
        call = _decoded(text)
        method, given, call_id = call.get("method"), call.get("params"), call.get("id")
        names = [str(n) for n in given] if isinstance(given, list) else []
        if method == "SUBSCRIBE":
            unknown = [n for n in names if n not in self._venue.listen_keys and not self._known(n)]
            if unknown:
                trouble = {"code": 2, "msg": f"Invalid request: unknown stream {unknown[0]}"}
                connection.send({"error": trouble, "id": call_id})
                return
            connection.names |= set(names)
            connection.send({"result": None, "id": call_id})
        elif method == "UNSUBSCRIBE":
            connection.names -= set(names)
            connection.send({"result": None, "id": call_id})
        elif method == "LIST_SUBSCRIPTIONS":
            connection.send({"result": sorted(connection.names), "id": call_id})
        else:
            connection.send({"error": {"code": 2, "msg": "Invalid request: unknown method"}, "id": call_id})

    def _known(self, name: str) -> bool:
        """Whether there is such a stream; from now on it is looked at."""
        if name not in self._channels:
            channel = open_channel(self._venue, name)
            if channel is None:
                return False
            self._channels[name] = channel
        return True

    async def _call(self, connection: Connection, text: str) -> None:
        venue, call = self._venue, _decoded(text)
        method, call_id = str(call.get("method")), call.get("id")
        given = call.get("params")
        params = {n: _text(v) for n, v in given.items()} if isinstance(given, dict) else {}
        strikes = venue.faults.strike("WS", method)
        if strikes.latency_ms:
            await asyncio.sleep(strikes.latency_ms / 1_000)
        if strikes.drop_request:
            venue.note_lost("WS", method, params, "request dropped")
            connection.abort()
            return
        lot = Lot(replied=not strikes.drop_reply, share=strikes.share)
        status, body = self._answer(connection, method, params, lot)
        if strikes.drop_reply:
            connection.abort()
            return
        part = "result" if status == 200 else "error"
        connection.send({"id": call_id, "status": status, part: msgspec.Raw(body), "rateLimits": []})

    def _answer(self, connection: Connection, method: str, params: Mapping[str, str], lot: Lot) -> tuple[int, bytes]:
        payload = "&".join(f"{n}={params[n]}" for n in sorted(params) if n != "signature")
        try:
            if method in ("userDataStream.subscribe.signature", "session.logon"):
                self._venue.authenticate(params, payload, params.get("apiKey"))
            if method == "session.logon":
                connection.session = True
                since = {"apiKey": self._venue.keys.key, "authorizedSince": self._venue.now_ms()}
                return 200, msgspec.json.encode(since)
            if method.startswith("userDataStream.subscribe"):
                return 200, msgspec.json.encode(self._subscribe_user(connection, method))
            if method == "userDataStream.unsubscribe":
                connection.subscriptions.clear()
                return 200, b"{}"
        except VenueRefusal as refusal:
            answer = self._venue.refuse(refusal)
        else:
            answer = self._venue.call(method, params, payload, lot)
        return answer.status, answer.body

    def _subscribe_user(self, connection: Connection, method: str) -> Row:
        if method == "userDataStream.subscribe" and not connection.session:
            raise VenueRefusal(-1099, "Session is not authenticated.", 401)
        number = connection.next_subscription
        connection.next_subscription += 1
        connection.subscriptions.add(number)
        return {"subscriptionId": number}

    def _told(self, news: tuple[News, ...]) -> None:
        connections = [c for c in self._connections if c.subscriptions or c.names & self._venue.listen_keys]
        if not connections:
            return
        for event in news:
            if isinstance(event, Followed):
                continue
            message = user_event(self._venue.engine, event)
            for connection in connections:
                for number in connection.subscriptions:
                    connection.send({"subscriptionId": number, "event": message})
                for key in connection.names & self._venue.listen_keys:
                    connection.send_stream(key, message)


def _decoded(text: str) -> Row:
    try:
        call = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {}
    return call if isinstance(call, dict) else {}


def _text(value: object) -> str:
    """A JSON value as it stands in a signature."""
    return str(value).lower() if isinstance(value, bool) else str(value)
