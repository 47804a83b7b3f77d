"""Every indicator equals its definition computed afresh with numpy, and continues bit for bit from its state."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.market.indicators import (
    CrossAge,
    Ema,
    EwmaVolatility,
    Lagged,
    Macd,
    RollingMax,
    RollingMoments,
    Rsi,
    VolumeRatio,
)
from tests.unit.bars import extreme_closes

prices = st.lists(st.one_of(st.floats(1.0, 1e5), st.just(100.0)), min_size=1, max_size=120)
extreme = st.lists(extreme_closes, min_size=1, max_size=80)


def ema(values: list[float], period: int) -> np.ndarray:
    alpha, out = 2.0 / (period + 1.0), [values[0]]
    for x in values[1:]:
        out.append((1.0 - alpha) * out[-1] + alpha * x)
    return np.array(out)


@given(prices, st.integers(2, 30))
def test_update_ema_when_any_prices_then_equals_the_recursion_from_the_first(values: list[float], period: int) -> None:
    average = Ema(period)
    assert [average.update(x) for x in values] == pytest.approx(ema(values, period), rel=1e-9)


@given(prices, st.integers(2, 20))
def test_update_rsi_when_any_prices_then_equals_wilders_definition(values: list[float], period: int) -> None:
    rsi = Rsi(period)
    for x in values:
        rsi.update(x)
    changes = np.diff(values)
    if len(changes) < period:
        assert rsi.value == 50.0
        return
    gains, losses = np.maximum(changes, 0.0), np.maximum(-changes, 0.0)
    gain, loss = gains[:period].mean(), losses[:period].mean()
    for up, down in zip(gains[period:], losses[period:], strict=True):
        gain, loss = (gain * (period - 1) + up) / period, (loss * (period - 1) + down) / period
    expected = 50.0 if gain + loss == 0.0 else 100.0 - 100.0 / (1.0 + gain / loss) if loss else 100.0
    assert rsi.value == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_update_rsi_when_wilders_own_example_then_gives_his_figure() -> None:
    closes = [44.34, 44.09, 44.15, 43.61, 44.33, 44.83, 45.10, 45.42, 45.84, 46.08, 45.89, 46.03, 45.61, 46.28, 46.28]
    rsi = Rsi(14)
    for close in closes:
        rsi.update(close)
    assert rsi.value == pytest.approx(70.46, abs=0.01)


@given(prices)
def test_update_macd_when_any_prices_then_equals_differences_of_averages(values: list[float]) -> None:
    macd = Macd(12, 26, 9)
    for x in values:
        macd.update(x)
    line = ema(values, 12) - ema(values, 26)
    histogram = line - ema(list(line), 9)
    wide = dict(rel=1e-7, abs=1e-9 * max(values))
    assert macd.line == pytest.approx(line[-1], **wide)
    assert macd.histogram == pytest.approx(histogram[-1], **wide)
    assert macd.before == pytest.approx(histogram[-2] if len(values) > 1 else 0.0, **wide)


@given(prices, st.integers(2, 25))
def test_update_moments_when_any_prices_then_equal_the_windows(values: list[float], period: int) -> None:
    moments = RollingMoments(period)
    for at, x in enumerate(values):
        moments.update(x)
        window = np.array(values[max(0, at + 1 - period) : at + 1])
        assert moments.mean == pytest.approx(window.mean(), rel=1e-9)
        assert moments.deviation == pytest.approx(window.std(), rel=1e-5, abs=1e-6 * window.max())


def test_update_moments_when_a_giant_left_the_window_then_nothing_of_it_stays() -> None:
    moments = RollingMoments(20)
    for x in [1e12] * 3 + [1.0, 2.0] * 10:
        moments.update(x)
    assert moments.mean == pytest.approx(1.5, rel=1e-12)
    assert moments.deviation == pytest.approx(0.5, rel=1e-12)


def test_update_moments_when_many_bars_passed_then_has_not_drifted() -> None:
    rng = np.random.default_rng(1)
    values = (65_000.0 + np.cumsum(rng.normal(0.0, 0.01, 100_010))).tolist()
    moments = RollingMoments(20)
    for x in values:
        moments.update(x)
    assert moments.deviation == pytest.approx(np.std(values[-20:]), rel=1e-6)


@given(st.lists(st.floats(0.0, 1e9), min_size=1, max_size=80), st.integers(2, 20))
def test_update_volume_ratio_when_any_volumes_then_compares_with_the_bars_before(
    values: list[float], period: int
) -> None:
    ratio = VolumeRatio(period)
    for x in values:
        ratio.update(x)
    before = values[:-1][-period:]
    mean = float(np.mean(before)) if before else 0.0
    if mean > 1e-3 * max(values, default=0.0):
        assert ratio.value == pytest.approx(min(values[-1] / mean, 1_000.0), rel=1e-6)
    assert 0.0 <= ratio.value <= 1_000.0


@given(prices, st.integers(1, 30))
def test_update_lagged_when_any_prices_then_is_the_value_n_ago(values: list[float], bars: int) -> None:
    lagged = Lagged(bars)
    for x in values:
        lagged.update(x)
    assert lagged.value == values[max(0, len(values) - 1 - bars)]


@given(prices, st.integers(1, 30))
def test_update_maximum_when_any_prices_then_is_the_windows(values: list[float], bars: int) -> None:
    highest = RollingMax(bars)
    for at, x in enumerate(values):
        highest.update(x)
        assert highest.value == max(values[max(0, at + 1 - bars) : at + 1])


@given(prices, st.floats(0.5, 0.999))
def test_update_volatility_when_any_prices_then_equals_the_weighted_mean_square(
    values: list[float], decay: float
) -> None:
    volatility = EwmaVolatility(decay)
    for x in values:
        volatility.update(x)
    returns = np.diff(np.log(values))
    if not len(returns):
        assert volatility.value == 0.0
        return
    weights = decay ** np.arange(len(returns))[::-1]
    expected = np.sqrt(np.sum(weights * returns**2) / np.sum(weights))
    assert volatility.value == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_update_cross_age_when_the_lines_touch_and_part_then_only_a_crossing_resets_it() -> None:
    age = CrossAge()
    seen = []
    for fast, slow in [(1, 1), (2, 1), (1, 1), (2, 1), (1, 2), (1, 1), (1, 2), (2, 1)]:
        age.update(fast, slow)
        seen.append(age.value)
    assert seen == [1, 2, 3, 4, 0, 1, 2, 0]


makers: list[Callable[[], object]] = [
    lambda: Ema(9),
    lambda: Rsi(5),
    lambda: Macd(3, 6, 4),
    lambda: RollingMoments(7),
    lambda: VolumeRatio(6),
    lambda: Lagged(5),
    lambda: RollingMax(8),
    lambda: EwmaVolatility(0.9),
    CrossAge,
]


@pytest.mark.parametrize("make", makers)
@given(values=extreme, cut=st.integers(0, 80))
@settings(max_examples=40)
def test_restore_when_cut_anywhere_then_continues_bit_for_bit(make, values: list[float], cut: int) -> None:
    straight, first, second = make(), make(), make()
    feed = (lambda one, x: one.update(x, 100.0)) if isinstance(straight, CrossAge) else (lambda one, x: one.update(x))
    for x in values[:cut]:
        feed(straight, x)
        feed(first, x)
    second.restore(json.loads(json.dumps(first.state())))
    for x in values[cut:]:
        feed(straight, x)
        feed(second, x)
    assert json.dumps(second.state()) == json.dumps(straight.state())
    assert "NaN" not in json.dumps(second.state())
    assert "Infinity" not in json.dumps(second.state())
