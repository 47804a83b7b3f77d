"""The limits. Percentages are of equity unless the name says otherwise; nothing here switches risk off."""

from decimal import Decimal
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Percent = Annotated[Decimal, Field(gt=0, le=100)]
Sizing = Literal["fixed_pct", "risk", "volatility"]

FIXED_PCT: Sizing = "fixed_pct"
RISK: Sizing = "risk"
SIZINGS: tuple[str, ...] = get_args(Sizing)


class RiskConfig(BaseModel):
    """What risk holds every order to, all venues together.

    `per_trade_pct` caps one BUY's notional, and is its size at full strength in `sizing` fixed_pct. `sizing` is how a
    BUY is sized that names neither quantity nor sizing; the formulas are in `risk.sizing`. `risk_per_trade_pct` (sizing
    risk) is what a trade loses at its stop; `target_volatility_pct` (sizing volatility) the standard deviation a day
    that a position adds; `kelly_fraction` how much of Kelly's share a computed size may be.

    `max_gross_exposure_pct` caps the positions plus reserved BUYs. `max_daily_loss_pct` (from the UTC day's start) and
    `drawdown_reducing_pct` (from the peak) lead to REDUCING, `drawdown_halt_pct` to HALTED. `max_price_deviation_pct`
    bounds limit and stop prices around the market. `reservation_buffer_pct` of the notional is held back on top of it,
    for fees and slippage. `rebalance_band_pct` of equity is how far a holding may lie from a strategy's target before
    it is traded back; 0 trades every bar.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_trade_pct: Percent = Decimal(5)
    sizing: Sizing = FIXED_PCT
    risk_per_trade_pct: Percent = Decimal(1)
    target_volatility_pct: Percent = Decimal(2)
    kelly_fraction: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.5")
    max_gross_exposure_pct: Percent = Decimal(60)
    max_daily_loss_pct: Percent = Decimal(3)
    drawdown_reducing_pct: Percent = Decimal(10)
    drawdown_halt_pct: Percent = Decimal(20)
    orders_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 30
    max_price_deviation_pct: Percent = Decimal(10)
    reservation_buffer_pct: Annotated[Decimal, Field(ge=0, le=10)] = Decimal("0.5")
    rebalance_band_pct: Annotated[Decimal, Field(ge=0, le=50)] = Decimal(1)

    @model_validator(mode="after")
    def _halt_lies_beyond_reducing(self) -> "RiskConfig":
        if self.drawdown_halt_pct <= self.drawdown_reducing_pct:
            raise ValueError("drawdown_halt_pct must be greater than drawdown_reducing_pct")
        return self

    @property
    def reserve_factor(self) -> Decimal:
        """What a BUY's notional is multiplied by to get its reservation (1 or more)."""
        return 1 + self.reservation_buffer_pct / 100
