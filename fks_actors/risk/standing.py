"""The accounts as one proposal meets them: what is worth and at risk everywhere, what is free at its venue."""

from decimal import Decimal

import msgspec

from fks_actors.model.orders import ZERO, Side
from fks_actors.model.records import Proposal
from fks_actors.risk.messages import Reservation, RiskState
from fks_actors.risk.reservations import selling, sibling


class Standing(msgspec.Struct, frozen=True, gc=False):
    """What a proposal is measured by, every earlier reservation counted.

    `price` is the market's. Over all venues, in quote: `equity` and `gross` (positions and reserved BUYs); `held` is
    the largest holding of the symbol at any one venue, `buying` tells of an unfinished BUY of it anywhere. At the
    proposal's venue: `free_cash` in quote, `free_base` (not reserved by a SELL; for the second leg of an OCO pair what
    the first one holds) in base, and `selling` tells of an unfinished SELL.
    """

    price: Decimal
    equity: Decimal
    free_cash: Decimal
    gross: Decimal
    held: Decimal
    free_base: Decimal
    buying: bool
    selling: bool


def standing(state: RiskState, proposal: Proposal, price: Decimal, equity: Decimal, exposure: Decimal) -> Standing:
    """How the accounts stand before `proposal`; `equity` and `exposure` are those of all venues, in quote."""
    venue, symbol = proposal.venue, proposal.symbol
    reserved = reserved_here = ZERO
    buying = False
    for held in state.reservations.values():
        reserved += held.quote
        reserved_here += held.quote if held.venue == venue else ZERO
        buying = buying or (held.quote > 0 and held.symbol == symbol)
    account = state.accounts[venue]
    sold = selling(state.reservations, venue, symbol)
    asked = Reservation(venue, symbol, ZERO, ZERO, ZERO, proposal.oco_id)
    pair = sibling(state.reservations, proposal.client_order_id, asked) if proposal.side is Side.SELL else None
    return Standing(
        price,
        equity,
        account.cash - reserved_here,
        exposure + reserved,
        max((a.position(symbol).quantity for a in state.accounts.values()), default=ZERO),
        account.position(symbol).quantity - sold if pair is None else pair.base,
        buying,
        sold > 0,
    )
