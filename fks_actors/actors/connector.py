"""The paper venue's connector. The venue exists only here, so its state follows the journal's chain."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from fks_actors.actors.handles import JournalHandle
from fks_actors.actors.presence import Presence
from fks_actors.desk.config import venue_owner
from fks_actors.desk.lineage import Lineage, Step
from fks_actors.desk.ports import VenueReply
from fks_actors.execution.book import PaperBook
from fks_actors.execution.config import PaperConfig
from fks_actors.model.candles import BarBatch
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import Approved, VenueEvent
from fks_actors.model.records import Snapshot

_Work = tuple[str, tuple[object, ...]]


class PaperConnectorActor(Presence):
    """Enters approved orders at the paper venue (desk.ports.VenuePort)."""

    def __init__(
        self, venue: str, config: PaperConfig, markets: dict[str, MarketRules], cash: Decimal, namespace: str
    ) -> None:
        super().__init__(f"connector:{venue}")
        self._owner = venue_owner(venue)
        self._fresh: Callable[[], PaperBook] = lambda: PaperBook(config, markets, cash)
        self._restore: Callable[[bytes], PaperBook] = lambda state: PaperBook.restore(config, markets, state)
        self._journal = JournalHandle(namespace)
        self._lineage = Lineage(self._load, self._work)

    async def advance(self, step: Step, batch: BarBatch) -> VenueReply:
        """Closed bars: match what rests."""
        return await self._lineage.answer(step, ("advance", (batch,)))

    async def submit(self, step: Step, orders: Sequence[Approved], again: bool = False) -> VenueReply:
        """Enter approved orders; idempotent by client order id, `again` or not."""
        return await self._lineage.answer(step, ("submit", (tuple(orders),)))

    async def cancel(self, step: Step, client_order_ids: Sequence[str], ts_ms: int) -> VenueReply:
        """End orders that still work."""
        return await self._lineage.answer(step, ("cancel", (tuple(client_order_ids), ts_ms)))

    async def collect(self, step: Step) -> VenueReply:
        """Nothing: a paper venue moves with the bars alone."""
        return VenueReply(())

    async def _load(self) -> tuple[str, bytes]:
        held = await self._journal.snapshot(self._owner)
        return held.commit_id, held.payload

    def _work(self, state: bytes, request: _Work, _: str) -> tuple[bytes, VenueReply]:
        method, arguments = request
        book = self._restore(state) if state else self._fresh()
        events: tuple[VenueEvent, ...] = getattr(book, method)(*arguments)
        after = book.state()
        return after, VenueReply(events, Snapshot(self._owner, after))
