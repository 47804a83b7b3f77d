"""One paper portfolio beside the desk: it takes the same bars and signals, through the same code as a backtest's run.

Nobody waits for it and it reaches nobody: no model of language, no headline, no real venue, no operator. So `twin`, the
desk's own configuration, differs from the desk by just that, and a comparison of two configurations is one of shadows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from msgspec.structs import replace

from fks_actors.backtest.baselines import BuyAndHold
from fks_actors.backtest.council import council, left_out
from fks_actors.backtest.minds import RunMinds
from fks_actors.backtest.parts import RunRisk, RunVenue, in_turn
from fks_actors.backtest.run import desk_config
from fks_actors.backtest.shadow_journal import KEPT, ShadowJournal
from fks_actors.desk.config import PAPER, VenuePlan
from fks_actors.desk.desk import Desk
from fks_actors.desk.mind import BarMind
from fks_actors.desk.ports import DeskPorts
from fks_actors.desk.strategy_craft import strategy_craft
from fks_actors.execution.config import default_rules
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import ZERO
from fks_actors.model.records import RunRecord, Signal
from fks_actors.settings import Settings
from fks_actors.strategies.source import Source, load

FLAT, HOLD, HOLD_CAPPED = "flat", "buy_and_hold", "buy_and_hold_capped"
RULES = (FLAT, HOLD, HOLD_CAPPED)
"""Shadows that need no desk."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What a shadow is worth at `ts_ms` (UTC), and what it did for it. Money in quote, `drawdown` 0..1."""

    ts_ms: int
    equity: Decimal
    drawdown: Decimal = ZERO
    exposure: Decimal = ZERO
    orders: int = 0
    fills: int = 0
    fees: Decimal = ZERO


class Shadow(Protocol):
    """A portfolio that follows."""

    async def learn(self, batches: Sequence[BarBatch]) -> None:
        """Take note of bars; nothing is traded."""
        ...

    async def take(self, batch: BarBatch) -> None:
        """Take the next closed bars."""
        ...

    async def hear(self, seq: int, signal: Signal, ts_ms: int) -> None:
        """Take an alert, at the desk's time."""
        ...

    @property
    def worth(self) -> Worth:
        """Now."""
        ...


class Flat:
    """Holds its cash."""

    def __init__(self, cash: Decimal) -> None:
        self._worth = Worth(0, cash)

    async def learn(self, batches: Sequence[BarBatch]) -> None:
        """Nothing."""

    async def take(self, batch: BarBatch) -> None:
        """Let time pass."""
        self._worth = Worth(batch.close_ms, self._worth.equity)

    async def hear(self, seq: int, signal: Signal, ts_ms: int) -> None:
        """Nothing."""

    @property
    def worth(self) -> Worth:
        """The cash."""
        return self._worth


class Hold:
    """Buys once, as `baselines.BuyAndHold` does: with all its cash, or for each symbol what one trade may take."""

    def __init__(self, settings: Settings, record: RunRecord, capped: bool = False) -> None:
        markets = {symbol: default_rules(symbol, settings.paper) for symbol in record.symbols}
        share = settings.risk.per_trade_pct if capped else None
        self._hold = BuyAndHold(record.cash, markets, settings.paper, share, keeps_rows=False)
        self._peak = record.cash
        self._worth = Worth(0, record.cash)

    async def learn(self, batches: Sequence[BarBatch]) -> None:
        """Nothing: it buys at the first open after it began."""

    async def take(self, batch: BarBatch) -> None:
        """Buy once, then mark."""
        self._hold.observe(batch)
        equity, fills = self._hold.final, self._hold.fills
        self._peak = max(self._peak, equity)
        fees = sum((fill.fee for fill in fills), ZERO)
        fall = 1 - equity / self._peak
        self._worth = Worth(batch.close_ms, equity, fall, self._hold.exposure, len(fills), len(fills), fees)

    async def hear(self, seq: int, signal: Signal, ts_ms: int) -> None:
        """Nothing."""

    @property
    def worth(self) -> Worth:
        """At the last close."""
        return self._worth


class PaperDesk:
    """A desk of its own on paper: begin with `opened`.

    Args:
        settings: its limits, costs and debates.
        record: symbols, bar length, cash.
        minds: who votes.
        kept: how many ended orders and signals it remembers.
    """

    def __init__(self, settings: Settings, record: RunRecord, minds: Sequence[BarMind], kept: int = KEPT) -> None:
        markets = {symbol: default_rules(symbol, settings.paper) for symbol in record.symbols}
        self._journal = ShadowJournal(kept)
        risk = RunRisk(settings.risk, {PAPER: markets}, {PAPER: record.cash})
        venue = RunVenue(settings.paper, markets, record.cash)
        voices = RunMinds(minds, settings.agents.debate)
        config = desk_config(settings, (VenuePlan(PAPER, PAPER, False, markets),), PAPER)
        self._desk = Desk(DeskPorts(voices, risk, {PAPER: venue}, self._journal, in_turn, snapshots=False), config)
        self._record = record

    async def opened(self) -> "PaperDesk":
        """Begin; returns itself."""
        await self._desk.recover()
        await self._desk.begin(self._record)
        return self

    @property
    def held(self) -> int:
        """How many records it remembers."""
        return self._journal.held

    async def learn(self, batches: Sequence[BarBatch]) -> None:
        """Take note of bars; nothing is traded."""
        await self._desk.learn(batches)

    async def take(self, batch: BarBatch) -> None:
        """Decide on the next closed bars."""
        await self._desk.run_cycle(batch)

    async def hear(self, seq: int, signal: Signal, ts_ms: int) -> None:
        """Take an alert; whatever venue it names, here it trades on paper."""
        await self._desk.run_signal(seq, replace(signal, exchange=""), ts_ms)

    @property
    def worth(self) -> Worth:
        """At the last close, or at what happened since."""
        kept, point = self._journal, self._journal.point
        if point is None:
            return Worth(0, self._record.cash)
        return Worth(
            point.ts_ms, point.equity, point.drawdown, point.exposure, kept.orders, kept.fills, kept.fees
        )  # fmt: skip


async def open_shadow(rule: str, settings: Settings, record: RunRecord, sources: Sequence[Source] = ()) -> Shadow:
    """A shadow from fresh cash. `rule`: one of RULES, or empty for the minds that the settings name; `sources`: the
    strategies among those.

    Raises:
        ConfigError: a model, a mind or a strategy cannot be opened.
    """
    if rule == FLAT:
        return Flat(record.cash)
    if rule in RULES:
        return Hold(settings, record, rule == HOLD_CAPPED)
    minds = [_mind(agent, settings, record.interval_ms, sources) for agent in settings.agents.minds]
    return await PaperDesk(settings, record, [mind for each in minds for mind in each]).opened()


def _mind(agent: str, settings: Settings, interval_ms: int, sources: Sequence[Source]) -> list[BarMind]:
    """One of the council; a strategy is what was read where the desk was started, not what its file has become."""
    source = next((each for each in sources if each.name == agent), None)
    if source is not None:
        return [BarMind(strategy_craft(load(source), ends_run=True))]
    agents = settings.agents.model_copy(update={"minds": (agent,)})
    return council(settings.model_copy(update={"agents": agents}), interval_ms)


def silent_minds(settings: Settings) -> tuple[str, ...]:
    """The configured minds that a shadow has no ear for."""
    return left_out(settings)
