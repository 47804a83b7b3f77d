"""What a verdict bought on ASMBTR's vote: a stop and a target stand at it as at a signal's, where that is asked for."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import ValidationError

from fks_actors.agents.config import AgentsConfig, AsmbtrConfig
from fks_actors.desk.proposals import decision_id
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import Fill, Order, OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import ControlRecord, Proposal, Signal, TradingState
from fks_actors.model.votes import Action
from fks_actors.risk.codec import decode
from fks_actors.risk.config import RISK, RiskConfig
from tests.in_process import CASH, Breaker, InProcessDesk
from tests.market import MINUTE, START, batches
from tests.unit.desk.council import BTC, PROTECTED, UNPROTECTED, Council, bar, exits_of, flat, on_paper
from tests.unit.desk.test_desk import told, whole_story
from tests.unit.desk.test_real_venue import Home

STOP, TARGET = Decimal(29_700), Decimal(30_600)


async def bought(home: InProcessDesk) -> Order:
    """A desk whose council says BUY at bar 0, after the bar that fills it; the entry."""
    await home.desk.recover()
    await home.desk.run_cycle(flat(0))
    await home.desk.run_cycle(flat(1))
    return next(o for o in home.journal.orders.values() if o.intent.origin is Origin.CYCLE)


def fills(home: Any) -> list[Fill]:
    """Every trade in the journal."""
    return [entry for entry in home.journal.entries if isinstance(entry, Fill)]


def held(home: Any) -> Decimal:
    """What risk believes to be held."""
    return sum(
        (a.position(BTC).quantity for a in decode(home.journal.snapshots["risk"].payload).accounts.values()), Decimal(0)
    )


async def test_buy_when_it_fills_then_stop_and_target_stand_around_the_price_that_was_decided_on() -> None:
    home = on_paper({0: Action.BUY})
    entry = await bought(home)
    assert entry.status is OrderStatus.FILLED
    stop, target = exits_of(home.desk)
    assert (stop.intent.order_type, stop.intent.stop_price) == (OrderType.STOP_LOSS, STOP)
    assert (target.intent.order_type, target.intent.stop_price) == (OrderType.TAKE_PROFIT, TARGET)
    assert stop.intent.quantity == target.intent.quantity == entry.filled_quantity > 0
    assert stop.intent.origin_id == target.intent.origin_id == decision_id(BTC, START)
    assert (stop.intent.oco_id, target.intent.oco_id) == (target.intent.client_order_id, stop.intent.client_order_id)


async def test_buy_when_the_prices_are_off_the_grid_then_the_exits_are_on_it_as_a_signals() -> None:
    agents = AgentsConfig(minds=("asmbtr",), asmbtr=AsmbtrConfig(protect=True, stop_pct=0.77, take_profit_pct=1.33))
    home = on_paper({0: Action.BUY}, agents=agents)
    await home.desk.recover()
    await home.desk.run_cycle(flat(0, 30_001))
    await home.desk.run_cycle(flat(1, 30_001))
    stop, target = exits_of(home.desk)
    tick = home._markets[BTC].tick
    for order, exact in ((stop, Decimal("29769.9923")), (target, Decimal("30400.0133"))):
        assert order.intent.stop_price is not None
        assert order.intent.stop_price % tick == 0
        assert exact <= order.intent.stop_price < exact + tick


@pytest.mark.parametrize(("agents", "agent"), [(UNPROTECTED, "asmbtr"), (PROTECTED, "mid_term")])
async def test_buy_when_protect_is_off_or_others_voted_for_it_then_nothing_stands_at_it(
    agents: AgentsConfig, agent: str
) -> None:
    home = on_paper({0: Action.BUY}, agent, agents=agents)
    entry = await bought(home)
    assert entry.status is OrderStatus.FILLED
    assert not exits_of(home.desk)
    assert not home.desk._steps.memory.brackets


async def test_buy_when_risk_denies_it_then_nothing_waits_for_it() -> None:
    home = on_paper({0: Action.BUY})
    await home.desk.recover()
    await home.desk.control("r", ControlRecord(START, TradingState.REDUCING, "operator", ""))
    await home.desk.run_cycle(flat(0))
    assert not home.desk._steps.memory.brackets


async def test_stop_when_a_bar_reaches_both_then_it_goes_first_at_no_better_than_its_price() -> None:
    home = on_paper({0: Action.BUY})
    entry = await bought(home)
    stop, target = exits_of(home.desk)
    await home.desk.run_cycle(bar(2, 30_000, 30_700, 29_600, 30_500))
    last = fills(home)[-1]
    assert last.client_order_id == stop.intent.client_order_id
    assert Decimal(29_600) <= last.price < STOP
    assert last.quantity == entry.filled_quantity
    assert home.journal.orders[target.intent.client_order_id].status is OrderStatus.CANCELLED
    assert not home.desk.open_orders
    assert not home.desk._steps.memory.brackets
    assert held(home) == 0


async def test_stop_when_a_bar_opens_below_it_then_it_fills_at_that_open_or_worse() -> None:
    home = on_paper({0: Action.BUY})
    await bought(home)
    await home.desk.run_cycle(bar(2, 29_000, 29_100, 28_900, 29_050))
    assert Decimal(28_900) <= fills(home)[-1].price < Decimal(29_000)
    assert not home.desk.open_orders


async def test_stop_when_the_entrys_own_bar_closes_below_it_then_it_is_sold_at_the_market_at_once() -> None:
    home = on_paper({0: Action.BUY})
    await home.desk.recover()
    await home.desk.run_cycle(flat(0))
    await home.desk.run_cycle(bar(1, 30_000, 30_010, 29_500, 29_600))
    (sale,) = (o for o in home.journal.orders.values() if o.intent.origin is Origin.EXIT)
    assert (sale.intent.order_type, sale.status) == (OrderType.MARKET, OrderStatus.FILLED)
    assert sale.average_price < Decimal(29_600)
    assert not home.desk.open_orders


async def test_target_when_it_trades_then_the_stop_is_cancelled() -> None:
    home = on_paper({0: Action.BUY})
    await bought(home)
    stop, target = exits_of(home.desk)
    await home.desk.run_cycle(bar(2, 30_000, 30_700, 29_900, 30_650))
    assert fills(home)[-1].client_order_id == target.intent.client_order_id
    assert home.journal.orders[stop.intent.client_order_id].status is OrderStatus.CANCELLED
    assert not home.desk.open_orders
    assert held(home) == 0


async def test_exit_when_it_trades_late_after_the_bracket_ended_then_it_is_booked_without_a_signal() -> None:
    home = await Home(agents=PROTECTED, council=Council({4: Action.BUY})).begin()
    stop, target = exits_of(home.desk)
    half = (stop.intent.quantity / 2).quantize(Decimal("0.00001"))
    home.exchange.trade(stop.intent.client_order_id, half, STOP)
    home.exchange.end(stop.intent.client_order_id)
    await home.told(stop.intent.client_order_id, target.intent.client_order_id)
    (again, _) = exits_of(home.desk)
    assert again.intent.quantity == stop.intent.quantity - half
    await home.desk.cancel("c", tuple(o.intent.client_order_id for o in exits_of(home.desk)), home.desk.clock_ms)
    assert not home.desk._steps.memory.brackets
    home.exchange.trade(again.intent.client_order_id, again.intent.quantity, STOP)
    await home.told(again.intent.client_order_id)
    assert held(home) == 0
    home.agrees()


async def test_buy_when_an_earlier_one_is_still_protected_then_it_has_a_bracket_of_its_own() -> None:
    home = await Home(agents=PROTECTED, council=Council({4: Action.BUY, 5: Action.BUY})).begin()
    first = exits_of(home.desk)
    ask = home.desk._proposed

    def more(batch: BarBatch, verdicts: Any) -> tuple[Proposal, ...]:
        return tuple(replace(p, quantity=Decimal("0.005")) for p in ask(batch, verdicts))

    home.desk._proposed = more  # type: ignore[method-assign]  # a verdict adds nothing to what is held
    await home.desk.run_cycle(batches(6)[5])
    second = exits_of(home.desk)[2:]
    assert exits_of(home.desk)[:2] == first
    assert [o.intent.quantity for o in second] == [Decimal("0.005")] * 2
    assert {o.intent.origin_id for o in second} == {decision_id(BTC, START + 5 * MINUTE)}
    assert {o.intent.stop_price for o in second}.isdisjoint({o.intent.stop_price for o in first})
    assert first[0].intent.quantity + second[0].intent.quantity == held(home)
    home.agrees()


async def test_buy_when_the_first_was_stopped_out_then_the_next_is_protected_anew() -> None:
    home = on_paper({0: Action.BUY, 3: Action.BUY})
    await bought(home)
    await home.desk.run_cycle(bar(2, 30_000, 30_010, 29_000, 29_000))
    await home.desk.run_cycle(flat(3, 29_000))
    await home.desk.run_cycle(flat(4, 29_000))
    stop, target = exits_of(home.desk)
    assert (stop.intent.stop_price, target.intent.stop_price) == (Decimal(28_710), Decimal(29_580))
    assert stop.intent.quantity == held(home) > 0


async def test_recover_when_the_desk_dies_at_any_time_then_the_same_exits_stand_once() -> None:
    home = on_paper({0: Action.BUY})
    await home.desk.recover()
    await home.desk.run_cycle(flat(0))
    home.new_desk()  # between the approval and the fill
    await home.desk.recover()
    await home.desk.run_cycle(flat(1))
    before = exits_of(home.desk)
    assert len(before) == 2
    home.new_desk()
    await home.desk.recover()
    assert exits_of(home.desk) == before
    await home.desk.run_cycle(bar(2, 30_000, 30_010, 29_600, 29_650))
    assert held(home) == 0
    assert not home.desk.open_orders


async def test_halt_when_exits_work_then_they_end_and_come_back_at_their_prices_when_resumed() -> None:
    home = on_paper({0: Action.BUY})
    await bought(home)
    before = exits_of(home.desk)
    await home.desk.control("h", ControlRecord(home.desk.clock_ms, TradingState.HALTED, "operator", ""))
    assert not home.desk.open_orders
    home.new_desk()
    await home.desk.recover()
    await home.desk.run_cycle(flat(2))
    assert not home.desk.open_orders
    await home.desk.control("r", ControlRecord(home.desk.clock_ms, TradingState.ACTIVE, "operator", ""))
    again = exits_of(home.desk)
    assert [o.intent.stop_price for o in again] == [STOP, TARGET]
    assert {o.intent.client_order_id for o in again}.isdisjoint({o.intent.client_order_id for o in before})
    assert again[0].intent.quantity == held(home)


async def test_buy_when_the_size_follows_the_stop_then_the_loss_there_is_the_share_that_was_allowed() -> None:
    risk = RiskConfig(sizing=RISK, per_trade_pct=Decimal(50), risk_per_trade_pct=Decimal("0.1"))
    home = on_paper({0: Action.BUY}, risk=risk)
    await home.desk.recover()
    await home.desk.run_cycle(flat(0))
    (entry,) = home.desk.open_orders
    lost = entry.intent.quantity * (Decimal(30_000) - STOP)
    allowed = CASH * Decimal("0.001") * Decimal("0.9")  # the verdict's strength
    assert allowed - Decimal("0.01") <= lost <= allowed


async def test_alert_when_its_position_is_held_too_then_only_what_the_verdict_bought_is_protected() -> None:
    home = on_paper({0: Action.BUY})
    entry = await bought(home)
    alert = Signal("s1", "id:1", 0, BTC, Side.BUY, OrderType.MARKET, quantity=Decimal("0.003"))
    await home.desk.run_signal(1, alert, home.desk.clock_ms)
    assert held(home) == entry.filled_quantity + Decimal("0.003")
    assert {o.intent.quantity for o in exits_of(home.desk)} == {entry.filled_quantity}


def test_config_when_protect_has_no_asmbtr_to_listen_to_then_it_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"asmbtr\.protect"):
        AgentsConfig(minds=("mid_term",), asmbtr=AsmbtrConfig(protect=True))


async def lived(seed: int, breaker: Breaker) -> dict[str, Any]:
    """What the journal tells of a paper desk's bars, when a council that has dice is protected."""

    def thrown(number: int) -> Action:
        return Random(f"{seed}-{number}").choice((Action.BUY, Action.SELL, Action.HOLD, Action.HOLD))

    home = await told(60, breaker, (20, 35, 36), agents=PROTECTED, council=Council(thrown))
    return whole_story(home)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), rate=st.sampled_from([0.02, 0.1, 0.3]))
async def test_run_when_any_call_breaks_then_the_story_of_protected_decisions_is_the_same(
    seed: int, rate: float
) -> None:
    undisturbed = await lived(seed, Breaker(0, 0))
    breaker = Breaker(seed, rate)
    assert await lived(seed, breaker) == undisturbed
    assert breaker.broken
    assert any(o.intent.origin is Origin.EXIT for o in undisturbed["orders"])
