"""From a target, the share of equity that a strategy wants in a symbol, to an order that leads there.

    held     what all venues hold of the symbol, at its price; dust counts as nothing
    band     `rebalance_band_pct` of equity: a holding that lies no further from the target stays as it is

    target 0         the whole position of each venue (`risk.sizing`)
    held > target    by more than the band: what is above the target is sold, as far as the venue holds it unreserved
    held < target    by more than the band, or nothing is held: what is missing is bought

A purchase is what is missing, then, in this order: what exposure and cash leave room for with the reservation's buffer,
and last one trade's cap. So with a small cap a large target is reached step by step, a bar each; and with all caps open
a target of 1 buys for equity / (1 + buffer) at the price of the decision. The sizings of the config do not count, for
the target is the size. Where there is no room at all for a first purchase, the limits tell which of them leaves none.
While an order of the symbol works, another waits.
"""

from decimal import Decimal

from msgspec.structs import replace

from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, Side
from fks_actors.model.records import Proposal
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.messages import SELL_PENDING, RiskState, Unneeded
from fks_actors.risk.sizing import sellable
from fks_actors.risk.standing import Standing


def turned(proposal: Proposal, state: RiskState, equity: Decimal, config: RiskConfig) -> Proposal:
    """A target's proposal with the side that leads there; any other as it is. Its figures are sane."""
    if proposal.target is None or proposal.side is Side.SELL:
        return proposal
    price = state.marks.get(proposal.symbol, proposal.market_price)
    above = _held(state, proposal.symbol) * price - equity * proposal.target
    return replace(proposal, side=Side.SELL) if above > _band(equity, config) else proposal


def towards(
    proposal: Proposal, state: RiskState, standing: Standing, config: RiskConfig, rules: MarketRules
) -> Decimal | Unneeded | None:
    """The quantity (base, on the step grid, perhaps 0) of a proposal that was `turned`, or why none is wanted.

    None: it has no target, or one of 0.
    """
    if not proposal.target:
        return None
    price, wanted = standing.price, standing.equity * proposal.target
    held = _held(state, proposal.symbol)
    if proposal.side is Side.SELL:
        quantity = rules.floor_quantity(min(held - wanted / price, standing.free_base))
        if sellable(quantity, price, rules):
            return quantity
        return Unneeded(proposal, SELL_PENDING if standing.selling else "position_held")
    if standing.buying or standing.selling:
        return Unneeded(proposal, "buy_pending" if standing.buying else SELL_PENDING)
    missing, room = wanted - held * price, _room(standing, config)
    if not sellable(held, price, rules):
        missing = min(missing, room) if room > rules.min_notional else missing
    elif min(missing, room) <= _band(standing.equity, config):
        return Unneeded(proposal, "position_held")
    else:
        missing = min(missing, room)
    notional = min(missing, standing.equity * config.per_trade_pct / 100)
    return rules.floor_quantity(max(notional, ZERO) / price)


def _room(standing: Standing, config: RiskConfig) -> Decimal:
    """For how much a BUY can be reserved, in quote."""
    exposure = standing.equity * config.max_gross_exposure_pct / 100 - standing.gross
    return min(exposure, standing.free_cash) / config.reserve_factor


def _band(equity: Decimal, config: RiskConfig) -> Decimal:
    return equity * config.rebalance_band_pct / 100


def _held(state: RiskState, symbol: str) -> Decimal:
    return sum((account.position(symbol).quantity for account in state.accounts.values()), ZERO)
