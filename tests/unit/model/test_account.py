"""The account agrees with the venue's balances, and no fee makes or loses money."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.errors import InvariantError
from fks_actors.model.account import Account, Position, merged
from fks_actors.model.orders import ZERO, Charge, ChargeKind, Fill, Liquidity, Side

BTC, BNB = "BTC/USDT", "BNB/USDT"
amounts = st.decimals("0.0001", "500", places=4)
prices = st.decimals("0.01", "90000", places=2)
rates = st.decimals("-0.002", "0.01", places=4)


def trade(side: Side, quantity: Decimal, price: Decimal, rate: Decimal = ZERO, asset: str = "") -> Fill:
    """A trade whose fee is `rate` of it, in quote, in base, or in BNB at 500."""
    fee = price * quantity * rate
    taken = {"": ZERO, "USDT": fee, "BTC": quantity * rate, "BNB": fee / 500}[asset]
    return Fill("t", "o", "v", BTC, side, price, quantity, fee, Liquidity.TAKER, 0, asset, taken)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Account, Fill]:
    """An account that holds something, and a trade that it can pay for."""
    held = draw(amounts)
    account = Account(
        Decimal(10**9),
        {BTC: Position(BTC, held, draw(prices)), BNB: Position(BNB, draw(amounts), draw(prices))},
    )
    side = draw(st.sampled_from(Side))
    quantity = draw(amounts) if side is Side.BUY else held / 2
    return account, trade(side, quantity, draw(prices), draw(rates), draw(st.sampled_from(["", "USDT", "BTC"])))


def profit(account: Account, marks: dict[str, Decimal]) -> Decimal:
    """Realised and unrealised together."""
    open_ = sum(((marks[s] - p.entry_price) * p.quantity for s, p in account.positions.items()), ZERO)
    return account.realised() + open_


@given(history=histories(), mark=prices)
def test_applied_when_quote_or_base_pays_the_fee_then_equity_changes_by_it_alone(
    history: tuple[Account, Fill], mark: Decimal
) -> None:
    account, fill = history
    after, marks = account.applied(fill), {BTC: fill.price, BNB: Decimal(500)}
    assert abs(after.equity(marks) - account.equity(marks) + fill.fee) < Decimal("1e-12")
    assert after.fees - account.fees == fill.fee
    later = {BTC: mark, BNB: Decimal(500)}
    earned = profit(after, later) - profit(account, later)
    assert abs(after.equity(later) - account.equity(later) - earned) < Decimal("1e-12")


@given(history=histories(), mark=prices, rate=st.decimals("0.0001", "0.01", places=4))
def test_applied_when_a_held_third_asset_pays_the_fee_then_its_position_shrinks_and_profit_agrees_with_equity(
    history: tuple[Account, Fill], mark: Decimal, rate: Decimal
) -> None:
    account, given_ = history
    fill = trade(given_.side, given_.quantity, given_.price, rate, "BNB")
    after, marks = account.applied(fill), {BTC: mark, BNB: Decimal(480)}
    taken = min(fill.fee_quantity, account.position(BNB).quantity)
    assert after.position(BNB).quantity == account.position(BNB).quantity - taken
    sold = -1 if fill.side is Side.BUY else 1
    assert after.cash == account.cash + sold * fill.price * fill.quantity
    earned = profit(after, marks) - profit(account, marks)
    unpaid = fill.fee * (1 - taken / fill.fee_quantity)
    assert abs(after.equity(marks) - account.equity(marks) - earned - unpaid) < Decimal("1e-9")


def test_applied_when_base_pays_a_buys_fee_then_less_is_held_and_the_entry_price_is_the_price_paid() -> None:
    after = Account(Decimal(1000)).applied(trade(Side.BUY, Decimal(1), Decimal(100), Decimal("0.001"), "BTC"))
    assert after == Account(
        Decimal(900), {BTC: Position(BTC, Decimal("0.999"), Decimal(100), Decimal("-0.1"))}, Decimal("0.1")
    )


def test_applied_when_an_asset_that_is_not_held_pays_the_fee_then_cash_and_position_do_not() -> None:
    after = Account(Decimal(1000)).applied(trade(Side.BUY, Decimal(1), Decimal(100), Decimal("0.001"), "BNB"))
    assert (after.cash, after.position(BTC).quantity) == (Decimal(900), Decimal(1))
    assert (after.fees, after.realised()) == (Decimal("0.1"), Decimal("-0.1"))
    assert after.equity({BTC: Decimal(100)}) == Decimal(1000)


def test_applied_when_more_is_sold_than_held_then_raises_unless_the_order_is_not_the_desks() -> None:
    account = Account(ZERO, {BTC: Position(BTC, Decimal(1), Decimal(60))})
    fill = trade(Side.SELL, Decimal(3), Decimal(100))
    with pytest.raises(InvariantError, match="sells 3 of 1"):
        account.applied(fill)
    after = account.applied(fill, external=True)
    assert after.position(BTC) == Position(BTC, ZERO, ZERO, Decimal(40))
    assert after.cash == Decimal(300)


def test_applied_when_base_pays_a_sells_fee_then_at_most_what_is_left_goes() -> None:
    account = Account(ZERO, {BTC: Position(BTC, Decimal("1.0005"), Decimal(100))})
    after = account.applied(trade(Side.SELL, Decimal(1), Decimal(100), Decimal("0.001"), "BTC"))
    assert after.position(BTC).quantity == ZERO


@given(held=st.lists(st.tuples(amounts, amounts, prices, prices), min_size=1, max_size=4), mark=prices)
def test_merged_when_there_are_several_then_sums_and_profit_are_the_same(
    held: list[tuple[Decimal, Decimal, Decimal, Decimal]], mark: Decimal
) -> None:
    accounts = [
        Account(cash, {BTC: Position(BTC, quantity, entry, earned)}, cash / 7) for cash, quantity, entry, earned in held
    ]
    one, marks = merged(accounts), {BTC: mark}
    assert one.cash == sum(a.cash for a in accounts)
    assert one.position(BTC).quantity == sum(a.position(BTC).quantity for a in accounts)
    assert abs(one.equity(marks) - sum(a.equity(marks) for a in accounts)) < Decimal("1e-12")
    assert abs(profit(one, marks) - sum(profit(a, marks) for a in accounts)) < Decimal("1e-12")
    assert one.realised() == sum(a.realised() for a in accounts)


def test_merged_when_nothing_is_held_then_is_empty() -> None:
    assert merged(()) == Account(ZERO)
    assert merged((Account(ZERO, {BTC: Position(BTC)}), Account(ZERO, {BTC: Position(BTC)}))).position(BTC) == Position(
        BTC
    )


@given(st.lists(st.integers(0, 10**9), max_size=5), st.integers(-(10**9), 10**9))
def test_charged_when_holding_costs_then_equity_falls_by_that_and_nothing_else_moves(
    amounts: list[int], cents: int
) -> None:
    before = account = Account(
        Decimal(cents) / 100, {BTC: Position(BTC, Decimal(2), Decimal(60), Decimal(5))}, Decimal(1)
    )
    for at, amount in enumerate(amounts):
        account = account.charged(Charge(str(at), "paper", BTC, ChargeKind.FUNDING, Decimal(amount) / 100, at))
    costs = Decimal(sum(amounts)) / 100
    assert account.equity({BTC: Decimal(70)}) == before.equity({BTC: Decimal(70)}) - costs
    assert (account.costs, account.fees, account.positions) == (costs, before.fees, before.positions)
    assert account.realised() == before.realised()
    assert merged((account, account)).costs == 2 * costs
