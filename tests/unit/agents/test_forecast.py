"""From a forecast and its figures to a vote: landmarks, bounds and laws."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fks_actors.agents.config import ForecastConfig
from fks_actors.agents.forecast import Forecast, p_up, vote
from fks_actors.agents.forecast_scores import Figures
from fks_actors.errors import InvariantError
from fks_actors.model.votes import Action, Vote

LEVELS = tuple(round(0.05 * step, 2) for step in range(1, 20))
CONFIG = ForecastConfig()
SKILLED = Figures(1_000, 0.0097, 0.01, 0.011, 0.9, 0.91)

quantile_lists = st.lists(st.floats(-0.5, 0.5), min_size=19, max_size=19).map(lambda given: tuple(sorted(given)))


def even(low: float, high: float) -> Forecast:
    return Forecast(24, LEVELS, tuple(low + (high - low) * (level - 0.05) / 0.9 for level in LEVELS))


def judge(forecast: Forecast, figures: Figures = SKILLED, config: ForecastConfig = CONFIG) -> Vote:
    return vote(forecast, figures, "BTC/USDT", 7, config)


@pytest.mark.parametrize(
    ("forecast", "expected"),
    [
        (even(-0.1, 0.1), 0.5),
        (even(0.01, 0.2), 0.95),
        (even(-0.2, -0.01), 0.05),
        (even(-0.03, 0.06), 0.65),
        (even(0.0, 0.0), 0.5),
    ],
)
def test_p_up_when_quantiles_are_even_then_the_share_above_zero(forecast: Forecast, expected: float) -> None:
    assert p_up(forecast) == pytest.approx(expected)


@given(quantile_lists)
def test_p_up_when_the_forecast_is_mirrored_then_it_is_too(quantiles: tuple[float, ...]) -> None:
    there = p_up(Forecast(1, LEVELS, quantiles))
    back = p_up(Forecast(1, LEVELS, tuple(-value for value in reversed(quantiles))))
    assert there + back == pytest.approx(1.0)
    assert 0.05 - 1e-12 <= there <= 0.95 + 1e-12


@given(quantile_lists, st.floats(0, 0.3))
def test_p_up_when_the_forecast_moves_up_then_it_does_not_fall(quantiles: tuple[float, ...], shift: float) -> None:
    moved = Forecast(1, LEVELS, tuple(value + shift for value in quantiles))
    assert p_up(moved) >= p_up(Forecast(1, LEVELS, quantiles)) - 1e-9


def test_vote_when_the_edge_is_clear_and_the_model_has_skill_then_acts_with_the_documented_confidence() -> None:
    up = judge(even(-0.03, 0.06))
    trust = (1.0 - 0.0097 / 0.01) / CONFIG.skill_full
    assert (up.agent, up.symbol, up.ts_ms, up.action) == ("forecast", "BTC/USDT", 7, Action.BUY)
    assert up.confidence == pytest.approx(trust * min(1.0, 0.3 / CONFIG.edge_full))
    assert judge(even(-0.06, 0.03)).action is Action.SELL
    assert judge(even(-0.045, 0.055)).confidence == pytest.approx(trust * 0.09 / CONFIG.edge_full)
    facts = dict(up.facts)
    assert facts["p_up"] == pytest.approx(0.65)
    assert (facts["median"], facts["q05"], facts["q95"]) == pytest.approx((0.015, -0.03, 0.06))
    assert (facts["horizon"], facts["crps"], facts["coverage"], facts["mase"]) == (24.0, 0.0097, 0.91, 0.9)
    assert "P(up) 65.0% in 24 bars" in up.reason


def test_vote_when_nothing_tips_the_scale_then_holds() -> None:
    assert judge(even(-0.05, 0.0505)).action is Action.HOLD


@pytest.mark.parametrize(
    "figures",
    [
        Figures(CONFIG.min_scored - 1, 0.005, 0.01, 0.01, 0.9, 0.9),
        Figures(5_000, 0.01, 0.01, 0.02, 0.9, 0.9),
        Figures(5_000, 0.02, 0.03, 0.015, 0.9, 0.9),
        Figures(),
    ],
    ids=["too few scored", "no skill", "worse than one baseline", "nothing scored"],
)
def test_vote_when_the_model_has_not_shown_skill_then_holds_without_a_voice(figures: Figures) -> None:
    said = judge(even(0.01, 0.2), figures)
    assert (said.action, said.confidence) == (Action.HOLD, 0.0)


@given(quantile_lists, st.floats(1e-6, 1), st.floats(1e-6, 1), st.floats(1e-6, 1), st.integers(0, 1_000))
def test_vote_when_anything_is_told_then_bounded_and_surer_with_more_skill(
    quantiles: tuple[float, ...], crps: float, naive: float, walk: float, scored: int
) -> None:
    forecast = Forecast(24, LEVELS, quantiles)
    said = judge(forecast, Figures(scored, crps, naive, walk, 1.0, 0.9))
    better = judge(forecast, Figures(scored, crps / 2.0, naive, walk, 1.0, 0.9))
    assert 0.0 <= said.confidence <= better.confidence <= 1.0
    assert all(math.isfinite(value) for _, value in said.facts)


@pytest.mark.parametrize("quantiles", [(0.0, 1.0), (0.0, float("nan"), 1.0), (0.0, 1.0, 0.5)])
def test_forecast_when_its_quantiles_are_no_distribution_then_refused(quantiles: tuple[float, ...]) -> None:
    with pytest.raises(InvariantError):
        Forecast(24, (0.05, 0.5, 0.95), quantiles)


def test_config_when_the_history_is_too_short_for_its_baselines_then_refused() -> None:
    with pytest.raises(ValidationError, match="min_history 90 is under twice"):
        ForecastConfig(min_history=90)


@pytest.mark.parametrize(
    ("interval_ms", "season"), [(60_000, 1), (900_000, 96), (3_600_000, 24), (14_400_000, 6), (86_400_000, 1)]
)
def test_for_bars_when_no_season_is_set_then_a_day_of_them_or_none(interval_ms: int, season: int) -> None:
    assert ForecastConfig().for_bars(interval_ms).season_bars == season
    assert ForecastConfig(season_bars=24).for_bars(interval_ms).season_bars == 24
