"""Keeps the orders that the venue has no type for: watches the market, and sends what is due under derived ids.

What to do is decided by `execution.synthetic` and `execution.slices`; here it is carried out, one step at a time for
each order or pair. The first order of a stop carries the stop's own client id, later ones `_1`, `_2`; the slices of an
iceberg or a TWAP carry `_0`, `_1`, ... A slice whose outcome is unknown has not ended, so nothing follows it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec.structs import replace

from fks_actors.adapters.ccxt_venue.canceller import Canceller
from fks_actors.adapters.ccxt_venue.client import Client
from fks_actors.adapters.ccxt_venue.finder import Finder
from fks_actors.adapters.ccxt_venue.sender import Leg as Outgoing
from fks_actors.adapters.ccxt_venue.sender import Sender
from fks_actors.adapters.ccxt_venue.tasks import Tasks
from fks_actors.adapters.ccxt_venue.tracker import Tracked, Tracker, Wire
from fks_actors.errors import Fenced, VenueUnavailable
from fks_actors.execution import slices, synthetic
from fks_actors.execution.synthetic import Leg, Pair
from fks_actors.model.markets import MarketRules, Quote
from fks_actors.model.orders import OrderStatus, OrderType, Side

_log = logging.getLogger(__name__)
_SLICED = (OrderType.ICEBERG, OrderType.TWAP)
_RETRY_S = 0.5


@dataclass(slots=True)
class Kept:
    """One order, or the two legs of a pair, and how far their stops have come."""

    legs: dict[str, Leg]
    resident: str = ""
    refused: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    quiet_until_ms: int = 0
    unchecked: bool = False
    blocked: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """The first leg's id."""
        return next(iter(self.legs))


class Keeper:
    """The synthetic orders of one venue.

    Args:
        desk_now_ms: the desk's clock, on which a TWAP's schedule lies.
    """

    def __init__(
        self,
        client: Client,
        tracker: Tracker,
        finder: Finder,
        sender: Sender,
        canceller: Canceller,
        tasks: Tasks,
        rules: Mapping[str, MarketRules],
        quotes: Mapping[str, Quote],
        desk_now_ms: Callable[[], int],
    ) -> None:
        self._client = client
        self._tracker = tracker
        self._finder = finder
        self._sender = sender
        self._canceller = canceller
        self._tasks = tasks
        self._rules = rules
        self._quotes = quotes
        self._desk_now_ms = desk_now_ms
        self._kept: dict[str, Kept] = {}

    @property
    def symbols(self) -> frozenset[str]:
        """The symbols whose prices matter now."""
        return frozenset(leg.intent.symbol for kept in self._kept.values() for leg in kept.legs.values())

    def keep(
        self,
        *tracked: Tracked,
        resident: str = "",
        trails: Mapping[str, Decimal] | None = None,
        quiet_until_ms: int = 0,
    ) -> None:
        """Keep an order or a pair from now on (the protecting leg first).

        Args:
            trails: the best prices seen before, by client order id.
            quiet_until_ms: another process may have sent something of it; what that sent arrives until then, and
                nothing is sent before it was looked up.
        """
        legs: dict[str, Leg] = {}
        for one in tracked:
            one.held = True
            leg = synthetic.entered(one.intent)
            best = (trails or {}).get(one.key)
            if best is not None and leg.trail is not None:
                leg = replace(leg, trail=synthetic.followed(one.intent, leg.trail, best))
            legs[one.key] = leg
            self._tracker.tell(one, OrderStatus.ACCEPTED, self._client.venue_now_ms())
        kept = Kept(legs, resident, quiet_until_ms=quiet_until_ms, unchecked=quiet_until_ms > 0)
        for key in legs:
            self._kept[key] = kept
        self._observe(kept)
        self.look(kept)

    def on_quote(self, symbol: str) -> None:
        """The market moved: see whom it reached."""
        for kept in {id(k): k for k in self._kept.values()}.values():
            if any(leg.intent.symbol == symbol for leg in kept.legs.values()) and self._observe(kept):
                self.look(kept)

    def wake(self, tracked: Tracked) -> None:
        """Something became known of an order: go on with it, if it is kept."""
        kept = self._kept.get(tracked.key)
        if kept is not None:
            self.look(kept)

    def on_refusal(self, tracked: Tracked, _wire: Wire, reason: str) -> None:
        """The venue refused a slice: the order ends."""
        kept = self._kept.get(tracked.key)
        if kept is not None:
            kept.refused = reason
            self.look(kept)

    async def cancel(self, tracked: Tracked) -> None:
        """The desk wants the order ended."""
        kept = self._kept.get(tracked.key)
        if kept is None:
            return
        kept.legs[tracked.key] = replace(kept.legs[tracked.key], cancelled=True)
        await self._go(kept)

    def look(self, kept: Kept) -> None:
        """Do in the background what is due."""
        kept.woken.set()
        self._tasks.start(f"keep-{kept.name}", self._go_on(kept))

    async def discover(self, *tracked: Tracked) -> None:
        """Find the orders that another process sent for these.

        Raises:
            VenueUnavailable: the venue did not answer.
        """
        for one in tracked:
            sliced = one.intent.order_type in _SLICED
            k = slices.next_number(one.slices())
            last = slices.slot(one.intent, self._desk_now_ms()) if one.intent.order_type is OrderType.TWAP else k
            while k <= last:
                key = one.key if k == 0 and not sliced else slices.slice_id(one.key, k)
                seen = await self._finder.find(key, one.intent.symbol)
                if seen is not None:
                    wire = one.wires.setdefault(key, Wire(key, k, seen.quantity, seen.order_type))
                    await self._finder.adopt(one, wire, seen)
                    last = max(last, k + 1)
                k += 1

    def trails(self) -> dict[str, Decimal]:
        """The best price that each trailing stop has seen, by client order id."""
        return {key: leg.trail.best for key, kept in self._kept.items() if (leg := kept.legs[key]).trail is not None}

    def pairs(self) -> dict[str, str]:
        """The client order id of each pair's resident, by the id of its first leg."""
        return {k.name: k.resident for k in self._kept.values() if len(k.legs) == 2}

    def _observe(self, kept: Kept) -> bool:
        moved = False
        for key, leg in kept.legs.items():
            price = self._price(leg)
            if price is None:
                continue
            after = synthetic.observed(leg, price, self._rules[leg.intent.symbol])
            if after is not leg:
                kept.legs[key] = after
                moved = moved or after.triggered != leg.triggered
        first = next(iter(kept.legs.values()))
        return moved or len(kept.legs) == 2 or first.intent.order_type in _SLICED

    def _price(self, leg: Leg) -> Decimal | None:
        quote = self._quotes.get(leg.intent.symbol)
        if quote is None:
            return None
        return quote.bid if leg.intent.side is Side.SELL else quote.ask

    async def _go_on(self, kept: Kept) -> None:
        """Go on whenever a price, the venue's word or a TWAP's clock asks for it, until the order has ended."""
        while kept.name in self._kept:
            kept.woken.clear()
            await self._go(kept)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait_s(kept)):
                    await kept.woken.wait()

    def _wait_s(self, kept: Kept) -> float | None:
        if kept.name not in self._kept:
            return 0.0
        now = self._client.now_ms()
        if kept.quiet_until_ms > now:
            return (kept.quiet_until_ms - now) / 1_000 + 0.01
        if kept.unchecked or kept.blocked:
            return _RETRY_S
        leg = kept.legs[kept.name]
        if leg.intent.order_type is OrderType.TWAP:
            due = slices.next_due_ms(leg.intent, self._desk_now_ms())
            return _RETRY_S if due is None else min(max((due - self._desk_now_ms()) / 1_000, 0.01), 60.0)
        return _RETRY_S if any(each.triggered for each in kept.legs.values()) else None

    async def _go(self, kept: Kept) -> None:
        async with kept.lock:
            if self._client.now_ms() < kept.quiet_until_ms:
                return
            kept.blocked = False
            try:
                if kept.unchecked:
                    await self.discover(*(t for key in kept.legs if (t := self._tracker.get(key)) is not None))
                    kept.unchecked = False
                while kept.name in self._kept and await self._step(kept):
                    pass
            except (Fenced, VenueUnavailable) as error:
                kept.blocked = True
                _log.info("%s: %s waits: %s", self._client.venue, kept.name, error)

    async def _step(self, kept: Kept) -> bool:
        """One move; whether there may be another."""
        for key in kept.legs:
            tracked = self._tracker.get(key)
            if tracked is None:
                self._let_go(kept)
                return False
            leg = kept.legs[key]
            triggered = leg.triggered or _began(tracked)
            leg = kept.legs[key] = replace(leg, sent=tracked.slices(), triggered=triggered)
            if leg.cancelled and not tracked.ended and not slices.working(leg.sent):
                self._tracker.tell(tracked, OrderStatus.CANCELLED, self._client.venue_now_ms(), "cancelled")
        if kept.refused or all(self._over(key) for key in kept.legs):
            return await self._end(kept, kept.refused)
        move = self._move(kept)
        if isinstance(move, synthetic.Send):
            return await self._send(kept, move)
        if isinstance(move, synthetic.Cancel):
            tracked = self._tracker.get(move.client_order_id)
            wire = next((w for w in tracked.wires.values() if w.k == move.k), None) if tracked else None
            if tracked is None or wire is None or wire.unsure:
                return False
            await self._canceller.end(tracked, wire)
            return wire.ended
        return await self._end(kept, "") if isinstance(move, synthetic.End) else False

    def _over(self, key: str) -> bool:
        tracked = self._tracker.get(key)
        return tracked is None or tracked.ended

    def _move(self, kept: Kept) -> synthetic.Move | None:
        legs = tuple(kept.legs.values())
        rules = self._rules[legs[0].intent.symbol]
        price = self._price(legs[0]) or legs[0].intent.market_price
        if len(legs) == 2:
            return synthetic.next_move(Pair(legs[0], legs[1], kept.resident), price, rules)
        leg = legs[0]
        busy = slices.working(leg.sent)
        if leg.cancelled:
            return (None if busy.cancelling else synthetic.Cancel(kept.name, busy.k)) if busy else synthetic.End()
        if busy:
            return None
        if leg.intent.order_type in _SLICED:
            return self._next_slice(leg, price, rules)
        left = leg.intent.quantity - slices.traded(leg.sent)
        if left <= 0 or (leg.sent and left < slices.least(price, rules)):
            return synthetic.End()
        if not leg.triggered:
            return None
        return synthetic.Send(kept.name, slices.next_number(leg.sent), left, OrderType.MARKET)

    def _next_slice(self, leg: Leg, price: Decimal, rules: MarketRules) -> synthetic.Move | None:
        key = leg.intent.client_order_id
        if leg.intent.order_type is OrderType.ICEBERG:
            piece = slices.next_iceberg(leg.intent, leg.sent, rules)
            return synthetic.Send(key, piece.k, piece.quantity, OrderType.LIMIT) if piece else synthetic.End()
        now = self._desk_now_ms()
        piece = slices.next_twap(leg.intent, leg.sent, price, rules, now)
        if piece is not None:
            return synthetic.Send(key, piece.k, piece.quantity, OrderType.MARKET)
        return synthetic.End() if slices.is_over(leg.intent, leg.sent, price, rules, now) else None

    async def _send(self, kept: Kept, move: synthetic.Send) -> bool:
        tracked = self._tracker.get(move.client_order_id)
        if tracked is None:
            return False
        sliced = tracked.intent.order_type in _SLICED
        key = tracked.key if move.k == 0 and not sliced else slices.slice_id(tracked.key, move.k)
        wire = Wire(key, move.k, move.quantity, move.order_type)
        tracked.wires[key] = wire
        try:
            await self._sender.enter((Outgoing(tracked, wire),), protects=protects(tracked))
        except Fenced:
            del tracked.wires[key]
            raise
        return wire.ended

    async def _end(self, kept: Kept, reason: str) -> bool:
        """Nothing more is sent: end what is not filled, once nothing of it works at the venue."""
        for key in kept.legs:
            tracked = self._tracker.get(key)
            for wire in tuple(tracked.wires.values()) if tracked else ():
                if tracked is not None and not wire.ended and not wire.unsure and not wire.cancelling:
                    await self._canceller.end(tracked, wire)
        everything = [t for key in kept.legs if (t := self._tracker.get(key)) is not None]
        if any(not wire.ended for t in everything for wire in t.wires.values()):
            return False
        self._let_go(kept)
        status = OrderStatus.REJECTED if reason else OrderStatus.CANCELLED
        for tracked in everything:
            self._tracker.tell(tracked, status, self._client.venue_now_ms(), reason)
        return False

    def _let_go(self, kept: Kept) -> None:
        for key in kept.legs:
            self._kept.pop(key, None)


def _began(tracked: Tracked) -> bool:
    """Whether a stop was touched before: it has sent a market order."""
    wires = tracked.wires.values()
    return synthetic.is_stop(tracked.intent) and any(w.order_type is OrderType.MARKET for w in wires)


def protects(tracked: Tracked) -> bool:
    """Whether the order bounds a loss, so that it outlives the desk's silence."""
    return synthetic.is_protective(tracked.intent) or tracked.intent.origin.value == "exit"
