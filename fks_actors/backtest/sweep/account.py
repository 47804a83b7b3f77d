"""One account over one symbol, flat or long, in floats: what desk, risk and paper venue make of a rule's wishes.

A wish at a close becomes a market order that the next bar's open fills:

    BUY   where nothing is held that could be sold: equity x share, at most what gross exposure and cash leave room for
          with the reserve, over the close, rounded down to the step; refused under the venue's least. Where something
          is held: nothing (a vote), or what is missing, where that is more than the band (a target: `risk.targets`)
    SELL  all that is held, where the venue would take that much
    price open +- (open x slippage + range_share x (high - low) x sqrt(quantity / volume)), within the bar, rounded to
          the tick against us; a BUY that cash does not cover there is cut to what it covers (`execution.matching`)

Figures that lie within rounding of a whole step or tick count as whole.
"""

from math import sqrt

import numpy as np

from fks_actors.backtest.sweep.compiled import compiled
from fks_actors.backtest.sweep.ports import (
    BAND,
    BUY,
    DRAWDOWN,
    EXPOSED,
    FEE,
    FEES,
    FINAL,
    GROSS,
    LEAST,
    LEAST_NOTIONAL,
    RANGE_SHARE,
    RESERVE,
    SELL,
    SHARE,
    SLIPPAGE,
    SQUARES,
    STEP,
    SUM,
    THIN,
    TICK,
    TRIPS,
    VOLUME_SHARE,
    Floats,
    Wishes,
)


@compiled
def _down(value: float, step: float) -> float:
    """Whole steps in `value`; more than an int64 holds are many, not an overflow."""
    steps = value / step
    near = np.floor(steps + 0.5)
    return float(near if abs(steps - near) <= max(1e-9, steps * 4e-16) else np.floor(steps))


@compiled
def _up(value: float, step: float) -> float:
    steps = value / step
    near = np.floor(steps + 0.5)
    return float(near if abs(steps - near) <= max(1e-9, steps * 4e-16) else np.ceil(steps))


@compiled
def _targeted(equity: float, worth: float, cash: float, sells: bool, costs: Floats) -> float:
    """The notional of a BUY that a target of 1 asks for (`risk.targets`), before rounding; `worth` is what is held."""
    missing, room = equity - worth, min(equity * costs[GROSS] - worth, cash) / costs[RESERVE]
    if sells or room > costs[LEAST_NOTIONAL]:
        missing = min(missing, room)
    if sells and missing <= equity * costs[BAND]:
        return 0.0
    return float(max(min(missing, equity * costs[SHARE]), 0.0))


@compiled
def _wanted(cash: float, held: float, close: float, sells: bool, costs: Floats) -> float:
    """How much a BUY is for (base); 0 where it is not needed, or where risk or the venue refuses it."""
    worth, step = held * close, costs[STEP]
    equity = cash + worth
    if costs[BAND] >= 0.0:
        notional = _targeted(equity, worth, cash, sells, costs)
    else:
        notional = 0.0 if sells else min(equity * costs[SHARE], equity * costs[GROSS] / costs[RESERVE])
    quantity = _down(notional / close, step) * step
    if quantity <= 0.0 or quantity < costs[LEAST] or quantity * close < costs[LEAST_NOTIONAL]:
        return 0.0
    reserved = quantity * close * costs[RESERVE]
    near = 1.0 + 1e-12
    if worth + reserved > equity * costs[GROSS] * near or reserved > cash * near:
        return 0.0
    return float(quantity)


@compiled
def _price(side: int, quantity: float, bar: Floats, costs: Floats) -> float:
    """At what a market order trades in a bar (open, high, low, volume)."""
    start, high, low, volume = bar[0], bar[1], bar[2], bar[3]
    slip = start * costs[SLIPPAGE]
    if costs[RANGE_SHARE] > 0.0 and volume > 0.0 and high > low:
        slip += costs[RANGE_SHARE] * (high - low) * sqrt(quantity / volume)
    tick = costs[TICK]
    if side == BUY:
        return float(_up(min(start + slip, high), tick) * tick)
    return float(max(_down(max(start - slip, low), tick), 1.0) * tick)


@compiled
def _filled(side: int, asked: float, bar: Floats, costs: Floats, held: Floats, fill: Floats) -> bool:
    """Trade at the bar; whether anything was traded.

    Args:
        bar: open, high, low, volume.
        held: cash and what is held, changed.
        fill: quantity, price and fee, filled.
    """
    fee, step = costs[FEE], costs[STEP]
    price, quantity = _price(side, asked, bar, costs), asked
    if side == BUY:
        quantity = min(asked, _down(held[0] / (price * (1.0 + fee)), step) * step)
    if quantity <= 0.0:
        return False
    paid = price * quantity * fee
    held[0] -= side * price * quantity + paid
    held[1] = held[1] + quantity if side == BUY else 0.0
    fill[0], fill[1], fill[2] = quantity * side, price, paid
    return True


@compiled
def _decided(wish: int, held: Floats, close: float, costs: Floats) -> float:
    """What is ordered of what is wished: a quantity, negative to sell, 0 for nothing."""
    sells = held[1] > 0.0 and held[1] >= costs[LEAST] and held[1] * close >= costs[LEAST_NOTIONAL]
    if wish == SELL:
        return -held[1] if sells else 0.0
    return _wanted(held[0], held[1], close, sells, costs)


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
    held, bar, fill = np.array([cash, 0.0]), np.empty(4), np.empty(3)
    figures[:] = 0.0
    asked, before, peak, count = 0.0, cash, cash, 0
    for at in range(len(wishes)):
        if asked != 0.0:
            bar[0], bar[1], bar[2], bar[3] = prices[0, at], prices[1, at], prices[2, at], prices[4, at]
            if _filled(BUY if asked > 0.0 else SELL, abs(asked), bar, costs, held, fill):
                figures[FEES] += fill[2]
                figures[TRIPS] += asked < 0.0
                figures[THIN] += abs(fill[0]) > bar[3] * costs[VOLUME_SHARE]
                if count < len(fills):
                    fills[count, 0] = at
                    fills[count, 1:] = fill
                count += 1
            asked = 0.0
        equity = held[0]
        if held[1] > 0.0:
            equity += held[1] * prices[3, at]
            figures[EXPOSED] += 1.0
        if equity != before:
            gained = equity / before - 1.0
            figures[SUM] += gained
            figures[SQUARES] += gained * gained
            before = equity
            peak = max(peak, equity)
            figures[DRAWDOWN] = max(figures[DRAWDOWN], 1.0 - equity / peak)
        if len(curve) > 0:
            curve[at] = equity
        if wishes[at] == BUY or (wishes[at] == SELL and held[1] > 0.0):
            asked = _decided(wishes[at], held, prices[3, at], costs)
    figures[FINAL] = before
    return count
