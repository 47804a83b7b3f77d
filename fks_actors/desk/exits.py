"""Protective legs: what follows an entry's fills, so that what was bought is never without its stop. Pure.

A bracket belongs to one entry: a signal's that names its exits, or a decision's that ASMBTR voted for, where it is told
to protect those. What the entry received (fees in base deducted) and no living exit covers is due; each
due amount becomes a group of its own: a stop (fixed or trailing), a target, or both as a pair of which one cancels the
other. So a half-filled entry is protected while the rest still works. A group that lost its stop is ended and made
anew, and so is one that would sell what a late trade has sold already; an exit that the venue refuses is tried
MAX_FAILURES times, the market willing at its price: when the price has already passed the stop, the exit is a market
order. What was sold elsewhere is not to be sold again: an exit is for no more than what is there. A verdict's sale
takes over what is due while it works; what it has not sold when it ends is due again.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from fks_actors.agents import asmbtr
from fks_actors.agents.config import AsmbtrConfig
from fks_actors.execution.ids import client_order_id
from fks_actors.execution.order_state import TERMINAL
from fks_actors.model.candles import to_money
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, Fill, Order, OrderIntent, OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import Proposal, Signal
from fks_actors.model.votes import Action, Ballot, Vote

MAX_FAILURES = 3
_STOPS = frozenset({OrderType.STOP_LOSS, OrderType.TRAILING_STOP, OrderType.MARKET})
_FAILED = frozenset({OrderStatus.REJECTED, OrderStatus.EXPIRED})

Find = Callable[[str], Order | None]
"""An order that has not ended, by client order id."""


class Sale(msgspec.Struct, frozen=True, gc=False):
    """What a verdict's sale still takes over from a bracket: `quantity` (base), of what it trades after `first`."""

    order_id: str
    quantity: Decimal
    first: Decimal


class Bracket(msgspec.Struct, frozen=True, gc=False):
    """The exits of one entry. Quantities in base; `groups` are the client ids of living exits, the stop first.

    `signal_id` is the id of the signal or the decision that asked for the entry, `entry_id` the entry's, or its
    replacement's. `sold` counts what is gone otherwise, too. `failures` counts
    refused exits; `told` that it was written down that no exit is to be had.
    """

    signal_id: str
    venue: str
    symbol: str
    entry_id: str
    stop_loss: Decimal | None
    take_profit: Decimal | None
    trail_pct: Decimal | None
    received: Decimal = ZERO
    sold: Decimal = ZERO
    groups: tuple[tuple[str, ...], ...] = ()
    next_leg: int = 1
    failures: int = 0
    told: bool = False
    sales: tuple[Sale, ...] = ()

    def holds(self, client_order_id: str) -> bool:
        """Whether the order is one of the living exits."""
        return any(client_order_id in group for group in self.groups)


def bracket_of(signal: Signal, venue: str, entry_id: str) -> Bracket | None:
    """The bracket that a signal's entry asks for, None where it asks for none."""
    if signal.side is not Side.BUY or signal.oco:
        return None
    own = {OrderType.STOP_LOSS: "stop_loss", OrderType.TAKE_PROFIT: "take_profit"}.get(signal.order_type, "")
    stop = None if own == "stop_loss" else signal.stop_loss
    target = None if own == "take_profit" else signal.take_profit
    trail = None if signal.order_type is OrderType.TRAILING_STOP else signal.trail_pct
    if stop is None and target is None and trail is None:
        return None
    return Bracket(signal.signal_id, venue, signal.symbol, entry_id, stop, target, trail)


def guarded(proposed: Sequence[Proposal], ballots: Sequence[Ballot], config: AsmbtrConfig) -> tuple[Proposal, ...]:
    """What verdicts ask for; each BUY that ASMBTR voted for with where its stop and target will lie, in percent of the
    price that was decided on, where `config` asks for that."""
    if not config.protect:
        return tuple(proposed)
    votes = (b for b in ballots if isinstance(b, Vote) and b.agent == asmbtr.AGENT and b.action is Action.BUY)
    symbols = {vote.symbol for vote in votes}
    stop, target = 1 - to_money(config.stop_pct) / 100, 1 + to_money(config.take_profit_pct) / 100
    return tuple(
        replace(p, protect_price=p.market_price * stop, target_price=p.market_price * target)
        if p.side is Side.BUY and p.symbol in symbols
        else p
        for p in proposed
    )


def decision_bracket(proposal: Proposal, intent: OrderIntent) -> Bracket | None:
    """The bracket of a verdict's approved BUY, None where it is not guarded."""
    if intent.side is not Side.BUY or proposal.protect_price is None:
        return None
    prices = proposal.protect_price, proposal.target_price
    return Bracket(intent.origin_id, intent.venue, intent.symbol, intent.client_order_id, *prices, None)


def handed_over(brackets: dict[str, Bracket], intent: OrderIntent, find: Find) -> dict[str, Bracket]:
    """The brackets (by id) once an order is approved: a verdict's sale sells for them what is due. What it sells of
    nobody's goes first."""
    if not _is_sale(intent):
        return brackets
    here = {k: due(b, find) for k, b in brackets.items() if (b.venue, b.symbol) == (intent.venue, intent.symbol)}
    after, first = dict(brackets), max(intent.quantity - sum(here.values(), ZERO), ZERO)
    for key, owed in here.items():
        part = min(owed, intent.quantity - first)
        if part > ZERO:
            after[key] = replace(after[key], sales=(*after[key].sales, Sale(intent.client_order_id, part, first)))
            first += part
    return after


def traded(brackets: dict[str, Bracket], fill: Fill, intent: OrderIntent) -> dict[str, Bracket]:
    """The brackets (by id) after a trade of any order."""
    if _is_sale(intent):
        return {key: sold(bracket, fill) if bracket.sales else bracket for key, bracket in brackets.items()}
    bracket = brackets.get(intent.origin_id)
    return brackets if bracket is None else {**brackets, bracket.signal_id: filled(bracket, fill)}


def settled(brackets: dict[str, Bracket], order: Order, find: Find) -> dict[str, Bracket]:
    """The brackets (by id) after any order changed."""
    bracket = brackets.get(order.intent.origin_id) if order.intent.origin is Origin.EXIT else None
    return brackets if bracket is None else {**brackets, bracket.signal_id: moved(bracket, order, find)}


def _is_sale(intent: OrderIntent) -> bool:
    return intent.origin is Origin.CYCLE and intent.side is Side.SELL


def sold(bracket: Bracket, fill: Fill) -> Bracket:
    """The bracket after a trade of a verdict's sale."""
    left: list[Sale] = []
    gone = ZERO
    for sale in bracket.sales:
        if sale.order_id == fill.client_order_id:
            before = min(sale.first, fill.quantity)
            part = min(sale.quantity, fill.quantity - before)
            gone += part
            sale = replace(sale, quantity=sale.quantity - part, first=sale.first - before)
        left += [sale] if sale.quantity else []
    return replace(bracket, sold=bracket.sold + gone, sales=tuple(left))


def filled(bracket: Bracket, fill: Fill) -> Bracket:
    """The bracket after a trade of its entry (whatever that was replaced by), or of any exit that it ever had."""
    if fill.side is Side.BUY:
        kept = fill.fee_quantity if fill.fee_asset and fill.fee_asset == fill.symbol.partition("/")[0] else ZERO
        return replace(bracket, received=bracket.received + fill.quantity - kept)
    return replace(bracket, sold=bracket.sold + fill.quantity)


def moved(bracket: Bracket, order: Order, find: Find) -> Bracket:
    """The bracket after one of its exits changed: groups of which nothing lives are dropped, refusals counted."""
    if not bracket.holds(order.intent.client_order_id):
        return bracket
    failures = bracket.failures + (order.status in _FAILED)
    living = tuple(group for group in bracket.groups if any(find(key) for key in group))
    return replace(bracket, groups=living, failures=failures)


def due(bracket: Bracket, find: Find) -> Decimal:
    """How much was received and is neither sold nor covered by a living exit or sale, in base."""
    return max(bracket.received - bracket.sold - _all_covered(bracket, find), ZERO)


def _all_covered(bracket: Bracket, find: Find) -> Decimal:
    selling = sum((sale.quantity for sale in bracket.sales if find(sale.order_id)), ZERO)
    return sum((_covered(group, find) for group in bracket.groups), selling)


def _covered(group: tuple[str, ...], find: Find) -> Decimal:
    lives = [order.intent.quantity - order.filled_quantity for key in group if (order := find(key))]
    return max(lives, default=ZERO)


def overdone(bracket: Bracket, find: Find) -> Iterator[str]:
    """Living exits that would sell what was sold already, the newest first: they are to be cancelled."""
    over = _all_covered(bracket, find) - (bracket.received - bracket.sold)
    for group in reversed(bracket.groups):
        if over <= ZERO:
            return
        over -= _covered(group, find)
        lives = [order for key in group if (order := find(key))]
        yield from (o.intent.client_order_id for o in lives if o.status is not OrderStatus.CANCEL_PENDING)


def unguarded(bracket: Bracket, find: Find) -> Iterator[str]:
    """Living exits whose group has lost its stop: they are to be cancelled, so that the group can be made anew."""
    if bracket.stop_loss is None and bracket.trail_pct is None:
        return
    for group in bracket.groups:
        lives = [order for key in group if (order := find(key))]
        if lives and not any(order.intent.order_type in _STOPS for order in lives):
            yield from (o.intent.client_order_id for o in lives if o.status is not OrderStatus.CANCEL_PENDING)


def finished(bracket: Bracket, entry: Order | None, find: Find, rules: MarketRules | None, price: Decimal) -> bool:
    """Whether nothing more can become of it: the entry ended, no exit or sale lives, and what is left is not to be
    covered: it was given up, or is too little for the venue at `price` (quote, 0 where it is not known)."""
    selling = any(find(sale.order_id) for sale in bracket.sales)
    if selling or bracket.groups or not (entry is None or entry.status in TERMINAL):
        return False
    left = due(bracket, find)
    return left <= ZERO or bracket.failures >= MAX_FAILURES or (price > 0 and not sellable(left, price, rules))


def sellable(quantity: Decimal, price: Decimal, rules: MarketRules | None) -> bool:
    """Whether the venue takes an order for that much (base) at `price` (quote), floored to its step."""
    if rules is None:
        return quantity > 0
    quantity = rules.floor_quantity(quantity)
    return quantity >= rules.min_quantity and quantity > 0 and quantity * price >= rules.min_notional


def exits(
    bracket: Bracket, quantity: Decimal, market_price: Decimal, ts_ms: int, rules: MarketRules | None
) -> tuple[Proposal, ...]:
    """The legs for `quantity` (base): one, or a pair; none where it is too little for the venue."""
    if market_price <= 0 or not sellable(quantity, market_price, rules):
        return ()
    quantity = rules.floor_quantity(quantity) if rules else quantity
    wanted = _wanted(bracket, market_price)
    ids = [client_order_id(bracket.signal_id, bracket.next_leg + i) for i in range(len(wanted))]
    return tuple(
        Proposal(
            client_order_id=key,
            origin=Origin.EXIT,
            origin_id=bracket.signal_id,
            venue=bracket.venue,
            symbol=bracket.symbol,
            side=Side.SELL,
            order_type=kind,
            ts_ms=ts_ms,
            market_price=market_price,
            strength=Decimal(1),
            quantity=quantity,
            stop_price=price,
            trail_pct=bracket.trail_pct if kind is OrderType.TRAILING_STOP else None,
            oco_id=ids[1 - i] if len(ids) == 2 else "",
        )
        for i, (key, (kind, price)) in enumerate(zip(ids, wanted, strict=True))
    )


def _wanted(bracket: Bracket, market_price: Decimal) -> list[tuple[OrderType, Decimal | None]]:
    if bracket.stop_loss is not None and market_price <= bracket.stop_loss:
        return [(OrderType.MARKET, None)]
    if bracket.take_profit is not None and market_price >= bracket.take_profit:
        return [(OrderType.MARKET, None)]
    legs: list[tuple[OrderType, Decimal | None]] = []
    if bracket.trail_pct is not None:
        legs.append((OrderType.TRAILING_STOP, None))
    elif bracket.stop_loss is not None:
        legs.append((OrderType.STOP_LOSS, bracket.stop_loss))
    if bracket.take_profit is not None:
        legs.append((OrderType.TAKE_PROFIT, bracket.take_profit))
    return legs
