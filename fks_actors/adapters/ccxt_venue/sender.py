"""Sends orders, each once. The only place where an order leaves for the venue.

A request whose outcome is not known is never repeated: the order is looked up by its client id, and only where the
venue said twice that it does not have it, later than any request for it could still arrive, it is sent again.
"""

import asyncio
import logging
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from msgspec import structs

from fks_actors.adapters.ccxt_venue import translate
from fks_actors.adapters.ccxt_venue.client import Client
from fks_actors.adapters.ccxt_venue.faults import Fault, FaultKind
from fks_actors.adapters.ccxt_venue.finder import Finder
from fks_actors.adapters.ccxt_venue.lease import Lease
from fks_actors.adapters.ccxt_venue.requests import create_request, oco_request
from fks_actors.adapters.ccxt_venue.tasks import Tasks
from fks_actors.adapters.ccxt_venue.tracker import UNSURE, Tracked, Tracker, Wire
from fks_actors.errors import Fenced, InvariantError, VenueUnavailable
from fks_actors.model.markets import MarketRules, Quote
from fks_actors.model.orders import OrderIntent, OrderStatus, OrderType

_log = logging.getLogger(__name__)
_PAUSE_S, _LONGEST_S = 0.2, 3.0
_LONGEST_LEASE_MS = 120_000
_KEEPABLE = re.compile(
    r"trigger immediately|relationship of the prices|MAX_NUM_(ALGO|ICEBERG)_ORDERS|TRAILING_DELTA", re.IGNORECASE
)
"""Refusals of a stop or a pair that is not wrong: it is reached already, or beyond what the venue keeps."""
NEVER = "never reached the venue"


@dataclass(frozen=True, slots=True)
class Leg:
    """One order to be sent."""

    tracked: Tracked
    wire: Wire

    @property
    def intent(self) -> OrderIntent:
        """The order as the venue is to see it."""
        return structs.replace(
            self.tracked.intent,
            client_order_id=self.wire.key,
            quantity=self.wire.quantity,
            order_type=self.wire.order_type,
        )


Unit = tuple[Leg, ...]
"""What is sent in one request: one order, or the two legs of an OCO (the stop first)."""


class Sender:
    """Sends units and resolves what became of them.

    Args:
        quotes: the best prices now, by symbol.
    """

    def __init__(
        self,
        client: Client,
        tracker: Tracker,
        finder: Finder,
        tasks: Tasks,
        lease: Lease,
        rules: Mapping[str, MarketRules],
        quotes: Mapping[str, Quote],
    ) -> None:
        self._client = client
        self._tracker = tracker
        self._finder = finder
        self._tasks = tasks
        self._lease = lease
        self._rules = rules
        self._quotes = quotes
        self.refused: Callable[[Tracked, Wire, str], None] = lambda _tracked, _wire, _reason: None
        """Hears of slices that the venue refused for good."""
        self.keep: Callable[[tuple[Tracked, ...]], None] | None = None
        """Takes orders that the venue refuses as they are but that can be kept here."""
        self.known: Callable[[Tracked], None] = lambda _tracked: None
        """Hears of orders whose state has become known."""

    async def enter(self, unit: Unit, look_first: bool = False, protects: bool = False) -> None:
        """Send the unit once, and tell what came of it; what is not known is resolved in the background.

        Args:
            look_first: the venue may have it already.
            protects: the unit needs no lease: it carries out a stop that was accepted before. Without one it is looked
                up first, as another desk's connector may have carried it out.

        Raises:
            Fenced: the lease does not hold; nothing was sent.
        """
        look_first = look_first or (protects and not self._lease.holds(self._client.now_ms()))
        if look_first or any(leg.wire.maybe_sent for leg in unit):
            try:
                found = await self._look(unit)
            except VenueUnavailable as error:
                self._doubt(unit, str(error), protects)
                return
            if found:
                return
            if any(leg.wire.maybe_sent for leg in unit):
                self._doubt(unit, "not at the venue yet", protects)
                return
        await self._send(unit, protects)

    def resolve(self, unit: Unit, protects: bool = False) -> None:
        """Find out in the background what became of the unit."""
        self._tasks.start(f"resolve-{unit[0].wire.key}", self._resolve(unit, protects))

    async def _send(self, unit: Unit, protects: bool) -> None:
        answer = await self._attempt(unit, protects)
        if isinstance(answer, Fault) and answer.kind is FaultKind.CLOCK:
            await self._client.sync_clock()
            answer = await self._attempt(unit, protects)
        if not isinstance(answer, Fault):
            await self._accepted(unit, answer, protects)
        elif answer.kind is FaultKind.REFUSED:
            self._refused(unit, answer.reason)
        elif answer.kind is FaultKind.DUPLICATE:
            self._client.telemetry.counter("fks_duplicates_prevented_total", self._client.venue).inc()
            self._doubt(unit, answer.reason, protects)
        else:
            self._doubt(unit, answer.reason, protects)

    async def _attempt(self, unit: Unit, protects: bool) -> Any:
        try:
            call = self._call(unit)
        except InvariantError as error:
            return Fault(FaultKind.REFUSED, str(error))
        leave = None if protects else self._may_leave
        if leave is not None:
            leave()
        fresh = [leg.wire for leg in unit if not leg.wire.maybe_sent]
        for wire in fresh:
            wire.maybe_sent = True
        try:
            answer = await self._client.ask("create_order", call, leave)
        except Fenced:
            for wire in fresh:
                wire.maybe_sent = False
            raise
        finally:
            for leg in unit:
                leg.wire.sent_ms, leg.wire.absent = self._client.now_ms(), 0
        if isinstance(answer, Fault) and answer.certain:
            for wire in fresh:
                wire.maybe_sent = False
        return answer

    def _may_leave(self) -> None:
        self._lease.check(self._client.now_ms())

    def _call(self, unit: Unit) -> Callable[[], Any]:
        ccxt, dialect = self._client.ccxt, self._client.dialect
        if len(unit) == 2:
            stop, target = unit
            ids = (self._finder.wire_id(stop.wire.key), self._finder.wire_id(target.wire.key))
            params = oco_request(stop.intent, target.intent, ccxt.market(stop.intent.symbol)["id"], ids)
            return lambda: ccxt.privatePostOrderListOco(params)
        intent = unit[0].intent
        request = create_request(
            intent,
            self._finder.wire_id(intent.client_order_id),
            dialect,
            self._rules[intent.symbol],
            self._quotes.get(intent.symbol),
            self._client.venue_now_ms(),
        )
        return lambda: ccxt.create_order(
            request.symbol, request.type, request.side, request.amount, request.price, dict(request.params)
        )

    async def _accepted(self, unit: Unit, answer: Any, protects: bool) -> None:
        reports = answer.get("orderReports") if len(unit) == 2 else None
        ccxt = self._client.ccxt
        rows = [ccxt.parse_order(r, ccxt.market(unit[0].intent.symbol)) for r in reports or ()] or [answer]
        by_wire_id = {self._finder.wire_id(leg.wire.key): leg for leg in unit}
        for row in rows:
            told = {"symbol": row.get("symbol") or unit[0].intent.symbol, "side": unit[0].intent.side.value}
            seen = translate.seen_order({**row, **told})
            leg = by_wire_id.get(seen.client_id) if seen and seen.client_id else unit[0] if len(unit) == 1 else None
            if seen is None or leg is None:
                continue
            if row.get("status") is None:
                seen = replace(seen, status=OrderStatus.ACCEPTED)
            seen = replace(seen, ts_ms=seen.ts_ms or self._client.venue_now_ms(), quantity=leg.wire.quantity)
            try:
                await self._finder.adopt(leg.tracked, leg.wire, seen)
            except VenueUnavailable as error:
                _log.info("%s: trades of %s come later: %s", self._client.venue, leg.wire.key, error)
            self.known(leg.tracked)
        if any(leg.wire.unsure for leg in unit):
            self._doubt(unit, "the venue's answer names no order", protects)

    def _refused(self, unit: Unit, reason: str) -> None:
        held = any(leg.tracked.held for leg in unit)
        if self.keep is not None and not held and _KEEPABLE.search(reason):
            for leg in unit:
                leg.wire.ended = True  # whoever still resolves it is done with it
                del leg.tracked.wires[leg.wire.key]
            self.keep(tuple(leg.tracked for leg in unit))
            return
        for leg in unit:
            self._refuse(leg, reason)

    def _refuse(self, leg: Leg, reason: str) -> None:
        leg.wire.ended = True
        if leg.tracked.held:
            self.refused(leg.tracked, leg.wire, reason)
        else:
            self._tracker.tell(leg.tracked, OrderStatus.REJECTED, self._client.venue_now_ms(), reason)

    def _doubt(self, unit: Unit, reason: str, protects: bool) -> None:
        for leg in unit:
            if not leg.wire.unsure or leg.tracked.order.status not in UNSURE:
                continue
            if self._tracker.tell(leg.tracked, OrderStatus.UNKNOWN, self._client.venue_now_ms(), reason):
                self._client.telemetry.counter("fks_orders_unknown_total", self._client.venue).inc()
        self.resolve(unit, protects)

    async def _look(self, unit: Unit) -> bool:
        """Look the unit up; whether the venue has all of it. An OCO of which it has one leg was accepted as a whole."""
        for leg in unit:
            if leg.wire.known:
                continue
            seen = await self._finder.find(leg.wire.key, leg.intent.symbol)
            if seen is None:
                leg.wire.absent += 1
                continue
            self._client.telemetry.counter("fks_orders_reconciled_total", self._client.venue).inc()
            await self._finder.adopt(leg.tracked, leg.wire, seen)
            self.known(leg.tracked)
        return not any(leg.wire.unsure for leg in unit)

    async def _resolve(self, unit: Unit, protects: bool) -> None:
        pause = _PAUSE_S
        while any(leg.wire.unsure and not leg.tracked.ended for leg in unit):
            await asyncio.sleep(self._until_certain_s(unit, pause) * random.uniform(1.0, 1.3))  # noqa: S311
            pause = min(2 * pause, _LONGEST_S)
            try:
                if any(leg.wire.maybe_sent for leg in unit) and not await self._surely_absent(unit):
                    continue
                if self._give_up(unit):
                    return
                await self._send(unit, protects)
            except VenueUnavailable:
                continue
            except Fenced as error:
                _log.info("%s: %s waits for a lease: %s", self._client.venue, unit[0].wire.key, error)

    def _until_certain_s(self, unit: Unit, pause: float) -> float:
        """How long to wait before the next look: not much longer than until it tells for certain."""
        settle_s = self._client.dialect.settle_ms / 1_000
        if all(leg.wire.absent for leg in unit):
            return settle_s
        left_s = (self._last_sent_ms(unit) + self._client.window_ms - self._client.now_ms()) / 1_000
        return min(pause, left_s + 0.02) if left_s > 0 else pause

    async def _surely_absent(self, unit: Unit) -> bool:
        """Whether the venue does not have the unit and never will."""
        if await self._look(unit):
            return False
        if self._client.now_ms() - self._last_sent_ms(unit) <= self._client.window_ms:
            for leg in unit:
                leg.wire.absent = 0
            return False
        if any(leg.wire.known for leg in unit):
            return False
        return min(leg.wire.absent for leg in unit) >= 2

    def _last_sent_ms(self, unit: Unit) -> int:
        """When the last request for the unit may have left. A predecessor that was cut off, not killed, may go on until
        the lease runs out that it was shown last; that is no later than the first one shown here."""
        last_ms = max(leg.wire.sent_ms for leg in unit)
        first_ms = self._lease.first_until_ms
        if any(leg.tracked.restored for leg in unit) and first_ms < self._client.now_ms() + _LONGEST_LEASE_MS:
            return max(last_ms, first_ms)
        return last_ms

    def _give_up(self, unit: Unit) -> bool:
        wished = any(leg.tracked.wish for leg in unit)
        age_ms = self._client.now_ms() - min(leg.tracked.first_ms for leg in unit)
        old = age_ms > self._client.config.resend_within_s * 1_000 and not unit[0].tracked.held
        if not wished and not old:
            return False
        for leg in unit:
            leg.wire.ended = True
            if leg.tracked.held:
                self.refused(leg.tracked, leg.wire, "")
                continue
            status = OrderStatus.CANCELLED if wished else OrderStatus.EXPIRED
            self._tracker.tell(leg.tracked, status, self._client.venue_now_ms(), NEVER)
        return True


def stop_first(legs: Sequence[Leg]) -> Unit:
    """The legs of a pair with the protecting one first."""
    stops = (OrderType.STOP_LOSS, OrderType.TRAILING_STOP)
    return tuple(sorted(legs, key=lambda leg: leg.wire.order_type not in stops))
