"""Several venues, orders that are not the desk's, and pairs of which one cancels the other."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from fks_actors.model.account import Account, Position
from fks_actors.model.orders import (
    ZERO,
    Approved,
    Denied,
    Fill,
    Liquidity,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Origin,
    Side,
)
from fks_actors.model.records import TradingState
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.messages import RiskRequest, RiskState, Unneeded
from tests.unit.risk.cases import BTC, T0, approved, codes, fill, propose, ruled, signal, start, step

ONE, TWO = Decimal(1), Decimal(2)


def two_venues(paper: str = "1000", binance: str = "9000", btc: str = "0") -> RiskState:
    """Cash at both; `btc` lies at binance."""
    held = {BTC: Position(BTC, Decimal(btc), Decimal(100))} if Decimal(btc) else {}
    accounts = {"paper": Account(Decimal(paper)), "binance": Account(Decimal(binance), held)}
    return step(RiskState(accounts), RiskRequest(T0, {BTC: Decimal(100)}))[0]


def external(side: Side, quantity: str, price: str = "100", venue: str = "paper") -> Fill:
    figures = Decimal(price), Decimal(quantity), ZERO
    return Fill(f"x-{quantity}", "theirs", venue, BTC, side, *figures, Liquidity.TAKER, T0)


def test_buy_when_its_venue_lacks_the_cash_then_another_venues_does_not_help() -> None:
    config = RiskConfig(per_trade_pct=Decimal(50))
    state = two_venues()
    assert codes(state, signal(quantity=Decimal(11)), config) == ["insufficient_cash"]
    assert codes(state, signal(quantity=Decimal(11), venue="binance"), config) == []


def test_buy_when_another_venue_holds_exposure_then_the_caps_count_it() -> None:
    config = RiskConfig(per_trade_pct=Decimal(20))
    state = two_venues(paper="3000", binance="2000", btc="50")
    assert codes(state, signal(quantity=Decimal(10)), config) == ["gross_exposure"]
    assert codes(state, signal(quantity=Decimal("9.9")), config) == []
    assert "per_trade_cap" in codes(state, signal(quantity=Decimal(21)), config)


def test_buy_when_orders_are_unfinished_then_their_cash_is_held_at_their_venue_and_their_exposure_everywhere() -> None:
    config = RiskConfig(per_trade_pct=Decimal(50), reservation_buffer_pct=ZERO)
    state, _ = approved(two_venues(), signal(n=1, quantity=Decimal(6)), config)
    assert codes(state, signal(quantity=Decimal(5)), config) == ["insufficient_cash"]
    assert codes(state, signal(quantity=Decimal(5), venue="binance"), config) == []
    state, _ = approved(state, signal(n=2, quantity=Decimal(50), venue="binance"), config)
    assert codes(state, signal(quantity=Decimal("3.9")), config) == []
    assert codes(state, signal(quantity=Decimal("4.1"), venue="binance"), config) == ["gross_exposure"]
    assert "gross_exposure" in codes(state, signal(quantity=Decimal("4.1")), config)


def test_sell_when_the_position_lies_at_another_venue_then_is_refused() -> None:
    state = two_venues(btc="3")
    assert codes(state, signal(Side.SELL, quantity=ONE)) == ["insufficient_position"]
    assert codes(state, signal(Side.SELL, quantity=ONE, venue="binance")) == []


def test_verdict_when_another_venue_holds_or_buys_the_symbol_then_buys_no_second_position() -> None:
    _, reply = ruled(two_venues(btc="3"), propose())
    assert isinstance(reply.rulings[0], Unneeded)
    state, _ = approved(two_venues(), propose(n=1, venue="binance"))
    _, reply = ruled(state, propose(n=2))
    assert isinstance(reply.rulings[0], Unneeded)
    assert reply.rulings[0].reason == "buy_pending"


@pytest.mark.parametrize("venue", ["kraken", ""])
def test_order_when_its_venue_is_unknown_then_is_refused(venue: str) -> None:
    assert codes(two_venues(), signal(quantity=ONE, venue=venue)) == ["venue_unknown"]


def test_fill_when_it_comes_from_a_venue_then_moves_that_account_alone() -> None:
    state, ruling = approved(two_venues(), signal(quantity=TWO, venue="binance"))
    after, reply = step(state, RiskRequest(T0, events=(fill(ruling),)))
    assert after.accounts["paper"] == state.accounts["paper"]
    assert after.accounts["binance"].cash == Decimal("8799.8")
    assert after.account.position(BTC).quantity == TWO
    assert (reply.equity.cash, reply.equity.fees) == (Decimal("9799.8"), Decimal("0.2"))


def test_fill_when_a_fee_in_base_was_taken_then_the_sale_of_all_asks_for_no_more_than_is_there() -> None:
    state, ruling = approved(start(), signal(quantity=Decimal("0.77777")))
    state, _ = step(state, RiskRequest(T0, events=(fill(ruling, fee_asset="BTC"),)))
    assert state.account.position(BTC).quantity == Decimal("0.77699223")
    _, sold = approved(state, propose(Side.SELL, 1))
    assert sold.intent.quantity == Decimal("0.77699")


def test_external_trades_when_beyond_what_the_desk_has_then_are_booked_and_never_raise() -> None:
    state = start(btc="1")
    request = RiskRequest(T0, events=(external(Side.SELL, "3"),), external=frozenset({"theirs"}))
    after, _ = step(state, request)
    assert after.account.position(BTC).quantity == ZERO
    assert after.account.cash == Decimal(10300)
    mine, reply = step(state, RiskRequest(T0, events=(external(Side.SELL, "3"),)))
    assert mine.account == after.account
    assert [(c.state, c.by) for c in reply.changes] == [(TradingState.HALTED, "books")]
    unknown = RiskRequest(T0, events=(external(Side.BUY, "3", venue="okx"),), external=frozenset({"theirs"}))
    assert step(state, unknown)[0].accounts["okx"].position(BTC).quantity == Decimal(3)


def test_sale_when_it_is_told_before_the_purchase_that_it_sold_then_both_are_booked() -> None:
    state, ruling = approved(start(), signal(n=5, quantity=ONE))
    sale = external(Side.SELL, "1")
    request = RiskRequest(T0, events=(sale, fill(ruling, ONE)), external=frozenset({"theirs"}))
    after, reply = step(state, request)
    turned, _ = step(state, replace(request, events=(fill(ruling, ONE), sale)))
    assert after.account == turned.account
    assert after.account.position(BTC).quantity == ZERO
    assert not reply.changes


def test_external_sale_when_it_takes_what_a_sell_holds_then_that_sell_holds_less_and_its_trades_still_count() -> None:
    state, ruling = approved(start(btc="2"), signal(Side.SELL, quantity=TWO))
    sale = RiskRequest(T0, events=(external(Side.SELL, "1.5"),), external=frozenset({"theirs"}))
    state, _ = step(state, sale)
    assert (state.reservations["fks-0"].base, state.reservations["fks-0"].left) == (Decimal("0.5"), TWO)
    assert codes(state, signal(Side.SELL, 1, quantity=Decimal("0.1"))) == ["insufficient_position"]
    for n in (1, 2):
        state, _ = step(state, RiskRequest(T0, events=(fill(ruling, ONE, n=n),)))
    assert (state.account.position(BTC).quantity, state.reservations) == (ZERO, {})


def test_purchase_when_a_sell_lost_what_it_held_then_it_holds_that_again_and_nobody_else_sells_it() -> None:
    state, _ = approved(start(btc="2"), signal(Side.SELL, quantity=TWO))
    sale = RiskRequest(T0, events=(external(Side.SELL, "2"),), external=frozenset({"theirs"}))
    state, _ = step(state, sale)
    assert state.reservations["fks-0"].base == ZERO
    state, bought = approved(state, signal(n=5, quantity=ONE))
    state, _ = step(state, RiskRequest(T0, events=(fill(bought, ONE),)))
    assert state.reservations["fks-0"].base == ONE
    assert codes(state, signal(Side.SELL, 6, quantity=ONE)) == ["insufficient_position"]
    state, _ = step(state, RiskRequest(T0, events=(OrderUpdate("fks-0", OrderStatus.CANCELLED, T0),)))
    assert codes(state, signal(Side.SELL, 7, quantity=ONE)) == []


def leg(n: int, other: int, quantity: Decimal | None = TWO, **figures: object) -> object:
    kind = {"order_type": OrderType.STOP_LOSS, "stop_price": Decimal(95), "origin": Origin.EXIT, **figures}
    return propose(Side.SELL, n, quantity=quantity, oco_id=f"fks-{other}", **kind)


def pair(state: RiskState) -> tuple[RiskState, Approved, Approved]:
    state, reply = ruled(state, leg(0, 1), leg(1, 0, stop_price=Decimal(105), order_type=OrderType.TAKE_PROFIT))
    one, two = reply.rulings
    assert isinstance(one, Approved)
    assert isinstance(two, Approved)
    return state, one, two


def test_pair_when_both_legs_name_each_other_then_they_hold_the_position_once() -> None:
    state, _, _ = pair(start(btc="3"))
    assert codes(state, signal(Side.SELL, 2, quantity=ONE)) == []
    assert codes(state, signal(Side.SELL, 2, quantity=Decimal("1.1"))) == ["insufficient_position"]


@pytest.mark.parametrize("bad", [0, 1])
def test_pair_when_one_leg_is_refused_then_neither_is_approved_and_nothing_is_held(bad: int) -> None:
    legs = [leg(0, 1, origin=Origin.SIGNAL), leg(1, 0, origin=Origin.SIGNAL)]
    legs[bad] = leg(bad, 1 - bad, origin=Origin.SIGNAL, stop_price=Decimal(1))
    state, reply = ruled(start(btc="3"), *legs)
    assert all(isinstance(ruling, Denied) for ruling in reply.rulings)
    assert not state.reservations
    assert not state.approvals_ms
    assert [r.code for r in reply.rulings[1 - bad].reasons] == ["pair"]


def test_pair_when_a_fee_in_base_took_part_of_the_entry_then_both_legs_sell_what_is_there() -> None:
    bought = Decimal("0.77777")
    state, ruling = approved(start(), signal(n=5, quantity=bought))
    state, _ = step(state, RiskRequest(T0, events=(fill(ruling, fee_asset="BTC"),)))
    state, one = approved(state, leg(0, 1, bought))
    _, two = approved(state, leg(1, 0, bought))
    assert one.intent.quantity == two.intent.quantity == Decimal("0.77699")


def test_pair_when_the_second_leg_is_smaller_then_they_hold_the_larger() -> None:
    state, _ = approved(start(btc="3"), leg(1, 0))
    state, _ = approved(state, leg(0, 1, ONE))
    assert codes(state, signal(Side.SELL, 2, quantity=Decimal("1.1"))) == ["insufficient_position"]


def test_pair_when_a_leg_names_no_quantity_then_takes_the_other_legs() -> None:
    state, _ = approved(start(btc="3"), leg(0, 1))
    assert approved(state, leg(1, 0, None))[1].intent.quantity == TWO


@pytest.mark.parametrize(
    "figures", [{"quantity": Decimal("2.1")}, {"other": 7}, {"other": 0, "venue": "binance"}, {"n": 2}]
)
def test_second_leg_when_it_asks_for_more_or_is_not_the_one_named_then_has_no_share(figures: dict[str, object]) -> None:
    state, _ = approved(start(btc="2"), leg(0, 1))
    state = state.with_venues({"binance": ONE})
    given = {"n": 1, "other": 0, "origin": Origin.SIGNAL, **figures}
    assert "insufficient_position" in codes(state, leg(**given))


@pytest.mark.parametrize(("held", "sold"), [("3", "2"), ("2", "2"), ("1.5", "1.5"), ("0", None)])
def test_exit_when_less_is_held_than_it_is_for_then_it_sells_what_is_there(held: str, sold: str | None) -> None:
    _, reply = ruled(start(btc=held), leg(0, 1), leg(1, 0))
    for ruling in reply.rulings:
        if sold is None:
            assert isinstance(ruling, Unneeded)
        else:
            assert isinstance(ruling, Approved)
            assert ruling.intent.quantity == Decimal(sold)


def test_pair_when_one_trades_in_part_then_both_hold_the_rest_and_the_end_of_one_leaves_the_others() -> None:
    state, one, two = pair(start(btc="3"))
    state, _ = step(state, RiskRequest(T0, events=(fill(one, Decimal("0.5")),)))
    assert {k: r.base for k, r in state.reservations.items()} == dict.fromkeys(("fks-0", "fks-1"), Decimal("1.5"))
    state, _ = step(state, RiskRequest(T0, events=(OrderUpdate("fks-0", OrderStatus.CANCELLED, T0),)))
    assert codes(state, signal(Side.SELL, 2, quantity=Decimal("1.1"))) == ["insufficient_position"]
    state, _ = step(state, RiskRequest(T0, events=(fill(two, Decimal("1.5")),)))
    assert state.account.position(BTC).quantity == ONE
    assert codes(state, signal(Side.SELL, 2, quantity=ONE)) == []


def test_pair_when_one_trades_whole_then_the_other_holds_nothing_until_it_ends() -> None:
    state, one, two = pair(start(btc="2"))
    state, _ = step(state, RiskRequest(T0, events=(fill(one),)))
    assert {k: r.base for k, r in state.reservations.items()} == {"fks-1": ZERO}
    raced, _ = step(state, RiskRequest(T0, events=(fill(two),)))
    assert (raced.account.position(BTC).quantity, raced.reservations) == (ZERO, {})
    state, _ = step(state, RiskRequest(T0, events=(OrderUpdate("fks-1", OrderStatus.CANCELLED, T0),)))
    assert state.reservations == {}


def test_venue_when_it_is_new_then_its_cash_is_capital_and_no_profit() -> None:
    state = start().with_venues({"paper": ONE, "binance": Decimal(5000)})
    assert (state.accounts["paper"].cash, state.accounts["binance"].cash) == (Decimal(10000), Decimal(5000))
    assert (state.peak_equity, state.day_start_equity) == (Decimal(15000), Decimal(15000))
    assert state.with_venues({"binance": ONE}) is state
    assert RiskState.of({"paper": ONE}).with_venues({"binance": ONE}).peak_equity == ZERO


def test_buy_when_the_first_venue_lacks_the_cash_then_the_next_one_that_has_it_is_chosen() -> None:
    config = RiskConfig(per_trade_pct=Decimal(50))
    state, ruling = approved(two_venues(), signal(quantity=Decimal(11), alternatives=("okx", "binance")), config)
    assert ruling.intent.venue == "binance"
    assert state.reservations["fks-0"].venue == "binance"
    _, ruling = approved(two_venues(), signal(quantity=ONE, alternatives=("binance",)), config)
    assert ruling.intent.venue == "paper"


def test_sell_when_the_first_venue_holds_none_then_it_goes_where_the_position_lies() -> None:
    _, ruling = approved(two_venues(btc="3"), signal(Side.SELL, quantity=ONE, alternatives=("binance",)))
    assert ruling.intent.venue == "binance"


def test_order_when_no_venue_can_then_the_first_ones_reasons_are_given_and_nothing_is_reserved() -> None:
    state, reply = ruled(two_venues(), signal(Side.SELL, quantity=ONE, alternatives=("binance", "okx")))
    assert isinstance(reply.rulings[0], Denied)
    assert (reply.rulings[0].intent.venue, state.reservations) == ("paper", {})


def test_caps_when_they_speak_then_no_other_venue_goes_around_them() -> None:
    config = RiskConfig(per_trade_pct=Decimal(5))
    assert "per_trade_cap" in codes(two_venues(), signal(quantity=Decimal(6), alternatives=("binance",)), config)


def test_pair_when_the_position_lies_elsewhere_then_both_legs_go_there() -> None:
    state = two_venues(btc="3")
    target = {"stop_price": Decimal(105), "order_type": OrderType.TAKE_PROFIT}
    legs = leg(0, 1, alternatives=("binance",)), leg(1, 0, alternatives=("binance",), **target)
    state, reply = ruled(state, *legs)
    assert [r.intent.venue for r in reply.rulings if isinstance(r, Approved)] == ["binance", "binance"]
    assert codes(state, signal(Side.SELL, 2, quantity=ONE, venue="binance")) == []


def test_purchase_when_a_pair_lost_what_it_held_then_it_holds_that_again_once() -> None:
    state, one, _ = pair(start(btc="2"))
    sale = RiskRequest(T0, events=(external(Side.SELL, "1.5"),), external=frozenset({"theirs"}))
    state, _ = step(state, sale)
    state, _ = step(state, RiskRequest(T0, events=(fill(one, Decimal("0.25")),)))
    assert {r.base for r in state.reservations.values()} == {Decimal("0.25")}
    state, bought = approved(state, signal(n=5, quantity=TWO))
    state, _ = step(state, RiskRequest(T0, events=(fill(bought, TWO),)))
    assert {r.base for r in state.reservations.values()} == {Decimal("1.75")}
    assert codes(state, signal(Side.SELL, 6, quantity=Decimal("0.6"))) == ["insufficient_position"]
    assert codes(state, signal(Side.SELL, 6, quantity=Decimal("0.5"))) == []


def test_end_of_a_sell_when_another_lacks_what_it_held_then_that_holds_it() -> None:
    state, _ = approved(start(btc="2"), signal(Side.SELL, 1, quantity=ONE))
    state, _ = approved(state, signal(Side.SELL, 2, quantity=ONE))
    sale = RiskRequest(T0, events=(external(Side.SELL, "1"),), external=frozenset({"theirs"}))
    state, _ = step(state, sale)
    assert [state.reservations[k].base for k in ("fks-1", "fks-2")] == [ONE, ZERO]
    state, _ = step(state, RiskRequest(T0, events=(OrderUpdate("fks-1", OrderStatus.CANCELLED, T0),)))
    assert state.reservations["fks-2"].base == ONE
    assert codes(state, signal(Side.SELL, 6, quantity=ONE)) == ["insufficient_position"]
