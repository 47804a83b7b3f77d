"""The arithmetic under the report: bootstrap by running sums, M4, calibration as arrays, wording."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.backtest import significance
from fks_actors.backtest.metrics import sharpe, volatility
from fks_actors.backtest.report import wording
from fks_actors.backtest.report.calibration import Claims, fit
from fks_actors.backtest.report.intervals import mean_block, of_returns, of_trips, resampled_sums
from fks_actors.backtest.report.money import cents, money
from fks_actors.backtest.report.thinning import LENGTHS_MS, bucket_ms, m4
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.votes import Action, Vote
from fks_actors.reflection.calibration import Calibration
from fks_actors.reflection.config import ReflectionConfig
from tests.unit.backtest.trades import DAY_MS, HOUR_MS, curve_of

SYMBOLS = ("BTC/USDT", "ETH/USDT")


@given(st.integers(1, 300), st.floats(1.0, 50.0), st.integers(0, 1_000))
def test_resample_when_blocks_are_drawn_then_every_sum_is_over_as_many_rows_in_runs(
    count: int, block: float, seed: int
) -> None:
    rows = np.column_stack((np.ones(count), np.arange(count, dtype=np.float64)))
    sums = resampled_sums(rows, block, np.random.default_rng(seed), 5)
    assert sums[:, 0] == pytest.approx(count)
    assert (sums[:, 1] >= 0.0).all()
    assert (sums[:, 1] <= count * (count - 1) + 1e-6).all()


def test_resample_when_a_block_is_endless_then_every_resample_is_a_rotation() -> None:
    rows = np.random.default_rng(1).normal(size=(50, 2))
    sums = resampled_sums(rows, 1e12, np.random.default_rng(2), 20)
    assert sums == pytest.approx(np.tile(rows.sum(axis=0), (20, 1)))


@pytest.mark.parametrize(("count", "block"), [(0, 2.0), (5, 0.5), (5, float("nan"))])
def test_resample_when_nothing_can_be_drawn_then_it_is_refused(count: int, block: float) -> None:
    with pytest.raises(ValueError, match="resampled"):
        resampled_sums(np.zeros((count, 1)), block, np.random.default_rng(0), 1)


def test_intervals_when_laid_beside_the_plain_bootstrap_then_they_agree() -> None:
    returns = np.random.default_rng(5).normal(0.001, 0.02, 700)
    curve = curve_of(np.concatenate(([100.0], 100.0 * np.cumprod(1.0 + returns))).tolist())
    found = of_returns(curve, 0.95, np.random.default_rng(1), 3_000)
    for name, statistic in (("sharpe", sharpe), ("volatility", volatility)):
        plain = significance.interval(
            curve.returns(),
            lambda r, of=statistic: of(r, curve.a_year()),
            np.random.default_rng(2),
            times=3_000,
            block=mean_block(700),
        )
        assert plain is not None
        width = plain.high - plain.low
        assert found[name] == pytest.approx((plain.low, plain.high), abs=0.1 * width)
    assert found["total"][0] < curve.equity[-1] / curve.equity[0] - 1.0 < found["total"][1]


def test_intervals_when_returns_are_of_one_size_then_what_is_undefined_has_none() -> None:
    assert set(of_returns(curve_of([100.0] * 50), 0.95, np.random.default_rng(1), 100)) == {
        "total",
        "annual",
        "volatility",
    }
    assert of_returns(curve_of([100.0, 101.0]), 0.95, np.random.default_rng(1), 100) == {}


def test_intervals_when_equity_is_ruined_then_they_are_finite() -> None:
    found = of_returns(curve_of([100.0, 50.0, 120.0, 60.0, 0.0]), 0.95, np.random.default_rng(1), 500)
    assert np.isfinite([bound for pair in found.values() for bound in pair]).all()
    assert found["total"][0] == pytest.approx(-1.0)


def test_intervals_of_trips_when_none_lost_then_the_profit_factor_has_none() -> None:
    rng = np.random.default_rng(1)
    assert set(of_trips(np.array([1.0, 2.0, 3.0]), 0.95, rng, 200)) == {"win_rate", "expectancy"}
    mixed = of_trips(rng.normal(1.0, 5.0, 400), 0.95, rng, 500)
    assert mixed["win_rate"][0] < 0.6 < mixed["win_rate"][1] + 0.05
    assert set(mixed) == {"win_rate", "expectancy", "profit_factor"}
    assert of_trips(np.array([1.0]), 0.95, rng, 200) == {}


@given(
    st.lists(st.tuples(st.integers(1, 5), st.floats(-1e6, 1e6)), min_size=1, max_size=200),
    st.sampled_from([4_000, 60_000, 3_600_000]),
)
def test_m4_when_a_curve_is_thinned_then_each_bucket_keeps_its_ends_and_extremes(
    steps: Sequence[tuple[int, float]], length: int
) -> None:
    times = np.cumsum([step * 1_000 for step, _ in steps])
    values = np.array([value for _, value in steps])
    drawn, kept = m4(times, values, length)
    assert (np.diff(drawn) > 0).all()
    assert len(drawn) == 4 * len(np.unique(times // length))
    for at, bucket in enumerate(np.unique(times // length)):
        inside = values[times // length == bucket]
        four = kept[4 * at : 4 * at + 4]
        assert (four[0], four[3], four.min(), four.max()) == (inside[0], inside[-1], inside.min(), inside.max())
        assert (drawn[4 * at : 4 * at + 4] // length == bucket).all()


@given(st.integers(1, 10**12), st.sampled_from([1_000, 60_000, 300_000, 3_600_000, 14_400_000]), st.integers(1, 2_000))
def test_bucket_when_chosen_then_it_holds_whole_bars_and_there_are_no_more_than_asked(
    span: int, interval_ms: int, most: int
) -> None:
    length = bucket_ms(0, span, interval_ms, most)
    assert length % interval_ms == 0
    assert span / length <= most
    assert length == interval_ms or length in LENGTHS_MS or length > LENGTHS_MS[-1] or length % interval_ms == 0


@st.composite
def claimed(draw: st.DrawFn) -> tuple[list[BarBatch], list[list[Vote]]]:
    """Bars with holes, and what two minds said of them."""
    ts_ms, batches, ballots = 40 * HOUR_MS, [], []
    for _ in range(draw(st.integers(1, 40))):
        ts_ms += HOUR_MS * draw(st.sampled_from([1, 1, 1, 1, 2, 7]))
        symbols = draw(st.lists(st.sampled_from(SYMBOLS), min_size=1, unique=True))
        prices = [draw(st.sampled_from([99.0, 100.0, 101.0])) for _ in symbols]
        batches.append(
            BarBatch(
                ts_ms, HOUR_MS, tuple(Candle(s, ts_ms, p, p, p, p, 1.0) for s, p in zip(symbols, prices, strict=True))
            )
        )
        ballots.append([
            Vote(agent, symbol, ts_ms, draw(st.sampled_from(Action)), draw(st.floats(0.0, 1.0)), "")
            for agent in ("a", "b")
            for symbol in symbols
            if draw(st.booleans())
        ])  # fmt: skip
    return batches, ballots


@given(claimed())
def test_calibration_when_computed_at_once_then_it_is_bit_for_bit_that_of_the_desk(
    story: tuple[list[BarBatch], list[list[Vote]]],
) -> None:
    batches, ballots = story
    config = ReflectionConfig(horizons={"a": 1, "b": 3})
    desk = Calibration(config)
    claims = {agent: {symbol: Claims() for symbol in SYMBOLS} for agent in ("a", "b")}
    for batch, said in zip(batches, ballots, strict=True):
        desk.observe(batch)
        desk.claim(said)
        for vote in said:
            if vote.action is not Action.HOLD:
                of = claims[vote.agent][vote.symbol]
                of.times.append(vote.ts_ms)
                of.leans.append(vote.confidence if vote.action is Action.BUY else -vote.confidence)
    candles = [candle for batch in batches for candle in batch.candles]
    closes = {
        symbol: (
            np.array([c.ts_ms for c in candles if c.symbol == symbol], dtype=np.int64),
            np.array([c.close for c in candles if c.symbol == symbol]),
        )
        for symbol in SYMBOLS
    }
    found = [each for a in claims if (each := fit(a, claims[a], closes, HOUR_MS, config))]
    assert [(f.agent, f.horizon, f.outcomes, f.independent, f.brier, f.error) for f in found] == [
        (s.agent, s.horizon, s.outcomes, s.independent, s.brier, s.error) for s in desk.scores()
    ]
    for each in found:
        assert sum(bin.count for bin in each.bins) == each.outcomes
    assert fit("stranger", claims["a"], closes, HOUR_MS, config) is None


@given(st.decimals("-1e15", "1e15", allow_nan=False, allow_infinity=False))
def test_money_when_told_then_it_is_plain_text_that_reads_back(amount: Decimal) -> None:
    text = money(amount)
    assert set(text) <= set("-0123456789.")
    assert abs(Decimal(text) - amount) <= Decimal("5e-9")


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (wording.money, "-1234567.891", "−1,234,567.89"),
        (wording.profit, "0.5", "+0.50"),
        (wording.price, "0.00001234", "0.000012340"),
        (wording.price, "42806.494", "42,806.49"),
        (wording.gain, -0.0000001, "0.00 %"),
        (wording.gain, 1.0031, "+100.31 %"),
        (wording.gain, None, "–"),
        (wording.number, float("inf"), "–"),
        (wording.number, 2.5e12, "2.50e+12"),
        (wording.span, 20_520_000_000, "237 d"),
        (wording.span, 10 * DAY_MS + 10 * HOUR_MS, "10 d 10 h"),
        (wording.span, 5 * DAY_MS, "5 d"),
        (wording.span, 90_000, "1 min 30 s"),
        (wording.span, 0, "0 s"),
        (wording.minute, 1_704_067_200_000, "2024-01-01 00:00"),
        (wording.mind, "", "nobody voted"),
        (cents, 0.0000123, "0.00001230"),
        (cents, 10_436.2742, "10436.27"),
    ],
)
def test_word_when_a_figure_is_given_then_it_reads_so(write: object, value: object, text: str) -> None:
    assert write(value) == text  # type: ignore[operator]
