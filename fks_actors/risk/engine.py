"""Risk's ruling, a pure function: what happened, then the trading state, then each proposal in order.

Every approval reserves before the next proposal is ruled, so that no sequence of approvals passes a limit that each
alone would keep. Conviction requests, risk disposes: no proposal carries anything that widens a limit. Equity, gross
exposure, the caps and the trading state are those of all venues together; cash and position must be at the venue.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from fks_actors.errors import InvariantError
from fks_actors.model.account import Account
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, Approved, Denied, Fill, OrderIntent, Refusal, Side
from fks_actors.model.records import EquityPoint, Proposal, TradingState
from fks_actors.risk import limits, trading
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.figures import against_figures, finite, must_be_finite
from fks_actors.risk.messages import Doubt, Reservation, RiskReply, RiskRequest, RiskRuling, RiskState, Unneeded
from fks_actors.risk.reservations import settle
from fks_actors.risk.rulings import approve
from fks_actors.risk.sizing import on_grid, reference_price, size
from fks_actors.risk.standing import Standing, standing
from fks_actors.risk.targets import towards, turned

Markets = Mapping[str, Mapping[str, MarketRules]]
"""What may be traded, by venue and symbol."""

MINUTE_MS = 60_000
_DRAWDOWN_STEP = Decimal("0.00000001")


def rule(state: RiskState, request: RiskRequest, config: RiskConfig, markets: Markets) -> tuple[RiskState, RiskReply]:
    """The state after `request`, and the reply: one ruling a proposal, in order.

    Start from `RiskState.of(cash)`; peak and day fill themselves in. `request.events` must be new to the state.

    Raises:
        InvariantError: a mark or a fill has a figure that is not a finite number, or a proposal's client order id is
            already reserved.
    """
    now, oversold = _brought_up(state, request)
    total = now.total()
    exposure = total.exposure(now.marks)
    equity = total.cash + exposure
    before = state.total().equity(state.marks)
    now, new_day = trading.measured(now, before, equity, request.ts_ms)
    now, tripped = trading.limited(now, equity, request.ts_ms, config)
    now, doubted = trading.doubted(now, oversold, request.ts_ms)
    now, ordered = trading.controlled(now, equity, request.control)
    ruler = _Ruler(config, markets, equity, exposure, request.ts_ms, request.doubts)
    rulings: list[RiskRuling] = []
    for unit in _units(request.proposals):
        now, ruled = ruler.together(now, unit)
        rulings += ruled
    stands = _point(total, exposure, now.peak_equity, now.trading, request.ts_ms)
    return now, RiskReply(tuple(rulings), stands, (*new_day, *tripped, *doubted, *ordered))


def point(state: RiskState, ts_ms: int) -> EquityPoint:
    """The account at an instant, by the marks that are known then; its peak may be new."""
    total = state.total()
    exposure = total.exposure(state.marks)
    return _point(total, exposure, max(state.peak_equity, total.cash + exposure), state.trading, ts_ms)


def _point(total: Account, exposure: Decimal, peak: Decimal, trading_state: TradingState, ts_ms: int) -> EquityPoint:
    equity = total.cash + exposure
    drawdown = (trading.loss_pct(peak, equity) / 100).quantize(_DRAWDOWN_STEP)
    return EquityPoint(ts_ms, equity, total.cash, exposure, total.realised(), total.fees, drawdown, trading_state)


def _units(proposals: Sequence[Proposal]) -> Iterator[Sequence[Proposal]]:
    """Single proposals, and pairs: two in a row that name each other."""
    at = 0
    while at < len(proposals):
        two = proposals[at : at + 2]
        one, other = two[0], two[-1]
        paired = len(two) == 2 and (one.oco_id, other.oco_id) == (other.client_order_id, one.client_order_id)
        unit = two if paired else two[:1]
        yield unit
        at += len(unit)


def _brought_up(state: RiskState, request: RiskRequest) -> tuple[RiskState, Sequence[Fill]]:
    must_be_finite(request)
    accounts, reservations = state.accounts, state.reservations
    oversold: Sequence[Fill] = ()
    if request.events:
        accounts, reservations, oversold = settle(accounts, reservations, request.events, request.external)
    marks = {**state.marks, **request.marks} if request.marks else state.marks
    recent = tuple(t for t in state.approvals_ms if abs(request.ts_ms - t) < MINUTE_MS)
    return replace(state, accounts=accounts, reservations=reservations, marks=marks, approvals_ms=recent), oversold


@dataclass(frozen=True, slots=True)
class _Ruler:
    """One request's rulings; equity and exposure do not move between its proposals, reservations do."""

    config: RiskConfig
    markets: Markets
    equity: Decimal
    exposure: Decimal
    ts_ms: int
    doubts: Sequence[Doubt]

    def together(self, state: RiskState, unit: Sequence[Proposal]) -> tuple[RiskState, list[RiskRuling]]:
        """The rulings on one proposal, or on a pair: of that both legs are approved or none is."""
        after, rulings = state, []
        for proposal in unit:
            after, ruling = self.chosen(after, proposal)
            rulings.append(ruling)
        if all(isinstance(ruling, Approved) for ruling in rulings):
            return after, rulings
        alone = Refusal("pair", "the other leg of the pair is not approved")
        return state, [Denied(r.intent, (alone,)) if isinstance(r, Approved) else r for r in rulings]

    def chosen(self, state: RiskState, proposal: Proposal) -> tuple[RiskState, RiskRuling]:
        """The first venue's approval, or its alternatives'; where none approves, what the first one said. The second
        leg of a pair goes where the first one went."""
        other = state.reservations.get(proposal.oco_id)
        if other is not None and other.venue in (proposal.venue, *proposal.alternatives):
            proposal = replace(proposal, venue=other.venue, alternatives=())
        after, first = self.ruled(state, proposal)
        if not isinstance(first, Approved):
            for venue in proposal.alternatives:
                moved, ruling = self.ruled(state, replace(proposal, venue=venue, alternatives=()))
                if isinstance(ruling, Approved):
                    return moved, ruling
        return after, first

    def ruled(self, state: RiskState, proposal: Proposal) -> tuple[RiskState, RiskRuling]:
        if proposal.client_order_id in state.reservations:
            raise InvariantError(f"order {proposal.client_order_id} is proposed again while it is reserved")
        strange = tuple(against_figures(proposal))
        if not strange:
            proposal = turned(proposal, state, self.equity, self.config)
        barred = (
            *limits.against_state(proposal.side, state.trading),
            *limits.against_data(proposal, self.doubts),
        )
        if strange:
            return state, _unsized(finite(proposal), (*barred, *strange))
        price = state.marks.get(proposal.symbol, proposal.market_price)
        rules = self._rules(state, proposal, price)
        if isinstance(rules, Refusal):
            return state, _unsized(proposal, (*barred, rules))
        wanted = _on_grids(proposal, rules)
        met = standing(state, wanted, price, self.equity, self.exposure)
        reference = reference_price(wanted, price)
        sized = self._sized(state, wanted, met, reference, rules)
        if isinstance(sized, Unneeded):
            return state, replace(sized, proposal=proposal)
        if isinstance(sized, Refusal):
            return state, _unsized(wanted, (*barred, sized))
        return self._limited(state, _intent(wanted, sized, price), met, reference, rules, barred)

    def _sized(
        self, state: RiskState, wanted: Proposal, met: Standing, reference: Decimal, rules: MarketRules
    ) -> Decimal | Unneeded | Refusal:
        towards_target = towards(wanted, state, met, self.config, rules)
        return size(wanted, met, reference, self.config, rules) if towards_target is None else towards_target

    def _rules(self, state: RiskState, proposal: Proposal, price: Decimal) -> MarketRules | Refusal:
        """The market's rules, or why the proposal has no market."""
        listed = self.markets.get(proposal.venue)
        if listed is None or proposal.venue not in state.accounts:
            return Refusal("venue_unknown", "the desk has no account at such a venue", proposal.venue)
        rules = listed.get(proposal.symbol)
        if rules is None:
            return Refusal("symbol_unknown", "the venue has no such market", proposal.symbol)
        if price <= 0:
            return Refusal("no_market_price", "no price is known", proposal.symbol)
        return rules

    def _limited(
        self,
        state: RiskState,
        intent: OrderIntent,
        met: Standing,
        reference: Decimal,
        rules: MarketRules,
        barred: tuple[Refusal, ...],
    ) -> tuple[RiskState, RiskRuling]:
        """Every limit's word after what bars the order anyway; where all are silent the approval, and its reservation
        in the state."""
        buys = intent.side is Side.BUY
        notional = intent.quantity * reference
        reserve = notional * self.config.reserve_factor if buys else ZERO
        against = (
            *barred,
            *limits.against_rate(intent, state.trading, len(state.approvals_ms), self.config),
            *limits.against_prices(intent, self.config),
            *limits.against_size(intent, reference, rules),
            *limits.against_kind(intent, reference, rules),
            *(
                limits.against_buy(notional, reserve, met, self.config)
                if buys
                else limits.against_sell(intent.quantity, met)
            ),
        )
        if against:
            return state, Denied(intent, against)
        base = ZERO if buys else intent.quantity
        held = Reservation(intent.venue, intent.symbol, reserve, base, intent.quantity, intent.oco_id)
        counted = () if limits.is_exit(intent.origin, intent.side) else (self.ts_ms,)
        state = replace(
            state,
            reservations={**state.reservations, intent.client_order_id: held},
            approvals_ms=(*state.approvals_ms, *counted),
        )
        return state, approve(intent, reserve)


def _on_grids(proposal: Proposal, rules: MarketRules) -> Proposal:
    """The prices on the tick, what an iceberg shows on the step; never worse for the owner than asked."""
    limit, stop = (on_grid(proposal.side, p, rules) for p in (proposal.limit_price, proposal.stop_price))
    shown = proposal.display_quantity
    if shown is not None:
        shown = rules.floor_quantity(max(shown, ZERO))
    return replace(proposal, limit_price=limit, stop_price=stop, display_quantity=shown)


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
        proposal.trail_pct,
        proposal.display_quantity,
        proposal.duration_ms,
        proposal.slices,
        proposal.oco_id,
    )


def _unsized(proposal: Proposal, reasons: tuple[Refusal, ...]) -> Denied:
    return Denied(_intent(proposal, proposal.quantity or ZERO, proposal.market_price), reasons)
