"""One order an intent, whatever befalls the request: the simulated exchange's own orders are the judge."""

import asyncio
import dataclasses
import time
from collections import Counter
from decimal import Decimal
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from fks_actors.adapters.ccxt_venue.breaker import BreakerState
from fks_actors.adapters.ccxt_venue.memory import KeptWire, Memory
from fks_actors.adapters.ccxt_venue.venue import CcxtVenue
from fks_actors.adapters.exchange_sim.gate import Limits
from fks_actors.adapters.exchange_sim.server import RunningSim
from fks_actors.errors import Fenced, VenueUnavailable
from fks_actors.model.orders import Fill, Order, OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import AuditRecord
from tests.integration.ccxt_venue.scene import (
    PRICE,
    QUANTITY,
    SYMBOL,
    FakeJournal,
    order,
    simulated,
    trading,
    until,
)

ORDER = {"method": "POST", "path": "/order"}
FAR = PRICE * Decimal("0.9")


def status(venue: CcxtVenue, key: str) -> OrderStatus:
    tracked = venue.tracker.get(key)
    assert tracked is not None
    return tracked.order.status


def at_the_venue(sim: RunningSim) -> Counter[str]:
    """How many orders the venue ever had under each client id."""
    orders = sim.engine.orders
    return Counter(o.request.client_id for o in (orders.values() if isinstance(orders, dict) else orders))


async def trouble(sim: RunningSim, **fault: Any) -> None:
    async with httpx.AsyncClient(base_url=sim.admin_url) as client:
        (await client.post("/faults", json=fault)).raise_for_status()


async def no_trouble(sim: RunningSim) -> None:
    async with httpx.AsyncClient(base_url=sim.admin_url) as client:
        (await client.delete("/faults")).raise_for_status()


@pytest.mark.parametrize("limit", [None, FAR])
async def test_submit_when_the_reply_is_dropped_after_acceptance_then_there_is_exactly_one_order(
    limit: Decimal | None,
) -> None:
    async with simulated() as sim, trading(sim) as venue:
        await trouble(sim, kind="drop_reply", count=1, **ORDER)
        told = await venue.submit([order("fks-a", limit=limit)])
        assert told[0].status is OrderStatus.UNKNOWN
        wanted = OrderStatus.FILLED if limit is None else OrderStatus.ACCEPTED
        await until(lambda: status(venue, "fks-a") is wanted)
        assert at_the_venue(sim) == {"fks-a": 1}
        assert venue.tracker.get("fks-a").order.filled_quantity == (QUANTITY if limit is None else 0)


async def test_submit_when_the_request_is_dropped_then_it_is_sent_once_more() -> None:
    async with simulated() as sim, trading(sim) as venue:
        await trouble(sim, kind="drop_request", count=1, **ORDER)
        (told,) = await venue.submit([order("fks-a")])
        assert told.status is OrderStatus.UNKNOWN
        began = time.monotonic()
        await until(lambda: status(venue, "fks-a") is OrderStatus.FILLED)
        assert time.monotonic() - began > venue.client.window_ms / 1_000 - 0.5
        assert at_the_venue(sim) == {"fks-a": 1}


async def test_submit_when_the_request_is_dropped_and_the_order_is_old_then_it_expires() -> None:
    async with simulated() as sim, trading(sim, resend_within_s=0) as venue:
        await trouble(sim, kind="drop_request", count=1, **ORDER)
        await venue.submit([order("fks-a")])
        await until(lambda: status(venue, "fks-a") is OrderStatus.EXPIRED)
        assert "never reached" in venue.tracker.get("fks-a").order.reason
        assert at_the_venue(sim) == {}


@pytest.mark.parametrize("code", [500, 502, 503, 504])
async def test_submit_when_the_exchange_answers_5xx_then_the_order_is_resolved(code: int) -> None:
    async with simulated() as sim, trading(sim) as venue:
        await trouble(sim, kind="http_error", status=code, count=1, **ORDER)
        (told,) = await venue.submit([order("fks-a")])
        assert told.status is OrderStatus.UNKNOWN
        await until(lambda: status(venue, "fks-a") is OrderStatus.FILLED)
        assert at_the_venue(sim) == {"fks-a": 1}


async def test_submit_when_the_reply_is_late_then_the_order_is_found() -> None:
    async with simulated() as sim, trading(sim, timeout_s=0.5, recv_window_ms=5_000) as venue:
        await trouble(sim, kind="latency", ms=1_500, count=1, **ORDER)
        (told,) = await venue.submit([order("fks-a")])
        assert told.status is OrderStatus.UNKNOWN
        await until(lambda: status(venue, "fks-a") is OrderStatus.FILLED)
        assert at_the_venue(sim) == {"fks-a": 1}


async def test_submit_when_the_clock_is_off_then_it_is_learned_and_the_order_goes_out_at_once() -> None:
    async with simulated() as sim, trading(sim) as venue:
        await trouble(sim, kind="clock_skew", ms=30_000)
        told = await venue.submit([order("fks-a")])
        assert OrderStatus.ACCEPTED in [e.status for e in told if not isinstance(e, Fill)]
        assert abs(venue.client.offset_ms - 30_000) < 1_000
        assert at_the_venue(sim) == {"fks-a": 1}


async def test_submit_when_too_many_orders_were_sent_then_the_order_waits_and_cancels_do_not() -> None:
    async with simulated(limits=Limits(orders_10s=2)) as sim, trading(sim) as venue:
        await venue.submit([order("fks-1", limit=FAR), order("fks-2", limit=FAR)])
        (told,) = await venue.submit([order("fks-3", limit=FAR)])
        assert told.status is OrderStatus.UNKNOWN
        (ended,) = await venue.cancel(["fks-1"], 0)
        assert ended.status is OrderStatus.CANCELLED
        await until(lambda: status(venue, "fks-3") is OrderStatus.ACCEPTED)
        assert at_the_venue(sim) == {"fks-1": 1, "fks-2": 1, "fks-3": 1}


async def test_cancel_when_its_reply_is_dropped_then_pending_is_told_and_the_end_follows() -> None:
    async with simulated() as sim, trading(sim) as venue:
        await venue.submit([order("fks-a", limit=FAR)])
        await trouble(sim, kind="http_error", status=502, count=2, method="DELETE", path="/order")
        told = await venue.cancel(["fks-a"], 0)
        assert [e.status for e in told] == [OrderStatus.CANCEL_PENDING]
        await until(lambda: status(venue, "fks-a") is OrderStatus.CANCELLED)


async def test_cancel_when_the_order_is_unknown_then_it_ends_as_soon_as_it_is_known() -> None:
    async with simulated() as sim, trading(sim) as venue:
        await trouble(sim, kind="drop_reply", count=1, **ORDER)
        await trouble(sim, kind="http_error", status=502, count=3, method="GET", path="/order")
        await venue.submit([order("fks-a", limit=FAR)])
        await venue.cancel(["fks-a"], 0)
        await until(lambda: status(venue, "fks-a") is OrderStatus.CANCELLED)
        assert not sim.engine.open_orders()


async def test_maintenance_when_it_ends_then_what_was_submitted_meanwhile_is_entered_once() -> None:
    async with simulated() as sim, trading(sim) as venue:
        await trouble(sim, kind="maintenance", on=True)
        (told,) = await venue.submit([order("fks-a")])
        assert told.status is OrderStatus.UNKNOWN
        await no_trouble(sim)
        await until(lambda: status(venue, "fks-a") is OrderStatus.FILLED, 25)
        assert at_the_venue(sim) == {"fks-a": 1}


async def test_breaker_when_the_exchange_is_down_then_opens_and_closes_again() -> None:
    breaker = {"failures": 3, "open_s": 0.5, "probes": 1}
    async with simulated() as sim, trading(sim, breaker=breaker, timeout_s=1.0) as venue:
        await trouble(sim, kind="http_error", status=503)
        with pytest.raises(VenueUnavailable):
            await venue.lookup("fks-none")
        assert venue.client.breaker is not BreakerState.CLOSED
        await no_trouble(sim)
        await until(lambda: venue.client.breaker is BreakerState.CLOSED)


async def test_fill_when_the_streams_are_cut_then_is_found_by_asking() -> None:
    async with simulated() as sim, trading(sim, reconcile_s=60) as venue:
        await venue.submit([order("fks-a", limit=FAR)])
        await until(lambda: all(venue.streams.up.values()))
        await trouble(sim, kind="http_error", status=503, path="/ws")
        await trouble(sim, kind="disconnect_streams", abrupt=True)
        sim.venue.set_price("BTCUSDT", FAR - 1000)
        await until(lambda: status(venue, "fks-a") is OrderStatus.FILLED)
        assert len(venue.tracker.get("fks-a").trades) == len({*venue.tracker.get("fks-a").trades})


async def test_fill_when_it_comes_in_parts_then_each_trade_is_booked_once() -> None:
    async with simulated() as sim, trading(sim) as venue:
        await trouble(sim, kind="partial_fill", share="0.4", count=1)
        await venue.submit([order("fks-a", limit=PRICE * Decimal("1.01"))])
        await venue.compare_orders()
        part = venue.tracker.get("fks-a").order.filled_quantity
        assert 0 < part < QUANTITY
        sim.venue.set_price("BTCUSDT", PRICE * Decimal("0.99"))
        await until(lambda: status(venue, "fks-a") is OrderStatus.FILLED)


async def test_reconcile_when_nothing_changed_then_tells_nothing() -> None:
    async with simulated() as sim, trading(sim, reconcile_s=3_600) as venue:
        await venue.submit([order("fks-a"), order("fks-b", limit=FAR)])
        await venue.compare_orders()
        await venue.reconciler.check_balances()
        venue.outbox.drop(venue.outbox.hand_out().upto)
        for _ in range(2):
            await venue.compare_orders()
            await venue.reconciler.check_balances()
            assert not venue.outbox.hand_out()


async def test_reconcile_when_money_came_in_then_the_difference_is_noted_once() -> None:
    async with simulated() as sim, trading(sim, reconcile_s=3_600) as venue:
        await venue.reconciler.check_balances()  # what is there first is nobody's difference
        await venue.submit([order("fks-a")])
        sim.engine.deposit("USDT", Decimal(123))
        end = time.monotonic() + 15.0  # while it is unsure of a trade the venue compares nothing
        while not venue.outbox.hand_out().notes and time.monotonic() < end:
            await venue.reconciler.check_balances()
            await asyncio.sleep(0.02)
        for _ in range(3):
            await venue.reconciler.check_balances()
        notes = venue.outbox.hand_out().notes
        assert [n.kind for n in notes] == ["venue_difference"]
        assert "USDT" in notes[0].detail
        assert "+123" in notes[0].detail


async def test_reconcile_when_somebody_else_trades_then_the_orders_are_adopted_once() -> None:
    async with simulated() as sim, trading(sim, reconcile_s=3_600) as venue:
        other = venue.client.ccxt
        await other.create_order(SYMBOL, "limit", "buy", "0.01", str(FAR), {"clientOrderId": "web_1"})
        await other.create_order(SYMBOL, "market", "buy", "0.02", None, {"clientOrderId": "web_2"})
        await venue.compare_orders()
        await venue.compare_orders()
        handed = venue.outbox.hand_out()
        assert len(handed.adopted) == 2
        assert {o.intent.origin for o in handed.adopted} == {Origin.EXTERNAL}
        assert sum(e.quantity for e in handed.events if isinstance(e, Fill)) == Decimal("0.02")
        assert len({o.intent.client_order_id for o in handed.adopted}) == 2


async def test_restart_when_orders_lived_on_meanwhile_then_their_trades_are_told_once() -> None:
    journal = FakeJournal()
    async with simulated() as sim:
        async with trading(sim, journal, reconcile_s=3_600) as venue:
            await venue.submit([order("fks-a", limit=FAR), order("fks-b", limit=FAR - 5_000)])
            kept = journal.learn(venue)
        sim.venue.set_price("BTCUSDT", FAR - 1_000)
        async with trading(sim, journal, kept, reconcile_s=3_600) as venue:
            assert status(venue, "fks-a") is OrderStatus.FILLED
            assert status(venue, "fks-b") is OrderStatus.ACCEPTED
            fills = [e for e in venue.outbox.hand_out().events if isinstance(e, Fill)]
            assert sum(f.quantity for f in fills) == QUANTITY
            assert not venue.outbox.hand_out().adopted


async def test_restart_when_an_order_was_sent_but_its_answer_was_never_written_then_it_is_adopted() -> None:
    journal = FakeJournal()
    async with simulated() as sim:
        placed = order("fks-a", limit=FAR)
        async with trading(sim, journal) as venue:
            await venue.submit([placed])
        written = Order(placed.intent, OrderStatus.SUBMITTED, placed.intent.ts_ms)
        journal.orders = {"fks-a": written}
        async with trading(sim, journal, Memory((written,))) as venue:
            await venue.submit([placed], again=True)
            assert status(venue, "fks-a") is OrderStatus.ACCEPTED
        assert at_the_venue(sim) == {"fks-a": 1}


async def test_stop_when_the_venue_object_is_replaced_then_still_protects_synthetically() -> None:
    journal = FakeJournal()
    async with simulated() as sim:
        async with trading(sim, journal, native=False, recv_window_ms=100) as venue:
            await venue.submit([order("fks-a")])
            stop = {"order_type": OrderType.STOP_LOSS, "stop_price": PRICE * Decimal("0.95")}
            await venue.submit([order("fks-s", Side.SELL, quantity=Decimal("0.00999"), **stop)])
            kept = journal.learn(venue)
        assert "fks-s" not in at_the_venue(sim)
        sim.venue.set_price("BTCUSDT", PRICE * Decimal("0.94"))
        async with trading(sim, journal, kept, native=False, recv_window_ms=100) as venue:
            await until(lambda: status(venue, "fks-s") is OrderStatus.FILLED)
        assert at_the_venue(sim)["fks-s"] == 1


async def test_stop_when_it_had_begun_to_sell_before_the_restart_then_the_rest_is_sold_at_any_price() -> None:
    journal = FakeJournal()
    async with simulated() as sim:
        async with trading(sim, journal, native=False, recv_window_ms=100) as venue:
            await venue.submit([order("fks-a")])
            stop = {"order_type": OrderType.STOP_LOSS, "stop_price": PRICE * Decimal("0.95")}
            await venue.submit([order("fks-s", Side.SELL, quantity=Decimal("0.00999"), **stop)])
            kept = journal.learn(venue)
        part = Decimal("0.004")  # what a first order of it traded; the rest of that order was gone
        first = KeptWire("fks-s", 0, Decimal("0.00999"), "market", "999999", part, True)
        orders = [replace(o, status=OrderStatus.PARTIALLY_FILLED, filled_quantity=part) for o in kept.orders]
        notes = dataclasses.replace(kept.notes, held={"fks-s": (first,)})
        kept = dataclasses.replace(kept, orders=tuple(orders), notes=notes)
        async with trading(sim, journal, kept, native=False, recv_window_ms=100) as venue:
            await until(lambda: status(venue, "fks-s") is OrderStatus.FILLED)
        assert at_the_venue(sim)["fks-s_1"] == 1


async def test_submit_when_the_lease_ran_out_then_nothing_is_sent() -> None:
    async with simulated() as sim, trading(sim) as venue:
        venue.lease.show(3, venue.client.now_ms() + 50, venue.client.now_ms())
        await until(lambda: venue.client.now_ms() > venue.lease.until_ms)
        with pytest.raises(Fenced):
            await venue.submit([order("fks-a")])
        assert at_the_venue(sim) == {}
        with pytest.raises(Fenced):
            venue.lease.show(2, 0, venue.client.now_ms())


async def test_silence_when_the_desk_is_gone_then_only_what_bounds_a_loss_stays() -> None:
    async with simulated() as sim, trading(sim) as venue:
        await venue.submit([order("fks-a"), order("fks-b", limit=FAR)])
        stop = {"order_type": OrderType.STOP_LOSS, "stop_price": PRICE * Decimal("0.95")}
        await venue.submit([order("fks-s", Side.SELL, quantity=Decimal("0.00999"), **stop)])
        assert await venue.fall_silent(60) == 1
        assert status(venue, "fks-b") is OrderStatus.CANCELLED
        assert status(venue, "fks-s") is OrderStatus.ACCEPTED
        notes: tuple[AuditRecord, ...] = venue.outbox.hand_out().notes
        assert [n.kind for n in notes] == ["dead_man"]
        with pytest.raises(Fenced):
            await venue.submit([order("fks-c")])
        await asyncio.sleep(0)


def legs(held: Decimal, stop: Decimal, target: Decimal) -> list[Any]:
    """A protecting stop and a target that share one quantity."""
    kind = {"order_type": OrderType.STOP_LOSS, "stop_price": stop, "oco_id": "fks-t"}
    return [
        order("fks-s", Side.SELL, quantity=held, origin=Origin.EXIT, **kind),
        order("fks-t", Side.SELL, target, quantity=held, origin=Origin.EXIT, oco_id="fks-s"),
    ]
