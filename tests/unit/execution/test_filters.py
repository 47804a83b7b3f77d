from decimal import Decimal

import pytest

from fks_actors.execution.config import PaperConfig, default_rules
from fks_actors.execution.filters import check
from fks_actors.model.orders import Approved, OrderType, Side
from tests.unit.execution.cases import BTC, limit, order, stop

RULES = default_rules(BTC, PaperConfig())


@pytest.mark.parametrize(
    ("approved", "codes"),
    [
        (order(), []),
        (limit(Side.BUY, "99.99"), []),
        (stop(Side.SELL, "90"), []),
        (order(quantity="1.000001"), ["quantity_step"]),
        (order(quantity="0"), ["min_quantity", "min_notional"]),
        (order(quantity="0.04"), ["min_notional"]),
        (limit(Side.BUY, "4.99"), ["min_notional"]),
        (limit(Side.BUY, "99.999"), ["price_tick"]),
        (stop(Side.SELL, "0"), ["price_required"]),
        (order(order_type=OrderType.LIMIT), ["price_required"]),
    ],
)
def test_check_when_intent_meets_the_filters_then_lists_each_that_it_breaks(
    approved: Approved, codes: list[str]
) -> None:
    assert [r.code for r in check(approved.intent, RULES)] == codes


def test_refusal_when_given_then_prints_value_and_limit() -> None:
    (refusal,) = check(order(quantity="0.04").intent, RULES)
    assert (Decimal(refusal.value), refusal.limit) == (Decimal(4), "5")


def iceberg(display: str | None, quantity: str = "1") -> Approved:
    shown = None if display is None else Decimal(display)
    return limit(Side.BUY, "100", quantity, order_type=OrderType.ICEBERG, display_quantity=shown)


def twap(slices: int, duration_ms: int) -> Approved:
    return order(order_type=OrderType.TWAP, slices=slices, duration_ms=duration_ms)


def trailing(pct: str | None) -> Approved:
    return order(order_type=OrderType.TRAILING_STOP, trail_pct=None if pct is None else Decimal(pct))


@pytest.mark.parametrize(
    ("approved", "codes"),
    [
        (trailing("5"), []),
        (trailing("99.9"), []),
        (trailing(None), ["trail_pct"]),
        (trailing("0"), ["trail_pct"]),
        (trailing("100"), ["trail_pct"]),
        (trailing("NaN"), ["trail_pct"]),
        (iceberg("0.1"), []),
        (iceberg(None), ["display_quantity"]),
        (iceberg("0"), ["display_quantity"]),
        (iceberg("NaN"), ["display_quantity"]),
        (iceberg("0.100001"), ["display_quantity"]),
        (iceberg("0.09999"), ["display_quantity"]),
        (iceberg("0.1", "10.00001"), ["iceberg_parts"]),
        (limit(Side.BUY, "99.999", order_type=OrderType.ICEBERG, display_quantity=Decimal(1)), ["price_tick"]),
        (twap(1, 1), []),
        (twap(100, 7 * 86_400_000), []),
        (twap(0, 1_000), ["twap_schedule"]),
        (twap(101, 100_000), ["twap_schedule"]),
        (twap(10, 9), ["twap_schedule"]),
        (twap(10, 7 * 86_400_000 + 1), ["twap_schedule"]),
        (limit(Side.SELL, "110", oco_id="fks-b"), []),
        (stop(Side.SELL, "90", oco_id="fks-b"), []),
        (stop(Side.SELL, "90", oco_id="fks-a"), ["oco_pair"]),
        (order(oco_id="fks-b"), ["oco_pair"]),
        (order(quantity="NaN"), ["min_quantity"]),
        (limit(Side.BUY, "Infinity"), ["price_required"]),
    ],
)
def test_check_when_the_type_needs_figures_of_its_own_then_lists_each_that_is_wrong(
    approved: Approved, codes: list[str]
) -> None:
    assert [r.code for r in check(approved.intent, RULES)] == codes
