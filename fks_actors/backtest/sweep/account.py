"""One account over one symbol, flat or long, in floats: what the desk, risk and the paper venue make of a rule's wishes.

A wish at a close becomes a market order that the next bar's open fills:

    BUY   where nothing that can be sold is held: equity x share, at most equity x gross / reserve, over the close,
          rounded down to the step. Refused under the venue's least, or where the reserve passes gross exposure or cash
    SELL  all that is held, where the venue would take that much
    price open +- (open x slippage + range_share x (high - low) x sqrt(quantity / volume)), within the bar, rounded to
          the tick against us; a BUY that cash does not cover there is cut to what it covers (`execution.matching`)

Figures that lie within rounding of a whole step or tick count as whole.
"""

from math import ceil, floor, sqrt

from fks_actors.backtest.sweep.compiled import compiled
from fks_actors.backtest.sweep.ports import BUY, SELL, Floats, Wishes

@compiled
def _down(value: float, step: float) -> float:
    """Whole steps in `value`."""
    steps = value / step
    near = floor(steps + 0.5)
    return near if abs(steps - near) <= max(1e-9, steps * 4e-16) else floor(steps)


@compiled
def _up(value: float, step: float) -> float:
    steps = value / step
    near = floor(steps + 0.5)
    return near if abs(steps - near) <= max(1e-9, steps * 4e-16) else ceil(steps)


@compiled
def _wanted(cash: float, held: float, close: float, costs: Floats) -> float:
    """How much a BUY is for (base); 0 where risk or the venue refuses it."""
    share, gross, reserve, step, least, worth = costs[5], costs[6], costs[7], costs[4], costs[8], costs[9]
    equity = cash + held * close
    quantity = _down(min(equity * share, equity * gross / reserve) / close, step) * step
    if quantity <= 0.0 or quantity < least or quantity * close < worth:
        return 0.0
    reserved = quantity * close * reserve
    if held * close + reserved > equity * gross * (1.0 + 1e-12) or reserved > cash * (1.0 + 1e-12):
        return 0.0
    return quantity


@compiled
def _price(side: int, quantity: float, bar: Floats, costs: Floats) -> float:
    """At what a market order trades in a bar (open, high, low, volume)."""
    start, high, low, volume = bar[0], bar[1], bar[2], bar[3]
    slip = start * costs[1]
    if costs[2] > 0.0 and volume > 0.0 and high > low:
        slip += costs[2] * (high - low) * sqrt(quantity / volume)
    tick = costs[3]
    if side == BUY:
        return _up(min(start + slip, high), tick) * tick
    return max(_down(max(start - slip, low), tick), 1.0) * tick


@compiled
def account(
    prices: Floats, wishes: Wishes, costs: Floats, cash: float, figures: Floats, curve: Floats, fills: Floats
) -> int:
    """Trade the wishes; return how many fills there were.

    Args:
        prices: open, high, low, close, volume in rows: shape (5, bars).
        wishes: one a bar.
        costs: as `Costs.figures`.
        figures: FIGURES places, filled.
        curve: equity at each close, filled; or empty.
        fills: rows of FILL, filled as far as it goes; or empty.
    """
    open_, high, low, close, volume = prices[0], prices[1], prices[2], prices[3], prices[4]
    fee, step, least, worth, thinnest = costs[0], costs[4], costs[8], costs[9], costs[10]
    held = fees = deepest = total = squares = asked = 0.0
    side = trips = count = exposed = thin = 0
    before = peak = cash
    bar = costs[:4].copy()
    traces = len(curve) > 0
    for at in range(len(close)):
        if side != 0:
            bar[0], bar[1], bar[2], bar[3] = open_[at], high[at], low[at], volume[at]
            price = _price(side, asked, bar, costs)
            quantity = asked
            if side == BUY:
                quantity = min(asked, _down(cash / (price * (1.0 + fee)), step) * step)
            if quantity > 0.0:
                paid = price * quantity * fee
                fees += paid
                if side == BUY:
                    cash -= price * quantity + paid
                    held += quantity
                else:
                    cash += price * quantity - paid
                    held = 0.0
                    trips += 1
                thin += quantity > volume[at] * thinnest
                if count < len(fills):
                    fills[count, 0], fills[count, 1] = at, quantity * side
                    fills[count, 2], fills[count, 3] = price, paid
                count += 1
            side = 0
        equity = cash
        if held > 0.0:
            equity += held * close[at]
            exposed += 1
        if equity != before:
            if at > 0:
                gained = equity / before - 1.0
                total += gained
                squares += gained * gained
            before = equity
            peak = max(peak, equity)
            deepest = max(deepest, 1.0 - equity / peak)
        if traces:
            curve[at] = equity
        wish = wishes[at]
        if wish != 0:
            sells = held > 0.0 and held >= least and held * close[at] >= worth
            if wish == SELL and sells:
                side, asked = SELL, held
            elif wish == BUY and not sells:
                asked = _wanted(cash, held, close[at], costs)
                side = BUY if asked > 0.0 else 0
    figures[0], figures[1], figures[2], figures[3] = before, deepest, trips, fees
    figures[4], figures[5], figures[6], figures[7] = total, squares, exposed, thin
    return count
