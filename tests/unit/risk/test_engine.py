from decimal import Decimal

import pytest

from fks_actors.errors import InvariantError
from fks_actors.model.orders import ZERO, Approved, Denied, OrderStatus, OrderType, OrderUpdate, Side
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.messages import RiskRequest, Unneeded
from tests.unit.risk.cases import BTC, CONFIG, ETH, T0, approved, codes, fill, propose, ruled, signal, start, step


def test_buy_verdict_when_flat_then_takes_its_share_of_equity_and_reserves_with_buffer() -> None:
    after, ruling = approved(start(), propose(strength=Decimal("0.6")))
    assert ruling.intent.quantity == Decimal(3)
    assert ruling.reserved_quote == Decimal("301.5")
    assert after.reservations["fks-0"].quote == Decimal("301.5")
    assert after.account.cash == Decimal(10000)


def test_buy_verdict_when_price_does_not_divide_then_floors_to_the_step() -> None:
    _, ruling = approved(start(price="333.33"), propose())
    assert ruling.intent.quantity == Decimal("1.50001")
    assert ruling.intent.market_price == Decimal("333.33")


@pytest.mark.parametrize(("side", "btc", "reason"), [(Side.BUY, "1", "position_held"), (Side.SELL, "0", "no_position")])
def test_verdict_when_it_asks_for_nothing_new_then_is_unneeded(side: Side, btc: str, reason: str) -> None:
    proposal = propose(side)
    _, reply = ruled(start(btc=btc), proposal)
    assert reply.rulings == (Unneeded(proposal, reason),)


def test_verdicts_when_one_is_already_working_then_the_next_is_unneeded() -> None:
    _, reply = ruled(start(), propose(n=0), propose(n=1))
    assert isinstance(reply.rulings[0], Approved)
    assert isinstance(reply.rulings[1], Unneeded)
    assert reply.rulings[1].reason == "buy_pending"
    _, reply = ruled(start(btc="1"), propose(Side.SELL, 0), propose(Side.SELL, 1))
    assert isinstance(reply.rulings[1], Unneeded)
    assert reply.rulings[1].reason == "sell_pending"


def test_verdict_when_only_dust_is_held_then_it_counts_as_flat() -> None:
    state = start(btc="0.01")
    approved(state, propose())
    _, reply = ruled(state, propose(Side.SELL))
    assert isinstance(reply.rulings[0], Unneeded)


def test_sell_verdict_when_held_then_sells_the_whole_unreserved_position() -> None:
    state, first = approved(start(btc="2"), signal(Side.SELL, 0, quantity=Decimal("0.5")))
    assert first.reserved_quote == ZERO
    _, second = approved(state, propose(Side.SELL, 1))
    assert second.intent.quantity == Decimal("1.5")


def test_all_in_verdict_when_the_account_is_empty_then_leaves_room_for_its_own_buffer() -> None:
    config = RiskConfig(per_trade_pct=Decimal(100), max_gross_exposure_pct=Decimal(100))
    _, ruling = approved(start(), propose(), config)
    assert Decimal("9999") < ruling.reserved_quote <= Decimal(10000)


def test_signal_when_it_names_no_quantity_then_confidence_scales_the_cap() -> None:
    _, ruling = approved(start(btc="1"), signal(sizing="fixed_pct", strength=Decimal("0.8")))
    assert ruling.intent.quantity == Decimal("4.04")
    _, sold = approved(start(btc="1"), signal(Side.SELL))
    assert sold.intent.quantity == Decimal(1)


@pytest.mark.parametrize(
    ("figures", "code"),
    [
        ({"quantity": Decimal("5.001")}, "per_trade_cap"),
        ({"quantity": Decimal("0.000001")}, "zero_quantity"),
        ({"quantity": Decimal(-1)}, "zero_quantity"),
        ({"quantity": Decimal("0.01")}, "min_notional"),
        ({"quantity": Decimal(1), "symbol": "XRP/USDT"}, "symbol_unknown"),
        ({"quantity": Decimal(1), "symbol": ETH, "market_price": ZERO}, "no_market_price"),
        ({"quantity": Decimal(1), "order_type": OrderType.LIMIT, "limit_price": Decimal("110.01")}, "price_deviation"),
        (
            {"quantity": Decimal(1), "order_type": OrderType.STOP_LOSS, "stop_price": Decimal("89.99")},
            "price_deviation",
        ),
        ({"quantity": Decimal(1), "order_type": OrderType.LIMIT}, "price_required"),
        ({"sizing": "martingale"}, "sizing_unknown"),
        ({"side": Side.SELL, "quantity": Decimal(1)}, "insufficient_position"),
    ],
)
def test_signal_when_one_limit_is_broken_then_is_denied_with_its_code(figures: dict[str, object], code: str) -> None:
    assert code in codes(start(), signal(**figures))


def test_signal_when_at_the_cap_then_is_approved() -> None:
    assert codes(start(), signal(quantity=Decimal(5))) == []


def test_signal_when_many_limits_are_broken_then_all_are_listed_with_value_and_limit() -> None:
    proposal = signal(quantity=Decimal(200), order_type=OrderType.LIMIT, limit_price=Decimal(120))
    _, reply = ruled(start(), proposal)
    denied = reply.rulings[0]
    assert isinstance(denied, Denied)
    found = {r.code: (r.value, r.limit) for r in denied.reasons}
    assert found == {
        "price_deviation": ("20", "10"),
        "per_trade_cap": ("24000", "500"),
        "gross_exposure": ("24120", "6000"),
        "insufficient_cash": ("24120", "10000"),
    }


def test_orders_when_each_alone_would_fit_then_reservations_count_against_the_next() -> None:
    config = RiskConfig(per_trade_pct=Decimal(40), reservation_buffer_pct=ZERO)
    orders = tuple(signal(n=n, quantity=Decimal(35)) for n in range(2))
    _, reply = ruled(start(), *orders, config=config)
    first, second = reply.rulings
    assert isinstance(first, Approved)
    assert isinstance(second, Denied)
    assert [r.code for r in second.reasons] == ["gross_exposure"]


def test_orders_when_cash_is_short_then_insufficient_cash_speaks() -> None:
    config = RiskConfig(per_trade_pct=Decimal(100), max_gross_exposure_pct=Decimal(100))
    assert codes(start(cash="100", btc="1"), signal(quantity=Decimal("1.5")), config) == [
        "gross_exposure",
        "insufficient_cash",
    ]


def test_orders_when_more_than_a_minute_allows_then_the_rest_is_denied_until_the_minute_is_over() -> None:
    config = RiskConfig(orders_per_minute=2)
    state, reply = ruled(start(), *(signal(n=n, quantity=Decimal(1)) for n in range(3)), config=config)
    assert isinstance(reply.rulings[2], Denied)
    assert [r.code for r in reply.rulings[2].reasons] == ["orders_per_minute"]
    _, later = step(state, RiskRequest(T0 + 60_000, proposals=(signal(n=3, quantity=Decimal(1)),)), config)
    assert isinstance(later.rulings[0], Approved)


def test_limit_prices_when_off_the_tick_then_are_rounded_in_the_owners_favour() -> None:
    limit = {"order_type": OrderType.LIMIT, "limit_price": Decimal("99.999"), "quantity": Decimal(1)}
    _, bought = approved(start(), signal(**limit))
    _, sold = approved(start(btc="1"), signal(Side.SELL, **limit))
    assert bought.intent.limit_price == Decimal("99.99")
    assert sold.intent.limit_price == Decimal("100.00")


def test_fills_when_partial_then_shrink_the_reservation_in_proportion_and_full_ends_it() -> None:
    state, ruling = approved(start(), propose())
    quarter = ruling.intent.quantity / 4
    state, _ = step(state, RiskRequest(T0 + 1, events=(fill(ruling, quarter),)))
    assert state.reservations["fks-0"].quote == ruling.reserved_quote * 3 / 4
    state, _ = step(state, RiskRequest(T0 + 2, events=(fill(ruling, quarter * 3, n=2),)))
    assert state.reservations == {}
    assert state.account.position(BTC).quantity == ruling.intent.quantity


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED])
def test_terminal_update_when_order_is_unfinished_then_releases_its_reservation(status: OrderStatus) -> None:
    state, ruling = approved(start(), propose())
    state, _ = step(state, RiskRequest(T0 + 1, events=(OrderUpdate("fks-0", status, T0 + 1),)))
    assert state.reservations == {}
    late, _ = step(state, RiskRequest(T0 + 2, events=(fill(ruling, Decimal(1)),)))
    assert late.account.position(BTC).quantity == Decimal(1)


def test_filled_update_when_its_trades_are_still_to_come_then_keeps_the_reservation() -> None:
    state, _ = approved(start(), propose())
    state, _ = step(state, RiskRequest(T0 + 1, events=(OrderUpdate("fks-0", OrderStatus.FILLED, T0 + 1),)))
    assert "fks-0" in state.reservations


def test_proposal_when_its_id_is_still_reserved_then_raises() -> None:
    state, _ = approved(start(), signal(quantity=Decimal(1)))
    with pytest.raises(InvariantError, match="fks-0"):
        ruled(state, signal(quantity=Decimal(1)))


def test_rule_when_repeated_then_gives_the_same_answer_and_leaves_its_input() -> None:
    state = start(btc="2")
    request = RiskRequest(T0 + 5, {BTC: Decimal(99)}, proposals=(signal(quantity=Decimal(1)), propose(Side.SELL, 1)))
    assert step(state, request) == step(state, request)
    assert state == start(btc="2")


def test_strength_when_above_one_then_widens_nothing() -> None:
    _, ruling = approved(start(), propose(strength=Decimal(9)), CONFIG)
    assert ruling.intent.quantity == Decimal(5)
