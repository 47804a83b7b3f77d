"""The paper venue's matching core: whether a price reaches an order, and at what price it then trades. Pure.

Reached
    market, and a stop once touched   trades at the next price seen, as taker
    limit, marketable when entered    the next price seen, as taker, never beyond its limit
    limit, resting                    a bar that opens beyond it: at the open; a bar that trades strictly through it: at
                                      the limit. As maker; a bar that only touches the limit fills nothing (pessimistic:
                                      the queue before it is unknown)
    stop-loss SELL, take-profit BUY   low <= stop: at min(stop, open) for the SELL, as taker
    stop-loss BUY, take-profit SELL   high >= stop: at max(stop, open) for the BUY, as taker
A take-profit is a market order once touched, so it too pays slippage.

Price of a taker
    base +- (base x slippage_bps / 10^4  +  range_share x (high - low) x sqrt(quantity / volume))
A fixed half-spread, and the square-root law of market impact, I = Y sigma sqrt(Q / V) (Almgren, Thum, Hauptmann, Li
2005, "Direct estimation of equity market impact"; Toth et al. 2011, Phys. Rev. X 1, 021006), with Y of order one and
sigma the bar's volatility taken from its range (Parkinson 1980: sigma = range / (2 sqrt(ln 2)) = 0.6 range; hence 0.5
or so for `range_share`). The result never leaves the bar that it trades in, and is rounded to the tick against the
taker, but never beyond the order's limit.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from fks_actors.execution.config import PaperConfig
from fks_actors.model.candles import Candle, to_money
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, Liquidity, Order, OrderIntent, OrderType, Side

_BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Bar:
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


@dataclass(frozen=True, slots=True)
class Working:
    """An order that works at the paper venue.

    `lock_price` (quote a base unit) is what a BUY's held-back cash counts with. `crossing`: a limit that was marketable
    when it was entered and has not met a price yet; `triggered`: a stop that was touched.
    """

    order: Order
    lock_price: Decimal
    trades: int = 0
    crossing: bool = False
    triggered: bool = False

    @property
    def left(self) -> Decimal:
        """What is still to trade, in base."""
        return self.order.intent.quantity - self.order.filled_quantity


@dataclass(frozen=True, slots=True)
class Touch:
    """A price that reaches an order, before slippage."""

    price: Decimal
    liquidity: Liquidity


def is_stop(intent: OrderIntent) -> bool:
    """Whether the order waits for its stop price."""
    return intent.order_type in (OrderType.STOP_LOSS, OrderType.TAKE_PROFIT)


def marketable(intent: OrderIntent, price: Decimal) -> bool:
    """Whether a LIMIT would trade at once while the market is at `price`."""
    if intent.order_type is not OrderType.LIMIT or intent.limit_price is None:
        return False
    return price <= intent.limit_price if intent.side is Side.BUY else price >= intent.limit_price


def at_price(work: Working, price: Decimal) -> Touch | None:
    """What one print (a bar's open, or the last close) does to the order."""
    intent = work.order.intent
    if intent.order_type is OrderType.MARKET or work.triggered:
        return Touch(price, Liquidity.TAKER)
    if intent.order_type is OrderType.LIMIT:
        if work.crossing:
            return Touch(price, Liquidity.TAKER) if marketable(intent, price) else None
        beyond = marketable(intent, price) and price != intent.limit_price
        return Touch(price, Liquidity.MAKER) if beyond else None
    return Touch(price, Liquidity.TAKER) if _touched(intent, price, price) else None


def within(work: Working, bar: Bar) -> Touch | None:
    """What the bar's range does to an order that its open did not reach."""
    intent = work.order.intent
    if intent.order_type is OrderType.MARKET or work.triggered:
        return None
    if intent.order_type is OrderType.LIMIT:
        limit = intent.limit_price
        if limit is None:
            return None
        through = bar.low < limit if intent.side is Side.BUY else bar.high > limit
        return Touch(limit, Liquidity.MAKER) if through else None
    if intent.stop_price is None or not _touched(intent, bar.low, bar.high):
        return None
    return Touch(intent.stop_price, Liquidity.TAKER)


def _touched(intent: OrderIntent, low: Decimal, high: Decimal) -> bool:
    if intent.stop_price is None:
        return False
    downward = (intent.order_type is OrderType.STOP_LOSS) == (intent.side is Side.SELL)
    return low <= intent.stop_price if downward else high >= intent.stop_price


def trade_price(
    intent: OrderIntent,
    touch: Touch,
    quantity: Decimal,
    bar: Bar,
    rules: MarketRules,
    config: PaperConfig,
    inside: bool,
) -> Decimal:
    """The price in quote at which `quantity` (base) trades; `inside` keeps it within the bar's high and low."""
    buys = intent.side is Side.BUY
    price = touch.price
    if touch.liquidity is Liquidity.TAKER:
        slip = _slippage(price, quantity, bar, config)
        price = price + slip if buys else price - slip
        if inside:
            price = min(price, bar.high) if buys else max(price, bar.low)
    if buys:
        price = (price / rules.tick).to_integral_value(rounding=ROUND_CEILING) * rules.tick
    else:
        price = max(rules.floor_price(price), rules.tick)
    if intent.order_type is OrderType.LIMIT and intent.limit_price is not None:
        price = min(price, intent.limit_price) if buys else max(price, intent.limit_price)
    return price


def _slippage(price: Decimal, quantity: Decimal, bar: Bar, config: PaperConfig) -> Decimal:
    slip = price * config.slippage_bps / _BPS
    if bar.volume > 0 and bar.high > bar.low:
        slip += config.range_share * (bar.high - bar.low) * (quantity / bar.volume).sqrt()
    return slip
