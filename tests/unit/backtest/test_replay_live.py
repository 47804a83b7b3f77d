"""A live desk's decisions, made once more: it saw a clock and venues' quotes beside the bars, and strangers' orders."""

from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from fks_actors.market.quality import Flag
from fks_actors.model.candles import BarBatch
from fks_actors.model.markets import Quote
from fks_actors.model.orders import OrderType, Side
from fks_actors.model.records import Signal
from tests.market import SYMBOLS, batches
from tests.recorded_desk import RecordedDesk, replayed
from tests.unit.backtest.test_replay import EAGER, assert_identical
from tests.unit.desk.exchange import VENUE, Connector, Exchange, foreign

BTC, ETH = SYMBOLS


def quoted(connector: Connector, batch: BarBatch, off: float = 1.0) -> None:
    """The venue's prices as the batch closes, BTC's off by a factor."""
    for candle in batch.candles:
        price = Decimal(repr(round(candle.close * (off if candle.symbol == BTC else 1.0), 2)))
        connector.quotes[candle.symbol] = Quote(price, price + 1, batch.close_ms)


async def live(path: Path, **more: object) -> tuple[RecordedDesk, Connector, Exchange]:
    exchange = Exchange()
    connector = Connector(exchange)
    desk = RecordedDesk(path, SYMBOLS, EAGER, feed="live:exchange", real={VENUE: connector}, **more)  # type: ignore[arg-type]
    return await desk.begin(), connector, exchange


async def test_replay_when_the_venue_quoted_other_prices_then_the_flags_are_made_again(tmp_path: Path) -> None:
    desk, connector, _ = await live(tmp_path / "j.db")
    for number, batch in enumerate(batches(120)):
        quoted(connector, batch, 1.2 if 60 <= number < 70 else 1.0)
        await desk.bars([batch], late_ms=400_000 if number == 80 else 900)
    assert_identical(await replayed(desk.url), 240)
    decided, _ = desk.journal.decisions("", 240)
    flags = [flag for cycle in decided for flag in cycle.flags]
    assert Flag.DEVIATION in flags
    assert Flag.STALE in flags
    assert all(cycle.seen is not None and cycle.seen.quotes for cycle in decided)


async def test_replay_when_trades_came_late_and_in_parts_then_the_account_is_the_recorded_one(tmp_path: Path) -> None:
    desk, connector, exchange = await live(tmp_path / "j.db")
    exchange.share, exchange.fee_in_base = Decimal("0.5"), True
    bars = batches(140)
    for number, batch in enumerate(bars):
        quoted(connector, batch)
        if number % 20 == 10:
            stop = Decimal(repr(round(batch.candles[0].open * 0.97, 2)))
            signal = Signal(
                f"s{number}", f"id:{number}", 0, BTC, Side.BUY, OrderType.MARKET, Decimal("0.01"), stop_loss=stop
            )
            await desk.home.desk.run_signal(number, signal, desk.home.desk.clock_ms)
        if number % 20 == 15:
            for key, order in list(exchange.orders.items()):
                left = order.intent.quantity - order.filled_quantity
                if left and order.intent.order_type is OrderType.MARKET and order.status != "rejected":
                    exchange.trade(key, left, order.intent.market_price)
                    connector.happened(key)
            await desk.home.desk.collect(VENUE, desk.home.desk.clock_ms)
        await desk.bars([batch], late_ms=900)
    assert exchange.trades
    assert_identical(await replayed(desk.url), 280)


async def test_replay_when_the_venue_was_silent_and_strangers_traded_then_it_is_identical(tmp_path: Path) -> None:
    desk, connector, exchange = await live(tmp_path / "j.db")
    bars = batches(100)
    await desk.bars(bars[:40], late_ms=900)
    buy = Signal("s1", "id:1", 0, BTC, Side.BUY, OrderType.MARKET, Decimal("0.01"))
    connector.silent = 1
    await desk.home.desk.run_signal(1, buy, desk.home.desk.clock_ms)
    await desk.home.desk.collect(VENUE, desk.home.desk.clock_ms)
    entry = next(iter(exchange.orders.values()))
    other = foreign("ext-1", entry)
    other = replace(other, intent=replace(other.intent, side=Side.SELL, quantity=Decimal("0.004")))
    connector.found(other)
    await desk.home.desk.collect(VENUE, desk.home.desk.clock_ms)
    exchange.trade("ext-1", Decimal("0.004"), Decimal(29_000))
    connector.happened("ext-1")
    await desk.bars(bars[40:], late_ms=900)
    assert_identical(await replayed(desk.url), 200)
