"""Pairs, repeated calls and late trades, while replies and requests are lost."""

from decimal import Decimal

from fks_actors.adapters.ccxt_venue.memory import Memory
from fks_actors.model.orders import Fill, Order, OrderStatus, OrderType, Side
from tests.integration.ccxt_venue.scene import (
    PRICE,
    QUANTITY,
    FakeJournal,
    order,
    simulated,
    trading,
    until,
)
from tests.integration.ccxt_venue.test_trouble import ORDER, at_the_venue, legs, no_trouble, status, trouble


async def test_pair_when_its_reply_is_dropped_then_both_legs_are_found_and_none_is_doubled() -> None:
    async with simulated() as sim, trading(sim) as venue:
        await venue.submit([order("fks-a")])
        await trouble(sim, kind="drop_reply", count=1, method="POST", path="/orderList/oco")
        await venue.submit(legs(Decimal("0.00999"), PRICE * Decimal("0.9"), PRICE * Decimal("1.1")))
        await until(lambda: status(venue, "fks-s") is status(venue, "fks-t") is OrderStatus.ACCEPTED)
        assert at_the_venue(sim) == {"fks-a": 1, "fks-s": 1, "fks-t": 1}


async def test_pair_when_its_request_is_dropped_then_it_is_sent_again_as_a_pair() -> None:
    async with simulated() as sim, trading(sim) as venue:
        await venue.submit([order("fks-a")])
        await trouble(sim, kind="drop_request", count=1, method="POST", path="/orderList/oco")
        await venue.submit(legs(Decimal("0.00999"), PRICE * Decimal("0.9"), PRICE * Decimal("1.1")))
        await until(lambda: status(venue, "fks-s") is status(venue, "fks-t") is OrderStatus.ACCEPTED)
        assert at_the_venue(sim) == {"fks-a": 1, "fks-s": 1, "fks-t": 1}


async def test_pair_when_its_legs_are_entered_again_one_by_one_after_a_restart_then_they_stay_a_pair() -> None:
    journal = FakeJournal()
    async with simulated() as sim:
        async with trading(sim, journal) as venue:
            await venue.submit([order("fks-a")])
        pair = legs(Decimal("0.00999"), PRICE * Decimal("0.9"), PRICE * Decimal("1.1"))
        written = tuple(Order(leg.intent, OrderStatus.SUBMITTED, leg.intent.ts_ms) for leg in pair)
        journal.orders = {o.intent.client_order_id: o for o in written}
        async with trading(sim, journal, Memory(written), recv_window_ms=100) as venue:
            for leg in pair:
                await venue.submit([leg], again=True)
            await until(lambda: status(venue, "fks-s") is status(venue, "fks-t") is OrderStatus.ACCEPTED)
            assert {o.list_id for o in sim.engine.open_orders()} != {-1}
            assert at_the_venue(sim) == {"fks-a": 1, "fks-s": 1, "fks-t": 1}


async def test_stop_when_the_market_is_beyond_it_already_then_sells_at_once() -> None:
    async with simulated() as sim, trading(sim) as venue:
        await venue.submit([order("fks-a")])
        kind = {"order_type": OrderType.STOP_LOSS, "stop_price": PRICE * Decimal("1.05")}
        await venue.submit([order("fks-s", Side.SELL, quantity=Decimal("0.00999"), **kind)])
        await until(lambda: status(venue, "fks-s") is OrderStatus.FILLED)


async def test_pair_when_the_market_is_beyond_its_stop_already_then_the_stop_trades_alone() -> None:
    async with simulated() as sim, trading(sim) as venue:
        await venue.submit([order("fks-a")])
        await venue.submit(legs(Decimal("0.00999"), PRICE * Decimal("1.05"), PRICE * Decimal("1.1")))
        await until(lambda: status(venue, "fks-s") is OrderStatus.FILLED)
        await until(lambda: status(venue, "fks-t") is OrderStatus.CANCELLED)


async def test_submit_when_the_call_is_repeated_to_a_successor_then_there_is_one_order() -> None:
    journal = FakeJournal()
    async with simulated() as sim:
        placed = order("fks-a")
        async with trading(sim, journal) as venue:
            await venue.submit([placed])
        written = Order(placed.intent, OrderStatus.SUBMITTED, placed.intent.ts_ms)
        journal.orders = {"fks-a": written}
        async with trading(sim, journal, Memory((written,))) as venue:
            await venue.submit([placed])
            assert status(venue, "fks-a") is OrderStatus.FILLED
        assert at_the_venue(sim) == {"fks-a": 1}


async def test_cancel_when_the_trades_cannot_be_read_then_its_end_is_told_after_them() -> None:
    async with simulated() as sim, trading(sim, timeout_s=0.5) as venue:
        await until(lambda: all(venue.streams.up.values()))
        await trouble(sim, kind="http_error", status=503, path="/ws")
        await trouble(sim, kind="disconnect_streams", abrupt=True)
        await until(lambda: not any(venue.streams.up.values()))
        await trouble(sim, kind="http_error", status=503, path="/myTrades")
        await trouble(sim, kind="partial_fill", share="0.4", count=1)
        await trouble(sim, kind="drop_reply", count=1, **ORDER)
        told = [*await venue.submit([order("fks-a", limit=PRICE * Decimal("1.01"))])]
        await until(lambda: status(venue, "fks-a") is OrderStatus.ACCEPTED)
        told += await venue.cancel(["fks-a"], 0)
        await until(lambda: not sim.engine.open_orders())
        await no_trouble(sim)
        await until(lambda: status(venue, "fks-a") is OrderStatus.CANCELLED)
        told += venue._taken()
        assert isinstance(told[-2], Fill)
        assert told[-1].status is OrderStatus.CANCELLED
        assert sum(e.quantity for e in told if isinstance(e, Fill)) == QUANTITY * Decimal("0.4")


async def test_pair_when_the_market_ran_through_its_stop_before_it_was_sent_again_then_the_stop_trades_once() -> None:
    async with simulated() as sim, trading(sim, recv_window_ms=100) as venue:
        await venue.submit([order("fks-a")])
        await trouble(sim, kind="drop_request", count=1, method="POST", path="/orderList/oco")
        await venue.submit(legs(Decimal("0.00999"), PRICE * Decimal("0.95"), PRICE * Decimal("1.1")))
        sim.venue.set_price("BTCUSDT", PRICE * Decimal("0.9"))
        await until(lambda: status(venue, "fks-s") is OrderStatus.FILLED)
        await until(lambda: status(venue, "fks-t") is OrderStatus.CANCELLED)
        assert not venue.tracker.working()
        await until(lambda: "resolve-fks-s" not in venue._tasks)
        assert sum(o.executed for o in sim.engine.orders.values()) == QUANTITY + Decimal("0.00999")
