"""Views: right numbers, always finite, the same after a restart."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple
from pydantic import ValidationError

from fks_actors.errors import InvariantError
from fks_actors.market.config import LongPeriods, MarketConfig, MidPeriods, ShortPeriods
from fks_actors.market.features import LongFeatures, MidFeatures, ShortFeatures
from fks_actors.model.candles import Candle
from tests.unit.bars import bars_of, extremes, walks

makers = [
    lambda: ShortFeatures(ShortPeriods()),
    lambda: MidFeatures(MidPeriods()),
    lambda: LongFeatures(LongPeriods(average=20, trend=10, drawdown=30, warm_bars=40)),
]


def test_view_short_when_prices_rise_steadily_then_every_figure_points_up() -> None:
    features = ShortFeatures(ShortPeriods())
    for candle in bars_of([100.0 * 1.01**at for at in range(60)], [10.0] * 59 + [30.0]):
        features.update(candle)
    view = features.view()
    assert features.warm
    assert view.bars == 60
    assert view.rsi == 100.0
    assert view.macd > view.macd_signal > 0.0
    assert view.volume_ratio == pytest.approx(3.0)
    assert view.change == pytest.approx(1.01**6 - 1.0)
    assert view.macd_histogram == pytest.approx(view.macd - view.macd_signal)


def test_view_mid_when_trend_turns_then_cross_age_counts_from_the_cross() -> None:
    features = MidFeatures(MidPeriods())
    for candle in bars_of([100.0 - at for at in range(50)] + [51.0 + 2.0 * at for at in range(40)]):
        features.update(candle)
    view = features.view()
    assert view.ema_fast > view.ema_slow
    assert 0 < view.cross_age < 40
    assert view.bollinger_middle == pytest.approx(sum(51.0 + 2.0 * at for at in range(20, 40)) / 20)
    assert view.bollinger_upper - view.bollinger_middle == pytest.approx(view.bollinger_middle - view.bollinger_lower)


def test_view_long_when_price_fell_by_half_then_drawdown_is_half() -> None:
    features = LongFeatures(LongPeriods())
    for candle in bars_of([100.0] * 50 + [200.0] + [100.0] * 50):
        features.update(candle)
    view = features.view()
    assert view.drawdown == pytest.approx(0.5)
    assert view.trend > 0.0
    assert view.volatility_fast > view.volatility_slow * 0.1 > 0.0


@pytest.mark.parametrize("make", makers)
def test_view_when_no_bar_was_seen_then_it_is_an_invariant_error(make) -> None:
    with pytest.raises(InvariantError):
        make().view()


@pytest.mark.parametrize("make", makers)
@given(candles=extremes())
@settings(max_examples=60)
def test_view_when_bars_are_extreme_then_every_number_is_finite(make, candles: list[Candle]) -> None:
    features = make()
    for candle in candles:
        features.update(candle)
        assert all(math.isfinite(x) for x in astuple(features.view()) if not isinstance(x, str))


@pytest.mark.parametrize("make", makers)
@given(candles=walks(), cut=st.integers(0, 300))
@settings(max_examples=40)
def test_restore_when_cut_anywhere_then_views_are_the_same_bits(make, candles: list[Candle], cut: int) -> None:
    straight, first, second = make(), make(), make()
    for candle in candles[:cut]:
        straight.update(candle)
        first.update(candle)
    second.restore(json.loads(json.dumps(first.state())))
    for candle in candles[cut:]:
        straight.update(candle)
        second.update(candle)
    assert repr(second.view()) == repr(straight.view())
    assert second.warm == straight.warm


def test_read_config_when_a_key_is_unknown_or_periods_contradict_then_it_is_refused() -> None:
    for bad in ({"rsi": 14, "rsl": 3}, {"macd_fast": 30}, {"warm_bars": 20}):
        with pytest.raises(ValidationError):
            ShortPeriods.model_validate(bad)
    for bad in ({"ema_fast": 60}, {"warm_bars": 20}, {"bollinger_width": float("nan")}):
        with pytest.raises(ValidationError):
            MidPeriods.model_validate(bad)
    for bad in ({"decay_fast": 0.999}, {"decay_slow": 1.0}, {"warm_bars": 100}):
        with pytest.raises(ValidationError):
            LongPeriods.model_validate(bad)
    with pytest.raises(ValidationError):
        MarketConfig.model_validate({"medium": {}})
