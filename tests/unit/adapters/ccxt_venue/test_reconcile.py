"""The comparison itself: pure, and without a change where the facts are the same."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fks_actors.adapters.ccxt_venue.reconcile import compare_orders, differences, external_intent, totals
from fks_actors.adapters.ccxt_venue.translate import SeenOrder
from fks_actors.model.orders import ZERO, OrderStatus, OrderType, Origin, Side

AMOUNTS = st.dictionaries(st.sampled_from("ABCD"), st.decimals(-100, 100, places=4), max_size=4)


def seen(venue_id: str) -> SeenOrder:
    price = Decimal(100)
    return SeenOrder(
        venue_id,
        "web",
        "BTC/USDT",
        Side.SELL,
        OrderType.LIMIT,
        OrderStatus.ACCEPTED,
        Decimal(2),
        ZERO,
        ZERO,
        price,
        None,
        9,
    )


def test_orders_when_compared_then_fall_into_known_strange_and_quiet() -> None:
    found = compare_orders([("a", True), ("b", True), ("c", False)], [("a", seen("1")), (None, seen("2"))])
    assert found.matched == (("a", seen("1")),)
    assert found.strange == (seen("2"),)
    assert found.quiet == ("b",)


@given(AMOUNTS, AMOUNTS)
def test_balances_when_told_apart_then_the_difference_explains_them(
    expected: dict[str, Decimal], actual: dict[str, Decimal]
) -> None:
    found = differences(expected, actual, {})
    settled = {a: expected.get(a, ZERO) + found.get(a, ZERO) for a in {*expected, *actual}}
    assert differences(settled, actual, {}) == {}
    assert all(found.values())


def test_balances_when_within_a_step_then_are_the_same() -> None:
    assert differences({"A": Decimal("1.00")}, {"A": Decimal("1.01")}, {"A": Decimal("0.01")}) == {}


def test_totals_when_read_then_leave_out_what_is_nothing() -> None:
    assert totals({"total": {"BTC": "0.5", "USDT": "0.00", "XYZ": None}}) == {"BTC": Decimal("0.5")}


def test_external_order_when_adopted_then_is_named_by_the_venues_own_id() -> None:
    intent = external_intent("ext-a", "binance", seen("42"))
    assert (intent.origin, intent.origin_id, intent.limit_price) == (Origin.EXTERNAL, "42", Decimal(100))
