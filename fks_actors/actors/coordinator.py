"""The coordinator: turns the feed's bars and the inbox's signals into steps of the desk, one after the other.

Whatever fails, it takes the journal's word and goes on from there; it never skips a bar or a signal on its own.
"""

import asyncio
import contextlib
import logging
import math
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from fks_actors.actors import names
from fks_actors.actors.lease import LeaseKeeper, leased
from fks_actors.actors.links import Links, remote_links
from fks_actors.actors.presence import Presence
from fks_actors.actors.quality_watch import QualityWatch
from fks_actors.actors.sentinel import Sentinel
from fks_actors.actors.tally import Tally
from fks_actors.actors.together import concurrently, flat
from fks_actors.actors.wiring import CoordinatorConfig
from fks_actors.adapters.sql import SqlInbox
from fks_actors.desk.config import VenuePlan
from fks_actors.desk.desk import Desk
from fks_actors.desk.ports import DeskPorts
from fks_actors.desk.state import Change
from fks_actors.errors import ActorUnavailable, DataError, Fenced, FksError, JournalConflict, VenueUnavailable
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import Order
from fks_actors.model.records import (
    AuditRecord,
    ControlRecord,
    RunRecord,
    SignalRecord,
    SignalStatus,
    TradingState,
)

T = TypeVar("T")
_log = logging.getLogger(__name__)

_NEWS_S = 2.0
_SILENT_BARS = 3
_BATCHES = 64
_CHUNK = 16
_SIGNALS = 100
_WAIT_S = 1.0
_FIRST_PAUSE_S, _MAX_PAUSE_S, _STANDBY_S = 0.1, 10.0, 1.0
_STEADY_S = 1.0
_LOOK_S = 1.0
_STATE_S = 2.0
_AGAIN_S = 0.1
_STALE_MS = 300_000
_STALE_BARS = 2


class CoordinatorActor(Presence):
    """Drives the desk."""

    def __init__(self, config: CoordinatorConfig, run: RunRecord, links: Links | None = None) -> None:
        """`links`: whom it talks to; by default the actors of its cluster."""
        super().__init__(names.COORDINATOR)
        self._config = config
        self._run_record = run
        links = links or remote_links(config)
        self._feed, self._journal, self._connectors = links.feed, links.journal, links.connectors
        self._council = links.council
        self._lease = LeaseKeeper(self._journal, config.lease_ttl_s, self._holds)
        journal = leased(self._journal, self._lease)
        ports = DeskPorts(self._council, links.risk, self._connectors, journal, concurrently)
        self._tally = Tally(self.telemetry)
        self._desk = Desk(ports, config.desk, self._tally.commit)
        self._inbox = SqlInbox(config.inbox_url, config.replay_window_ms, _now_ms)
        self._woken = asyncio.Event()
        self._ready = asyncio.Event()
        self._working = asyncio.Event()
        self._upset = asyncio.Event()
        self._finished: dict[str, asyncio.Event] = {}
        self._feed_info: dict[str, Any] = {}
        self._feed_ended = False
        self._trouble = self._feed_trouble = ""
        self._opened_s = math.inf
        self._last_batch: BarBatch | None = None
        silent_s = max(config.dead_man_s, _SILENT_BARS * run.interval_ms / 1_000) if config.dead_man_s else 0.0
        self._sentinel = Sentinel(silent_s)
        self._quality = QualityWatch(self.telemetry, lambda: self._desk.quality(self._now_ms()))
        self._venues: dict[str, dict[str, Any]] = {}
        self._cycles = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to work; idempotent. The constructor's wrapper calls it, so a restarted actor begins by itself."""
        if not self._tasks:
            self._inbox.listen(self._woken.set)
            self._tasks = [asyncio.create_task(self._forever(), name="desk")]

    async def close(self) -> None:
        """End the work and free the lease."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._working.clear()
        self._inbox.close()
        await self._council.close()
        with contextlib.suppress(FksError):
            await self._lease.let_go()

    def _holds(self, epoch: int, until_ms: int) -> None:
        self._desk.holds(epoch, until_ms)

    # --- the loop ---

    async def _forever(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            self._opened_s = math.inf
            try:
                await self._drive()
                return
            except Exception as error:  # noqa: BLE001 (shown as trouble; a loop that died in silence would lie)
                self._working.clear()
                found = flat(error)
                self._trouble = "; ".join(f"{type(e).__name__}: {e}" for e in found)
                _log.warning("the desk pauses: %s", self._trouble)
                if time.monotonic() - self._opened_s > _STEADY_S:
                    pause = _FIRST_PAUSE_S
                await asyncio.sleep(pause)
                standby = any(isinstance(e, Fenced) for e in found)
                pause = min(2 * pause, _STANDBY_S if standby else _MAX_PAUSE_S)

    async def _drive(self) -> None:
        """Take the lease, and work as long as it is kept: it is renewed while the desk still reads, too."""
        await self._lease.take()
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(self._lease.keep())
            await self._open()
            await self._work()
            keeping.cancel()

    async def _open(self) -> None:
        self._council.forget_ahead()
        await self._desk.recover()
        self._tally.scores(self._desk.scoring.scores, self._desk.scoring.weights)
        await self._desk.begin(self._run_record)
        if not self._feed_info:
            self._feed_info = await self._feed.info()
        if not self._desk.last_bar_ms:
            await self._desk.learn(await self._feed.history())
        self._upset.clear()
        self._trouble = ""
        self._ready.set()
        self._working.set()
        self._opened_s = time.monotonic()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._bars())
            group.create_task(self._signals())
            group.create_task(self._upsets())
            group.create_task(self._watch_feed())
            group.create_task(self._quality.keep())
            for plan in self._config.desk.venues:
                if plan.real:
                    group.create_task(self._venue(plan.name))

    async def _upsets(self) -> None:
        """A step that somebody else asked for broke half-way: start again from the journal before the next one."""
        await self._upset.wait()
        raise JournalConflict("an operator's step broke; the desk starts again from the journal")

    async def _bars(self) -> None:
        while not self._feed_ended:
            await self._in_chunks(await self._next_bars())

    async def _next_bars(self) -> list[BarBatch]:
        """What the feed tells. One that fails is asked again, and does not stop the desk: it is silent meanwhile."""
        pause = _FIRST_PAUSE_S
        self._sentinel.listen(True)
        try:
            while True:
                try:
                    batches, self._feed_ended = await self._feed.next(self._desk.last_bar_ms, _BATCHES, _WAIT_S)
                except (ActorUnavailable, DataError) as error:
                    self._feed_trouble = f"the feed does not answer: {error}"
                    _log.warning("%s", self._feed_trouble)
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _MAX_PAUSE_S)
                    continue
                self._feed_trouble = ""
                if batches:
                    self._sentinel.heard()
                return batches
        finally:
            self._sentinel.listen(False)

    async def _venue(self, venue: str) -> None:
        """Take in what a real venue tells, as soon as it tells it; a silent one is asked again and holds up nothing."""
        pause, connector, told_s = _FIRST_PAUSE_S, self._connectors[venue], 0.0
        while True:
            try:
                if await connector.news(_NEWS_S, *self._desk.lease) or self._desk.has_questions(venue):
                    await self._desk.collect(venue, self._now_ms())
                if time.monotonic() - told_s > _STATE_S:
                    told_s, self._venues[venue] = time.monotonic(), await connector.state()
                pause = _FIRST_PAUSE_S
            except (ActorUnavailable, VenueUnavailable) as error:
                self._venues[venue] = {"trouble": str(error)}
                _log.warning("%s does not answer: %s", venue, error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _MAX_PAUSE_S)

    async def _watch_feed(self) -> None:
        """The dead man's switch on the feed: a live market that falls silent halts the desk."""
        every_s = min(_LOOK_S, self._sentinel.limit_s / 20)
        while self._is_live() and every_s:
            await asyncio.sleep(every_s)
            if self._sentinel.look() and not self._desk.halted:
                reason = f"no bar for {self._sentinel.silent_s:.0f} s, the limit is {self._sentinel.limit_s:.0f} s"
                record = ControlRecord(self._now_ms(), TradingState.HALTED, "dead_man", reason)
                await self._desk.control(f"dead-man-{record.ts_ms}", record)

    async def _in_chunks(self, batches: list[BarBatch]) -> None:
        """Work through bars that queue up; the minds look at the next chunk while the desk works on this one."""
        if len(batches) < 2:
            for batch in batches:
                await self._bar(batch)
            return
        chunks = [batches[i : i + _CHUNK] for i in range(0, len(batches), _CHUNK)]
        seen = self._desk.last_bar_ms
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._council.look_ahead(chunks[0], dict(seen)))
            for number, chunk in enumerate(chunks, 1):
                await looking
                seen.update((c.symbol, c.ts_ms) for batch in chunk for c in batch.candles)
                if number < len(chunks):
                    looking = group.create_task(self._council.look_ahead(chunks[number], dict(seen)))
                for batch in chunk:
                    await self._bar(batch)

    async def _bar(self, batch: BarBatch) -> None:
        late_ms = _now_ms() - batch.close_ms if self._is_live() else 0
        if late_ms > max(_STALE_MS, _STALE_BARS * batch.interval_ms):
            await self._desk.learn([batch])  # the market has moved on: remember it, do not trade on it
        else:
            start = time.perf_counter()
            records = await self._desk.run_cycle(batch, _now_ms() if self._is_live() else None)
            self._cycles += len(records)
            self._tally.decision(time.perf_counter() - start, late_ms / 1_000, tuple(r.symbol for r in records))
        self._tally.scores(self._desk.scoring.scores, self._desk.scoring.weights)
        self._last_batch = batch
        self._trouble = ""

    async def _signals(self) -> None:
        while True:
            self._woken.clear()
            waiting = await self._inbox.after_async(self._desk.inbox_cursor, _SIGNALS)
            for cursor, signal in waiting:
                record = await self._desk.run_signal(cursor, signal, self._now_ms())
                self._finish(record)
            if not waiting:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), _WAIT_S)

    def _finish(self, record: SignalRecord) -> None:
        if event := self._finished.pop(record.signal_id, None):
            event.set()

    def _now_ms(self) -> int:
        """The desk's time: the wall clock on a live feed, the newest bar's close otherwise."""
        return _now_ms() if self._is_live() else self._desk.clock_ms

    def _is_live(self) -> bool:
        return self._feed_info.get("kind") == "live"

    # --- what the edge asks ---

    async def wake(self) -> None:
        """A signal lies in the inbox."""
        self._woken.set()

    async def wait_signal(self, signal_id: str, timeout_s: float) -> dict[str, Any] | None:
        """Wait until the desk has dealt with a signal; the caller reads its outcome in the journal."""
        self._woken.set()
        event = self._finished.setdefault(signal_id, asyncio.Event())
        known = await self._journal.signal(signal_id)
        if known is not None and known.status is not SignalStatus.ACCEPTED:  # it was dealt with before we asked
            self._finished.pop(signal_id, None)
            return {"signal_id": signal_id}
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), timeout_s)
            return {"signal_id": signal_id}
        self._finished.pop(signal_id, None)
        return None

    async def decide(self, symbol: str) -> dict[str, Any]:
        """What the minds say of the last bar of `symbol`, and a debate over it, without trading."""
        batch = self._last_batch
        if batch is None or all(candle.symbol != symbol for candle in batch.candles):
            raise DataError(f"no bar of {symbol} was taken in yet; symbols: {', '.join(self._run_record.symbols)}")
        said = await self._council.explain(batch, self._desk.briefing(batch), symbol)
        debate = said.debates.get(symbol)
        if debate is not None:
            self._tally.debate(debate)
        return {
            "symbol": symbol,
            "ballots": [b for b in said.ballots if b.symbol == symbol],
            "verdict": next(v for v in said.verdicts if v.symbol == symbol),
            "debate": debate,
            "close_ms": batch.close_ms,
        }

    async def control(self, control_id: str, state: str, reason: str) -> dict[str, Any]:
        """An operator changes the trading state."""
        record = ControlRecord(self._now_ms(), TradingState(state), "operator", reason)
        reply = await self._step(lambda: self._desk.control(control_id, record))
        self._sentinel.heard()  # somebody is in charge: a feed that stays silent halts again after another limit
        return {"state": reply.equity.state, "reason": reason}

    async def cancel(self, request_id: str, client_order_ids: Sequence[str]) -> list[Order]:
        """An operator ends working orders, all of them where none is named; the orders as they stood."""
        ids = client_order_ids or tuple(order.intent.client_order_id for order in self._desk.open_orders)
        return list(await self._step(lambda: self._desk.cancel(request_id, ids, self._now_ms())))

    async def replace(self, request_id: str, client_order_id: str, change: Change) -> Order | None:
        """An operator changes a working order; the order as it stood, None where it does not work."""
        return await self._step(lambda: self._desk.replace(request_id, client_order_id, change, self._now_ms()))

    async def audit(self, records: Sequence[AuditRecord]) -> None:
        """Write security events down."""
        await self._step(lambda: self._desk.audit(uuid.uuid4().hex, records))

    async def _step(self, step: Callable[[], Awaitable[T]]) -> T:
        """A step that somebody else asks for; when it breaks half-way, the desk starts again from the journal.

        One that found the journal elsewhere than it believed is done again after that; each may be asked twice.
        """
        end = time.monotonic() + _MAX_PAUSE_S
        while True:
            await asyncio.wait_for(self._working.wait(), _MAX_PAUSE_S)
            try:
                return await step()
            except BaseException as error:
                self._upset.set()
                if not isinstance(error, JournalConflict) or time.monotonic() > end:
                    raise
            await asyncio.sleep(_AGAIN_S)

    async def status(self) -> dict[str, Any]:
        """What the desk does now."""
        return {
            "run_id": self._run_record.run_id,
            "ready": self._ready.is_set(),
            "trading": self._desk.trading,
            "feed": {**self._feed_info, "reason": self._run_record.note, "ended": self._feed_ended},
            "symbols": list(self._run_record.symbols),
            "clock_ms": self._desk.clock_ms,
            "last_bar_ms": self._desk.last_bar_ms,
            "cycles": self._cycles,
            "open_orders": len(self._desk.open_orders),
            "trouble": self._trouble or self._feed_trouble,
            "quality": self._quality.told(),
            "lease": {"held": self._lease.held(), "epoch": self._lease.epoch, "until_ms": self._lease.until_ms},
            "venues": [self._venue_status(plan) for plan in self._config.desk.venues],
        }

    def _venue_status(self, plan: VenuePlan) -> dict[str, Any]:
        said = self._venues.get(plan.name, {} if not plan.real else {"trouble": "not heard of yet"})
        trouble = str(said.get("trouble", "")) or ("" if self._desk.listens(plan.name) else "it does not answer")
        return {
            "venue": plan.name,
            "exchange": plan.exchange,
            "mode": plan.mode,
            "claims": list(plan.claims),
            "answers": not trouble,
            "breaker": str(said.get("breaker", "")),
            "streams": dict(said.get("streams", {})),
            "open_orders": sum(o.intent.venue == plan.name for o in self._desk.open_orders),
            "trouble": trouble,
        }

    def activity(self) -> str:
        """A few words on what the actor does now, for people."""
        if self._trouble:
            return f"paused: {self._trouble}"
        if self._feed_trouble:
            return self._feed_trouble
        if not self._ready.is_set():
            return "starting"
        if paused := self._quality.reason:
            return f"paused: {paused}"
        return "feed ended" if self._feed_ended else "trading"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
