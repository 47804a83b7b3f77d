"""How a step is written and acted on: ask, write, and only then act. One writer; its caller holds the lock.

Intent and approval of an order are durable before a venue hears of it; what a venue answers is a step of its own. A
venue that exists only in the journal (paper) must answer, or the desk starts again; a real one may be silent: its
orders are then of unknown outcome, and are asked about when it answers again.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from fks_actors.desk import exits, inquiry, proposals
from fks_actors.desk.config import DeskConfig, venue_owner
from fks_actors.desk.data_quality import GateOf, fresh_gate
from fks_actors.desk.lineage import Step
from fks_actors.desk.ports import DeskPorts, Ruled, VenueReply
from fks_actors.desk.routing import Quotes
from fks_actors.desk.scoring import CALIBRATION_OWNER, Scoring
from fks_actors.desk.state import DeskMemory
from fks_actors.desk.working import UNKNOWN_TRADE, Trade, WorkingOrders, denied_order
from fks_actors.errors import ActorUnavailable, InvariantError, VenueUnavailable
from fks_actors.execution.order_state import TERMINAL
from fks_actors.model.markets import Quote
from fks_actors.model.orders import (
    ZERO,
    Approved,
    Charge,
    Denied,
    Fill,
    Order,
    OrderStatus,
    OrderUpdate,
    Origin,
    VenueEvent,
)
from fks_actors.model.records import (
    AuditRecord,
    Commit,
    ControlRecord,
    Entry,
    Proposal,
    SignalRecord,
    Snapshot,
    TradingState,
)
from fks_actors.risk.codec import decode
from fks_actors.risk.messages import RiskReply, RiskRequest
from fks_actors.risk.rulings import reissue

RISK_OWNER = "risk"
"""Risk's name in the journal's snapshots."""

UNANSWERED = frozenset({OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})
_SILENT = (ActorUnavailable, VenueUnavailable)
SILENCE = VenueReply(())
"""The reply of a real venue that does not answer."""

_log = logging.getLogger(__name__)


class Steps:
    """The desk's hand on its journal, on risk and on the venues.

    Args:
        ports: what it reaches.
        config: what it was told.
        kept: hears of every commit once it is durable.
        gate_of: makes the gate of a symbol's bars.
        scoring: what it knows of its minds' worth; None to learn it from the bars.
    """

    def __init__(
        self,
        ports: DeskPorts,
        config: DeskConfig,
        kept: Callable[[Commit], None],
        gate_of: GateOf = fresh_gate,
        scoring: Scoring | None = None,
    ) -> None:
        self.ports = ports
        self.config = config
        self._kept = kept
        self._head = ""
        self._risk_label = ""
        self._venue_labels: dict[str, str] = {}
        self._gate_of = gate_of
        self.memory = DeskMemory(config.quality, gate_of)
        self.scoring = scoring or Scoring(config.reflection)
        self.orders = WorkingOrders()
        self.last: RiskReply | None = None
        self.equity = ZERO
        """The account's value in quote, as of the last ruling that was written; 0 before the first."""
        self.lease: tuple[int, int] = (0, 0)
        self.doubtful: set[str] = set()
        """Orders of which it is not known whether the connector heard: to be sent again."""
        self._quotes: dict[str, Mapping[str, Quote]] = {}
        self._silent: set[str] = set()

    @property
    def quotes(self) -> Quotes:
        """The venues' best prices as of their last replies."""
        return self._quotes

    @property
    def head(self) -> str:
        """The last commit."""
        return self._head

    async def load(self) -> None:
        """Take the journal's word for everything."""
        journal = self.ports.journal
        self._head = await journal.head()
        risk = await journal.snapshot(RISK_OWNER)
        self._risk_label = risk.commit_id
        if risk.payload:
            state = decode(risk.payload)
            self.equity = state.total().equity(state.marks)
        for plan in self.config.venues:
            self._venue_labels[plan.name] = (await journal.snapshot(venue_owner(plan.name))).commit_id
        snapshot = await journal.snapshot("desk")
        self.memory = DeskMemory(self.config.quality, self._gate_of)
        self.memory.restore(snapshot.payload)
        self.scoring.restore((await journal.snapshot(CALIBRATION_OWNER)).payload)
        orders = await journal.open_orders()
        traded = [o.intent.client_order_id for o in orders if o.filled_quantity]
        self.orders = WorkingOrders(orders, await journal.trade_ids(traded) if traded else ())
        own = [o for o in orders if o.intent.origin is not Origin.EXTERNAL]
        self.doubtful = {o.intent.client_order_id for o in own if o.status in UNANSWERED}
        self.memory.uncancelled &= {o.intent.client_order_id for o in orders}
        self._silent = set()

    def named(self, kind: str, what: str = "") -> str:
        """A step's name that is a function of the head: the same until something is written, never used twice."""
        return "-".join(filter(None, (kind, what, hashlib.blake2b(self._head.encode(), digest_size=8).hexdigest())))

    def listens(self, venue: str) -> bool:
        """Whether the venue answered when it was asked last."""
        return venue not in self._silent

    def has_questions(self, venue: str) -> bool:
        """Whether the venue is to be asked although it tells nothing: it was silent, or an order there is to be sent
        or ended once more, because that may not have been heard."""
        if venue in self._silent:
            return True
        asked = self.doubtful | self.memory.uncancelled
        return bool(asked) and any(o.intent.client_order_id in asked for o in self.orders.at(venue))

    # --- what risk is asked ---

    async def rule(self, name: str, request: RiskRequest) -> Ruled:
        """Risk's ruling on a step."""
        return await self.ports.risk.rule(Step(name, self._risk_label), request)

    def request(
        self,
        ts_ms: int,
        replies: Mapping[str, VenueReply],
        proposals: tuple[Proposal, ...] = (),
        control: ControlRecord | None = None,
    ) -> RiskRequest:
        """What risk is told of a step (`inquiry.request`)."""
        return inquiry.request(self.memory, self.orders, self._quotes, ts_ms, replies, proposals, control)

    # --- what the venues are asked ---

    async def ask(self, venue: str, name: str, method: str, *args: object) -> VenueReply:
        """A venue's answer to a step, without the trades that are booked already; an empty one where it is silent.

        One that was silent is asked nothing but `collect` until it answers that, so that nobody waits for it again.
        """
        if venue not in self.ports.venues:
            _log.warning("%s is configured no more: no %s", venue, method)
            return SILENCE
        if venue in self._silent and method != "collect":
            return SILENCE
        epoch, until_ms = self.lease
        step = Step(name, self._venue_labels[venue], epoch, until_ms)
        try:
            reply: VenueReply = await getattr(self.ports.venues[venue], method)(step, *args)
        except _SILENT as error:
            if not self.config.plan(venue).real:
                raise
            _log.warning("%s: %s was not answered: %s", venue, method, error)
            self._silent.add(venue)
            self._quotes.pop(venue, None)
            return SILENCE
        self._silent.discard(venue)
        if reply.quotes:
            self._quotes[venue] = {**self._quotes.get(venue, {}), **reply.quotes}
        return await self._fresh(reply)

    async def ask_all(self, name: str, method: str, work: Mapping[str, Sequence[object]]) -> dict[str, VenueReply]:
        """Several venues' answers to a step, asked at once: none waits for another. `work`: the arguments by venue."""
        replies: dict[str, VenueReply] = {}
        if len(work) == 1:
            for venue, arguments in work.items():
                replies[venue] = await self.ask(venue, name, method, *arguments)
            return replies

        async def ask(venues: Sequence[str]) -> None:
            if len(venues) == 1:
                replies[venues[0]] = await self.ask(venues[0], name, method, *work[venues[0]])
            elif venues:
                half = len(venues) // 2
                await self.ports.together(ask(venues[:half]), ask(venues[half:]))

        await ask(tuple(work))
        return {venue: replies[venue] for venue in work}

    async def _fresh(self, reply: VenueReply) -> VenueReply:
        if not reply.events and not reply.adopted:
            return reply
        adopted = tuple(o for o in reply.adopted if self.orders.find(o.intent.client_order_id) is None)
        own = {o.intent.client_order_id for o in adopted}
        late = {
            e.client_order_id
            for e in reply.events
            if isinstance(e, Fill) and e.client_order_id not in own and self.orders.find(e.client_order_id) is None
        }
        known: frozenset[Trade] = frozenset()
        if late:
            known = await self.ports.journal.trade_ids(sorted(late))
        events = self.orders.unbooked(reply.events, known)
        notes, strange = reply.notes, []
        for key in sorted({e.client_order_id for e in events if isinstance(e, Fill)} & late):
            order = await self.ports.journal.order(key)
            if order is None:
                strange.append(key)
            else:
                self.orders.reopen(order)
        if strange:
            events = tuple(e for e in events if e.client_order_id not in strange)
            notes += (AuditRecord(self.memory.clock_ms, UNKNOWN_TRADE, ",".join(strange)[:200], "booked nowhere"),)
        events, odd = self.orders.possible(events, {o.intent.client_order_id: o for o in adopted})
        return VenueReply(events, reply.snapshot, adopted, reply.quotes, (*notes, *odd))

    async def submit(self, name: str, ts_ms: int, approved: Sequence[Approved], again: bool = False) -> None:
        """Send orders that are written as sent, and write what the venues answer."""
        venues = dict.fromkeys(a.intent.venue for a in approved)
        batches = {venue: tuple(a for a in approved if a.intent.venue == venue) for venue in venues}
        last = (True,) if again else ()
        replies = await self.ask_all(name, "submit", {venue: (batch, *last) for venue, batch in batches.items()})
        for venue, reply in replies.items():
            told = {e.client_order_id for e in reply.events}
            silent = [key for a in batches[venue] if (key := a.intent.client_order_id) not in told]
            if silent and self.config.plan(venue).real:
                self.doubtful.update(silent)
                unsure = tuple(OrderUpdate(key, OrderStatus.UNKNOWN, ts_ms, "no answer yet") for key in silent)
                replies[venue] = replace(reply, events=(*reply.events, *unsure))
        if all(map(inquiry.changes_no_account, replies.values())):
            await self._acknowledge(name, replies)
        else:
            await self.settle(name, ts_ms, replies)

    async def _acknowledge(self, name: str, replies: Mapping[str, VenueReply]) -> None:
        """Write that venues took what was sent: it moves no account and frees nothing, so risk is not asked."""
        answers = replies.values()
        events = [event for reply in answers for event in reply.events]
        taken = {venue: r.snapshot for venue, r in replies.items() if r.snapshot is not None}
        entries = (*await self._moved(events), *[note for reply in answers for note in reply.notes])
        if (entries or taken) and await self.commit(name, entries, tuple(taken.values())):
            self._venue_labels.update(dict.fromkeys(taken, name))

    async def cancel(self, name: str, ts_ms: int, orders: Sequence[Order]) -> None:
        """Have orders ended, and write what the venues answer."""
        venues = dict.fromkeys(order.intent.venue for order in orders)
        ids = {v: tuple(o.intent.client_order_id for o in orders if o.intent.venue == v) for v in venues}
        replies = await self.ask_all(name, "cancel", {venue: (ids[venue], ts_ms) for venue in venues})
        for venue, reply in replies.items():
            if reply is SILENCE:
                replies[venue] = self._unheard(venue, ids[venue], ts_ms)
            else:
                self.memory.uncancelled.difference_update(ids[venue])
        await self.settle(name, ts_ms, replies)

    def _unheard(self, venue: str, ids: Sequence[str], ts_ms: int) -> VenueReply:
        """A cancel met silence: it is asked again until it is heard, after a restart as well."""
        fresh = [key for key in ids if key not in self.memory.uncancelled]
        self.memory.uncancelled.update(fresh)
        note = AuditRecord(ts_ms, "cancel_unheard", venue, ", ".join(fresh)[:200], len(fresh))
        return VenueReply((), notes=(note,)) if fresh else SILENCE

    async def finish(self, orders: Sequence[Order], ts_ms: int | None = None) -> None:
        """Say again what may not have been heard. An order that was written as sent, but of which no answer is
        recorded, is sent again, looked up before; a desk that was halted meanwhile has it ended instead."""
        for order in orders:
            key, at_ms = order.intent.client_order_id, order.updated_ms if ts_ms is None else ts_ms
            unheard = key in self.memory.uncancelled
            unsent = key in self.doubtful and order.status in UNANSWERED
            if unheard or (unsent and self.memory.halted):
                await self.cancel(self.named("unsent", key), at_ms, (order,))
            elif unsent:
                self.doubtful.discard(key)
                await self.submit(self.named("resend", key), at_ms, (reissue(order),), again=True)

    # --- how it is written ---

    async def settle(self, name: str, ts_ms: int, replies: Mapping[str, VenueReply]) -> None:
        """Write what the venues answered: orders, fills, and the account after them. Nothing where nothing was said."""
        if not any(r.events or r.adopted or r.notes or r.snapshot for r in replies.values()):
            return
        ruled = await self.rule(name, self.request(ts_ms, replies))
        await self.write(name, (), replies, ruled, ts_ms)

    async def write(
        self,
        name: str,
        entries: tuple[Entry, ...],
        replies: Mapping[str, VenueReply],
        ruled: Ruled,
        ts_ms: int,
        snapshots: tuple[Snapshot, ...] = (),
    ) -> tuple[Approved, ...] | None:
        """Commit a step: what led to it, what the venues did, what risk ruled. Returns the orders to be sent now; None
        where a step of that name was written before, so that nothing of this one counts."""
        reply, answers = ruled.reply, replies.values()
        approved = tuple([r for r in reply.rulings if isinstance(r, Approved)])
        denied = [denied_order(r, ts_ms) for r in reply.rulings if isinstance(r, Denied)]
        adopted = [o for r in answers for o in r.adopted if self.orders.adopt(o)]
        events = [e for r in answers for e in r.events]
        moved = await self._moved(events) if events else ()
        for each in approved if self.memory.brackets else ():
            self.memory.brackets = exits.handed_over(self.memory.brackets, each.intent, self.orders.find)
        notes = [note for r in answers for note in r.notes]
        sent = [self.orders.sent(a, ts_ms) for a in approved]
        self.memory.halted = reply.equity.state is TradingState.HALTED
        called_off = self.memory.call_off(ts_ms) if self.memory.halted else ()
        taken = {venue: r.snapshot for venue, r in replies.items() if r.snapshot is not None}
        written = await self.commit(
            name,
            (*entries, *adopted, *moved, *notes, *called_off, *sent, *denied, *reply.changes, reply.equity),
            (ruled.snapshot, *taken.values(), *snapshots),
        )
        if not written:
            return None
        self._risk_label = name
        self._venue_labels.update(dict.fromkeys(taken, name))
        self.last = reply
        self.equity = reply.equity.equity
        return approved

    async def commit(self, name: str, entries: tuple[Entry, ...], snapshots: tuple[Snapshot, ...]) -> bool:
        """Append one commit with the desk's own memory; False where one of that name was written before. Then nothing
        of this one was, and everything is taken from the journal anew."""
        if self.ports.snapshots:
            snapshots = (*snapshots, self.memory.encode())
        commit = Commit(name, self._head, entries, snapshots)
        self._head = await self.ports.journal.commit((commit,))
        if self._head != name:
            _log.info("%s was written before", name)
            await self.load()
            return False
        self._kept(commit)
        return True

    async def _moved(self, events: Sequence[VenueEvent]) -> tuple[Entry, ...]:
        """Fills, charges, changed orders, and the signals behind them; brackets move along."""
        fills = tuple([event for event in events if isinstance(event, Fill)])
        charges = tuple([event for event in events if isinstance(event, Charge)])
        origins = {f.client_order_id: order for f in fills if (order := self.orders.find(f.client_order_id))}
        changed = self.orders.after(events)
        for fill in fills if self.memory.brackets else ():
            self.memory.brackets = exits.traded(self.memory.brackets, fill, origins[fill.client_order_id].intent)
        signals: dict[str, SignalRecord] = {}
        for order in changed:
            if self.memory.brackets:
                self.memory.brackets = exits.settled(self.memory.brackets, order, self.orders.find)
            self._answered(order)
            if order.intent.origin in (Origin.SIGNAL, Origin.EXIT) and not proposals.is_of_decision(order.intent):
                record = await self._signal_of(order, signals)
                others = await self._others(record, order, changed)
                signals[record.signal_id] = proposals.signal_moved(record, order, others)
        return (*fills, *charges, *changed, *signals.values())

    def _answered(self, order: Order) -> None:
        if order.status not in UNANSWERED:
            self.doubtful.discard(order.intent.client_order_id)
        if order.status in TERMINAL:
            self.memory.uncancelled.discard(order.intent.client_order_id)

    async def _signal_of(self, order: Order, moved: Mapping[str, SignalRecord]) -> SignalRecord:
        key = order.intent.origin_id
        record = moved.get(key) or await self.ports.journal.signal(key)
        if record is None:
            raise InvariantError(f"order {order.intent.client_order_id} has no recorded signal")
        return record

    async def _others(self, record: SignalRecord, order: Order, changed: Sequence[Order]) -> list[Order]:
        """The other orders that the signal itself asked for, as they stand; most signals have one order alone."""
        if order.intent.origin is not Origin.SIGNAL or not (record.signal.oco or len(record.client_order_ids) > 1):
            return []
        now = {o.intent.client_order_id: o for o in changed}
        found = []
        for key in record.client_order_ids:
            other = now.get(key) or self.orders.find(key) or await self.ports.journal.order(key)
            if other is not None and other.intent.origin is Origin.SIGNAL and key != order.intent.client_order_id:
                found.append(other)
        return found
