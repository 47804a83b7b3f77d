"""One spot exchange as a venue (`execution.venue.Venue`): orders in, events out, everything else is kept in order here.

The events wait in the `outbox` until somebody takes them; `submit`, `cancel` and `advance` take them at once, an actor
that writes them down takes them step by step. Build it with `open_venue`, inside the event loop that uses it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal

from fks_actors.adapters.ccxt_venue import memory, translate
from fks_actors.adapters.ccxt_venue.canceller import Canceller
from fks_actors.adapters.ccxt_venue.client import Client, Connection, open_client
from fks_actors.adapters.ccxt_venue.faults import Fault
from fks_actors.adapters.ccxt_venue.finder import Finder
from fks_actors.adapters.ccxt_venue.intake import Intake
from fks_actors.adapters.ccxt_venue.keeper import Keeper, protects
from fks_actors.adapters.ccxt_venue.lease import Lease
from fks_actors.adapters.ccxt_venue.memory import KeptWire, Memory, Notes
from fks_actors.adapters.ccxt_venue.outbox import Outbox
from fks_actors.adapters.ccxt_venue.reconcile import History, Reconciler, external_intent
from fks_actors.adapters.ccxt_venue.sender import Sender
from fks_actors.adapters.ccxt_venue.streams import Streams
from fks_actors.adapters.ccxt_venue.tasks import Tasks
from fks_actors.adapters.ccxt_venue.tracker import Tracked, Tracker, Wire
from fks_actors.adapters.ccxt_venue.translate import SeenOrder, SeenTrade
from fks_actors.errors import ConfigError, VenueUnavailable
from fks_actors.model.candles import BarBatch
from fks_actors.model.markets import MarketRules, Quote
from fks_actors.model.orders import Approved, Order, Origin, VenueEvent
from fks_actors.model.records import AuditRecord

_log = logging.getLogger(__name__)
_SOON_S = 2.0


class CcxtVenue:
    """A running exchange connection. `close` it.

    Args:
        rules: of every symbol that is traded here.
        history: the journal, for orders that ended.
    """

    def __init__(self, client: Client, rules: Mapping[str, MarketRules], history: History) -> None:
        self.client = client
        self.outbox = Outbox()
        self.lease = Lease()
        self.tracker = Tracker(client.venue, self.outbox)
        self.quotes: dict[str, Quote] = {}
        self.lag_ms = 0
        self._rules = dict(rules)
        self._worth: dict[tuple[str, str], Decimal] = {}
        self._tasks = Tasks()
        symbols = tuple(self._rules)
        self._finder = Finder(client, self.tracker, self._tasks, self._rules, self._worth_of)
        self._sender = Sender(client, self.tracker, self._finder, self._tasks, self.lease, self._rules, self.quotes)
        self._canceller = Canceller(client, self.tracker, self._finder, self._tasks)
        self.keeper = Keeper(
            client,
            self.tracker,
            self._finder,
            self._sender,
            self._canceller,
            self._tasks,
            self._rules,
            self.quotes,
            self.desk_now_ms,
        )
        self.reconciler = Reconciler(client, self.tracker, self._finder, history, self._rules, symbols)
        self._intake = Intake(
            client, self.tracker, self._finder, self._sender, self._canceller, self.keeper, self.reconciler, self._rules
        )
        self._finder.ended = lambda tracked, _wire: self.keeper.wake(tracked)
        self._sender.refused = self.keeper.on_refusal
        self._sender.known = self._known
        self._sender.keep = self._intake.keep
        self._comparing = asyncio.Lock()
        self.streams = Streams(
            client,
            self._tasks,
            symbols,
            self._heard_orders,
            self._heard_trades,
            self.quotes,
            self.keeper.on_quote,
            self._hear_all,
        )

    # --- the port ---

    @property
    def name(self) -> str:
        """The venue's name in orders and fills."""
        return self.client.venue

    def markets(self) -> Mapping[str, MarketRules]:
        """The rules of every tradable symbol."""
        return self._rules

    async def advance(self, batch: BarBatch) -> tuple[VenueEvent, ...]:
        """What happened since the last call; a bar tells nothing but the desk's time."""
        self.desk_is_at(batch.close_ms)
        return self._taken()

    async def submit(self, orders: Sequence[Approved], again: bool = False) -> tuple[VenueEvent, ...]:
        """Enter the orders; return what the venue said until now.

        Raises:
            Fenced: the lease does not hold; nothing more was sent.
        """
        await self.enter(orders, again)
        return self._taken()

    async def cancel(self, client_order_ids: Sequence[str], ts_ms: int) -> tuple[VenueEvent, ...]:
        """End the orders that still work."""
        await self.end(client_order_ids, ts_ms)
        return self._taken()

    async def lookup(self, client_order_id: str) -> Order | None:
        """The order as the venue knows it, None where it has never heard of it."""
        found = self.tracker.get(client_order_id)
        if found is not None and (found.held or found.ended):
            return found.order
        if found is not None:
            seen = await self._finder.find(client_order_id, found.intent.symbol)
            if seen is None:
                return None
            await self._finder.adopt(found, found.whole, seen)
            return found.order
        for symbol in self._rules:
            seen = await self._finder.find(client_order_id, symbol)
            if seen is not None:
                intent = external_intent(client_order_id, self.name, seen)
                return Order(intent, seen.status, seen.ts_ms, Decimal(0), seen.filled, seen.average)
        return None

    async def open_orders(self) -> tuple[Order, ...]:
        """Every order that works at the venue or is kept for it."""
        await self.compare_orders()
        return tuple(t.order for t in self.tracker.working() if t.held or any(w.known for w in t.wires.values()))

    # --- the same, with the events left in the outbox ---

    async def enter(self, orders: Sequence[Approved], again: bool = False) -> None:
        """Enter the orders."""
        await self._intake.enter(orders, again)

    async def end(self, client_order_ids: Sequence[str], ts_ms: int) -> None:
        """End orders."""
        await self._intake.end(client_order_ids, ts_ms)

    # --- life ---

    async def start(self, kept: Memory) -> None:
        """Take up the orders of `kept`, compare everything with the venue, then listen. What it does not answer now is
        asked again in the background."""
        self._restore(kept)
        await self.client.sync_clock()
        await self.streams.ask_quotes()
        await self._intake.take_up(kept)
        await self.compare()
        self.streams.start()
        self._tasks.start("compare", self._compare_always())

    async def close(self) -> None:
        """End the tasks and close every connection; may be called twice."""
        await self._tasks.close()
        await self.client.close()

    def desk_is_at(self, ts_ms: int) -> None:
        """Learn how far the desk's clock (the bars') is behind the wall clock."""
        self.lag_ms = self.client.now_ms() - ts_ms

    def desk_now_ms(self) -> int:
        """The desk's clock now."""
        return self.client.now_ms() - self.lag_ms

    def notes(self) -> bytes:
        """What a successor needs, as of the events that were put into the outbox."""
        reconciler = self.reconciler
        held = {
            t.key: tuple(
                KeptWire(w.key, w.k, w.quantity, w.order_type.value, w.venue_id, w.filled, w.ended, tuple(w.trades))
                for w in t.wires.values()
                if w.known
            )
            for t in self.tracker.working()
            if t.held
        }
        return memory.encode(
            Notes(
                self.client.now_ms(),
                self.lag_ms,
                dict(reconciler.cursors),
                dict(reconciler.born),
                reconciler.balances.baseline,
                dict(self.tracker.moved),
                dict(reconciler.balances.reported),
                held,
                self.keeper.trails(),
                self.keeper.pairs(),
            )
        )

    async def fall_silent(self, silent_s: float) -> int:
        """The desk was not heard for `silent_s`: send nothing more, cancel its orders but for those that bound a loss.

        Returns how many were cancelled.
        """
        self.lease.silence()
        exposed = [t.key for t in self.tracker.working() if not protects(t) and t.intent.origin is not Origin.EXTERNAL]
        detail = f"the desk was silent for {silent_s:.0f} s: {len(exposed)} open orders are cancelled"
        self.outbox.put(AuditRecord(self.client.now_ms(), "dead_man", f"venue:{self.name}", detail))
        await self.end(exposed, self.desk_now_ms())
        return len(exposed)

    async def compare_orders(self) -> None:
        """Settle orders and trades with the venue."""
        async with self._comparing:
            await self.reconciler.orders_and_trades()

    async def compare(self) -> bool:
        """The same; an answer that does not come is left to the next time. Whether all came."""
        try:
            await self.compare_orders()
        except VenueUnavailable as error:
            _log.info("%s: comparing waits: %s", self.name, error)
            return False
        return True

    async def _hear_all(self) -> None:
        await self.compare()

    async def _compare_always(self) -> None:
        every_s = self.client.config.reconcile_s
        pause_s = 0.0
        while True:
            await asyncio.sleep(pause_s)
            await self.client.sync_clock_if_due()
            try:
                await self.compare_orders()
                await self.reconciler.check_balances()
                pause_s = every_s
            except VenueUnavailable as error:
                _log.info("%s: comparing waits: %s", self.name, error)
                pause_s = min(every_s, _SOON_S)

    def _restore(self, kept: Memory) -> None:
        notes = kept.notes
        self.lag_ms = notes.lag_ms
        self.reconciler.cursors = dict(notes.cursors)
        self.reconciler.born = dict(notes.born)
        self.reconciler.balances.baseline = notes.baseline
        self.reconciler.balances.reported = dict(notes.reported)
        self.tracker.moved = dict(notes.moved)

    def _taken(self) -> tuple[VenueEvent, ...]:
        handed = self.outbox.hand_out()
        self.outbox.drop(handed.upto)
        return handed.events

    # --- what the streams say ---

    def _heard_orders(self, rows: list[SeenOrder]) -> None:
        for seen in rows:
            if seen.symbol not in self._rules:
                continue
            found = self._wire_of(seen)
            if found is None:
                self._tasks.start("stranger", self._hear_all())
                continue
            self._finder.hear(*found, seen)
            self._known(found[0])

    def _heard_trades(self, rows: list[SeenTrade]) -> None:
        for trade in rows:
            if trade.symbol not in self._rules:
                continue
            found = self.reconciler.wire_of(trade)
            if found is None:
                self._tasks.start("stranger", self._hear_all())
                continue
            if trade.venue_id:
                self.tracker.name(*found, trade.venue_id)
            self._finder.book(*found, [trade])

    def _known(self, tracked: Tracked) -> None:
        """An order's state became known: carry on with what waited for it."""
        self._canceller.wish(tracked)
        self.keeper.wake(tracked)

    def _wire_of(self, seen: SeenOrder) -> tuple[Tracked, Wire] | None:
        if seen.venue_id and (found := self.tracker.by_venue_id(seen.symbol, seen.venue_id)):
            return found
        return self.tracker.wire(self._finder.own_id(seen.client_id)) if seen.client_id else None

    # --- fees in a third asset ---

    def _worth_of(self, asset: str, quote: str) -> Decimal | None:
        known = self.quotes.get(f"{asset}/{quote}")
        if known is not None:
            return (known.bid + known.ask) / 2
        self._tasks.start(f"worth-{asset}", self._learn_worth(asset, quote))
        return self._worth.get((asset, quote))

    async def _learn_worth(self, asset: str, quote: str) -> None:
        symbol = f"{asset}/{quote}"
        if symbol not in (self.client.ccxt.markets or {}):
            return
        told = await self.client.ask("quotes", lambda: self.client.ccxt.fetch_ticker(symbol))
        last = None if isinstance(told, Fault) else translate.money(told.get("last"))
        if last:
            self._worth[(asset, quote)] = last


async def open_venue(
    connection: Connection, symbols: Sequence[str], history: History, kept: Memory | None = None
) -> CcxtVenue:
    """A venue that has loaded its markets, taken up its orders and compared them.

    Raises:
        ConfigError: an unknown exchange or symbol.
        VenueUnavailable: it did not answer.
    """
    client = await open_client(connection)
    venue: CcxtVenue | None = None
    try:
        rules = await load_rules(client, symbols)
        venue = CcxtVenue(client, rules, history)
        await venue.start(kept or Memory())
    except BaseException:
        await (venue or client).close()
        raise
    return venue


async def load_rules(client: Client, symbols: Sequence[str]) -> dict[str, MarketRules]:
    """Load the markets; the rules of `symbols`.

    Raises:
        ConfigError: the exchange does not trade one of them.
        VenueUnavailable: it did not answer.
    """
    told = await client.read("markets", client.ccxt.load_markets)
    if isinstance(told, Fault):
        raise VenueUnavailable(f"{client.venue}: {told.reason}")
    for symbol in symbols:
        market = client.ccxt.markets.get(symbol)
        if market is None or not market.get("spot") or market.get("active") is False:
            raise ConfigError(f"{client.config.exchange} does not trade {symbol}; check `symbols` of {client.venue}")
    mode = client.ccxt.precisionMode
    return {s: translate.market_rules(client.ccxt.markets[s], mode) for s in symbols}
