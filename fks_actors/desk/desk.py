"""The desk: the only writer of the journal, and the order in which the rooms are asked.

A step is: ask (minds, venue, risk), write, and only then act. Intent and approval of an order are durable before the
venue hears of it; what the venue answers is a step of its own. Every question carries the commit that it builds on, so
that a desk that died anywhere starts again at the head of the journal and asks the same questions.

All commits are made under one lock: a signal and a bar never pass a limit together.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence

from fks_actors.desk import proposals
from fks_actors.desk.config import DeskConfig
from fks_actors.desk.lineage import Step
from fks_actors.desk.ports import DeskPorts, Ruled, VenueReply
from fks_actors.desk.state import OWNER, DeskMemory
from fks_actors.desk.working import WorkingOrders, denied_order
from fks_actors.errors import InvariantError
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import ZERO, Approved, Denied, Fill, Order, OrderStatus, OrderUpdate, Origin, VenueEvent
from fks_actors.model.records import (
    Commit,
    ControlRecord,
    CycleRecord,
    Entry,
    RunRecord,
    Signal,
    SignalRecord,
    Snapshot,
    TradingState,
)
from fks_actors.risk.messages import RiskReply, RiskRequest
from fks_actors.risk.rulings import reissue

RISK_OWNER = "risk"
"""Risk's name in the journal's snapshots."""

_UNANSWERED = frozenset({OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})


class Desk:
    """Runs cycles, signals and controls against its ports. Call `recover` first, and after any error.

    Args:
        ports: what it reaches.
        config: what it was told.
        kept: hears of every commit once it is durable.
    """

    def __init__(self, ports: DeskPorts, config: DeskConfig, kept: Callable[[Commit], None] = lambda _: None) -> None:
        self._ports = ports
        self._config = config
        self._kept = kept
        self._lock = asyncio.Lock()
        self._head = ""
        self._risk_label = ""
        self._venue_label = ""
        self._memory = DeskMemory(config.quality)
        self._orders = WorkingOrders()
        self._last: RiskReply | None = None

    # --- what others ask of it ---

    @property
    def last_bar_ms(self) -> dict[str, int]:
        """Open time of the last bar taken in, by symbol."""
        return dict(self._memory.last_bar_ms)

    @property
    def inbox_cursor(self) -> int:
        """The last signal taken from the inbox."""
        return self._memory.inbox_cursor

    @property
    def clock_ms(self) -> int:
        """The newest instant the desk has seen: the close of the last bar."""
        return self._memory.clock_ms

    @property
    def trading(self) -> TradingState | None:
        """The trading state as of the last ruling, None before the first."""
        return self._last.equity.state if self._last else None

    @property
    def last_reply(self) -> RiskReply | None:
        """Risk's last answer."""
        return self._last

    @property
    def open_orders(self) -> tuple[Order, ...]:
        """The orders that have not ended."""
        return self._orders.all()

    async def recover(self) -> None:
        """Take the journal's word for everything, then finish what was written but not yet done."""
        async with self._lock:
            journal = self._ports.journal
            self._head = await journal.head()
            self._risk_label = (await journal.snapshot(RISK_OWNER)).commit_id
            self._venue_label = (await journal.snapshot(self._config.venue_owner)).commit_id
            self._memory = DeskMemory(self._config.quality)
            self._memory.restore((await journal.snapshot(OWNER)).payload)
            self._orders = WorkingOrders(await journal.open_orders())
            await self._finish_submits()
            if self._memory.halted and len(self._orders):
                await self._cancel_all(f"cancel-after-{self._head}", self._memory.clock_ms)

    async def begin(self, run: RunRecord) -> None:
        """Record a start of the desk."""
        async with self._lock:
            await self._commit(f"run-{run.run_id}", (run,), ())

    async def learn(self, batches: Sequence[BarBatch]) -> None:
        """Take history in: bars are recorded and observed, nothing is decided."""
        async with self._lock:
            fresh = [batch for b in batches if (batch := self._memory.unseen(b)).candles]
            if not fresh:
                return
            snapshots = await self._ports.minds.learn(fresh, self._memory.last_bar_ms)
            for batch in fresh:
                self._memory.note(batch)
            await self._commit(f"history-{bar_step(fresh[0])}-{fresh[-1].ts_ms}", tuple(fresh), snapshots)

    async def run_cycle(self, batch: BarBatch) -> tuple[CycleRecord, ...]:
        """One bar of every symbol in the batch: deliberate, rule, write, act. Returns what was recorded.

        A batch that was already taken in returns nothing.
        """
        async with self._lock:
            batch = self._memory.unseen(batch)
            if not batch.candles:
                return ()
            name = bar_step(batch)
            ports, config = self._ports, self._config
            said, done = await ports.together(
                ports.minds.deliberate(batch, self._memory.last_bar_ms),
                ports.venue.advance(Step(name, self._venue_label), batch),
            )
            flags = self._memory.note(batch)
            candles = {candle.symbol: candle for candle in batch.candles}
            verdicts = {verdict.symbol: verdict for verdict in said.verdicts}
            proposed = tuple(
                proposal
                for symbol, verdict in verdicts.items()
                if (proposal := proposals.from_verdict(verdict, candles[symbol], batch.close_ms, config.venue))
            )
            request = RiskRequest(batch.close_ms, dict(self._memory.marks), done.events, proposed)
            ruled = await ports.risk.rule(Step(name, self._risk_label), request)
            rulings = dict(zip((p.symbol for p in proposed), ruled.reply.rulings, strict=True))
            cycles = proposals.cycle_records(batch, said.ballots, verdicts, rulings, flags)
            entries: tuple[Entry, ...] = (batch, *cycles)
            await self._write_and_act(name, batch.close_ms, entries, done, ruled, said.snapshots)
            return cycles

    async def run_signal(self, cursor: int, signal: Signal, ts_ms: int) -> SignalRecord:
        """One alert: propose, rule, write, act. `ts_ms` is the desk's time. Returns what was recorded."""
        async with self._lock:
            name = f"signal-{signal.signal_id}"
            market = self._memory.marks.get(signal.symbol, ZERO)
            proposal = proposals.from_signal(signal, market, ts_ms, self._config.venue)
            request = RiskRequest(ts_ms, dict(self._memory.marks), (), (proposal,))
            ruled = await self._ports.risk.rule(Step(name, self._risk_label), request)
            record = proposals.signal_record(signal, ruled.reply.rulings[0], ts_ms)
            self._memory.inbox_cursor = cursor
            await self._write_and_act(name, ts_ms, (record,), VenueReply(()), ruled)
            return await self._ports.journal.signal(signal.signal_id) or record

    async def control(self, control_id: str, record: ControlRecord) -> RiskReply:
        """An operator's word. A halt also cancels what still works."""
        async with self._lock:
            name = f"control-{control_id}"
            request = RiskRequest(record.ts_ms, dict(self._memory.marks), (), (), record)
            ruled = await self._ports.risk.rule(Step(name, self._risk_label), request)
            await self._write_and_act(name, record.ts_ms, (), VenueReply(()), ruled)
            return ruled.reply

    # --- how a step is written and acted on ---

    async def _write_and_act(
        self,
        name: str,
        ts_ms: int,
        entries: tuple[Entry, ...],
        done: VenueReply,
        ruled: Ruled,
        snapshots: tuple[Snapshot, ...] = (),
    ) -> None:
        approved = tuple(r for r in ruled.reply.rulings if isinstance(r, Approved))
        denied = tuple(denied_order(r, ts_ms) for r in ruled.reply.rulings if isinstance(r, Denied))
        moved = await self._moved(done.events)
        sent = tuple(self._orders.sent(a, ts_ms) for a in approved)
        await self._write(name, (*entries, *moved, *sent, *denied), done, ruled, snapshots)
        if approved:
            await self._submit(f"ack-{name}", ts_ms, approved)
        if any(change.state is TradingState.HALTED for change in ruled.reply.changes) and len(self._orders):
            await self._cancel_all(f"cancel-{name}", ts_ms)

    async def _submit(self, name: str, ts_ms: int, approved: Sequence[Approved]) -> None:
        reply = await self._ports.venue.submit(Step(name, self._venue_label), approved)
        await self._settle(name, ts_ms, reply)

    async def _cancel_all(self, name: str, ts_ms: int) -> None:
        ids = tuple(order.intent.client_order_id for order in self._orders.all())
        reply = await self._ports.venue.cancel(Step(name, self._venue_label), ids, ts_ms)
        await self._settle(name, ts_ms, reply)

    async def _settle(self, name: str, ts_ms: int, reply: VenueReply) -> None:
        """Write what the venue answered: orders, fills, and the account after them."""
        request = RiskRequest(ts_ms, dict(self._memory.marks), reply.events)
        ruled = await self._ports.risk.rule(Step(name, self._risk_label), request)
        await self._write(name, await self._moved(reply.events), reply, ruled)

    async def _moved(self, events: Sequence[VenueEvent]) -> tuple[Entry, ...]:
        """Fills, changed orders, and the signals behind them."""
        changed = self._orders.after(events)
        fills = tuple(event for event in events if isinstance(event, Fill))
        signals: list[SignalRecord] = []
        for order in changed:
            if order.intent.origin is Origin.SIGNAL:
                record = await self._ports.journal.signal(order.intent.origin_id)
                if record is None:
                    raise InvariantError(f"order {order.intent.client_order_id} has no recorded signal")
                signals.append(proposals.signal_moved(record, order))
        return (*fills, *changed, *signals)

    async def _write(
        self,
        name: str,
        entries: tuple[Entry, ...],
        done: VenueReply,
        ruled: Ruled,
        snapshots: tuple[Snapshot, ...] = (),
    ) -> None:
        reply = ruled.reply
        self._memory.halted = reply.equity.state is TradingState.HALTED
        venue = () if done.snapshot is None else (done.snapshot,)
        await self._commit(name, (*entries, *reply.changes, reply.equity), (ruled.snapshot, *venue, *snapshots))
        self._risk_label = name
        self._venue_label = name if venue else self._venue_label
        self._last = reply

    async def _commit(self, name: str, entries: tuple[Entry, ...], snapshots: tuple[Snapshot, ...]) -> None:
        commit = Commit(name, self._head, entries, (*snapshots, self._memory.encode()))
        self._head = await self._ports.journal.commit((commit,))
        self._kept(commit)

    async def _finish_submits(self) -> None:
        """Orders that were written as sent but of which the venue's answer is not recorded: send them again.

        Entering is idempotent by client order id, so an order that the venue knows after all is not entered twice.
        A desk that was halted meanwhile sends nothing: a venue that follows the journal never entered such an order.
        """
        unanswered = [order for order in self._orders.all() if order.status in _UNANSWERED]
        for order in unanswered:
            if self._memory.halted:
                key, ts_ms = order.intent.client_order_id, order.updated_ms
                ended = OrderUpdate(key, OrderStatus.CANCELLED, ts_ms, "halted before it was sent")
                await self._settle(f"unsent-{key}", ts_ms, VenueReply((ended,)))
                continue
            await self._submit(f"resend-{order.intent.client_order_id}", order.updated_ms, (reissue(order),))


def bar_step(batch: BarBatch) -> str:
    """The commit id of a batch: its interval, its open time and which symbols it holds."""
    symbols = hashlib.blake2b("+".join(c.symbol for c in batch.candles).encode(), digest_size=4).hexdigest()
    return f"bar-{batch.interval_ms}-{batch.ts_ms}-{symbols}"
