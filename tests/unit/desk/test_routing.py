"""Which venue an order goes to: claims, names, the default, the best price after fees."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.desk.config import DeskConfig, VenuePlan
from fks_actors.desk.routing import QUOTE_AGE_MS, by_price, route, venues_for
from fks_actors.model.markets import MarketRules, Quote
from fks_actors.model.orders import OrderType, Side

BTC, ETH = "BTC/USDT", "ETH/USDT"
NOW_MS = 1_700_000_000_000


def rules(fee: str = "0.001") -> MarketRules:
    tick, step = Decimal("0.01"), Decimal("0.00001")
    return MarketRules(BTC, "BTC", "USDT", tick, step, step, Decimal(5), Decimal(0), Decimal(fee))


def plan(name: str, exchange: str = "", claims: tuple[str, ...] = (), fee: str = "0.001", **markets: str) -> VenuePlan:
    return VenuePlan(name, exchange or name, True, {BTC: rules(fee), **dict.fromkeys(markets, rules(fee))}, claims)


def config(*plans: VenuePlan, default: str = "one", best_price: bool = True) -> DeskConfig:
    return DeskConfig(plans, default, best_price)


def quote(bid: str, ask: str, age_ms: int = 0) -> dict[str, Quote]:
    return {BTC: Quote(Decimal(bid), Decimal(ask), NOW_MS - age_ms)}


TWO = (plan("one", "binance"), plan("two", "kraken"))


def test_venues_when_nothing_is_said_then_the_default_is_first_and_the_others_follow_in_order() -> None:
    three = (plan("a"), plan("b"), plan("c"))
    assert venues_for(config(*three, default="b"), BTC) == ("b", "a", "c")


def test_venues_when_one_claims_the_symbol_then_it_is_first_for_that_symbol_alone() -> None:
    claiming = config(plan("one"), plan("two", claims=(BTC,)))
    assert venues_for(claiming, BTC) == ("two", "one")
    assert venues_for(config(*TWO), BTC) == ("one", "two")


@pytest.mark.parametrize(("named", "found"), [("two", ("two",)), ("kraken", ("two",)), ("okx", ())])
def test_venues_when_an_exchange_is_named_then_it_or_nowhere(named: str, found: tuple[str, ...]) -> None:
    assert venues_for(config(*TWO), BTC, named) == found


def test_venues_when_two_are_the_same_exchange_then_its_name_means_both_and_each_name_one() -> None:
    twins = config(plan("main", "binance"), plan("sub", "binance"))
    assert venues_for(twins, BTC, "binance") == ("main", "sub")
    assert venues_for(twins, BTC, "sub") == ("sub",)


def test_venues_when_a_venue_does_not_trade_the_symbol_then_it_is_left_out() -> None:
    lacking = VenuePlan("two", "kraken", True, {ETH: rules()})
    assert venues_for(config(TWO[0], lacking), ETH) == ("two",)
    assert venues_for(config(TWO[0], lacking), ETH, "one") == ()


def test_best_price_when_the_fee_outweighs_the_price_then_the_dearer_quote_wins() -> None:
    fees = config(plan("one", fee="0.004"), plan("two", fee="0.001"))
    quotes = {"one": quote("99.9", "100"), "two": quote("99.8", "100.2")}
    assert by_price(fees, ("one", "two"), BTC, Side.BUY, quotes, NOW_MS) == ("two", "one")
    assert by_price(fees, ("one", "two"), BTC, Side.SELL, quotes, NOW_MS) == ("two", "one")
    assert by_price(config(*TWO), ("one", "two"), BTC, Side.BUY, quotes, NOW_MS) == ("one", "two")


def test_best_price_when_a_quote_is_stale_then_its_venue_comes_after_those_with_a_fresh_one() -> None:
    quotes = {"one": quote("200", "50", QUOTE_AGE_MS + 1), "two": quote("99", "101")}
    assert by_price(config(*TWO), ("one", "two"), BTC, Side.BUY, quotes, NOW_MS) == ("two", "one")
    assert by_price(config(*TWO), ("one", "two"), BTC, Side.SELL, quotes, NOW_MS) == ("two", "one")
    quotes["one"] = quote("200", "50", QUOTE_AGE_MS)
    assert by_price(config(*TWO), ("two", "one"), BTC, Side.BUY, quotes, NOW_MS) == ("one", "two")


def test_best_price_when_nobody_tells_one_then_the_preferred_stays_first() -> None:
    assert by_price(config(*TWO), ("two", "one"), BTC, Side.BUY, {}, NOW_MS) == ("two", "one")


@pytest.mark.parametrize("kind", [kind for kind in OrderType if kind is not OrderType.MARKET])
def test_route_when_the_order_names_its_price_then_the_best_price_does_not_count(kind: OrderType) -> None:
    quotes = {"two": quote("100", "50"), "one": quote("90", "100")}
    assert route(config(*TWO), BTC, Side.BUY, kind, "", quotes, NOW_MS) == ("one",)


def test_route_when_it_buys_then_others_are_tried_for_the_best_price_alone() -> None:
    quotes = {"two": quote("100", "50"), "one": quote("90", "100")}
    assert route(config(*TWO), BTC, Side.BUY, OrderType.MARKET, "", quotes, NOW_MS) == ("two", "one")
    plain = config(*TWO, best_price=False)
    assert route(plain, BTC, Side.BUY, OrderType.MARKET, "", quotes, NOW_MS) == ("one",)


def test_route_when_it_sells_then_every_venue_that_may_hold_some_is_tried() -> None:
    plain = config(*TWO, best_price=False)
    assert route(plain, BTC, Side.SELL, OrderType.LIMIT, "", {}, NOW_MS) == ("one", "two")
    assert route(plain, BTC, Side.SELL, OrderType.LIMIT, "two", {}, NOW_MS) == ("two",)


prices = st.decimals(Decimal("0.01"), Decimal(1_000), places=2)


@given(
    st.lists(st.tuples(prices, prices, st.integers(0, 2 * QUOTE_AGE_MS)), min_size=1, max_size=5),
    st.sampled_from(list(Side)),
)
def test_best_price_when_quotes_are_any_then_no_venue_is_lost_and_none_beats_the_first(
    told: list[tuple[Decimal, Decimal, int]], side: Side
) -> None:
    names = tuple(f"v{i}" for i in range(len(told)))
    quotes = {n: {BTC: Quote(b, a, NOW_MS - age)} for n, (b, a, age) in zip(names, told, strict=True)}
    found = by_price(config(*(plan(n) for n in names)), names, BTC, side, quotes, NOW_MS)
    assert sorted(found) == sorted(names)
    fresh = [q[BTC] for q in quotes.values() if NOW_MS - q[BTC].ts_ms <= QUOTE_AGE_MS]
    if fresh:
        best = quotes[found[0]][BTC]
        assert best in fresh
        assert best.ask == min(q.ask for q in fresh) if side is Side.BUY else best.bid == max(q.bid for q in fresh)
