"""The rules of a sweep as minds of bars, and a run in which one of them decides alone."""

from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from fks_actors.adapters.feeds.columns import Columns
from fks_actors.agents.config import AgentsConfig, DebateConfig
from fks_actors.backtest.minds import RunMinds
from fks_actors.backtest.run import Result, run
from fks_actors.backtest.sweep.rules import Values
from fks_actors.desk.mind import BarMind, Craft
from fks_actors.execution.config import PaperConfig
from fks_actors.market.config import MarketConfig, QualityConfig
from fks_actors.market.indicators import Ema, Macd, RollingMoments, Rsi
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.records import RunRecord
from fks_actors.model.votes import Action, Vote
from fks_actors.risk.config import RiskConfig
from fks_actors.settings import DeskSection, Settings
from tests.unit.bars import HOUR_MS

OPEN_GATE = QualityConfig(
    spike_z=100.0, spike_floor=1.0, implausible_pct=99.9, fail_under=1e-300, recover_at=1e-300, pause_share=1.0
)
"""Data that is doubted stops no order: a sweep knows no doubts."""

ALL_IN = RiskConfig(
    per_trade_pct=Decimal(100),
    max_gross_exposure_pct=Decimal(100),
    reservation_buffer_pct=Decimal("0.1"),
    max_daily_loss_pct=Decimal(100),
    drawdown_reducing_pct=Decimal("99.9999"),
    drawdown_halt_pct=Decimal(100),
)


def settings(paper: PaperConfig, cash: Decimal = Decimal(10_000), risk: RiskConfig = ALL_IN) -> Settings:
    """A desk that does as a lone mind says."""
    return Settings(
        paper=paper,
        risk=risk,
        market=MarketConfig(quality=OPEN_GATE),
        agents=AgentsConfig(debate=DebateConfig(min_votes=1)),
        desk=DeskSection(cash=cash),
    )


class _Averages:
    """Long while one average lies above the other."""

    def __init__(self, kind: Callable[[int], Any], values: Values) -> None:
        self._fast, self._slow = (kind(int(period)) for period in values)

    def see(self, close: float) -> bool:
        found = self._fast.update(close), self._slow.update(close)
        fast, slow = found if isinstance(self._fast, Ema) else (self._fast.mean, self._slow.mean)
        return bool(fast > slow)


class _Macd:
    def __init__(self, values: Values) -> None:
        self._macd = Macd(*(int(period) for period in values))

    def see(self, close: float) -> bool:
        self._macd.update(close)
        return self._macd.histogram > 0.0


class _Sma:
    def __init__(self, values: Values) -> None:
        self._average = RollingMoments(int(values[0]))

    def see(self, close: float) -> bool:
        self._average.update(close)
        return close > self._average.mean


class _Bollinger:
    def __init__(self, values: Values) -> None:
        self._average, self._width, self._bars = RollingMoments(int(values[0])), values[1], -int(values[0])
        self._long = False

    def see(self, close: float) -> bool:
        self._average.update(close)
        self._bars += 1
        if close >= self._average.mean:
            self._long = False
        elif self._bars >= 0 and close < self._average.mean - self._width * self._average.deviation:
            self._long = True
        return self._long


class _Rsi:
    def __init__(self, values: Values) -> None:
        self._index, (self._low, self._high) = Rsi(int(values[0])), values[1:]
        self._long = False

    def see(self, close: float) -> bool:
        self._index.update(close)
        if self._index.value > self._high:
            self._long = False
        elif self._index.value < self._low:
            self._long = True
        return self._long


_KINDS: dict[str, tuple[Callable[[Values], Any], Callable[[Values], int]]] = {
    "ema_cross": (lambda v: _Averages(Ema, v), lambda v: int(v[1])),
    "sma_cross": (lambda v: _Averages(RollingMoments, v), lambda v: int(v[1])),
    "sma": (_Sma, lambda v: int(v[0])),
    "macd": (_Macd, lambda v: int(v[1] + v[2]) - 1),
    "bollinger": (_Bollinger, lambda v: int(v[0])),
    "rsi": (_Rsi, lambda v: int(v[0]) + 1),
}


class _Seen:
    """What a rule made of the bars so far (`desk.mind.Features`)."""

    def __init__(self, rule: str, values: Values) -> None:
        make, required = _KINDS[rule]
        self._rule, self.required = make(values), required(values)
        self.bars, self.long = 0, False

    @property
    def warm(self) -> bool:
        return self.bars >= self.required

    def update(self, candle: Candle) -> None:
        self.bars += 1
        self.long = self._rule.see(candle.close)

    def state(self) -> dict[str, Any]:
        raise NotImplementedError

    def restore(self, state: dict[str, Any]) -> None:
        raise NotImplementedError


def mind(rule: str, values: Values, votes: bool) -> BarMind:
    """The rule as a mind that `votes` with full confidence, or else names a target."""

    def vote(seen: _Seen, candle: Candle) -> Vote:
        action = Action.BUY if seen.long else Action.SELL
        return Vote(rule, candle.symbol, candle.ts_ms, action, 1.0, rule, (), None if votes else float(seen.long))

    return BarMind(Craft(rule, 1, {}, lambda: _Seen(rule, values), vote))


async def ran(bars: Sequence[Candle], told: Settings, voice: BarMind) -> Result:
    """The bars, hours, through a desk whose only mind is `voice`."""
    record = RunRecord("t", bars[0].ts_ms, "t", False, (bars[0].symbol,), HOUR_MS, told.desk.cash, "t")

    async def each() -> AsyncIterator[BarBatch]:
        for bar in bars:
            yield BarBatch(bar.ts_ms, HOUR_MS, (bar,))

    return await run(told, record, each(), lambda _: RunMinds([voice], told.agents.debate))


def columns(bars: Sequence[Candle]) -> Columns:
    """The bars as columns."""
    figures = [(b.open, b.high, b.low, b.close, b.volume) for b in bars]
    table = np.array(figures, dtype=np.float64).reshape(-1, 5)
    return Columns(np.array([b.ts_ms for b in bars], dtype=np.int64), *(table[:, at].copy() for at in range(5)))
