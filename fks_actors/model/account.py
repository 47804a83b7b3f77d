"""What the desk owns. Spot: a position is never negative, and no order spends cash that is not there.

Only what holding costs (`Charge`) may take more than the cash: what is missing is owed, cash falls below zero.

    equity = start + realised + unrealised - costs
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from fks_actors.errors import InvariantError
from fks_actors.model.orders import ZERO, Charge, Fill, Side


class Position(msgspec.Struct, frozen=True, gc=False):
    """A holding in base units. `entry_price` is the average price paid without fees; `realised` is net of fees."""

    symbol: str
    quantity: Decimal = ZERO
    entry_price: Decimal = ZERO
    realised: Decimal = ZERO


class Account(msgspec.Struct, frozen=True, gc=False):
    """Cash in quote and the positions by symbol; `fees` is what trades paid so far, `costs` what holding cost."""

    cash: Decimal
    positions: Mapping[str, Position] = msgspec.field(default_factory=dict)
    fees: Decimal = ZERO
    costs: Decimal = ZERO

    def position(self, symbol: str) -> Position:
        """The holding of `symbol`, an empty one where there is none."""
        return self.positions.get(symbol) or Position(symbol)

    def applied(self, fill: Fill, external: bool = False) -> "Account":
        """The account after `fill`, so that cash and positions agree with the venue's balances.

        The fee is taken from what paid it. Quote: from cash. Base: a BUY receives that much less, a SELL gives that
        much more, and the entry price stays the price paid; at the fill's price equity changes by exactly minus the
        fee, as with a fee in quote. A third asset: neither cash nor the symbol's position pays, so equity does not
        change; but where the account holds that asset, as the base of a position in the same quote, it counts as
        having sold what the fee took for the fee's worth. `fees` and `realised` count every fee.

        `external`: the order is not the desk's, so it may sell what the account does not know of. Then the position
        ends at 0, all proceeds are cash, and only what was held makes a profit or a loss.

        Raises:
            InvariantError: the fill sells more than is held, and is not `external`.
        """
        base, _, quote = fill.symbol.partition("/")
        held = self.position(fill.symbol)
        fee_base = fill.fee_quantity if fill.fee_asset and fill.fee_asset == base else ZERO
        notional = fill.price * fill.quantity
        if fill.side is Side.BUY:
            received = fill.quantity - fee_base
            quantity = max(held.quantity + received, ZERO)
            entry = (held.entry_price * held.quantity + fill.price * received) / quantity if quantity else ZERO
            after = Position(fill.symbol, quantity, entry, held.realised - fill.fee)
            cash = self.cash - notional
        else:
            if fill.quantity > held.quantity and not external:
                raise InvariantError(f"fill {fill.trade_id} sells {fill.quantity} of {held.quantity} {fill.symbol}")
            gone = min(fill.quantity + fee_base, held.quantity)
            quantity = held.quantity - gone
            gain = (fill.price - held.entry_price) * gone - fill.fee
            after = Position(fill.symbol, quantity, held.entry_price if quantity else ZERO, held.realised + gain)
            cash = self.cash + notional
        if fill.fee_asset in ("", quote):
            cash -= fill.fee
        positions = {**self.positions, fill.symbol: after}
        payer = positions.get(f"{fill.fee_asset}/{quote}")
        if payer is not None and fill.fee_asset != base:
            positions[payer.symbol] = _paid(payer, fill)
        return Account(cash, positions, self.fees + fill.fee, self.costs)

    def charged(self, charge: Charge) -> "Account":
        """The account after `charge`: cash pays it, and may fall below zero. No position changes, nothing realises."""
        return Account(self.cash - charge.amount, self.positions, self.fees, self.costs + charge.amount)

    def exposure(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Gross value of the positions in quote; a position without a mark counts at its entry price."""
        return sum([p.quantity * marks.get(s, p.entry_price) for s, p in self.positions.items()], ZERO)

    def equity(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Cash and positions in quote at `marks`."""
        return self.cash + self.exposure(marks)

    def realised(self) -> Decimal:
        """Profit and loss of what was sold, fees deducted."""
        return sum([p.realised for p in self.positions.values()], ZERO)


def merged(accounts: Iterable[Account]) -> Account:
    """All accounts as one: sums, and each symbol's entry price weighted by the quantities."""
    several = tuple(accounts)
    if len(several) == 1:
        return several[0]
    positions: dict[str, Position] = {}
    for account in several:
        for symbol, added in account.positions.items():
            held = positions.get(symbol)
            positions[symbol] = added if held is None else _together(held, added)
    cash, fees, costs = (sum((getattr(a, name) for a in several), ZERO) for name in ("cash", "fees", "costs"))
    return Account(cash, positions, fees, costs)


def _paid(payer: Position, fill: Fill) -> Position:
    """The holding that paid the fee of another symbol's trade: as much of it was sold as the fee took."""
    gone = min(fill.fee_quantity, payer.quantity)
    if gone <= 0:
        return payer
    gain = fill.fee * gone / fill.fee_quantity - payer.entry_price * gone
    quantity = payer.quantity - gone
    return Position(payer.symbol, quantity, payer.entry_price if quantity else ZERO, payer.realised + gain)


def _together(one: Position, other: Position) -> Position:
    quantity, realised = one.quantity + other.quantity, one.realised + other.realised
    cost = one.entry_price * one.quantity + other.entry_price * other.quantity
    return Position(one.symbol, quantity, cost / quantity if quantity else ZERO, realised)
