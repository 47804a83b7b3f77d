"""A sweep trades as the desk does: the same fills at the same bars, and equity within the bound that it states."""

import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from fks_actors.backtest.council import alone
from fks_actors.backtest.metrics import metrics
from fks_actors.backtest.past import read_past
from fks_actors.backtest.run import Result, run_past
from fks_actors.backtest.sweep import RULES, Costs, sweep, sweep_past
from fks_actors.backtest.sweep.evaluate import Trace, traced
from fks_actors.backtest.sweep.ports import Job
from fks_actors.backtest.sweep.sweeping import ROOM_BYTES, TOLERANCE, _prices
from fks_actors.backtest.trips import round_trips
from fks_actors.errors import ConfigError
from fks_actors.execution.config import PaperConfig
from fks_actors.model.candles import Candle
from fks_actors.model.orders import Side
from fks_actors.risk.config import RiskConfig
from fks_actors.settings import Settings
from tests.unit.backtest.sweep.lone import columns, mind, ran, settings
from tests.unit.bars import HOUR_MS, SYMBOL

ROOT = Path(__file__).parents[4]
START_MS = 1_700_000_000_000 // HOUR_MS * HOUR_MS
SETS = {
    "ema_cross": (3.0, 8.0),
    "sma_cross": (3.0, 8.0),
    "sma": (7.0,),
    "macd": (4.0, 9.0, 3.0),
    "bollinger": (8.0, 1.2),
    "rsi": (5.0, 35.0, 65.0),
}
FREE = PaperConfig(
    taker_fee_bps=Decimal(10),
    slippage_bps=Decimal(0),
    range_share=Decimal(0),
    participation_pct=None,
    step=Decimal("0.00000001"),
    min_quantity=Decimal("0.00000001"),
)
DEAR = PaperConfig(taker_fee_bps=Decimal(7), slippage_bps=Decimal(3), participation_pct=None)


def market(seed: int, count: int, price: float, wild: float) -> list[Candle]:
    """Bars with gaps in price and time, flat stretches and hours without volume; closes move under fivefold."""
    rng = random.Random(seed)
    bars, at = [], 0
    for _ in range(count):
        at += 1 if rng.random() > 0.05 else rng.randint(2, 40)
        if rng.random() < 0.2:
            opening = high = low = close = price
        else:
            opening = price * (1 + max(min(rng.gauss(0, wild / 2), 0.5), -0.4))
            close = opening * (1 + max(min(rng.gauss(0, wild), 0.5), -0.4))
            high = max(opening, close) * (1 + abs(rng.gauss(0, wild / 4)))
            low = min(opening, close) / (1 + abs(rng.gauss(0, wild / 4)))
        digits = 2 if price > 10 else 10
        figures = [round(x, digits) for x in (opening, high, low, close)]
        volume = 0.0 if rng.random() < 0.1 else rng.expovariate(0.01)
        bars.append(Candle(SYMBOL, at * HOUR_MS, *figures, volume))
        price = max(close, 0.05)
    return bars


def later(bars: Sequence[Candle]) -> list[Candle]:
    """The bars at times that a recording may have."""
    return [changed(bar, ts_ms=bar.ts_ms + START_MS) for bar in bars]


def recorded(folder: Path, bars: Sequence[Candle]) -> str:
    """The bars in a file; its path."""
    rows = ["timestamp,open,high,low,close,volume"]
    rows += [f"{b.ts_ms},{b.open!r},{b.high!r},{b.low!r},{b.close!r},{b.volume!r}" for b in bars]
    (folder / "BTCUSDT-1h.csv").write_text("\n".join(rows), encoding="utf-8")
    return str(folder / "BTCUSDT-1h.csv")


def trace(bars: Sequence[Candle], told: Settings, rule: str, values: tuple[float, ...], votes: bool = False) -> Trace:
    costs = Costs.of(told, SYMBOL, votes).figures()
    job = Job(_prices(columns(bars)), rule, np.array([values]), costs, float(told.desk.cash), ROOM_BYTES)
    return traced(job, 0)


def same(bars: Sequence[Candle], told: Settings, result: Result, found: Trace) -> None:
    """Fail where the two differ by more than is stated."""
    place = {bar.ts_ms: at for at, bar in enumerate(bars)}
    step = float(told.paper.step)
    fills = [(place[f.ts_ms], f.side is Side.BUY) for f in result.fills]
    assert fills == [(int(row[0]), row[1] > 0) for row in found.fills]
    for fill, row in zip(result.fills, found.fills, strict=True):
        assert float(fill.price) == pytest.approx(row[2], rel=1e-12)
        assert float(fill.quantity) == pytest.approx(abs(row[1]), rel=TOLERANCE, abs=step)
    rounding, most = len(fills) * step, 0.0
    for bar, point, equity in zip(bars, result.equity, found.curve, strict=True):
        most = max(most, bar.high)
        assert abs(float(point.equity) - equity) <= TOLERANCE * equity + rounding * most


@pytest.mark.parametrize("votes", [True, False])
@pytest.mark.parametrize("paper", [FREE, DEAR])
@pytest.mark.parametrize("rule", RULES)
async def test_sweep_when_a_rule_trades_alone_then_the_desk_does_the_same(
    rule: str, paper: PaperConfig, votes: bool
) -> None:
    bars, told = market(11, 400, 100.0, 0.02), settings(paper)
    result = await ran(bars, told, mind(rule, SETS[rule], votes))
    found = trace(bars, told, rule, SETS[rule], votes)
    assert len(found.fills) >= 10
    same(bars, told, result, found)


@pytest.mark.parametrize(
    ("rule", "values", "strategy"),
    [
        ("ema_cross", (20.0, 50.0), "examples/ema_cross.py"),
        ("sma", (200.0,), "fks_actors/desk/textbook.py:PriceOverSma"),
        ("sma_cross", (50.0, 200.0), "fks_actors/desk/textbook.py:SmaCross"),
        ("macd", (12.0, 26.0, 9.0), "fks_actors/desk/textbook.py:MacdCross"),
        ("bollinger", (20.0, 2.0), "fks_actors/desk/textbook.py:BollingerReversion"),
    ],
)
async def test_sweep_when_a_strategy_has_the_same_rule_then_its_run_does_the_same(
    rule: str, values: tuple[float, ...], strategy: str, tmp_path: Path
) -> None:
    bars = later(market(8, 1_200, 100.0, 0.02))
    past = await read_past([recorded(tmp_path, bars)])
    told = alone(settings(DEAR), f"{ROOT}/{strategy}")
    found = trace(bars, told, rule, values)
    assert len(found.fills) >= 6
    same(bars, told, await run_past(told, past), found)


@pytest.mark.parametrize("warm", [0, 40, 10_000])
async def test_sweep_when_bars_are_learnt_from_then_they_are_not_traded(warm: int, tmp_path: Path) -> None:
    bars = later(market(8, 500, 100.0, 0.02))
    past = await read_past([recorded(tmp_path, bars)], (bars[150].ts_ms, bars[450].ts_ms), warm)
    told = alone(settings(DEAR), f"{ROOT}/examples/ema_cross.py", {"fast": 8, "slow": 21})
    result = await run_past(told, past)
    found = sweep_past(told, past, "ema_cross", {"fast": [8], "slow": [21]})
    assert found.bars == 300
    assert found.trips[0] == len(round_trips(result.fills).trips)
    assert found.final[0] == pytest.approx(float(result.final), rel=1e-6)


async def test_sweep_when_there_are_two_symbols_then_it_refuses(tmp_path: Path) -> None:
    one = recorded(tmp_path, later(market(8, 50, 100.0, 0.02)))
    past = await read_past([f"BTC/USDT={one}", f"ETH/USDT={one}"])
    with pytest.raises(ConfigError, match="one symbol, not of 2"):
        sweep_past(settings(DEAR), past, "sma", {"period": [5]})


@tries(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 120),
    price=st.sampled_from([0.37, 42.0, 65_000.0]),
    wild=st.sampled_from([0.0, 0.001, 0.02, 0.15]),
    rule=st.sampled_from(sorted(RULES)),
    paper=st.sampled_from([FREE, DEAR]),
    cash=st.sampled_from([Decimal(20), Decimal(10_000), Decimal(10**12)]),
    share=st.sampled_from([Decimal(100), Decimal(30), Decimal(5)]),
    votes=st.booleans(),
)
async def test_sweep_when_the_bars_are_anything_then_the_desk_does_the_same(
    seed: int, count: int, price: float, wild: float, rule: str, paper: PaperConfig, cash: Decimal, share: Decimal,
    votes: bool,
) -> None:  # fmt: skip
    bars = market(seed, count, price, wild)
    risk = RiskConfig.model_validate({**settings(paper).risk.model_dump(), "per_trade_pct": share})
    told = settings(paper, cash, risk)
    result = await ran(bars, told, mind(rule, SETS[rule], votes))
    same(bars, told, result, trace(bars, told, rule, SETS[rule], votes))


async def test_sweep_when_figures_are_told_then_they_are_those_of_the_metrics() -> None:
    bars, told = market(5, 500, 100.0, 0.02), settings(DEAR)
    result = await ran(bars, told, mind("sma_cross", (3.0, 8.0), True))
    costs = Costs.of(told, SYMBOL, votes=True)
    found = sweep(columns(bars), "sma_cross", {"fast": [3], "slow": [8]}, costs)
    of_run = metrics(result)
    assert found.sharpe[0] == pytest.approx(of_run.sharpe, rel=1e-6)
    assert of_run.drawdown is not None
    assert found.drawdown[0] == pytest.approx(of_run.drawdown.depth, rel=1e-8)
    assert found.gained[0] == pytest.approx(of_run.total, rel=1e-8)
    assert found.fees[0] == pytest.approx(float(result.fees), rel=1e-8)
    assert found.trips[0] == len(round_trips(result.fills).trips)
