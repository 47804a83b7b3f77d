from decimal import Decimal

import pytest
from pydantic import ValidationError

from fks_actors.risk.config import RiskConfig


def test_config_when_untouched_then_has_the_documented_limits() -> None:
    config = RiskConfig()
    assert (config.per_trade_pct, config.max_gross_exposure_pct, config.max_daily_loss_pct) == (
        Decimal(5),
        Decimal(60),
        Decimal(3),
    )
    assert (config.drawdown_reducing_pct, config.drawdown_halt_pct) == (Decimal(10), Decimal(20))
    assert (config.orders_per_minute, config.max_price_deviation_pct) == (30, Decimal(10))


@pytest.mark.parametrize(
    "figures",
    [
        {"per_trade_pct": 101},
        {"per_trade_pct": 0},
        {"max_gross_exposure_pct": "NaN"},
        {"drawdown_halt_pct": 10},
        {"orders_per_minute": 0},
        {"bypass": True},
    ],
)
def test_config_when_out_of_range_or_unknown_then_is_refused(figures: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RiskConfig.model_validate(figures)
