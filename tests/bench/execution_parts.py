"""The real actors with a stopwatch: what they do is what the desk does, and when, by a clock that all processes share.

A stamp is (what, whose, start, end) in ns of CLOCK_MONOTONIC. Taking one costs under a microsecond.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fks_actors.actors.coordinator import CoordinatorActor
from fks_actors.actors.exchange_connector import ExchangeConnectorActor
from fks_actors.actors.journal import JournalActor
from fks_actors.actors.risk import RiskActor
from fks_actors.adapters.ccxt_venue.venue import CcxtVenue
from fks_actors.desk.lineage import Step
from fks_actors.desk.ports import Ruled, VenueReply
from fks_actors.model.orders import Approved
from fks_actors.model.records import Commit, Signal
from fks_actors.risk.messages import RiskRequest

Stamp = tuple[str, str, int, int]
Call = Callable[..., Awaitable[Any]]
now_ns = time.monotonic_ns


class Stopwatch:
    """Stamps what it is told to watch."""

    def __init__(self) -> None:
        self.stamps: list[Stamp] = []

    def watch(self, what: str, call: Call, whose: Callable[..., str] = lambda *_, **__: "") -> Call:
        """The call, stamped."""

        async def timed(*args: Any, **more: Any) -> Any:
            start = now_ns()
            try:
                return await call(*args, **more)
            finally:
                self.stamps.append((what, whose(*args, **more), start, now_ns()))

        return timed


def watched(exchange: Any, watch: Stopwatch) -> None:
    """Stamp ccxt's `create_order` by client id, and the HTTP request under it."""
    exchange.create_order = watch.watch(
        "create_order", exchange.create_order, lambda *args: str(args[5].get("clientOrderId", ""))
    )
    exchange.fetch = watch.watch("http", exchange.fetch, lambda url, method, *_: f"{method} {url.split('?')[0]}")


class _Stamped(asyncio.Event):
    def __init__(self, watch: Stopwatch) -> None:
        super().__init__()
        self._watch = watch

    def set(self) -> None:
        now = now_ns()
        self._watch.stamps.append(("woken", "", now, now))
        super().set()


class TimedCoordinator(CoordinatorActor):
    """Stamps each signal's step and whom it asks, as `ask METHOD`."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._stopwatch = watch = Stopwatch()
        for handle in (self._journal, self._desk._ports.risk, *self._connectors.values()):
            remote: Any = handle
            remote.call = watch.watch("ask", remote.call, lambda method, *_, **__: str(method))
        self._woken = _Stamped(watch)
        desk: Any = self._desk
        desk.run_signal = watch.watch("signal", desk.run_signal, _signal_id)

    async def stamps(self) -> list[Stamp]:
        """Everything so far."""
        return self._stopwatch.stamps


def _signal_id(_: int, signal: Signal, __: int) -> str:
    return signal.signal_id


class TimedRisk(RiskActor):
    """Stamps its rulings."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._stamps: list[Stamp] = []

    async def rule(self, step: Step, request: RiskRequest) -> Ruled:
        start = now_ns()
        ruled = await super().rule(step, request)
        self._stamps.append(("ruling", step.request_id, start, now_ns()))
        return ruled

    async def stamps(self) -> list[Stamp]:
        """Everything so far."""
        return self._stamps


class TimedJournal(JournalActor):
    """Stamps its transactions."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._stamps: list[Stamp] = []

    async def commit(self, commits: Sequence[Commit]) -> str:
        start = now_ns()
        head = await super().commit(commits)
        self._stamps.append(("transaction", commits[-1].commit_id, start, now_ns()))
        return head

    async def stamps(self) -> list[Stamp]:
        """Everything so far."""
        return self._stamps


class TimedConnector(ExchangeConnectorActor):
    """Stamps the orders that it enters, down to the HTTP request."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._stopwatch = Stopwatch()

    async def submit(self, step: Step, orders: Sequence[Approved], again: bool = False) -> VenueReply:
        start = now_ns()
        reply = await super().submit(step, orders, again)
        self._stopwatch.stamps.append(("submit", step.request_id, start, now_ns()))
        return reply

    async def stamps(self) -> list[Stamp]:
        """Everything so far."""
        return self._stopwatch.stamps

    async def _connected(self) -> CcxtVenue:
        venue = await super()._connected()
        watched(venue.client.ccxt, self._stopwatch)
        return venue
