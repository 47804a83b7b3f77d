"""How a verdict's sale stands in for the exits of brackets: pure arithmetic, in whatever parts it trades."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fks_actors.desk import exits
from fks_actors.desk.exits import Bracket
from fks_actors.model.orders import ZERO, Fill, Liquidity, Order, OrderIntent, OrderStatus, OrderType, Origin, Side

STOP = Decimal(29_000)
amounts = st.integers(0, 20).map(lambda n: Decimal(n) / 1_000)


def intent_of(key: str, quantity: Decimal, symbol: str = "BTC/USDT", venue: str = "one") -> OrderIntent:
    """A market SELL."""
    return OrderIntent(
        key, Origin.CYCLE, "d", venue, symbol, Side.SELL, OrderType.MARKET, quantity, Decimal(30_000), 1
    )  # fmt: skip


def bracket(key: str, received: Decimal, symbol: str = "BTC/USDT", venue: str = "one") -> Bracket:
    """A bracket whose entry has received that much, and which has no exits."""
    return Bracket(key, venue, symbol, f"entry-{key}", STOP, None, None, received=received)


def trade(key: str, quantity: Decimal) -> Fill:
    """A trade of the sale."""
    return Fill("T", key, "one", "BTC/USDT", Side.SELL, Decimal(30_000), quantity, ZERO, Liquidity.TAKER, 1)


@given(st.lists(amounts, max_size=4), amounts, st.lists(amounts, max_size=5))
def test_sale_when_it_trades_in_any_parts_then_what_is_nobodys_goes_first_and_the_rest_in_turn(
    received: list[Decimal], free: Decimal, parts: list[Decimal]
) -> None:
    brackets = {str(i): bracket(str(i), each) for i, each in enumerate(received)}
    quantity = sum(received, free)
    alive = Order(intent_of("sale", quantity), OrderStatus.ACCEPTED, 1)
    after = exits.handed_over(brackets, alive.intent, lambda _: None)
    gone = ZERO
    for part in parts:
        if ZERO < part <= quantity - gone:
            gone += part
            after = {key: exits.sold(each, trade("sale", part)) for key, each in after.items()}
        assert all(exits.due(each, lambda _: alive) == 0 for each in after.values())
    owed = [exits.due(after[key], lambda _: None) for key in brackets]
    assert sum(owed, ZERO) == min(sum(received, ZERO), quantity - gone)
    untouched = [o == r for o, r in zip(owed, received, strict=True) if r]
    assert untouched == sorted(untouched)  # the first brackets are sold first


@given(st.lists(amounts, max_size=4), amounts)
def test_sale_when_it_is_for_less_than_is_due_then_the_difference_stays_due(
    received: list[Decimal], quantity: Decimal
) -> None:
    brackets = {str(i): bracket(str(i), each) for i, each in enumerate(received)}
    alive = Order(intent_of("sale", quantity), OrderStatus.ACCEPTED, 1)
    after = exits.handed_over(brackets, alive.intent, lambda _: None)
    left = sum((exits.due(each, lambda _: alive) for each in after.values()), ZERO)
    assert left == max(sum(received, ZERO) - quantity, ZERO)


def test_sale_when_brackets_are_of_another_venue_or_symbol_then_they_keep_what_is_due() -> None:
    brackets = {
        "a": bracket("a", Decimal(1), symbol="ETH/USDT"),
        "b": bracket("b", Decimal(1), venue="two"),
        "c": bracket("c", Decimal(1)),
    }
    after = exits.handed_over(brackets, intent_of("sale", Decimal(2)), lambda _: None)
    assert (after["a"], after["b"]) == (brackets["a"], brackets["b"])
    assert [(s.order_id, s.quantity, s.first) for s in after["c"].sales] == [("sale", Decimal(1), Decimal(1))]


def test_overdone_when_a_sale_and_an_exit_would_sell_too_much_then_the_exit_is_to_end() -> None:
    alive = {
        "sale": Order(intent_of("sale", Decimal(6)), OrderStatus.ACCEPTED, 1),
        "exit": Order(intent_of("exit", Decimal(4)), OrderStatus.ACCEPTED, 1),
    }
    held = Bracket("a", "one", "BTC/USDT", "e", STOP, None, None, received=Decimal(10), groups=(("exit",),))
    held = exits.handed_over({"a": held}, alive["sale"].intent, alive.get)["a"]
    assert not list(exits.overdone(held, alive.get))
    late = exits.filled(held, trade("older", Decimal(1)))
    assert list(exits.overdone(late, alive.get)) == ["exit"]
