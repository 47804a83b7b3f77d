"""The sequential test: looking after every block gives no more false alarms than asked for, and finds what is there.

Simulated paths are drawn from fixed seeds, all at once; the false alarms are those of the whole path, not of its end.
"""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.backtest.run import Result
from fks_actors.backtest.sequential import (
    BURN_IN,
    DAY_MS,
    TUNED,
    Difference,
    Floats,
    PairedTest,
    Standing,
    half_width,
    mixture,
    sequential,
    verdict,
)
from fks_actors.model.records import EquityPoint, TradingState

PATHS, BLOCKS = 2_000, 500
HOUR_MS = 3_600_000


def alarms(x: Floats, alpha: float = 0.05) -> float:
    """Of the paths (rows), the share in which some interval left 0 out."""
    n = np.arange(1, x.shape[1] + 1)
    mean = np.cumsum(x, axis=1) / n
    squares = np.cumsum(x**2, axis=1) - n * mean**2
    deviation = np.sqrt(np.maximum(squares, 0.0) / np.maximum(n - 1, 1))
    out = np.abs(mean) > half_width(np.broadcast_to(n.astype(float), x.shape), deviation, alpha, mixture(alpha, TUNED))
    return float(out[:, BURN_IN - 1 :].any(axis=1).mean())


def fixed_test_alarms(x: Floats) -> float:
    """The same with the usual 95 % interval at every look: what peeking does."""
    n = np.arange(1, x.shape[1] + 1)
    mean = np.cumsum(x, axis=1) / n
    deviation = np.sqrt(np.maximum(np.cumsum(x**2, axis=1) - n * mean**2, 0.0) / np.maximum(n - 1, 1))
    return float((np.abs(mean) > 1.96 * deviation / np.sqrt(n))[:, BURN_IN - 1 :].any(axis=1).mean())


def blocks_of_ar1(rng: np.random.Generator, phi: float, size: int) -> Floats:
    """Sums of `size` steps of an AR(1) process a block."""
    noise = rng.standard_normal((PATHS, BLOCKS * size))
    series = np.empty_like(noise)
    series[:, 0] = noise[:, 0] / np.sqrt(1 - phi**2)
    for at in range(1, noise.shape[1]):
        series[:, at] = phi * series[:, at - 1] + noise[:, at]
    return series.reshape(PATHS, BLOCKS, size).sum(axis=2)


DRAWS = {
    "normal": lambda rng: rng.standard_normal((PATHS, BLOCKS)),
    "student t, 3 degrees": lambda rng: rng.standard_t(3, (PATHS, BLOCKS)),
    "laplace": lambda rng: rng.laplace(size=(PATHS, BLOCKS)),
    "skewed": lambda rng: rng.exponential(size=(PATHS, BLOCKS)) - 1.0,
    "rare": lambda rng: rng.standard_normal((PATHS, BLOCKS)) * (rng.random((PATHS, BLOCKS)) < 0.3),
    "changing scale": lambda rng: rng.standard_normal((PATHS, BLOCKS)) * np.exp(np.sin(np.arange(BLOCKS) / 25)),
    "AR(1) in blocks of a day's hours": lambda rng: blocks_of_ar1(rng, 0.3, 24),
}


@pytest.mark.parametrize("name", DRAWS)
def test_look_when_nothing_differs_and_one_looks_always_then_false_alarms_stay_under_alpha(name: str) -> None:
    x = DRAWS[name](np.random.default_rng(7))
    assert alarms(x) <= 0.05


def test_look_when_a_fixed_interval_is_looked_at_always_then_it_cries_wolf_far_more_often() -> None:
    assert fixed_test_alarms(np.random.default_rng(7).standard_normal((PATHS, BLOCKS))) > 0.25


def test_look_when_autocorrelated_steps_are_not_put_in_blocks_then_alarms_are_too_many() -> None:
    assert alarms(blocks_of_ar1(np.random.default_rng(7), 0.6, 1)) > 0.15


@pytest.mark.parametrize(("edge", "least"), [(0.2, 0.6), (0.3, 0.99)])
def test_look_when_a_difference_is_real_then_it_is_found_in_most_paths(edge: float, least: float) -> None:
    assert alarms(np.random.default_rng(7).standard_normal((PATHS, BLOCKS)) + edge) > least


@given(st.lists(st.floats(-0.5, 0.5), min_size=BURN_IN, max_size=80))
def test_difference_when_values_come_one_by_one_then_it_is_the_formula_over_all(values: list[float]) -> None:
    difference = Difference()
    for value in values:
        difference.add(value)
    found = difference.interval()
    assert found is not None
    half = half_width(len(values), float(np.std(values, ddof=1)), 0.05, mixture(0.05, TUNED))
    assert found == pytest.approx((np.mean(values) - half, np.mean(values) + half), abs=1e-12)


@given(st.floats(1e-6, 0.1), st.integers(BURN_IN, 2_000))
def test_half_width_when_more_is_known_or_more_certainty_asked_then_it_shrinks_or_grows(s: float, n: int) -> None:
    r = mixture(0.05, TUNED)
    assert half_width(4 * n, s, 0.05, r) < half_width(n, s, 0.05, r) < half_width(n, s, 0.02, r)
    assert half_width(n, s, 0.05, r) > 1.96 * s / n**0.5  # to look always costs something


def test_difference_when_decided_then_the_decision_stands_though_the_interval_comes_back() -> None:
    difference = Difference()
    for at in range(60):
        difference.add(0.01 + 0.001 * (-1) ** at)
    assert (difference.standing, difference.decided) == (Standing.BETTER, BURN_IN)
    for at in range(100):
        difference.add(-0.005 + 0.05 * (-1) ** at)
    low, high = difference.interval() or (1.0, 1.0)
    assert low < 0 < high
    assert difference.standing is Standing.BETTER


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"alpha": 1.0}, {"burn_in": 1}, {"tuned": 0}])
def test_difference_when_an_argument_is_out_of_range_then_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        Difference(**wrong)  # type: ignore[arg-type]


def test_paired_when_days_pass_then_whole_days_alone_count_and_midnight_ends_the_day() -> None:
    test = PairedTest()
    for hour in range(12, 24 * 3 + 2):  # from noon of the first day to two o'clock of the fourth
        worth = Decimal(100 + hour)
        test.add(hour * HOUR_MS, Decimal(100), worth)
    assert test.difference.n == 2  # the first day began at noon
    expected = (np.log(148 / 124) + np.log(172 / 148)) / 2
    assert test.difference.mean == pytest.approx(expected, rel=1e-12)


def test_paired_when_an_account_is_empty_then_nothing_more_is_said() -> None:
    test = PairedTest(HOUR_MS)
    for hour, worth in enumerate((100, 100, 0, 100, 100)):
        test.add(hour * HOUR_MS + 1, Decimal(100), Decimal(worth))
    assert test.ruined
    assert test.difference.n == 0


def result(values: list[float], first_ms: int = 0) -> Result:
    zero = Decimal(0)
    points = tuple(
        EquityPoint(first_ms + i * DAY_MS, Decimal(repr(v)), zero, zero, zero, zero, zero, TradingState.ACTIVE)
        for i, v in enumerate(values)
    )
    return Result(Decimal(1_000), len(points), (), (), (), points)


def test_sequential_when_one_run_grows_more_then_it_is_better_and_worse_the_other_way_round() -> None:
    rng = np.random.default_rng(3)
    common = rng.normal(0, 0.02, 200)
    a = (1_000 * np.exp(np.cumsum(common))).tolist()
    b = (1_000 * np.exp(np.cumsum(common + rng.normal(0.002, 0.003, 200)))).tolist()
    found, back = sequential(result(a), result(b)), sequential(result(b), result(a))
    assert (found.standing, back.standing) == (Standing.BETTER, Standing.WORSE)
    assert found.mean == pytest.approx(-back.mean)
    assert found.low is not None
    assert found.low > 0
    assert "b is better than a by 0.2" in verdict(found, "b", "a")
    assert f"decided after {found.decided_after}, " in verdict(found, "b", "a")


def test_sequential_when_runs_are_the_same_then_no_decision_and_0_inside() -> None:
    values = (1_000 + np.cumsum(np.random.default_rng(1).normal(0, 1, 100))).tolist()
    found = sequential(result(values), result(values))
    assert (found.standing, found.mean) == (Standing.UNDECIDED, 0.0)
    assert "no decision yet: the always-valid 95% interval [+0.0000%, +0.0000%] a day" in verdict(found, "b", "a")


def test_sequential_when_curves_overlap_in_part_then_only_instants_of_both_count() -> None:
    found = sequential(result([1_000.0] * 50), result([1_000.0] * 50, first_ms=30 * DAY_MS))
    assert (found.standing, found.blocks, found.low) == (Standing.TOO_FEW, 18, None)
    assert verdict(found, "b", "a").startswith("no decision yet: 18 whole blocks of a day of b against a; the first")
