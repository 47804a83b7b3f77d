"""Which venue an order goes to. Pure: names, markets and quotes in, venues out, the best first.

An alert that names an exchange goes there or nowhere. Else the venue that claims the symbol, then the default one, then
the others in the order of the configuration, as far as they trade the symbol. With `best_price` a market order goes to
the best price after fees (BUY: ask x (1 + taker fee), SELL: bid x (1 - taker fee)); a venue without a fresh quote comes
after those that have one.
"""

from collections.abc import Mapping
from decimal import Decimal

from fks_actors.desk.config import DeskConfig, VenuePlan
from fks_actors.model.markets import Quote
from fks_actors.model.orders import OrderType, Side

QUOTE_AGE_MS = 10_000
"""A quote that is older says nothing about the best price any more."""

Quotes = Mapping[str, Mapping[str, Quote]]
"""By venue, then by symbol."""


def venues_for(config: DeskConfig, symbol: str, exchange: str = "") -> tuple[str, ...]:
    """The venues that may take an order for `symbol`, the preferred one first; empty where none may."""
    plans = [plan for plan in config.venues if symbol in plan.markets or not plan.markets]
    if exchange:
        return tuple(plan.name for plan in plans if exchange in (plan.name, plan.exchange))
    plans.sort(key=lambda plan: (symbol not in plan.claims, plan.name != config.default))
    return tuple(plan.name for plan in plans)


def by_price(
    config: DeskConfig, venues: tuple[str, ...], symbol: str, side: Side, quotes: Quotes, now_ms: int
) -> tuple[str, ...]:
    """The same venues, the best price after fees first; equal ones keep their order."""

    def cost(venue: str) -> tuple[bool, Decimal]:
        quote = quotes.get(venue, {}).get(symbol)
        if quote is None or now_ms - quote.ts_ms > QUOTE_AGE_MS:
            return True, Decimal(0)
        fee = _taker_fee(config.plan(venue), symbol)
        return False, quote.ask * (1 + fee) if side is Side.BUY else -quote.bid * (1 - fee)

    return tuple(sorted(venues, key=cost))


def route(
    config: DeskConfig,
    symbol: str,
    side: Side,
    order_type: OrderType,
    exchange: str,
    quotes: Quotes,
    now_ms: int,
) -> tuple[str, ...]:
    """The venue for one order, and others for when it cannot: for a SELL all that may hold some, for a BUY those of the
    best price alone."""
    venues = venues_for(config, symbol, exchange)
    if exchange or len(venues) < 2:
        return venues
    if config.best_price and order_type is OrderType.MARKET:
        return by_price(config, venues, symbol, side, quotes, now_ms)
    return venues if side is Side.SELL else venues[:1]


def _taker_fee(plan: VenuePlan, symbol: str) -> Decimal:
    rules = plan.markets.get(symbol)
    return rules.taker_fee if rules else Decimal(0)
