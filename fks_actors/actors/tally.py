"""The coordinator's metrics: what was committed, counted. So the counters and the journal tell the same."""

from collections.abc import Mapping, Sequence
from functools import singledispatchmethod

from fks_actors.execution.order_state import TERMINAL
from fks_actors.market.quality import Flag
from fks_actors.model.candles import BarBatch
from fks_actors.model.debates import Debate
from fks_actors.model.orders import Fill, Order, OrderStatus
from fks_actors.model.records import Commit, CycleRecord, EquityPoint, SignalRecord, SignalStatus, TradingState
from fks_actors.model.votes import Vote
from fks_actors.reflection.scores import Score
from fks_actors.telemetry import Telemetry


class Tally:
    """Counts commits into one process's telemetry."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._decision_seconds = telemetry.histogram("fks_decision_duration_seconds")
        self._strength = telemetry.histogram("fks_consensus_strength")
        self._outcomes: dict[str, int] = {}
        self._was_told = False

    def scores(self, scores: Sequence[Score], weights: Mapping[str, float]) -> None:
        """How well the minds' votes fitted. Outcomes count from the first time on that this process is told of them."""
        for each in scores:
            horizon = str(each.horizon)
            self._telemetry.gauge("fks_agent_brier", each.agent, horizon).set(each.brier)
            self._telemetry.gauge("fks_calibration_error", each.agent, horizon).set(each.error)
            before = self._outcomes.get(each.agent, 0)
            if self._was_told and each.outcomes != before:
                new = each.outcomes - before if each.outcomes > before else each.outcomes  # fewer: begun anew
                self._telemetry.counter("fks_agent_outcomes_total", each.agent).inc(new)
            self._outcomes[each.agent] = each.outcomes
        for agent, weight in weights.items():
            self._telemetry.gauge("fks_agent_weight", agent).set(weight)
        self._was_told = True

    def commit(self, commit: Commit) -> None:
        """Count every entry of a commit that was kept."""
        for entry in commit.entries:
            self.entry(entry)

    def decision(self, seconds: float, lag_s: float, symbols: tuple[str, ...]) -> None:
        """One cycle: `seconds` from the bars' arrival to their record, `lag_s` from their close to their arrival."""
        self._decision_seconds.observe(seconds)
        for symbol in symbols:
            self._telemetry.gauge("fks_candle_lag_seconds", symbol).set(lag_s)

    def debate(self, held: Debate) -> None:
        """One debate, whether a decision came of it or somebody only asked."""
        outcome = "unjudged" if held.judged is None else "kept" if held.after == held.before else "moved"
        for trigger in held.triggers:
            self._telemetry.counter("fks_debates_total", trigger, outcome).inc()
        self._telemetry.histogram("fks_debate_duration_seconds").observe(held.duration_ms / 1_000)
        self._telemetry.histogram("fks_debate_shift").observe(abs(held.after - held.before))
        for turn in held.turns:
            self._telemetry.counter("fks_debate_turns_total", turn.role, turn.call.outcome).inc()

    @singledispatchmethod
    def entry(self, entry: object) -> None:
        """Count one entry; kinds without a metric are passed over."""

    @entry.register
    def _(self, entry: BarBatch) -> None:
        for candle in entry.candles:
            self._telemetry.counter("fks_candles_total", candle.symbol).inc()

    @entry.register
    def _(self, entry: CycleRecord) -> None:
        count = self._telemetry.counter
        count("fks_decisions_total", entry.verdict.leaning, entry.outcome).inc()
        self._strength.observe(entry.verdict.strength)
        if entry.debate is not None:
            self.debate(entry.debate)
        for ballot in entry.ballots:
            if isinstance(ballot, Vote):
                count("fks_votes_total", ballot.agent, ballot.action).inc()
            else:
                count("fks_abstentions_total", ballot.agent, ballot.reason).inc()
        for refusal in entry.refusals:
            count("fks_orders_denied_total", refusal.code).inc()
        if Flag.GAP in entry.flags:
            count("fks_candle_gaps_total", entry.symbol).inc()
        if Flag.SPIKE in entry.flags:
            count("fks_candle_spikes_total", entry.symbol).inc()
        if Flag.VOLUME in entry.flags:
            count("fks_volume_anomalies_total", entry.symbol).inc()

    @entry.register
    def _(self, entry: SignalRecord) -> None:
        if entry.status in {SignalStatus.OPEN, SignalStatus.ACCEPTED}:
            return
        self._telemetry.counter("fks_signals_total", entry.status).inc()
        for refusal in entry.refusals:
            self._telemetry.counter("fks_orders_denied_total", refusal.code).inc()

    @entry.register
    def _(self, entry: Order) -> None:
        intent = entry.intent
        if entry.status in TERMINAL:
            labels = (intent.venue, intent.side, intent.order_type, entry.status)
            self._telemetry.counter("fks_orders_total", *labels).inc()
        if entry.status is OrderStatus.UNKNOWN:
            self._telemetry.counter("fks_orders_unknown_total", intent.venue).inc()

    @entry.register
    def _(self, entry: Fill) -> None:
        notional = float(entry.price * entry.quantity)
        self._telemetry.counter("fks_order_notional_quote_total", entry.venue, entry.side).inc(notional)

    @entry.register
    def _(self, entry: EquityPoint) -> None:
        gauge = self._telemetry.gauge
        gauge("fks_equity_quote").set(float(entry.equity))
        gauge("fks_cash_quote").set(float(entry.cash))
        gauge("fks_exposure_quote").set(float(entry.exposure))
        gauge("fks_drawdown_ratio").set(float(entry.drawdown))
        gauge("fks_realised_pnl_quote").set(float(entry.realised))
        gauge("fks_fees_quote").set(float(entry.fees))
        for state in TradingState:
            gauge("fks_trading_state", state).set(float(state is entry.state))
