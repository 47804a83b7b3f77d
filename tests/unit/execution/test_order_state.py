from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.errors import InvariantError
from fks_actors.execution.order_state import MOVES, TERMINAL, WORKING, Trade, apply, replacement
from fks_actors.model.orders import ZERO, Fill, Liquidity, Order, OrderStatus, OrderUpdate, Side, VenueEvent
from tests.unit.execution.cases import BTC, T0, order

INTENT = order(quantity="10").intent
S = OrderStatus


def at(status: OrderStatus, filled: str = "0") -> Order:
    return Order(INTENT, status, T0, filled_quantity=Decimal(filled), average_price=Decimal(100))


def traded(quantity: str, price: str = "100", n: int = 1) -> Fill:
    return Fill(
        f"fks-a-{n}",
        "fks-a",
        "paper",
        BTC,
        Side.BUY,
        Decimal(price),
        Decimal(quantity),
        Decimal("0.1"),
        Liquidity.TAKER,
        T0 + n,
    )


def said(status: OrderStatus) -> OrderUpdate:
    return OrderUpdate("fks-a", status, T0 + 1, "why")


def test_table_when_every_status_meets_every_cause_then_each_is_a_move_or_an_error_that_names_both() -> None:
    assert set(MOVES) == set(S)
    assert TERMINAL | WORKING | {S.INITIALIZED} == set(S)
    assert not TERMINAL & WORKING
    for status, cause in product(S, [*S, *Trade]):
        event: VenueEvent = said(cause) if isinstance(cause, S) else traded("10" if cause is Trade.FULL else "1")
        if cause in MOVES[status]:
            after = apply(at(status), event)
            assert status not in TERMINAL or after.status in TERMINAL
        else:
            with pytest.raises(InvariantError, match=f"{status}.*{cause}"):
                apply(at(status), event)


@pytest.mark.parametrize("status", [S.DENIED, S.REJECTED, S.INITIALIZED])
def test_trade_when_the_order_never_reached_the_venue_then_raises(status: OrderStatus) -> None:
    with pytest.raises(InvariantError):
        apply(at(status), traded("1"))


def test_trades_when_they_come_in_parts_then_quantity_average_and_fee_add_up() -> None:
    after = apply(apply(at(S.ACCEPTED), traded("4", "100")), traded("6", "110", 2))
    assert (after.status, after.filled_quantity, after.average_price) == (S.FILLED, Decimal(10), Decimal(106))
    assert (after.fee, after.updated_ms) == (Decimal("0.2"), T0 + 2)


@pytest.mark.parametrize("status", [S.CANCELLED, S.EXPIRED])
def test_trade_when_the_order_had_ended_then_is_booked_and_completes_it_at_most(status: OrderStatus) -> None:
    part = apply(at(status), traded("4"))
    assert (part.status, part.filled_quantity) == (status, Decimal(4))
    assert apply(part, traded("6", n=2)).status is S.FILLED


def test_trade_when_it_overfills_then_raises() -> None:
    with pytest.raises(InvariantError, match="overfills"):
        apply(at(S.ACCEPTED), traded("10.00001"))
    with pytest.raises(InvariantError, match="filled"):
        apply(at(S.FILLED, "10"), traded("1"))


def test_word_of_a_fill_when_no_trade_is_booked_then_only_says_alive() -> None:
    assert apply(at(S.UNKNOWN), said(S.FILLED)).status is S.ACCEPTED
    assert apply(at(S.CANCEL_PENDING, "3"), said(S.ACCEPTED)).status is S.PARTIALLY_FILLED


def test_word_when_stale_then_changes_nothing() -> None:
    filled = at(S.FILLED, "10")
    assert apply(filled, said(S.CANCELLED)) is filled
    assert apply(filled, said(S.ACCEPTED)) is filled


def test_trade_when_a_cancel_is_pending_then_the_cancel_stays_pending() -> None:
    assert apply(at(S.CANCEL_PENDING), traded("1")).status is S.CANCEL_PENDING
    assert apply(at(S.CANCEL_PENDING), traded("10")).status is S.FILLED


def test_rejection_when_the_order_traded_then_raises() -> None:
    with pytest.raises(InvariantError, match="after it traded"):
        apply(at(S.CANCEL_PENDING, "3"), said(S.REJECTED))


def test_update_when_it_ends_the_order_then_keeps_the_reason() -> None:
    assert apply(at(S.SUBMITTED), said(S.REJECTED)).reason == "why"


def test_event_when_it_is_another_orders_then_raises() -> None:
    with pytest.raises(InvariantError, match="fks-b"):
        apply(at(S.ACCEPTED), OrderUpdate("fks-b", S.CANCELLED, T0))
    with pytest.raises(InvariantError, match="does not fit"):
        apply(at(S.ACCEPTED), replace(traded("1"), side=Side.SELL))


@pytest.mark.parametrize("status", [S.SUBMITTED, S.UNKNOWN])
@pytest.mark.parametrize(
    ("event", "after"),
    [
        (said(S.SUBMITTED), S.SUBMITTED),
        (said(S.UNKNOWN), S.UNKNOWN),
        (said(S.ACCEPTED), S.ACCEPTED),
        (said(S.REJECTED), S.REJECTED),
        (said(S.CANCELLED), S.CANCELLED),
        (said(S.EXPIRED), S.EXPIRED),
        (said(S.CANCEL_PENDING), S.CANCEL_PENDING),
        (traded("1"), S.PARTIALLY_FILLED),
        (traded("10"), S.FILLED),
    ],
)
def test_outcome_when_it_was_not_known_then_any_is_possible(
    status: OrderStatus, event: VenueEvent, after: OrderStatus
) -> None:
    assert apply(at(status), event).status is after


@pytest.mark.parametrize("status", S)
def test_life_when_an_order_has_not_ended_then_an_end_can_be_reached_and_from_an_end_only_a_completing_trade_leads_on(
    status: OrderStatus,
) -> None:
    assert status in TERMINAL or TERMINAL & set(MOVES[status].values())
    if status in TERMINAL:
        onward = {cause: target for cause, target in MOVES[status].items() if target is not status}
        assert onward == ({Trade.FULL: S.FILLED} if status in (S.CANCELLED, S.EXPIRED) else {})


def test_word_of_an_unknown_outcome_when_the_order_is_known_then_changes_nothing() -> None:
    for status in (S.ACCEPTED, S.CANCEL_PENDING, S.FILLED, S.CANCELLED, S.EXPIRED, S.REJECTED):
        known = at(status, "10" if status is S.FILLED else "0")
        assert apply(known, said(S.UNKNOWN)).status is status


def test_replacement_when_the_old_order_ended_then_is_for_what_it_left() -> None:
    old = apply(at(S.CANCEL_PENDING, "4"), said(S.CANCELLED))
    made = replacement(old, "fks-b", T0 + 5, limit_price=Decimal(99))
    assert made is not None
    assert (made.client_order_id, made.quantity, made.limit_price, made.ts_ms) == (
        "fks-b",
        Decimal(6),
        Decimal(99),
        T0 + 5,
    )
    assert made.side is INTENT.side
    assert replacement(at(S.FILLED, "10"), "fks-b", T0) is None


@pytest.mark.parametrize("status", sorted({*WORKING, S.INITIALIZED}))
def test_replacement_when_the_old_order_may_still_trade_then_raises(status: OrderStatus) -> None:
    with pytest.raises(InvariantError, match=str(status)):
        replacement(at(status), "fks-b", T0)
    with pytest.raises(InvariantError):
        replacement(at(S.CANCELLED), "fks-a", T0)


events = st.one_of(
    st.sampled_from(S).map(said),
    st.decimals("0.5", "10", places=1).map(lambda q: traded(str(q))),
)


@given(st.lists(events, max_size=30))
def test_order_when_anything_happens_then_never_leaves_its_end_nor_overfills(story: list[VenueEvent]) -> None:
    now = at(S.SUBMITTED)
    for event in story:
        before = now
        try:
            now = apply(now, event)
        except InvariantError:
            continue
        assert before.status not in TERMINAL or now.status in TERMINAL
        assert ZERO <= before.filled_quantity <= now.filled_quantity <= INTENT.quantity
        assert (now.status is S.FILLED) == (now.filled_quantity == INTENT.quantity)
        assert now.status is not S.PARTIALLY_FILLED or now.filled_quantity > 0
        assert now.status is not S.ACCEPTED or now.filled_quantity == 0
