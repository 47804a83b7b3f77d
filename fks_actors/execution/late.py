"""What an order meets in the bar during which it reaches the venue. Pure.

An order enters at `ts_ms + latency_ms`. A bar that opens then or later is a bar like any other: first its open, then
its range. Of the bar that was open when the order came nobody knows what was before and what after, so the worst holds:

    market order, and a limit that would trade at once, decided no later than the bar's open
                     open moved against the order by sqrt(f) of the way to the bar's end that is worse for it, f being
                     the part of the bar that was over when it came. A price spreads with the square root of time
                     (Bachelier 1900; Parkinson 1980 for the range), and here it always spread to the worse side. So
                     more latency is never cheaper within a bar, and none of it is the open.
    stop-loss and trailing stop
                     the bar's adverse end is taken to come after the order: where that touches the stop it trades at
                     the stop, or at the price above where that is worse
    everything else  the close alone (orders that were decided during the bar too): a resting limit or a take-profit
                     is not given what the bar may have offered before it came

Nothing after the bar is used, and no decision sees the bar before it closed.
"""

from decimal import Decimal

from fks_actors.execution.matching import Bar, Working, stop_level
from fks_actors.execution.synthetic import falls, is_protective
from fks_actors.model.candles import BarBatch
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import OrderType, Side


def late_price(work: Working, bar: Bar, batch: BarBatch, rules: MarketRules) -> Decimal:
    """The price in quote that is shown to an order which came while the bar was open."""
    intent = work.order.intent
    if intent.ts_ms > batch.ts_ms:
        return bar.close
    if intent.order_type is OrderType.MARKET or work.crossing or work.triggered:
        return arrival_price(intent.side, bar, work.entered_ms - batch.ts_ms, batch.interval_ms)
    stop = stop_level(work, rules)
    if stop is None or not is_protective(intent):
        return bar.close
    came = arrival_price(intent.side, bar, work.entered_ms - batch.ts_ms, batch.interval_ms)
    if falls(intent):
        return min(stop, came) if bar.low <= stop else bar.close
    return max(stop, came) if bar.high >= stop else bar.close


def arrival_price(side: Side, bar: Bar, passed_ms: int, interval_ms: int) -> Decimal:
    """The bar's price `passed_ms` after its open, had it moved against an order of `side` as far as is plausible."""
    end = bar.high if side is Side.BUY else bar.low
    part = min(Decimal(passed_ms) / interval_ms, Decimal(1))
    return bar.open + (end - bar.open) * part.sqrt()
