"""Which working orders of a symbol a price reaches, without a look at the others.

Resting limits and waiting stops lie in price order, so that a bar costs what it reaches and not what rests. Whatever
must see the next price anyway (market orders, triggered stops, TWAPs, limits that cross, and every order that has not
yet seen a whole bar) is `awake`.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from fks_actors.execution.matching import LIMITS, Working, stop_level
from fks_actors.execution.order_book import OrderBook, Resting
from fks_actors.execution.synthetic import falls, is_stop
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import Side

_MANY = 256


class Reach:
    """One symbol's working orders by the price that reaches each."""

    def __init__(self, rules: MarketRules) -> None:
        self._rules = rules
        self._awake: dict[str, int] = {}
        self._limits = OrderBook()
        self._stops = OrderBook()
        self._trails = OrderBook()

    def put(self, works: Iterable[Working], seen_ms: int) -> None:
        """Take orders in, or note how they changed. `seen_ms`: the open of the newest bar that the symbol has seen."""
        rows: list[tuple[OrderBook, Resting]] = []
        for work in works:
            self.drop(work.order.intent.client_order_id)
            rows += self._rows(work, seen_ms)
        if not rows:
            return
        for book in (self._limits, self._stops, self._trails):
            mine = [resting for its, resting in rows if its is book]
            if len(mine) > _MANY:
                book.load(mine)
            else:
                for r in mine:
                    book.add(r.order_id, r.side, r.price, r.quantity, r.sequence)

    def _rows(self, work: Working, seen_ms: int) -> Iterator[tuple[OrderBook, Resting]]:
        intent = work.order.intent
        client_order_id, place = intent.client_order_id, work.place
        if work.entered_ms > seen_ms or work.triggered or work.crossing:
            self._awake[client_order_id] = place
            return
        stop = stop_level(work, self._rules)
        if intent.order_type in LIMITS and intent.limit_price is not None:
            resting = Resting(client_order_id, intent.side, intent.limit_price, work.shown or work.left, place)
            yield self._limits, resting
        elif is_stop(intent) and stop is not None:
            # What a falling price reaches is sorted as bids are, the highest first; the rest as asks.
            side = Side.BUY if falls(intent) else Side.SELL
            yield self._stops, Resting(client_order_id, side, stop, work.left, place)
            if work.best is not None:
                yield self._trails, Resting(client_order_id, intent.side, work.best, work.left, place)
        else:
            self._awake[client_order_id] = place

    def drop(self, client_order_id: str) -> None:
        """Forget an order."""
        if self._awake.pop(client_order_id, None) is not None:
            return
        for book in (self._limits, self._stops, self._trails):
            book.remove(client_order_id)

    @property
    def rests(self) -> bool:
        """Whether an order waits for a price."""
        return bool(len(self._limits) or len(self._stops))

    def awake(self) -> list[tuple[int, str]]:
        """(place, id) of the orders that must see the next price."""
        return [(place, client_order_id) for client_order_id, place in self._awake.items()]

    def stops(self, low: Decimal, high: Decimal) -> list[tuple[int, str]]:
        """(place, id) of the waiting stops that prices from `low` to `high` touch."""
        return _both(self._stops, low, high)

    def trails(self, low: Decimal, high: Decimal) -> list[str]:
        """The trailing stops that prices from `low` to `high` move."""
        return [client_order_id for _, client_order_id in _both(self._trails, low, high)]

    def limits(self, side: Side, price: Decimal) -> Iterator[Resting]:
        """The resting limits that `price` trades through, in price-time priority, as the book is while one asks."""
        for resting in self._limits.queue(side, price):
            if resting.price == price:
                return
            yield resting


def _both(book: OrderBook, low: Decimal, high: Decimal) -> list[tuple[int, str]]:
    queues = (book.queue(Side.BUY, low), book.queue(Side.SELL, high))
    return [(resting.sequence, resting.order_id) for queue in queues for resting in queue]
