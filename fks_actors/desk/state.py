"""What the desk itself remembers between two steps; written with every commit under the owner `desk`."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from fks_actors.market.config import QualityConfig
from fks_actors.market.quality import QualityGate, usable
from fks_actors.model.candles import BarBatch, to_money
from fks_actors.model.records import Snapshot

OWNER = "desk"
"""The desk's name in the journal's snapshots."""


class _Payload(msgspec.Struct, frozen=True):
    last_bar_ms: dict[str, int]
    marks: dict[str, Decimal]
    inbox_cursor: int
    clock_ms: int
    interval_ms: int
    gates: dict[str, dict[str, Any]]
    halted: bool = False


@dataclass
class DeskMemory:
    """Last bar, last price and quality gate by symbol; how far the inbox was read; the newest instant seen."""

    quality: QualityConfig
    interval_ms: int = 0
    gates: dict[str, QualityGate] = field(default_factory=dict)
    last_bar_ms: dict[str, int] = field(default_factory=dict)
    marks: dict[str, Decimal] = field(default_factory=dict)
    inbox_cursor: int = 0
    clock_ms: int = 0
    halted: bool = False

    def unseen(self, batch: BarBatch) -> BarBatch:
        """The batch without the bars that were taken in already, and without figures that cannot be a bar's."""
        fresh = tuple(c for c in batch.candles if c.ts_ms > self.last_bar_ms.get(c.symbol, -1) and usable(c))
        return batch if len(fresh) == len(batch.candles) else BarBatch(batch.ts_ms, batch.interval_ms, fresh)

    def note(self, batch: BarBatch) -> dict[str, tuple[str, ...]]:
        """Move on to the batch; return the quality gate's flags by symbol."""
        self.interval_ms = batch.interval_ms
        flags: dict[str, tuple[str, ...]] = {}
        for candle in batch.candles:
            gate = self.gates.get(candle.symbol)
            if gate is None:
                gate = self.gates[candle.symbol] = QualityGate(self.quality, batch.interval_ms)
            flags[candle.symbol] = gate.judge(candle).flags
        for candle in batch.candles:
            self.last_bar_ms[candle.symbol] = candle.ts_ms
            self.marks[candle.symbol] = to_money(candle.close)
        self.clock_ms = max(self.clock_ms, batch.close_ms)
        return flags

    def encode(self) -> Snapshot:
        """The memory as a snapshot."""
        gates = {symbol: gate.state() for symbol, gate in self.gates.items()}
        payload = _Payload(
            self.last_bar_ms, self.marks, self.inbox_cursor, self.clock_ms, self.interval_ms, gates, self.halted
        )
        return Snapshot(OWNER, msgspec.json.encode(payload, order="deterministic"))

    def restore(self, payload: bytes) -> None:
        """Take up a snapshot's content; an empty one leaves a fresh memory."""
        if not payload:
            return
        held = msgspec.json.decode(payload, type=_Payload)
        self.last_bar_ms = dict(held.last_bar_ms)
        self.marks = dict(held.marks)
        self.inbox_cursor = held.inbox_cursor
        self.clock_ms = held.clock_ms
        self.halted = held.halted
        self.interval_ms = held.interval_ms
        for symbol, state in held.gates.items():
            self.gates[symbol] = QualityGate(self.quality, held.interval_ms)
            self.gates[symbol].restore(state)
