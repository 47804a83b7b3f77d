"""One run: bars through the desk, and what came of it."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fks_actors import __version__
from fks_actors.agents.forecast import AGENT as FORECAST
from fks_actors.backtest.ahead import Ahead
from fks_actors.backtest.council import council
from fks_actors.backtest.grid import Grid, grid_of
from fks_actors.backtest.heard import Heard, heard_in
from fks_actors.backtest.journal import RunJournal
from fks_actors.backtest.minds import Decide, RunMinds
from fks_actors.backtest.parts import RunRisk, RunVenue, in_turn
from fks_actors.backtest.passed import points_of
from fks_actors.backtest.past import Past
from fks_actors.backtest.quality import RunQuality
from fks_actors.backtest.retold import Retold
from fks_actors.backtest.stretches import Stretches
from fks_actors.backtest.worth import RunScoring
from fks_actors.desk.config import PAPER, DeskConfig, VenuePlan
from fks_actors.desk.data_quality import GateOf, fresh_gate
from fks_actors.desk.desk import Desk
from fks_actors.desk.mind import BarMind, Craft
from fks_actors.desk.ports import DeskPorts, JournalPort, Minds
from fks_actors.desk.scoring import Scoring
from fks_actors.execution.config import default_rules
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import ZERO, Charge, Fill, Order
from fks_actors.model.records import CycleRecord, EquityPoint, RunRecord
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.settings import Settings

BuildMinds = Callable[[JournalPort], Minds]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run recorded. Money in quote; `cash` is what it started with. `heard`: each mind, in its order."""

    cash: Decimal
    bars: int
    cycles: Sequence[CycleRecord]
    orders: Sequence[Order]
    fills: Sequence[Fill]
    equity: Sequence[EquityPoint]
    charges: Sequence[Charge] = ()
    heard: tuple[Heard, ...] = ()

    @property
    def final(self) -> Decimal:
        """Equity at the end."""
        return self.equity[-1].equity if self.equity else self.cash

    @property
    def fees(self) -> Decimal:
        """Fees paid."""
        return sum((fill.fee for fill in self.fills), ZERO)

    @property
    def costs(self) -> Decimal:
        """What holding cost: funding and borrowing."""
        return sum((charge.amount for charge in self.charges), ZERO)

    @property
    def drawdown(self) -> Decimal:
        """Deepest fall of equity from its highest value, 0..1."""
        return max((point.drawdown for point in self.equity), default=ZERO)


def desk_config(
    settings: Settings, venues: tuple[VenuePlan, ...], default: str, best_price: bool = False
) -> DeskConfig:
    """What a desk is told, a live one as well as a run's.

    The forecaster's votes are scored at the forecaster's own horizon, unless `reflection.horizons` says otherwise.
    """
    return DeskConfig(
        venues, default, best_price, settings.market.quality, settings.risk.per_trade_pct, reflection_of(settings),
        settings.agents.asmbtr,
    )  # fmt: skip


def reflection_of(settings: Settings) -> ReflectionConfig:
    """How a desk's minds are scored."""
    reflection = settings.reflection
    if "horizons" in reflection.model_fields_set:
        return reflection
    horizons = {**reflection.horizons, FORECAST: settings.agents.forecast.horizon_bars}
    return ReflectionConfig.model_validate({**reflection.model_dump(), "horizons": horizons})


async def run(
    settings: Settings,
    record: RunRecord,
    batches: AsyncIterator[BarBatch],
    minds: BuildMinds,
    history: Sequence[BarBatch] = (),
    told: Callable[[BarBatch], None] = lambda _: None,
) -> Result:
    """Put every batch through a desk of its own, on paper, from fresh cash.

    Args:
        settings: the limits, the venue's costs and the quality gate are read from it.
        record: the run's start: symbols, bar length, cash.
        batches: closed bars, ascending.
        minds: builds the minds; they are rebuilt from the journal that is given, if ever.
        history: bars before the first, which the minds learn from untraded.
        told: hears of every batch that is done.
    """
    parts = _Parts(settings, record, keeps_bars=True)
    desk = parts.desk(minds(parts.journal))
    await desk.recover()
    await desk.begin(record)
    await desk.learn(history)
    bars = 0
    async for batch in batches:
        await desk.run_cycle(batch)
        bars += len(batch.candles)
        told(batch)
    journal = parts.journal
    cycles = [each for each in journal.cycles if isinstance(each, CycleRecord)]
    return Result(
        record.cash,
        bars,
        cycles,
        tuple(journal.orders.values()),
        tuple(journal.fills),
        [each for each in journal.equity if isinstance(each, EquityPoint)],
        tuple(journal.charges),
        heard_in(cycles),
    )


async def run_past(
    settings: Settings,
    past: Past,
    decide: Decide | None = None,
    told: Callable[[int, int], None] = lambda done, total: None,
    each_bar: bool = False,
    minds: Callable[[], list[BarMind]] | None = None,
) -> Result:
    """Put a recording through the desk that the settings describe, with its minds of bars.

    Where it can be known that a bar leaves nothing to do, the desk is moved past it (`stretches`); what is recorded is
    the same.

    Args:
        settings: minds, limits, costs, cash.
        past: the bars.
        decide: holds the debates of language models; None for none.
        told: hears (batches done, batches in all) now and then.
        each_bar: ask the desk about every bar all the same.
        minds: makes others than those of the settings, new ones at every call.

    Raises:
        ConfigError: a model or a mind cannot be opened.
    """
    info, debate = past.info, settings.agents.debate
    record = RunRecord(
        "backtest", past.first_ms, info.name, False, info.symbols, info.interval_ms, settings.desk.cash, __version__
    )
    build = minds or (lambda: council(settings, info.interval_ms))
    voices, total = build(), past.count
    grid = grid_of(past)
    if decide is None and not each_bar and grid.usable and not settings.paper.charges:
        again = build if minds else (lambda: voices)  # a strategy's file is read once
        return await _walked(settings, record, grid, voices, again, lambda done: told(done, total))
    done = 0

    def count(_: BarBatch) -> None:
        nonlocal done
        done += 1
        if done % 16 == 0 or done == total:
            told(done, total)

    history = list(past.history())
    return await run(settings, record, _each(past.traded()), lambda _: RunMinds(voices, debate, decide), history, count)


async def _walked(
    settings: Settings,
    record: RunRecord,
    grid: Grid,
    minds: Sequence[BarMind],
    again: Callable[[], Sequence[BarMind]],
    told: Callable[[int], None],
) -> Result:
    def crafts() -> list[Craft[Any]]:
        return [mind.craft for mind in again()]

    parts = _Parts(settings, record, keeps_bars=False)
    quality = RunQuality(grid, settings.market.quality)
    reflection = reflection_of(settings)
    ahead = Ahead([mind.craft for mind in minds], grid, settings.agents.debate, reflection)
    scoring = RunScoring(reflection, ahead.worth)
    desk = parts.desk(ahead, quality.gate_of(), scoring)
    await desk.recover()
    await desk.begin(record)
    ahead.show(0, grid.begin)
    await desk.learn(grid.batches(0, grid.begin))
    stretches = Stretches(
        grid, quality, ahead, desk, parts.risk, parts.venue, parts.journal, settings.risk, parts.markets, scoring
    )
    await stretches.walk(told)
    journal = parts.journal
    retold = Retold(grid, quality, crafts, settings.agents.debate, ahead.worth.at, reflection)
    return Result(
        record.cash,
        sum(int((rows[grid.begin :] >= 0).sum()) for rows in grid.rows.values()),
        retold.cycles(journal.cycles),
        tuple(journal.orders.values()),
        tuple(journal.fills),
        points_of(journal.equity, grid),
        heard=ahead.heard(),
    )


class _Parts:
    """What every run has: an account, its venue, its journal."""

    def __init__(self, settings: Settings, record: RunRecord, keeps_bars: bool) -> None:
        self._settings = settings
        self.markets = {symbol: default_rules(symbol, settings.paper) for symbol in record.symbols}
        self.journal = RunJournal(keeps_bars)
        self.risk = RunRisk(settings.risk, {PAPER: self.markets}, {PAPER: record.cash})
        self.venue = RunVenue(settings.paper, self.markets, record.cash)

    def desk(self, minds: Minds, gate_of: GateOf = fresh_gate, scoring: Scoring | None = None) -> Desk:
        plan = VenuePlan(PAPER, PAPER, False, self.markets)
        ports = DeskPorts(minds, self.risk, {PAPER: self.venue}, self.journal, in_turn, snapshots=False)
        return Desk(ports, desk_config(self._settings, (plan,), PAPER), gate_of=gate_of, scoring=scoring)


async def _each(batches: Iterable[BarBatch]) -> AsyncIterator[BarBatch]:
    for batch in batches:
        yield batch
