"""What the desk owns. Spot: a position is never negative, cash is never lent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from fks_actors.errors import InvariantError
from fks_actors.model.orders import ZERO, Fill, Side


@dataclass(frozen=True, slots=True)
class Position:
    """A holding in base units. `entry_price` is the average price paid without fees; `realised` is net of fees."""

    symbol: str
    quantity: Decimal = ZERO
    entry_price: Decimal = ZERO
    realised: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Account:
    """Cash in quote and the positions by symbol; `fees` is what was paid so far."""

    cash: Decimal
    positions: Mapping[str, Position] = field(default_factory=dict)
    fees: Decimal = ZERO

    def position(self, symbol: str) -> Position:
        """The holding of `symbol`, an empty one where there is none."""
        return self.positions.get(symbol) or Position(symbol)

    def applied(self, fill: Fill) -> "Account":
        """The account after `fill`.

        Raises:
            InvariantError: the fill sells more than is held.
        """
        held = self.position(fill.symbol)
        notional = fill.price * fill.quantity
        if fill.side is Side.BUY:
            quantity = held.quantity + fill.quantity
            entry = (held.entry_price * held.quantity + notional) / quantity
            after = Position(fill.symbol, quantity, entry, held.realised - fill.fee)
            cash = self.cash - notional - fill.fee
        else:
            quantity = held.quantity - fill.quantity
            if quantity < 0:
                raise InvariantError(f"fill {fill.trade_id} sells {fill.quantity} of {held.quantity} {fill.symbol}")
            gain = (fill.price - held.entry_price) * fill.quantity - fill.fee
            after = Position(fill.symbol, quantity, held.entry_price if quantity else ZERO, held.realised + gain)
            cash = self.cash + notional - fill.fee
        return Account(cash, {**self.positions, fill.symbol: after}, self.fees + fill.fee)

    def exposure(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Gross value of the positions in quote; a position without a mark counts at its entry price."""
        return sum((p.quantity * marks.get(s, p.entry_price) for s, p in self.positions.items()), ZERO)

    def equity(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Cash and positions in quote at `marks`."""
        return self.cash + self.exposure(marks)

    def realised(self) -> Decimal:
        """Profit and loss of what was sold, fees deducted."""
        return sum((p.realised for p in self.positions.values()), ZERO)
