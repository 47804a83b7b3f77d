"""Finds orders and trades at the venue, and tells what they add to what was told. Everything here only reads.

An order's end is told after its trades: whoever acts on an end counts on what the order left.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from fks_actors.adapters.ccxt_venue import client_ids, translate
from fks_actors.adapters.ccxt_venue.client import Client
from fks_actors.adapters.ccxt_venue.dialects import Lookup
from fks_actors.adapters.ccxt_venue.faults import Fault, FaultKind
from fks_actors.adapters.ccxt_venue.tasks import Tasks
from fks_actors.adapters.ccxt_venue.tracker import UNSURE, Tracked, Tracker, Wire
from fks_actors.adapters.ccxt_venue.translate import SeenOrder, SeenTrade
from fks_actors.errors import VenueUnavailable
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, Fill, OrderStatus, Side

_PAGE = 50
_CHASE_S = (0.3, 1.0, 3.0, 10.0)
_SCAN_BACK_MS = 86_400_000


class Finder:
    """Looks things up for everybody else.

    Args:
        worth: what a unit of an asset is worth in a quote currency, None where that is not known.
    """

    def __init__(
        self,
        client: Client,
        tracker: Tracker,
        tasks: Tasks,
        rules: Mapping[str, MarketRules],
        worth: Callable[[str, str], Decimal | None],
    ) -> None:
        self._client = client
        self._tracker = tracker
        self._tasks = tasks
        self._rules = rules
        self._worth = worth
        self._awaited: dict[str, SeenOrder] = {}
        self.ended: Callable[[Tracked, Wire], None] = lambda _tracked, _wire: None
        """Hears of every order at the venue that has ended."""

    def wire_id(self, key: str) -> str:
        """Our id as the exchange takes it."""
        return client_ids.to_venue(self._client.dialect.exchange, key)

    def own_id(self, seen_client_id: str) -> str:
        """The exchange's client id as ours."""
        return client_ids.from_venue(self._client.dialect.exchange, seen_client_id)

    async def find(self, key: str, symbol: str, since_ms: int | None = None) -> SeenOrder | None:
        """The order of that client id; None where the venue says that it has none.

        Raises:
            VenueUnavailable: the venue did not say.
        """
        dialect, ccxt = self._client.dialect, self._client.ccxt
        wire = self.wire_id(key)
        params = {dialect.lookup_key: wire}
        if dialect.lookup is Lookup.FETCH_ORDER:
            told = await self._client.read("order", lambda: ccxt.fetch_order(None, symbol, dict(params)))
            if isinstance(told, Fault):
                self._only_missing(told)
                return None
            return translate.seen_order(told)
        narrowed = dict(params) if dialect.lookup is Lookup.FILTERED else {}
        back = since_ms if since_ms is not None else self._client.venue_now_ms() - _SCAN_BACK_MS
        for operation, fetch, since in (
            ("open_orders", ccxt.fetch_open_orders, None),
            ("closed_orders", ccxt.fetch_closed_orders, back),
            ("canceled_orders", ccxt.fetch_canceled_orders, back),
        ):
            if operation == "canceled_orders" and not self._client.offers("fetchCanceledOrders"):
                continue
            rows = await self._client.read(operation, partial(fetch, symbol, since, None, dict(narrowed)))
            if isinstance(rows, Fault):
                self._only_missing(rows)
                continue
            for row in rows:
                if row.get("clientOrderId") == wire:
                    return translate.seen_order(row)
        return None

    async def by_venue_id(self, venue_id: str, symbol: str) -> SeenOrder | None:
        """The order of the venue's own id."""
        told = await self._client.read("order", lambda: self._client.ccxt.fetch_order(venue_id, symbol))
        if isinstance(told, Fault):
            self._only_missing(told)
            return None
        return translate.seen_order(told)

    async def open_orders(self, symbols: Sequence[str]) -> list[SeenOrder]:
        """Every order that works at the venue for these symbols."""
        ccxt = self._client.ccxt
        found: list[SeenOrder] = []
        for symbol in symbols:
            rows = self._good(await self._client.read("open_orders", partial(ccxt.fetch_open_orders, symbol)))
            found += [seen for row in rows if (seen := translate.seen_order(row)) is not None]
        return found

    async def trades_since(self, symbol: str, since_ms: int) -> list[SeenTrade]:
        """The account's trades of a symbol from `since_ms` (the venue's clock) on, page by page, oldest first."""
        ccxt, start, limit = self._client.ccxt, since_ms, self._page()
        found: dict[tuple[str, Side | None], SeenTrade] = {}
        while True:
            rows = self._good(await self._client.read("my_trades", partial(ccxt.fetch_my_trades, symbol, start, limit)))
            page = [seen for row in rows if (seen := translate.seen_trade(row)) is not None]
            fresh = [t for t in page if (t.trade_id, t.side) not in found]
            found |= {(t.trade_id, t.side): t for t in page}
            if len(rows) < limit or not fresh:
                return sorted(found.values(), key=lambda t: t.ts_ms)
            start = max(t.ts_ms for t in page)

    async def trades_of(self, symbol: str, venue_id: str, since_ms: int | None) -> list[SeenTrade]:
        """The trades of one order."""
        ccxt = self._client.ccxt
        if self._client.ccxt.has.get("fetchOrderTrades") is True:
            rows = self._good(
                await self._client.read("order_trades", lambda: ccxt.fetch_order_trades(venue_id, symbol))
            )
        else:
            rows = [
                row
                for row in self._good(
                    await self._client.read("my_trades", lambda: ccxt.fetch_my_trades(symbol, since_ms, self._page()))
                )
                if row.get("order")
            ]
        seen = [t for row in rows if (t := translate.seen_trade(row)) is not None]
        return [t for t in seen if not t.venue_id or t.venue_id == venue_id]

    def fill_of(self, tracked: Tracked, trade: SeenTrade) -> Fill:
        """The trade as a fill of the order."""
        intent = tracked.order.intent
        rules = self._rules.get(intent.symbol)
        return translate.fill(trade, intent, rules.taker_fee if rules else ZERO, self._worth)

    def book(self, tracked: Tracked, wire: Wire, trades: Sequence[SeenTrade]) -> None:
        """Tell the trades that were not told, and an end that waited for them."""
        for trade in trades:
            self._tracker.trade(tracked, wire, self.fill_of(tracked, trade))
        self._booked(tracked, wire)

    async def adopt(self, tracked: Tracked, wire: Wire, seen: SeenOrder) -> None:
        """Tell what the venue knows of an order more than was told: that it lives, its trades, its end.

        Raises:
            VenueUnavailable: its trades could not be read; they and its end come later.
        """
        wire.quantity = seen.quantity or wire.quantity
        self._lives(tracked, wire, seen)
        try:
            if seen.filled > wire.filled:
                await self._read_trades(tracked, wire, seen)
        finally:
            self._close_after_trades(tracked, wire, seen)

    def hear(self, tracked: Tracked, wire: Wire, seen: SeenOrder) -> None:
        """The same for an order out of a stream, where the trades come by themselves, or else a moment later."""
        self._lives(tracked, wire, seen)
        self._close_after_trades(tracked, wire, seen)

    def _lives(self, tracked: Tracked, wire: Wire, seen: SeenOrder) -> None:
        self._tracker.name(tracked, wire, seen.venue_id)
        if tracked.order.status in UNSURE and seen.status is not OrderStatus.REJECTED:
            self._tracker.tell(tracked, OrderStatus.ACCEPTED, seen.ts_ms)
        self.book(tracked, wire, seen.trades)

    async def _read_trades(self, tracked: Tracked, wire: Wire, seen: SeenOrder) -> None:
        trades = await self.trades_of(seen.symbol, seen.venue_id, None)
        self.book(tracked, wire, trades)
        wire.filled = max(wire.filled, sum((t.quantity for t in trades), ZERO))  # some may be told long since
        self._booked(tracked, wire)

    def _booked(self, tracked: Tracked, wire: Wire) -> None:
        """What follows from the trades so far."""
        if wire.filled and wire.filled >= wire.quantity > 0:
            self._end(tracked, wire)
        awaited = self._awaited.get(wire.key)
        if awaited is not None and awaited.filled <= wire.filled:
            del self._awaited[wire.key]
            self._close(tracked, wire, awaited)

    def _close_after_trades(self, tracked: Tracked, wire: Wire, seen: SeenOrder) -> None:
        if seen.filled <= wire.filled:
            self._close(tracked, wire, seen)
            return
        awaited = self._awaited.get(wire.key)
        if awaited is None or seen.filled > awaited.filled or seen.status is not OrderStatus.ACCEPTED:
            self._awaited[wire.key] = seen
        self._tasks.start(f"chase-{wire.key}", self._chase(tracked, wire))

    def _close(self, tracked: Tracked, wire: Wire, seen: SeenOrder) -> None:
        """Tell the order's end, where the venue says that it has ended otherwise than by trading."""
        status, reason = seen.status, ""
        if status in (OrderStatus.ACCEPTED, OrderStatus.FILLED):
            return
        if status is OrderStatus.CANCEL_PENDING:
            wire.cancelling = True
            if not tracked.held:
                self._tracker.tell(tracked, status, seen.ts_ms)
            return
        if status is OrderStatus.EXPIRED and tracked.intent.oco_id:
            status, reason = OrderStatus.CANCELLED, "the other leg traded"
        if not tracked.held:
            self._tracker.tell(tracked, status, seen.ts_ms, reason)
        self._end(tracked, wire)

    def _end(self, tracked: Tracked, wire: Wire) -> None:
        if not wire.ended:
            wire.ended = True
            self.ended(tracked, wire)

    async def _chase(self, tracked: Tracked, wire: Wire) -> None:
        """Trades that the venue does not list yet: ask again for a while. Where the venue answers and never lists
        them, that is told, and the end with it; where it does not answer, comparing comes back to it."""
        answered = False
        for pause in _CHASE_S:
            await asyncio.sleep(pause)
            awaited = self._awaited.get(wire.key)
            if awaited is None:
                return
            try:
                await self._read_trades(tracked, wire, awaited)
                answered = True
            except VenueUnavailable:
                answered = False
        awaited = self._awaited.pop(wire.key, None)
        if awaited is not None and answered:
            self._tracker.odd(
                f"{wire.key}:trades",
                self._client.venue_now_ms(),
                f"{wire.key} traded {awaited.filled}, the venue lists trades of {wire.filled}",
            )
            if awaited.status not in (OrderStatus.ACCEPTED, OrderStatus.FILLED):
                wire.filled = max(wire.filled, awaited.filled)
                self._close(tracked, wire, awaited)

    def _page(self) -> int:
        """How many trades the exchange hands out at once."""
        spot = (self._client.ccxt.features or {}).get("spot") or {}
        return min(int((spot.get("fetchMyTrades") or {}).get("limit") or _PAGE), 1_000)

    def _only_missing(self, fault: Fault) -> None:
        if fault.kind is not FaultKind.MISSING:
            raise VenueUnavailable(f"{self._client.venue}: {fault.reason}")

    def _good(self, answer: Any) -> list[Any]:
        if isinstance(answer, Fault):
            raise VenueUnavailable(f"{self._client.venue}: {answer.reason}")
        return list(answer or ())
