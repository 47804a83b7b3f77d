"""Compares what was told with what the venue holds: orders, trades, balances. The same facts twice change nothing.

`compare_orders` and `differences` are pure. Orders and trades are settled by telling what was not told; a balance that
fits neither is only reported, once for each distinct difference.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from fks_actors.adapters.ccxt_venue import client_ids, translate
from fks_actors.adapters.ccxt_venue.client import Client
from fks_actors.adapters.ccxt_venue.dialects import Lookup
from fks_actors.adapters.ccxt_venue.faults import Fault
from fks_actors.adapters.ccxt_venue.finder import Finder
from fks_actors.adapters.ccxt_venue.tracker import Tracked, Tracker, Wire
from fks_actors.adapters.ccxt_venue.translate import SeenOrder, SeenTrade
from fks_actors.errors import VenueUnavailable
from fks_actors.execution.slices import slice_of
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, Order, OrderIntent, OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import AuditRecord

_log = logging.getLogger(__name__)
_OVERLAP_MS = 60_000
_GONE_AFTER = 3
GONE = "the venue does not know it any more"


class History(Protocol):
    """What the journal remembers of orders that are not worked on any more."""

    async def order(self, client_order_id: str) -> Order | None:
        """One order in its present state."""
        ...

    async def trade_ids(self, client_order_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """(venue, trade id) of every fill that is booked for these orders."""
        ...


@dataclass(frozen=True, slots=True)
class Compared:
    """`matched`: orders at the venue that are tracked. `strange`: those that are not. `quiet`: tracked orders that the
    venue had and does not list as open."""

    matched: tuple[tuple[str, SeenOrder], ...]
    strange: tuple[SeenOrder, ...]
    quiet: tuple[str, ...]


def compare_orders(tracked: Iterable[tuple[str, bool]], seen: Iterable[tuple[str | None, SeenOrder]]) -> Compared:
    """Sort the venue's open orders by what is known of them.

    Args:
        tracked: our orders at the venue: (key, whether the venue confirmed it).
        seen: the venue's open orders, each with the key under which it is tracked or None.
    """
    listed = list(seen)
    open_keys = {key for key, _ in listed if key is not None}
    return Compared(
        tuple((key, order) for key, order in listed if key is not None),
        tuple(order for key, order in listed if key is None),
        tuple(key for key, known in tracked if known and key not in open_keys),
    )


def differences(
    expected: Mapping[str, Decimal], actual: Mapping[str, Decimal], tolerance: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """actual - expected for every asset where they differ by more than its tolerance (0 where none is given)."""
    found = {asset: actual.get(asset, ZERO) - expected.get(asset, ZERO) for asset in {*expected, *actual}}
    return {a: d for a, d in sorted(found.items()) if abs(d) > tolerance.get(a, ZERO)}


@dataclass(slots=True)
class Balances:
    """`baseline`: the balances when the venue was first seen, less all trades told before. `pending`: a difference seen
    once. `reported`: the differences that were told."""

    baseline: dict[str, Decimal] | None = None
    pending: dict[str, Decimal] = field(default_factory=dict)
    reported: dict[str, Decimal] = field(default_factory=dict)


class Reconciler:
    """Compares one venue.

    Args:
        history: the journal.
    """

    def __init__(
        self,
        client: Client,
        tracker: Tracker,
        finder: Finder,
        history: History,
        rules: Mapping[str, MarketRules],
        symbols: Sequence[str],
    ) -> None:
        self._client = client
        self._tracker = tracker
        self._finder = finder
        self._history = history
        self._rules = rules
        self._symbols = tuple(symbols)
        self.cursors: dict[str, int] = {}
        self.balances = Balances()
        self.born: dict[str, int] = {}

    async def orders_and_trades(self) -> None:
        """Settle orders and trades.

        Raises:
            VenueUnavailable: the venue did not answer everything; what it answered was settled.
        """
        seen = await self._finder.open_orders(self._symbols)
        tracked = [
            (wire.key, wire.known) for t in self._tracker.working() for wire in t.wires.values() if not wire.ended
        ]
        compared = compare_orders(tracked, [(self._key_of(order), order) for order in seen])
        for key, order in compared.matched:
            await self._settle(key, order)
        for order in compared.strange:
            await self.stranger(order)
        for key in compared.quiet:
            await self._look(key)
        for symbol in self._symbols:
            await self._trades(symbol)

    async def check_balances(self) -> None:
        """Compare the balances with the trades that were told; report what fits neither.

        Raises:
            VenueUnavailable: the venue did not answer.
        """
        before = dict(self._tracker.moved)
        told = await self._client.read("balance", self._client.ccxt.fetch_balance)
        if isinstance(told, Fault):
            raise VenueUnavailable(f"{self._client.venue}: {told.reason}")
        actual = totals(told)
        moved = self._tracker.moved
        if self.balances.baseline is None:
            assets = {*actual, *moved}
            self.balances.baseline = {a: actual.get(a, ZERO) - moved.get(a, ZERO) for a in assets}
        if before != moved or any(w.unsure for t in self._tracker.working() for w in t.wires.values()):
            return
        base = self.balances.baseline
        expected = {a: base.get(a, ZERO) + moved.get(a, ZERO) for a in {*base, *moved}}
        found = differences(expected, actual, self._tolerance())
        self._report(found)

    def _report(self, found: dict[str, Decimal]) -> None:
        balances = self.balances
        for asset, difference in found.items():
            if balances.pending.get(asset) == difference and balances.reported.get(asset) != difference:
                balances.reported[asset] = difference
                self._note(f"{asset}: the venue holds {difference:+f} more than the journal's trades explain")
        for asset in [a for a in balances.reported if a not in found]:
            del balances.reported[asset]
        balances.pending = found

    async def stranger(self, seen: SeenOrder) -> tuple[Tracked, Wire] | None:
        """An order that is not tracked: one that the journal ended, or one that is not the desk's."""
        own = self._finder.own_id(seen.client_id) if seen.client_id else ""
        if client_ids.is_ours(own):
            parent = slice_of(own)
            order = await self._history.order(own) or (await self._history.order(parent[0]) if parent else None)
            if order is not None and order.intent.venue == self._client.venue:
                return await self._came_back(order, own, seen)
        return await self._adopt(seen, own)

    async def _came_back(self, order: Order, own: str, seen: SeenOrder) -> tuple[Tracked, Wire]:
        key = order.intent.client_order_id
        booked = await self._history.trade_ids([key])
        now = self._client.now_ms()
        tracked = self._tracker.restore(order, (t for v, t in booked if v == self._client.venue), now, now)
        tracked.held = own != key
        wire = tracked.whole if own == key else Wire(own, (slice_of(own) or ("", 0))[1], seen.quantity, seen.order_type)
        tracked.wires[own] = wire
        await self._finder.adopt(tracked, wire, seen)
        if tracked.ended and seen.status is OrderStatus.ACCEPTED:
            self._note(f"{key} works at the venue although it ended as {order.status}: it is cancelled there")
            wire.cancelling = True
            await self._client.ask("cancel_order", lambda: self._client.ccxt.cancel_order(seen.venue_id, seen.symbol))
        return tracked, wire

    async def _adopt(self, seen: SeenOrder, own: str) -> tuple[Tracked, Wire] | None:
        key = client_ids.external_id(self._client.config.exchange, seen.symbol, seen.venue_id)
        order = await self._history.order(key)
        now = self._client.now_ms()
        if order is None:
            order = Order(external_intent(key, self._client.venue, seen), OrderStatus.SUBMITTED, seen.ts_ms)
            tracked = self._tracker.adopt(order, now)
            self._note(f"order {seen.venue_id} ({seen.side} {seen.quantity} {seen.symbol}) is not the desk's: {own}")
        else:
            booked = await self._history.trade_ids([key])
            tracked = self._tracker.restore(order, (t for v, t in booked if v == self._client.venue), now, now)
        await self._finder.adopt(tracked, tracked.whole, seen)
        return tracked, tracked.whole

    def _key_of(self, seen: SeenOrder) -> str | None:
        if found := self._tracker.by_venue_id(seen.symbol, seen.venue_id):
            return found[1].key
        own = self._finder.own_id(seen.client_id) if seen.client_id else ""
        found = self._tracker.wire(own) if own else None
        return found[1].key if found else None

    async def _settle(self, key: str, order: SeenOrder) -> None:
        found = self._tracker.wire(key)
        if found is None:
            return
        tracked, wire = found
        if not wire.known or order.filled > wire.filled or order.status is not OrderStatus.ACCEPTED:
            self._client.telemetry.counter("fks_orders_reconciled_total", self._client.venue).inc()
            await self._finder.adopt(tracked, wire, order)

    async def _look(self, key: str) -> None:
        """An order that the venue had is not open any more: what became of it?"""
        found = self._tracker.wire(key)
        if found is None or found[1].ended:
            return
        tracked, wire = found
        symbol = tracked.intent.symbol
        seen = None
        if tracked.intent.origin is not Origin.EXTERNAL:
            seen = await self._finder.find(key, symbol, tracked.first_ms - _OVERLAP_MS)
        if seen is None and wire.venue_id:
            seen = await self._finder.by_venue_id(wire.venue_id, symbol)
        if seen is not None:
            self._client.telemetry.counter("fks_orders_reconciled_total", self._client.venue).inc()
            await self._finder.adopt(tracked, wire, seen)
            return
        wire.absent += 1
        if wire.absent >= _GONE_AFTER and self._client.dialect.lookup is not Lookup.SCAN:
            wire.ended = True
            self._note(f"{key}: {GONE}")
            if not tracked.held:
                self._tracker.tell(tracked, OrderStatus.EXPIRED, self._client.venue_now_ms(), GONE)
            self._finder.ended(tracked, wire)

    async def _trades(self, symbol: str) -> None:
        """Book the trades since the cursor that were not told; a trade of an unknown order makes it known."""
        now = self._client.venue_now_ms()
        cursor = newest = self.cursors.setdefault(symbol, now)
        since = max(cursor - _OVERLAP_MS, self.born.setdefault(symbol, cursor))
        for trade in await self._finder.trades_since(symbol, since):
            if trade.ts_ms >= since:
                await self.trade(trade)
                newest = max(newest, trade.ts_ms)
        self.cursors[symbol] = newest

    async def trade(self, trade: SeenTrade) -> None:
        """Book one trade."""
        found = self.wire_of(trade)
        if found is None:
            seen = await self._finder.by_venue_id(trade.venue_id, trade.symbol)
            if seen is None:
                self._note(f"trade {trade.trade_id} of {trade.symbol} belongs to no order that the venue knows")
                return
            own = self._finder.own_id(seen.client_id) if seen.client_id else ""
            found = self._tracker.wire(own) if own else None
            if found is None:
                found = await self.stranger(seen)
            else:
                self._tracker.name(*found, seen.venue_id)
        if found is not None:
            self._finder.book(*found, [trade])

    def wire_of(self, trade: SeenTrade) -> tuple[Tracked, Wire] | None:
        """The order to which a trade belongs, where that is known without asking."""
        if trade.venue_id and (found := self._tracker.by_venue_id(trade.symbol, trade.venue_id)):
            return found
        return self._tracker.wire(self._finder.own_id(trade.client_id)) if trade.client_id else None

    def _tolerance(self) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for symbol in self._symbols:
            rules = self._rules[symbol]
            found[rules.base] = max(found.get(rules.base, ZERO), rules.step)
            found[rules.quote] = max(found.get(rules.quote, ZERO), rules.tick)
        return found

    def _note(self, detail: str) -> None:
        _log.warning("%s: %s", self._client.venue, detail)
        self._client.telemetry.counter("fks_venue_differences_total", self._client.venue).inc()
        note = AuditRecord(self._client.now_ms(), "venue_difference", f"venue:{self._client.venue}", detail)
        self._tracker.outbox.put(note)


def totals(told: translate.Raw) -> dict[str, Decimal]:
    """Total balances by asset, out of ccxt's balance; what is zero is left out."""
    found = {str(asset): translate.money(amount) for asset, amount in (told.get("total") or {}).items()}
    return {asset: amount for asset, amount in found.items() if amount}


def external_intent(key: str, venue: str, seen: SeenOrder) -> OrderIntent:
    """An order of somebody else as an intent."""
    price = seen.price or seen.stop_price or seen.average
    kind = seen.order_type if seen.order_type is not OrderType.TRAILING_STOP or seen.stop_price else OrderType.LIMIT
    return OrderIntent(
        key,
        Origin.EXTERNAL,
        seen.venue_id,
        venue,
        seen.symbol,
        Side(seen.side),
        kind,
        seen.quantity,
        price or ZERO,
        seen.ts_ms,
        seen.price,
        seen.stop_price,
    )
