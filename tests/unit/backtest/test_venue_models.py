"""With latency, fills inside the bar and costs of holding a run is still the desk itself, and its books balance."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from fks_actors.agents.config import AgentsConfig
from fks_actors.backtest.minds import RunMinds
from fks_actors.backtest.run import Result, run, run_past
from fks_actors.desk.crafts import bar_mind
from fks_actors.execution.config import PaperConfig
from fks_actors.model.account import Account
from fks_actors.model.candles import BarBatch, to_money
from fks_actors.model.orders import ZERO, Charge, ChargeKind, Fill
from fks_actors.settings import Settings
from tests.in_process import CASH, Breaker, InProcessDesk, run_record
from tests.market import START, batches
from tests.unit.backtest.honesty.scene import alone, past_of

SYMBOLS = ("BTC/USDT", "ETH/USDT")
MINDS = ("short_term", "mid_term", "asmbtr")
DAY_MS = 86_400_000
AT = START // DAY_MS * DAY_MS + DAY_MS - 150 * 60_000
"""Two and a half hours before midnight, so that funding instants lie within the bars."""
MODELS = PaperConfig(
    latency_ms=20_000, fill="intrabar", funding_bps_per_day=Decimal(300), funding_hours=1,
    borrow_bps_per_day=Decimal(100),
)  # fmt: skip


async def each(bars: Sequence[BarBatch]) -> AsyncIterator[BarBatch]:
    for batch in bars:
        yield batch


async def ran(paper: PaperConfig, bars: Sequence[BarBatch]) -> Result:
    settings = Settings(agents=AgentsConfig(minds=MINDS), paper=paper)
    minds = [bar_mind(a, settings.market, settings.memory, settings.agents) for a in MINDS]
    return await run(settings, run_record(SYMBOLS), each(bars), lambda _: RunMinds(minds, settings.agents.debate))


@pytest.mark.parametrize("rate", [0.0, 0.05])
async def test_run_when_every_model_is_on_then_the_same_as_a_desk_that_is_killed_to_the_last_digit(
    rate: float,
) -> None:
    bars = batches(300, start_ms=AT)
    home = InProcessDesk(SYMBOLS, Breaker(7, rate), agents=AgentsConfig(minds=MINDS), paper=MODELS)
    await home.run(lambda desk: desk.recover())
    for batch in bars:
        await home.run(lambda desk, batch=batch: desk.run_cycle(batch))
    result, story = await ran(MODELS, bars), home.journal.story()
    assert len(result.fills) > 2
    assert len(result.charges) >= 2
    assert list(result.charges) == story["charges"]
    assert list(result.cycles) == story["cycles"]
    assert list(result.fills) == story["fills"]
    assert list(result.equity) == story["equity"]
    assert sorted(result.orders, key=lambda o: o.intent.client_order_id) == story["orders"]


@pytest.mark.parametrize("paper", [PaperConfig(), MODELS, MODELS.model_copy(update={"latency_ms": 90_000})])
async def test_run_when_it_is_over_then_cash_and_positions_are_start_and_profit_without_costs(
    paper: PaperConfig,
) -> None:
    bars = batches(300, start_ms=AT)
    result = await ran(paper, bars)
    account = Account(CASH)
    told = sorted((*result.fills, *result.charges), key=lambda event: event.ts_ms)
    for event in told:
        account = account.charged(event) if isinstance(event, Charge) else account.applied(event)
    marks = {c.symbol: to_money(c.close) for c in bars[-1].candles}
    gains = sum((p.quantity * (marks[s] - p.entry_price) for s, p in account.positions.items()), ZERO)
    last = result.equity[-1]
    assert (account.fees, account.costs) == (result.fees, result.costs)
    assert bool(result.costs) == paper.charges
    assert (last.equity, last.cash, last.realised) == (account.equity(marks), account.cash, account.realised())
    assert abs(last.equity - (CASH + account.realised() + gains - account.costs)) < Decimal("1e-18")


async def test_run_when_holding_costs_then_each_charge_is_the_rate_of_what_was_held() -> None:
    bars = batches(300, start_ms=AT)
    result = await ran(MODELS.model_copy(update={"latency_ms": 0, "fill": "next_open"}), bars)
    closes = {(b.close_ms, c.symbol): to_money(c.close) for b in bars for c in b.candles}
    rate = Decimal(300) / 10_000 / 24
    for charge in result.charges:
        assert charge.kind is ChargeKind.FUNDING
        assert charge.ts_ms % 3_600_000 == 0
        held = _held(result.fills, charge.symbol, charge.ts_ms)
        assert abs(charge.amount - held * closes[charge.ts_ms, charge.symbol] * rate) < Decimal("1e-18")


@pytest.mark.parametrize(
    "paper",
    [
        MODELS,
        MODELS.model_copy(update={"funding_bps_per_day": ZERO, "borrow_bps_per_day": ZERO}),
        MODELS.model_copy(update={"latency_ms": 150_000, "fill": "next_open"}),
    ],
)
async def test_run_past_when_bars_are_passed_over_then_the_models_charge_the_same(
    tmp_path: Path, paper: PaperConfig
) -> None:
    past = await past_of(tmp_path, batches(400, start_ms=AT))
    settings = alone(paper)
    one, other = await run_past(settings, past), await run_past(settings, past, each_bar=True)
    assert len(one.fills) > 2
    assert list(one.fills) == list(other.fills)
    assert list(one.charges) == list(other.charges)
    assert bool(one.charges) == paper.charges
    assert list(one.equity) == list(other.equity)
    assert list(one.cycles) == list(other.cycles)


def _held(fills: Sequence[Fill], symbol: str, until_ms: int) -> Decimal:
    """What was held before the instant; trades at the instant itself are the next bar's."""
    mine = (f for f in fills if f.symbol == symbol and f.ts_ms < until_ms)
    return sum((f.quantity if f.side == "buy" else -f.quantity for f in mine), ZERO)
