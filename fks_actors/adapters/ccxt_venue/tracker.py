"""Every order as it was told: the one place where events are made, so that each is legal and each trade comes once."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec.structs import replace

from fks_actors.adapters.ccxt_venue.outbox import Outbox
from fks_actors.errors import InvariantError
from fks_actors.execution.order_state import TERMINAL, apply
from fks_actors.execution.slices import Slice, slice_of
from fks_actors.model.orders import (
    ZERO,
    Approved,
    Fill,
    Order,
    OrderIntent,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Side,
)
from fks_actors.model.records import AuditRecord

_log = logging.getLogger(__name__)
_ENDED_KEPT = 20_000

UNSURE = frozenset({OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})
"""Statuses in which it is not known whether the venue has the order."""


@dataclass(slots=True)
class Wire:
    """One order as it goes to the venue: the whole order, or a slice of one that the connector keeps.

    `known`: the venue confirmed that it has it. `maybe_sent`: a request that may have reached the venue was made, the
    last of them over at `sent_ms`. `absent`: how often in a row the venue said that it does not know it, after that.
    `filled` is the sum of `trades`, told now or before.
    """

    key: str
    k: int
    quantity: Decimal
    order_type: OrderType
    venue_id: str = ""
    filled: Decimal = ZERO
    trades: set[str] = field(default_factory=set)
    known: bool = False
    ended: bool = False
    cancelling: bool = False
    maybe_sent: bool = False
    sent_ms: int = 0
    absent: int = 0

    @property
    def unsure(self) -> bool:
        """Whether it is not known if the venue has it."""
        return not self.known and not self.ended


@dataclass(slots=True)
class Tracked:
    """One order of the desk (or an adopted one) and its orders at the venue.

    `first_ms`: when it came, on the wall clock. `wish`: it is to be cancelled as soon as it is known. `held`: the
    connector keeps it, the venue has its slices at most. `restored`: it comes from the journal, a predecessor may have
    sent it.
    """

    order: Order
    first_ms: int
    trades: set[str] = field(default_factory=set)
    wires: dict[str, Wire] = field(default_factory=dict)
    wish: bool = False
    held: bool = False
    restored: bool = False

    @property
    def key(self) -> str:
        """Our client order id."""
        return self.order.intent.client_order_id

    @property
    def intent(self) -> OrderIntent:
        """What was asked for."""
        return self.order.intent

    @property
    def ended(self) -> bool:
        """Whether it works no more."""
        return self.order.status in TERMINAL

    @property
    def whole(self) -> Wire:
        """The wire that is the whole order; made when it is first asked for."""
        intent = self.order.intent
        return self.wires.setdefault(self.key, Wire(self.key, 0, intent.quantity, intent.order_type))

    def slices(self) -> tuple[Slice, ...]:
        """The orders at the venue as `execution.slices` sees them."""
        wires = sorted(self.wires.values(), key=lambda w: w.k)
        return tuple(Slice(w.k, w.quantity, w.filled, w.ended, w.cancelling) for w in wires)


class Tracker:
    """The orders of one venue by our client id, and what their trades did to the balances."""

    def __init__(self, venue: str, outbox: Outbox) -> None:
        self.venue = venue
        self.outbox = outbox
        self.moved: dict[str, Decimal] = {}
        self._orders: dict[str, Tracked] = {}
        self._working: dict[str, Tracked] = {}
        self._by_venue_id: dict[tuple[str, str], str] = {}
        self._strange: set[str] = set()

    def get(self, key: str) -> Tracked | None:
        """The order of that client id."""
        return self._orders.get(key)

    def wire(self, key: str) -> tuple[Tracked, Wire] | None:
        """The order and its wire to which a client id at the venue belongs."""
        tracked = self._orders.get(key)
        if tracked is not None:
            return tracked, tracked.whole
        parent = slice_of(key)
        tracked = self._orders.get(parent[0]) if parent else None
        if tracked is None or parent is None:
            return None
        return tracked, tracked.wires.setdefault(key, Wire(key, parent[1], ZERO, OrderType.MARKET))

    def by_venue_id(self, symbol: str, venue_id: str) -> tuple[Tracked, Wire] | None:
        """The order and its wire to which a venue's order id belongs."""
        key = self._by_venue_id.get((symbol, venue_id))
        return self.wire(key) if key else None

    def working(self) -> tuple[Tracked, ...]:
        """Every order that has not ended, in order of entry."""
        return tuple(self._working.values())

    def enter(self, approved: Approved, now_ms: int) -> Tracked:
        """Begin to track an order that is about to be sent."""
        intent = approved.intent
        order = Order(intent, OrderStatus.SUBMITTED, intent.ts_ms, approved.reserved_quote)
        return self._add(Tracked(order, now_ms))

    def restore(self, order: Order, trade_ids: Iterable[str], first_ms: int, sent_ms: int) -> Tracked:
        """Track an order as the journal holds it. One without an answer may have been sent until `sent_ms`."""
        tracked = Tracked(order, first_ms, trades=set(trade_ids), restored=True)
        if order.status in UNSURE:
            tracked.whole.maybe_sent, tracked.whole.sent_ms = True, sent_ms
        return self._add(tracked)

    def adopt(self, order: Order, now_ms: int) -> Tracked:
        """Track an order that is not the desk's, and tell of it."""
        self.outbox.put(order)
        return self._add(Tracked(order, now_ms))

    def forget(self, key: str) -> None:
        """Stop tracking an order that was never sent."""
        self._orders.pop(key, None)
        self._working.pop(key, None)

    def name(self, tracked: Tracked, wire: Wire, venue_id: str) -> None:
        """The venue has this order, under its own id."""
        wire.known, wire.absent = True, 0
        if venue_id:
            wire.venue_id = venue_id
            self._by_venue_id[(tracked.intent.symbol, venue_id)] = wire.key

    def tell(self, tracked: Tracked, status: OrderStatus, ts_ms: int, reason: str = "") -> bool:
        """The order changed its status; nothing is told where that changes nothing."""
        if status is OrderStatus.REJECTED and tracked.order.filled_quantity:
            status = OrderStatus.CANCELLED
        event = OrderUpdate(tracked.key, status, ts_ms, reason)
        try:
            after = apply(tracked.order, event)
        except InvariantError as error:
            self.odd(f"{tracked.key}:{tracked.order.status}:{status}", ts_ms, str(error))
            return False
        if after is tracked.order:
            return False
        self._move(tracked, after)
        self.outbox.put(event)
        return True

    def restate(self, tracked: Tracked) -> None:
        """Tell the order's present status once more."""
        order = tracked.order
        self.outbox.put(OrderUpdate(tracked.key, order.status, order.updated_ms, order.reason))

    def trade(self, tracked: Tracked, wire: Wire, fill: Fill) -> bool:
        """A trade of the order; one that is known already changes nothing."""
        if fill.trade_id not in wire.trades:
            wire.trades.add(fill.trade_id)
            wire.known, wire.filled = True, wire.filled + fill.quantity
        if fill.trade_id in tracked.trades:
            return False
        fill = replace(fill, client_order_id=tracked.key)
        try:
            after = apply(tracked.order, fill)
        except InvariantError as error:
            self.odd(fill.trade_id, fill.ts_ms, str(error))
            return False
        tracked.trades.add(fill.trade_id)
        self._move(tracked, after)
        self._count(fill)
        self.outbox.put(fill)
        return True

    def _move(self, tracked: Tracked, after: Order) -> None:
        tracked.order = after
        if tracked.ended:
            self._working.pop(tracked.key, None)

    def _add(self, tracked: Tracked) -> Tracked:
        self._orders[tracked.key] = tracked
        if not tracked.ended:
            self._working[tracked.key] = tracked
        if len(self._orders) - len(self._working) > _ENDED_KEPT:
            for key in [k for k, t in self._orders.items() if t.ended][: _ENDED_KEPT // 10]:
                ended = self._orders.pop(key)
                for wire in ended.wires.values():
                    self._by_venue_id.pop((ended.intent.symbol, wire.venue_id), None)
        return tracked

    def _count(self, fill: Fill) -> None:
        base, _, quote = fill.symbol.partition("/")
        sign = 1 if fill.side is Side.BUY else -1
        paid = fill.price * fill.quantity
        fees = {fill.fee_asset: fill.fee_quantity} if fill.fee_asset else {quote: fill.fee}
        for asset, change in ((base, sign * fill.quantity), (quote, -sign * paid), *((a, -f) for a, f in fees.items())):
            self.moved[asset] = self.moved.get(asset, ZERO) + change

    def odd(self, key: str, ts_ms: int, detail: str) -> None:
        """Something that does not fit what was told: a note, once a `key`."""
        if key not in self._strange:
            self._strange.add(key)
            _log.warning("%s: %s", self.venue, detail)
            self.outbox.put(AuditRecord(ts_ms, "venue_difference", f"venue:{self.venue}", detail))
