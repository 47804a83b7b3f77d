"""Orders that a connector keeps because the venue has none of their type: stops, trailing stops, pairs. Pure, no clock.

A `Leg` is an order of the desk and what became of it at the venue. `observed` shows it a price, `next_move` says what
to do next; between two moves the connector waits for the venue's word or for a price outside `band`. The leg is all
that has to be kept: restored from it and from the venue's orders, the story goes on as it would have.

Triggers
    a price that touches the stop triggers the leg for good, wherever the price goes then. A trailing stop follows the
    best price since it was entered and is rounded to the tick towards the price: it protects no less than was asked.
Pairs (one cancels the other)
    both legs share one quantity, and at no instant can they trade more than that together. So at most one of them has
    an order at the venue; the other is sent only when the venue has confirmed that this one ended, and for no more than
    the two left of the shared quantity. A triggered leg goes before one that is not, the first leg (the stop) before
    the second; with neither triggered the `resident` rests at the venue.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import msgspec
from msgspec.structs import replace

from fks_actors.errors import InvariantError
from fks_actors.execution.slices import Slice, least, next_number, traded, working
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import OrderIntent, OrderType, Side

NO_BAND = (Decimal(0), Decimal("Infinity"))
_PERCENT = Decimal(100)


class Trail(msgspec.Struct, frozen=True, gc=False):
    """How far a trailing stop has come: the best price since it was entered, highest for a SELL, lowest for a BUY."""

    best: Decimal


def is_stop(intent: OrderIntent) -> bool:
    """Whether the order waits for a price and is a market order from then on."""
    return intent.order_type in (OrderType.STOP_LOSS, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP)


def is_protective(intent: OrderIntent) -> bool:
    """Whether the order bounds a loss: it trades after the market moved against its owner."""
    return intent.order_type in (OrderType.STOP_LOSS, OrderType.TRAILING_STOP)


def falls(intent: OrderIntent) -> bool:
    """Whether it is a falling price that reaches the order (otherwise a rising one)."""
    return is_protective(intent) == (intent.side is Side.SELL)


def followed(intent: OrderIntent, trail: Trail, price: Decimal) -> Trail:
    """The trail after `price` was seen."""
    further = price > trail.best if intent.side is Side.SELL else price < trail.best
    return Trail(price) if further else trail


def stop_of(intent: OrderIntent, trail: Trail, rules: MarketRules) -> Decimal:
    """Where a trailing stop lies: best x (1 -+ trail_pct / 100), on the tick towards the price (quote).

    Raises:
        InvariantError: the intent has no `trail_pct`.
    """
    if intent.trail_pct is None:
        raise InvariantError(f"order {intent.client_order_id} does not trail")
    sells = intent.side is Side.SELL
    exact = trail.best * (1 - intent.trail_pct / _PERCENT if sells else 1 + intent.trail_pct / _PERCENT)
    return (exact / rules.tick).to_integral_value(rounding=ROUND_CEILING if sells else ROUND_FLOOR) * rules.tick


def touched(intent: OrderIntent, price: Decimal, stop: Decimal | None = None) -> bool:
    """Whether `price` reaches the order: its stop (`stop` where it trails), or a limit at which it would trade."""
    level = _level(intent, stop)
    if level is None:
        return False
    return price <= level if falls(intent) else price >= level


def _level(intent: OrderIntent, stop: Decimal | None) -> Decimal | None:
    if stop is not None:
        return stop
    return intent.stop_price if is_stop(intent) else intent.limit_price


class Leg(msgspec.Struct, frozen=True, gc=False):
    """An order that a connector keeps, and its orders at the venue, oldest first.

    `triggered`: its stop was touched. `cancelled`: the desk wants it ended. `trail` belongs to a trailing stop.
    """

    intent: OrderIntent
    sent: tuple[Slice, ...] = ()
    triggered: bool = False
    cancelled: bool = False
    trail: Trail | None = None


def entered(intent: OrderIntent) -> Leg:
    """The leg of an order that is new: a trailing stop begins at what the market was worth."""
    trails = intent.order_type is OrderType.TRAILING_STOP
    return Leg(intent, trail=Trail(intent.market_price) if trails else None)


def observed(leg: Leg, price: Decimal, rules: MarketRules) -> Leg:
    """The leg after the market traded at `price`: triggered for good, or its trail moved."""
    if leg.triggered or not is_stop(leg.intent):
        return leg
    if touched(leg.intent, price, _stop(leg, rules)):
        return replace(leg, triggered=True)
    return leg if leg.trail is None else replace(leg, trail=followed(leg.intent, leg.trail, price))


def band(leg: Leg, rules: MarketRules) -> tuple[Decimal, Decimal]:
    """(low, high): while low < price < high the price changes nothing about the leg."""
    level = _level(leg.intent, _stop(leg, rules))
    if leg.triggered or leg.cancelled or level is None:
        return NO_BAND
    if leg.trail is not None:
        return min(level, leg.trail.best), max(level, leg.trail.best)
    return (level, NO_BAND[1]) if falls(leg.intent) else (NO_BAND[0], level)


def _stop(leg: Leg, rules: MarketRules) -> Decimal | None:
    return None if leg.trail is None else stop_of(leg.intent, leg.trail, rules)


class Pair(msgspec.Struct, frozen=True, gc=False):
    """Two legs of which one cancels the other; `first` is the one that protects.

    `resident` is the leg (its client order id) that rests at the venue while neither is reached: one whose type the
    venue has. Empty: both are only watched.
    """

    first: Leg
    second: Leg
    resident: str = ""


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send `quantity` (base) of the leg as its order number `k`; `order_type` MARKET once it is triggered."""

    client_order_id: str
    k: int
    quantity: Decimal
    order_type: OrderType


class Cancel(msgspec.Struct, frozen=True, gc=False):
    """Ask the venue to end the leg's order number `k`."""

    client_order_id: str
    k: int


class End(msgspec.Struct, frozen=True, gc=False):
    """Neither leg sends anything more: what of them is not filled is cancelled."""


Move = Send | Cancel | End


def seen_by(pair: Pair, price: Decimal, rules: MarketRules) -> Pair:
    """The pair after the market traded at `price`."""
    first, second = observed(pair.first, price, rules), observed(pair.second, price, rules)
    return replace(pair, first=first, second=second)


def pair_band(pair: Pair, rules: MarketRules) -> tuple[Decimal, Decimal]:
    """(low, high): while low < price < high the price changes nothing about either leg."""
    one, other = band(pair.first, rules), band(pair.second, rules)
    return max(one[0], other[0]), min(one[1], other[1])


def left_of(pair: Pair) -> Decimal:
    """What the two legs may still trade together, in base."""
    shared = min(pair.first.intent.quantity, pair.second.intent.quantity)
    return shared - traded(pair.first.sent) - traded(pair.second.sent)


def next_move(pair: Pair, price: Decimal, rules: MarketRules) -> Move | None:
    """What to do next while the market is at `price`; None: wait for the venue's word or for another price.

    The move is the caller's to carry out and to note in the leg (`sent`) before it asks again.
    """
    wanted = _wanted(pair, price)
    left = left_of(pair)
    for leg in (pair.first, pair.second):
        if at_venue := working(leg.sent):
            stays = leg is wanted and at_venue.filled + left >= at_venue.quantity
            return None if stays or at_venue.cancelling else Cancel(leg.intent.client_order_id, at_venue.k)
    if left < least(price, rules) or (pair.first.cancelled and pair.second.cancelled):
        return End()
    if wanted is None:
        return None
    kind = OrderType.MARKET if wanted.triggered else wanted.intent.order_type
    return Send(wanted.intent.client_order_id, next_number(wanted.sent), left, kind)


def _wanted(pair: Pair, price: Decimal) -> Leg | None:
    """The leg that is to have an order at the venue."""
    legs = [leg for leg in (pair.first, pair.second) if not leg.cancelled]
    for leg in legs:
        if leg.triggered:
            return leg
    for leg in legs:
        if not is_stop(leg.intent) and touched(leg.intent, price):
            return leg
    return next((leg for leg in legs if leg.intent.client_order_id == pair.resident), None)
