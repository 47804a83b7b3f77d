"""The stream: one poller a replica reads what is new, and every subscriber gets the same bytes.

It runs only while somebody listens. A subscriber gets a `status` event first; whatever was recorded before that event
stands in the lists, whatever comes after it is streamed. So a client subscribes, waits for `status`, then reads the
lists, and does the same again after a break: there is nothing to resume, and Last-Event-ID is not needed.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from deployments import render, verdicts
from deployments.view import View
from fks_actors.errors import FksError

_log = logging.getLogger(__name__)
_NEWEST = 50
_POINTS = 50
_QUEUE = 1024
_RETRY_MS = 2000

Event = tuple[str, Any]


@dataclass(slots=True)
class Seen:
    """How far the poller has read."""

    decision: str = ""
    trade: str = ""
    equity_ms: int = -1
    orders: dict[str, tuple[object, ...]] = field(default_factory=dict)
    begun: bool = False


class Tape:
    """Polls the view and hands events to its subscribers."""

    def __init__(self, view: View, poll_s: float, heartbeat_s: float) -> None:
        self._view = view
        self._poll_s = poll_s
        self._heartbeat_s = heartbeat_s
        self._subscribers: set[asyncio.Queue[bytes | None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._status = b""
        self._ids = itertools.count(1)

    async def listen(self) -> AsyncIterator[bytes]:
        """Server-sent events from now on, with heartbeats; ends for a client that is too slow."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUE)
        yield f"retry: {_RETRY_MS}\n\n".encode()
        if self._task is None or self._task.done():
            self._status = b""
            self._task = asyncio.create_task(self._poll_on())
        elif self._status:
            queue.put_nowait(self._status)
        self._subscribers.add(queue)
        try:
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), self._heartbeat_s)
                except TimeoutError:
                    event = b": heartbeat\n\n"
                if event is None:
                    return
                yield event
        finally:
            self._subscribers.discard(queue)

    async def stop(self) -> None:
        """End the poller and every stream."""
        for queue in self._subscribers:
            _hand(queue, None)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _poll_on(self) -> None:
        seen = Seen()
        while self._subscribers or not seen.begun:
            try:
                events = await asyncio.to_thread(fresh, self._view, seen)
                await self._send_status()
                for kind, content in events:
                    self._send(self._framed(kind, content))
            except FksError as error:
                _log.warning("the stream cannot read the journal: %s", error)
                self._send_problem()
            except Exception:  # noqa: BLE001 (logged; a stream that stopped in silence would lie)
                _log.exception("the stream's poller failed")
                self._send_problem()
            seen.begun = True
            await asyncio.sleep(self._poll_s)

    def _send_problem(self) -> None:
        self._status = b""
        problem = {"code": "unavailable", "message": "the journal does not answer", "field": ""}
        self._send(self._framed("status", {"error": problem}))

    async def _send_status(self) -> None:
        status, agents, state = await asyncio.gather(
            self._view.status(), self._view.agents(), asyncio.to_thread(self._view.risk_state)
        )
        content = {
            "status": status,
            "account": render.account(state) if state else None,
            "positions": render.positions(state) if state else [],
            "agents": agents,
        }
        frame = self._framed("status", content)
        if frame.partition(b"\n")[2] != self._status.partition(b"\n")[2]:
            self._status = frame
            self._send(frame)

    def _framed(self, kind: str, content: Any) -> bytes:
        head = f"id: {next(self._ids)}\nevent: {kind}\ndata: ".encode()
        return head + msgspec.json.encode(content) + b"\n\n"

    def _send(self, frame: bytes) -> None:
        for queue in list(self._subscribers):
            if not _hand(queue, frame):
                self._subscribers.discard(queue)
                while not queue.empty():
                    queue.get_nowait()
                _hand(queue, None)


def fresh(view: View, seen: Seen) -> list[Event]:
    """What was recorded since the last call, oldest first; the first call only takes note. Blocks.

    At most the newest 50 of a kind: a client that fell further behind reads the lists.
    """
    reader = view.reader
    decisions, _ = reader.decisions("", _NEWEST)
    orders, _ = reader.orders("", _NEWEST)
    fills, _ = reader.fills("", _NEWEST)
    points = reader.equity(seen.equity_ms + 1, _POINTS)
    new_decisions = list(itertools.takewhile(lambda d: d.decision_id != seen.decision, decisions))
    new_fills = list(itertools.takewhile(lambda f: f.trade_id != seen.trade, fills))
    marks: dict[str, tuple[object, ...]] = {
        o.intent.client_order_id: (o.status, o.updated_ms, o.filled_quantity) for o in orders
    }
    moved = [o for o in orders if seen.orders.get(o.intent.client_order_id) != marks[o.intent.client_order_id]]
    points = [point for point in points if point.ts_ms > seen.equity_ms]
    if decisions:
        seen.decision = decisions[0].decision_id
    if fills:
        seen.trade = fills[0].trade_id
    if points:
        seen.equity_ms = points[-1].ts_ms
    seen.orders = marks
    if not seen.begun:
        return []
    return [
        *(("decision", verdicts.decision(d)) for d in reversed(new_decisions)),
        *(("order", render.order(o)) for o in reversed(moved)),
        *(("fill", render.fill(f)) for f in reversed(new_fills)),
        *(("equity", render.equity(p)) for p in points),
    ]


def _hand(queue: asyncio.Queue[bytes | None], frame: bytes | None) -> bool:
    try:
        queue.put_nowait(frame)
    except asyncio.QueueFull:
        return False
    return True
