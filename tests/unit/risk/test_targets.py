"""From a share of equity to an order: towards it, within the caps, and never for less than the band."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fks_actors.model.account import Account, Position
from fks_actors.model.orders import Approved, Denied, Side
from fks_actors.model.records import Proposal
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.messages import RiskRequest, RiskState, Unneeded
from tests.unit.risk.cases import BTC, ETH, T0, approved, codes, propose, ruled, start, step

OPEN = RiskConfig(
    per_trade_pct=Decimal(100), max_gross_exposure_pct=Decimal(100), reservation_buffer_pct=Decimal("0.1")
)


def wants(target: str | Decimal, n: int = 0, **figures: object) -> Proposal:
    """A lone strategy's proposal, as its verdict makes it."""
    share = Decimal(target)
    return propose(Side.BUY if share > 0 else Side.SELL, n, target=share, strength=share or Decimal(1), **figures)


def unneeded(state: RiskState, target: str, config: RiskConfig = OPEN) -> str:
    _, reply = ruled(state, wants(target), config=config)
    ruling = reply.rulings[0]
    assert isinstance(ruling, Unneeded), ruling
    return ruling.reason


@pytest.mark.parametrize(
    ("cash", "btc", "target", "side", "quantity"),
    [
        ("10000", "0", "1", Side.BUY, "99.9000999"),  # equity / 1.001
        ("10000", "0", "0.5", Side.BUY, "50"),
        ("10000", "0", "0.005", Side.BUY, "0.5"),  # the first purchase may be smaller than the band
        ("5000", "50", "0.75", Side.BUY, "25"),
        ("5000", "50", "0.25", Side.SELL, "25"),
        ("5000", "50", "0", Side.SELL, "50"),
        ("0", "100", "0.98", Side.SELL, "2"),
    ],
)
def test_rule_when_a_target_is_wanted_then_the_order_leads_there(
    cash: str, btc: str, target: str, side: Side, quantity: str
) -> None:
    intent = approved(start(cash, btc), wants(target), OPEN)[1].intent
    assert (intent.side, intent.quantity) == (side, Decimal(quantity).quantize(Decimal("0.00001"), "ROUND_DOWN"))


@pytest.mark.parametrize(
    ("cash", "btc", "target", "reason"),
    [
        ("5000", "50", "0.5", "position_held"),
        ("5000", "50", "0.509", "position_held"),
        ("5000", "50", "0.491", "position_held"),
        ("0", "100", "1", "position_held"),
        ("10", "99.9", "1", "position_held"),  # what is left is no more than the band
        ("10000", "0", "0", "no_position"),
    ],
)
def test_rule_when_the_holding_lies_within_the_band_then_nothing_is_needed(
    cash: str, btc: str, target: str, reason: str
) -> None:
    assert unneeded(start(cash, btc), target) == reason


def test_rule_when_the_band_is_nothing_then_every_step_is_traded() -> None:
    none = OPEN.model_copy(update={"rebalance_band_pct": Decimal(0)})
    assert approved(start("5000", "50"), wants("0.501"), none)[1].intent.quantity == Decimal("0.1")
    assert approved(start("5000", "50"), wants("0.499"), none)[1].intent.side is Side.SELL


def test_rule_when_one_trades_cap_is_small_then_the_target_is_reached_step_by_step() -> None:
    state, bought = start(), []
    for n in range(30):
        state, reply = ruled(state, wants("1", n))
        ruling = reply.rulings[0]
        if isinstance(ruling, Unneeded):
            assert ruling.reason == "position_held"
            break
        assert isinstance(ruling, Approved), ruling
        quantity = ruling.intent.quantity
        bought.append(quantity)
        account = state.accounts["paper"]
        held = account.position(BTC).quantity + quantity
        after = Account(account.cash - quantity * 100, {BTC: Position(BTC, held, Decimal(100))})
        state = RiskState({"paper": after}, marks=state.marks, peak_equity=state.peak_equity)
    assert bought[0] == Decimal(5)
    assert len(bought) == 12
    assert Decimal(59) < sum(bought) <= Decimal(60)


def test_rule_when_two_symbols_share_the_equity_then_both_get_their_part() -> None:
    state, _ = step(start(), RiskRequest(T0, {ETH: Decimal(10)}), OPEN)
    _, reply = ruled(state, wants("0.5", 0), wants("0.5", 1, symbol=ETH, market_price=Decimal(10)), config=OPEN)
    one, other = reply.rulings
    assert isinstance(one, Approved)
    assert isinstance(other, Approved)
    assert one.intent.quantity == Decimal(50)
    assert Decimal(499) < other.intent.quantity < Decimal(500)  # what the other's reservation leaves


def test_rule_when_there_is_no_room_then_the_limit_says_so() -> None:
    state, _ = step(start("4000", "60"), RiskRequest(T0, {ETH: Decimal(10)}))
    assert codes(state, wants("0.5", symbol=ETH, market_price=Decimal(10))) == ["gross_exposure"]


def test_rule_when_an_order_works_then_another_waits() -> None:
    buying, _ = approved(start(), wants("0.3"), OPEN)
    assert unneeded_next(buying, "0.6") == "buy_pending"
    selling, _ = approved(start("5000", "50"), wants("0.3"), OPEN)
    assert unneeded_next(selling, "0.8") == "sell_pending"


def unneeded_next(state: RiskState, target: str) -> str:
    _, reply = ruled(state, wants(target, 7), config=OPEN)
    ruling = reply.rulings[0]
    assert isinstance(ruling, Unneeded), ruling
    return ruling.reason


def test_rule_when_only_less_exposure_is_allowed_then_a_target_below_the_holding_is_still_sold() -> None:
    reducing = RiskConfig(drawdown_reducing_pct=Decimal(1), drawdown_halt_pct=Decimal(99))
    state, _ = step(start("5000", "50"), RiskRequest(T0, {BTC: Decimal(90)}), reducing)
    after, reply = step(state, RiskRequest(T0, proposals=(wants("0.2"),)), reducing)
    assert isinstance(reply.rulings[0], Approved)
    assert reply.rulings[0].intent.side is Side.SELL
    _, reply = step(state, RiskRequest(T0, proposals=(wants("0.9", 1),)), reducing)
    assert isinstance(reply.rulings[0], Denied)
    assert after.trading == "reducing"


def test_rule_when_the_target_is_no_number_then_denied() -> None:
    assert codes(start(), propose(target=Decimal("NaN"))) == ["figure_out_of_range"]


@given(
    cash=st.decimals(0, 100_000, places=2),
    btc=st.decimals(0, 1_000, places=5),
    target=st.decimals("0.001", 1, places=3),
    trade=st.decimals(1, 100, places=1),
    gross=st.decimals(1, 100, places=1),
    band=st.decimals(0, 10, places=2),
)
def test_rule_when_any_target_is_wanted_then_the_order_never_passes_it_nor_a_cap(
    cash: Decimal, btc: Decimal, target: Decimal, trade: Decimal, gross: Decimal, band: Decimal
) -> None:
    price, equity = Decimal(100), cash + btc * 100
    assume(equity > 100)
    config = RiskConfig(per_trade_pct=trade, max_gross_exposure_pct=gross, rebalance_band_pct=band)
    _, reply = ruled(start(str(cash), str(btc)), wants(target), config=config)
    ruling = reply.rulings[0]
    above = btc * price - equity * target
    if isinstance(ruling, Unneeded):
        room = min(equity * gross / 100 - btc * price, cash) / config.reserve_factor
        tiny = abs(above) < 10
        assert tiny or abs(above) <= equity * band / 100 or (above < 0 and room <= equity * band / 100)
    elif isinstance(ruling, Approved):
        traded = ruling.intent.quantity * price
        assert traded <= abs(above)
        assert (ruling.intent.side is Side.SELL) == (above > 0)
        if ruling.intent.side is Side.BUY:
            assert traded <= equity * trade / 100
            assert btc * price + traded * config.reserve_factor <= equity * gross / 100
            assert traded * config.reserve_factor <= cash
        else:
            assert above > equity * band / 100
    else:
        assert {reason.code for reason in ruling.reasons} <= {
            "gross_exposure", "insufficient_cash", "min_notional", "min_quantity", "zero_quantity",
        }  # fmt: skip
