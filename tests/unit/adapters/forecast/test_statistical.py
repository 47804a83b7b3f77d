"""The ensemble's laws: ordered, free of the currency, deterministic, honest where the truth is known, quick enough."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.adapters.forecast.config import DEFAULT_LEVELS, WINDOW_BARS, ForecastModelConfig
from fks_actors.adapters.forecast.factory import open_forecaster
from fks_actors.adapters.forecast.statistical import StatisticalForecaster, _rhythm
from fks_actors.agents.forecast import Memory

MODEL = StatisticalForecaster(DEFAULT_LEVELS, 1_000, 50, 4)


def walk(seed: int, count: int = 400, sigma: float = 0.01) -> np.ndarray:
    return 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).standard_t(4, count) * sigma))


odd_closes = st.one_of(
    st.builds(walk, st.integers(0, 2**32 - 1), st.integers(60, 300), st.sampled_from([0.0, 1e-9, 0.01, 0.5])),
    st.lists(st.floats(1e-12, 1e12), min_size=60, max_size=120).map(np.array),
    st.tuples(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6)).map(lambda pair: np.repeat(pair, 60)),
)


@given(odd_closes, st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_forecast_when_prices_are_odd_then_finite_ordered_and_the_same_again(closes: np.ndarray, horizon: int) -> None:
    said = MODEL.forecast(closes, horizon, len(closes), {})
    assert said.horizon_bars == horizon
    assert MODEL.forecast(closes, horizon, len(closes), {}) == said


@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6))
@settings(max_examples=20, deadline=None)
def test_forecast_when_the_currency_changes_then_the_same_return(seed: int, unit: float) -> None:
    closes = walk(seed)
    plain, scaled = (MODEL.forecast(prices, 12, 400, {}).quantiles for prices in (closes, closes * unit))
    assert plain == pytest.approx(scaled, rel=0.02, abs=1e-4)


def test_members_when_asked_then_the_forecast_is_their_average_and_each_has_its_own_mind() -> None:
    closes, memory = walk(7), {}
    members = MODEL.members(closes, 24, 400, memory)
    assert set(members) == {"drift", "ets", "garch"}
    mean = np.mean(list(members.values()), axis=0)
    assert MODEL.forecast(closes, 24, 400, {}).quantiles == pytest.approx(mean)
    assert len({tuple(quantiles) for quantiles in members.values()}) == 3
    middle = DEFAULT_LEVELS.index(0.5)
    assert members["drift"][middle] == pytest.approx(24 * np.log(closes[-1] / closes[0]) / 399)
    assert members["garch"][middle] == 0.0


def test_forecast_when_the_market_gets_wild_then_the_interval_widens_and_in_a_calm_one_narrows() -> None:
    closes = walk(3, 600)
    steps = np.random.default_rng(5).normal(0.0, 0.04, 30)
    wild = np.concatenate([closes, closes[-1] * np.exp(np.cumsum(steps))])
    calm = np.concatenate([closes, closes[-1] * np.exp(np.cumsum(steps / 40.0))])
    widths = {}
    for name, prices in (("usual", closes), ("wild", wild), ("calm", calm)):
        said = MODEL.forecast(prices, 4, len(prices), {})
        widths[name] = said.at(0.95) - said.at(0.05)
    assert widths["calm"] < widths["usual"] < widths["wild"]


def test_forecast_when_the_truth_is_known_then_nine_in_ten_fall_inside() -> None:
    closes, memory, inside = walk(11, 3_000), {}, []
    for at in range(1_000, 2_976, 8):
        said = MODEL.forecast(closes[at - 999 : at + 1], 24, at, memory)
        came = np.log(closes[at + 24] / closes[at])
        inside.append(said.at(0.05) <= came <= said.at(0.95))
    assert np.mean(inside) == pytest.approx(0.9, abs=0.05)


def test_rhythm_when_some_hours_are_wilder_then_their_factor_says_so_and_the_mean_square_is_one() -> None:
    rng, wilder = np.random.default_rng(2), np.where(np.arange(28) < 8, 3.0, 1.0)
    returns = rng.normal(0.0, 0.01, 28 * 80) * np.tile(wilder, 80)
    found = _rhythm(returns, 28, 1)
    assert (found**2).mean() == pytest.approx(1.0)
    assert found[2:6].min() > 1.8 * found[11:26].max()
    assert (_rhythm(returns[:50], 28, 1) == 1.0).all()


def test_forecast_when_it_is_not_time_to_fit_then_parameters_stay_and_a_kept_memory_goes_on_bit_for_bit() -> None:
    closes, memory = walk(9, 500), {}
    MODEL.forecast(closes[:400], 24, 400, memory)
    fitted = json.loads(json.dumps(memory))
    MODEL.forecast(closes[:449], 24, 449, memory)
    assert memory == fitted
    again: Memory = json.loads(json.dumps(memory))
    expected = MODEL.forecast(closes[:460], 24, 460, memory)
    assert memory["fitted"] == 460
    assert memory != fitted
    assert MODEL.forecast(closes[:460], 24, 460, again) == expected
    assert again == memory


def test_forecast_when_a_window_is_full_then_a_few_milliseconds_and_a_fit_under_300() -> None:
    model, memory = open_forecaster(ForecastModelConfig()), {}
    closes = walk(1, WINDOW_BARS)
    model.forecast(closes, 24, 0, {})
    begin = time.thread_time()
    model.forecast(closes, 24, 0, memory)
    with_fit = time.thread_time() - begin
    begin = time.thread_time()
    for bars in range(1, 51):
        model.forecast(closes, 24, bars, memory)
    assert with_fit < 0.3
    assert (time.thread_time() - begin) / 50 < 0.005


_FORECAST = """
import numpy as np
from fks_actors.adapters.forecast.config import DEFAULT_LEVELS
from fks_actors.adapters.forecast.statistical import StatisticalForecaster
luck = np.random.default_rng(3)
closes = 100 * np.exp(np.cumsum(luck.normal(0, 0.002, 700) + 0.004 * np.sin(np.arange(700) / 40)))
print(StatisticalForecaster(DEFAULT_LEVELS, season_bars=1).forecast(closes, 24, 700, {}).quantiles)
"""


def test_forecast_when_the_machine_calculates_on_more_threads_then_not_a_bit_changes() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", _FORECAST], capture_output=True, text=True, check=True, timeout=120,
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
        ).stdout
        for threads in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1
