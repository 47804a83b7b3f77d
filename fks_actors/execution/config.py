"""The paper venue's figures, and the market rules that it offers where nobody named others."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fks_actors.errors import ConfigError
from fks_actors.model.markets import MarketRules

_BPS = Decimal(10_000)
_SIGNIFICANT = 5

Positive = Annotated[Decimal, Field(gt=0)]
Bps = Annotated[Decimal, Field(ge=0, le=1_000)]


class PaperMarket(BaseModel):
    """One symbol's filters where they differ from the defaults; None keeps the default. Units as in MarketRules."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tick: Positive | None = None
    step: Positive | None = None
    min_quantity: Positive | None = None
    min_notional: Positive | None = None


class PaperConfig(BaseModel):
    """How the paper venue trades; the formulas are in `execution.matching`.

    `slippage_bps` (of the price) and `range_share` (of the bar's range, by square-root impact) move a taker's price
    against it. `participation_pct` of a bar's volume is the most that all orders together trade in it; None trades any
    size (for data without volumes). `finished_kept` ended orders are remembered for idempotency, `details_kept` of them
    with all their figures.

    Models that are off by default (`is_plain`), told in `docs/honesty.md`:
    `latency_ms`            an order reaches the venue that much later, see `execution.late`.
    `fill`                  next_open: a taker pays the slippage above. intrabar: it eats through the book that the bar
                            implies, see `execution.intrabar`; then `range_share` does not count.
    `funding_bps_per_day`   of a position's value, booked every `funding_hours` of UTC like a perpetual's funding.
    `borrow_bps_per_day`    interest on owed cash. The account is long only and no order spends cash that is not there,
                            so nothing is owed but what funding took beyond the cash. See `execution.holding`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "paper"
    maker_fee_bps: Bps = Decimal(10)
    taker_fee_bps: Bps = Decimal(10)
    slippage_bps: Bps = Decimal(2)
    range_share: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.5")
    participation_pct: Annotated[Decimal, Field(gt=0, le=100)] | None = Decimal(25)
    tick: Positive = Decimal("0.01")
    step: Positive = Decimal("0.00001")
    min_quantity: Positive = Decimal("0.00001")
    min_notional: Positive = Decimal(5)
    markets: Mapping[str, PaperMarket] = {}
    finished_kept: Annotated[int, Field(ge=1, le=100_000)] = 64
    details_kept: Annotated[int, Field(ge=1, le=10_000)] = 8
    latency_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 0
    fill: Literal["next_open", "intrabar"] = "next_open"
    funding_bps_per_day: Bps = Decimal(0)
    funding_hours: Literal[1, 2, 4, 8, 12, 24] = 8
    borrow_bps_per_day: Bps = Decimal(0)

    @property
    def charges(self) -> bool:
        """Whether holding costs anything."""
        return self.funding_bps_per_day > 0 or self.borrow_bps_per_day > 0

    @property
    def is_plain(self) -> bool:
        """Whether an order is filled at the next bar's open at once, and holding costs nothing."""
        return not (self.latency_ms or self.charges or self.fill != "next_open")


def default_rules(symbol: str, config: PaperConfig, price: Decimal | None = None) -> MarketRules:
    """The paper venue's rules for a spot symbol such as BTC/USDT.

    With a `price` (quote) the default tick never exceeds five significant digits of it: 0.01 would be a tenth of a
    cheap coin. A tick that `config.markets` names stands as it is.

    Raises:
        ConfigError: the symbol is not BASE/QUOTE.
    """
    base, slash, quote = symbol.partition("/")
    if not (base and slash and quote) or not (base + quote).isalnum():
        raise ConfigError(f"symbol {symbol!r} is not a spot market: write it as BASE/QUOTE, for example BTC/USDT")
    own = config.markets.get(symbol) or PaperMarket()
    tick = config.tick
    if price is not None and price > 0:
        tick = min(tick, Decimal(1).scaleb(price.adjusted() - _SIGNIFICANT + 1))
    return MarketRules(
        symbol,
        base,
        quote,
        own.tick or tick,
        own.step or config.step,
        own.min_quantity or config.min_quantity,
        own.min_notional or config.min_notional,
        config.maker_fee_bps / _BPS,
        config.taker_fee_bps / _BPS,
    )
