"""What no venue should say: it is set aside and written down, halts where money is in doubt, and stops nothing."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fks_actors.model.orders import Fill, Liquidity, OrderStatus, OrderType, OrderUpdate, Origin, Side
from fks_actors.model.records import AuditRecord, ControlRecord, TradingState
from tests.unit.desk.exchange import VENUE, foreign
from tests.unit.desk.test_real_venue import BTC, Home

LIMIT = {"order_type": OrderType.LIMIT, "price": Decimal(29_000)}


def trade(key: str, **figures: Any) -> Fill:
    """A sane trade of a small BUY, or what is named."""
    fields: dict[str, Any] = {"price": Decimal(29_000), "quantity": Decimal("0.004"), "fee": Decimal("0.1"), **figures}
    named = {"trade_id": "T-odd", "venue": VENUE, "symbol": BTC, "side": Side.BUY, "ts_ms": 1, **fields}
    return Fill(client_order_id=key, liquidity=Liquidity.TAKER, **named)


async def hears(home: Home, *events: Any) -> None:
    """The connector tells it, and the desk takes it in."""
    home.connector._outbox += events
    await home.desk.collect(VENUE, home.desk.clock_ms)


def kinds(home: Home) -> list[str]:
    """What was noted."""
    return [e.kind for e in home.journal.entries if isinstance(e, AuditRecord)]


async def goes_on(home: Home) -> None:
    """After a restart and an operator's word the desk trades."""
    home.restart()
    await home.desk.recover()
    await home.desk.control("r", ControlRecord(home.desk.clock_ms, TradingState.ACTIVE, "operator", ""))
    record = await home.alert(quantity=Decimal("0.001"))
    assert home.journal.orders[record.client_order_ids[0]].status is OrderStatus.FILLED


@pytest.mark.parametrize(
    "figures",
    [
        {"quantity": Decimal("0.02")},
        {"quantity": Decimal(0)},
        {"quantity": Decimal(-1)},
        {"quantity": Decimal("NaN")},
        {"price": Decimal("Infinity")},
        {"price": Decimal(0)},
        {"fee": Decimal("NaN")},
        {"symbol": "ETH/USDT"},
        {"side": Side.SELL},
        {"venue": "elsewhere"},
    ],
)
async def test_trade_when_it_cannot_be_the_orders_then_it_is_set_aside_and_the_desk_halts(
    figures: dict[str, Any],
) -> None:
    home = await Home().begin()
    (key,) = (await home.alert(**LIMIT)).client_order_ids
    await hears(home, trade(key, **figures), OrderUpdate(key, OrderStatus.ACCEPTED, 1))
    assert kinds(home) == ["impossible_trade"]
    assert home.desk.trading is TradingState.HALTED
    assert home.account().positions == {}
    await goes_on(home)
    home.agrees()


async def test_trade_when_its_order_was_rejected_then_it_is_set_aside_and_the_desk_halts() -> None:
    home = await Home().begin()
    home.exchange.refused = {OrderType.LIMIT}
    (key,) = (await home.alert(**LIMIT)).client_order_ids
    await hears(home, trade(key))
    assert kinds(home) == ["impossible_trade"]
    assert home.desk.trading is TradingState.HALTED
    home.exchange.refused = set()
    await goes_on(home)


async def test_word_when_the_order_cannot_take_it_then_it_is_noted_and_trading_goes_on() -> None:
    home = await Home().begin()
    (key,) = (await home.alert(**LIMIT)).client_order_ids
    home.exchange.trade(key, Decimal("0.004"), Decimal(29_000))
    await home.told(key)
    await hears(home, OrderUpdate(key, OrderStatus.REJECTED, 1, "?"), OrderUpdate(key, OrderStatus.SUBMITTED, 1))
    assert kinds(home) == ["impossible_word", "impossible_word"]
    assert home.desk.trading is TradingState.ACTIVE
    assert home.journal.orders[key].status is OrderStatus.PARTIALLY_FILLED
    home.agrees()


async def test_late_sale_when_the_position_is_gone_then_it_is_booked_and_the_desk_halts() -> None:
    home = await Home().begin()
    await home.alert()
    sale = {"side": Side.SELL, "order_type": OrderType.LIMIT, "price": Decimal(31_000)}
    (late,) = (await home.alert(**sale)).client_order_ids
    await home.desk.cancel("c", (late,), home.desk.clock_ms)
    await home.alert(side=Side.SELL)
    assert home.account().position(BTC).quantity == 0
    home.exchange.trade(late, Decimal("0.004"), Decimal(31_000))
    before = home.account().cash
    await home.told(late)
    assert home.account().position(BTC).quantity == 0
    assert home.account().cash > before
    assert home.desk.trading is TradingState.HALTED
    changes = [e for e in home.journal.entries if isinstance(e, ControlRecord)]
    assert [c.by for c in changes] == ["books"]
    await goes_on(home)
    home.agrees()


async def test_late_sale_when_it_is_a_strangers_then_it_is_booked_and_trading_goes_on() -> None:
    home = await Home().begin()
    (key,) = (await home.alert(**LIMIT)).client_order_ids
    other = foreign("ext-1", home.exchange.orders[key])
    other = replace(other, intent=replace(other.intent, side=Side.SELL))
    home.connector.found(other)
    await home.desk.collect(VENUE, home.desk.clock_ms)
    home.exchange.end("ext-1")
    await home.told("ext-1")
    assert home.journal.orders["ext-1"].status is OrderStatus.CANCELLED
    home.exchange.trade("ext-1", Decimal("0.004"), Decimal(29_000))
    await home.told("ext-1")
    assert home.journal.orders["ext-1"].filled_quantity == Decimal("0.004")
    assert home.journal.orders["ext-1"].intent.origin is Origin.EXTERNAL
    assert home.desk.trading is not TradingState.HALTED
    home.agrees()


async def test_recover_when_a_strangers_order_has_no_answer_then_it_is_not_sent() -> None:
    home = await Home().begin()
    (key,) = (await home.alert(**LIMIT)).client_order_ids
    other = replace(foreign("ext-1", home.exchange.orders[key]), status=OrderStatus.SUBMITTED)
    home.connector.found(other)
    await home.desk.collect(VENUE, home.desk.clock_ms)
    del home.exchange.orders["ext-1"]
    home.restart()
    await home.desk.recover()
    assert "ext-1" not in home.exchange.entered
