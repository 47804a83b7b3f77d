"""A column of an indicator is, bit for bit, what the incremental one gives bar by bar."""

from collections.abc import Sequence
from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.backtest.sweep import indicators
from fks_actors.backtest.sweep.features import sealed
from fks_actors.market.indicators import Ema, Macd, RollingMoments, Rsi
from fks_actors.model.candles import Candle
from tests.unit.bars import extremes, walks

bars = st.one_of(walks(1, 200), extremes(1, 120))
periods = st.integers(1, 60)


def closes(given_bars: Sequence[Candle]) -> np.ndarray:
    return sealed(np.array([bar.close for bar in given_bars]))


@settings(deadline=None)
@given(bars, periods)
def test_ema_when_any_bars_come_then_every_bit_is_the_incremental_one(given_bars: list[Candle], period: int) -> None:
    one = Ema(period)
    wanted = [one.update(bar.close) for bar in given_bars]
    assert indicators.ema(closes(given_bars), period).tolist() == wanted


@settings(deadline=None)
@given(bars, periods)
def test_moments_when_any_bars_come_then_every_bit_is_the_incremental_one(
    given_bars: list[Candle], period: int
) -> None:
    one, means, deviations = RollingMoments(period), [], []
    for bar in given_bars:
        one.update(bar.close)
        means.append(one.mean)
        deviations.append(one.deviation)
    found = indicators.moments(closes(given_bars), period)
    assert (found[0].tolist(), found[1].tolist()) == (means, deviations)


@settings(deadline=None)
@given(bars, periods)
def test_rsi_when_any_bars_come_then_every_bit_is_the_incremental_one(given_bars: list[Candle], period: int) -> None:
    one, wanted = Rsi(period), []
    for bar in given_bars:
        one.update(bar.close)
        wanted.append(one.value)
    assert indicators.rsi(closes(given_bars), period).tolist() == wanted


@settings(deadline=None)
@given(bars, st.integers(1, 20), st.integers(21, 60), st.integers(1, 20))
def test_macd_when_any_bars_come_then_every_bit_is_the_incremental_one(
    given_bars: list[Candle], fast: int, slow: int, signal: int
) -> None:
    one, lines, signals = Macd(fast, slow, signal), [], []
    for bar in given_bars:
        one.update(bar.close)
        lines.append(one.line)
        signals.append(one.signal)
    line = indicators.macd_line(closes(given_bars), fast, slow)
    assert (line.tolist(), indicators.ema(sealed(line), signal).tolist()) == (lines, signals)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.floats(-1e290, 1e290), max_size=60))
def test_sum_when_any_values_come_then_it_is_rounded_once(values: list[float]) -> None:
    assert indicators._exact_sum(np.array(values), np.empty(64)) == fsum(values)


@pytest.mark.parametrize("values", [[1e16, 1.0, 1e-16], [1.0, 2**-53, 2**-106], [1.0, 2**-53, -(2**-106)], []])
def test_sum_when_the_rest_decides_a_tie_then_it_rounds_as_it_says(values: list[float]) -> None:
    assert indicators._exact_sum(np.array(values), np.empty(64)) == fsum(values)
