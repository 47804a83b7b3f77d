"""Verdicts and signals become proposals for risk; rulings become records."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec.structs import replace

from fks_actors.desk.ports import Deliberation
from fks_actors.execution.ids import client_order_id
from fks_actors.model.candles import BarBatch, Candle, to_money
from fks_actors.model.orders import Approved, Denied, Order, OrderIntent, OrderStatus, OrderType, Origin, Refusal, Side
from fks_actors.model.records import CycleOutcome, CycleRecord, Proposal, Signal, SignalRecord, SignalStatus
from fks_actors.model.votes import Action, Ballot, Verdict, Vote
from fks_actors.risk.limits import DATA_QUALITY
from fks_actors.risk.messages import RiskRuling, Unneeded

_PLACES = Decimal("0.000001")


def decision_id(symbol: str, ts_ms: int) -> str:
    """`<symbol>@<bar open ms>`."""
    return f"{symbol}@{ts_ms}"


def is_of_decision(intent: OrderIntent) -> bool:
    """Whether a decision, not a signal, asked for the order, or for the entry whose exit it is."""
    return intent.origin_id.startswith(f"{intent.symbol}@")


def from_verdict(
    verdict: Verdict, candle: Candle, close_ms: int, venues: Sequence[str], volatility: Decimal = Decimal(0)
) -> tuple[Proposal, ...]:
    """What the verdict asks risk for: nothing for HOLD, a BUY at the first venue, a SELL at each that may hold some."""
    if verdict.action is Action.HOLD or not venues:
        return ()
    if verdict.action is Action.BUY:
        first = _cycle_proposal(verdict, candle, close_ms, venues[0], 0, volatility)
        return (replace(first, alternatives=tuple(venues[1:])),)
    return tuple(_cycle_proposal(verdict, candle, close_ms, venue, leg, volatility) for leg, venue in enumerate(venues))


def _cycle_proposal(
    verdict: Verdict, candle: Candle, close_ms: int, venue: str, leg: int, volatility: Decimal
) -> Proposal:
    origin = decision_id(verdict.symbol, verdict.ts_ms)
    return Proposal(
        client_order_id=client_order_id(origin, leg),
        origin=Origin.CYCLE,
        origin_id=origin,
        venue=venue,
        symbol=verdict.symbol,
        side=Side.BUY if verdict.action is Action.BUY else Side.SELL,
        order_type=OrderType.MARKET,
        ts_ms=close_ms,
        market_price=to_money(candle.close),
        strength=to_money(verdict.strength).quantize(_PLACES),
        volatility=volatility,
        target=None if verdict.target is None else to_money(verdict.target),
    )


def from_signal(
    signal: Signal, market_price: Decimal, ts_ms: int, venues: Sequence[str], volatility: Decimal = Decimal(0)
) -> tuple[Proposal, ...]:
    """What the signal asks risk for: one order, or a pair, at the first venue where nothing speaks against it.

    A stop-loss or take-profit carries its trigger as `price`.
    """
    if signal.oco:
        ids = (client_order_id(signal.signal_id, 0), client_order_id(signal.signal_id, 1))
        legs = ((OrderType.STOP_LOSS, signal.stop_loss), (OrderType.TAKE_PROFIT, signal.take_profit))
        leg = replace(_signal_proposal(signal, market_price, ts_ms, venues, volatility), limit_price=None)
        return tuple(
            replace(leg, client_order_id=ids[i], order_type=kind, stop_price=price, oco_id=ids[1 - i])
            for i, (kind, price) in enumerate(legs)
        )
    return (_signal_proposal(signal, market_price, ts_ms, venues, volatility),)


def _signal_proposal(
    signal: Signal, market_price: Decimal, ts_ms: int, venues: Sequence[str], volatility: Decimal
) -> Proposal:
    kind = signal.order_type
    stop = kind in {OrderType.STOP_LOSS, OrderType.TAKE_PROFIT}
    return Proposal(
        client_order_id=client_order_id(signal.signal_id, 0),
        origin=Origin.SIGNAL,
        origin_id=signal.signal_id,
        venue=venues[0],
        symbol=signal.symbol,
        side=signal.side,
        order_type=signal.order_type,
        ts_ms=ts_ms,
        market_price=market_price,
        strength=signal.confidence,
        quantity=signal.quantity,
        sizing=signal.sizing,
        limit_price=signal.price if kind in {OrderType.LIMIT, OrderType.ICEBERG} else None,
        stop_price=signal.price if stop else None,
        trail_pct=signal.trail_pct if kind is OrderType.TRAILING_STOP else None,
        display_quantity=signal.display_quantity,
        duration_ms=1_000 * signal.duration_s,
        slices=signal.slices,
        protect_price=_protect_price(signal, market_price),
        target_price=None if kind is OrderType.TAKE_PROFIT else signal.take_profit,
        volatility=volatility,
        alternatives=tuple(venues[1:]),
    )


def _protect_price(signal: Signal, market_price: Decimal) -> Decimal | None:
    """Where the entry's stop will lie at first."""
    if signal.order_type in {OrderType.STOP_LOSS, OrderType.TRAILING_STOP}:
        return None
    if signal.stop_loss is not None:
        return signal.stop_loss
    if signal.trail_pct is not None:
        return (signal.price or market_price) * (1 - signal.trail_pct / 100)
    return None


def by_symbol(proposed: Sequence[Proposal], rulings: Sequence[RiskRuling]) -> dict[str, RiskRuling]:
    """One ruling a symbol: of several (a SELL at each venue) an approval, else a denial, else the first."""
    found: dict[str, RiskRuling] = {}
    for proposal, ruling in zip(proposed, rulings, strict=True):
        held = found.get(proposal.symbol)
        if held is None or _rank(ruling) < _rank(held):
            found[proposal.symbol] = ruling
    return found


def _rank(ruling: RiskRuling) -> int:
    return 0 if isinstance(ruling, Approved) else 1 if isinstance(ruling, Denied) else 2


def cycle_records(
    batch: BarBatch, said: Deliberation, rulings: Mapping[str, RiskRuling], flags: Mapping[str, tuple[str, ...]]
) -> tuple[CycleRecord, ...]:
    """One record a candle of the batch; `rulings` are by symbol, absent where nothing was proposed."""
    verdicts = {verdict.symbol: verdict for verdict in said.verdicts}
    records = [
        _cycle_record(
            candle,
            batch.close_ms,
            tuple([b for b in said.ballots if b.symbol == candle.symbol]),
            verdicts[candle.symbol],
            rulings.get(candle.symbol),
            flags.get(candle.symbol, ()),
        )
        for candle in batch.candles
    ]
    if said.debates:
        records = [replace(record, debate=said.debates.get(record.symbol)) for record in records]
    return tuple(records)


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
            paused = any(reason.code == DATA_QUALITY for reason in reasons)
            outcome = CycleOutcome.PAUSED if paused else CycleOutcome.DENIED
            order_id, refusals = intent.client_order_id, reasons
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


def signal_record(signal: Signal, rulings: Sequence[RiskRuling], ts_ms: int) -> SignalRecord:
    """What risk made of a signal; its orders' later life moves it by `signal_moved`."""
    ids = tuple(r.intent.client_order_id for r in rulings if isinstance(r, Approved | Denied))
    reasons = tuple(dict.fromkeys(reason for r in rulings if isinstance(r, Denied) for reason in r.reasons))
    if any(isinstance(r, Approved) for r in rulings):
        status = SignalStatus.ACCEPTED
    else:
        status = SignalStatus.DENIED if reasons else SignalStatus.IGNORED
    return SignalRecord(signal.signal_id, ts_ms, status, signal, ids, reasons)


_SIGNAL_STATUS = {
    OrderStatus.FILLED: SignalStatus.FILLED,
    OrderStatus.REJECTED: SignalStatus.REJECTED,
    OrderStatus.CANCELLED: SignalStatus.REJECTED,
    OrderStatus.EXPIRED: SignalStatus.REJECTED,
    OrderStatus.DENIED: SignalStatus.DENIED,
}
_LIVELY = (SignalStatus.FILLED, SignalStatus.OPEN, SignalStatus.REJECTED, SignalStatus.DENIED)


def signal_moved(record: SignalRecord, order: Order, others: Sequence[Order] = ()) -> SignalRecord:
    """The signal's record after one of its orders moved; of several orders (`others`) the liveliest counts.

    An exit is listed, but the signal's status remains its entry's.
    """
    key, status = order.intent.client_order_id, record.status
    if order.intent.origin is Origin.SIGNAL:
        said = {_SIGNAL_STATUS.get(o.status, SignalStatus.OPEN) for o in (order, *others)}
        status = next(s for s in _LIVELY if s in said)
    ids = record.client_order_ids if key in record.client_order_ids else (*record.client_order_ids, key)
    return SignalRecord(record.signal_id, order.updated_ms, status, record.signal, ids, record.refusals)
