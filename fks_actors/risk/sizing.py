"""From a proposal to a quantity. A verdict without figures gets them here; a signal's own figures are kept.

    verdict  BUY   flat             equity x per_trade_pct x strength
                   held or pending  Unneeded
             SELL  held             the whole unreserved position
                   flat or pending  Unneeded
    signal   a quantity             that quantity
             BUY   fixed_pct        as a verdict's BUY, whatever is held (strength = the signal's confidence)
             SELL  no quantity      the whole unreserved position

A holding too small for the venue to sell (dust) counts as flat. Quantities floor to the market's step.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, OrderType, Origin, Refusal, Side
from fks_actors.model.records import Proposal
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.messages import Unneeded

FIXED_PCT = "fixed_pct"


@dataclass(frozen=True, slots=True)
class Standing:
    """The account as one proposal meets it, every earlier reservation counted.

    `price` is the market's; `equity`, `free_cash` and `gross` (positions and reserved BUYs) in quote; `held` and
    `free_base` (not reserved by a SELL) in base; `buying` and `selling` tell of unfinished orders in the symbol.
    """

    price: Decimal
    equity: Decimal
    free_cash: Decimal
    gross: Decimal
    held: Decimal
    free_base: Decimal
    buying: bool
    selling: bool


def reference_price(proposal: Proposal, market_price: Decimal) -> Decimal:
    """The price that notional and reservation count with: the limit; the dearer of stop and market; the market."""
    if proposal.order_type is OrderType.LIMIT:
        return proposal.limit_price or market_price
    if proposal.order_type is OrderType.MARKET or proposal.stop_price is None:
        return market_price
    return max(proposal.stop_price, market_price)


def on_grid(side: Side, price: Decimal | None, rules: MarketRules) -> Decimal | None:
    """`price` on the tick grid, never worse for the owner than asked: a BUY rounds down, a SELL up."""
    if price is None or price <= 0:
        return None
    if side is Side.BUY:
        return rules.floor_price(price)
    return (price / rules.tick).to_integral_value(rounding=ROUND_CEILING) * rules.tick


def size(
    proposal: Proposal, standing: Standing, reference: Decimal, config: RiskConfig, rules: MarketRules
) -> Decimal | Unneeded | Refusal:
    """The quantity (base, on the step grid, perhaps 0), or why none is wanted, or why none can be told."""
    if proposal.quantity is not None:
        return rules.floor_quantity(max(proposal.quantity, ZERO))
    if proposal.origin is Origin.SIGNAL and proposal.sizing not in ("", FIXED_PCT):
        message = f"sizing {proposal.sizing!r} is not known to risk"
        return Refusal("sizing_unknown", message, proposal.sizing, FIXED_PCT)
    if proposal.side is Side.SELL:
        return _whole_position(proposal, standing, rules)
    if proposal.origin is Origin.CYCLE:
        if _sellable(standing.held, standing.price, rules):
            return Unneeded(proposal, "position_held")
        if standing.buying:
            return Unneeded(proposal, "buy_pending")
    return rules.floor_quantity(_notional(proposal, standing, config) / reference)


def _notional(proposal: Proposal, standing: Standing, config: RiskConfig) -> Decimal:
    strength = min(max(proposal.strength, ZERO), Decimal(1))
    wanted = standing.equity * config.per_trade_pct * strength / 100
    # What an empty account could reserve: without this bound an all-in size could never pass its own buffer.
    most = standing.equity * config.max_gross_exposure_pct / 100 / config.reserve_factor
    return max(min(wanted, most), ZERO)


def _whole_position(proposal: Proposal, standing: Standing, rules: MarketRules) -> Decimal | Unneeded:
    if _sellable(standing.free_base, standing.price, rules):
        return rules.floor_quantity(standing.free_base)
    return Unneeded(proposal, "sell_pending" if standing.selling else "no_position")


def _sellable(quantity: Decimal, price: Decimal, rules: MarketRules) -> bool:
    whole = rules.floor_quantity(max(quantity, ZERO))
    return whole > 0 and whole >= rules.min_quantity and whole * price >= rules.min_notional
