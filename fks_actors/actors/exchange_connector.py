"""The connector of a real exchange (desk.ports.VenuePort): a venue, its lease, its dead-man's switch.

Its state is the journal's open orders and what the venue says; a restart is a start. It refuses a desk whose lease does
not hold, and when no desk is heard for too long it cancels what is open but for the orders that bound a loss.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from fks_actors.actors.handles import JournalHandle
from fks_actors.actors.presence import Presence
from fks_actors.actors.replies import Replies
from fks_actors.adapters.ccxt_venue import memory
from fks_actors.adapters.ccxt_venue.client import Connection
from fks_actors.adapters.ccxt_venue.keys import KeySource
from fks_actors.adapters.ccxt_venue.memory import Memory
from fks_actors.adapters.ccxt_venue.probe import options_of
from fks_actors.adapters.ccxt_venue.venue import CcxtVenue, open_venue
from fks_actors.desk.config import venue_owner
from fks_actors.desk.lineage import Step
from fks_actors.desk.ports import VenueReply
from fks_actors.errors import Fenced, FksError, VenueUnavailable
from fks_actors.execution.venues import VenueConfig
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import Approved, Order
from fks_actors.model.records import SnapshotAt

_log = logging.getLogger(__name__)
_READY_S = 3.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 3.0
_STALE_S = 5.0


class ConnectorJournal(Protocol):
    """What a connector reads of the journal."""

    async def snapshot(self, owner: str) -> SnapshotAt:
        """The last snapshot of `owner`."""
        ...

    async def open_orders(self) -> list[Order]:
        """Orders that have not ended."""
        ...

    async def order(self, client_order_id: str) -> Order | None:
        """One order in its present state."""
        ...

    async def trade_ids(self, client_order_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """(venue, trade id) of every fill that is booked for these orders."""
        ...

    async def trades_by_order(self, client_order_ids: Sequence[str]) -> dict[str, frozenset[tuple[str, str]]]:
        """The same of each of these orders; one without a fill is absent."""
        ...


class ExchangeConnectorActor(Presence):
    """Enters approved orders at a real exchange."""

    def __init__(
        self,
        venue: str,
        config: VenueConfig,
        symbols: tuple[str, ...],
        keys: KeySource,
        journal: str | ConnectorJournal,
    ) -> None:
        """`journal`: the namespace of the cluster's journal actor, or a journal itself."""
        super().__init__(f"connector:{venue}")
        self._venue_name = venue
        self._config = config
        self._symbols = symbols
        self._keys = keys
        self._journal: ConnectorJournal = JournalHandle(journal) if isinstance(journal, str) else journal
        self._replies = Replies(venue_owner(venue))
        self._opened = asyncio.Event()
        self._lock = asyncio.Lock()
        self._venue: CcxtVenue | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._trouble = "starting"
        self._heard = time.monotonic()
        self._idle = asyncio.Event()
        self._idle.set()
        self._written = 0.0
        self._silent = False

    # --- life ---

    async def start(self) -> None:
        """Begin to connect; idempotent. The constructor's wrapper calls it, so a restarted actor begins by itself."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._run(), name="connector")]

    async def close(self) -> None:
        """End everything and close the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._venue is not None:
            await self._venue.close()

    def activity(self) -> str:
        """A few words on what the connector does now, for people."""
        venue = self._venue
        if venue is None:
            return self._trouble
        down = [name for name, up in venue.streams.up.items() if not up]
        parts = [f"{len(venue.tracker.working())} orders open"]
        parts += [f"circuit breaker {venue.client.breaker}"] if venue.client.breaker != "closed" else []
        parts += [f"polling {', '.join(down)}"] if down else []
        parts += ["the desk is silent"] if self._silent else []
        return "; ".join(parts)

    async def state(self) -> dict[str, Any]:
        """What is up and what is not, for the desk's status."""
        venue = self._venue
        if venue is None:
            return {"trouble": self._trouble}
        return {
            "breaker": str(venue.client.breaker),
            "streams": venue.streams.up,
            "trouble": "the desk was silent" if self._silent else "",
        }

    # --- what the desk asks ---

    async def advance(self, step: Step, batch: BarBatch) -> VenueReply:
        """What happened since the last step; the bar tells the desk's time."""

        async def note(venue: CcxtVenue) -> None:
            venue.desk_is_at(batch.close_ms)

        return await self._answer(step, note)

    async def submit(self, step: Step, orders: Sequence[Approved], again: bool = False) -> VenueReply:
        """Enter approved orders; idempotent by step and by client order id.

        Raises:
            Fenced: the step's lease does not hold.
            VenueUnavailable: the connector is not ready.
        """
        return await self._answer(step, lambda venue: venue.enter(orders, again))

    async def cancel(self, step: Step, client_order_ids: Sequence[str], ts_ms: int) -> VenueReply:
        """End orders that still work."""
        return await self._answer(step, lambda venue: venue.end(client_order_ids, ts_ms))

    async def collect(self, step: Step) -> VenueReply:
        """What happened at the venue since the last step."""

        async def nothing(_venue: CcxtVenue) -> None:
            return None

        return await self._answer(step, nothing)

    async def news(self, wait_s: float, epoch: int = 0, until_ms: int = 0) -> bool:
        """Wait up to `wait_s` for something to collect; whether there is. It shows that the desk lives, and its lease:
        between two bars an order that is to be sent again has no other.

        Raises:
            Fenced: the lease does not hold.
            VenueUnavailable: it is not ready, or still at the last step: whoever asked for one now would have to wait.
        """
        self._hear()
        end = time.monotonic() + wait_s
        try:
            async with asyncio.timeout(wait_s):
                await self._opened.wait()
                await self._idle.wait()
        except TimeoutError:
            raise VenueUnavailable(f"{self.name} is busy: {self.activity()}") from None
        venue = self._venue
        if venue is None:
            return False
        if epoch:
            venue.lease.show(epoch, until_ms, venue.client.now_ms())
            self._silent = False
        untaken = len(venue.outbox) > 0 and time.monotonic() - self._written > _STALE_S
        return untaken or await venue.outbox.news(max(end - time.monotonic(), 0))

    async def _answer(self, step: Step, work: Callable[[CcxtVenue], Awaitable[None]]) -> VenueReply:
        async with self._lock:
            self._hear()
            venue = await self._ready()
            if (known := self._replies.repeated(step)) is not None:
                return known
            if step.epoch <= 0 or step.until_ms <= 0:
                raise Fenced("a step at a real venue needs a lease")
            venue.lease.show(step.epoch, step.until_ms, venue.client.now_ms())
            self._silent = False
            self._replies.settle(step, venue.outbox)
            self._idle.clear()
            try:
                await work(venue)
            finally:
                self._idle.set()
                self._hear()
            now = time.monotonic()
            stale = now - self._written > _STALE_S
            reply = self._replies.reply(step, venue.outbox, venue.notes(), stale, venue.quotes)
            self._written = now if reply.snapshot is not None else self._written
            return reply

    async def _ready(self) -> CcxtVenue:
        try:
            async with asyncio.timeout(_READY_S):
                await self._opened.wait()
        except TimeoutError:
            raise VenueUnavailable(f"connector:{self._venue_name} is not ready: {self._trouble}") from None
        if self._venue is None:
            raise VenueUnavailable(f"connector:{self._venue_name} is closed")
        return self._venue

    def _hear(self) -> None:
        self._heard = time.monotonic()

    # --- behind it ---

    async def _run(self) -> None:
        await self._open()
        if self._config.dead_man_s > 0:
            await self._watch()

    async def _open(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            try:
                self._venue = await self._connected()
            except FksError as error:
                self._trouble = f"{type(error).__name__}: {error}"
                _log.warning("%s cannot start: %s", self.name, self._trouble)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
                continue
            self._heard = time.monotonic()
            self._opened.set()
            return

    async def _connected(self) -> CcxtVenue:
        config = self._config
        connection = Connection(self._venue_name, config, self._keys.read(), self.telemetry, options_of(config))
        return await open_venue(connection, self._symbols, self._journal, await self._remembered())

    async def _remembered(self) -> Memory:
        held = await self._journal.snapshot(venue_owner(self._venue_name))
        orders = [o for o in await self._journal.open_orders() if o.intent.venue == self._venue_name]
        traded = [o.intent.client_order_id for o in orders if o.filled_quantity]
        booked = await self._journal.trades_by_order(traded)
        trades = {
            key: frozenset(trade for venue, trade in found if venue == self._venue_name)
            for key, found in booked.items()
        }
        return Memory(tuple(orders), trades, memory.decode(held.payload))

    async def _watch(self) -> None:
        """The dead-man's switch."""
        limit_s = self._config.dead_man_s
        while True:
            await asyncio.sleep(min(limit_s / 4, 1.0))
            silent_s = time.monotonic() - self._heard
            if silent_s < limit_s or self._silent or not self._idle.is_set() or self._venue is None:
                continue
            self._silent = True
            _log.warning("%s: the desk was silent for %.0f s", self.name, silent_s)
            try:
                await self._venue.fall_silent(silent_s)
            except FksError as error:  # the switch must outlive it
                _log.warning("%s: not everything was cancelled: %s", self.name, error)
                self._silent = False
