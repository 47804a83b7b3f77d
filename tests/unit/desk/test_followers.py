"""What follows an order when it is replaced, sold elsewhere, or trades late: protected, and never sold twice."""

from decimal import Decimal

from msgspec.structs import replace

from fks_actors.desk.proposals import from_signal
from fks_actors.desk.state import Change
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import AuditRecord, ControlRecord, Proposal, TradingState
from tests.market import batches
from tests.unit.desk.exchange import VENUE, foreign, price_of
from tests.unit.desk.test_exits import STOP, TARGET, working_exits
from tests.unit.desk.test_real_venue import BTC, Home

LIMIT = {"order_type": OrderType.LIMIT, "price": Decimal(29_000)}


def state(home: Home, to: TradingState) -> ControlRecord:
    """An operator's word."""
    return ControlRecord(home.desk.clock_ms, to, "operator", "")


async def sold_elsewhere(home: Home, quantity: Decimal) -> None:
    """Somebody sells that much by hand at the exchange."""
    entry = next(iter(home.exchange.orders.values()))
    other = foreign(f"ext-{len(home.exchange.orders)}", entry)
    other = replace(other, intent=replace(other.intent, side=Side.SELL, quantity=quantity))
    home.connector.found(other)
    await home.desk.collect(VENUE, home.desk.clock_ms)
    key = other.intent.client_order_id
    home.exchange.trade(key, quantity, Decimal(29_000))
    await home.told(key)


async def test_replace_when_the_entry_has_a_stop_then_the_new_entry_is_protected_too() -> None:
    home = await Home().begin()
    (old,) = (await home.alert(**LIMIT, stop_loss=STOP)).client_order_ids
    home.exchange.trade(old, Decimal("0.004"), Decimal(29_000))
    await home.told(old)
    await home.desk.replace("r", old, Change(price=Decimal(29_500)), home.desk.clock_ms)
    (new,) = [o for o in home.desk.open_orders if o.intent.side is Side.BUY]
    home.exchange.trade(new.intent.client_order_id, Decimal("0.006"), Decimal(29_500))
    await home.told(new.intent.client_order_id)
    assert [o.intent.quantity for o in working_exits(home)] == [Decimal("0.004"), Decimal("0.006")]
    home.agrees()


async def test_exit_when_part_was_sold_elsewhere_then_what_is_left_is_protected() -> None:
    home = await Home().begin()
    await home.alert(stop_loss=STOP, take_profit=TARGET)
    await home.desk.control("h", state(home, TradingState.HALTED))
    await sold_elsewhere(home, Decimal("0.006"))
    await home.desk.control("r", state(home, TradingState.ACTIVE))
    assert [o.intent.quantity for o in working_exits(home)] == [Decimal("0.004")] * 2
    assert not [e for e in home.journal.entries if isinstance(e, AuditRecord)]
    denied = [o for o in home.journal.orders.values() if o.status is OrderStatus.DENIED]
    assert not denied
    stop = working_exits(home)[0].intent.client_order_id
    home.exchange.trade(stop, Decimal("0.004"), STOP)
    await home.told(*(o.intent.client_order_id for o in working_exits(home)))
    assert not home.desk.open_orders
    assert home.account().position(BTC).quantity == 0
    home.agrees()


async def test_exit_when_all_was_sold_elsewhere_then_the_bracket_ends_in_silence() -> None:
    home = await Home().begin()
    await home.alert(stop_loss=STOP)
    await home.desk.control("h", state(home, TradingState.HALTED))
    await sold_elsewhere(home, Decimal("0.01"))
    await home.desk.control("r", state(home, TradingState.ACTIVE))
    assert not home.desk._steps.memory.brackets
    assert not [e for e in home.journal.entries if isinstance(e, AuditRecord)]
    home.agrees()


async def test_exit_when_a_cycle_took_the_position_first_then_it_follows_what_that_leaves() -> None:
    home = await Home().begin()
    await home.alert(stop_loss=STOP)
    (stop,) = working_exits(home)
    home.connector.silent = 1
    await home.desk.replace("m", stop.intent.client_order_id, Change(price=Decimal(26_000)), home.desk.clock_ms)
    home.desk._steps._silent.clear()  # it is found to answer by the bar itself
    home.exchange.end(stop.intent.client_order_id)
    home.connector.happened(stop.intent.client_order_id)
    home.exchange.share = Decimal(0)

    def sells(batch: BarBatch, _: object) -> tuple[Proposal, ...]:
        whole = from_signal(home.signal(side=Side.SELL), price_of(batch, BTC), batch.close_ms, (VENUE,))
        return tuple(replace(p, origin=Origin.CYCLE, origin_id="cycle") for p in whole)

    home.desk._proposed = sells  # type: ignore[method-assign]
    (batch,) = batches(6)[5:]
    await home.desk.run_cycle(batch)
    assert not working_exits(home)
    (sale,) = home.desk.open_orders
    before = len(home.journal.chain)
    await home.desk.collect(VENUE, home.desk.clock_ms)
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert len(home.journal.chain) <= before + 1  # it waits without asking again and again
    key = sale.intent.client_order_id
    home.exchange.trade(key, Decimal("0.006"), Decimal(30_000))
    home.exchange.end(key)
    await home.told(key)
    assert [o.intent.quantity for o in working_exits(home)] == [Decimal("0.004")]
    assert {e.kind for e in home.journal.entries if isinstance(e, AuditRecord)} == {"cancel_unheard"}
    home.agrees()


async def test_exit_when_a_trade_comes_after_its_cancel_then_the_new_one_shrinks() -> None:
    home = await Home().begin()
    await home.alert()
    await home.alert(stop_loss=STOP)
    (stop,) = working_exits(home)
    key = stop.intent.client_order_id
    await home.desk.replace("m", key, Change(price=Decimal(26_000)), home.desk.clock_ms)
    assert home.journal.orders[key].status is OrderStatus.CANCELLED
    home.exchange.trade(key, Decimal("0.004"), STOP)
    await home.told(key)
    assert [o.intent.quantity for o in working_exits(home)] == [Decimal("0.006")]
    home.agrees()


async def test_bracket_when_only_dust_is_left_then_it_ends() -> None:
    home = await Home().begin()
    home.exchange.fee_in_base = True
    await home.alert(stop_loss=STOP, quantity=Decimal("0.012345"))
    (stop,) = working_exits(home)
    assert stop.intent.quantity < home.account().position(BTC).quantity
    home.exchange.trade(stop.intent.client_order_id, stop.intent.quantity, STOP)
    await home.told(stop.intent.client_order_id)
    assert 0 < home.account().position(BTC).quantity < Decimal("0.00002")
    assert not home.desk._steps.memory.brackets
    home.agrees()


OCO = {
    "side": Side.SELL,
    "order_type": OrderType.STOP_LOSS,
    "price": Decimal(29_500),
    "stop_loss": Decimal(29_500),
    "take_profit": Decimal(31_000),
    "oco": True,
}


async def test_replace_when_it_is_a_leg_of_a_pair_then_both_are_made_anew_as_a_pair() -> None:
    home = await Home().begin()
    await home.alert()
    stop, target = (await home.alert(**OCO)).client_order_ids
    await home.desk.replace("r", stop, Change(price=Decimal(29_000)), home.desk.clock_ms)
    one, other = (o.intent for o in home.desk.open_orders)
    assert (one.stop_price, other.stop_price) == (Decimal(29_000), Decimal(31_000))
    assert (one.oco_id, other.oco_id) == (other.client_order_id, one.client_order_id)
    assert one.quantity == other.quantity == Decimal("0.01")
    assert {home.exchange.orders[k].status for k in (stop, target)} == {OrderStatus.CANCELLED}
    home.agrees()


async def test_replace_when_a_leg_of_the_pair_traded_meanwhile_then_nothing_follows() -> None:
    home = await Home().begin()
    await home.alert()
    stop, target = (await home.alert(**OCO)).client_order_ids
    home.exchange.trade(target, Decimal("0.01"), Decimal(31_000))
    await home.desk.replace("r", stop, Change(price=Decimal(29_000)), home.desk.clock_ms)
    await home.told(stop, target)
    assert not home.desk.open_orders
    home.agrees()


async def test_replace_when_the_pair_traded_in_part_then_the_new_one_is_for_the_rest() -> None:
    home = await Home().begin()
    await home.alert()
    stop, target = (await home.alert(**OCO)).client_order_ids
    home.exchange.trade(target, Decimal("0.004"), Decimal(31_000))
    home.connector.happened(target, stop)
    await home.desk.replace("r", target, Change(price=Decimal(31_500)), home.desk.clock_ms)
    assert {(o.intent.stop_price, o.intent.quantity) for o in home.desk.open_orders} == {
        (Decimal(29_500), Decimal("0.006")),
        (Decimal(31_500), Decimal("0.006")),
    }
    home.agrees()
