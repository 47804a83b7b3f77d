"""One run: bars through the desk, and what came of it."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fks_actors import __version__
from fks_actors.agents.forecast import AGENT as FORECAST
from fks_actors.backtest.council import council
from fks_actors.backtest.journal import RunJournal
from fks_actors.backtest.minds import Decide, RunMinds
from fks_actors.backtest.parts import RunRisk, RunVenue, in_turn
from fks_actors.backtest.past import Past
from fks_actors.desk.config import PAPER, DeskConfig, VenuePlan
from fks_actors.desk.desk import Desk
from fks_actors.desk.ports import DeskPorts, JournalPort, Minds
from fks_actors.execution.config import default_rules
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import ZERO, Charge, Fill, Order
from fks_actors.model.records import CycleRecord, EquityPoint, RunRecord
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.settings import Settings

BuildMinds = Callable[[JournalPort], Minds]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run recorded. Money in quote; `cash` is what it started with."""

    cash: Decimal
    bars: int
    cycles: Sequence[CycleRecord]
    orders: Sequence[Order]
    fills: Sequence[Fill]
    equity: Sequence[EquityPoint]
    charges: Sequence[Charge] = ()

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
    reflection = settings.reflection
    if "horizons" not in reflection.model_fields_set:
        horizons = {**reflection.horizons, FORECAST: settings.agents.forecast.horizon_bars}
        reflection = ReflectionConfig.model_validate({**reflection.model_dump(), "horizons": horizons})
    return DeskConfig(
        venues, default, best_price, settings.market.quality, settings.risk.per_trade_pct, reflection,
        settings.agents.asmbtr,
    )  # fmt: skip


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
    markets = {symbol: default_rules(symbol, settings.paper) for symbol in record.symbols}
    plan = VenuePlan(PAPER, PAPER, False, markets)
    config = desk_config(settings, (plan,), PAPER)
    journal = RunJournal()
    risk = RunRisk(settings.risk, {PAPER: markets}, {PAPER: record.cash})
    venue = RunVenue(settings.paper, markets, record.cash)
    desk = Desk(DeskPorts(minds(journal), risk, {PAPER: venue}, journal, in_turn), config)
    await desk.recover()
    await desk.begin(record)
    await desk.learn(history)
    bars = 0
    async for batch in batches:
        await desk.run_cycle(batch)
        bars += len(batch.candles)
        told(batch)
    return Result(
        record.cash,
        bars,
        tuple(journal.cycles),
        tuple(journal.orders.values()),
        tuple(journal.fills),
        tuple(journal.equity),
        tuple(journal.charges),
    )


async def run_past(
    settings: Settings,
    past: Past,
    decide: Decide | None = None,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> Result:
    """Put a recording through the desk that the settings describe, with its minds of bars.

    Args:
        settings: minds, limits, costs, cash.
        past: the bars.
        decide: holds the debates of language models; None for none.
        told: hears (batches done, batches in all) now and then.

    Raises:
        ConfigError: a model or a mind cannot be opened.
    """
    info, debate = past.info, settings.agents.debate
    record = RunRecord(
        "backtest", past.first_ms, info.name, False, info.symbols, info.interval_ms, settings.desk.cash, __version__
    )
    done, total = 0, past.count

    def count(_: BarBatch) -> None:
        nonlocal done
        done += 1
        if done % 16 == 0 or done == total:
            told(done, total)

    minds = council(settings, info.interval_ms)
    history = list(past.history())
    return await run(settings, record, _each(past.traded()), lambda _: RunMinds(minds, debate, decide), history, count)


async def _each(batches: Iterable[BarBatch]) -> AsyncIterator[BarBatch]:
    for batch in batches:
        yield batch
