"""The paper venue's matching core: whether a price reaches an order, and at what price it then trades. Pure.

Reached
    market, and a stop once touched   trades at the next price seen, as taker
    limit, marketable when entered    the next price seen, as taker, never beyond its limit
    limit, resting                    a bar that opens beyond it: at the open; a bar that trades strictly through it: at
                                      the limit. As maker; a bar that only touches the limit fills nothing (pessimistic:
                                      the queue before it is unknown)
    stop-loss SELL, take-profit BUY   low <= stop: at min(stop, open) for the SELL, as taker
    stop-loss BUY, take-profit SELL   high >= stop: at max(stop, open) for the BUY, as taker
    trailing stop                     as a stop-loss whose stop follows the best price seen, see `execution.book`
    iceberg                           as a limit; as maker a part of `display_quantity` at a time, and each fresh part
                                      queues behind all others of its price
    TWAP                              as a market order for what is due, see `execution.slices`; after the last slice
                                      for all that is left
A take-profit is a market order once touched, so it too pays slippage.

Price of a taker
    base +- (base x slippage_bps / 10^4  +  range_share x (high - low) x sqrt(quantity / volume))
A fixed half-spread, and the square-root law of market impact, I = Y sigma sqrt(Q / V) (Almgren, Thum, Hauptmann, Li
2005, "Direct estimation of equity market impact"; Toth et al. 2011, Phys. Rev. X 1, 021006), with Y of order one and
sigma the bar's volatility taken from its range (Parkinson 1980: sigma = range / (2 sqrt(ln 2)) = 0.6 range; hence 0.5
or so for `range_share`). The result never leaves the bar that it trades in, and is rounded to the tick against the
taker, but never beyond the order's limit.
"""

from decimal import ROUND_CEILING, Decimal

import msgspec
from msgspec.structs import replace

from fks_actors.execution.config import PaperConfig
from fks_actors.execution.intrabar import swept_price
from fks_actors.execution.slices import due, shown, slot
from fks_actors.execution.synthetic import Trail, falls, followed, is_stop, stop_of, touched
from fks_actors.model.candles import Candle, to_money
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, Liquidity, Order, OrderIntent, OrderType, Side

LIMITS = frozenset({OrderType.LIMIT, OrderType.ICEBERG})
_AT_ONCE = frozenset({OrderType.MARKET, OrderType.TWAP})
_BPS = Decimal(10_000)


class Bar(msgspec.Struct, frozen=True, gc=False):
    """A candle in money: prices in quote, volume in base."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    @classmethod
    def of(cls, candle: Candle) -> "Bar":
        """The candle's figures; a volume that is no number counts as none."""
        volume = to_money(candle.volume) if candle.volume > 0 else ZERO
        return cls(to_money(candle.open), to_money(candle.high), to_money(candle.low), to_money(candle.close), volume)


class Working(msgspec.Struct, frozen=True, gc=False):
    """An order that works at the paper venue.

    `lock_price` (quote a base unit) is what a BUY's held-back cash counts with. `crossing`: a limit that was marketable
    when it was entered and has not met a price yet; `triggered`: a stop that was touched. `place` is its place in time
    (an iceberg's: when what shows of it came to show), `best` a trailing stop's best price so far, `shown` what shows
    of an iceberg. `delay_ms` is how long it is on its way.
    """

    order: Order
    lock_price: Decimal
    trades: int = 0
    crossing: bool = False
    triggered: bool = False
    place: int = 0
    best: Decimal | None = None
    shown: Decimal = ZERO
    delay_ms: int = 0

    @property
    def entered_ms(self) -> int:
        """When it reached the venue."""
        return self.order.intent.ts_ms + self.delay_ms

    @property
    def left(self) -> Decimal:
        """What is still to trade, in base."""
        return self.order.intent.quantity - self.order.filled_quantity


class Touch(msgspec.Struct, frozen=True, gc=False):
    """A price that reaches an order, before slippage."""

    price: Decimal
    liquidity: Liquidity


def marketable(intent: OrderIntent, price: Decimal) -> bool:
    """Whether a limit order would trade at once while the market is at `price`."""
    return intent.order_type in LIMITS and touched(intent, price)


def stop_level(work: Working, rules: MarketRules) -> Decimal | None:
    """Where the order's stop lies now (quote); None for an order without one."""
    intent = work.order.intent
    if work.best is not None:
        return stop_of(intent, Trail(work.best), rules)
    return intent.stop_price if is_stop(intent) else None


def trailed(work: Working, price: Decimal) -> Working:
    """The order after a price that did not reach it: a trailing stop follows, any other stays as it is."""
    if work.best is None:
        return work
    best = followed(work.order.intent, Trail(work.best), price).best
    return work if best == work.best else replace(work, best=best)


def at_price(work: Working, price: Decimal, rules: MarketRules) -> Touch | None:
    """What one print (a bar's open, or the last close) does to the order."""
    intent = work.order.intent
    if work.triggered or intent.order_type in _AT_ONCE:
        return Touch(price, Liquidity.TAKER)
    if intent.order_type in LIMITS:
        if work.crossing:
            return Touch(price, Liquidity.TAKER) if marketable(intent, price) else None
        beyond = marketable(intent, price) and price != intent.limit_price
        return Touch(price, Liquidity.MAKER) if beyond else None
    return Touch(price, Liquidity.TAKER) if touched(intent, price, stop_level(work, rules)) else None


def within(work: Working, bar: Bar, rules: MarketRules) -> Touch | None:
    """What the bar's range does to an order that its open did not reach."""
    intent = work.order.intent
    if work.triggered or intent.order_type in _AT_ONCE:
        return None
    if intent.order_type in LIMITS:
        limit = intent.limit_price
        if limit is None:
            return None
        through = bar.low < limit if intent.side is Side.BUY else bar.high > limit
        return Touch(limit, Liquidity.MAKER) if through else None
    stop = stop_level(work, rules)
    if stop is None or not touched(intent, bar.low if falls(intent) else bar.high, stop):
        return None
    return Touch(stop, Liquidity.TAKER)


def tradable(work: Working, touch: Touch, rules: MarketRules, until_ms: int) -> Decimal:
    """How much of the order may trade now, in base: what shows of an iceberg, of a TWAP what is due by `until_ms`."""
    intent = work.order.intent
    if intent.order_type is OrderType.TWAP and slot(intent, until_ms) < intent.slices - 1:
        return due(intent, work.order.filled_quantity, touch.price, rules, until_ms)
    return work.shown if work.shown > 0 and touch.liquidity is Liquidity.MAKER else work.left


def after_trade(work: Working, quantity: Decimal, rules: MarketRules) -> Working:
    """The order, whose trade of `quantity` is booked, with what now shows of it; a fresh part has no `place` yet."""
    intent = work.order.intent
    if intent.order_type is not OrderType.ICEBERG:
        return work
    if 0 < quantity < work.shown:
        return replace(work, shown=work.shown - quantity)
    display, limit = intent.display_quantity or work.left, intent.limit_price or intent.market_price
    return replace(work, shown=shown(work.left, display, limit, rules) or work.left, place=0)


def trade_price(
    intent: OrderIntent,
    touch: Touch,
    quantity: Decimal,
    bar: Bar,
    rules: MarketRules,
    config: PaperConfig,
    inside: bool,
    used: Decimal = ZERO,
) -> Decimal:
    """The price in quote at which `quantity` (base) trades; `inside` keeps it within the bar's high and low.

    `used` (base) of the bar's volume is gone already, which matters to a fill inside the bar's book.
    """
    buys = intent.side is Side.BUY
    price = touch.price
    if touch.liquidity is Liquidity.TAKER:
        if inside and config.fill == "intrabar":
            end = bar.high if buys else bar.low
            price = swept_price(intent.side, price, end, bar.volume, quantity, used, config)
            slip = touch.price * config.slippage_bps / _BPS
        else:
            slip = _slippage(price, quantity, bar, config)
        price = price + slip if buys else price - slip
        if inside:
            price = min(price, bar.high) if buys else max(price, bar.low)
    if buys:
        price = (price / rules.tick).to_integral_value(rounding=ROUND_CEILING) * rules.tick
    else:
        price = max(rules.floor_price(price), rules.tick)
    if intent.order_type in LIMITS and intent.limit_price is not None:
        price = min(price, intent.limit_price) if buys else max(price, intent.limit_price)
    return price


def _slippage(price: Decimal, quantity: Decimal, bar: Bar, config: PaperConfig) -> Decimal:
    slip = price * config.slippage_bps / _BPS
    if config.range_share and bar.volume > 0 and bar.high > bar.low:
        slip += config.range_share * (bar.high - bar.low) * (quantity / bar.volume).sqrt()
    return slip
