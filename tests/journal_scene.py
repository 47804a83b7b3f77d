"""Entries and commits for the journal's tests and its benchmark: a chain of bars with what a desk writes about them."""

from decimal import Decimal

from fks_actors.journal.ports import GENESIS
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.orders import (
    Charge,
    ChargeKind,
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
    Commit,
    ControlRecord,
    CycleOutcome,
    CycleRecord,
    Entry,
    EquityPoint,
    RunRecord,
    Signal,
    SignalRecord,
    SignalStatus,
    Snapshot,
    TradingState,
)
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Verdict, Vote

HOUR_MS = 3_600_000
START_MS = 1_733_011_200_000
SYMBOLS = ("BTC/USDT", "ETH/USDT")
RSI = "RSI 61.2 turned up from oversold while MACD's histogram rose; volume 1.34 times its average"


def bar(symbol: str, index: int) -> Candle:
    close = 100.1 + index / 7
    return Candle(symbol, START_MS + index * HOUR_MS, close, close + 0.3, close - 0.2, close, 12.5)


def batch(index: int) -> BarBatch:
    return BarBatch(START_MS + index * HOUR_MS, HOUR_MS, tuple(bar(symbol, index) for symbol in SYMBOLS))


def cycle(symbol: str, index: int, outcome: CycleOutcome = CycleOutcome.HOLD) -> CycleRecord:
    ts_ms = START_MS + index * HOUR_MS
    facts = (("rsi", 61.23456789), ("macd", 0.0012345678), ("macd_histogram", -0.00034), ("volume_ratio", 1.34))
    votes: tuple[Ballot, ...] = tuple(
        Vote(agent, symbol, ts_ms, Action.BUY, 0.7321, RSI, facts) for agent in ("short_term", "mid_term")
    )
    absent = Abstain("long_term", symbol, ts_ms, AbstainReason.WARMING_UP, "120 of 200 bars")
    verdict = Verdict(symbol, ts_ms, Action.HOLD, Action.BUY, 0.7321, 0.5123, 0.6)
    refusals = (Refusal("max_notional", "the order is above the limit", "120", "100"),)
    return CycleRecord(
        f"{symbol}@{ts_ms}",
        symbol,
        ts_ms,
        ts_ms + HOUR_MS,
        Decimal("100.10"),
        (*votes, absent),
        verdict,
        outcome,
        "",
        refusals if outcome is CycleOutcome.DENIED else (),
        ("gap",),
    )


def order(name: str, status: OrderStatus, symbol: str = SYMBOLS[0], updated_ms: int = START_MS) -> Order:
    intent = OrderIntent(
        name,
        Origin.CYCLE,
        f"{symbol}@{START_MS}",
        "paper",
        symbol,
        Side.BUY,
        OrderType.LIMIT,
        Decimal("0.50"),
        Decimal("100.10"),
        START_MS,
        Decimal("100.00"),
    )
    return Order(intent, status, updated_ms, Decimal("50.10"), reason=f"{status} at {updated_ms}")


def fill(name: str, order_id: str, symbol: str = SYMBOLS[0]) -> Fill:
    price, quantity, fee = Decimal("100.10"), Decimal("0.5"), Decimal("0.0501")
    return Fill(name, order_id, "paper", symbol, Side.BUY, price, quantity, fee, Liquidity.TAKER, START_MS)


def charge(name: str, amount: str = "0.25") -> Charge:
    return Charge(name, "paper", SYMBOLS[0], ChargeKind.FUNDING, Decimal(amount), START_MS)


def equity(ts_ms: int, value: str = "10000.00") -> EquityPoint:
    zero = Decimal(0)
    return EquityPoint(ts_ms, Decimal(value), Decimal("9000"), zero, zero, zero, zero, TradingState.ACTIVE)


def signal(name: str, key: str, received_ms: int = START_MS) -> Signal:
    return Signal(name, key, received_ms, SYMBOLS[0], Side.BUY, OrderType.MARKET, Decimal("0.10"), sent_ms=START_MS)


def signal_record(name: str, status: SignalStatus, received_ms: int = START_MS) -> SignalRecord:
    return SignalRecord(name, START_MS, status, signal(name, f"id:{name}", received_ms), (f"{name}-0",))


def control(reason: str, ts_ms: int = START_MS) -> ControlRecord:
    return ControlRecord(ts_ms, TradingState.HALTED, "operator", reason)


def note(kind: str, detail: str = "", ts_ms: int = START_MS) -> AuditRecord:
    return AuditRecord(ts_ms, kind, "192.0.2.7", detail)


def run(name: str, ts_ms: int = START_MS) -> RunRecord:
    return RunRecord(name, ts_ms, "replay", False, SYMBOLS, HOUR_MS, Decimal("10000"), "0.1.0", note="not null")


def step(index: int, after: str | None = None, *more: Entry, payload: bytes = b"{}") -> Commit:
    """The commit of the bar `index`; it builds on the one before unless `after` is given."""
    if after is None:
        after = f"bar-{index - 1}" if index else GENESIS
    cycles = tuple(cycle(symbol, index) for symbol in SYMBOLS)
    entries: tuple[Entry, ...] = (batch(index), *cycles, equity(START_MS + (index + 1) * HOUR_MS))
    snapshots = (Snapshot("risk", payload), Snapshot("desk", payload))
    return Commit(f"bar-{index}", after, (*entries, *more), snapshots)


def only(name: str, after: str, *entries: Entry) -> Commit:
    """A commit of just these entries."""
    return Commit(name, after, entries)
