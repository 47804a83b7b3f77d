"""Every limit, each a function of the intent and the standing; all that speak against are listed.

A SELL on a long-only spot account can only lower exposure: the caps on size and exposure bind BUYs alone, and in
REDUCING a SELL is not held up by the order rate either. HALTED stops both sides.
"""

from collections.abc import Iterator
from decimal import Decimal

from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import OrderIntent, OrderType, Refusal, Side
from fks_actors.model.records import TradingState
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.sizing import Standing


def printed(value: Decimal | int) -> str:
    """A number for a refusal: at most eight decimals, no exponent, no trailing zeros."""
    text = f"{value:.8f}" if isinstance(value, Decimal) else str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def refusal(code: str, message: str, value: Decimal | int, limit: Decimal | int) -> Refusal:
    """A refusal with its two numbers printed."""
    return Refusal(code, message, printed(value), printed(limit))


def against_state(side: Side, trading: TradingState) -> Iterator[Refusal]:
    """HALTED refuses all, REDUCING every BUY."""
    if trading is TradingState.HALTED:
        yield Refusal("halted", "trading is halted", trading, TradingState.REDUCING)
    elif trading is TradingState.REDUCING and side is Side.BUY:
        yield Refusal("reducing_only", "only orders that lower exposure are allowed", trading, TradingState.ACTIVE)


def against_rate(side: Side, trading: TradingState, approvals: int, config: RiskConfig) -> Iterator[Refusal]:
    """No more approvals than `orders_per_minute` within 60 s."""
    if side is Side.SELL and trading is TradingState.REDUCING:
        return
    if approvals >= config.orders_per_minute:
        yield refusal("orders_per_minute", "too many orders within a minute", approvals, config.orders_per_minute)


def against_prices(intent: OrderIntent, config: RiskConfig) -> Iterator[Refusal]:
    """A LIMIT needs its limit, a stop its stop, within `max_price_deviation_pct` of the market."""
    if intent.order_type is OrderType.MARKET:
        return
    limited = intent.order_type is OrderType.LIMIT
    price = intent.limit_price if limited else intent.stop_price
    name = "limit price" if limited else "stop price"
    if price is None or price <= 0:
        yield Refusal("price_required", f"a {intent.order_type} order needs a {name} above zero")
        return
    away = abs(price - intent.market_price) / intent.market_price * 100
    if away > config.max_price_deviation_pct:
        message = f"{name} is too many percent from the market"
        yield refusal("price_deviation", message, away, config.max_price_deviation_pct)


def against_size(intent: OrderIntent, reference: Decimal, rules: MarketRules) -> Iterator[Refusal]:
    """The venue's least quantity (base) and least notional (quote)."""
    if intent.quantity <= 0:
        yield refusal("zero_quantity", "nothing is left after rounding to the step", intent.quantity, rules.step)
    if intent.quantity < rules.min_quantity:
        yield refusal("min_quantity", "quantity is below the venue's least", intent.quantity, rules.min_quantity)
    notional = intent.quantity * reference
    if notional < rules.min_notional:
        yield refusal("min_notional", "notional is below the venue's least", notional, rules.min_notional)


def against_buy(notional: Decimal, reserve: Decimal, standing: Standing, config: RiskConfig) -> Iterator[Refusal]:
    """One trade's cap, the gross exposure's cap and the cash that is free, all in quote."""
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
    """Nothing is sold that is not held and unreserved (base)."""
    if quantity > standing.free_base:
        yield refusal("insufficient_position", "more than the unreserved position", quantity, standing.free_base)
