"""What a sweep tells, refuses and needs."""

import math
from dataclasses import asdict, fields
from decimal import Decimal

import numpy as np
import pytest
from msgspec.structs import replace as changed

from fks_actors.adapters.feeds.columns import Columns
from fks_actors.backtest.sweep import RULES, Costs, ports, sweep
from fks_actors.backtest.sweep.features import Features, sealed
from fks_actors.backtest.sweep.rules import MOST_SETS
from fks_actors.errors import ConfigError, DataError
from fks_actors.execution.config import PaperConfig
from fks_actors.model.candles import Candle
from fks_actors.risk.config import RiskConfig
from fks_actors.settings import Settings
from tests.bench.peers.walk import walk as bench_walk
from tests.unit.backtest.sweep.lone import columns, settings
from tests.unit.backtest.sweep.test_parity import SETS, market
from tests.unit.bars import SYMBOL, bar, bars_of

BENCH = Costs(0.001)
GRID = {"fast": [3, 5, 8, 13], "slow": [5, 8, 13, 21]}


def walk(count: int) -> Columns:
    """The first bars of the benchmark's random walk, each opening at the close before it."""
    rng = np.random.default_rng(7)
    closes = (30_000 * np.exp(np.cumsum(rng.normal(0, 0.0006, count)))).round(2)
    opens = np.concatenate([[30_000.0], closes[:-1]])
    times = 1_704_067_200_000 + 60_000 * np.arange(count, dtype=np.int64)
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    return Columns(times, opens, high, low, closes, np.ones(count))


def plain(bars: Columns, fast: int, slow: int, cash: float) -> tuple[int, float]:
    """Closed round trips and the end of an EMA cross, as short as it can be written."""
    quick = lazy = float(bars.close[0])
    held, trips, wish = 0.0, 0, 0
    for at, (opening, close) in enumerate(zip(bars.open.tolist(), bars.close.tolist(), strict=True)):
        if wish > 0 and not held:
            held, cash = cash / (opening * 1.001), 0.0
        elif wish < 0 and held:
            held, cash, trips = 0.0, held * opening * 0.999, trips + 1
        quick += 2 / (fast + 1) * (close - quick)
        lazy += 2 / (slow + 1) * (close - lazy)
        wish = 0 if at < slow - 1 else 1 if quick > lazy else -1
    return trips, cash + held * float(bars.close[-1])


def test_sweep_when_an_ema_crosses_then_a_plain_loop_ends_the_same() -> None:
    bars = walk(20_000)
    found = sweep(bars, "ema_cross", {"fast": [20], "slow": [50]}, BENCH, 1e12)
    trips, final = plain(bars, 20, 50, 1e12)
    assert trips > 150
    assert found.trips[0] == trips
    assert found.final[0] == pytest.approx(final, rel=1e-9)


def test_sweep_when_a_grid_is_given_then_each_set_is_what_it_is_alone() -> None:
    bars = columns(market(4, 800, 100.0, 0.02))
    found = sweep(bars, "ema_cross", GRID, BENCH)
    assert found.tried == len({tuple(row) for row in found.sets.tolist()}) == 10
    for at, (fast, slow) in enumerate(found.sets.tolist()):
        alone = sweep(bars, "ema_cross", {"fast": [fast], "slow": [slow]}, BENCH)
        assert alone.figures[0].tolist() == found.figures[at].tolist()


@pytest.mark.parametrize("rule", RULES)
def test_sweep_when_there_is_little_room_then_nothing_but_the_work_changes(rule: str) -> None:
    bars = columns(market(4, 300, 100.0, 0.02))
    names = [parameter.name for parameter in RULES[rule].parameters]
    grid = {name: [value, value + 1, value + 2] for name, value in zip(names, SETS[rule], strict=True)}
    wide, narrow = (sweep(bars, rule, grid, BENCH, room_bytes=room) for room in (2**27, 0))
    assert wide.tried >= 3
    assert wide.figures.tolist() == narrow.figures.tolist()


def test_features_when_they_would_be_too_many_then_the_oldest_go() -> None:
    closes = sealed(walk(100).close)
    held = Features(closes, room_bytes=10 * closes.nbytes)
    for period in range(2, 40):
        held.column(("ema", (float(period),)))
        held.column(("ema", (2.0,)))
    assert (len(held), held.computed) == (10, 38)


def test_features_when_mean_and_deviation_are_asked_for_then_they_are_computed_together() -> None:
    held = Features(sealed(walk(100).close), 2**20)
    held.column(("sma", (5.0,)))
    held.column(("deviation", (5.0,)))
    assert held.computed == 2


def test_sweep_when_many_sets_are_tried_then_luck_is_told_beside_the_best() -> None:
    grid = {"fast": range(2, 30, 3), "slow": range(31, 60, 5)}
    found = sweep(walk(5_000), "ema_cross", grid, Costs(0.0))
    assert found.best is not None
    assert found.best.place == int(np.nanargmax(found.sharpe)) == int(found.ranked()[0])
    assert found.best.deflated is not None
    one = found.sets[found.best.place].tolist()
    alone = sweep(walk(5_000), "ema_cross", {"fast": one[:1], "slow": one[1:]}, Costs(0.0)).best
    assert alone is not None
    assert alone.deflated is not None
    assert found.best.deflated < alone.deflated - 0.05
    assert "60 sets" in found.headline()
    assert "luck" in found.headline()


def test_sweep_when_the_best_loses_then_the_first_line_says_so() -> None:
    found = sweep(walk(5_000), "ema_cross", {"fast": [3], "slow": [5, 8]}, BENCH)
    assert found.gained.max() < 0
    assert "NEITHER flat NOR" in found.headline() or "does NOT beat flat" in found.headline()


def test_sweep_when_nothing_trades_then_nothing_is_best() -> None:
    found = sweep(columns(bars_of([100.0] * 30)), "ema_cross", {"fast": [3], "slow": [5]}, BENCH)
    assert (found.best, found.final[0], found.trips[0], found.exposed[0]) == (None, 10_000.0, 0, 0)
    assert math.isnan(found.sharpe[0])
    assert found.headline().startswith("The set of ema_cross that was tried never traded")
    (row,) = found.rows()
    assert row["sharpe"] is None


@pytest.mark.parametrize("rule", RULES)
def test_sweep_when_there_is_one_bar_then_it_ends_as_it_began(rule: str) -> None:
    names = [parameter.name for parameter in RULES[rule].parameters]
    grid = {name: [value] for name, value in zip(names, SETS[rule], strict=True)}
    found = sweep(columns([bar(1)]), rule, grid, BENCH)
    assert (found.final[0], found.best, found.hold) == (10_000.0, None, 0.0)


def test_sweep_when_it_works_then_it_tells_how_far_it_is() -> None:
    heard: list[tuple[int, int]] = []
    sweep(walk(50), "sma", {"period": range(1, 131)}, BENCH, told=lambda done, total: heard.append((done, total)))
    assert heard == [(64, 130), (128, 130), (130, 130)]


def test_sweep_when_orders_are_large_for_the_volume_then_they_are_counted() -> None:
    bars = columns(market(4, 300, 100.0, 0.02))
    few = sweep(bars, "sma", {"period": [7]}, Costs(0.001, volume_share=0.25), 10_000.0)
    many = sweep(bars, "sma", {"period": [7]}, Costs(0.001, volume_share=0.25), 1e9)
    assert few.thin[0] < many.thin[0]
    assert sweep(bars, "sma", {"period": [7]}, Costs(0.001), 1e9).thin[0] == 0


def test_sweep_when_it_does_the_benchmarks_work_then_it_ends_as_the_definition_says() -> None:
    times, *figures = bench_walk()
    found = sweep(Columns(times.astype(np.int64), *figures), "ema_cross", {"fast": [20], "slow": [50]}, BENCH, 1e12)
    assert (found.bars, found.trips[0]) == (500_000, 5_011)
    assert found.final[0] == pytest.approx(58_787_860.48, abs=0.005)


def test_costs_when_they_become_figures_then_each_has_its_place() -> None:
    for field in fields(Costs):
        one = Costs(**{**asdict(BENCH), field.name: 0.123})
        assert one.figures()[getattr(ports, field.name.upper())] == 0.123


def test_costs_when_settings_are_read_then_they_are_those_of_the_desk() -> None:
    found = Costs.of(Settings(), SYMBOL)
    assert (found.fee, found.slippage, found.range_share, found.volume_share) == (0.001, 0.0002, 0.5, 0.25)
    assert (found.share, found.gross, found.reserve, found.least_notional) == (0.05, 0.6, 1.005, 5.0)
    assert (found.band, Costs.of(Settings(), SYMBOL, votes=True).band) == (0.01, -1.0)


def test_costs_when_orders_are_sized_by_risk_then_it_refuses() -> None:
    told = settings(PaperConfig(), Decimal(1), RiskConfig(sizing="risk"))
    with pytest.raises(ConfigError, match=r"risk\.sizing"):
        Costs.of(told, SYMBOL, votes=True)


@pytest.mark.parametrize(
    ("rule", "grid", "text"),
    [
        ("tea_leaves", {}, "no rule of a sweep"),
        ("sma", {"length": [5]}, "no parameter length"),
        ("ema_cross", {"fast": [5]}, "needs values for slow"),
        ("sma", {"period": []}, "needs values for period"),
        ("sma", {"period": [0]}, "period is 0"),
        ("sma", {"period": [2.5]}, "whole number"),
        ("sma", {"period": [math.nan]}, "period is nan"),
        ("sma", {"period": [math.inf]}, "period is inf"),
        ("rsi", {"period": [5], "low": [-1], "high": [70]}, "low is -1"),
        ("ema_cross", {"fast": [8], "slow": [5]}, "no set of the grid makes sense"),
        ("ema_cross", {"fast": range(1, 1_002), "slow": range(1, 1_002)}, f"{MOST_SETS:,}"),
    ],
)
def test_sweep_when_rule_or_grid_cannot_be_used_then_it_says_why(rule: str, grid: dict, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        sweep(walk(50), rule, grid, BENCH)


def test_sweep_when_there_is_no_cash_then_it_refuses() -> None:
    with pytest.raises(ConfigError, match="cash above 0"):
        sweep(walk(50), "sma", {"period": [3]}, BENCH, 0.0)


@pytest.mark.parametrize("figure", [{"close": math.nan}, {"open": -1.0}, {"high": math.inf}, {"volume": -1.0}])
def test_sweep_when_a_figure_is_bad_then_it_refuses(figure: dict[str, float]) -> None:
    bars: list[Candle] = bars_of([100.0, 101.0, 102.0])
    bars[1] = changed(bars[1], **figure)
    with pytest.raises(DataError, match="not finite"):
        sweep(columns(bars), "sma", {"period": [2]}, BENCH)


def test_sweep_when_there_are_no_bars_then_it_refuses() -> None:
    with pytest.raises(DataError, match="needs bars"):
        sweep(columns([]), "sma", {"period": [2]}, BENCH)
