"""The desk: the only writer of the journal, and the order in which the rooms are asked.

A step is: ask (minds, venues, risk), write, and only then act (`steps`). Every question carries the commit that it
builds on, so that a desk that died anywhere starts again at the head of the journal and asks the same questions.

All commits are made under one lock: a signal and a bar never pass a limit together. A step that breaks half-way leaves
a memory that is not the journal's: nothing more is done before `recover`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from fks_actors.desk import advice, exits, proposals
from fks_actors.desk.config import DeskConfig
from fks_actors.desk.data_quality import Flagged, GateOf, fresh_gate
from fks_actors.desk.follow_up import FollowUp
from fks_actors.desk.ports import Briefing, DeskPorts, VenueReply
from fks_actors.desk.routing import route, venues_for
from fks_actors.desk.scoring import Scoring
from fks_actors.desk.sight import with_seen
from fks_actors.desk.state import Change
from fks_actors.desk.steps import SILENCE, Steps
from fks_actors.desk.turn import Turn, Whole
from fks_actors.errors import InvariantError
from fks_actors.journal.recorded import bar_step
from fks_actors.market.health import Report
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import ZERO, Approved, Order, OrderType, Refusal, Side
from fks_actors.model.records import (
    AuditRecord,
    Commit,
    ControlRecord,
    CycleRecord,
    Entry,
    Proposal,
    RunRecord,
    Signal,
    SignalRecord,
    SignalStatus,
    TradingState,
)
from fks_actors.model.votes import Action, Verdict
from fks_actors.risk.messages import RiskReply

Met = Mapping[str, VenueReply]
"""What venues answered, by name."""

Cycles = tuple[CycleRecord, ...]

_CENT = Decimal("0.01")


class Desk:
    """Runs cycles, signals and controls against its ports. Call `recover` first, and after any error: until then every
    step raises JournalConflict.

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
        kept: Callable[[Commit], None] = lambda _: None,
        gate_of: GateOf = fresh_gate,
        scoring: Scoring | None = None,
    ) -> None:
        self._ports = ports
        self._config = config
        self._lock = asyncio.Lock()
        self._steps = Steps(ports, config, kept, gate_of, scoring)
        self._follow_up = FollowUp(self._steps)
        self._collected = 0
        self._whole = Whole()

    # --- what others ask of it ---

    @property
    def last_bar_ms(self) -> dict[str, int]:
        """Open time of the last bar taken in, by symbol."""
        return dict(self._steps.memory.last_bar_ms)

    @property
    def inbox_cursor(self) -> int:
        """The last signal taken from the inbox."""
        return self._steps.memory.inbox_cursor

    @property
    def clock_ms(self) -> int:
        """The newest instant the desk has seen: the close of the last bar."""
        return self._steps.memory.clock_ms

    @property
    def trading(self) -> TradingState | None:
        """The trading state as of the last ruling, None before the first."""
        last = self._steps.last
        return last.equity.state if last else None

    @property
    def last_reply(self) -> RiskReply | None:
        """Risk's last answer."""
        return self._steps.last

    @property
    def open_orders(self) -> tuple[Order, ...]:
        """The orders that have not ended."""
        return self._steps.orders.all()

    @property
    def scoring(self) -> Scoring:
        """How well the minds' votes fitted what happened, and what they weigh for that."""
        return self._steps.scoring

    def holds(self, epoch: int, until_ms: int) -> None:
        """Take note of the lease: every question to a real venue carries it from here on."""
        self._steps.lease = (epoch, until_ms)

    @property
    def halted(self) -> bool:
        """Whether trading is halted, as the journal has it."""
        return self._steps.memory.halted

    @property
    def lease(self) -> tuple[int, int]:
        """Epoch and end (UTC ms) of the lease that the steps carry; (0, 0) before the first."""
        return self._steps.lease

    def quality(self, now_ms: int) -> Report:
        """How the sources of prices stand at an instant."""
        return self._steps.memory.data.report(now_ms)

    def listens(self, venue: str) -> bool:
        """Whether the venue answered when it was asked last."""
        return self._steps.listens(venue)

    def has_questions(self, venue: str) -> bool:
        """Whether the venue is to be asked something again that it may not have heard."""
        return self._steps.has_questions(venue)

    def briefing(self, batch: BarBatch) -> Briefing:
        """What the minds are told with the batch, as things stand."""
        memory, weights = self._steps.memory, self._steps.scoring.weights
        heard = tuple(vote for c in batch.candles for vote in memory.heard(c.symbol, batch.ts_ms))
        stakes = {c.symbol: self._stake(c.symbol) for c in batch.candles}
        return Briefing(dict(memory.last_bar_ms), heard, weights, stakes)

    async def recover(self) -> None:
        """Take the journal's word for everything, then finish what was written but not yet done."""
        async with self._turn(again=True):
            steps = self._steps
            await steps.load()
            await steps.finish(steps.orders.all())
            await self._follow_up.run(steps.memory.clock_ms)

    async def begin(self, run: RunRecord) -> None:
        """Record a start of the desk; what it trades no more is forgotten."""
        async with self._turn():
            self._steps.memory.data.keep(run.symbols)
            await self._steps.commit(f"run-{run.run_id}", (run,), ())

    async def learn(self, batches: Sequence[BarBatch]) -> None:
        """Take history in: bars are recorded and observed, nothing is decided."""
        async with self._turn():
            memory = self._steps.memory
            fresh = [batch for b in batches if (batch := memory.unseen(b)).candles]
            if not fresh:
                return
            snapshots = await self._ports.minds.learn(fresh, memory.last_bar_ms)
            for batch in fresh:
                memory.note(batch)
                known = self._steps.scoring.note(batch)
            name = f"history-{bar_step(fresh[0])}-{fresh[-1].ts_ms}"
            await self._steps.commit(name, tuple(fresh), (*snapshots, known))

    async def run_cycle(self, batch: BarBatch, now_ms: int | None = None, met: Met | None = None) -> Cycles:
        """One bar of every symbol in the batch: deliberate, rule, write, act. Returns what was recorded.

        `now_ms`: the wall clock of a live desk; without it the bars came when they closed. `met`: what the venues made
        of the batch, where they were asked before (`meet`). A batch that was already taken in returns nothing.
        """
        async with self._turn():
            steps, memory = self._steps, self._steps.memory
            batch = memory.unseen(batch)
            if not batch.candles:
                return ()
            name, ts_ms = bar_step(batch), batch.close_ms
            deliberation = self._ports.minds.deliberate(batch, self.briefing(batch))
            if met is None:
                said, replies = await self._ports.together(deliberation, self._advance(name, batch))
            else:
                said, replies = await deliberation, met
            flags = memory.note(batch, steps.quotes, now_ms)
            known = steps.scoring.note(batch, said.ballots)
            verdicts = {verdict.symbol: verdict for verdict in said.verdicts}
            proposed = exits.guarded(self._proposed(batch, verdicts), said.ballots, self._config.asmbtr)
            ruled = await steps.rule(name, steps.request(ts_ms, replies, proposals=proposed))
            rulings = proposals.by_symbol(proposed, self._follow_up.decided(proposed, ruled.reply.rulings))
            cycles = with_seen(proposals.cycle_records(batch, said, rulings, flags), steps.quotes, now_ms)
            answered = await advice.answered(memory.take_advice(verdicts), cycles, self._ports.journal)
            entries: tuple[Entry, ...] = (batch, *cycles, *answered, *memory.data.turned(ts_ms))
            approved = await steps.write(name, entries, replies, ruled, ts_ms, (*said.snapshots, known))
            await self._act(name, ts_ms, approved or ())
            return cycles

    @property
    def idle(self) -> bool:
        """Whether no order works, nothing is still to be done, and nothing speaks against the data."""
        return not len(self._steps.orders) and self._steps.memory.idle

    @property
    def waits(self) -> bool:
        """Whether orders work, and nothing else is to be done."""
        return len(self._steps.orders) > 0 and self._steps.memory.idle

    async def meet(self, batch: BarBatch) -> Met:
        """What paper venues make of a batch, all of it plausible, that `run_cycle` or `settle` is told of next."""
        async with self._turn():
            work = {plan.name: (batch,) for plan in self._config.venues}
            return await self._steps.ask_all(bar_step(batch), "advance", work)

    def ends_all(self, met: Met) -> bool:
        """Whether no order works any more after this."""
        return self._steps.orders.all_end([event for reply in met.values() for event in reply.events])

    async def settle(self, batch: BarBatch, met: Met, flagged: Flagged) -> None:
        """Take in a batch at which orders met the market, and nothing else is to be done (`pass_over`)."""
        async with self._turn():
            self._steps.memory.pass_over(batch, 1, flagged)
            await self._steps.settle(bar_step(batch), batch.close_ms, met)
            await self._follow_up.run(batch.close_ms)

    def pass_over(self, last: BarBatch, batches: int, equity: Decimal, flagged: Flagged) -> None:
        """Move an idle desk on to `last`, the end of that many batches at which nothing is to be done.

        They are whole: a bar of each symbol, none missing or implausible, no flag (`flagged`) that could make a source
        fail; and risk has nothing to say of them. `equity` is the account's value at the end."""
        self._steps.memory.pass_over(last, batches, flagged)
        self._steps.equity = equity

    async def run_signal(self, cursor: int, signal: Signal, ts_ms: int) -> SignalRecord:
        """One alert: propose, rule, write, act. `ts_ms` is the desk's time. Returns what was recorded."""
        async with self._turn():
            steps, memory = self._steps, self._steps.memory
            name = f"signal-{signal.signal_id}"
            if signal.advisory:
                record = advice.taken(memory, signal, ts_ms)
                memory.inbox_cursor = cursor
                if not await steps.commit(name, (record,), ()):
                    await self._pass_over(cursor, signal)
                return record
            await self._look_round(signal, ts_ms)
            proposed = self._asked(signal, ts_ms)
            try:
                ruled = await steps.rule(name, steps.request(ts_ms, {}, proposals=proposed))
            except InvariantError as error:
                return await self._set_aside(cursor, signal, ts_ms, error)
            rulings = ruled.reply.rulings
            record = proposals.signal_record(signal, rulings, ts_ms)
            memory.inbox_cursor = cursor
            self._follow_up.begin(signal, rulings)
            approved = await steps.write(name, (record,), {}, ruled, ts_ms)
            if approved is None:
                await self._pass_over(cursor, signal)
            await self._act(name, ts_ms, approved or ())
            return await self._ports.journal.signal(signal.signal_id) or record

    async def control(self, control_id: str, record: ControlRecord) -> RiskReply:
        """An operator's word. A halt also cancels what still works; all that comes of it is done when it returns. One
        that was given before, under the same id, changes nothing: the answer tells how things stand."""
        async with self._turn():
            steps = self._steps
            name = f"control-{control_id}"
            ruled = await steps.rule(name, steps.request(record.ts_ms, {}, control=record))
            self._follow_up.try_again()
            if await steps.write(name, (), {}, ruled, record.ts_ms) is None:
                ruled = await steps.rule(steps.named(name), steps.request(record.ts_ms, {}))
            await self._act(name, record.ts_ms, ())
            return ruled.reply

    async def collect(self, venue: str, ts_ms: int) -> None:
        """Take in what happened at a real venue, and ask again about orders of unknown outcome."""
        async with self._turn():
            await self._collect((venue,), ts_ms)

    async def cancel(self, request_id: str, client_order_ids: Sequence[str], ts_ms: int) -> tuple[Order, ...]:
        """An operator ends working orders; returns them as they stood. Exits that are cancelled are not made anew."""
        async with self._turn():
            orders = tuple(order for key in client_order_ids if (order := self._steps.orders.find(key)))
            self._follow_up.release(orders)
            if orders:
                await self._steps.cancel(self._steps.named("cancel", request_id), ts_ms, orders)
                await self._follow_up.run(ts_ms)
            return orders

    async def replace(self, request_id: str, client_order_id: str, change: Change, ts_ms: int) -> Order | None:
        """An operator changes a working order's price or quantity: it is cancelled, then a new one is proposed.

        Returns the order as it stood, None where it does not work.
        """
        async with self._turn():
            order = self._steps.orders.find(client_order_id)
            if order is None:
                return None
            lost = self._follow_up.change(order, change)
            await self._steps.cancel(self._steps.named("replace", request_id), ts_ms, lost)
            await self._follow_up.run(ts_ms)
            return order

    async def audit(self, request_id: str, records: Sequence[AuditRecord]) -> None:
        """Write security events down."""
        async with self._turn():
            await self._steps.commit(f"audit-{request_id}", tuple(records), ())

    # --- how ---

    def _turn(self, again: bool = False) -> Turn:
        """One step at a time, and none on what a broken one left behind; `again` begins anew."""
        return Turn(self._lock, self._whole, again)

    async def _pass_over(self, cursor: int, signal: Signal) -> None:
        """A signal that was dealt with before: only the cursor moves."""
        self._steps.memory.inbox_cursor = cursor
        await self._steps.commit(self._steps.named("passed", signal.signal_id), (), ())

    async def _set_aside(self, cursor: int, signal: Signal, ts_ms: int, error: InvariantError) -> SignalRecord:
        """A signal on which risk cannot rule: one that was dealt with before, or one that must not stop the others."""
        known = await self._ports.journal.signal(signal.signal_id)
        if known is not None:
            await self._pass_over(cursor, signal)
            return known
        refusal = Refusal("fault", "risk cannot rule on it", str(error)[:200])
        record = SignalRecord(signal.signal_id, ts_ms, SignalStatus.DENIED, signal, (), (refusal,))
        note = AuditRecord(ts_ms, "signal_fault", signal.signal_id, str(error)[:200])
        self._steps.memory.inbox_cursor = cursor
        await self._steps.commit(f"signal-{signal.signal_id}", (record, note), ())
        return record

    async def _advance(self, name: str, batch: BarBatch) -> Met:
        believed = self._steps.memory.data.believed(batch, self._steps.quotes)
        told = {plan.name: (batch if plan.real else believed,) for plan in self._config.venues}
        return await self._steps.ask_all(name, "advance", told)

    async def _act(self, name: str, ts_ms: int, approved: Sequence[Approved]) -> None:
        if approved:
            await self._steps.submit(f"ack-{name}", ts_ms, approved)
        await self._follow_up.run(ts_ms)

    async def _collect(self, venues: Sequence[str], ts_ms: int) -> None:
        steps = self._steps
        # asked anew each time: an empty answer changes nothing, so it must not be taken for the answer to all later
        self._collected += 1
        name = steps.named("collect", f"{'-'.join(venues)}-{self._collected}")
        replies = await steps.ask_all(name, "collect", dict.fromkeys(venues, ()))
        await steps.settle(name, ts_ms, replies)
        for venue, reply in replies.items():
            if reply is not SILENCE:
                await steps.finish(steps.orders.at(venue), ts_ms)
        await self._follow_up.run(ts_ms)

    async def _look_round(self, signal: Signal, ts_ms: int) -> None:
        """Hear the venues' prices before an order that goes to the best of them is proposed."""
        if not self._config.best_price or signal.exchange or signal.order_type is not OrderType.MARKET:
            return
        venues = venues_for(self._config, signal.symbol)
        real = [v for v in venues if self._config.plan(v).real and self._steps.listens(v)]
        if len(venues) > 1 and real:
            await self._collect(real, ts_ms)

    def _stake(self, symbol: str) -> Decimal:
        """What a verdict on the symbol could move: the largest order that the cap allows, to the cent.

        It is the journal's word, so that a desk that starts again tells the minds the same.
        """
        return (self._steps.equity * self._config.per_trade_pct / 100).quantize(_CENT)

    def _proposed(self, batch: BarBatch, verdicts: dict[str, Verdict]) -> tuple[Proposal, ...]:
        steps, candles = self._steps, {candle.symbol: candle for candle in batch.candles}
        found: list[Proposal] = []
        for symbol, verdict in verdicts.items():
            side = Side.SELL if verdict.action is Action.SELL else Side.BUY
            venues = route(self._config, symbol, side, OrderType.MARKET, "", steps.quotes, batch.close_ms)
            volatility = steps.memory.volatility(symbol)
            found += proposals.from_verdict(verdict, candles[symbol], batch.close_ms, venues, volatility)
        return tuple(found)

    def _asked(self, signal: Signal, ts_ms: int) -> tuple[Proposal, ...]:
        steps = self._steps
        venues = route(
            self._config, signal.symbol, signal.side, signal.order_type, signal.exchange, steps.quotes, ts_ms
        )
        venues = venues or (signal.exchange or self._config.default,)  # risk denies what no venue trades
        market = steps.memory.marks.get(signal.symbol, ZERO)
        return proposals.from_signal(signal, market, ts_ms, venues, steps.memory.volatility(signal.symbol))
