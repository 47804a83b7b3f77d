"""In which order the prices of a bar meet the orders of the paper venue; the law is told in `execution.book`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from fks_actors.execution.dealing import Dealer, Moment
from fks_actors.execution.late import late_price
from fks_actors.execution.matching import Bar, Working, within
from fks_actors.execution.order_book import Resting
from fks_actors.execution.standing import Standing
from fks_actors.execution.synthetic import is_protective
from fks_actors.model.candles import BarBatch
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import Side, VenueEvent


class _Turn(msgspec.Struct, frozen=True, gc=False):
    """Whose turn it is: an order's, or that of the first in a queue of resting limits."""

    after_stops: bool
    place: int
    client_order_id: str
    symbol: str
    queue: Iterator[Resting] | None = None


class Rounds:
    """One batch of bars at the venue: its opens, its ranges, its closes.

    Args:
        dealer: trades what is met.
        standing: the working orders.
        markets: the rules of every tradable symbol.
        batch: when the bars opened and closed.
        bars: those that are new, by symbol.
    """

    def __init__(
        self,
        dealer: Dealer,
        standing: Standing,
        markets: Mapping[str, MarketRules],
        batch: BarBatch,
        bars: Mapping[str, Bar],
    ) -> None:
        self._dealer = dealer
        self._standing = standing
        self._markets = markets
        self._batch = batch
        self._bars = bars

    def played(self) -> tuple[VenueEvent, ...]:
        """What the bars did to the orders."""
        events: list[VenueEvent] = []
        for symbol in self._bars:
            self._standing.settle(symbol)
        self._opens(events)
        if any(map(self._standing.any_of, self._bars)):
            self._ranges(events)
            self._closes(events)
        return tuple(events)

    def _opens(self, events: list[VenueEvent]) -> None:
        turns: list[_Turn] = []
        for symbol, bar in self._bars.items():
            awake = [t for t in self._awake(symbol) if self._entered_ms(t.client_order_id) <= self._batch.ts_ms]
            turns += awake + self._reached(symbol, bar.open, bar.open)
        turns.sort(key=lambda turn: turn.place)

        def meet(symbol: str, client_order_id: str) -> None:
            moment = Moment(self._bars[symbol], self._batch.ts_ms, self._batch.close_ms - 1)
            self._dealer.meet(client_order_id, moment.bar.open, moment, events)

        _take(turns, meet)
        for symbol, bar in self._bars.items():
            for client_order_id in self._trails(symbol, bar.open, bar.open):
                self._dealer.trail(client_order_id, bar.open)

    def _ranges(self, events: list[VenueEvent]) -> None:
        turns: list[_Turn] = []
        for symbol, bar in self._bars.items():
            came = [t for t in self._awake(symbol) if self._entered_ms(t.client_order_id) > self._batch.ts_ms]
            late = [t for t in came if self._entered_ms(t.client_order_id) <= self._batch.close_ms]
            turns += late + self._reached(symbol, bar.low, bar.high)
        turns.sort(key=lambda turn: (turn.after_stops, turn.place))

        def meet(symbol: str, client_order_id: str) -> None:
            moment = Moment(self._bars[symbol], self._batch.close_ms, self._batch.close_ms)
            work = self._standing.get(client_order_id)
            if work is None:
                return
            if work.entered_ms > self._batch.ts_ms:
                price = late_price(work, moment.bar, self._batch, self._markets[symbol])
                self._dealer.meet(client_order_id, price, moment, events)
            elif touch := within(work, moment.bar, self._markets[symbol]):
                self._dealer.trade(work, touch, moment, events)

        _take(turns, meet)

    def _closes(self, events: list[VenueEvent]) -> None:
        moved: list[Working] = []
        for symbol, bar in self._bars.items():
            for client_order_id in self._trails(symbol, bar.low, bar.high):
                work = self._standing.get(client_order_id)
                best = bar.high if work and work.order.intent.side is Side.SELL else bar.low
                if work := self._dealer.trail(client_order_id, best):
                    moved.append(work)
        for work in sorted(moved, key=lambda w: w.place):
            intent = work.order.intent
            moment = Moment(self._bars[intent.symbol], self._batch.close_ms, self._batch.close_ms)
            self._dealer.meet(intent.client_order_id, moment.bar.close, moment, events)

    def _awake(self, symbol: str) -> list[_Turn]:
        reach = self._standing.reach(symbol)
        return [self._turn(symbol, place, i) for place, i in reach.awake()] if reach else []

    def _reached(self, symbol: str, low: Decimal, high: Decimal) -> list[_Turn]:
        reach = self._standing.reach(symbol)
        if reach is None or not reach.rests:
            return []
        turns = [self._turn(symbol, place, i) for place, i in reach.stops(low, high)]
        for side, price in ((Side.BUY, low), (Side.SELL, high)):
            queue = reach.limits(side, price)
            turns += [_Turn(True, r.sequence, r.order_id, symbol, queue) for r in reach.limits(side, price)]
        return turns

    def _turn(self, symbol: str, place: int, client_order_id: str) -> _Turn:
        work = self._standing.get(client_order_id)
        return _Turn(not (work and is_protective(work.order.intent)), place, client_order_id, symbol)

    def _entered_ms(self, client_order_id: str) -> int:
        work = self._standing.get(client_order_id)
        return work.entered_ms if work else -1

    def _trails(self, symbol: str, low: Decimal, high: Decimal) -> list[str]:
        reach = self._standing.reach(symbol)
        return reach.trails(low, high) if reach and reach.rests else []


def _take(turns: Sequence[_Turn], meet: Callable[[str, str], None]) -> None:
    """Let each order have its turn, a queue's first at each turn of the queue; then what came to queue meanwhile."""
    for turn in turns:
        if turn.queue is None:
            meet(turn.symbol, turn.client_order_id)
        elif first := next(turn.queue, None):
            meet(turn.symbol, first.order_id)
    for turn in turns:
        for late in turn.queue or ():
            meet(turn.symbol, late.order_id)
