"""Hand-made stand-ins for the ports, and one believable desk to show (`Scene`)."""

import asyncio
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from fks_actors.errors import FksError
from fks_actors.model.account import Account
from fks_actors.model.debates import CallOutcome, Debate, ModelCall, Role, Tier, Turn
from fks_actors.model.orders import (
    Fill,
    Liquidity,
    Order,
    OrderIntent,
    OrderStatus,
    OrderType,
    Origin,
    Refusal,
    Side,
)
from fks_actors.model.records import (
    AuditRecord,
    ControlRecord,
    CycleOutcome,
    CycleRecord,
    EquityPoint,
    RunRecord,
    Signal,
    SignalRecord,
    SignalStatus,
    SnapshotAt,
)
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Verdict, Vote
from fks_actors.risk.codec import encode
from fks_actors.risk.messages import Reservation, RiskState
from tests.fake_desk import START_MS, FakeDesk

HOUR_MS = 3_600_000
CENT = Decimal("0.01")


def _chain(items: Sequence[Any], cursor: str, limit: int) -> tuple[list[Any], str]:
    """A page of `items` (newest first); the cursor is a plain offset."""
    start = int(cursor or 0)
    page = list(items[start : start + limit])
    return page, str(start + limit) if start + limit < len(items) else ""


class FakeInbox:
    """An inbox in memory; `fault` is raised by the next puts, `delay_s` comes before each."""

    def __init__(self) -> None:
        self.stored: dict[str, Signal] = {}
        self.fault: FksError | None = None
        self.delay_s = 0.0
        self.is_heard = False

    async def put_async(self, signal: Signal) -> str:
        await asyncio.sleep(self.delay_s)
        if self.fault is not None:
            raise self.fault
        return self.stored.setdefault(signal.dedupe_key, signal).signal_id


@dataclass
class FakeReader:
    """A journal to read from, in lists that a test fills; newest first where the port says so."""

    run: RunRecord | None = None
    state: RiskState | None = None
    cycle_rows: list[CycleRecord] = field(default_factory=list)
    order_rows: list[Order] = field(default_factory=list)
    fill_rows: list[Fill] = field(default_factory=list)
    points: list[EquityPoint] = field(default_factory=list)
    signal_rows: dict[str, SignalRecord] = field(default_factory=dict)
    control_rows: list[ControlRecord] = field(default_factory=list)
    audit_rows: list[AuditRecord] = field(default_factory=list)
    fault: FksError | None = None

    def _read(self) -> None:
        if self.fault is not None:
            raise self.fault

    def decisions(self, cursor: str, limit: int, symbol: str = "", outcome: str = "") -> tuple[list[CycleRecord], str]:
        self._read()
        rows = [r for r in self.cycle_rows if symbol in ("", r.symbol) and outcome in ("", r.outcome)]
        return _chain(rows, cursor, limit)

    def decision(self, decision_id: str) -> CycleRecord | None:
        self._read()
        return next((r for r in self.cycle_rows if r.decision_id == decision_id), None)

    def orders(self, cursor: str, limit: int, symbol: str = "", status: str = "") -> tuple[list[Order], str]:
        self._read()
        rows = [o for o in self.order_rows if symbol in ("", o.intent.symbol) and status in ("", o.status)]
        return _chain(rows, cursor, limit)

    def order(self, client_order_id: str) -> Order | None:
        self._read()
        return next((o for o in self.order_rows if o.intent.client_order_id == client_order_id), None)

    def fills(self, cursor: str, limit: int, symbol: str = "", order: str = "") -> tuple[list[Fill], str]:
        self._read()
        rows = [f for f in self.fill_rows if symbol in ("", f.symbol) and order in ("", f.client_order_id)]
        return _chain(rows, cursor, limit)

    def equity(self, since_ms: int, points: int) -> list[EquityPoint]:
        self._read()
        return [p for p in self.points if p.ts_ms >= since_ms][-points:]

    def signal(self, signal_id: str) -> SignalRecord | None:
        self._read()
        return self.signal_rows.get(signal_id)

    def controls(self, limit: int) -> list[ControlRecord]:
        self._read()
        return self.control_rows[:limit]

    def audit(self, limit: int) -> list[AuditRecord]:
        self._read()
        return self.audit_rows[:limit]

    def snapshot(self, owner: str) -> SnapshotAt:
        self._read()
        payload = encode(self.state) if self.state is not None and owner == "risk" else b""
        return SnapshotAt(owner, "c1" if payload else "", payload)

    def last_run(self) -> RunRecord | None:
        self._read()
        return self.run

    def counts(self) -> dict[str, int]:
        self._read()
        return {
            "commits": 3 * len(self.points),
            "candles": 2 * len(self.points),
            "decisions": len(self.cycle_rows),
            "orders": len(self.order_rows),
            "fills": len(self.fill_rows),
            "signals": len(self.signal_rows),
        }

    def digest(self) -> str:
        return "0" * 64


_REASONS = {
    Action.BUY: "RSI {rsi:.1f} turned up from oversold while MACD's histogram rose; volume {vol:.1f} times its average",
    Action.SELL: "RSI {rsi:.1f} is overbought, the fast average lost the slow one; volume {vol:.1f} times its average",
    Action.HOLD: "no edge: RSI {rsi:.1f} in the middle of its range, volume {vol:.1f} times its average",
}


def argued(action: Action, after: float, rounds: int = 1) -> Debate:
    """A believable debate that moved the score by 0.05 towards `after`."""
    who = {Role.BULL: 0.72, Role.BEAR: -0.41, Role.JUDGE: after}
    said = {
        Role.BULL: "Momentum turned with volume: RSI left the oversold zone and MACD's histogram rises.",
        Role.BEAR: "The long trend still points down, and the last two rallies failed at the same band.",
        Role.JUDGE: f"The case to {action} is better founded; the bear's trend argument is older than the turn.",
    }
    turns = [
        Turn(role, number, score, said[role], ("short_term.rsi", "mid_term.macd"), _call(role, number))
        for number in range(1, rounds + 1)
        for role, score in who.items()
        if role is not Role.JUDGE or number == rounds
    ]
    return Debate(("grey_band",), tuple(turns), after - math.copysign(0.05, after), after, after, 1_930)


def _call(role: Role, number: int) -> ModelCall:
    cost = Decimal("0.00041") * number
    names = {"provider": "vllm", "model": "qwen3-8b", "requests": 1, "tokens_in": 612, "tokens_out": 88}
    return ModelCall(
        role, f"{role}@2", Tier.CRITICAL, CallOutcome.ANSWERED, cost_usd=cost, latency_ms=840 + number, **names
    )  # fmt: skip


class Scene:
    """A desk that has traded two symbols for some days, deterministically; `step` adds one more bar."""

    symbols = ("BTC/USDT", "ETH/USDT")

    def __init__(self, bars: int = 240, seed: int = 7) -> None:
        self._random = random.Random(seed)
        self._bar = 0
        self._prices = {"BTC/USDT": 96_400.0, "ETH/USDT": 3_610.0}
        self.reader = FakeReader(
            RunRecord("run-1", START_MS, "simulated", True, self.symbols, HOUR_MS, Decimal(10_000), "0.1.0"),
            RiskState(
                {"paper": Account(Decimal(10_000))},
                peak_equity=Decimal(10_000),
                day_start_equity=Decimal(10_000),
                day_ms=1,
            ),
        )
        self.desk = FakeDesk(
            feed={"kind": "simulated", "label": "Simulated market, 2 symbols, 1h bars", "ended": False}
        )
        for _ in range(bars):
            self.step()

    def step(self) -> None:
        """One bar: prices move, the minds vote, now and then the desk trades."""
        ts_ms = START_MS + self._bar * HOUR_MS
        self._bar += 1
        self.desk.cycles += len(self.symbols)
        marks = {}
        for symbol in self.symbols:
            drift = 0.0006 + 0.003 * math.sin(self._bar / 31)
            self._prices[symbol] *= 1 + self._random.gauss(drift / 3, 0.006)
            marks[symbol] = Decimal(str(round(self._prices[symbol], 2)))
        state = self.reader.state
        assert state is not None
        self.reader.state = state = replace(state, marks=marks)
        for index, symbol in enumerate(self.symbols):
            self._cycle(symbol, ts_ms, marks[symbol], (self._bar + 3 * index) % 9)
        self._point(ts_ms + HOUR_MS)

    def _cycle(self, symbol: str, ts_ms: int, price: Decimal, turn: int) -> None:
        state = self.reader.state
        assert state is not None
        held = state.account.position(symbol).quantity
        action = (Action.SELL if held else Action.BUY) if turn in (0, 5) else Action.HOLD
        rsi = self._random.uniform(24, 76)
        volume = self._random.uniform(0.5, 2.5)
        confidence = 0.5 + self._random.random() / 2
        ballots: tuple[Ballot, ...] = (
            self._vote("short_term", symbol, ts_ms, action, confidence, rsi, volume),
            self._vote("mid_term", symbol, ts_ms, action, confidence * 0.9, rsi, volume),
            Abstain("long_term", symbol, ts_ms, AbstainReason.WARMING_UP, "180 of 200 bars seen")
            if self._bar < 200
            else self._vote("long_term", symbol, ts_ms, Action.HOLD, 0.55, rsi, volume),
        )
        net = {Action.BUY: 1.3, Action.SELL: -1.2, Action.HOLD: 0.0}[action]
        weights = tuple((b.agent, w) for b, w in zip(ballots, (1.0, 0.75, 1.25), strict=True) if isinstance(b, Vote))
        strength = abs(net) / 1.6
        final = math.copysign(strength, net)
        scores = (("debate", final), ("models", 0.05), ("final", final)) if net else (("debate", 0.0), ("final", 0.0))
        verdict = Verdict(symbol, ts_ms, action, action, net, strength, 0.6, scores, weights)
        debate = argued(action, final) if net else None
        outcome, order_id, why = CycleOutcome.HOLD, "", ()
        if action is not Action.HOLD:
            order_id = f"c-{symbol[:3].lower()}-{self._bar:05d}"
            denied = self._bar % 4 == 0 and action is Action.BUY
            outcome = CycleOutcome.DENIED if denied else CycleOutcome.ORDERED
            if denied:
                why = (Refusal("max_position_pct", "position would be above its limit", "0.312", "0.25"),)
            self._order(order_id, symbol, Side(action.value), price, held, ts_ms, why)
        self.reader.cycle_rows.insert(
            0,
            CycleRecord(
                f"{symbol}@{ts_ms}",
                symbol,
                ts_ms,
                ts_ms + HOUR_MS,
                price,
                ballots,
                verdict,
                outcome,
                order_id,
                why,
                debate=debate,
            ),
        )

    @staticmethod
    def _vote(
        agent: str, symbol: str, ts_ms: int, action: Action, confidence: float, rsi: float, volume: float
    ) -> Vote:
        reason = _REASONS[action].format(rsi=rsi, vol=volume)
        return Vote(agent, symbol, ts_ms, action, confidence, reason, (("rsi", rsi), ("volume_ratio", volume)))

    def _order(
        self,
        order_id: str,
        symbol: str,
        side: Side,
        price: Decimal,
        held: Decimal,
        ts_ms: int,
        why: tuple[Refusal, ...],
    ) -> None:
        state = self.reader.state
        assert state is not None
        quantity = held if side is Side.SELL else (Decimal(2000) / price).quantize(Decimal("0.0001"))
        at_ms = ts_ms + HOUR_MS
        intent = OrderIntent(
            order_id,
            Origin.CYCLE,
            f"{symbol}@{ts_ms}",
            "paper",
            symbol,
            side,
            OrderType.MARKET,
            quantity,
            price,
            at_ms,
        )
        if why:
            self.reader.order_rows.insert(0, Order(intent, OrderStatus.DENIED, at_ms, reason=why[0].message))
            return
        fee = (price * quantity / 1000).quantize(CENT)
        fill = Fill(f"t-{order_id}", order_id, "paper", symbol, side, price, quantity, fee, Liquidity.TAKER, at_ms)
        self.reader.state = replace(state, accounts={"paper": state.account.applied(fill)})
        self.reader.fill_rows.insert(0, fill)
        self.reader.order_rows.insert(0, Order(intent, OrderStatus.FILLED, at_ms, Decimal(0), quantity, price, fee))

    def _point(self, at_ms: int) -> None:
        state = self.reader.state
        assert state is not None
        worth = state.account.equity(state.marks)
        peak = max(state.peak_equity, worth)
        self.reader.state = replace(state, peak_equity=peak)
        self.reader.points.append(
            EquityPoint(
                at_ms,
                worth,
                state.account.cash,
                state.account.exposure(state.marks),
                state.account.realised(),
                state.account.fees,
                ((peak - worth) / peak).quantize(Decimal("0.000001")),
                state.trading,
            )
        )

    def reserve(self, order_id: str, symbol: str, quote: Decimal) -> None:
        """Hold something back, as an open order does."""
        state = self.reader.state
        assert state is not None
        held = {**state.reservations, order_id: Reservation("paper", symbol, quote, Decimal(0), Decimal(0))}
        self.reader.state = replace(state, reservations=held)


def settled(signal: Signal, status: SignalStatus, orders: tuple[str, ...] = (), *why: Refusal) -> SignalRecord:
    """The desk's record of `signal`."""
    return SignalRecord(signal.signal_id, signal.received_ms, status, signal, orders, why)
