"""From `--feed` to a feed, without a network; the live ones are in tests/integration/feeds."""

import pytest

from fks_actors.adapters.feeds.config import FeedConfig
from fks_actors.adapters.feeds.exchange import candles
from fks_actors.adapters.feeds.factory import open_feed
from fks_actors.adapters.feeds.port import FeedKind
from fks_actors.adapters.feeds.timing import LiveTiming
from fks_actors.errors import ConfigError, DataFileError
from fks_actors.model.candles import Candle


async def test_open_when_simulated_then_seed_speed_and_history_are_as_configured() -> None:
    feed = await open_feed(FeedConfig(spec="simulated", seed=3, history_bars=20, timeframe="1h", speed="max"))
    info = feed.describe()
    assert (info.kind, info.interval_ms, info.speed) == (FeedKind.SIMULATED, 3_600_000, None)
    assert "seed 3" in info.label
    assert len(await feed.history()) == 20
    assert (await open_feed(FeedConfig(spec="simulated"))).describe().speed == 60


async def test_open_when_the_recording_is_missing_then_the_error_names_it() -> None:
    with pytest.raises(DataFileError, match=r"/no/BTCUSDT\.csv: no such file"):
        await open_feed(FeedConfig(spec="replay:/no/BTCUSDT.csv"))


async def test_open_when_a_live_market_shall_run_faster_then_it_is_refused() -> None:
    with pytest.raises(ConfigError, match="a live market runs at speed 1"):
        await open_feed(FeedConfig(spec="live:binance", speed=60))


def test_backoff_when_tries_fail_then_it_doubles_up_to_thirty_seconds() -> None:
    calm, rough = LiveTiming(jitter=lambda: 0.0), LiveTiming(jitter=lambda: 1.0)
    assert [rough.backoff_s(n) for n in (1, 2, 3, 7, 99)] == [0.5, 1, 2, 30, 30]
    assert [calm.backoff_s(n) for n in (1, 2, 7)] == [0.25, 0.5, 15]


def test_rows_when_an_exchange_tells_nonsense_then_they_are_left_out() -> None:
    good: list[float | None] = [60_000, 10, 12, 9, 11, None]
    bad: list[list[float | None]] = [
        [None, 10, 12, 9, 11, 1],
        [1, None, 12, 9, 11, 1],
        [1, 10, 12, float("nan"), 11, 1],
        [1, 10, 8, 9, 11, 1],
        [1, 10, 12, 9, 0, 1],
        [1, 10, 12, 9, 11, -1],
    ]
    assert candles("A/B", [*bad, good]) == [Candle("A/B", 60_000, 10.0, 12.0, 9.0, 11.0, 0.0)]
