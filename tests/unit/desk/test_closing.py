"""A verdict to SELL what exits hold: the exits end, all of it is sold, and what was not sold has its exits again."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fks_actors.desk.closing import EXITS_FIRST
from fks_actors.desk.proposals import decision_id
from fks_actors.desk.state import Change
from fks_actors.model.orders import Fill, Order, OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import AuditRecord, ControlRecord, CycleOutcome, CycleRecord, Signal, TradingState
from fks_actors.model.votes import Action
from fks_actors.risk.config import RiskConfig
from tests.in_process import Breaker, InProcessDesk
from tests.market import MINUTE, START, batches
from tests.unit.desk.council import BTC, PROTECTED, Council, bar, exits_of, flat, on_paper
from tests.unit.desk.exchange import VENUE, Connector, Exchange
from tests.unit.desk.test_exits import STOP, TARGET
from tests.unit.desk.test_protected_decisions import bought, held
from tests.unit.desk.test_real_venue import Home

BOTH = {4: Action.BUY, 5: Action.SELL}


def sales(home: Any) -> list[Order]:
    """The verdicts' SELLs, in the order in which they were written."""
    return [o for o in home.journal.orders.values() if o.intent.origin is Origin.CYCLE and o.intent.side is Side.SELL]


def said(home: Any, number: int) -> CycleRecord:
    """What was recorded of BTC at a bar."""
    records = [e for e in home.journal.entries if isinstance(e, CycleRecord)]
    return next(r for r in records if r.decision_id == decision_id(BTC, START + number * MINUTE))


async def at_exchange(script: dict[int, Action], bars: int = 5, **more: Any) -> Home:
    """A desk at an exchange after some bars; the council says BUY at the last of them."""
    return await Home(agents=PROTECTED, council=Council(script), **more).begin(bars)


def control(home: Any, state: TradingState) -> ControlRecord:
    """An operator's word."""
    return ControlRecord(home.desk.clock_ms, state, "operator", "")


def at_rest(home: Any) -> bool:
    """Whether nothing works, nothing waits and nothing is held."""
    memory = home.desk._steps.memory
    return not (home.desk.open_orders or memory.brackets or memory.closings or held(home))


async def test_sell_when_exits_hold_it_on_paper_then_all_is_sold_at_the_next_open_and_no_exit_is_left() -> None:
    home = on_paper({0: Action.BUY, 2: Action.SELL})
    entry = await bought(home)
    ids = [o.intent.client_order_id for o in exits_of(home.desk)]
    await home.desk.run_cycle(flat(2))
    assert {home.journal.orders[k].status for k in ids} == {OrderStatus.CANCELLED}
    assert (said(home, 2).outcome, said(home, 2).note) == (CycleOutcome.NO_CHANGE, EXITS_FIRST)
    (sale,) = home.desk.open_orders
    assert sale.intent.origin_id == decision_id(BTC, START + 2 * MINUTE)
    await home.desk.run_cycle(bar(3, 29_900, 30_700, 29_000, 29_500))  # it would have met both exits
    assert [f.side for f in home.journal.entries if isinstance(f, Fill)] == [Side.BUY, Side.SELL]
    done = home.journal.orders[sale.intent.client_order_id]
    assert (done.status, done.filled_quantity) == (OrderStatus.FILLED, entry.filled_quantity)
    assert 29_880 < done.average_price < 29_900
    assert at_rest(home)


async def test_sell_when_a_signals_exits_hold_it_then_it_is_sold_too() -> None:
    home = await at_exchange({5: Action.SELL})
    await home.alert(stop_loss=STOP, take_profit=TARGET)
    assert len(exits_of(home.desk)) == 2
    await home.desk.run_cycle(batches(6)[5])
    assert [(o.status, o.filled_quantity) for o in sales(home)] == [(OrderStatus.FILLED, Decimal("0.01"))]
    assert at_rest(home)
    home.agrees()


async def test_sell_when_only_a_part_is_protected_then_the_free_part_and_then_the_rest_are_sold() -> None:
    home = await at_exchange(BOTH)
    protected = held(home)
    await home.alert(quantity=Decimal("0.003"))
    await home.desk.run_cycle(batches(6)[5])
    assert [o.filled_quantity for o in sales(home)] == [Decimal("0.003"), protected]
    assert said(home, 5).outcome is CycleOutcome.ORDERED
    assert at_rest(home)
    home.agrees()


async def test_sell_when_a_user_sells_some_himself_then_his_order_stands_and_only_exits_give_way() -> None:
    home = await at_exchange({5: Action.SELL})
    await home.alert(stop_loss=STOP)
    await home.alert()
    await home.alert(side=Side.SELL, order_type=OrderType.LIMIT, price=Decimal(31_500))
    await home.desk.run_cycle(batches(6)[5])
    (his,) = home.desk.open_orders
    assert his.intent.origin is Origin.SIGNAL
    assert [o.filled_quantity for o in sales(home)] == [Decimal("0.01")]
    assert held(home) == Decimal("0.01")
    home.agrees()


async def test_sell_when_a_users_own_sale_holds_all_then_nothing_is_ended() -> None:
    home = await at_exchange({5: Action.SELL})
    await home.alert()
    await home.alert(side=Side.SELL, order_type=OrderType.LIMIT, price=Decimal(31_500))
    before = home.desk.open_orders
    await home.desk.run_cycle(batches(6)[5])
    assert home.desk.open_orders == before
    assert said(home, 5).note == "sell_pending"


async def test_sell_when_the_cancel_is_not_heard_then_it_waits_and_follows_once_that_is_confirmed() -> None:
    home = await at_exchange(BOTH)
    quantity = held(home)
    old = exits_of(home.desk)
    quiet = home.connector.cancel

    async def silent(*args: Any) -> Any:
        home.connector.silent = 1
        return await quiet(*args)

    home.connector.cancel = silent  # type: ignore[method-assign]
    await home.desk.run_cycle(batches(6)[5])
    assert exits_of(home.desk) == old
    assert not sales(home)
    home.restart()  # what waits is in the journal
    await home.desk.recover()
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert [(o.status, o.filled_quantity) for o in sales(home)] == [(OrderStatus.FILLED, quantity)]
    assert at_rest(home)
    home.agrees()


async def waiting(script: dict[int, Action]) -> Home:
    """A desk whose verdict to SELL waits for exits, the end of which the venue has not heard yet."""
    home = await at_exchange(script)
    quiet = home.connector.cancel

    async def silent(*args: Any) -> Any:
        home.connector.silent = 1
        home.connector.cancel = quiet  # type: ignore[method-assign]
        return await quiet(*args)

    home.connector.cancel = silent  # type: ignore[method-assign]
    await home.desk.run_cycle(batches(6)[5])
    assert home.desk._steps.memory.closings
    assert len(exits_of(home.desk)) == 2
    return home


async def test_sell_when_one_of_two_exits_does_not_end_then_neither_is_made_anew_until_all_is_sold() -> None:
    home = await at_exchange({5: Action.SELL})
    await home.alert(stop_loss=STOP)
    await home.alert(stop_loss=STOP)
    stuck = exits_of(home.desk)[1].intent.client_order_id
    end = home.exchange.end
    home.exchange.end = lambda key: None if key == stuck else end(key)  # type: ignore[method-assign]
    await home.desk.run_cycle(batches(6)[5])
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert [o.intent.client_order_id for o in home.desk.open_orders] == [stuck]
    home.exchange.end = end  # type: ignore[method-assign]
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert [o.filled_quantity for o in sales(home)] == [Decimal("0.02")]
    assert at_rest(home)
    home.agrees()


async def test_sell_when_another_symbol_has_exits_then_those_stay() -> None:
    home = await at_exchange(BOTH)
    alert = replace(home.signal(quantity=Decimal("0.1"), stop_loss=Decimal(1_500)), symbol="ETH/USDT")
    await home.desk.run_signal(1, alert, home.desk.clock_ms)
    (other,) = (o for o in home.desk.open_orders if o.intent.symbol == "ETH/USDT")
    await home.desk.run_cycle(batches(6)[5])
    assert [o.status for o in sales(home)] == [OrderStatus.FILLED]
    assert home.desk.open_orders == (other,)
    home.agrees()


async def test_sell_when_the_stop_sold_all_in_the_same_bar_then_there_is_no_position_and_nothing_waits() -> None:
    home = on_paper({0: Action.BUY, 2: Action.SELL})
    await bought(home)
    await home.desk.run_cycle(bar(2, 30_000, 30_010, 29_600, 29_650))
    assert said(home, 2).note == "no_position"
    assert not sales(home)
    assert at_rest(home)


async def test_halt_when_a_sale_waits_then_it_is_called_off_and_the_exits_come_back() -> None:
    home = await waiting(BOTH)
    quantity = held(home)
    await home.desk.control("h", control(home, TradingState.HALTED))
    notes = [e for e in home.journal.entries if isinstance(e, AuditRecord) and e.kind == "sale_called_off"]
    assert [n.actor for n in notes] == [decision_id(BTC, START + 5 * MINUTE)]
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert not home.desk.open_orders
    await home.desk.control("r", control(home, TradingState.ACTIVE))
    assert not sales(home)
    assert [o.intent.quantity for o in exits_of(home.desk)] == [quantity] * 2
    home.agrees()


async def test_buy_when_a_sale_waits_then_the_newer_verdict_counts_and_the_exits_come_back() -> None:
    home = await waiting({**BOTH, 6: Action.BUY})
    quantity = held(home)
    await home.desk.run_cycle(batches(7)[6])
    assert not home.desk._steps.memory.closings
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert not sales(home)
    assert [o.intent.quantity for o in exits_of(home.desk)] == [quantity] * 2
    home.agrees()


@pytest.mark.parametrize("later", [Action.SELL, Action.HOLD])
async def test_sell_when_a_sale_waits_already_then_it_is_sold_once_for_the_first_verdict(later: Action) -> None:
    home = await waiting({**BOTH, 6: later})
    quantity = held(home)
    await home.desk.run_cycle(batches(7)[6])
    assert len(home.desk._steps.memory.closings) == 1
    await home.desk.collect(VENUE, home.desk.clock_ms)
    (sale,) = sales(home)
    assert sale.intent.origin_id == decision_id(BTC, START + 5 * MINUTE)
    assert sale.filled_quantity == quantity
    assert at_rest(home)
    home.agrees()


async def test_sell_when_the_stop_trades_before_its_cancel_then_only_the_rest_is_sold() -> None:
    home = await waiting(BOTH)
    quantity = held(home)
    stop, target = (o.intent.client_order_id for o in exits_of(home.desk))
    part = (quantity / 4).quantize(Decimal("0.00001"))
    home.exchange.trade(stop, part, Decimal(29_000))
    home.connector.happened(stop, target)
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert [o.filled_quantity for o in sales(home)] == [quantity - part]
    assert at_rest(home)
    home.agrees()


async def test_sell_when_the_stop_sells_all_before_its_cancel_then_nothing_is_left_to_sell() -> None:
    home = await waiting(BOTH)
    stop, target = (o.intent.client_order_id for o in exits_of(home.desk))
    home.exchange.trade(stop, held(home), Decimal(29_000))
    home.connector.happened(stop, target)
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert not sales(home)
    assert at_rest(home)
    home.agrees()


async def test_sell_when_the_venue_refuses_the_sale_then_the_exits_are_made_anew() -> None:
    home = await at_exchange(BOTH)
    quantity = held(home)
    home.exchange.refused = {OrderType.MARKET}
    await home.desk.run_cycle(batches(6)[5])
    assert [o.status for o in sales(home)] == [OrderStatus.REJECTED]
    assert [o.intent.quantity for o in exits_of(home.desk)] == [quantity] * 2
    home.agrees()


async def test_sell_when_risk_denies_the_sale_then_the_exits_are_made_anew() -> None:
    home = await at_exchange(BOTH, risk=RiskConfig(orders_per_minute=1))
    quantity = held(home)
    alert = home.signal(order_type=OrderType.LIMIT, price=Decimal(29_000), quantity=Decimal("0.003"))
    await home.desk.run_signal(1, alert, batches(6)[5].close_ms)  # the minute's order
    await home.desk.run_cycle(batches(6)[5])
    assert [o.status for o in sales(home)] == [OrderStatus.DENIED]
    assert [o.intent.quantity for o in exits_of(home.desk)] == [quantity] * 2
    home.agrees()


async def test_sell_when_it_trades_in_part_then_the_exits_wait_for_it_and_then_cover_the_rest() -> None:
    home = await at_exchange(BOTH)
    quantity = held(home)
    home.exchange.share = Decimal(0)
    await home.desk.run_cycle(batches(6)[5])
    (sale,) = home.desk.open_orders
    key, part = sale.intent.client_order_id, Decimal("0.004")
    home.exchange.trade(key, part, Decimal(30_000))
    await home.told(key)
    assert not exits_of(home.desk)
    home.restart()
    await home.desk.recover()
    assert not exits_of(home.desk)
    home.exchange.end(key)
    await home.told(key)
    assert [o.intent.quantity for o in exits_of(home.desk)] == [quantity - part] * 2
    home.exchange.trade(key, Decimal("0.002"), Decimal(30_000))  # told after its end
    await home.told(key)
    assert [o.intent.quantity for o in exits_of(home.desk)] == [quantity - part - Decimal("0.002")] * 2
    home.agrees()


async def test_sell_when_a_part_of_nobodys_goes_with_it_then_that_is_what_is_sold_first() -> None:
    home = await at_exchange({5: Action.SELL})
    await home.alert(stop_loss=STOP)
    (stop,) = exits_of(home.desk)
    await home.alert(quantity=Decimal("0.004"))
    home.exchange.end(stop.intent.client_order_id)
    home.connector.happened(stop.intent.client_order_id)
    home.exchange.share = Decimal(0)
    await home.desk.run_cycle(batches(6)[5])  # told with the bar, so the sale is for all of it at once
    (sale,) = home.desk.open_orders
    assert sale.intent.quantity == Decimal("0.014")
    for part in (Decimal("0.003"), Decimal("0.002")):
        home.exchange.trade(sale.intent.client_order_id, part, Decimal(30_000))
        await home.told(sale.intent.client_order_id)
    home.exchange.end(sale.intent.client_order_id)
    await home.told(sale.intent.client_order_id)
    assert [o.intent.quantity for o in exits_of(home.desk)] == [Decimal("0.009")]
    home.agrees()


async def test_buy_when_it_fills_before_the_old_exits_were_looked_at_then_they_do_not_come_back_for_it() -> None:
    home = await at_exchange({**BOTH, 6: Action.BUY})
    home.exchange.share = Decimal(0)
    await home.desk.run_cycle(batches(6)[5])
    (sale,) = home.desk.open_orders
    key = sale.intent.client_order_id
    home.exchange.trade(key, sale.intent.quantity, Decimal(30_000))
    home.connector.happened(key)
    home.exchange.share = Decimal(1)
    await home.desk.run_cycle(batches(7)[6])  # it tells of the sale, and what it decides fills at once
    quantity = held(home)
    assert quantity > 0
    assert {o.intent.origin_id for o in exits_of(home.desk)} == {decision_id(BTC, START + 6 * MINUTE)}
    assert [o.intent.quantity for o in exits_of(home.desk)] == [quantity] * 2
    home.agrees()


async def test_replace_when_an_operator_replaces_the_first_sale_then_the_one_that_waits_has_an_id_of_its_own() -> None:
    home = await at_exchange(BOTH)
    protected = held(home)
    await home.alert(quantity=Decimal("0.003"))
    home.exchange.share = Decimal(0)
    await home.desk.run_cycle(batches(6)[5])
    first, second = (o.intent.client_order_id for o in sales(home))
    await home.desk.replace("q", first, Change(quantity=Decimal("0.002")), home.desk.clock_ms)
    third = sales(home)[-1].intent
    assert third.quantity == Decimal("0.002")
    assert len({first, second, third.client_order_id}) == 3
    assert home.journal.orders[second].intent.quantity == protected
    home.agrees()


async def test_sell_when_two_venues_hold_some_and_one_is_silent_then_the_other_does_not_wait() -> None:
    exchanges = {name: Exchange(venue=name) for name in ("one", "two")}
    real = {name: Connector(each) for name, each in exchanges.items()}
    home = InProcessDesk((BTC,), Breaker(0, 0), real=real, agents=PROTECTED, council=Council({1: Action.SELL}))
    await home.desk.recover()
    await home.desk.run_cycle(flat(0))
    for number, name in enumerate(exchanges, 1):
        alert = Signal(
            f"s{number}", f"id:{number}", 0, BTC, Side.BUY, OrderType.MARKET,
            quantity=Decimal("0.005"), stop_loss=STOP, exchange=name,
        )  # fmt: skip
        await home.desk.run_signal(number, alert, home.desk.clock_ms)
    assert len(exits_of(home.desk)) == 2
    quiet = real["two"].cancel

    async def silent(*args: Any) -> Any:
        real["two"].silent = 1
        return await quiet(*args)

    real["two"].cancel = silent  # type: ignore[method-assign]
    await home.desk.run_cycle(flat(1))
    assert [(o.intent.venue, o.filled_quantity) for o in sales(home)] == [("one", Decimal("0.005"))]
    real["two"].cancel = quiet  # type: ignore[method-assign]
    await home.desk.collect("two", home.desk.clock_ms)
    assert [(o.intent.venue, o.filled_quantity) for o in sales(home)][1:] == [("two", Decimal("0.005"))]
    assert at_rest(home)
