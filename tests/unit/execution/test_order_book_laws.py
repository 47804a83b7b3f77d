"""The order book against the plainest model of price-time priority: a list that is sorted anew each time."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.errors import InvariantError
from fks_actors.execution.order_book import OrderBook, Resting
from fks_actors.model.orders import Side

rows = st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 5), st.integers(1, 9)), max_size=30)


def resting(made: list[tuple[Side, int, int]]) -> list[Resting]:
    return [Resting(f"o{n}", side, Decimal(price), Decimal(size), n + 1) for n, (side, price, size) in enumerate(made)]


def sorted_side(orders: list[Resting], side: Side) -> list[Resting]:
    sign = -1 if side is Side.BUY else 1
    return sorted((o for o in orders if o.side is side), key=lambda o: (sign * o.price, o.sequence))


@given(rows, st.randoms())
def test_queue_when_orders_were_added_or_loaded_in_any_order_then_is_price_time(
    made: list[tuple[Side, int, int]], chance: object
) -> None:
    orders = resting(made)
    shuffled = list(orders)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    added, loaded, half = OrderBook(), OrderBook(), OrderBook()
    for o in shuffled:
        added.add(o.order_id, o.side, o.price, o.quantity, o.sequence)
    loaded.load(shuffled)
    half.load(shuffled[::2])
    half.load(shuffled[1::2])
    for side in Side:
        expected = sorted_side(orders, side)
        assert list(added.queue(side)) == list(loaded.queue(side)) == list(half.queue(side)) == expected
        limited = [o for o in expected if (o.price >= 3 if side is Side.BUY else o.price <= 3)]
        assert list(added.queue(side, Decimal(3))) == limited


@given(rows)
def test_queue_when_the_order_met_leaves_or_queues_anew_then_each_is_met_in_turn(
    made: list[tuple[Side, int, int]],
) -> None:
    orders = resting(made)
    book = OrderBook()
    book.load(orders)
    met = []
    for o in book.queue(Side.BUY):
        met.append(o)
        book.remove(o.order_id)
        if o.quantity > 1:
            book.add(o.order_id, o.side, o.price, o.quantity - 1)
    assert len(met) == sum(o.quantity for o in orders if o.side is Side.BUY)
    assert [o.price for o in met] == sorted((o.price for o in met), reverse=True)
    assert book.best(Side.BUY) is None


def test_add_when_no_sequence_is_given_then_comes_behind_all_others() -> None:
    book = OrderBook()
    book.load([Resting("a", Side.BUY, Decimal(1), Decimal(1), 7)])
    assert book.add("b", Side.BUY, Decimal(1), Decimal(1)).sequence == 8


def test_load_when_an_id_rests_already_then_raises() -> None:
    book = OrderBook()
    book.add("a", Side.BUY, Decimal(1), Decimal(1))
    with pytest.raises(InvariantError):
        book.load([Resting("a", Side.SELL, Decimal(2), Decimal(1), 2)])
