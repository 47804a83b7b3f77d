"""FIFO round trips keep every cent."""

from decimal import Decimal

import pytest
from hypothesis import given
from msgspec.structs import replace

from fks_actors.backtest.trips import round_trips
from fks_actors.errors import InvariantError
from fks_actors.model.account import Account
from fks_actors.model.orders import ZERO, Fill, Side
from tests.unit.backtest.trades import fill, spot_fills

TINY = Decimal("1e-15")


def booked(fills: list[Fill]) -> Account:
    account = Account(ZERO)
    for each in fills:
        account = account.applied(each)
    return account


@given(spot_fills())
def test_round_trips_when_some_is_held_then_cash_is_their_profit_less_the_cost_of_the_lots(fills: list[Fill]) -> None:
    book = round_trips(fills)
    held = sum((lot.cost for _, lots in book.held for lot in lots), ZERO)
    assert abs(book.profit - held - booked(fills).cash) < TINY
    assert (
        sum((lot.quantity for _, lots in book.held for lot in lots), ZERO)
        == booked(fills).position(fills[0].symbol).quantity
    )


@given(spot_fills(flat=True))
def test_round_trips_when_nothing_is_held_then_they_add_up_to_the_accounts_realised_profit(fills: list[Fill]) -> None:
    book, account = round_trips(fills), booked(fills)
    assert book.held == ()
    assert abs(book.profit - account.realised()) < Decimal("1e-12")
    assert abs(sum((trip.fees for trip in book.trips), ZERO) - account.fees) < TINY


def test_round_trips_when_lots_differ_then_the_first_bought_is_the_first_sold() -> None:
    fills = [
        fill(Side.BUY, "1", "100", 0),
        fill(Side.BUY, "1", "200", 1),
        fill(Side.SELL, "1.5", "300", 2),
    ]
    book = round_trips(fills)
    assert [(t.entry_id, t.quantity, t.cost, t.proceeds) for t in book.trips] == [
        ("o0", Decimal(1), Decimal(100), Decimal(300)),
        ("o1", Decimal("0.5"), Decimal(100), Decimal(150)),
    ]
    assert [t.fees for t in book.trips] == [Decimal("0.4"), Decimal("0.25")]
    assert book.held[0][1][0].quantity == Decimal("0.5")


def test_round_trips_when_an_order_fills_in_parts_then_they_are_one_trip() -> None:
    fills = [
        fill(Side.BUY, "1", "100", 0, "in"),
        fill(Side.BUY, "1", "110", 1, "in"),
        fill(Side.SELL, "0.5", "120", 2, "out"),
        fill(Side.SELL, "1.5", "130", 3, "out"),
    ]
    (trip,) = round_trips(fills).trips
    assert (trip.opened_ms, trip.closed_ms) == (fills[0].ts_ms, fills[3].ts_ms)
    assert (trip.cost, trip.proceeds, trip.fees) == (Decimal(210), Decimal(255), Decimal("0.465"))


def test_round_trips_when_the_base_paid_the_fee_then_it_is_counted_once() -> None:
    buy = replace(fill(Side.BUY, "1", "100", 0), fee_asset="BTC", fee_quantity=Decimal("0.001"))
    sell = fill(Side.SELL, "0.999", "100", 1)
    book = round_trips([buy, sell])
    assert book.held == ()
    assert book.profit == booked([buy, sell]).cash == Decimal("-0.1999")


def test_round_trips_when_more_is_sold_than_bought_then_it_is_refused() -> None:
    with pytest.raises(InvariantError):
        round_trips([fill(Side.BUY, "1", "100", 0), fill(Side.SELL, "2", "100", 1)])
