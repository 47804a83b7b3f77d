"""Verdicts and signals become proposals for risk; rulings become records."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from fks_actors.execution.ids import client_order_id
from fks_actors.model.candles import BarBatch, Candle, to_money
from fks_actors.model.orders import Approved, Denied, Order, OrderStatus, OrderType, Origin, Refusal, Side
from fks_actors.model.records import CycleOutcome, CycleRecord, Proposal, Signal, SignalRecord, SignalStatus
from fks_actors.model.votes import Action, Ballot, Verdict, Vote
from fks_actors.risk.messages import RiskRuling, Unneeded

_PLACES = Decimal("0.000001")


def decision_id(symbol: str, ts_ms: int) -> str:
    """`<symbol>@<bar open ms>`."""
    return f"{symbol}@{ts_ms}"


def from_verdict(verdict: Verdict, candle: Candle, close_ms: int, venue: str) -> Proposal | None:
    """What the verdict asks risk for; None for HOLD."""
    if verdict.action is Action.HOLD:
        return None
    origin = decision_id(verdict.symbol, verdict.ts_ms)
    return Proposal(
        client_order_id=client_order_id(origin, 0),
        origin=Origin.CYCLE,
        origin_id=origin,
        venue=venue,
        symbol=verdict.symbol,
        side=Side.BUY if verdict.action is Action.BUY else Side.SELL,
        order_type=OrderType.MARKET,
        ts_ms=close_ms,
        market_price=to_money(candle.close),
        strength=to_money(verdict.strength).quantize(_PLACES),
    )


def from_signal(signal: Signal, market_price: Decimal, ts_ms: int, venue: str) -> Proposal:
    """What the signal asks risk for. A stop-loss or take-profit order carries its trigger as `price`."""
    stop = signal.order_type in {OrderType.STOP_LOSS, OrderType.TAKE_PROFIT}
    return Proposal(
        client_order_id=client_order_id(signal.signal_id, 0),
        origin=Origin.SIGNAL,
        origin_id=signal.signal_id,
        venue=venue,
        symbol=signal.symbol,
        side=signal.side,
        order_type=signal.order_type,
        ts_ms=ts_ms,
        market_price=market_price,
        strength=signal.confidence,
        quantity=signal.quantity,
        sizing=signal.sizing,
        limit_price=signal.price if signal.order_type is OrderType.LIMIT else None,
        stop_price=signal.price if stop else None,
    )


def cycle_records(
    batch: BarBatch,
    ballots: Sequence[Ballot],
    verdicts: Mapping[str, Verdict],
    rulings: Mapping[str, RiskRuling],
    flags: Mapping[str, tuple[str, ...]],
) -> tuple[CycleRecord, ...]:
    """One record a candle of the batch; `rulings` are by symbol, absent where nothing was proposed."""
    return tuple(
        _cycle_record(
            candle,
            batch.close_ms,
            tuple(b for b in ballots if b.symbol == candle.symbol),
            verdicts[candle.symbol],
            rulings.get(candle.symbol),
            flags.get(candle.symbol, ()),
        )
        for candle in batch.candles
    )


def _cycle_record(
    candle: Candle,
    close_ms: int,
    ballots: tuple[Ballot, ...],
    verdict: Verdict,
    ruling: RiskRuling | None,
    flags: tuple[str, ...],
) -> CycleRecord:
    order_id, outcome, note = "", CycleOutcome.HOLD, ""
    refusals: tuple[Refusal, ...] = ()
    match ruling:
        case Approved(intent=intent):
            order_id, outcome = intent.client_order_id, CycleOutcome.ORDERED
        case Denied(intent=intent, reasons=reasons):
            order_id, outcome, refusals = intent.client_order_id, CycleOutcome.DENIED, reasons
        case Unneeded(reason=reason):
            outcome, note = CycleOutcome.NO_CHANGE, reason
        case None if not any(isinstance(b, Vote) for b in ballots):
            outcome = CycleOutcome.NO_QUORUM
    return CycleRecord(
        decision_id(candle.symbol, candle.ts_ms),
        candle.symbol,
        candle.ts_ms,
        close_ms,
        to_money(candle.close),
        ballots,
        verdict,
        outcome,
        order_id,
        refusals,
        flags,
        note,
    )


def signal_record(signal: Signal, ruling: RiskRuling, ts_ms: int) -> SignalRecord:
    """What risk made of a signal; its order's later life moves it by `signal_moved`."""
    match ruling:
        case Approved(intent=intent):
            return SignalRecord(signal.signal_id, ts_ms, SignalStatus.ACCEPTED, signal, (intent.client_order_id,))
        case Denied(intent=intent, reasons=reasons):
            ids = (intent.client_order_id,)
            return SignalRecord(signal.signal_id, ts_ms, SignalStatus.DENIED, signal, ids, reasons)
        case Unneeded():
            return SignalRecord(signal.signal_id, ts_ms, SignalStatus.IGNORED, signal)


_SIGNAL_STATUS = {
    OrderStatus.FILLED: SignalStatus.FILLED,
    OrderStatus.REJECTED: SignalStatus.REJECTED,
    OrderStatus.CANCELLED: SignalStatus.REJECTED,
    OrderStatus.EXPIRED: SignalStatus.REJECTED,
}


def signal_moved(record: SignalRecord, order: Order) -> SignalRecord:
    """The signal's record after its order moved."""
    status = _SIGNAL_STATUS.get(order.status, SignalStatus.OPEN)
    return SignalRecord(
        record.signal_id, order.updated_ms, status, record.signal, record.client_order_ids, record.refusals
    )
