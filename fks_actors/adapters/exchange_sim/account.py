"""The account: what it owns of every asset, and how much of that open orders hold. Neither is ever below zero."""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal

from fks_actors.adapters.exchange_sim.codes import insufficient
from fks_actors.adapters.exchange_sim.state import Hold, SimOrder
from fks_actors.errors import InvariantError
from fks_actors.model.orders import ZERO, Side

GRAIN = Decimal("0.00000001")


class Account:
    """Balances by asset. `touched` collects the assets that changed since it was last emptied."""

    def __init__(self, totals: Mapping[str, Decimal]) -> None:
        self.totals: dict[str, Decimal] = dict(totals)
        self.locked: dict[str, Decimal] = {}
        self.touched: set[str] = set()
        self._next_hold = 0

    def free(self, asset: str) -> Decimal:
        """What of `asset` no order holds."""
        return self.totals.get(asset, ZERO) - self.locked.get(asset, ZERO)

    def add(self, asset: str, amount: Decimal) -> None:
        """Book `amount` in, or out where it is negative.

        Raises:
            InvariantError: more would go out than is free.
        """
        if self.free(asset) + amount < 0:
            raise InvariantError(f"{amount} {asset} of {self.free(asset)} free")
        self.totals[asset] = self.totals.get(asset, ZERO) + amount
        self.touched.add(asset)

    def hold(self, order: SimOrder, asset: str, unit: Decimal) -> Hold:
        """Set `unit` of `asset` aside for each base unit of the order.

        Raises:
            VenueRefusal: less is free.
        """
        amount = unit * order.quantity
        if self.free(asset) < amount:
            raise insufficient()
        self._next_hold += 1
        self._lock(asset, amount)
        order.hold = Hold(self._next_hold, asset, unit, amount, {order.order_id})
        return order.hold

    def restore(self, hold: Hold) -> None:
        """Take up a hold that was set aside in an earlier life."""
        self._next_hold = max(self._next_hold, hold.hold_id)
        self._lock(hold.asset, hold.left)

    def consume(self, hold: Hold, quantity: Decimal) -> None:
        """A trade of `quantity` (base) frees what was set aside for it."""
        amount = hold.unit * quantity
        hold.left -= amount
        self._lock(hold.asset, -amount)

    def release(self, order: SimOrder) -> None:
        """The order has ended; the last user of a hold frees what is left."""
        hold = order.hold
        if hold is None:
            return
        hold.users.discard(order.order_id)
        if not hold.users and hold.left:
            self._lock(hold.asset, -hold.left)
            hold.left = ZERO
        order.hold = None

    def _lock(self, asset: str, amount: Decimal) -> None:
        self.locked[asset] = self.locked.get(asset, ZERO) + amount
        self.touched.add(asset)
        if self.locked[asset] < 0 or self.free(asset) < 0:
            raise InvariantError(f"{asset}: {self.locked[asset]} locked of {self.totals.get(asset, ZERO)}")


def fee_of(side: Side, price: Decimal, quantity: Decimal, rate: Decimal) -> Decimal:
    """What a trade costs: a BUY pays in base, a SELL in quote; rounded down to the venue's grain."""
    return ((quantity if side is Side.BUY else price * quantity) * rate).quantize(GRAIN, rounding=ROUND_DOWN)
