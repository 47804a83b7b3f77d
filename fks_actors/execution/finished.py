"""What the paper venue remembers of orders that ended: all figures of the last few, the status of some more."""

from collections.abc import Iterable

from fks_actors.execution.book_state import bare_order
from fks_actors.execution.config import PaperConfig
from fks_actors.model.orders import Order, OrderStatus


class Finished:
    """Ended orders, oldest first. `config` says how many are kept."""

    def __init__(
        self, config: PaperConfig, recent: Iterable[Order] = (), ended: Iterable[tuple[str, OrderStatus]] = ()
    ) -> None:
        self._config = config
        self._recent = {o.intent.client_order_id: o for o in recent}
        self._ended = dict(ended)

    def recent(self) -> tuple[Order, ...]:
        """Those with all their figures."""
        return tuple(self._recent.values())

    def ended(self) -> tuple[tuple[str, OrderStatus], ...]:
        """Those of which only the id and the last status are kept."""
        return tuple(self._ended.items())

    def add(self, order: Order) -> None:
        """Remember one more, and forget the oldest beyond what is kept."""
        self._recent[order.intent.client_order_id] = order
        if len(self._recent) > self._config.details_kept:
            oldest = next(iter(self._recent))
            self._ended[oldest] = self._recent.pop(oldest).status
        if len(self._ended) + len(self._recent) > self._config.finished_kept and self._ended:
            del self._ended[next(iter(self._ended))]

    def lookup(self, client_order_id: str) -> Order | None:
        """The order; one that ended long ago keeps only its status, a forgotten or unknown one is None."""
        if order := self._recent.get(client_order_id):
            return order
        status = self._ended.get(client_order_id)
        return bare_order(client_order_id, self._config.name, status) if status else None

    def traded(self, client_order_id: str) -> bool:
        """Whether the order is known to have traded."""
        if order := self._recent.get(client_order_id):
            return order.filled_quantity > 0
        return self._ended.get(client_order_id) is OrderStatus.FILLED
