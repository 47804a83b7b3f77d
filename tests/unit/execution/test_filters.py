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
