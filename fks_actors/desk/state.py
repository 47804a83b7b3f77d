"""What the desk itself remembers between two steps; written with every commit under the owner `desk`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import sqrt
from typing import Any

import msgspec
from msgspec.structs import replace

from fks_actors.desk.data_quality import DataQuality, Flagged, GateOf, fresh_gate
from fks_actors.desk.exits import Bracket
from fks_actors.desk.routing import Quotes
from fks_actors.errors import JournalCorrupt
from fks_actors.market.config import QualityConfig
from fks_actors.market.quality import usable
from fks_actors.model.candles import BarBatch, to_money
from fks_actors.model.records import AuditRecord, Snapshot
from fks_actors.model.votes import Vote

OWNER = "desk"
"""The desk's name in the journal's snapshots."""

_DAY_MS = 86_400_000
_PLACES = Decimal("0.00000001")


class Change(msgspec.Struct, frozen=True):
    """What an operator wants of a working order: it is replaced as soon as its cancel is confirmed. None: unchanged."""

    price: Decimal | None = None
    quantity: Decimal | None = None


class Advice(msgspec.Struct, frozen=True):
    """An advisory signal that waits for the next debate of its symbol."""

    signal_id: str
    vote: Vote


class Closing(msgspec.Struct, frozen=True):
    """A verdict's SELL that waits for the protective exits at its venue to end (`desk.closing`)."""

    decision_id: str
    venue: str
    symbol: str


class _Payload(msgspec.Struct, frozen=True):
    last_bar_ms: dict[str, int]
    marks: dict[str, Decimal]
    inbox_cursor: int
    clock_ms: int
    interval_ms: int
    gates: dict[str, dict[str, Any]]
    halted: bool = False
    brackets: tuple[Bracket, ...] = ()
    changes: dict[str, Change] = {}
    advice: tuple[Advice, ...] = ()
    uncancelled: tuple[str, ...] = ()
    closings: dict[str, Closing] = {}
    data: dict[str, Any] = {}


@dataclass
class DeskMemory:
    """Last bar and last price that was believed, by symbol; what is thought of the data; how far the inbox was read;
    the newest instant seen; and what is still to be done: brackets by the id of signal or decision, replacements and
    waiting sales by client order id, advice for the next debate, and the orders whose end was asked for and not heard
    by their venue."""

    quality: QualityConfig
    gate_of: GateOf = fresh_gate
    interval_ms: int = 0
    last_bar_ms: dict[str, int] = field(default_factory=dict)
    marks: dict[str, Decimal] = field(default_factory=dict)
    inbox_cursor: int = 0
    clock_ms: int = 0
    halted: bool = False
    brackets: dict[str, Bracket] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)
    advice: tuple[Advice, ...] = ()
    uncancelled: set[str] = field(default_factory=set)
    closings: dict[str, Closing] = field(default_factory=dict)
    data: DataQuality = field(init=False)

    def __post_init__(self) -> None:
        self.data = DataQuality(self.quality, self.gate_of)

    def unseen(self, batch: BarBatch) -> BarBatch:
        """The batch without the bars that were taken in already, and without figures that cannot be a bar's."""
        fresh = tuple(c for c in batch.candles if c.ts_ms > self.last_bar_ms.get(c.symbol, -1) and usable(c))
        return batch if len(fresh) == len(batch.candles) else BarBatch(batch.ts_ms, batch.interval_ms, fresh)

    def note(
        self, batch: BarBatch, quotes: Quotes | None = None, now_ms: int | None = None
    ) -> dict[str, tuple[str, ...]]:
        """Move on to the batch; return the quality flags by symbol. A price that is implausible moves no mark: it
        would trip the loss limits, and misprice what is proposed."""
        self.interval_ms = batch.interval_ms
        flags = self.data.note(batch, quotes or {}, now_ms)
        for candle in batch.candles:
            self.last_bar_ms[candle.symbol] = candle.ts_ms
            if self.data.suspicion(candle.symbol) is None:
                self.marks[candle.symbol] = to_money(candle.close)
        self.clock_ms = max(self.clock_ms, batch.close_ms)
        return flags

    @property
    def idle(self) -> bool:
        """Whether nothing is still to be done, and nothing speaks against the data."""
        pending = self.brackets or self.changes or self.advice or self.uncancelled or self.closings
        return not pending and self.data.calm

    def pass_over(self, last: BarBatch, bars: int, flagged: Flagged) -> None:
        """Move on to `last`, the end of that many batches of the same symbols (`data_quality.DataQuality.rest`)."""
        for candle in last.candles:
            self.last_bar_ms[candle.symbol] = candle.ts_ms
            self.marks[candle.symbol] = to_money(candle.close)
            self.data.rest(candle, bars, flagged.get(candle.symbol, ()))
        self.clock_ms = last.close_ms

    def volatility(self, symbol: str) -> Decimal:
        """The symbol's standard deviation of log returns a day, as a fraction; 0 while it is not known."""
        gate = self.data.gates.get(symbol)
        if gate is None or not self.interval_ms:
            return Decimal(0)
        return to_money(gate.deviation * sqrt(_DAY_MS / self.interval_ms)).quantize(_PLACES)

    def heard(self, symbol: str, ts_ms: int) -> tuple[Vote, ...]:
        """The advisory votes on `symbol`, as of the bar that opened at `ts_ms`."""
        return tuple(replace(a.vote, ts_ms=ts_ms) for a in self.advice if a.vote.symbol == symbol)

    def take_advice(self, symbols: Mapping[str, Any]) -> tuple[Advice, ...]:
        """Forget the advice on these symbols; return it."""
        if not self.advice:
            return ()
        taken = tuple(a for a in self.advice if a.vote.symbol in symbols)
        self.advice = tuple(a for a in self.advice if a.vote.symbol not in symbols)
        return taken

    def call_off(self, ts_ms: int) -> tuple[AuditRecord, ...]:
        """Trading is halted: forget the sales that wait for exits to end; a note of each."""
        closings, self.closings = self.closings, {}
        return tuple(
            AuditRecord(ts_ms, "sale_called_off", c.decision_id, f"{c.symbol} at {c.venue}: trading is halted")
            for c in closings.values()
        )

    def encode(self) -> Snapshot:
        """The memory as a snapshot."""
        gates = {symbol: gate.state() for symbol, gate in self.data.gates.items()}
        payload = _Payload(
            self.last_bar_ms,
            self.marks,
            self.inbox_cursor,
            self.clock_ms,
            self.interval_ms,
            gates,
            self.halted,
            tuple(self.brackets.values()),
            self.changes,
            self.advice,
            tuple(sorted(self.uncancelled)),
            self.closings,
            self.data.state(),
        )
        return Snapshot(OWNER, msgspec.json.encode(payload, order="deterministic"))

    def restore(self, payload: bytes) -> None:
        """Take up a snapshot's content; an empty one leaves a fresh memory.

        Raises:
            JournalCorrupt: the bytes are not a desk's memory.
        """
        if not payload:
            return
        try:
            held = msgspec.json.decode(payload, type=_Payload)
        except msgspec.MsgspecError as error:
            raise JournalCorrupt(f"the desk's snapshot cannot be read: {error}") from error
        self.last_bar_ms = dict(held.last_bar_ms)
        self.marks = dict(held.marks)
        self.inbox_cursor = held.inbox_cursor
        self.clock_ms = held.clock_ms
        self.halted = held.halted
        self.interval_ms = held.interval_ms
        self.brackets = {bracket.signal_id: bracket for bracket in held.brackets}
        self.changes = dict(held.changes)
        self.advice = held.advice
        self.uncancelled = set(held.uncancelled)
        self.closings = dict(held.closings)
        self.data = DataQuality(self.quality, self.gate_of)
        self.data.restore(held.interval_ms, held.gates, held.data)
