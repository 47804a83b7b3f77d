"""An entry's protective legs: they follow its fills, outlive restarts and halts, never sell more than was bought."""

from decimal import Decimal

from fks_actors.desk import exits
from fks_actors.desk.exits import Bracket
from fks_actors.desk.state import Change
from fks_actors.execution.config import PaperConfig, default_rules
from fks_actors.model.orders import Order, OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import AuditRecord, ControlRecord, SignalStatus, TradingState
from tests.market import batches
from tests.unit.desk.exchange import VENUE
from tests.unit.desk.test_real_venue import BTC, Home

STOP, TARGET = Decimal(25_000), Decimal(40_000)


def working_exits(home: Home) -> list[Order]:
    """The desk's exits that have not ended."""
    return [o for o in home.desk.open_orders if o.intent.origin is Origin.EXIT]


async def test_entry_when_it_fills_then_stop_and_target_are_one_pair_for_all_of_it() -> None:
    home = await Home().begin()
    record = await home.alert(stop_loss=STOP, take_profit=TARGET)
    stop, target = working_exits(home)
    assert (stop.intent.order_type, stop.intent.stop_price) == (OrderType.STOP_LOSS, STOP)
    assert (target.intent.order_type, target.intent.stop_price) == (OrderType.TAKE_PROFIT, TARGET)
    assert stop.intent.oco_id == target.intent.client_order_id
    assert stop.intent.quantity == target.intent.quantity == Decimal("0.01")
    signal = home.journal.signals["s1"]
    assert record.status is SignalStatus.FILLED
    legs = {o.intent.client_order_id for o in (stop, target)}
    assert set(signal.client_order_ids) == {record.client_order_ids[0], *legs}


async def test_entry_when_it_fills_in_parts_then_each_part_is_protected_while_the_rest_works() -> None:
    home = await Home().begin()
    home.exchange.share = Decimal("0.4")
    record = await home.alert(stop_loss=STOP)
    key = record.client_order_ids[0]
    assert [o.intent.quantity for o in working_exits(home)] == [Decimal("0.004")]
    home.exchange.trade(key, Decimal("0.006"), Decimal(30_000))
    await home.told(key)
    assert [o.intent.quantity for o in working_exits(home)] == [Decimal("0.004"), Decimal("0.006")]
    home.agrees()


async def test_entry_when_the_fee_was_taken_in_base_then_only_what_was_received_is_sold() -> None:
    home = await Home().begin()
    home.exchange.fee_in_base = True
    await home.alert(stop_loss=STOP)
    (stop,) = working_exits(home)
    assert stop.intent.quantity == Decimal("0.00999")
    assert home.account().position(BTC).quantity == Decimal("0.00999")


async def test_exit_when_the_stop_trades_then_the_target_is_gone_and_nothing_more_is_sold() -> None:
    home = await Home().begin()
    await home.alert(stop_loss=STOP, take_profit=TARGET)
    stop, target = (o.intent.client_order_id for o in working_exits(home))
    home.exchange.trade(stop, Decimal("0.01"), STOP)
    await home.told(stop, target)
    assert not home.desk.open_orders
    assert home.account().position(BTC).quantity == 0
    for batch in batches(8)[5:]:
        await home.desk.run_cycle(batch)
    assert not working_exits(home)
    home.agrees()


async def test_exit_when_the_venue_refuses_it_then_it_is_tried_again_and_given_up_loudly() -> None:
    home = await Home().begin()
    home.exchange.refused = {OrderType.STOP_LOSS}
    await home.alert(stop_loss=STOP)
    refused = [o for o in home.journal.orders.values() if o.status is OrderStatus.REJECTED]
    assert len(refused) == exits.MAX_FAILURES
    assert [e.kind for e in home.journal.entries if isinstance(e, AuditRecord)] == ["unprotected"]
    home.exchange.refused = set()
    resume = ControlRecord(home.desk.clock_ms, TradingState.ACTIVE, "operator", "")
    await home.desk.control("r", resume)
    assert [o.intent.order_type for o in working_exits(home)] == [OrderType.STOP_LOSS]


async def test_exit_when_the_stop_alone_is_refused_then_the_target_does_not_stand_without_it() -> None:
    home = await Home().begin()
    home.exchange.refused = {OrderType.STOP_LOSS}
    await home.alert(stop_loss=STOP, take_profit=TARGET)
    assert not working_exits(home)


async def test_exit_when_the_price_has_passed_the_stop_then_it_is_sold_at_the_market() -> None:
    home = await Home().begin()
    await home.alert(stop_loss=Decimal(39_000))
    assert not home.desk.open_orders
    sold = [o for o in home.journal.orders.values() if o.intent.origin is Origin.EXIT]
    assert [(o.intent.order_type, o.status) for o in sold] == [(OrderType.MARKET, OrderStatus.FILLED)]
    home.agrees()


async def test_halt_when_exits_work_then_they_end_and_come_back_when_it_is_resumed() -> None:
    home = await Home().begin()
    await home.alert(trail_pct=Decimal(5))
    before = working_exits(home)
    await home.desk.control("h", ControlRecord(home.desk.clock_ms, TradingState.HALTED, "operator", ""))
    assert not home.desk.open_orders
    await home.desk.control("r", ControlRecord(home.desk.clock_ms, TradingState.ACTIVE, "operator", ""))
    (again,) = working_exits(home)
    assert again.intent.order_type is OrderType.TRAILING_STOP
    assert again.intent.client_order_id != before[0].intent.client_order_id
    assert again.intent.quantity == Decimal("0.01")


async def test_recover_when_the_desk_died_before_the_exits_were_sent_then_they_are_sent_once() -> None:
    home = await Home().begin()
    home.connector.dropped = 1  # the entry filled, and the desk does not know
    await home.alert(stop_loss=STOP, take_profit=TARGET)
    assert not working_exits(home)
    home.restart()
    await home.desk.recover()
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert len(working_exits(home)) == 2
    home.restart()
    await home.desk.recover()
    assert len(working_exits(home)) == 2
    home.agrees()


async def test_cancel_when_an_operator_ends_an_exit_then_it_is_not_made_anew() -> None:
    home = await Home().begin()
    await home.alert(stop_loss=STOP)
    (stop,) = working_exits(home)
    await home.desk.cancel("c", (stop.intent.client_order_id,), home.desk.clock_ms)
    for batch in batches(7)[5:]:
        await home.desk.run_cycle(batch)
    assert not home.desk.open_orders


async def test_replace_when_an_operator_moves_a_stop_then_the_pair_is_made_anew_at_the_new_price() -> None:
    home = await Home().begin()
    await home.alert(stop_loss=STOP, take_profit=TARGET)
    stop, target = working_exits(home)
    await home.desk.replace("m", stop.intent.client_order_id, Change(price=Decimal(26_000)), home.desk.clock_ms)
    moved, aim = working_exits(home)
    assert (moved.intent.stop_price, aim.intent.stop_price) == (Decimal(26_000), TARGET)
    assert home.exchange.orders[stop.intent.client_order_id].status is OrderStatus.CANCELLED
    assert home.exchange.orders[target.intent.client_order_id].status is OrderStatus.CANCELLED
    home.agrees()


def test_finished_when_too_little_is_left_for_the_venue_then_the_bracket_ends_with_the_entry() -> None:
    bracket = Bracket("s", VENUE, BTC, "e", STOP, None, None, received=Decimal("0.00000001"))
    assert exits.exits(bracket, Decimal("0.00000001"), Decimal(30_000), 1, None)
    assert exits.due(bracket, lambda _: None) == Decimal("0.00000001")
    assert not exits.finished(bracket, None, lambda _: None, None, Decimal(30_000))
    rules = default_rules(BTC, PaperConfig())
    assert not exits.finished(bracket, None, lambda _: None, rules, Decimal(0))
    assert exits.finished(bracket, None, lambda _: None, rules, Decimal(30_000))
    assert Side.SELL is exits.exits(bracket, Decimal(1), Decimal(30_000), 1, None)[0].side
