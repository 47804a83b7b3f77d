"""The walk of the prices: what is told of a bar afterwards is the bar of its source."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.adapters.exchange_sim.markets import default_markets
from fks_actors.adapters.exchange_sim.prices import Bar, RecordedCourse, SimulatedCourse, Tape, Walk, step_of, ticks
from fks_actors.adapters.feeds.columns import Columns, Gaps
from fks_actors.adapters.feeds.files import Recording
from fks_actors.adapters.feeds.replay import Track
from fks_actors.adapters.feeds.simulated import SimulatedConfig, SimulatedFeed
from fks_actors.model.candles import Candle

ORIGIN = 1_750_000_020_000
MINUTE = 60_000
BTC = default_markets(("BTC/USDT",))["BTCUSDT"]


def walked(course: SimulatedCourse | RecordedCourse, step_ms: int, upto_ms: int) -> Tape:
    """A tape on which the course was traded up to an instant, in uneven beats."""
    tape = Tape(course, ORIGIN, step_ms)
    walk = Walk(course, tape, ORIGIN)
    for now in [*range(ORIGIN, upto_ms, 7_919), upto_ms]:
        for tick in walk.due(now):
            assert tick.ts_ms <= now
            tape.trade(tick.ts_ms, tick.price, tick.volume)
    return tape


def test_walk_when_bars_have_closed_then_they_are_the_sources_bars_and_history_joins_on() -> None:
    course = SimulatedCourse(7, BTC)
    tape = walked(course, MINUTE, ORIGIN + 10 * MINUTE)
    told = list(tape.bars(MINUTE, ORIGIN - 20 * MINUTE, ORIGIN + 10 * MINUTE))
    assert [ts for ts, _ in told] == list(range(ORIGIN - 20 * MINUTE, ORIGIN + 10 * MINUTE, MINUTE))
    for (_, bar), wanted in zip(told, course.bars(-20, 10), strict=True):
        assert (bar.open, bar.high, bar.low, bar.close) == (wanted.open, wanted.high, wanted.low, wanted.close)
        assert bar.volume == pytest.approx(wanted.volume)


async def test_simulated_course_when_compared_with_the_simulated_feed_then_it_is_the_same_market() -> None:
    batches = await SimulatedFeed(SimulatedConfig(("BTC/USDT",), history_bars=50, speed=None)).history()
    ours = SimulatedCourse(7, BTC).bars(-50, 0)
    assert [b.candles[0].close for b in batches] == [c.close for c in ours]


@pytest.mark.parametrize(("speed", "step_ms"), [(1, 60_000), (2, 30_000), (60, 1_000), (1_000, 1_000), (0.5, 60_000)])
def test_speed_when_given_then_a_bar_lasts_a_part_of_a_minute(speed: float, step_ms: int) -> None:
    assert step_of(MINUTE, speed) == step_ms


def test_bars_when_longer_than_the_steps_then_they_are_made_of_them() -> None:
    tape = walked(SimulatedCourse(7, BTC), 1_000, ORIGIN + 3 * MINUTE)
    minute = dict(tape.bars(MINUTE, ORIGIN + MINUTE, ORIGIN + 2 * MINUTE))
    seconds = [b for _, b in tape.bars(1_000, ORIGIN + MINUTE, ORIGIN + 2 * MINUTE)]
    (bar,) = minute.values()
    assert len(seconds) == 60
    assert (bar.open, bar.close) == (seconds[0].open, seconds[-1].close)
    assert (bar.high, bar.low) == (max(b.high for b in seconds), min(b.low for b in seconds))


def test_tape_when_nobody_trades_then_bars_stand_still_at_the_last_price() -> None:
    tape = Tape(SimulatedCourse(7, BTC), ORIGIN, MINUTE)
    tape.trade(ORIGIN + 1, 100.0, 1.0)
    tape.trade(ORIGIN + 5 * MINUTE, 110.0, 1.0)
    told = [(b.open, b.close, b.volume) for _, b in tape.bars(MINUTE, ORIGIN, ORIGIN + 6 * MINUTE)]
    assert told == [(100.0, 100.0, 1.0)] + [(100.0, 100.0, 0.0)] * 4 + [(110.0, 110.0, 1.0)]


def test_recording_when_it_ends_then_the_price_stays_and_history_is_its_first_half() -> None:
    columns = Columns(np.arange(4) * MINUTE, *(np.array([1.0, 2.0, 3.0, 4.0]) for _ in range(5)))
    course = RecordedCourse(Track("BTC/USDT", Recording("file", columns, ()), MINUTE, Gaps(0, 0, 0)), 2)
    tape = walked(course, MINUTE, ORIGIN + 4 * MINUTE)
    closes = [b.close for _, b in tape.bars(MINUTE, ORIGIN - 10 * MINUTE, ORIGIN + 4 * MINUTE)]
    assert closes == [1.0, 2.0, 3.0, 4.0, 4.0, 4.0]


def test_catch_up_when_the_venue_was_away_then_the_bars_are_told_as_if_it_had_not_been() -> None:
    course = SimulatedCourse(7, BTC)
    present = walked(course, MINUTE, ORIGIN + 5 * MINUTE + 30_000)
    tape = Tape(course, ORIGIN, MINUTE)
    walk = Walk(course, tape, ORIGIN)
    walk.catch_up(ORIGIN + 5 * MINUTE + 30_000)
    for tick in walk.due(ORIGIN + 5 * MINUTE + 30_000):
        tape.trade(tick.ts_ms, tick.price, tick.volume)
    window = (MINUTE, ORIGIN - MINUTE, ORIGIN + 6 * MINUTE)
    assert prices(tape, *window) == prices(present, *window)


def prices(tape: Tape, interval_ms: int, first_ms: int, stop_ms: int) -> list[tuple[float, ...]]:
    return [(ts, b.open, b.high, b.low, b.close) for ts, b in tape.bars(interval_ms, first_ms, stop_ms)]


numbers = st.floats(1, 1_000)


@given(numbers, numbers, numbers, numbers, st.sampled_from([1_000, 5_000, 60_000]))
def test_ticks_when_joined_then_they_are_the_bar(a: float, b: float, c: float, d: float, step_ms: int) -> None:
    low, first, second, high = sorted((a, b, c, d))
    for open_, close in ((first, second), (second, first), (low, high), (high, low)):
        walk = list(ticks(Candle("X", 0, open_, high, low, close, 8.0), 0, step_ms))
        bar = Bar(walk[0].price, walk[0].price, walk[0].price, walk[0].price, walk[0].volume)
        for tick in walk[1:]:
            bar.trade(tick.price, tick.volume)
        assert (bar.open, bar.high, bar.low, bar.close) == (open_, high, low, close)
        assert bar.volume == pytest.approx(8.0)
        assert [t.ts_ms for t in walk] == sorted({t.ts_ms for t in walk})
        assert walk[-1].ts_ms < step_ms
