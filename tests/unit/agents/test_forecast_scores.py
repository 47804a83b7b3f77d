"""CRPS, MASE, coverage and the baselines: recounted by hand, and their laws."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from fks_actors.agents.forecast_scores import Scores, crps, drift, scale, seasonal_naive

LEVELS = tuple(round(0.05 * step, 2) for step in range(1, 20))
MANY = np.arange(1, 2_000) / 2_000.0

quantile_lists = st.lists(st.floats(-1, 1), min_size=19, max_size=19).map(sorted)
seeds = st.integers(0, 2**32 - 1)


def prices(seed: int, count: int, sigma: float = 0.01) -> np.ndarray:
    return 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, sigma, count)))


@given(quantile_lists, st.floats(-2, 2))
def test_crps_when_recounted_level_by_level_then_the_same(quantiles: list[float], outcome: float) -> None:
    by_hand = []
    for level, quantile in zip(LEVELS, quantiles, strict=True):
        too_low = outcome > quantile
        by_hand.append(2.0 * (level * (outcome - quantile) if too_low else (1.0 - level) * (quantile - outcome)))
    assert crps(np.array(LEVELS), np.array(quantiles), outcome) == pytest.approx(math.fsum(by_hand) / 19, abs=1e-15)


@pytest.mark.parametrize("outcome", [-2.5, -0.3, 0.0, 1.7])
def test_crps_when_levels_are_many_then_the_integral_over_the_distribution(outcome: float) -> None:
    normal = stats.norm(0.2, 0.9)
    below = integrate.quad(lambda x: normal.cdf(x) ** 2, -12, outcome)[0]
    above = integrate.quad(lambda x: (1.0 - normal.cdf(x)) ** 2, outcome, 12)[0]
    assert crps(MANY, normal.ppf(MANY), outcome) == pytest.approx(below + above, rel=2e-3)


@given(quantile_lists, st.floats(-2, 2), st.floats(0.01, 100), st.floats(-5, 5))
def test_crps_when_unit_and_origin_change_then_it_scales_with_the_unit(
    quantiles: list[float], outcome: float, unit: float, shift: float
) -> None:
    levels, values = np.array(LEVELS), np.array(quantiles)
    moved = crps(levels, values * unit + shift, outcome * unit + shift)
    assert moved == pytest.approx(crps(levels, values, outcome) * unit, rel=1e-6, abs=1e-12 * (1 + abs(shift)))


@given(seeds, st.floats(-1, 1), st.floats(0.5, 2))
def test_crps_when_the_true_distribution_forecasts_then_no_other_scores_better_on_average(
    seed: int, shift: float, stretch: float
) -> None:
    outcomes = np.random.default_rng(seed).permutation((np.arange(500) + 0.5) / 500.0)
    outcomes, truth = stats.t.ppf(outcomes, 5), stats.t.ppf(LEVELS, 5)

    def mean(quantiles: np.ndarray) -> float:
        return float(np.mean([crps(np.array(LEVELS), quantiles, outcome) for outcome in outcomes.tolist()]))

    assert mean(truth) <= mean(truth * stretch + shift) + 1e-5


def test_seasonal_naive_when_the_horizon_is_a_season_then_the_price_stays_and_misses_spread_around() -> None:
    closes = prices(1, 500)
    found = seasonal_naive(closes, 24, 24, LEVELS)
    days = [math.log(closes[at] / closes[at - 24]) for at in range(24, 500)]
    centred = [day - sum(days) / len(days) for day in days]
    assert found == pytest.approx(np.quantile(centred, LEVELS), abs=1e-12)


def test_seasonal_naive_when_the_horizon_is_shorter_then_the_same_hour_yesterday() -> None:
    closes = np.full(200, 100.0)
    closes[-1 - 18] = 110.0  # six bars ahead of now, one day before
    found = seasonal_naive(closes, 6, 24, (0.5,))
    missed = np.log(closes[24:] / closes[:-24])
    assert found[0] == pytest.approx(math.log(1.1) + np.median(missed - missed.mean()))


def test_drift_when_prices_rise_evenly_then_they_go_on_without_doubt() -> None:
    closes = 100.0 * 1.001 ** np.arange(300)
    assert drift(closes, 24, LEVELS) == pytest.approx(np.full(19, 24 * math.log(1.001)), abs=1e-9)


@given(seeds, st.floats(1e-6, 1e6))
def test_baselines_when_the_currency_changes_then_nothing_does(seed: int, unit: float) -> None:
    closes = prices(seed, 200)
    for told in (lambda c: seasonal_naive(c, 12, 24, LEVELS), lambda c: drift(c, 12, LEVELS), lambda c: scale(c, 24)):
        assert told(closes * unit) == pytest.approx(told(closes), abs=1e-9)


@given(st.lists(st.tuples(quantile_lists, st.floats(-0.3, 0.3)), min_size=1, max_size=25), seeds, st.floats(0.5, 1))
def test_score_when_scores_fade_then_the_faded_means_recounted(
    said: list[tuple[list[float], float]], seed: int, fade: float
) -> None:
    scores, closes = Scores(LEVELS, 24, 24, fade), prices(seed, 120)
    for quantiles, outcome in said:
        scores.score(closes, np.array(quantiles), outcome)
    weights = [fade ** (len(said) - 1 - at) for at in range(len(said))]
    total = math.fsum(weights)
    naive = seasonal_naive(closes, 24, 24, LEVELS)
    inside = [quantiles[0] <= outcome <= quantiles[-1] for quantiles, outcome in said]
    ours = [crps(np.array(LEVELS), np.array(q), y) for q, y in said]
    figures = scores.figures()
    assert figures.scored == len(said)
    assert figures.crps == pytest.approx(sum(w * s for w, s in zip(weights, ours, strict=True)) / total)
    assert figures.coverage == pytest.approx(sum(w * i for w, i in zip(weights, inside, strict=True)) / total)
    assert figures.crps_naive == pytest.approx(
        sum(w * crps(np.array(LEVELS), naive, y) for w, (_, y) in zip(weights, said, strict=True)) / total
    )
    errors = [abs(y - q[9]) / scale(closes, 24) for q, y in said]
    assert figures.mase == pytest.approx(sum(w * e for w, e in zip(weights, errors, strict=True)) / total)


def test_skill_when_the_better_baseline_is_beaten_then_by_how_much() -> None:
    scores, luck = Scores(LEVELS, 24, 24, 1.0), random.Random(3)
    assert scores.figures().skill == 0.0
    closes = prices(5, 400)
    for _ in range(50):
        outcome = luck.gauss(0.0, 0.002)  # far calmer than the window says: a sharp forecast has skill
        scores.score(closes, stats.norm.ppf(np.array(LEVELS)) * 0.002, outcome)
    figures = scores.figures()
    assert figures.skill == pytest.approx(1.0 - figures.crps / min(figures.crps_naive, figures.crps_drift))
    assert figures.skill > 0.5


def test_restore_when_scores_go_on_then_to_the_last_bit() -> None:
    straight, first, second = (Scores(LEVELS, 24, 24, 0.99) for _ in range(3))
    said = [(np.sort(np.random.default_rng(at).normal(size=19)), 0.01 * at) for at in range(8)]
    for at, (quantiles, outcome) in enumerate(said):
        straight.score(prices(at, 100), quantiles, outcome)
        (first if at < 4 else second).score(prices(at, 100), quantiles, outcome)
        if at == 3:
            second.restore(first.state())
    assert second == straight
