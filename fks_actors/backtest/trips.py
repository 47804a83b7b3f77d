"""Round trips by FIFO: what is sold first is what was bought first. Pure, and to the last digit.

A trip is what one entry order and one exit order share; the fills of one order are one. Fees belong to the trade that
paid them: a trip bears its share, by quantity, of both. So, for fees paid in quote,

    cash at the end - cash at the start = sum of the trips' profits - what the open lots cost, fees included

The account itself books at average cost (`model.account`): both agree on the sum whenever nothing is held.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fks_actors.errors import InvariantError
from fks_actors.model.orders import ZERO, Fill, Side


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Bought and sold. `cost` and `proceeds` in quote without fees, `fees` of both ways; times are the first buy's and
    the last sale's."""

    symbol: str
    entry_id: str
    exit_id: str
    opened_ms: int
    closed_ms: int
    quantity: Decimal
    cost: Decimal
    proceeds: Decimal
    fees: Decimal

    @property
    def profit(self) -> Decimal:
        """What is left after fees, in quote."""
        return self.proceeds - self.cost - self.fees


@dataclass(frozen=True, slots=True)
class Lot:
    """Bought and still held, in base; `fee` in quote is what is left of the entry's."""

    entry_id: str
    ts_ms: int
    quantity: Decimal
    price: Decimal
    fee: Decimal

    @property
    def cost(self) -> Decimal:
        """What it cost in quote, its fee included."""
        return self.quantity * self.price + self.fee

    def split(self, quantity: Decimal) -> "tuple[Lot, Lot | None]":
        """`quantity` of it, and the rest."""
        if quantity >= self.quantity:
            return self, None
        fee = self.fee * quantity / self.quantity
        part = Lot(self.entry_id, self.ts_ms, quantity, self.price, fee)
        return part, Lot(self.entry_id, self.ts_ms, self.quantity - quantity, self.price, self.fee - fee)


@dataclass(frozen=True, slots=True)
class Book:
    """`trips` in the order in which they ended; `held` lots by symbol, oldest first."""

    trips: tuple[RoundTrip, ...]
    held: tuple[tuple[str, tuple[Lot, ...]], ...]

    @property
    def profit(self) -> Decimal:
        """Realised profit after fees, in quote."""
        return sum((trip.profit for trip in self.trips), ZERO)


def round_trips(fills: Iterable[Fill]) -> Book:
    """Match sales with purchases, per symbol over all venues, in the order of `fills`.

    Raises:
        InvariantError: more is sold than was bought.
    """
    lots: dict[str, deque[Lot]] = {}
    trips: dict[tuple[str, str], RoundTrip] = {}
    for fill in fills:
        queue = lots.setdefault(fill.symbol, deque())
        base = fill.symbol.partition("/")[0]
        in_base = fill.fee_quantity if fill.fee_asset == base else ZERO
        if fill.side is Side.BUY:
            queue.append(Lot(fill.client_order_id, fill.ts_ms, fill.quantity - in_base, fill.price, fill.fee))
            continue
        for lot, fee in _sold(queue, fill, fill.quantity + in_base):
            key = (lot.entry_id, fill.client_order_id)
            trips[key] = _joined(trips.pop(key, None), lot, fill, fee)
    return Book(tuple(trips.values()), tuple((s, tuple(queue)) for s, queue in lots.items() if queue))


def _sold(queue: "deque[Lot]", fill: Fill, gone: Decimal) -> Sequence[tuple[Lot, Decimal]]:
    """The lots that go, each with its share of the sale's fee; the last one bears what rounding left."""
    taken, left, fee = [], gone, fill.fee
    while left > 0:
        if not queue:
            raise InvariantError(f"fill {fill.trade_id} sells {left} {fill.symbol} more than was bought")
        part, rest = queue.popleft().split(left)
        if rest is not None:
            queue.appendleft(rest)
        left -= part.quantity
        share = fill.fee * part.quantity / gone if left > 0 else fee
        fee -= share
        taken.append((part, share))
    return taken


def _joined(trip: RoundTrip | None, lot: Lot, fill: Fill, fee: Decimal) -> RoundTrip:
    cost, proceeds, fees = lot.quantity * lot.price, lot.quantity * fill.price, lot.fee + fee
    opened, quantity = lot.ts_ms, lot.quantity
    if trip is not None:
        cost, proceeds, fees = cost + trip.cost, proceeds + trip.proceeds, fees + trip.fees
        opened, quantity = min(opened, trip.opened_ms), quantity + trip.quantity
    return RoundTrip(
        fill.symbol, lot.entry_id, fill.client_order_id, opened, fill.ts_ms, quantity, cost, proceeds, fees
    )
