"""Risk's ruling, a pure function: what happened, then the trading state, then each proposal in order.

Every approval reserves before the next proposal is ruled, so that no sequence of approvals passes a limit that each
alone would keep. Conviction requests, risk disposes: no proposal carries anything that widens a limit.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from fks_actors.errors import InvariantError
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, Denied, OrderIntent, OrderType, Refusal, Side
from fks_actors.model.records import EquityPoint, Proposal
from fks_actors.risk import limits, trading
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.messages import Reservation, RiskReply, RiskRequest, RiskRuling, RiskState, Unneeded
from fks_actors.risk.reservations import settle
from fks_actors.risk.rulings import approve
from fks_actors.risk.sizing import Standing, on_grid, reference_price, size

MINUTE_MS = 60_000
_DRAWDOWN_STEP = Decimal("0.00000001")


def rule(
    state: RiskState, request: RiskRequest, config: RiskConfig, markets: Mapping[str, MarketRules]
) -> tuple[RiskState, RiskReply]:
    """The state after `request`, and the reply: one ruling a proposal, in order.

    Start from `RiskState(Account(cash))`; peak and day fill themselves in. `request.events` must be new to the state.

    Raises:
        InvariantError: a fill sells more than is held, or a proposal's client order id is already reserved.
    """
    now = _brought_up(state, request)
    exposure = now.account.exposure(now.marks)
    equity = now.account.cash + exposure
    before = state.account.equity(state.marks)
    now, new_day = trading.measured(now, before, equity, request.ts_ms)
    now, tripped = trading.limited(now, equity, request.ts_ms, config)
    now, ordered = trading.controlled(now, equity, request.control)
    rulings: list[RiskRuling] = []
    for proposal in request.proposals:
        now, ruling = _ruled(now, proposal, equity, exposure, request.ts_ms, config, markets)
        rulings.append(ruling)
    point = EquityPoint(
        request.ts_ms,
        equity,
        now.account.cash,
        exposure,
        now.account.realised(),
        now.account.fees,
        (trading.loss_pct(now.peak_equity, equity) / 100).quantize(_DRAWDOWN_STEP),
        now.trading,
    )
    return now, RiskReply(tuple(rulings), point, (*new_day, *tripped, *ordered))


def _brought_up(state: RiskState, request: RiskRequest) -> RiskState:
    account, reservations = state.account, state.reservations
    if request.events:
        account, reservations = settle(account, reservations, request.events)
    marks = {**state.marks, **request.marks} if request.marks else state.marks
    recent = tuple(t for t in state.approvals_ms if abs(request.ts_ms - t) < MINUTE_MS)
    return replace(state, account=account, reservations=reservations, marks=marks, approvals_ms=recent)


def _ruled(
    state: RiskState,
    proposal: Proposal,
    equity: Decimal,
    exposure: Decimal,
    ts_ms: int,
    config: RiskConfig,
    markets: Mapping[str, MarketRules],
) -> tuple[RiskState, RiskRuling]:
    if proposal.client_order_id in state.reservations:
        raise InvariantError(f"order {proposal.client_order_id} is proposed again while it is reserved")
    halted = tuple(limits.against_state(proposal.side, state.trading))
    rules = markets.get(proposal.symbol)
    if rules is None:
        unknown = Refusal("symbol_unknown", "the venue has no such market", proposal.symbol)
        return state, _unsized(proposal, (*halted, unknown))
    price = state.marks.get(proposal.symbol, proposal.market_price)
    if price <= 0:
        return state, _unsized(proposal, (*halted, Refusal("no_market_price", "no price is known", proposal.symbol)))
    asked = proposal
    if proposal.order_type is not OrderType.MARKET:
        limit, stop = (on_grid(proposal.side, p, rules) for p in (proposal.limit_price, proposal.stop_price))
        proposal = replace(proposal, limit_price=limit, stop_price=stop)
    standing = _standing(state, proposal.symbol, price, equity, exposure)
    reference = reference_price(proposal, price)
    sized = size(proposal, standing, reference, config, rules)
    if isinstance(sized, Unneeded):
        return state, replace(sized, proposal=asked)
    if isinstance(sized, Refusal):
        return state, _unsized(proposal, (*halted, sized))
    intent = _intent(proposal, sized, price)
    buys = intent.side is Side.BUY
    notional = sized * reference
    reserve = notional * config.reserve_factor if buys else ZERO
    against = (
        *halted,
        *limits.against_rate(intent.side, state.trading, len(state.approvals_ms), config),
        *limits.against_prices(intent, config),
        *limits.against_size(intent, reference, rules),
        *(limits.against_buy(notional, reserve, standing, config) if buys else limits.against_sell(sized, standing)),
    )
    if against:
        return state, Denied(intent, against)
    held = {**state.reservations, intent.client_order_id: Reservation(intent.symbol, reserve, sized)}
    state = replace(state, reservations=held, approvals_ms=(*state.approvals_ms, ts_ms))
    return state, approve(intent, reserve)


def _standing(state: RiskState, symbol: str, price: Decimal, equity: Decimal, exposure: Decimal) -> Standing:
    reserved = selling = ZERO
    buying = False
    for held in state.reservations.values():
        reserved += held.quote
        if held.symbol == symbol:
            buying = buying or held.quote > 0
            selling += ZERO if held.quote else held.base
    quantity = state.account.position(symbol).quantity
    return Standing(
        price,
        equity,
        state.account.cash - reserved,
        exposure + reserved,
        quantity,
        quantity - selling,
        buying,
        selling > 0,
    )


def _intent(proposal: Proposal, quantity: Decimal, price: Decimal) -> OrderIntent:
    return OrderIntent(
        proposal.client_order_id,
        proposal.origin,
        proposal.origin_id,
        proposal.venue,
        proposal.symbol,
        proposal.side,
        proposal.order_type,
        quantity,
        price,
        proposal.ts_ms,
        proposal.limit_price,
        proposal.stop_price,
    )


def _unsized(proposal: Proposal, reasons: tuple[Refusal, ...]) -> Denied:
    return Denied(_intent(proposal, proposal.quantity or ZERO, proposal.market_price), reasons)
