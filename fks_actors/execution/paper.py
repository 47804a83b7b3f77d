"""The paper venue: the Venue port over a PaperBook. The default everywhere."""

from collections.abc import Mapping, Sequence

from fks_actors.execution.book import PaperBook
from fks_actors.execution.config import PaperConfig
from fks_actors.model.candles import BarBatch
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import Approved, Order, VenueEvent


class PaperVenue:
    """A Venue that answers at once and never fails.

    Args:
        config: the figures that the book was made with; `config.name` is the venue's name.
        book: the state machine; its owner takes snapshots of it with `book.state()`.
    """

    def __init__(self, config: PaperConfig, book: PaperBook) -> None:
        self._name = config.name
        self.book = book

    @property
    def name(self) -> str:
        """The venue's name in fills."""
        return self._name

    def markets(self) -> Mapping[str, MarketRules]:
        """The rules of every tradable symbol."""
        return self.book.markets()

    async def advance(self, batch: BarBatch) -> tuple[VenueEvent, ...]:
        """See PaperBook.advance."""
        return self.book.advance(batch)

    async def submit(self, orders: Sequence[Approved], again: bool = False) -> tuple[VenueEvent, ...]:
        """See PaperBook.submit."""
        return self.book.submit(orders)

    async def cancel(self, client_order_ids: Sequence[str], ts_ms: int) -> tuple[VenueEvent, ...]:
        """See PaperBook.cancel."""
        return self.book.cancel(client_order_ids, ts_ms)

    async def lookup(self, client_order_id: str) -> Order | None:
        """See PaperBook.lookup."""
        return self.book.lookup(client_order_id)

    async def open_orders(self) -> tuple[Order, ...]:
        """See PaperBook.open_orders."""
        return self.book.open_orders()
