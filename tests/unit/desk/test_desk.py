"""The desk's law: whatever breaks, and whenever, the story that the journal tells is the same."""

import asyncio
import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.errors import ActorUnavailable, JournalConflict
from fks_actors.model.orders import OrderStatus, OrderType, Side
from fks_actors.model.records import (
    ControlRecord,
    CycleOutcome,
    CycleRecord,
    Signal,
    SignalStatus,
    TradingState,
)
from tests.in_process import CASH, Breaker, InProcessDesk, run_record
from tests.market import SYMBOLS, batches


def signal(number: int, side: Side = Side.BUY, quantity: str = "0.01") -> Signal:
    """A plain market alert."""
    return Signal(f"s{number}", f"id:{number}", 0, "BTC/USDT", side, OrderType.MARKET, quantity=Decimal(quantity))


async def told(count: int, breaker: Breaker, signals_at: tuple[int, ...] = ()) -> InProcessDesk:
    """Run `count` bars, with a BUY and a SELL alert in turn after the bars named."""
    home = InProcessDesk(SYMBOLS, breaker)
    await home.run(lambda desk: desk.recover())
    await home.run(lambda desk: desk.begin(run_record(SYMBOLS)))
    sent = 0
    for i, batch in enumerate(batches(count)):
        await home.run(lambda desk, b=batch: desk.run_cycle(b))
        if i in signals_at:
            sent += 1
            alert = signal(sent, Side.BUY if sent % 2 else Side.SELL)
            if alert.signal_id not in home.journal.signals:
                await home.run(
                    lambda desk, s=alert, n=sent: (
                        desk.run_signal(n, s, desk.clock_ms) if desk.inbox_cursor < n else _nothing()
                    )
                )
    await home.run(lambda desk: desk.recover())
    return home


async def _nothing() -> None:
    return None


async def test_run_when_nothing_breaks_then_trades_and_every_bar_is_recorded() -> None:
    home = await told(700, Breaker(0, 0))
    story = home.journal.story()
    assert len(story["cycles"]) == 1_400
    assert {c.outcome for c in story["cycles"]} >= {CycleOutcome.ORDERED, CycleOutcome.HOLD, CycleOutcome.NO_QUORUM}
    assert len(story["fills"]) >= 4
    assert len(story["equity"]) == 700


ALERTS = (200, 350, 360)


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, list[Any]]:
    """What the journal tells when nothing breaks."""
    return asyncio.run(told(400, Breaker(0, 0), ALERTS)).journal.story()


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), rate=st.sampled_from([0.01, 0.05, 0.3]))
async def test_run_when_any_part_breaks_at_any_call_then_the_story_is_the_same(
    undisturbed: dict[str, list[Any]], seed: int, rate: float
) -> None:
    breaker = Breaker(seed, rate)
    disturbed = (await told(400, breaker, ALERTS)).journal.story()
    assert breaker.broken > 0
    assert disturbed == undisturbed


async def test_run_signal_when_the_market_is_known_then_it_fills_and_the_account_says_so() -> None:
    home = await told(5, Breaker(0, 0))
    record = await home.desk.run_signal(1, signal(1), home.desk.clock_ms)
    assert record.status is SignalStatus.FILLED
    order = home.journal.orders[record.client_order_ids[0]]
    assert order.status is OrderStatus.FILLED
    assert order.filled_quantity == Decimal("0.01")
    equity = home.journal.story()["equity"][-1]
    assert equity.exposure > 0
    assert CASH - 1 < equity.equity < CASH


async def test_run_signal_when_no_bar_was_seen_then_denied_for_want_of_a_price() -> None:
    home = await told(0, Breaker(0, 0))
    record = await home.desk.run_signal(1, signal(1), 0)
    assert record.status is SignalStatus.DENIED
    assert "no_market_price" in [r.code for r in record.refusals]


async def test_run_signal_when_it_exceeds_the_trade_cap_then_denied_with_value_and_limit() -> None:
    home = await told(5, Breaker(0, 0))
    record = await home.desk.run_signal(1, signal(1, quantity="0.1"), home.desk.clock_ms)
    assert record.status is SignalStatus.DENIED
    refusal = next(r for r in record.refusals if r.code == "per_trade_cap")
    assert Decimal(refusal.value) > Decimal(refusal.limit) > 0
    assert home.journal.orders[record.client_order_ids[0]].status is OrderStatus.DENIED


async def test_control_when_halted_then_open_orders_are_cancelled_and_nothing_trades_until_resume() -> None:
    home = await told(5, Breaker(0, 0))
    limit = Signal(
        "l1", "id:l1", 0, "BTC/USDT", Side.BUY, OrderType.LIMIT, quantity=Decimal("0.01"), price=Decimal(28_000)
    )
    resting = await home.desk.run_signal(1, limit, home.desk.clock_ms)
    assert resting.status is SignalStatus.OPEN
    await home.desk.control("c1", ControlRecord(home.desk.clock_ms, TradingState.HALTED, "operator", "test"))
    assert home.journal.orders[resting.client_order_ids[0]].status is OrderStatus.CANCELLED
    denied = await home.desk.run_signal(2, signal(2), home.desk.clock_ms)
    assert [r.code for r in denied.refusals] == ["halted"]
    await home.desk.control("c2", ControlRecord(home.desk.clock_ms, TradingState.ACTIVE, "operator", "go on"))
    assert (await home.desk.run_signal(3, signal(3), home.desk.clock_ms)).status is SignalStatus.FILLED


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), rate=st.sampled_from([0.1, 0.4]))
async def test_control_when_any_call_of_a_halt_breaks_then_no_order_keeps_working(seed: int, rate: float) -> None:
    home = await told(5, Breaker(0, 0))
    limit = Signal(
        "l1", "id:l1", 0, "BTC/USDT", Side.BUY, OrderType.LIMIT, quantity=Decimal("0.01"), price=Decimal(28_000)
    )
    resting = await home.desk.run_signal(1, limit, home.desk.clock_ms)
    assert resting.status is SignalStatus.OPEN
    home._breaker = Breaker(seed, rate)
    halt = ControlRecord(home.desk.clock_ms, TradingState.HALTED, "operator", "test")
    with contextlib.suppress(ActorUnavailable, JournalConflict):
        await home.desk.control("c1", halt)  # asked once; whoever asked may be gone
    home._breaker = Breaker(0, 0)
    home.new_desk()
    await home.desk.recover()
    halted = "control-c1" in home.journal.chain
    status = home.journal.orders[resting.client_order_ids[0]].status
    assert status is (OrderStatus.CANCELLED if halted else OrderStatus.ACCEPTED)
    assert bool(home.desk.open_orders) is not halted


async def test_control_when_the_step_before_broke_half_way_then_recovery_comes_first() -> None:
    home = await told(5, Breaker(0, 0))
    sent = home.submit

    async def lost(*_: object) -> None:
        raise ActorUnavailable("the connector died")

    home.submit = lost  # type: ignore[method-assign]
    with pytest.raises(ActorUnavailable):
        await home.desk.run_signal(1, signal(1), home.desk.clock_ms)
    home.submit = sent  # type: ignore[method-assign]
    halt = ControlRecord(home.desk.clock_ms, TradingState.HALTED, "operator", "test")
    with pytest.raises(JournalConflict):
        await home.desk.control("c1", halt)
    await home.desk.recover()
    await home.desk.control("c1", halt)
    assert home.journal.signals["s1"].status is SignalStatus.FILLED
    assert home.desk.trading is TradingState.HALTED
    assert not home.desk.open_orders


async def test_run_cycle_when_a_bar_is_given_twice_then_it_is_recorded_once() -> None:
    home = await told(3, Breaker(0, 0))
    assert await home.desk.run_cycle(batches(3)[-1]) == ()
    assert len(home.journal.story()["cycles"]) == 6


async def test_learn_when_history_is_taken_in_then_bars_are_kept_and_nothing_is_decided() -> None:
    home = InProcessDesk(SYMBOLS, Breaker(0, 0))
    await home.desk.recover()
    await home.desk.learn(batches(600))
    await home.desk.learn(batches(600))
    assert len(home.journal.bars["BTC/USDT"]) == 600
    assert home.journal.story()["cycles"] == []
    (batch,) = batches(601)[600:]
    records = await home.desk.run_cycle(batch)
    assert [type(r) for r in records] == [CycleRecord, CycleRecord]
    assert all(r.outcome is not CycleOutcome.NO_QUORUM for r in records)


@pytest.mark.parametrize("later", [1, 255, 256, 257, 400])
async def test_minds_when_all_restart_between_two_bars_then_the_next_ballots_are_the_same(later: int) -> None:
    undisturbed = await told(later + 1, Breaker(0, 0))
    home = await told(later, Breaker(0, 0))
    home._restart_minds()
    await home.desk.run_cycle(batches(later + 1)[-1])
    assert home.journal.story()["cycles"] == undisturbed.journal.story()["cycles"]
