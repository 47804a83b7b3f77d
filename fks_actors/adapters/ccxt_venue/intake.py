"""Takes orders and cancels in: refuses what the filters refuse, sends what the exchange takes, keeps the rest."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from decimal import Decimal
from functools import partial

from fks_actors.adapters.ccxt_venue import translate
from fks_actors.adapters.ccxt_venue.canceller import Canceller
from fks_actors.adapters.ccxt_venue.client import Client
from fks_actors.adapters.ccxt_venue.client_ids import external_id
from fks_actors.adapters.ccxt_venue.faults import Fault
from fks_actors.adapters.ccxt_venue.finder import Finder
from fks_actors.adapters.ccxt_venue.keeper import Keeper
from fks_actors.adapters.ccxt_venue.memory import Memory, Notes
from fks_actors.adapters.ccxt_venue.reconcile import Reconciler
from fks_actors.adapters.ccxt_venue.requests import is_native, is_native_pair
from fks_actors.adapters.ccxt_venue.sender import NEVER, Leg, Sender, stop_first
from fks_actors.adapters.ccxt_venue.tracker import UNSURE, Tracked, Tracker, Wire
from fks_actors.adapters.ccxt_venue.translate import SeenOrder
from fks_actors.errors import Fenced, VenueUnavailable
from fks_actors.execution.filters import check
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import Approved, OrderIntent, OrderStatus, OrderType, OrderUpdate, Origin, Side

_log = logging.getLogger(__name__)
_TOGETHER = 8
_MARGIN_MS = 60_000


class Intake:
    """The way in."""

    def __init__(
        self,
        client: Client,
        tracker: Tracker,
        finder: Finder,
        sender: Sender,
        canceller: Canceller,
        keeper: Keeper,
        reconciler: Reconciler,
        rules: Mapping[str, MarketRules],
    ) -> None:
        self._client = client
        self._tracker = tracker
        self._finder = finder
        self._sender = sender
        self._canceller = canceller
        self._keeper = keeper
        self._reconciler = reconciler
        self._rules = rules
        self._unwanted: set[str] = set()

    # --- in ---

    async def enter(self, orders: Sequence[Approved], again: bool) -> None:
        """Enter orders; the two legs of a pair that come together are one.

        Raises:
            Fenced: the lease does not hold; nothing more was sent.
        """
        work: list[Awaitable[None]] = []
        fresh: list[Tracked] = []
        unsure: list[Tracked] = []
        for approved in orders:
            known = self._tracker.get(approved.intent.client_order_id)
            if known is None:
                fresh.append(self._tracker.enter(approved, self._client.now_ms()))
            elif _is_unsure(known):
                unsure.append(known)
            else:
                self._tracker.restate(known)
        work += [self._begin(unit, again) for unit in self._units([t for t in fresh if not self._refused(t)])]
        work += [self._begin(unit, True) for unit in self._units(unsure)]
        await self._all(work)

    async def _begin(self, unit: tuple[Tracked, ...], again: bool) -> None:
        try:
            if self._goes(unit):
                legs = stop_first([Leg(t, t.whole) for t in unit])
                await self._sender.enter(legs, look_first=again)
                return
            self.keep(unit, self._client.now_ms() + self._client.window_ms if again else 0)
        except Fenced:
            for tracked in unit:
                if not any(w.maybe_sent or w.known for w in tracked.wires.values()):
                    self._tracker.forget(tracked.key)
            raise

    def keep(self, unit: Sequence[Tracked], quiet_until_ms: int = 0) -> None:
        """Keep an order or a pair here. One that another process may have begun waits until that is known."""
        kept = _stop_first(unit)
        for tracked in kept:
            tracked.wires = {key: wire for key, wire in tracked.wires.items() if wire.known}
        self._keeper.keep(*kept, resident=self._resident(kept), quiet_until_ms=quiet_until_ms)

    def _refused(self, tracked: Tracked) -> bool:
        """Refuse what the venue would refuse, or what was cancelled before it came."""
        intent, now = tracked.intent, self._client.venue_now_ms()
        if tracked.key in self._unwanted:
            self._tracker.tell(tracked, OrderStatus.CANCELLED, now, NEVER)
            return True
        rules = self._rules.get(intent.symbol)
        if rules is None:
            reason = f"symbol_unknown: {self._client.venue} does not trade {intent.symbol}"
            return self._tracker.tell(tracked, OrderStatus.REJECTED, now, reason)
        against = check(intent, rules)
        reason = "; ".join(f"{r.code}: {r.message} ({r.value}, limit {r.limit})" for r in against)
        return bool(against) and self._tracker.tell(tracked, OrderStatus.REJECTED, now, reason)

    def _units(self, orders: Sequence[Tracked]) -> list[tuple[Tracked, ...]]:
        """Single orders and pairs. A leg that comes alone brings the other one, if that is waiting for its answer."""
        by_key = {t.key: t for t in orders}
        units: list[tuple[Tracked, ...]] = []
        while by_key:
            tracked = by_key.pop(next(iter(by_key)))
            other = by_key.pop(tracked.intent.oco_id, None) if tracked.intent.oco_id else None
            if other is None and (waiting := self._tracker.get(tracked.intent.oco_id)) and _is_unsure(waiting):
                other = waiting
            units.append((tracked, other) if other is not None else (tracked,))
        return units

    def _goes(self, unit: tuple[Tracked, ...]) -> bool:
        """Whether the exchange takes the unit as it is."""
        intents = [t.intent for t in unit]
        if len(intents) == 2:
            return self._client.config.native and is_native_pair(
                intents[0], intents[1], self._client.dialect, self._market(intents[0])
            )
        return self._native(intents[0])

    def _native(self, intent: OrderIntent) -> bool:
        plain = intent.order_type in (OrderType.MARKET, OrderType.LIMIT)
        if not plain and not self._client.config.native:
            return False
        features = (self._client.ccxt.features or {}).get("spot") or {}
        return is_native(intent, self._client.dialect, self._market(intent), features)

    def _market(self, intent: OrderIntent) -> Mapping[str, object]:
        market: Mapping[str, object] = self._client.ccxt.market(intent.symbol)
        return market

    def _resident(self, kept: Sequence[Tracked]) -> str:
        """A protecting leg that the venue takes by itself rests there."""
        stop = kept[0].intent
        rests = len(kept) == 2 and stop.order_type is OrderType.STOP_LOSS and self._native(stop)
        return stop.client_order_id if rests else ""

    # --- out ---

    async def end(self, client_order_ids: Sequence[str], ts_ms: int) -> None:
        """End orders; one that the venue never had is CANCELLED."""
        await self._all([self._end(key, ts_ms) for key in client_order_ids])

    async def _end(self, key: str, ts_ms: int) -> None:
        tracked = self._tracker.get(key) or await self._unheard(key, ts_ms)
        if tracked is None:
            return
        if tracked.ended:
            self._tracker.restate(tracked)
        elif tracked.held:
            await self._keeper.cancel(tracked)
        else:
            await self._canceller.cancel(tracked)

    async def _unheard(self, key: str, ts_ms: int) -> Tracked | None:
        """An order that is not tracked: the venue may have it nevertheless."""
        try:
            for symbol in self._rules:
                seen = await self._finder.find(key, symbol)
                if seen is not None:
                    found = await self._reconciler.stranger(seen)
                    return found[0] if found else None
        except VenueUnavailable:
            self._unwanted.add(key)
            return None
        self._unwanted.add(key)
        self._tracker.outbox.put(OrderUpdate(key, OrderStatus.CANCELLED, ts_ms, NEVER))
        return None

    # --- after a restart ---

    async def take_up(self, kept: Memory) -> None:
        """Track the journal's open orders, and find out what became of them: one list of what is open, and a look at
        each order that is not on it. What the venue does not answer is left to the next comparison.
        """
        notes, now = kept.notes, self._client.now_ms()
        held: list[Tracked] = []
        sent: list[Tracked] = []
        for order in kept.orders:
            key = order.intent.client_order_id
            age_ms = max(now - notes.lag_ms - order.intent.ts_ms, 0)
            tracked = self._tracker.restore(order, kept.trade_ids.get(key, ()), now - age_ms, now)
            (held if key in notes.held else sent).append(tracked)
        still_open: dict[str, SeenOrder] = {}
        if sent:
            for seen in await self._open_orders():
                still_open[self._finder.own_id(seen.client_id)] = seen
                still_open[external_id(self._client.config.exchange, seen.symbol, seen.venue_id)] = seen
        await self._all([self._take_up_sent(tracked, still_open.get(tracked.key)) for tracked in sent])
        for unit in self._units([t for t in sent if _is_unsure(t) and t.intent.symbol in self._rules]):
            if self._goes(unit):
                self._sender.resolve(stop_first([Leg(t, t.whole) for t in unit]))
        await self._keep_again(kept, held)

    async def _open_orders(self) -> list[SeenOrder]:
        try:
            return await self._finder.open_orders(tuple(self._rules))
        except VenueUnavailable:
            return []

    async def _take_up_sent(self, tracked: Tracked, seen: SeenOrder | None) -> None:
        try:
            await self._look_up(tracked, seen)
        except VenueUnavailable as error:
            _log.info("%s: %s is looked up later: %s", self._client.venue, tracked.key, error)
            self._canceller.wish(tracked)

    async def _look_up(self, tracked: Tracked, seen: SeenOrder | None) -> None:
        wire = tracked.whole
        tracked.wish = tracked.order.status is OrderStatus.CANCEL_PENDING
        wire.known = tracked.order.status not in UNSURE
        if tracked.intent.symbol not in self._rules:
            return
        if tracked.intent.origin is Origin.EXTERNAL:
            if seen is None:
                seen = await self._finder.by_venue_id(tracked.intent.origin_id, tracked.intent.symbol)
        elif not wire.known and not self._native(tracked.intent):
            return
        elif seen is None:
            seen = await self._finder.find(tracked.key, tracked.intent.symbol, tracked.first_ms - _MARGIN_MS)
        if seen is not None:
            if seen.filled == tracked.order.filled_quantity:  # every trade is booked: there is none to be asked for
                wire.trades, wire.filled = set(tracked.trades), seen.filled
            await self._finder.adopt(tracked, wire, seen)
            self._canceller.wish(tracked)

    async def _keep_again(self, kept: Memory, held: Sequence[Tracked]) -> None:
        notes = kept.notes
        by_key = {t.key: t for t in held}
        for tracked in held:
            tracked.held = True
            for past in notes.held[tracked.key]:
                wire = Wire(past.key, past.k, past.quantity, OrderType(past.order_type), filled=past.filled)
                wire.ended, wire.trades = past.ended, set(past.trades)
                tracked.wires[past.key] = wire
                self._tracker.name(tracked, wire, past.venue_id)
        quiet_ms = self._client.now_ms() + self._client.window_ms
        while by_key:
            tracked = by_key.pop(next(iter(by_key)))
            other = by_key.pop(tracked.intent.oco_id, None) if tracked.intent.oco_id else None
            ordered = _stop_first([tracked] if other is None else [tracked, other])
            trails = {t.key: await self._trail(t, notes) for t in ordered if t.key in notes.trails}
            resident = notes.pairs.get(ordered[0].key, "")
            self._keeper.keep(*ordered, resident=resident, trails=trails, quiet_until_ms=quiet_ms)

    async def _trail(self, tracked: Tracked, notes: Notes) -> Decimal:
        """The best price that a trailing stop has seen, with the bars that opened since it was written down."""
        best, intent = notes.trails[tracked.key], tracked.intent
        since = notes.ts_ms + self._client.offset_ms
        rows = await self._client.ask("ohlcv", partial(self._client.ccxt.fetch_ohlcv, intent.symbol, "1m", since))
        sells = intent.side is Side.SELL
        for row in [] if isinstance(rows, Fault) else rows:
            price = translate.money(row[2] if sells else row[3])
            if price is not None and int(row[0]) >= since:
                best = max(best, price) if sells else min(best, price)
        return best

    async def _all(self, work: Sequence[Awaitable[None]]) -> None:
        """A few at a time; the first refusal of the lease is raised when all are through."""
        gate = asyncio.Semaphore(_TOGETHER)

        async def one(each: Awaitable[None]) -> None:
            async with gate:
                await each

        for outcome in await asyncio.gather(*(one(each) for each in work), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome


def _stop_first(unit: Sequence[Tracked]) -> list[Tracked]:
    return [
        leg.tracked
        for leg in stop_first([Leg(t, Wire(t.key, 0, t.intent.quantity, t.intent.order_type)) for t in unit])
    ]


def _is_unsure(tracked: Tracked) -> bool:
    """Whether the desk waits for the order's first answer."""
    return tracked.order.status in UNSURE and not tracked.held
