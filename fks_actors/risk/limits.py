"""Every limit, each a function of the intent and the standing; all that speak against are listed.

A SELL on a long-only spot account can only lower exposure: the caps on size and exposure bind BUYs alone, and in
REDUCING a SELL is not held up by the order rate either. A protective SELL (Origin.EXIT) is never held up by the rate,
nor by its distance from the market: that is what it is for.

HALTED stops both sides, protective legs too: a halt is the operator's or the drawdown's word that nothing is to be
sent, and an exception would be a way around it. To lower exposure in an orderly way there is REDUCING, where exits
work; what becomes of a position in a halt is the operator's decision. Legs that work already are the desk's to keep or
to cancel.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, OrderIntent, OrderType, Origin, Refusal, Side
from fks_actors.model.records import Proposal, TradingState
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.messages import Doubt
from fks_actors.risk.standing import Standing

_LIMITED = frozenset({OrderType.LIMIT, OrderType.ICEBERG})
_STOPPED = frozenset({OrderType.STOP_LOSS, OrderType.TAKE_PROFIT})
_BY_THE_MARKET = frozenset({OrderType.MARKET, OrderType.TWAP, OrderType.TRAILING_STOP})
"""What trades, or begins to trail, at the market's price of now."""

DATA_QUALITY, IMPLAUSIBLE = "data_quality", "implausible"
"""The codes of refusals for want of data that can be trusted."""


def printed(value: Decimal | int) -> str:
    """A number for a refusal: at most eight decimals, no exponent, no trailing zeros."""
    text = f"{value:.8f}" if isinstance(value, Decimal) else str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def refusal(code: str, message: str, value: Decimal | int, limit: Decimal | int) -> Refusal:
    """A refusal with its two numbers printed."""
    return Refusal(code, message, printed(value), printed(limit))


def is_exit(origin: Origin, side: Side) -> bool:
    """Whether an order is a protective leg: one that can only lower exposure."""
    return origin is Origin.EXIT and side is Side.SELL


def against_state(side: Side, trading: TradingState) -> Iterator[Refusal]:
    """HALTED refuses all, REDUCING every BUY."""
    if trading is TradingState.HALTED:
        yield Refusal("halted", "trading is halted", trading, TradingState.REDUCING)
    elif trading is TradingState.REDUCING and side is Side.BUY:
        yield Refusal("reducing_only", "only orders that lower exposure are allowed", trading, TradingState.ACTIVE)


def against_data(proposal: Proposal, doubts: Sequence[Doubt]) -> Iterator[Refusal]:
    """Data that is not trusted refuses every BUY; a price that is not believed also a SELL that would trade at it. A
    protective leg is never held up."""
    if is_exit(proposal.origin, proposal.side):
        return
    for doubt in doubts:
        if doubt.symbol not in ("", proposal.symbol):
            continue
        if proposal.order_type in _BY_THE_MARKET if doubt.both_sides else proposal.side is Side.BUY:
            yield doubt.refusal


def against_rate(intent: OrderIntent, trading: TradingState, approvals: int, config: RiskConfig) -> Iterator[Refusal]:
    """No more approvals than `orders_per_minute` within 60 s."""
    if is_exit(intent.origin, intent.side) or (intent.side is Side.SELL and trading is TradingState.REDUCING):
        return
    if approvals >= config.orders_per_minute:
        yield refusal("orders_per_minute", "too many orders within a minute", approvals, config.orders_per_minute)


def against_prices(intent: OrderIntent, config: RiskConfig) -> Iterator[Refusal]:
    """A limit or iceberg needs its limit, a stop its stop, within `max_price_deviation_pct` of the market."""
    if intent.order_type not in _LIMITED | _STOPPED:
        return
    limited = intent.order_type in _LIMITED
    price = intent.limit_price if limited else intent.stop_price
    name = "limit price" if limited else "stop price"
    if price is None or price <= 0:
        yield Refusal("price_required", f"a {intent.order_type} order needs a {name} above zero")
        return
    away = abs(price - intent.market_price) / intent.market_price * 100
    if away > config.max_price_deviation_pct and not is_exit(intent.origin, intent.side):
        message = f"{name} is too many percent from the market"
        yield refusal("price_deviation", message, away, config.max_price_deviation_pct)


def against_kind(intent: OrderIntent, reference: Decimal, rules: MarketRules) -> Iterator[Refusal]:
    """What belongs to one kind of order: a trailing stop's distance, an iceberg's tip, a TWAP's slices."""
    match intent.order_type:
        case OrderType.TRAILING_STOP:
            trail = intent.trail_pct or ZERO
            if not 0 < trail < 100:
                yield refusal("trail_out_of_range", "a trailing stop's distance is above 0 and below 100", trail, 100)
        case OrderType.ICEBERG:
            shown = intent.display_quantity or ZERO
            if shown > intent.quantity:
                yield refusal("display_quantity", "more would show than the order has", shown, intent.quantity)
            if shown <= 0 or shown < rules.min_quantity:
                yield refusal("display_quantity", "what shows is below the venue's least", shown, rules.min_quantity)
        case OrderType.TWAP:
            yield from _against_slices(intent, reference, rules)
        case _:
            return


def _against_slices(intent: OrderIntent, reference: Decimal, rules: MarketRules) -> Iterator[Refusal]:
    if intent.slices < 1 or intent.duration_ms < 1:
        yield refusal("slices_required", "a twap order needs slices and a duration", intent.slices, 1)
        return
    least = rules.floor_quantity(intent.quantity / intent.slices)
    if least <= 0 or least < rules.min_quantity:
        yield refusal("slice_too_small", "a slice is below the venue's least quantity", least, rules.min_quantity)
    if least * reference < rules.min_notional:
        message = "a slice's notional is below the venue's least"
        yield refusal("slice_too_small", message, least * reference, rules.min_notional)


def against_size(intent: OrderIntent, reference: Decimal, rules: MarketRules) -> Iterator[Refusal]:
    """The venue's least quantity (base) and least notional (quote, at the stop where that is the lower price)."""
    if intent.quantity <= 0:
        yield refusal("zero_quantity", "nothing is left after rounding to the step", intent.quantity, rules.step)
    if intent.quantity < rules.min_quantity:
        yield refusal("min_quantity", "quantity is below the venue's least", intent.quantity, rules.min_quantity)
    stop = intent.stop_price if intent.order_type in _STOPPED else None
    notional = intent.quantity * min(reference, stop or reference)
    if notional < rules.min_notional:
        yield refusal("min_notional", "notional is below the venue's least", notional, rules.min_notional)


def against_buy(notional: Decimal, reserve: Decimal, standing: Standing, config: RiskConfig) -> Iterator[Refusal]:
    """One trade's cap, the gross exposure's cap and the cash that is free at the venue, all in quote."""
    cap = standing.equity * config.per_trade_pct / 100
    if notional > cap:
        yield refusal("per_trade_cap", "notional is above one trade's share of equity", notional, cap)
    cap = standing.equity * config.max_gross_exposure_pct / 100
    gross = standing.gross + reserve
    if gross > cap:
        yield refusal("gross_exposure", "positions and reservations would pass their share of equity", gross, cap)
    if reserve > standing.free_cash:
        yield refusal("insufficient_cash", "not enough unreserved cash", reserve, standing.free_cash)


def against_sell(quantity: Decimal, standing: Standing) -> Iterator[Refusal]:
    """Nothing is sold that is not held at the venue and unreserved (base)."""
    if quantity > standing.free_base:
        yield refusal("insufficient_position", "more than the unreserved position", quantity, standing.free_base)
