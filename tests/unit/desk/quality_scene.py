"""A desk whose minds want what they are told, and whose data goes bad."""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from fks_actors.desk.ports import Deliberation
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import OrderType, Side
from fks_actors.model.records import CycleRecord, Signal
from fks_actors.model.votes import Action, Verdict
from fks_actors.risk.codec import decode
from tests.in_process import Breaker, InProcessDesk
from tests.market import SYMBOLS, batches

BTC, ETH = SYMBOLS
LOT = Decimal("0.01")


class Decided(InProcessDesk):
    """A desk whose minds want what `wants` says, whatever they see."""

    wants = Action.HOLD

    async def _deliberate(self, batch: BarBatch, briefing: Any) -> Deliberation:
        said = await super()._deliberate(batch, briefing)
        sign = {Action.BUY: 1.0, Action.SELL: -1.0, Action.HOLD: 0.0}[self.wants]
        verdicts = tuple(
            Verdict(v.symbol, v.ts_ms, self.wants, self.wants, sign, abs(sign), v.threshold) for v in said.verdicts
        )
        return replace(said, verdicts=verdicts)


def scaled(batch: BarBatch, factor: float, symbol: str = BTC) -> BarBatch:
    """The batch as a source tells it that is off by a factor."""
    bars = tuple(
        replace(c, **{k: getattr(c, k) * factor for k in ("open", "high", "low", "close")}) if c.symbol == symbol else c
        for c in batch.candles
    )
    return replace(batch, candles=bars)


def only(batch: BarBatch, *symbols: str) -> BarBatch:
    return replace(batch, candles=tuple(c for c in batch.candles if c.symbol in symbols))


def close(batch: BarBatch, symbol: str = BTC) -> float:
    return next(c.close for c in batch.candles if c.symbol == symbol)


class Home:
    """A desk on the paper venue (or at an exchange) and the bars that it is going to see."""

    def __init__(self, bars: int = 60, **config: Any) -> None:
        self.inside = Decided(SYMBOLS, Breaker(0, 0), **config)
        self.bars = batches(bars)
        self.at = self.sent = 0

    async def live(self, count: int, wants: Action = Action.HOLD) -> list[CycleRecord]:
        """The next `count` bars; BTC's records."""
        self.inside.wants = wants
        if not self.at:
            await self.inside.desk.recover()
        found: list[CycleRecord] = []
        for batch in self.bars[self.at : self.at + count]:
            found += [r for r in await self.inside.desk.run_cycle(batch) if r.symbol == BTC]
        self.at += count
        return found

    async def alert(self, side: Side, later_ms: int = 0, **changes: Any) -> Any:
        self.sent += 1
        fields = {"order_type": OrderType.MARKET, "quantity": LOT, **changes}
        signal = Signal(f"s{self.sent}", f"id:{self.sent}", 0, BTC, side, **fields)
        return await self.inside.desk.run_signal(self.sent, signal, self.inside.desk.clock_ms + later_ms)

    @property
    def risk(self) -> Any:
        return decode(self.inside.journal.snapshots["risk"].payload)


def codes(record: Any) -> list[str]:
    return [refusal.code for refusal in record.refusals]
