from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.model.orders import ZERO, Approved, Denied, OrderType, Origin, Side
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.sizing import kelly
from tests.unit.risk.cases import CONFIG, approved, codes, propose, ruled, signal, start

WIDE = RiskConfig(per_trade_pct=Decimal(100), max_gross_exposure_pct=Decimal(100))


def quantity(config: RiskConfig = WIDE, origin: Origin = Origin.SIGNAL, **figures: object) -> Decimal:
    """What is bought with 10,000 at 100."""
    return approved(start(), propose(origin=origin, **figures), config)[1].intent.quantity


@pytest.mark.parametrize(
    ("figures", "bought"),
    [
        ({"sizing": "risk", "protect_price": Decimal(95)}, "20"),  # loses 100 over a distance of 5
        ({"sizing": "risk", "protect_price": Decimal(95), "strength": Decimal("0.8")}, "16"),
        ({"sizing": "risk", "protect_price": Decimal("99.99")}, "50"),  # half of Kelly's whole
        ({"sizing": "volatility", "volatility": Decimal("0.04")}, "50"),
        ({"sizing": "volatility", "volatility": Decimal("0.08")}, "25"),
        ({"sizing": "fixed_pct", "strength": Decimal("0.6")}, "10"),  # 60 asked, Kelly (0.6 - 0.4) / 2 allows
    ],
)
def test_buy_when_sized_then_takes_the_formulas_share(figures: dict[str, Any], bought: str) -> None:
    assert quantity(**figures) == Decimal(bought)


@pytest.mark.parametrize(
    "figures",
    [{"sizing": "risk", "protect_price": Decimal("99.99")}, {"sizing": "volatility", "volatility": Decimal("0.001")}],
)
def test_buy_when_its_formula_asks_for_more_than_one_trades_cap_then_gets_the_cap(figures: dict[str, Any]) -> None:
    assert quantity(CONFIG, **figures) == Decimal(5)


@pytest.mark.parametrize(
    ("figures", "code"),
    [
        ({"sizing": "risk"}, "stop_required"),
        ({"sizing": "risk", "protect_price": Decimal(100)}, "stop_required"),
        ({"sizing": "risk", "protect_price": Decimal(101)}, "stop_required"),
        ({"sizing": "risk", "protect_price": Decimal(-1)}, "stop_required"),
        ({"sizing": "volatility"}, "volatility_unknown"),
        ({"sizing": "volatility", "volatility": Decimal("-0.1")}, "volatility_unknown"),
        ({"sizing": "fixed_pct", "strength": Decimal("0.5")}, "no_edge"),
        ({"protect_price": Decimal(90), "target_price": Decimal(99)}, "no_edge"),
        ({"sizing": "martingale"}, "sizing_unknown"),
    ],
)
def test_buy_when_its_sizing_lacks_something_then_is_refused_with_its_code(figures: dict[str, Any], code: str) -> None:
    assert codes(start(), signal(**figures)) == [code]


def test_kelly_when_target_and_stop_are_known_then_counts_with_their_odds() -> None:
    even = {"strength": Decimal("0.4"), "protect_price": Decimal(90), "target_price": Decimal(110)}
    assert codes(start(), signal(**even)) == ["no_edge"]
    assert quantity(**{**even, "target_price": Decimal(130)}) == Decimal(10)  # (0.4 - 0.6 / 3) / 2


@given(p=st.decimals(0, 1, places=3), b=st.decimals("-1", 50, places=2))
def test_kelly_when_asked_for_any_bet_then_is_a_share_and_zero_without_edge(p: Decimal, b: Decimal) -> None:
    share = kelly(p, b)
    assert 0 <= share <= p
    assert (share > 0) == (b > 0 and p * b > 1 - p)


@given(
    sizing=st.sampled_from(["", "fixed_pct", "risk", "volatility"]),
    strength=st.decimals(0, 2, places=3),
    stop=st.none() | st.decimals(1, 120, places=2),
    target=st.none() | st.decimals(1, 300, places=2),
    volatility=st.decimals(0, 2, places=4),
    trade=st.decimals(1, 100, places=1),
    fraction=st.decimals("0.01", 1, places=2),
)
def test_size_when_computed_then_never_passes_one_trades_cap_or_kellys_and_lies_on_the_step(
    sizing: str,
    strength: Decimal,
    stop: Decimal | None,
    target: Decimal | None,
    volatility: Decimal,
    trade: Decimal,
    fraction: Decimal,
) -> None:
    config = RiskConfig(per_trade_pct=trade, kelly_fraction=fraction)
    figures = {"sizing": sizing, "strength": strength, "protect_price": stop, "target_price": target}
    _, reply = ruled(start(), signal(volatility=volatility, **figures), config=config)
    ruling = reply.rulings[0]
    if isinstance(ruling, Approved):
        intent = ruling.intent
        notional = intent.quantity * 100
        assert notional <= Decimal(10000) * trade / 100
        assert notional <= Decimal(10000) * fraction * min(strength, Decimal(1))
        assert intent.quantity % Decimal("0.00001") == 0
        assert ruling.reserved_quote <= Decimal(10000) * config.max_gross_exposure_pct / 100
    else:
        assert isinstance(ruling, Denied)
        no_cap = {"stop_required", "volatility_unknown", "no_edge", "zero_quantity", "min_quantity", "min_notional"}
        assert {r.code for r in ruling.reasons} <= no_cap


def test_verdict_when_nothing_is_configured_then_its_size_knows_no_kelly() -> None:
    assert quantity(CONFIG, Origin.CYCLE, strength=Decimal("0.3")) == Decimal("1.5")


def test_verdict_when_volatility_is_configured_then_is_sized_by_it_under_kelly() -> None:
    config = WIDE.model_copy(update={"sizing": "volatility"})
    sized = {"strength": Decimal("0.6"), "volatility": Decimal("0.2")}
    assert quantity(config, Origin.CYCLE, **sized) == Decimal(6)
    assert quantity(config, Origin.CYCLE, **{**sized, "volatility": Decimal("0.02")}) == Decimal(10)
    assert codes(start(), propose(), config) == ["volatility_unknown"]


def test_sell_when_it_names_a_sizing_then_is_the_whole_position_all_the_same() -> None:
    _, sold = approved(start(btc="1.5"), signal(Side.SELL, sizing="risk"))
    assert sold.intent.quantity == Decimal("1.5")


@pytest.mark.parametrize(("asked", "sold"), [("1", "0.999"), ("1.00003", None), ("0.999", "0.999"), ("0.5", "0.5")])
def test_sell_when_a_fee_in_base_took_its_part_then_sells_what_is_there_and_no_other_excess(
    asked: str, sold: str | None
) -> None:
    state, proposal = start(btc="0.99900"), signal(Side.SELL, quantity=Decimal(asked))
    if sold is None:
        assert codes(state, proposal) == ["insufficient_position"]
    else:
        assert approved(state, proposal)[1].intent.quantity == Decimal(sold)


def test_size_when_a_figure_has_more_digits_than_arithmetic_keeps_then_still_rounds_down() -> None:
    long = Decimal("0.99999999999999999999999999999999999")
    assert approved(start(), signal(quantity=long))[1].intent.quantity == Decimal("0.99999")


def test_stop_entry_when_sized_by_risk_then_counts_from_its_stop() -> None:
    figures = {"order_type": OrderType.STOP_LOSS, "stop_price": Decimal(105), "protect_price": Decimal(100)}
    assert quantity(sizing="risk", **figures) == Decimal(20)


@pytest.mark.parametrize(
    "figures",
    [
        {"kelly_fraction": 0},
        {"kelly_fraction": 2},
        {"risk_per_trade_pct": 0},
        {"target_volatility_pct": 101},
        {"sizing": "all_in"},
    ],
)
def test_config_when_a_sizing_figure_is_out_of_range_then_is_refused(figures: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(figures))):
        RiskConfig.model_validate(figures)


def test_quantity_when_zero_then_nothing_is_sized_in_its_place() -> None:
    assert "zero_quantity" in codes(start(), signal(quantity=ZERO))
