"""A limit order book: price first, then time. The exchange simulator and the paper venue match with it. Pure.

A taker trades with the best price of the other side, at a price with the order that came first, each time at the
resting order's price. What a taker does not find stays with its caller: the book itself never queues a taker.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from fks_actors.errors import InvariantError
from fks_actors.model.orders import ZERO, Side


@dataclass(frozen=True, slots=True)
class Resting:
    """An order in the book. `quantity` (base) is what is left; `sequence` is its place in time."""

    order_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    sequence: int


@dataclass(frozen=True, slots=True)
class Match:
    """One trade: `quantity` (base) of the resting order at its `price` (quote)."""

    resting: Resting
    price: Decimal
    quantity: Decimal


class OrderBook:
    """One symbol's resting limit orders."""

    def __init__(self) -> None:
        self._orders: dict[str, Resting] = {}
        self._sides: dict[Side, list[tuple[Decimal, int, str]]] = {Side.BUY: [], Side.SELL: []}
        self._next = 0

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._orders

    def get(self, order_id: str) -> Resting | None:
        """The resting order."""
        return self._orders.get(order_id)

    def add(self, order_id: str, side: Side, price: Decimal, quantity: Decimal, sequence: int = 0) -> Resting:
        """Rest an order behind all others of its price. It may cross the other side: matching is the caller's.

        `sequence` above 0 gives it that place in time instead, where the caller numbers its orders itself.

        Raises:
            InvariantError: the id rests already, or price or quantity is not above zero.
        """
        resting = Resting(order_id, side, price, quantity, sequence or self._next + 1)
        self._take(resting)
        insort(self._sides[side], _key(resting))
        return resting

    def load(self, orders: Iterable[Resting]) -> None:
        """Rest many orders at once, each at the place in time that it names.

        Raises:
            InvariantError: as for `add`.
        """
        for resting in orders:
            self._take(resting)
            self._sides[resting.side].append(_key(resting))
        for keys in self._sides.values():
            keys.sort()

    def _take(self, resting: Resting) -> None:
        if resting.order_id in self._orders or resting.price <= 0 or resting.quantity <= 0:
            raise InvariantError(f"order {resting.order_id} cannot rest: {resting.quantity} at {resting.price}")
        self._orders[resting.order_id] = resting
        self._next = max(self._next, resting.sequence)

    def remove(self, order_id: str) -> Resting | None:
        """Take an order out; None where it does not rest."""
        resting = self._orders.pop(order_id, None)
        if resting is not None:
            keys = self._sides[resting.side]
            del keys[bisect_left(keys, _key(resting))]
        return resting

    def reduce(self, order_id: str, quantity: Decimal) -> None:
        """A trade took `quantity` of a resting order; it keeps its place. At nothing left it leaves.

        Raises:
            InvariantError: it does not rest, or has less.
        """
        resting = self._orders.get(order_id)
        if resting is None or quantity > resting.quantity:
            raise InvariantError(f"order {order_id} has not {quantity} to trade: {resting}")
        if quantity == resting.quantity:
            self.remove(order_id)
        else:
            left = resting.quantity - quantity
            self._orders[order_id] = Resting(order_id, resting.side, resting.price, left, resting.sequence)

    def best(self, side: Side) -> Resting | None:
        """The order of `side` that trades first."""
        keys = self._sides[side]
        return self._orders[keys[0][2]] if keys else None

    def queue(self, side: Side, limit: Decimal | None = None) -> Iterator[Resting]:
        """The orders of `side` that a taker with `limit` (None: any price) meets, in the order in which it does.

        The book may change between two of them: what left is not met any more, what came behind the last one is.
        """
        keys = self._sides[side]
        at = 0
        while at < len(keys):
            key = keys[at]
            resting = self._orders[key[2]]
            if limit is not None and not _meets(resting, limit):
                return
            yield resting
            at = bisect_right(keys, key)

    def match(self, side: Side, quantity: Decimal, limit: Decimal | None = None) -> list[Match]:
        """Trade up to `quantity` (base) for a taker of `side`, never beyond its `limit`; the matches, best first."""
        matches: list[Match] = []
        left = quantity
        for resting in self.queue(Side.SELL if side is Side.BUY else Side.BUY, limit):
            if left <= ZERO:
                break
            traded = min(left, resting.quantity)
            matches.append(Match(resting, resting.price, traded))
            self.reduce(resting.order_id, traded)
            left -= traded
        return matches

    def depth(self, side: Side, levels: int) -> list[tuple[Decimal, Decimal]]:
        """(price, quantity) of the best `levels` prices, best first."""
        found: list[tuple[Decimal, Decimal]] = []
        for key in self._sides[side]:
            resting = self._orders[key[2]]
            if found and found[-1][0] == resting.price:
                found[-1] = (resting.price, found[-1][1] + resting.quantity)
            elif len(found) == levels:
                break
            else:
                found.append((resting.price, resting.quantity))
        return found


def _key(resting: Resting) -> tuple[Decimal, int, str]:
    """Sorts a side as it trades: the best price first, then the earliest."""
    price = -resting.price if resting.side is Side.BUY else resting.price
    return price, resting.sequence, resting.order_id


def _meets(resting: Resting, limit: Decimal) -> bool:
    return resting.price >= limit if resting.side is Side.BUY else resting.price <= limit
