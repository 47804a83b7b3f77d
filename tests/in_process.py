"""A whole desk in one process: the real rooms, plain objects in place of the actors, and ways to break them.

`Breaker` raises ActorUnavailable before or after any call between the parts, as a killed actor or a lost reply would.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fks_actors.agents.config import AgentsConfig
from fks_actors.agents.settlement import settle
from fks_actors.desk.config import DeskConfig, VenuePlan, venue_owner
from fks_actors.desk.crafts import bar_mind
from fks_actors.desk.desk import Desk
from fks_actors.desk.lineage import Lineage, Step
from fks_actors.desk.mind_keeper import MindKeeper
from fks_actors.desk.ports import Briefing, Deliberation, DeskPorts, Ruled, VenuePort, VenueReply
from fks_actors.desk.steps import RISK_OWNER
from fks_actors.errors import ActorUnavailable, JournalConflict
from fks_actors.execution.book import PaperBook
from fks_actors.execution.config import PaperConfig, default_rules
from fks_actors.execution.order_state import TERMINAL
from fks_actors.journal import lease
from fks_actors.journal.lease import FREE, IsDead, Lease, nobody_is_dead
from fks_actors.market.config import MarketConfig
from fks_actors.memory.config import MemoryConfig
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.orders import Approved, Charge, Fill, Order
from fks_actors.model.records import (
    AuditRecord,
    Commit,
    CycleRecord,
    EquityPoint,
    RunRecord,
    SignalRecord,
    Snapshot,
    SnapshotAt,
)
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.risk.codec import decode, encode
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.engine import rule
from fks_actors.risk.messages import RiskRequest, RiskState

CASH = Decimal(10_000)
BAR_MINDS = ("short_term", "mid_term", "long_term")


@dataclass
class MemoryJournal:
    """desk.ports.JournalPort and desk.mind_keeper.History in plain dictionaries."""

    chain: list[str] = field(default_factory=list)
    entries: list[Any] = field(default_factory=list)
    snapshots: dict[str, SnapshotAt] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    signals: dict[str, SignalRecord] = field(default_factory=dict)
    bars: dict[str, dict[int, Candle]] = field(default_factory=dict)
    leases: dict[str, Lease] = field(default_factory=dict)

    async def commit(self, commits: Sequence[Commit]) -> str:
        """Append."""
        for commit in commits:
            if commit.commit_id in self.chain:
                continue
            if commit.after != await self.head():
                raise JournalConflict(f"{commit.commit_id} builds on {commit.after!r}, head is {await self.head()!r}")
            self.chain.append(commit.commit_id)
            self.entries.extend(commit.entries)
            for entry in commit.entries:
                self._project(entry)
            for snapshot in commit.snapshots:
                self.snapshots[snapshot.owner] = SnapshotAt(snapshot.owner, commit.commit_id, snapshot.payload)
        return await self.head()

    def _project(self, entry: object) -> None:
        if isinstance(entry, Order):
            self.orders[entry.intent.client_order_id] = entry
        elif isinstance(entry, SignalRecord):
            self.signals[entry.signal_id] = entry
        elif isinstance(entry, BarBatch):
            for candle in entry.candles:
                self.bars.setdefault(candle.symbol, {})[candle.ts_ms] = candle

    async def head(self) -> str:
        """The last commit."""
        return self.chain[-1] if self.chain else ""

    async def snapshot(self, owner: str) -> SnapshotAt:
        """The last snapshot."""
        return self.snapshots.get(owner, SnapshotAt(owner, "", b""))

    async def candles(self, symbol: str, before_ms: int | None, limit: int) -> list[Candle]:
        """The last bars."""
        bars = self.bars.get(symbol, {})
        return [bars[t] for t in sorted(bars) if before_ms is None or t < before_ms][-limit:]

    async def last_bar_ms(self, symbols: Sequence[str]) -> dict[str, int]:
        """Each symbol's last bar."""
        return {s: max(self.bars[s]) for s in symbols if s in self.bars}

    async def open_orders(self) -> list[Order]:
        """Orders that have not ended."""
        return [order for order in self.orders.values() if order.status not in TERMINAL]

    async def order(self, client_order_id: str) -> Order | None:
        """One order."""
        return self.orders.get(client_order_id)

    async def trade_ids(self, client_order_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """(venue, trade id) of the orders' fills."""
        wanted = frozenset(client_order_ids)
        fills = (entry for entry in self.entries if isinstance(entry, Fill))
        return frozenset((f.venue, f.trade_id) for f in fills if f.client_order_id in wanted)

    async def signal(self, signal_id: str) -> SignalRecord | None:
        """What became of a signal."""
        return self.signals.get(signal_id)

    async def audit(self, limit: int) -> list[AuditRecord]:
        """The last audit records."""
        return [entry for entry in reversed(self.entries) if isinstance(entry, AuditRecord)][:limit]

    async def acquire(
        self, name: str, holder: str, now_ms: int, ttl_ms: int, is_dead: IsDead = nobody_is_dead
    ) -> Lease | None:
        """Take a lease."""
        return self._lease(name, lease.acquire(self.leases.get(name, FREE), holder, now_ms, ttl_ms, is_dead))

    async def renew(self, name: str, holder: str, epoch: int, now_ms: int, ttl_ms: int) -> Lease | None:
        """Prolong a lease."""
        return self._lease(name, lease.renew(self.leases.get(name, FREE), holder, epoch, now_ms, ttl_ms))

    async def release(self, name: str, holder: str, epoch: int) -> bool:
        """Free a lease."""
        return self._lease(name, lease.release(self.leases.get(name, FREE), holder, epoch)) is not None

    async def held(self, name: str) -> Lease:
        """A lease as it stands."""
        return self.leases.get(name, FREE)

    def _lease(self, name: str, after: Lease | None) -> Lease | None:
        if after is not None:
            self.leases[name] = after
        return after

    def story(self) -> dict[str, list[Any]]:
        """What was decided, ordered and filled, however the work was cut into commits."""
        kinds: dict[str, list[Any]] = {"cycles": [], "fills": [], "charges": [], "equity": []}
        for entry in self.entries:
            if isinstance(entry, CycleRecord):
                kinds["cycles"].append(entry)
            elif isinstance(entry, Fill):
                kinds["fills"].append(entry)
            elif isinstance(entry, Charge):
                kinds["charges"].append(entry)
        last = {e.ts_ms: e for e in self.entries if isinstance(e, EquityPoint)}
        kinds["equity"] = [last[t] for t in sorted(last)]
        kinds["orders"] = [self.orders[k] for k in sorted(self.orders)]
        kinds["signals"] = [self.signals[k] for k in sorted(self.signals)]
        return kinds


class Breaker:
    """Decides which call breaks, and whether before or after it ran. Rate 0 breaks nothing."""

    def __init__(self, seed: int, rate: float) -> None:
        self.random = random.Random(seed)
        self._rate = rate
        self.broken = 0

    async def around(self, call: Awaitable[Any], on_break: Callable[[], None]) -> Any:
        """Await `call`, or break before or after it; `on_break` is the restart of whoever was called."""
        luck = self.random.random()
        if luck < self._rate / 2:
            if asyncio.iscoroutine(call):
                call.close()
            self._break(on_break)
        answer = await call
        if luck < self._rate:
            self._break(on_break)
        return answer

    def _break(self, on_break: Callable[[], None]) -> None:
        self.broken += 1
        on_break()
        raise ActorUnavailable("broken on purpose")


class InProcessDesk:
    """One desk and the plain objects behind its ports (it is its own DeskPorts' minds, risk and venue)."""

    def __init__(
        self,
        symbols: Sequence[str],
        breaker: Breaker,
        risk: RiskConfig | None = None,
        journal: Any = None,
        real: Mapping[str, VenuePort] | None = None,
        best_price: bool = False,
        beside_paper: bool = False,
        cash: Mapping[str, Decimal] | None = None,
        exchanges: Mapping[str, str] | None = None,
        claims: Mapping[str, tuple[str, ...]] | None = None,
        default: str = "",
        agents: AgentsConfig | None = None,
        reflection: ReflectionConfig | None = None,
        council: Callable[[BarBatch], Deliberation] | None = None,
        minds: Callable[[Any], dict[str, Any]] | None = None,
        paper: PaperConfig | None = None,
    ) -> None:
        """`real` venues take the paper venue's place unless it stands `beside_paper`; `cash`, `exchanges` (other names)
        and `claims` (symbols) are by venue. A `council` speaks in the minds' place, the same each time it is asked.
        `minds` builds them from a journal; without it they are those of bars in `agents`."""
        self.journal = journal or MemoryJournal()
        self._breaker = breaker
        self._symbols = tuple(symbols)
        self._paper = paper or PaperConfig()
        self._markets = {s: default_rules(s, self._paper) for s in self._symbols}
        self._risk_config = risk or RiskConfig()
        self.real = dict(real or {})
        self._names = (*self.real, "paper") if beside_paper or not self.real else tuple(self.real)
        self._best_price = best_price
        self._cash = {name: (cash or {}).get(name, CASH) for name in self._names}
        self._exchanges, self._claims, self._default = exchanges or {}, claims or {}, default
        self._agents, self._reflection = agents or AgentsConfig(minds=BAR_MINDS), reflection or ReflectionConfig()
        self._council = council
        self._build = minds or self._bar_minds
        self._restart_minds()
        self._restart_risk()
        self._restart_venue()
        self.desk = self.new_desk()

    @property
    def venues(self) -> tuple[str, ...]:
        """Their names, the preferred one first."""
        return self._names

    def new_desk(self) -> Desk:
        """A coordinator's constructor."""
        venues: Mapping[str, Any] = {name: self.real.get(name, self) for name in self._names}
        plans = tuple(
            VenuePlan(n, self._exchanges.get(n, n), n in self.real, self._markets, self._claims.get(n, ()))
            for n in venues
        )
        default = self._default or plans[0].name
        config = DeskConfig(plans, default, self._best_price, reflection=self._reflection, asmbtr=self._agents.asmbtr)
        self.desk = Desk(DeskPorts(self, self, venues, _Journal(self), in_turn), config)
        return self.desk

    async def run(self, step: Callable[[Desk], Awaitable[Any]]) -> Any:
        """Run a step as the coordinator does: after any failure recover (sometimes in a new process) and try again."""
        while True:
            try:
                return await step(self.desk)
            except (ActorUnavailable, JournalConflict):
                await self._recovered()

    async def _recovered(self) -> None:
        while True:
            try:
                self.new_desk()
                await self.desk.recover()
                return
            except (ActorUnavailable, JournalConflict):
                continue

    # --- minds ---

    def _restart_minds(self) -> None:
        self._keepers = self._build(self.journal)

    def _bar_minds(self, journal: Any) -> dict[str, Any]:
        config = MarketConfig(), MemoryConfig(), self._agents
        return {a: MindKeeper(a, bar_mind(a, *config), journal) for a in self._agents.minds}

    async def deliberate(self, batch: BarBatch, briefing: Briefing) -> Deliberation:
        """desk.ports.Minds."""
        return await self._breaker.around(self._deliberate(batch, briefing), self._restart_minds)

    async def _deliberate(self, batch: BarBatch, briefing: Briefing) -> Deliberation:
        if self._council is not None:
            return self._council(batch)
        answers = {agent: await keeper.ask(batch, briefing.previous_ms) for agent, keeper in self._keepers.items()}
        said = {agent: ballots for agent, (ballots, _) in answers.items()}
        result = settle(batch, said, self._agents.debate, briefing.heard, briefing.weights)
        return Deliberation(result.ballots, result.verdicts, tuple(s for _, taken in answers.values() for s in taken))

    async def learn(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> tuple[Snapshot, ...]:
        """desk.ports.Minds."""
        taken = [await keeper.learn(batches, previous_ms) for keeper in self._keepers.values()]
        return tuple(snapshot for snapshots in taken for snapshot in snapshots)

    # --- risk ---

    def _restart_risk(self) -> None:
        async def load() -> tuple[str, RiskState]:
            held = await self.journal.snapshot(RISK_OWNER)
            return held.commit_id, decode(held.payload) if held.payload else RiskState.of(self._cash)

        def work(state: RiskState, request: RiskRequest, _: str) -> tuple[RiskState, Ruled]:
            after, reply = rule(state, request, self._risk_config, dict.fromkeys(self._names, self._markets))
            return after, Ruled(reply, Snapshot(RISK_OWNER, encode(after)))

        self._risk = Lineage(load, work)

    async def rule(self, step: Step, request: RiskRequest) -> Ruled:
        """desk.ports.RiskPort."""
        return await self._breaker.around(self._risk.answer(step, request), self._restart_risk)

    # --- venue ---

    def _restart_venue(self) -> None:
        owner = venue_owner("paper")

        async def load() -> tuple[str, bytes]:
            held = await self.journal.snapshot(owner)
            return held.commit_id, held.payload

        def work(state: bytes, request: tuple[str, tuple[Any, ...]], _: str) -> tuple[bytes, VenueReply]:
            method, arguments = request
            book = (
                PaperBook.restore(self._paper, self._markets, state)
                if state
                else PaperBook(self._paper, self._markets, self._cash["paper"])
            )
            events = getattr(book, method)(*arguments)
            after = book.state()
            return after, VenueReply(events, Snapshot(owner, after))

        self._venue = Lineage(load, work)

    async def advance(self, step: Step, batch: BarBatch) -> VenueReply:
        """desk.ports.VenuePort."""
        return await self._breaker.around(self._venue.answer(step, ("advance", (batch,))), self._restart_venue)

    async def submit(self, step: Step, orders: Sequence[Approved], again: bool = False) -> VenueReply:
        """desk.ports.VenuePort."""
        return await self._breaker.around(self._venue.answer(step, ("submit", (tuple(orders),))), self._restart_venue)

    async def cancel(self, step: Step, client_order_ids: Sequence[str], ts_ms: int) -> VenueReply:
        """desk.ports.VenuePort."""
        request = ("cancel", (tuple(client_order_ids), ts_ms))
        return await self._breaker.around(self._venue.answer(step, request), self._restart_venue)

    async def collect(self, step: Step) -> VenueReply:
        """desk.ports.VenuePort."""
        return VenueReply(())


class _Journal:
    """The journal behind the breaker: a commit may be lost before it lands, or its answer after."""

    def __init__(self, home: InProcessDesk) -> None:
        self._home = home

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._home.journal, name)

        async def call(*args: object) -> Any:
            return await self._home._breaker.around(method(*args), lambda: None)

        return call


class SqlInProcess:
    """desk.ports.JournalPort over a SqlJournal of this process."""

    def __init__(self, journal: Any) -> None:
        self._journal = journal

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._journal if hasattr(self._journal, name) else self._journal.leases, name)

        async def call(*args: object) -> Any:
            return method(*args)

        return call


async def in_turn(first: Awaitable[Any], second: Awaitable[Any]) -> tuple[Any, Any]:
    """desk.ports.Together without an event loop's help."""
    try:
        one = await first
    except BaseException:
        if asyncio.iscoroutine(second):
            second.close()
        raise
    return one, await second


def run_record(symbols: Sequence[str]) -> RunRecord:
    """A start of the desk."""
    return RunRecord("r1", 0, "simulated", True, tuple(symbols), 60_000, CASH, "0")
