"""A run's figures: by hand, by law, and against a peer library."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fks_actors.backtest.metrics import Curve, Metrics, drawdown, measured, sharpe, traded
from fks_actors.backtest.trips import round_trips
from fks_actors.model.orders import Fill, Side
from fks_actors.model.records import EquityPoint, TradingState
from tests.unit.backtest.trades import DAY_MS, curve_of, equities, fill, spot_fills

RATIOS = ("total", "annual", "volatility", "sharpe", "sortino", "calmar", "time_exposed", "mean_exposure", "turnover")


def figures(found: Metrics) -> list[float]:
    ratios = [getattr(found, name) for name in RATIOS]
    trades = found.trades
    ratios += [trades.win_rate, trades.profit_factor, trades.expectancy, trades.expectancy_return, trades.held_ms]
    return [each for each in ratios if each is not None]


@given(equities(0), spot_fills())
def test_measured_when_anything_is_given_then_every_figure_is_finite_or_none(
    equity: list[float], fills: list[Fill]
) -> None:
    assert all(math.isfinite(each) for each in figures(measured(curve_of(equity), fills)))


@given(equities(), st.floats(1e-3, 1e3))
def test_measured_when_equity_is_scaled_then_no_ratio_changes(equity: list[float], factor: float) -> None:
    exposure = [each / 2 for each in equity]
    one = measured(curve_of(equity, exposure), ())
    other = measured(curve_of([e * factor for e in equity], [h * factor for h in exposure]), ())
    assume(one.volatility is None or one.volatility > 1e-9)
    for name in RATIOS:
        left, right = getattr(one, name), getattr(other, name)
        assert (left is None) == (right is None), name
        assert left is None or left == pytest.approx(right, rel=1e-6, abs=1e-9), name


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=30), st.randoms())
def test_measured_when_returns_are_shuffled_then_only_the_path_changes(returns: list[float], rng: object) -> None:
    shuffled = list(returns)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (
        measured(curve_of(np.cumprod([100.0, *(1.0 + r for r in each)]).tolist()), ()) for each in (returns, shuffled)
    )
    assume(one.volatility is not None and one.volatility > 1e-9)
    for name in ("total", "volatility", "sharpe"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-6, abs=1e-9)


@given(equities(1))
def test_drawdown_when_equity_moves_then_it_is_the_deepest_pair_and_within_bounds(equity: list[float]) -> None:
    found = drawdown(curve_of(equity))
    assert found is not None
    deepest = max(1.0 - later / first for at, first in enumerate(equity) for later in equity[at:])
    assert found.depth == pytest.approx(deepest, abs=1e-12)
    assert 0.0 <= found.depth < 1.0
    assert found.peak_ms <= found.trough_ms
    assert found.under_water_ms <= found.longest_ms <= (len(equity) - 1) * DAY_MS
    if found.recovered_ms is not None:
        assert equity[found.recovered_ms // DAY_MS] >= equity[found.peak_ms // DAY_MS]


def test_drawdown_when_the_longest_is_not_the_deepest_then_both_lengths_are_told() -> None:
    found = drawdown(curve_of([100, 50, 100, 99, 98, 97, 101, 90]))
    assert found is not None
    assert (found.depth, found.peak_ms, found.trough_ms, found.recovered_ms) == (0.5, 0, DAY_MS, 2 * DAY_MS)
    assert (found.under_water_ms, found.longest_ms) == (2 * DAY_MS, 4 * DAY_MS)


def test_drawdown_when_it_never_recovers_then_it_lasts_to_the_end() -> None:
    found = drawdown(curve_of([100, 110, 80, 90]))
    assert found is not None
    assert (found.recovered_ms, found.under_water_ms, found.longest_ms) == (None, 2 * DAY_MS, 2 * DAY_MS)


def test_drawdown_when_points_are_far_apart_then_a_rise_between_them_is_no_time_under_water() -> None:
    times = [0, 50, 60, 61, 62, 90]
    rows = zip(times, [100.0, 110.0, 110.0, 99.0, 110.0, 120.0], strict=True)
    found = drawdown(Curve.build([(day * DAY_MS, equity, 0.0) for day, equity in rows]))
    assert found is not None
    assert (found.under_water_ms, found.longest_ms) == (2 * DAY_MS, 2 * DAY_MS)


def test_measured_when_a_year_doubles_the_equity_then_calendar_time_says_so() -> None:
    curve = Curve.build([(0, 100.0, 0.0), (31_557_600_000 // 2, 150.0, 75.0), (31_557_600_000, 200.0, 0.0)])
    found = measured(curve, [fill(Side.BUY, "1", "60", 1), fill(Side.SELL, "1", "65", 2)])
    assert (found.years, found.total) == (1.0, 1.0)
    assert found.annual == pytest.approx(1.0)
    assert found.volatility == pytest.approx((0.5 - 1 / 3) / math.sqrt(2) * math.sqrt(2))
    assert (found.time_exposed, found.mean_exposure) == (0.5, 0.25)
    assert found.turnover == pytest.approx(125 / 2 / 125)
    assert (found.sortino, found.calmar, found.fees) == (None, None, Decimal("0.125"))


def test_measured_when_equity_is_ruined_then_the_curve_ends_there_with_everything_lost() -> None:
    found = measured(curve_of([100.0, 50.0, -3.0, 80.0]), ())
    assert (found.total, found.annual) == (-1.0, -1.0)
    assert found.drawdown is not None
    assert found.drawdown.depth == 1.0
    assert found.years == pytest.approx(2 / 365.25)


@pytest.mark.parametrize("equity", [[], [100.0]])
def test_measured_when_there_is_no_return_then_nothing_is_made_up(equity: list[float]) -> None:
    found = measured(curve_of(equity), ())
    assert [getattr(found, name) for name in RATIOS] == [None] * len(RATIOS)
    assert (found.trades.count, found.trades.win_rate, found.trades.expectancy) == (0, None, None)


def test_measured_when_equity_never_moves_then_ratios_are_undefined_and_the_rest_is_nothing() -> None:
    found = measured(curve_of([100.0] * 5), ())
    assert (found.total, found.annual, found.volatility) == (0.0, 0.0, 0.0)
    assert (found.sharpe, found.sortino, found.calmar) == (None, None, None)


def test_sharpe_when_growth_is_constant_then_rounding_is_not_taken_for_risk() -> None:
    returns = curve_of([100.0 * 1.01**at for at in range(50)]).returns()
    assert returns.std() > 0.0
    assert sharpe(returns, 365.25) is None


def test_measured_when_a_minute_gains_much_then_a_year_beyond_floats_is_none() -> None:
    assert measured(curve_of([100.0, 150.0], step_ms=60_000), ()).annual is None


def test_curve_when_points_share_an_instant_then_the_last_counts() -> None:
    def point(ts_ms: int, equity: int) -> EquityPoint:
        zero = Decimal(0)
        return EquityPoint(ts_ms, Decimal(equity), zero, zero, zero, zero, zero, TradingState.ACTIVE)

    assert Curve.of([point(0, 1), point(5, 2), point(5, 3)]).equity.tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    "rows", [[(0, 1.0, 0.0), (0, 1.0, 0.0)], [(0, math.nan, 0.0)], [(0, 0.0, 0.0)], [(0, 1.0, math.inf)]]
)
def test_curve_when_it_is_none_then_it_is_refused(rows: list[tuple[int, float, float]]) -> None:
    with pytest.raises(ValueError, match="equity curve"):
        Curve.build(rows)


def test_traded_when_trips_win_and_lose_then_the_figures_are_theirs() -> None:
    fills = []
    for at, (bought, sold) in enumerate([("100", "120"), ("100", "90"), ("100", "130"), ("100", "100.2")]):
        fills += [fill(Side.BUY, "1", bought, 2 * at), fill(Side.SELL, "1", sold, 2 * at + 1)]
    found = traded(round_trips(fills).trips)
    gains = [20 - 0.22, -10 - 0.19, 30 - 0.23, 0.2 - 0.2002]
    assert (found.count, found.wins, found.win_rate) == (4, 2, 0.5)
    assert found.profit_factor == pytest.approx((gains[0] + gains[2]) / -(gains[1] + gains[3]))
    assert found.expectancy == pytest.approx(sum(gains) / 4)
    assert found.expectancy_return == pytest.approx(sum(gains) / 400)
    assert found.held_ms == 3_600_000


def test_traded_when_nothing_is_lost_then_there_is_no_profit_factor() -> None:
    fills = [fill(Side.BUY, "1", "100", 0), fill(Side.SELL, "1", "120", 1)]
    assert traded(round_trips(fills).trips).profit_factor is None


@pytest.mark.parametrize("seed", range(5))
def test_measured_when_a_peer_library_is_asked_then_it_says_the_same(seed: int) -> None:
    peer = pytest.importorskip("empyrical", reason="needs empyrical-reloaded")
    rng = np.random.default_rng(seed)
    equity = 10_000.0 * np.cumprod(1.0 + rng.standard_t(4, 700) * 0.02)
    curve = curve_of(equity.tolist(), step_ms=6 * 3_600_000)
    found, returns, a_year = measured(curve, ()), curve.returns(), curve.a_year()
    assert a_year == pytest.approx(4 * 365.25)
    assert found.drawdown is not None
    assert found.total == pytest.approx(peer.cum_returns_final(returns))
    assert found.annual == pytest.approx(peer.annual_return(returns, annualization=a_year))
    assert found.volatility == pytest.approx(peer.annual_volatility(returns, annualization=a_year))
    assert found.sharpe == pytest.approx(peer.sharpe_ratio(returns, annualization=a_year))
    assert found.sortino == pytest.approx(peer.sortino_ratio(returns, annualization=a_year))
    assert found.drawdown.depth == pytest.approx(-peer.max_drawdown(returns))
    assert found.calmar == pytest.approx(peer.calmar_ratio(returns, annualization=a_year))
