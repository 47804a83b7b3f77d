"""Where events are made: each is legal, a trade comes once, and nothing is forgotten before it is written down."""

import asyncio
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fks_actors.adapters.ccxt_venue import memory
from fks_actors.adapters.ccxt_venue.memory import KeptWire, Notes
from fks_actors.adapters.ccxt_venue.outbox import Outbox
from fks_actors.adapters.ccxt_venue.tracker import Tracked, Tracker
from fks_actors.execution.order_state import TERMINAL, apply
from fks_actors.model.orders import (
    ZERO,
    Fill,
    Liquidity,
    Order,
    OrderIntent,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Origin,
    Side,
)
from fks_actors.model.records import AuditRecord
from fks_actors.risk.rulings import approve

VENUE_SAYS = [s for s in OrderStatus if s not in (OrderStatus.INITIALIZED, OrderStatus.DENIED, OrderStatus.SUBMITTED)]
WORDS = st.one_of(st.sampled_from(VENUE_SAYS), st.tuples(st.integers(1, 6), st.integers(1, 4)))


def intent(key: str = "fks-a", quantity: int = 10, kind: OrderType = OrderType.LIMIT) -> OrderIntent:
    price = Decimal(100)
    return OrderIntent(
        key, Origin.CYCLE, "c", "binance", "BTC/USDT", Side.BUY, kind, Decimal(quantity), price, 1, price
    )


def fill(trade: int, quantity: int, fee: str = "0", asset: str = "", paid: str = "0") -> Fill:
    return Fill(
        f"t{trade}",
        "fks-a",
        "binance",
        "BTC/USDT",
        Side.BUY,
        Decimal(100),
        Decimal(quantity),
        Decimal(fee),
        Liquidity.MAKER,
        trade,
        asset,
        Decimal(paid),
    )


def tracking() -> tuple[Tracker, Tracked]:
    tracker = Tracker("binance", Outbox())
    return tracker, tracker.enter(approve(intent(), ZERO), 1)


@given(st.lists(WORDS, max_size=30))
def test_events_when_the_venue_says_anything_then_are_legal_and_each_trade_comes_once(words: list[object]) -> None:
    tracker, tracked = tracking()
    for word in words:
        if isinstance(word, OrderStatus):
            tracker.tell(tracked, word, 5)
        elif isinstance(word, tuple):
            tracker.trade(tracked, tracked.whole, fill(*word))
    handed = tracker.outbox.hand_out()
    order = Order(intent(), OrderStatus.SUBMITTED, 1)
    for event in handed.events:
        order = apply(order, event)
    assert order == tracked.order
    trades = [e.trade_id for e in handed.events if isinstance(e, Fill)]
    assert len(trades) == len(set(trades))
    assert sum((e.quantity for e in handed.events if isinstance(e, Fill)), ZERO) == tracker.moved.get("BTC", ZERO)
    assert (tracked in tracker.working()) == (tracked.order.status not in TERMINAL)


def test_word_when_it_changes_nothing_then_is_not_told() -> None:
    tracker, tracked = tracking()
    assert tracker.tell(tracked, OrderStatus.ACCEPTED, 2)
    assert not tracker.tell(tracked, OrderStatus.ACCEPTED, 3)
    assert len(tracker.outbox) == 1


def test_trade_when_it_overfills_then_is_noted_and_not_told() -> None:
    tracker, tracked = tracking()
    assert tracker.trade(tracked, tracked.whole, fill(1, 10))
    assert not tracker.trade(tracked, tracked.whole, fill(2, 1))
    (note,) = tracker.outbox.hand_out().notes
    assert note.kind == "venue_difference"
    assert "overfills" in note.detail


def test_balances_when_fees_are_paid_in_whatever_then_move_by_what_was_paid() -> None:
    tracker, tracked = tracking()
    tracker.trade(tracked, tracked.whole, fill(1, 1, "1", "BTC", "0.01"))
    tracker.trade(tracked, tracked.whole, fill(2, 1, "2"))
    tracker.trade(tracked, tracked.whole, fill(3, 1, "3", "BNB", "0.005"))
    assert tracker.moved == {"BTC": Decimal("2.99"), "USDT": Decimal(-302), "BNB": Decimal("-0.005")}


def test_slice_when_it_trades_then_its_parent_does() -> None:
    tracker, tracked = tracking()
    tracked.held = True
    found = tracker.wire("fks-a_3")
    assert found is not None
    assert found[0] is tracked
    assert found[1].k == 3
    tracker.trade(tracked, found[1], fill(1, 4))
    (event,) = tracker.outbox.hand_out().events
    assert event.client_order_id == "fks-a"
    assert tracker.wire("fks-b_3") is None


def test_order_when_restored_then_its_booked_trades_are_not_told_again() -> None:
    tracker = Tracker("binance", Outbox())
    order = apply(Order(intent(), OrderStatus.ACCEPTED, 1), fill(1, 4))
    tracked = tracker.restore(order, ["t1"], 1, 2)
    assert not tracker.trade(tracked, tracked.whole, fill(1, 4))
    assert tracker.trade(tracked, tracked.whole, fill(2, 6))
    assert tracked.order.status is OrderStatus.FILLED


# --- the outbox ---


def test_outbox_when_handed_out_then_keeps_until_dropped() -> None:
    outbox = Outbox()
    update = OrderUpdate("fks-a", OrderStatus.ACCEPTED, 1)
    note = AuditRecord(1, "venue_difference", "venue:binance")
    adopted = Order(intent("ext-a"), OrderStatus.SUBMITTED, 1)
    outbox.put_all([update, note])
    first = outbox.hand_out()
    outbox.put(adopted)
    second = outbox.hand_out()
    assert (first.events, first.notes, first.adopted) == ((update,), (note,), ())
    assert (second.events, second.notes, second.adopted) == ((update,), (note,), (adopted,))
    outbox.drop(first.upto)
    assert outbox.hand_out().adopted == (adopted,)
    outbox.drop(second.upto)
    assert not outbox.hand_out()


async def test_outbox_when_something_comes_then_wakes_who_waits() -> None:
    outbox = Outbox()
    assert not await outbox.news(0.0)
    waiting = asyncio.ensure_future(outbox.news(5.0))
    await asyncio.sleep(0)
    outbox.put(OrderUpdate("fks-a", OrderStatus.ACCEPTED, 1))
    assert await waiting
    outbox.hand_out()
    assert not await outbox.news(0.0)


def test_notes_when_written_and_read_then_are_the_same() -> None:
    wire = KeptWire("fks-a_1", 1, Decimal("0.5"), "limit", "42", Decimal("0.25"), False, ("t1",))
    notes = Notes(
        7,
        3,
        {"BTC/USDT": 5},
        {"BTC/USDT": 4},
        {"USDT": Decimal("1.50")},
        {"BTC": Decimal("-0.1")},
        {"USDT": Decimal(1)},
        {"fks-a": (wire,)},
        {"fks-b": Decimal(100)},
        {"fks-c": "fks-c"},
    )
    assert memory.decode(memory.encode(notes)) == notes
    assert memory.decode(b"") == Notes()
