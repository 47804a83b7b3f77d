"""What each kind of order is held to."""

from decimal import Decimal
from typing import Any

import pytest

from fks_actors.errors import InvariantError
from fks_actors.model.orders import ZERO, Approved, Denied, OrderType, Origin, Side
from fks_actors.model.records import ControlRecord, TradingState
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.messages import RiskRequest, RiskState
from tests.unit.risk.cases import BTC, T0, approved, codes, fill, propose, ruled, signal, start, step

ONE = Decimal(1)
ICEBERG = {"order_type": OrderType.ICEBERG, "quantity": ONE, "limit_price": Decimal(99)}
TWAP = {"order_type": OrderType.TWAP, "quantity": ONE, "duration_ms": 60_000}
TRAILING = {"order_type": OrderType.TRAILING_STOP, "quantity": ONE}


def turned(state: RiskState, to: TradingState) -> RiskState:
    return step(state, RiskRequest(T0, control=ControlRecord(T0, to, "operator", "")))[0]


@pytest.mark.parametrize(
    ("figures", "code"),
    [
        ({**ICEBERG, "display_quantity": Decimal("0.1")}, None),
        ({**ICEBERG, "display_quantity": ONE}, None),
        ({**ICEBERG, "display_quantity": Decimal("1.00001")}, "display_quantity"),
        ({**ICEBERG, "display_quantity": Decimal("0.000009")}, "display_quantity"),
        (ICEBERG, "display_quantity"),
        ({**ICEBERG, "display_quantity": ONE, "limit_price": Decimal(89)}, "price_deviation"),
        ({**ICEBERG, "display_quantity": ONE, "limit_price": None}, "price_required"),
        ({**TWAP, "slices": 20}, None),
        ({**TWAP, "slices": 21}, "slice_too_small"),
        ({**TWAP, "slices": 200_000}, "slice_too_small"),
        (TWAP, "slices_required"),
        ({**TWAP, "slices": 2, "duration_ms": 0}, "slices_required"),
        ({**TRAILING, "trail_pct": Decimal(5)}, None),
        ({**TRAILING, "trail_pct": ZERO}, "trail_out_of_range"),
        ({**TRAILING, "trail_pct": Decimal(100)}, "trail_out_of_range"),
        ({**TRAILING, "trail_pct": Decimal(-3)}, "trail_out_of_range"),
        (TRAILING, "trail_out_of_range"),
        ({"quantity": ONE, "order_type": OrderType.TAKE_PROFIT, "stop_price": Decimal(111)}, "price_deviation"),
    ],
)
def test_order_when_its_kind_asks_for_something_then_is_held_to_it(figures: dict[str, Any], code: str | None) -> None:
    found = codes(start(), signal(**figures))
    assert set(found) == ({code} if code else set())


def test_approval_when_the_kind_has_figures_then_the_intent_carries_them() -> None:
    _, shown = approved(start(), signal(**ICEBERG, display_quantity=Decimal("0.123456"), oco_id="other"))
    assert (shown.intent.display_quantity, shown.intent.oco_id) == (Decimal("0.12345"), "other")
    _, sliced = approved(start(), signal(**TWAP, slices=7))
    assert (sliced.intent.slices, sliced.intent.duration_ms) == (7, 60_000)
    _, trailed = approved(start(btc="1"), signal(Side.SELL, **TRAILING, trail_pct=Decimal(5)))
    assert trailed.intent.trail_pct == Decimal(5)


def test_trailing_buy_when_approved_then_reserves_for_its_stop_as_it_lies_now() -> None:
    _, ruling = approved(start(), signal(**{**TRAILING, "quantity": Decimal(4)}, trail_pct=Decimal(10)))
    assert ruling.reserved_quote == Decimal("442.2")
    over = signal(**{**TRAILING, "quantity": Decimal("4.7")}, trail_pct=Decimal(10))
    assert codes(start(), over) == ["per_trade_cap"]


def test_stop_sell_when_its_stop_makes_it_too_small_for_the_venue_then_is_refused() -> None:
    state = start(btc="1")
    small = {"order_type": OrderType.STOP_LOSS, "quantity": Decimal("0.053"), "stop_price": Decimal(90)}
    assert codes(state, signal(Side.SELL, **small)) == ["min_notional"]


def exit_leg(n: int = 0, **figures: object) -> Any:
    stop = {"order_type": OrderType.STOP_LOSS, "stop_price": Decimal(50), "quantity": ONE, **figures}
    return propose(Side.SELL, n, origin=Origin.EXIT, **stop)


def test_exit_when_far_from_the_market_in_a_full_minute_or_reducing_then_is_approved_and_not_counted() -> None:
    config = RiskConfig(orders_per_minute=1)
    state, _ = approved(start(btc="5"), signal(Side.SELL, 9, quantity=ONE), config)
    assert codes(state, signal(Side.SELL, 8, quantity=ONE), config) == ["orders_per_minute"]
    state, reply = ruled(state, exit_leg(0), exit_leg(1), config=config)
    assert all(isinstance(r, Approved) for r in reply.rulings)
    assert len(state.approvals_ms) == 1
    assert codes(turned(state, TradingState.REDUCING), exit_leg(2), config) == []


@pytest.mark.parametrize("price", [None, ZERO, Decimal(-1)])
def test_exit_when_its_price_makes_no_sense_then_is_refused(price: Decimal | None) -> None:
    assert codes(start(btc="1"), exit_leg(stop_price=price)) == ["price_required"]


def test_exit_when_halted_then_is_refused_like_all_others() -> None:
    assert codes(turned(start(btc="1"), TradingState.HALTED), exit_leg()) == ["halted"]


def test_exit_when_it_would_buy_then_has_no_privilege() -> None:
    figures = {"origin": Origin.EXIT, "order_type": OrderType.LIMIT, "quantity": ONE, "limit_price": Decimal(50)}
    assert codes(start(), propose(**figures)) == ["price_deviation"]
    assert "reducing_only" in codes(turned(start(), TradingState.REDUCING), propose(**figures))


@pytest.mark.parametrize("name", ["quantity", "limit_price", "stop_price", "strength", "market_price", "volatility"])
@pytest.mark.parametrize("figure", ["NaN", "sNaN", "Infinity", "-Infinity", "1e999999", "1e-999999"])
def test_proposal_when_a_figure_is_no_number_then_is_refused_and_leaves_no_trace(name: str, figure: str) -> None:
    asked = signal(
        **{"quantity": ONE, "order_type": OrderType.LIMIT, "limit_price": Decimal(99), name: Decimal(figure)}
    )
    state, reply = ruled(start(), asked)
    denied = reply.rulings[0]
    assert isinstance(denied, Denied)
    assert [(r.code, r.value) for r in denied.reasons] == [("figure_out_of_range", name)]
    assert all(f is None or f.is_finite() for f in (denied.intent.quantity, denied.intent.limit_price))
    assert state == start()


def test_request_when_a_mark_or_a_trade_is_no_number_then_raises() -> None:
    state, ruling = approved(start(), propose())
    with pytest.raises(InvariantError, match="mark of BTC/USDT"):
        step(state, RiskRequest(T0, {BTC: Decimal("NaN")}))
    with pytest.raises(InvariantError, match="no number"):
        step(state, RiskRequest(T0, events=(fill(ruling, price=Decimal("Infinity")),)))


def test_proposal_when_it_is_not_the_desks_then_is_refused() -> None:
    assert codes(start(), propose(origin=Origin.EXTERNAL, quantity=ONE)) == ["external_origin"]
