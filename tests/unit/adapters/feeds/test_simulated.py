"""The market that is made up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.adapters.feeds.fictional import BLOCK, Path
from fks_actors.adapters.feeds.port import BEGINNING
from fks_actors.adapters.feeds.simulated import START_MS, SimulatedConfig, SimulatedFeed
from fks_actors.errors import ConfigError
from fks_actors.model.candles import BarBatch
from tests.unit.adapters.feeds.clockwork import Clockwork
from tests.unit.adapters.feeds.contract import keeps_the_contract

MINUTE = 60_000
THREE = ("BTC/USDT", "ETH/USDT", "NEW/USDT")


def feed_of(symbols: tuple[str, ...] = THREE, seed: int = 7, history_bars: int = 50) -> SimulatedFeed:
    return SimulatedFeed(SimulatedConfig(symbols, seed=seed, history_bars=history_bars, speed=None))


async def test_read_a_simulation_then_it_keeps_the_contract() -> None:
    await keeps_the_contract(feed_of())


async def test_describe_then_it_is_plainly_labelled() -> None:
    info = feed_of(seed=11).describe()
    assert info.simulated
    assert info.label == "SIMULATED market (seed 11)"
    assert "made up" in info.notes[0]


async def test_next_when_restarted_anywhere_then_the_bars_are_the_same() -> None:
    whole = await feed_of().next(BEGINNING, 3 * BLOCK + 5, 0)
    assert whole[0].ts_ms == START_MS
    for start in (0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 17):
        assert await feed_of().next(START_MS + (start - 1) * MINUTE, 10, 0) == whole[start : start + 10]


async def test_next_when_symbols_or_history_change_then_the_others_bars_stay() -> None:
    alone = await feed_of(("ETH/USDT",), history_bars=0).next(BEGINNING, 100, 0)
    among = await feed_of(history_bars=3_000).next(BEGINNING, 100, 0)
    assert [b.candles[0] for b in alone] == [b.candles[1] for b in among]
    short, long = await feed_of(history_bars=40).history(), await feed_of(history_bars=4_000).history()
    assert long[-40:] == short
    assert len(long) == 4_000


async def test_next_when_the_seed_differs_then_so_does_the_market() -> None:
    assert await feed_of(seed=1).next(BEGINNING, 5, 0) != await feed_of(seed=2).next(BEGINNING, 5, 0)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**40), block=st.integers(-3, 3))
def test_bars_when_the_seed_is_any_then_they_are_consistent_and_on_the_tick(seed: int, block: int) -> None:
    path = Path(seed, "BTC/USDT", START_MS, MINUTE)
    bars = path.block(block)
    assert np.all((bars.low > 0) & (bars.low <= np.minimum(bars.open, bars.close)))
    assert np.all(bars.high >= np.maximum(bars.open, bars.close))
    assert np.all(bars.volume >= 0)
    assert np.all(bars.open[1:] == bars.close[:-1])
    assert path.block(block + 1).open[0] == bars.close[-1]
    for column in (bars.open, bars.high, bars.low, bars.close):
        assert np.all(column == np.round(column, 2))
    assert list(bars.times) == [START_MS + (block * BLOCK + i) * MINUTE for i in range(BLOCK)]


async def test_bars_when_many_are_drawn_then_they_look_like_a_market() -> None:
    batches = await feed_of(("BTC/USDT", "ETH/USDT")).next(BEGINNING, 30 * BLOCK, 0)
    returns, volume = _returns(batches), np.array([b.candles[0].volume for b in batches])[1:]
    calm, wild = (float(returns[:, i].std()) * np.sqrt(1_440) for i in (0, 1))
    assert 0.015 < calm < wild < 0.05
    assert 0.5 < np.corrcoef(returns[:, 0], returns[:, 1])[0, 1] < 0.9
    size = np.abs(returns[:, 0])
    assert np.corrcoef(size[:-1], size[1:])[0, 1] > 0.1, "volatility clusters"
    assert np.corrcoef(size[:-30], size[30:])[0, 1] > 0.03, "and stays for a while"
    assert np.mean((returns[:, 0] / returns[:, 0].std()) ** 4) > 4, "tails are fat"
    assert np.corrcoef(size, volume)[0, 1] > 0.4
    assert 40_000 < batches[-1].candles[0].close < 200_000


async def test_next_when_paced_then_one_bar_a_second_at_speed_sixty() -> None:
    clock = Clockwork()
    feed = SimulatedFeed(SimulatedConfig(), clock=clock, sleep=clock.sleep)
    cursor, seen = BEGINNING, []
    for _ in range(4):
        got = await feed.next(cursor, 10, 2)
        cursor = got[-1].ts_ms
        seen.append((len(got), round(clock.now_s - 1_000, 3)))
    assert seen == [(1, 0), (1, 1), (1, 2), (1, 3)]
    assert not feed.exhausted(cursor)


@pytest.mark.parametrize("config", [SimulatedConfig(start_ms=START_MS + 1), SimulatedConfig(symbols=())])
def test_open_when_the_market_makes_no_sense_then_it_is_refused(config: SimulatedConfig) -> None:
    with pytest.raises(ConfigError):
        SimulatedFeed(config)


def _returns(batches: list[BarBatch]) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    closes = np.array([[c.close for c in b.candles] for b in batches])
    return np.diff(np.log(closes), axis=0)
