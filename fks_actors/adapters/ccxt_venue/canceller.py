"""Ends orders. A cancel may be repeated as often as it takes: it changes nothing the second time."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fks_actors.adapters.ccxt_venue import translate
from fks_actors.adapters.ccxt_venue.client import Client
from fks_actors.adapters.ccxt_venue.faults import Fault, FaultKind
from fks_actors.adapters.ccxt_venue.finder import Finder
from fks_actors.adapters.ccxt_venue.tasks import Tasks
from fks_actors.adapters.ccxt_venue.tracker import UNSURE, Tracked, Tracker, Wire
from fks_actors.errors import VenueUnavailable
from fks_actors.model.orders import OrderStatus

_PAUSE_S, _LONGEST_S = 0.2, 5.0
_GONE = "the venue does not know it any more"


class Canceller:
    """Cancels at the venue, and goes on until it is known what became of the order."""

    def __init__(self, client: Client, tracker: Tracker, finder: Finder, tasks: Tasks) -> None:
        self._client = client
        self._tracker = tracker
        self._finder = finder
        self._tasks = tasks

    async def cancel(self, tracked: Tracked) -> None:
        """Cancel an order that is not kept here. One whose state is unknown is ended as soon as it is known."""
        tracked.wish = True
        if tracked.ended or tracked.order.status in UNSURE:
            return
        await self.end(tracked, tracked.whole)

    def wish(self, tracked: Tracked) -> None:
        """The order's state has become known: carry out the wish, if there is one."""
        if tracked.wish and not tracked.ended and not tracked.held:
            self._tasks.start(f"cancel-{tracked.key}", self._pursue(tracked, tracked.whole))

    async def end(self, tracked: Tracked, wire: Wire) -> None:
        """Cancel one order at the venue now; pursue it in the background where the outcome is not known."""
        wire.cancelling = True
        if await self._try(tracked, wire):
            return
        if not tracked.held:
            self._tracker.tell(tracked, OrderStatus.CANCEL_PENDING, self._client.venue_now_ms())
        self._tasks.start(f"cancel-{wire.key}", self._pursue(tracked, wire))

    async def _pursue(self, tracked: Tracked, wire: Wire) -> None:
        pause = _PAUSE_S
        while not (wire.ended or tracked.ended):
            if await self._try(tracked, wire):
                return
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311
            pause = min(2 * pause, _LONGEST_S)

    async def _try(self, tracked: Tracked, wire: Wire) -> bool:
        """One attempt; whether the order is known to have ended."""
        answer = await self._client.ask("cancel_order", self._call(tracked, wire))
        if isinstance(answer, Fault) and answer.kind is FaultKind.CLOCK:
            await self._client.sync_clock()
            return False
        if isinstance(answer, Fault) and answer.kind not in (FaultKind.MISSING, FaultKind.REFUSED):
            return False
        try:
            if not isinstance(answer, Fault) and await self._read(tracked, wire, answer):
                return True
            seen = await self._finder.find(wire.key, tracked.intent.symbol)
            if seen is None and wire.venue_id:
                seen = await self._finder.by_venue_id(wire.venue_id, tracked.intent.symbol)
            if seen is not None:
                await self._finder.adopt(tracked, wire, seen)
            elif isinstance(answer, Fault):
                self._gone(tracked, wire)
        except VenueUnavailable:
            return False
        return wire.ended or tracked.ended

    async def _read(self, tracked: Tracked, wire: Wire, answer: Any) -> bool:
        """Take the end of the order from the cancel's own answer, where it tells it."""
        told = {"symbol": tracked.intent.symbol, "side": tracked.intent.side.value}
        seen = translate.seen_order({**answer, **told}) if isinstance(answer, dict) else None
        if seen is None or answer.get("status") not in ("canceled", "closed", "expired"):
            return False
        venue_id = seen.venue_id or wire.venue_id
        await self._finder.adopt(tracked, wire, replace(seen, venue_id=venue_id, ts_ms=self._client.venue_now_ms()))
        return wire.ended or tracked.ended

    def _gone(self, tracked: Tracked, wire: Wire) -> None:
        wire.ended = True
        if tracked.held:
            self._finder.ended(tracked, wire)
        else:
            self._tracker.tell(tracked, OrderStatus.CANCELLED, self._client.venue_now_ms(), _GONE)

    def _call(self, tracked: Tracked, wire: Wire) -> Callable[[], Any]:
        ccxt, key, symbol = self._client.ccxt, self._client.dialect.cancel_key, tracked.intent.symbol
        if wire.venue_id:
            return lambda: ccxt.cancel_order(wire.venue_id, symbol)
        return lambda: ccxt.cancel_order(None, symbol, {key or "clientOrderId": self._finder.wire_id(wire.key)})
