"""From a proposal to a quantity. A verdict without figures gets them here; a signal's own figures are kept.

    verdict  BUY   flat             by the sizing below
                   held or pending  Unneeded
             SELL  held             the whole unreserved position of its venue
                   flat or pending  Unneeded
    verdict  with a target    see `risk.targets`; of a target of 0 the whole position, as above
    exit     a quantity             as much of it as is held and unreserved, Unneeded where that is nothing
    others   a quantity             that quantity
             BUY   no quantity      by the sizing below, whatever is held
             SELL  no quantity      the whole unreserved position of its venue

Sizing, as the proposal names it or else the config; each is a notional at the price that the order counts with.
`strength` is a verdict's strength or a signal's confidence.

    fixed_pct    equity x per_trade_pct x strength
    risk         equity x risk_per_trade_pct x strength / (price - stop) x price: fixed fractional risk, the loss at
                 the stop is that share of equity (Vince 1990, "Portfolio Management Formulas"; Tharp 1998)
    volatility   equity x target_volatility_pct x strength / sigma of a day: volatility targeting (Moskowitz, Ooi and
                 Pedersen 2012, J. Financial Economics 104; Moreira and Muir 2017, J. Finance 72)

Then the caps, in this order: Kelly's (not for a verdict's fixed_pct, whose strength is no probability of gain), the
gross exposure that an empty account could reserve, and always last one trade's cap. A holding too small for the venue
to sell (dust) counts as flat. Quantities floor to the market's step.
"""

from decimal import ROUND_CEILING, Decimal

from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, OrderType, Origin, Refusal, Side
from fks_actors.model.records import Proposal
from fks_actors.risk.config import FIXED_PCT, RISK, SIZINGS, RiskConfig
from fks_actors.risk.limits import refusal
from fks_actors.risk.messages import SELL_PENDING, Unneeded
from fks_actors.risk.standing import Standing

POSITION_HELD, NO_POSITION = "position_held", "no_position"
"""Why a verdict's BUY or SELL is unneeded."""

_ONE = Decimal(1)


def reference_price(proposal: Proposal, market_price: Decimal) -> Decimal:
    """The price that notional and reservation count with, the dearest that the order names.

    The limit; the dearer of stop and market; for a trailing BUY where its stop lies now, which only falls; the market.
    """
    match proposal.order_type:
        case OrderType.LIMIT | OrderType.ICEBERG:
            return proposal.limit_price or market_price
        case OrderType.STOP_LOSS | OrderType.TAKE_PROFIT:
            return max(proposal.stop_price or market_price, market_price)
        case OrderType.TRAILING_STOP if proposal.side is Side.BUY:
            return market_price * (1 + max(proposal.trail_pct or ZERO, ZERO) / 100)
        case _:
            return market_price


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
        exits = proposal.origin is Origin.EXIT and proposal.side is Side.SELL
        if exits and proposal.quantity > standing.free_base:
            return _whole_position(proposal, standing, rules)
        return rules.floor_quantity(_asked(proposal.quantity, proposal.side, standing, rules))
    sizing = proposal.sizing or config.sizing
    if sizing not in SIZINGS:
        return Refusal("sizing_unknown", "risk knows no such sizing", sizing, ", ".join(SIZINGS))
    if proposal.side is Side.SELL:
        return _whole_position(proposal, standing, rules)
    if proposal.origin is Origin.CYCLE:
        if sellable(standing.held, standing.price, rules):
            return Unneeded(proposal, POSITION_HELD)
        if standing.buying:
            return Unneeded(proposal, "buy_pending")
    notional = _notional(sizing, proposal, standing, reference, config)
    return notional if isinstance(notional, Refusal) else rules.floor_quantity(notional / reference)


def kelly(confidence: Decimal, odds: Decimal) -> Decimal:
    """The share of equity that a bet is worth, f* = p - (1 - p) / b; 0 where it has no edge.

    `confidence` p is the probability of gain, `odds` b the gain as a multiple of the loss. Kelly 1956, "A New
    Interpretation of Information Rate", Bell System Technical Journal 35.
    """
    return max(confidence - (1 - confidence) / odds, ZERO) if odds > 0 else ZERO


def _asked(quantity: Decimal, side: Side, standing: Standing, rules: MarketRules) -> Decimal:
    """A SELL of what was bought, where the fee in base (and the step, for a pair's second leg) took its part, sells
    what is there."""
    free = standing.free_base
    if side is Side.SELL and quantity > free > quantity * (1 - rules.taker_fee) - rules.step:
        return max(free, ZERO)
    return max(quantity, ZERO)


def _notional(
    sizing: str, proposal: Proposal, standing: Standing, reference: Decimal, config: RiskConfig
) -> Decimal | Refusal:
    strength = min(max(proposal.strength, ZERO), _ONE)
    wanted = _wanted(sizing, proposal, standing.equity * strength / 100, reference, config)
    if isinstance(wanted, Refusal):
        return wanted
    if proposal.origin is not Origin.CYCLE or sizing != FIXED_PCT:
        odds = _odds(proposal, reference)
        share = kelly(strength, odds)
        if share <= 0:
            even = 1 / (1 + odds) if odds > 0 else _ONE
            return refusal("no_edge", "the confidence does not beat the odds of target and stop", strength, even)
        wanted = min(wanted, standing.equity * share * config.kelly_fraction)
    # What an empty account could reserve: without this bound an all-in size could never pass its own buffer.
    wanted = min(wanted, standing.equity * config.max_gross_exposure_pct / 100 / config.reserve_factor)
    return max(min(wanted, standing.equity * config.per_trade_pct / 100), ZERO)


def _wanted(
    sizing: str, proposal: Proposal, percent: Decimal, reference: Decimal, config: RiskConfig
) -> Decimal | Refusal:
    """The notional before the caps; `percent` is one percent of equity, scaled by the strength."""
    if sizing == FIXED_PCT:
        return percent * config.per_trade_pct
    if sizing == RISK:
        stop = proposal.protect_price
        if stop is None or not 0 < stop < reference:
            message = "sizing risk needs a protective stop between zero and the price"
            return refusal("stop_required", message, ZERO if stop is None else stop, reference)
        return percent * config.risk_per_trade_pct / (reference - stop) * reference
    if proposal.volatility <= 0:
        return refusal("volatility_unknown", "the symbol's volatility is not known yet", proposal.volatility, ZERO)
    return percent * config.target_volatility_pct / proposal.volatility


def _odds(proposal: Proposal, reference: Decimal) -> Decimal:
    """Gain at the target as a multiple of the loss at the stop, 1 where one of them is not known."""
    stop, target = proposal.protect_price, proposal.target_price
    if stop is None or target is None or stop >= reference:
        return _ONE
    return (target - reference) / (reference - stop)


def _whole_position(proposal: Proposal, standing: Standing, rules: MarketRules) -> Decimal | Unneeded:
    if sellable(standing.free_base, standing.price, rules):
        return rules.floor_quantity(standing.free_base)
    return Unneeded(proposal, SELL_PENDING if standing.selling else NO_POSITION)


def sellable(quantity: Decimal, price: Decimal, rules: MarketRules) -> bool:
    """Whether the venue would take a sale of so much; less is dust."""
    whole = rules.floor_quantity(max(quantity, ZERO))
    return whole > 0 and whole >= rules.min_quantity and whole * price >= rules.min_notional
