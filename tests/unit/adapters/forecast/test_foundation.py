"""What all foundation models share: any price, any native levels, clear faults. No torch here."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from fks_actors.adapters.forecast.config import DEFAULT_LEVELS, ForecastModelConfig
from fks_actors.adapters.forecast.factory import open_forecaster
from fks_actors.adapters.forecast.foundation import FoundationForecaster, at_levels
from fks_actors.errors import ConfigError, ModelUnavailable

DECILES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
CONFIG = ForecastModelConfig(kind="chronos", path="/models/tiny")


def test_at_levels_when_the_distribution_is_normal_then_exact_also_beyond_the_native_levels() -> None:
    found = at_levels(DEFAULT_LEVELS, DECILES, stats.norm(1.0, 2.0).ppf(DECILES))
    assert found == pytest.approx(stats.norm(1.0, 2.0).ppf(DEFAULT_LEVELS))


@given(st.lists(st.floats(-5, 5), min_size=9, max_size=9).map(sorted))
def test_at_levels_when_quantiles_are_any_then_in_order_and_the_native_ones_kept(quantiles: list[float]) -> None:
    found = at_levels(DEFAULT_LEVELS, DECILES, np.array(quantiles))
    assert (np.diff(found) >= 0.0).all()
    assert found[1::2] == pytest.approx(quantiles)


@given(st.floats(1e-6, 1e6), st.integers(0, 1_000))
def test_forecast_when_the_price_is_in_any_currency_then_the_same_return(unit: float, seed: int) -> None:
    closes = 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.01, 64)))
    seen = []

    def last_value(values: np.ndarray, horizon: int) -> tuple[list[float], np.ndarray]:
        seen.append(values)
        return DECILES, values[-1] + np.linspace(-1.0, 1.0, 9)

    model = FoundationForecaster(CONFIG, last_value)
    plain, scaled = (model.forecast(prices, 24, 64, {}) for prices in (closes, closes * unit))
    assert plain.quantiles == pytest.approx(scaled.quantiles, abs=1e-7)
    assert plain.at(0.5) == pytest.approx(0.0, abs=1e-9)
    assert plain.at(0.9) == pytest.approx(float(np.log(closes).std()))
    assert float(seen[0].std()) == pytest.approx(1.0)
    assert model.name == "chronos:tiny"


def test_forecast_when_prices_stand_still_then_no_division_by_nothing() -> None:
    model = FoundationForecaster(CONFIG, lambda values, _: (DECILES, np.zeros(9)))
    assert model.forecast(np.full(64, 7.0), 24, 64, {}).quantiles == pytest.approx([0.0] * 19)


def fails(*_: object) -> tuple[list[float], np.ndarray]:
    raise RuntimeError("CUDA out of memory")


def says_nonsense(*_: object) -> tuple[list[float], np.ndarray]:
    return DECILES, np.full(9, math.nan)


@pytest.mark.parametrize(
    ("predict", "why"), [(fails, "RuntimeError: CUDA out of memory"), (says_nonsense, "not finite")]
)
def test_forecast_when_the_model_fails_then_unavailable_and_why(predict: object, why: str) -> None:
    model = FoundationForecaster(CONFIG, predict)  # type: ignore[arg-type]
    with pytest.raises(ModelUnavailable, match=why):
        model.forecast(np.arange(1.0, 65.0), 24, 64, {})


@pytest.mark.parametrize("kind", ["lag_llama", "timecopilot"])
def test_open_when_the_package_is_missing_then_says_which_and_how_to_get_it(kind: str) -> None:
    with pytest.raises(ConfigError, match=r"forecast\.kind needs the package .*: (pip install|clone)"):
        open_forecaster(ForecastModelConfig(kind=kind, path="/models/none"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"kind": "chronos"}, "kind chronos needs the path of its weights"),
        ({"levels": 20}, "levels must be odd"),
        ({"levels": 1}, "greater than or equal to 3"),
        ({"kind": "oracle"}, "Input should be"),
        ({"refit": 3}, "Extra inputs"),
    ],
)
def test_config_when_it_makes_no_sense_then_refused(told: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ForecastModelConfig.model_validate(told)


@pytest.mark.parametrize("count", [3, 7, 19, 181])
def test_config_when_levels_are_so_many_then_even_and_symmetric_with_median_and_interval(count: int) -> None:
    levels = ForecastModelConfig(levels=count).quantile_levels
    assert len(levels) == count
    assert {0.05, 0.5, 0.95} <= set(levels)
    assert np.diff(levels) == pytest.approx(0.9 / (count - 1))
