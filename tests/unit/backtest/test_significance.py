"""Luck told from skill: published figures, laws, a naive twin, and a peer library."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.backtest.metrics import Floats, sharpe
from fks_actors.backtest.significance import (
    Moments,
    block_length,
    deflated_sharpe,
    expected_best,
    interval,
    moments,
    overfitting,
    probabilistic_sharpe,
    resamples,
)


def mean(returns: Floats) -> float:
    return float(returns.mean())


def noise(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).normal(0.0, 0.01, shape)


def autoregressive(seed: int, count: int, rho: float) -> Floats:
    values = noise(seed, count)
    for at in range(1, count):
        values[at] += rho * values[at - 1]
    return values


# --- bootstrap ---


@given(st.integers(1, 60), st.floats(1.0, 50.0), st.integers(0, 2**32 - 1))
def test_resamples_when_the_seed_is_the_same_then_so_are_the_places(count: int, block: float, seed: int) -> None:
    one, other = (list(resamples(count, block, np.random.default_rng(seed), 3)) for _ in range(2))
    assert [each.tolist() for each in one] == [each.tolist() for each in other]
    assert all(len(each) == count and each.min() >= 0 and each.max() < count for each in one)


def test_resamples_when_blocks_have_a_mean_length_then_that_many_places_follow_their_neighbour() -> None:
    follows = [np.mean((np.diff(each) % 1000) == 1) for each in resamples(1000, 20.0, np.random.default_rng(3), 200)]
    assert np.mean(follows) == pytest.approx(1.0 - 1.0 / 20.0, abs=0.005)


def test_interval_when_the_seed_changes_then_only_the_draw_does() -> None:
    returns = noise(1, 300)
    first, again, other = (
        interval(returns, mean, np.random.default_rng(seed), times=200, block=5.0) for seed in (7, 7, 8)
    )
    assert first is not None
    assert other is not None
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)
    assert first.low < first.estimate < first.high


def test_interval_when_returns_are_scaled_then_it_scales_too() -> None:
    one, ten = (
        interval(noise(1, 200) * factor, mean, np.random.default_rng(5), times=200, block=4.0) for factor in (1, 10)
    )
    assert one is not None
    assert ten is not None
    assert (ten.low, ten.high) == (pytest.approx(10 * one.low), pytest.approx(10 * one.high))


def test_interval_when_a_peer_library_bootstraps_then_it_is_as_wide() -> None:
    from arch.bootstrap import StationaryBootstrap

    returns = autoregressive(2, 800, 0.5)
    found = interval(returns, mean, np.random.default_rng(1), times=4_000, block=15.0)
    peer = StationaryBootstrap(15, returns, seed=np.random.default_rng(2))
    low, high = peer.conf_int(mean, 4_000, method="percentile", size=0.95).ravel().tolist()
    assert found is not None
    assert found.high - found.low == pytest.approx(high - low, rel=0.08)
    assert found.low == pytest.approx(low, abs=0.08 * (high - low))


def test_interval_when_returns_cling_together_then_blocks_make_it_wider() -> None:
    returns = autoregressive(2, 800, 0.8)
    single, blocks = (
        interval(returns, mean, np.random.default_rng(1), times=500, block=block) for block in (1.0, None)
    )
    assert single is not None
    assert blocks is not None
    assert blocks.block > 5.0
    assert blocks.high - blocks.low > 1.5 * (single.high - single.low)


def test_interval_when_the_statistic_is_mostly_undefined_then_there_is_none() -> None:
    returns = np.array([0.0] * 99 + [0.01])
    assert sharpe(returns, 1.0) is not None
    assert interval(returns, lambda r: sharpe(r, 1.0), np.random.default_rng(1), times=200, block=1.0) is None
    assert interval(np.zeros(0), mean, np.random.default_rng(1)) is None


def test_block_length_when_returns_are_few_or_flat_then_it_is_their_cube_root() -> None:
    assert (block_length(noise(1, 8)), block_length(np.zeros(1000)), block_length(noise(1, 1))) == (2.0, 10.0, 1.0)


@pytest.mark.parametrize("level", [0.0, 1.0, math.nan])
def test_interval_when_the_level_is_none_then_it_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        interval(noise(1, 10), mean, np.random.default_rng(1), level=level)


# --- Sharpe ratios ---


def test_probabilistic_sharpe_when_asked_for_the_published_case_then_it_is_the_published_figure() -> None:
    monthly = Moments(24, 0.458, -2.448, 10.164)
    assert probabilistic_sharpe(monthly) == pytest.approx(0.913, abs=5e-4)
    assert probabilistic_sharpe(Moments(24, 0.458, 0.0, 3.0)) == pytest.approx(0.982, abs=5e-4)


def test_deflated_sharpe_when_asked_for_the_published_case_then_it_is_the_published_figure() -> None:
    best = expected_best(100, 0.5 / 250)
    assert best == pytest.approx(0.1132, abs=5e-5)
    found = probabilistic_sharpe(Moments(1250, 2.5 / math.sqrt(250), -3.0, 10.0), best)
    assert found == pytest.approx(0.9004, abs=5e-5)


def test_moments_when_returns_are_normal_then_they_are_a_normals() -> None:
    found = moments(noise(4, 200_000) + 0.001)
    assert found is not None
    assert (found.skew, found.kurtosis) == (pytest.approx(0.0, abs=0.03), pytest.approx(3.0, abs=0.05))
    assert found.sharpe == pytest.approx(0.1, abs=0.01)


@given(st.lists(st.floats(-0.5, 0.5), min_size=0, max_size=40), st.floats(1e-3, 1e3))
def test_probabilistic_sharpe_when_returns_are_scaled_then_it_stays_and_is_a_probability(
    values: list[float], factor: float
) -> None:
    returns = np.array(values)
    one, other = moments(returns), moments(returns * factor)
    if one is None or other is None or returns.std() * min(factor, 1.0) < 1e-9:
        return
    left, right = probabilistic_sharpe(one), probabilistic_sharpe(other)
    assert left is None or right is None or left == pytest.approx(right, abs=1e-5)
    assert left is None or 0.0 <= left <= 1.0


def test_expected_best_when_useless_trials_are_drawn_then_it_is_their_mean_best() -> None:
    drawn = np.random.default_rng(6).normal(0.0, 0.2, (4_000, 50)).max(axis=1).mean()
    assert expected_best(50, 0.04) == pytest.approx(drawn, rel=0.02)


def test_deflated_sharpe_when_more_was_tried_then_it_is_smaller() -> None:
    of = moments(noise(4, 1_000) + 0.001)
    assert of is not None
    spread = [of.sharpe, -0.05, 0.05, 0.0]
    alone, few, many = (deflated_sharpe(of, each) for each in ([of.sharpe], spread, spread * 50))
    assert alone == probabilistic_sharpe(of)
    assert alone is not None
    assert few is not None
    assert many is not None
    assert alone > few > many
    assert deflated_sharpe(of, []) is None


@pytest.mark.parametrize(("trials", "variance"), [(0, 1.0), (5, -1.0), (5, math.nan)])
def test_expected_best_when_there_is_nothing_to_expect_then_it_is_refused(trials: int, variance: float) -> None:
    with pytest.raises(ValueError, match="trials"):
        expected_best(trials, variance)


def test_moments_when_nothing_varies_then_there_are_none() -> None:
    assert moments(np.full(10, 0.01)) is None
    assert moments(np.array([0.01, 0.02])) is None


# --- overfitting ---


def naive(returns: Floats, blocks: int) -> list[float]:
    """The definition, one combination after the other."""
    rows = len(returns) // blocks * blocks
    cut = np.split(returns[len(returns) - rows :], blocks)
    logits = []
    for chosen in combinations(range(blocks), blocks // 2):
        inner = np.concatenate([cut[at] for at in chosen])
        outer = np.concatenate([cut[at] for at in range(blocks) if at not in chosen])
        best = int(np.argmax(inner.mean(axis=0) / inner.std(axis=0, ddof=1)))
        out = outer.mean(axis=0) / outer.std(axis=0, ddof=1)
        share = (np.sum(out < out[best]) + 1.0) / (returns.shape[1] + 1.0)
        logits.append(math.log(share / (1.0 - share)))
    return logits


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(12, 40), st.integers(2, 8))
def test_overfitting_when_combinations_are_taken_one_by_one_then_it_is_the_same(
    seed: int, rows: int, trials: int
) -> None:
    found = overfitting(noise(seed, rows, trials), 6)
    assert found is not None
    expected = naive(noise(seed, rows, trials), 6)
    assert found.logits.tolist() == pytest.approx(expected)
    assert found.combinations == math.comb(6, 3)
    assert found.probability == pytest.approx(sum(each <= 1e-12 for each in expected) / len(expected))
    assert 0.0 <= found.probability <= 1.0
    assert 0.0 <= found.loss <= 1.0


def test_overfitting_when_one_trial_is_truly_better_then_it_is_nothing() -> None:
    returns = noise(1, 1_600, 20)
    returns[:, 7] += 0.005
    found = overfitting(returns)
    assert found is not None
    assert (found.probability, found.loss, found.combinations) == (0.0, 0.0, 12_870)


def test_overfitting_when_all_trials_are_noise_then_it_is_about_a_half() -> None:
    found = [overfitting(noise(seed, 400, 20), 8) for seed in range(40)]
    assert np.mean([each.probability for each in found if each]) == pytest.approx(0.5, abs=0.1)


@given(st.permutations(range(6)), st.floats(0.01, 100.0))
def test_overfitting_when_trials_are_permuted_or_scaled_then_it_stays(order: list[int], factor: float) -> None:
    returns = noise(9, 60, 6)
    one, other = overfitting(returns, 6), overfitting(returns[:, order] * factor, 6)
    assert one is not None
    assert other is not None
    assert (one.probability, one.loss) == (other.probability, other.loss)


def test_overfitting_when_trials_do_not_trade_then_they_count_as_nothing() -> None:
    found = overfitting(np.zeros((40, 5)), 4)
    assert found is not None
    assert (found.probability, found.loss) == (1.0, 0.0)


def test_overfitting_when_there_is_too_little_then_there_is_none() -> None:
    assert overfitting(noise(1, 40, 1), 4) is None
    assert overfitting(noise(1, 7, 3), 4) is None


@pytest.mark.parametrize("blocks", [0, 1, 5])
def test_overfitting_when_blocks_have_no_half_then_it_is_refused(blocks: int) -> None:
    with pytest.raises(ValueError, match="halved"):
        overfitting(noise(1, 40, 3), blocks)


def test_overfitting_when_a_return_is_not_finite_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        overfitting(np.full((8, 2), math.nan), 2)
