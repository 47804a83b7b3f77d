"""A desk's state as of any commit, from what its journal holds: the record is taken for what happened, never guessed.

Before a decision everything is the record's: bars, votes that taught the weights, orders, trades, operators. So each
decision is made anew on its own, and a difference in one does not show as a difference in all that follow. The order of
a step is `desk.desk`'s; the arithmetic is that of the rooms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from fks_actors.adapters.sql.chain import SqlChain
from fks_actors.agents.floor import Debaters
from fks_actors.agents.settlement import settle
from fks_actors.backtest.recorded_debate import redebate
from fks_actors.backtest.recorded_minds import Gaps, RecordedMinds
from fks_actors.backtest.recorded_settings import venues_of
from fks_actors.backtest.run import desk_config
from fks_actors.desk import advice, exits, proposals
from fks_actors.desk.closing import EXITS_FIRST
from fks_actors.desk.config import DeskConfig
from fks_actors.desk.ports import Briefing, Deliberation
from fks_actors.desk.routing import Quotes, route
from fks_actors.desk.scoring import Scoring
from fks_actors.desk.sight import clock_of, quotes_of
from fks_actors.desk.state import DeskMemory
from fks_actors.execution.order_state import TERMINAL
from fks_actors.journal.recorded import RecordedCommit, was_ruled
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import (
    ZERO,
    Order,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Origin,
    Side,
    VenueEvent,
)
from fks_actors.model.records import CycleRecord, EquityPoint, Proposal, RunRecord
from fks_actors.model.votes import Action, Verdict
from fks_actors.risk.engine import rule
from fks_actors.risk.limits import is_exit
from fks_actors.risk.messages import (
    SELL_PENDING,
    Reservation,
    RiskReply,
    RiskRequest,
    RiskRuling,
    RiskState,
    Unneeded,
)
from fks_actors.settings import Settings

_CENT = Decimal("0.01")


@dataclass(slots=True)
class Remade:
    """The decisions of one batch, made anew, and by symbol what could not be made anew of each."""

    cycles: tuple[CycleRecord, ...]
    gaps: dict[str, Gaps]


class Rebuilt:
    """One desk, moved along commit by commit: `begin` at each start, then `decide` and `follow`, or `follow` alone.

    `decide` takes the commit's bars in; `follow` with what it returned does the rest.

    Args:
        chain: its journal, which the minds are rebuilt from.
        anew: the settings are others than those of the record: what the minds said then teaches no weights.
        ask: who is asked what models did not answer in the record; None for nobody.
    """

    def __init__(self, chain: SqlChain, anew: bool = False, ask: Debaters | None = None) -> None:
        self._chain, self._anew, self._ask = chain, anew, ask
        self._settings = Settings()
        self._config = DeskConfig()
        self._memory = DeskMemory(self._config.quality)
        self._scoring = Scoring(self._config.reflection)
        self._scored = b""
        self._minds = RecordedMinds(chain)
        self._open: dict[str, Order] = {}
        self._risk: RiskState | None = None
        self._live = False
        self._ts_ms = 0
        self._equity = ZERO
        self.point: EquityPoint | None = None
        """The account after the last ruling."""

    def begin(self, run: RunRecord, settings: Settings) -> None:
        """The desk starts, under these settings, with what its journal holds.

        Raises:
            ConfigError: the symbols are no markets that the settings can describe.
        """
        before = self._memory.encode().payload
        plans, cash = venues_of(run, settings, self._anew)
        routing = settings.routing
        default = routing.default if any(p.name == routing.default for p in plans) else plans[0].name
        self._settings = settings
        self._config = desk_config(settings, plans, default, routing.best_price)
        self._memory = DeskMemory(self._config.quality)
        self._memory.restore(before)
        self._memory.data.keep(run.symbols)
        self._scoring = Scoring(self._config.reflection)
        self._scoring.restore(self._scored)
        self._risk = RiskState.of(cash) if self._risk is None else self._risk.with_venues(cash)
        self._live = run.feed.startswith("live")
        self._minds.begin(settings, run.interval_ms)

    async def decide(self, commit: RecordedCommit) -> Remade:
        """The decisions on the commit's bars, made anew; what the record says came of them is `follow`'s."""
        (batch,), held = commit.batches, {cycle.symbol: cycle for cycle in commit.cycles}
        said, gaps = await self._said(batch, held)
        quotes, now_ms = quotes_of(commit.cycles), clock_of(commit.cycles)
        flags = self._memory.note(batch, quotes, now_ms)
        asked = self._proposed(batch, said.verdicts, quotes)
        proposed = exits.guarded(asked, said.ballots, self._settings.agents.asmbtr)
        doubts = self._memory.data.doubts([p.symbol for p in proposed], batch.close_ms, quotes) if proposed else ()
        request = replace(self._request(commit, batch.close_ms), proposals=proposed, doubts=doubts)
        _, reply = self._ruled(request, commit)
        told = [self._told(each, ruling) for each, ruling in zip(proposed, reply.rulings, strict=True)]
        cycles = proposals.cycle_records(batch, said, proposals.by_symbol(proposed, told), flags)
        return Remade(tuple(replace(c, seen=held[c.symbol].seen) for c in cycles), gaps)

    async def follow(self, commit: RecordedCommit, said: Remade | None = None) -> None:
        """Take the record's word for what the step did; `said` are its decisions made anew, where they were."""
        for signal in commit.signals():
            if signal.signal.advisory and commit.commit_id == f"signal-{signal.signal_id}":
                advice.taken(self._memory, signal.signal, signal.ts_ms)
        if commit.batches and not commit.cycles:
            await self._learn(commit.batches)
        self._ts_ms = self._instant(commit)
        if commit.cycles:
            await self._decided(commit, said)
        if was_ruled(commit):
            self._booked(commit)
        for order in commit.orders():
            self._note(order)

    # --- the minds ---

    def _briefing(self, batch: BarBatch) -> Briefing:
        memory = self._memory
        heard = tuple(vote for c in batch.candles for vote in memory.heard(c.symbol, batch.ts_ms))
        stake = (self._equity * self._config.per_trade_pct / 100).quantize(_CENT)
        stakes = {candle.symbol: stake for candle in batch.candles}
        return Briefing(dict(memory.last_bar_ms), heard, self._scoring.weights, stakes)

    async def _said(self, batch: BarBatch, held: Mapping[str, CycleRecord]) -> tuple[Deliberation, dict[str, Gaps]]:
        briefing, config = self._briefing(batch), self._settings.agents.debate
        answers, gaps = await self._minds.answers(batch, briefing.previous_ms, held)
        result = settle(batch, answers, config, briefing.heard, briefing.weights)
        if not self._has_models(held):
            return Deliberation(result.ballots, result.verdicts), gaps
        debated = await redebate(batch, result, briefing, config, held, self._ask)
        for symbol, missing in debated.notes.items():
            gaps[symbol].lacks += missing
        return Deliberation(result.ballots, debated.verdicts, (), debated.debates), gaps

    def _has_models(self, held: Mapping[str, CycleRecord]) -> bool:
        """Whether models debate; of a record without settings, its debates tell."""
        recorded = not self._anew and any(cycle.debate is not None for cycle in held.values())
        return recorded or bool(self._settings.llm.providers)

    async def _learn(self, batches: Sequence[BarBatch]) -> None:
        await self._minds.learn(batches, self._memory.last_bar_ms)
        for batch in batches:
            self._memory.note(batch)
            self._scored = self._scoring.note(batch).payload

    async def _decided(self, commit: RecordedCommit, said: Remade | None) -> None:
        (batch,) = commit.batches
        if said is None:
            await self._minds.learn(commit.batches, self._memory.last_bar_ms)
            self._memory.note(batch, quotes_of(commit.cycles), clock_of(commit.cycles))
        cycles = said.cycles if said is not None and self._anew else commit.cycles
        self._scored = self._scoring.note(batch, [ballot for cycle in cycles for ballot in cycle.ballots]).payload
        self._memory.take_advice(dict.fromkeys(cycle.symbol for cycle in commit.cycles))

    # --- risk ---

    def _proposed(self, batch: BarBatch, verdicts: Sequence[Verdict], quotes: Quotes) -> tuple[Proposal, ...]:
        found: list[Proposal] = []
        for verdict, candle in zip(verdicts, batch.candles, strict=True):
            side = Side.SELL if verdict.action is Action.SELL else Side.BUY
            venues = route(self._config, verdict.symbol, side, OrderType.MARKET, "", quotes, batch.close_ms)
            volatility = self._memory.volatility(verdict.symbol)
            found += proposals.from_verdict(verdict, candle, batch.close_ms, venues, volatility)
        return tuple(found)

    def _told(self, proposal: Proposal, ruling: RiskRuling) -> RiskRuling:
        """The ruling as the record tells of it: see `desk.closing`."""
        waits = proposal.side is Side.SELL and isinstance(ruling, Unneeded) and ruling.reason == SELL_PENDING
        place = Origin.EXIT, proposal.venue, proposal.symbol
        if waits and any((o.intent.origin, o.intent.venue, o.intent.symbol) == place for o in self._open.values()):
            return replace(ruling, reason=EXITS_FIRST)
        return ruling

    def _request(self, commit: RecordedCommit, ts_ms: int) -> RiskRequest:
        """What risk was told of the venues in the step."""
        moved = [order for order in commit.orders() if not self._is_sent(order)]
        intents = {o.intent.client_order_id: o.intent for o in (*self._open.values(), *moved)}
        words = (OrderUpdate(o.intent.client_order_id, o.status, o.updated_ms, o.reason) for o in moved)
        events: tuple[VenueEvent, ...] = (*commit.fills(), *words)
        named = {event.client_order_id for event in events}
        foreign = {key for key in named if key in intents and intents[key].origin is Origin.EXTERNAL}
        return RiskRequest(ts_ms, dict(self._memory.marks), events, external=frozenset(foreign))

    def _ruled(self, request: RiskRequest, commit: RecordedCommit) -> tuple[RiskState, RiskReply]:
        """Risk's answer, with an operator's word where the record has one: what the limits do not say themselves."""
        state = self._risk or RiskState.of({})
        markets = {plan.name: plan.markets for plan in self._config.venues}
        after, reply = rule(state, request, self._settings.risk, markets)
        known = {(change.state, change.by) for change in reply.changes}
        spoken = [change for change in commit.controls() if (change.state, change.by) not in known]
        if not spoken:
            return after, reply
        return rule(state, replace(request, control=spoken[-1]), self._settings.risk, markets)

    def _booked(self, commit: RecordedCommit) -> None:
        """The account after the step: the record's trades and orders, under these settings' limits."""
        after, reply = self._ruled(self._request(commit, self._ts_ms), commit)
        for order in commit.orders():
            if self._is_sent(order):
                after = _reserved(after, order)
        self._risk, self.point = after, reply.equity
        self._equity = reply.equity.equity

    def _is_sent(self, order: Order) -> bool:
        """Whether the order is written for the first time: risk approved it in this step, or denied it."""
        key = order.intent.client_order_id
        return order.status is OrderStatus.DENIED or (order.status is OrderStatus.SUBMITTED and key not in self._open)

    def _note(self, order: Order) -> None:
        if order.status in TERMINAL:
            self._open.pop(order.intent.client_order_id, None)
        else:
            self._open[order.intent.client_order_id] = order

    def _instant(self, commit: RecordedCommit) -> int:
        """The step's own time: what stands in it tells, else it followed at once from the step before."""
        if commit.batches:
            return commit.batches[-1].close_ms
        told = [s.ts_ms for s in commit.signals() if commit.commit_id == f"signal-{s.signal_id}"]
        told += [control.ts_ms for control in commit.controls()]
        told += [order.updated_ms for order in commit.orders() if self._is_sent(order)]
        if told:
            return told[0]
        if self._live and commit.commit_id.startswith(("collect-", "cancel-", "replace-")):
            return max(self._ts_ms, commit.recorded_ms)
        return self._ts_ms


def _reserved(state: RiskState, order: Order) -> RiskState:
    """The state with what an approved order holds back, as `risk.engine` reserves it."""
    intent = order.intent
    if order.status is OrderStatus.DENIED:
        return state
    base = ZERO if intent.side is Side.BUY else intent.quantity
    held = Reservation(intent.venue, intent.symbol, order.reserved_quote, base, intent.quantity, intent.oco_id)
    counted = () if is_exit(intent.origin, intent.side) else (order.updated_ms,)
    return replace(
        state,
        reservations={**state.reservations, intent.client_order_id: held},
        approvals_ms=(*state.approvals_ms, *counted),
    )
