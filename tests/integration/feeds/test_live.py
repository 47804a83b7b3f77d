"""The live feed with the real ccxt against a loopback Binance."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from fks_actors.adapters.feeds.config import FeedConfig
from fks_actors.adapters.feeds.factory import open_feed
from fks_actors.adapters.feeds.live import LiveFeed, open_live, probe
from fks_actors.adapters.feeds.port import FeedKind
from fks_actors.adapters.feeds.timing import LiveTiming
from fks_actors.errors import ConfigError, FeedUnavailable
from fks_actors.model.candles import BarBatch
from tests.integration.feeds.fake_binance import MINUTE, FakeBinance, final, running, until
from tests.unit.adapters.feeds.contract import keeps_the_contract

START = 1_760_000_040_000 // MINUTE * MINUTE
BOTH = ("BTC/USDT", "ETH/USDT")
POLLED = {"has": {"watchOHLCV": False, "watchOHLCVForSymbols": False}}

Opener = Callable[..., Awaitable[LiveFeed]]


@pytest.fixture
async def exchange() -> AsyncIterator[FakeBinance]:
    server = FakeBinance(START + 30_000)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def opened(exchange: FakeBinance) -> AsyncIterator[Opener]:
    async with AsyncExitStack() as stack:

        async def opener(symbols: tuple[str, ...] = BOTH, history_bars: int = 5, **options: object) -> LiveFeed:
            feed = await open_live(
                "binance",
                symbols,
                history_bars=history_bars,
                options=exchange.options() | options,
                timing=timing_of(exchange),
            )
            stack.push_async_callback(feed.close)
            return feed

        yield opener


def timing_of(exchange: FakeBinance) -> LiveTiming:
    async def brief(seconds: float) -> None:
        await asyncio.sleep(0.01)

    return LiveTiming(poll_s=0.02, clock_ms=lambda: exchange.now_ms, sleep=brief)


def batch(ts_ms: int, *symbols: str) -> BarBatch:
    return BarBatch(ts_ms, MINUTE, tuple(final(s, ts_ms) for s in symbols or BOTH))


async def subscribed(exchange: FakeBinance) -> None:
    await until(lambda: len(exchange.subscribed) == 2)


async def test_read_history_when_pages_are_needed_then_every_closed_bar_comes_once(
    exchange: FakeBinance, opened: Opener
) -> None:
    feed = await opened(history_bars=2_300)
    history = await feed.history()
    assert history == [batch(START - i * MINUTE) for i in range(2_300, 0, -1)]
    assert feed.health().fetched == 2 * 2_300


@pytest.mark.parametrize("options", [{}, {"has": {"watchOHLCVForSymbols": False}}], ids=["together", "one by one"])
async def test_next_when_the_stream_begins_a_new_bar_then_the_old_one_comes_without_a_request(
    exchange: FakeBinance, opened: Opener, options: dict[str, object]
) -> None:
    feed = await opened(**options)
    await subscribed(exchange)
    asked = len(exchange.asked)
    for symbol in BOTH:
        await exchange.push(running(symbol, START))
        await exchange.push(final(symbol, START))
    assert await feed.next(-1, 10, 0.1) == []
    exchange.now_ms = START + MINUTE + 500
    for symbol in BOTH:
        await exchange.push(running(symbol, START + MINUTE))
    assert await feed.next(-1, 10, 5) == [batch(START)]
    assert len(exchange.asked) == asked
    assert feed.health().streaming
    assert "websocket" in feed.describe().label


async def test_next_when_the_bar_is_still_traded_then_nothing_comes(exchange: FakeBinance, opened: Opener) -> None:
    feed = await opened()
    exchange.now_ms = START + MINUTE - 1
    assert await feed.next(START - MINUTE, 10, 0.1) == []


async def test_next_when_the_stream_is_ahead_of_the_clock_then_the_bar_is_held_until_its_close(
    exchange: FakeBinance, opened: Opener
) -> None:
    feed = await opened()
    await subscribed(exchange)
    for minute in (0, 1):
        for symbol in BOTH:
            await exchange.push(final(symbol, START + minute * MINUTE))
    await until(lambda: feed.health().streaming)
    assert await feed.next(-1, 10, 0.1) == []
    exchange.now_ms = START + MINUTE
    assert await feed.next(-1, 10, 5) == [batch(START)]


async def test_next_when_the_stream_breaks_then_the_gap_is_filled_by_request_and_the_stream_goes_on(
    exchange: FakeBinance, opened: Opener
) -> None:
    feed = await opened()
    await subscribed(exchange)
    for symbol in BOTH:
        await exchange.push(running(symbol, START))
    await until(lambda: feed.health().streaming)
    await exchange.drop()
    await until(lambda: feed.health().reconnects == 1)
    exchange.now_ms = START + 4 * MINUTE + 1_500
    assert await feed.next(-1, 10, 5) == [batch(START + i * MINUTE) for i in range(4)]

    await subscribed(exchange)
    assert exchange.connections == 2
    for symbol in BOTH:
        await exchange.push(final(symbol, START + 4 * MINUTE))
    exchange.now_ms = START + 5 * MINUTE + 100
    for symbol in BOTH:
        await exchange.push(running(symbol, START + 5 * MINUTE))
    assert await feed.next(START + 3 * MINUTE, 10, 5) == [batch(START + 4 * MINUTE)]


async def test_next_when_the_stream_broke_within_a_bar_then_its_last_sight_is_not_taken_for_its_close(
    exchange: FakeBinance, opened: Opener
) -> None:
    feed = await opened()
    await subscribed(exchange)
    for symbol in BOTH:
        await exchange.push(running(symbol, START))
    await until(lambda: feed.health().streaming)
    await exchange.drop()
    await subscribed(exchange)
    exchange.now_ms = START + MINUTE + 100
    for symbol in BOTH:
        await exchange.push(running(symbol, START + MINUTE))
    await until(lambda: feed.health().streaming)
    assert await feed.next(-1, 10, 0.1) == []
    exchange.now_ms = START + MINUTE + 3_000
    assert await feed.next(-1, 10, 5) == [batch(START)]


async def test_next_when_there_is_no_stream_then_bars_are_polled(exchange: FakeBinance, opened: Opener) -> None:
    feed = await opened(**POLLED)
    exchange.now_ms = START + 2 * MINUTE + 1_100
    assert await feed.next(-1, 10, 5) == [batch(START), batch(START + MINUTE)]
    assert not feed.health().streaming
    assert "polled" in feed.describe().label


async def test_next_when_the_exchange_lacks_a_bar_then_its_batch_goes_without_it(
    exchange: FakeBinance, opened: Opener
) -> None:
    feed = await opened(**POLLED)
    exchange.missing = {
        ("ETH/USDT", START + MINUTE),
        ("BTC/USDT", START + 2 * MINUTE),
        ("ETH/USDT", START + 2 * MINUTE),
    }
    exchange.now_ms = START + 4 * MINUTE + 10_000
    wanted = [batch(START), batch(START + MINUTE, "BTC/USDT"), batch(START + 3 * MINUTE)]
    assert await feed.next(-1, 10, 5) == wanted
    assert feed.health().missing == 3


async def test_next_when_a_bar_is_late_then_it_is_waited_for_up_to_the_grace(
    exchange: FakeBinance, opened: Opener
) -> None:
    feed = await opened(**POLLED)
    exchange.missing = {("ETH/USDT", t) for t in (START, START + MINUTE)}
    exchange.now_ms = START + MINUTE + 3_000
    assert await feed.next(-1, 10, 0.2) == []
    exchange.missing = set()
    assert await feed.next(-1, 10, 5) == [batch(START)]


async def test_next_when_the_exchange_is_down_then_nothing_comes_until_it_is_back(
    exchange: FakeBinance, opened: Opener
) -> None:
    feed = await opened(**POLLED)
    exchange.down = True
    exchange.now_ms = START + MINUTE + 2_000
    assert await feed.next(-1, 10, 0.3) == []
    health = feed.health()
    assert not health.connected
    assert "ExchangeNotAvailable" in health.error
    exchange.down = False
    assert await feed.next(-1, 10, 5) == [batch(START)]
    assert feed.health().connected


async def test_next_when_a_restarted_caller_brings_an_old_cursor_then_it_catches_up(
    exchange: FakeBinance, opened: Opener
) -> None:
    feed = await opened(**POLLED)
    cursor = START - 1_500 * MINUTE
    found: list[BarBatch] = []
    while got := await feed.next(cursor, 400, 0.5):
        found += got
        cursor = got[-1].ts_ms
    assert found == [batch(START - i * MINUTE) for i in range(1_499, 0, -1)]


async def test_read_a_live_feed_then_it_keeps_the_contract(exchange: FakeBinance, opened: Opener) -> None:
    feed = await opened(**POLLED)
    exchange.now_ms = START + 8 * MINUTE
    await keeps_the_contract(feed)


@pytest.mark.parametrize(
    ("symbol", "text"),
    [("BTC/USDC", "did you mean BTC/USDT"), ("XYZQ/EUR", "no spot market XYZQ/EUR"), ("SOL/USDT", "does not trade")],
)
async def test_open_when_the_exchange_has_no_such_symbol_then_the_error_names_what_is_near(
    exchange: FakeBinance, opened: Opener, symbol: str, text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        await opened(("ETH/USDT", symbol))


async def test_open_when_ccxt_has_no_such_exchange_then_the_error_names_what_is_near() -> None:
    with pytest.raises(ConfigError, match=r"did you mean .*binance"):
        await open_live("binanse", BOTH)


async def test_open_when_the_exchange_refuses_then_it_is_unavailable(exchange: FakeBinance) -> None:
    exchange.down = True
    with pytest.raises(FeedUnavailable, match="binance did not answer within 5 s: ExchangeNotAvailable"):
        await open_live("binance", BOTH, options=exchange.options(), answer_within_s=5)


async def test_probe_when_the_exchange_is_mute_then_it_says_so_in_time(exchange: FakeBinance) -> None:
    assert await probe("binance", "BTC/USDT", 5, exchange.options()) == ""
    exchange.mute = True
    said = await probe("binance", "BTC/USDT", 0.2, exchange.options())
    assert said == "binance did not answer within 0.2 s: TimeoutError"


async def test_open_auto_when_the_exchange_answers_then_it_is_live(exchange: FakeBinance) -> None:
    feed = await open_feed(FeedConfig(), exchange_options=exchange.options())
    info = feed.describe()
    await feed.close()
    assert (info.kind, info.simulated, info.reason) == (FeedKind.LIVE, False, "auto: binance answered")


async def test_open_auto_when_the_exchange_does_not_answer_then_it_is_simulated_and_says_why(
    exchange: FakeBinance,
) -> None:
    options = exchange.options()
    await exchange.stop()
    feed = await open_feed(FeedConfig(), exchange_options=options)
    info = feed.describe()
    assert info.simulated
    assert info.label == "SIMULATED market (seed 7)"
    assert info.reason == ("auto: binance did not answer within 5 s: ExchangeNotAvailable; using the simulated market")


async def test_open_auto_when_the_symbol_is_misspelt_then_it_does_not_hide_in_a_simulation(
    exchange: FakeBinance,
) -> None:
    with pytest.raises(ConfigError, match="did you mean"):
        await open_feed(FeedConfig(symbols=("BTCC/USDT",)), exchange_options=exchange.options())


async def test_close_when_called_twice_then_nothing_is_left_open(exchange: FakeBinance, opened: Opener) -> None:
    feed = await opened()
    await subscribed(exchange)
    await feed.close()
    await feed.close()


async def test_open_when_the_address_is_another_servers_then_it_is_labelled_simulated(exchange: FakeBinance) -> None:
    options = exchange.options()
    feed = await open_live(
        "binance", BOTH, history_bars=5, options=options, timing=timing_of(exchange), stand_in="127.0.0.1:8900"
    )
    info = feed.describe()
    await feed.close()
    assert info.simulated
    assert info.label.startswith("SIMULATED candles of a server at 127.0.0.1:8900")
