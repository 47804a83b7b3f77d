"""A run's way through its bars: the desk is asked where there is something to do, and moved past the rest.

Nothing is to do at a batch at which no order works and nothing is pending, every symbol has its bar and nothing is
wrong with it, the day is the one before's, the verdict asks for nothing that is not so already, and no loss limit can
trip. Whatever may not be so is the desk's to find out: when in doubt, it is asked.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from decimal import Decimal

import numpy as np

from fks_actors.backtest.ahead import BUY, SELL, UNSURE, Ahead
from fks_actors.backtest.grid import Grid
from fks_actors.backtest.journal import RunJournal
from fks_actors.backtest.parts import RunRisk, RunVenue
from fks_actors.backtest.passed import Passed
from fks_actors.backtest.quality import FLAGS, RunQuality
from fks_actors.desk.desk import Desk
from fks_actors.market.quality import Flag
from fks_actors.model.candles import to_money
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO
from fks_actors.model.records import TradingState
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.messages import RiskState
from fks_actors.risk.trading import DAY_MS, DRAWDOWN

BLOCK = 8_192
_SURE = 1e-9


class Stretches:
    """Walks a desk through a grid.

    Args:
        grid: the bars.
        quality: what is wrong with them.
        minds: who votes.
        desk, risk, venue, journal: the run's own.
        limits: the loss limits.
        markets: the rules of every symbol.
    """

    def __init__(
        self,
        grid: Grid,
        quality: RunQuality,
        minds: Ahead,
        desk: Desk,
        risk: RunRisk,
        venue: RunVenue,
        journal: RunJournal,
        limits: RiskConfig,
        markets: Mapping[str, MarketRules],
    ) -> None:
        self._grid, self._quality, self._minds = grid, quality, minds
        self._desk, self._risk, self._venue, self._journal = desk, risk, venue, journal
        self._limits, self._markets = limits, markets
        days = (grid.times + grid.interval_ms) // DAY_MS
        self._stops = ~quality.harmless
        self._stops[1:] |= days[1:] > days[:-1]

    async def walk(self, told: Callable[[int], None]) -> None:
        """Through the traded batches; `told` hears how many are done."""
        for begin in range(self._grid.begin, len(self._grid), BLOCK):
            end = min(begin + BLOCK, len(self._grid))
            self._minds.look(begin, end)
            await _Block(self, begin, end).walk()
            told(end - self._grid.begin)


class _Block:
    """A stretch of batches whose bars and verdicts lie ready."""

    def __init__(self, run: Stretches, begin: int, end: int) -> None:
        grid = run._grid
        self._run, self._begin, self._end = run, begin, end
        self._batches = grid.batches(begin, end)
        self._closes = {s: grid.columns[s].close[grid.rows[s][begin:end]] for s in grid.symbols}
        stops = run._stops[begin:end].copy()
        wants = {symbol: run._minds.wants(symbol) for symbol in grid.symbols}
        for each in wants.values():
            stops |= each == UNSURE
        self._stops: list[int] = (np.flatnonzero(stops) + begin).tolist()
        self._buys = {s: (np.flatnonzero(each == BUY) + begin).tolist() for s, each in wants.items()}
        self._sells = {s: (np.flatnonzero(each == SELL) + begin).tolist() for s, each in wants.items()}
        self._flagged = {s: (np.flatnonzero(run._quality.flags[s][begin:end]) + begin).tolist() for s in grid.symbols}

    async def walk(self) -> None:
        """Through the block."""
        run, at, end = self._run, self._begin, self._end
        while at < end:
            busy = self._next(at) if run._desk.idle else at
            if busy > at:
                self._pass_over(at, busy)
            if busy < end:
                run._minds.come(busy)
                await run._desk.run_cycle(self._batches[busy - self._begin])
            at = busy + 1

    def _next(self, at: int) -> int:
        """The first batch from `at` on that the desk must see; the block's end where there is none."""
        state = self._run._risk.state
        found = _first(self._stops, at, self._end)
        for symbol, rules in self._run._markets.items():
            if found == at:
                return at
            found = self._acts(symbol, rules, state, at, found)
        return self._trips(state, at, found) if found > at else at

    def _acts(self, symbol: str, rules: MarketRules, state: RiskState, at: int, end: int) -> int:
        """The first batch at which the verdict on a symbol asks for what is not so: a BUY of what is not held, a SELL
        of what is."""
        held = sum((a.position(symbol).quantity for a in state.accounts.values()), ZERO)
        whole = rules.floor_quantity(held) if held else ZERO
        if whole < rules.min_quantity or not whole:
            return _first(self._buys[symbol], at, end)
        sold = _first(self._sells[symbol], at, end)
        least = float(rules.min_notional / whole)
        low, high = self._range(symbol, at, end)
        if low > least * (1.0 + _SURE):
            return sold
        if high < least * (1.0 - _SURE):
            return _first(self._buys[symbol], at, end)
        return at

    def _range(self, symbol: str, at: int, end: int) -> tuple[float, float]:
        cut = self._closes[symbol][at - self._begin : end - self._begin]
        return float(cut.min()), float(cut.max())

    def _trips(self, state: RiskState, at: int, end: int) -> int:
        """The first batch at which a loss limit may trip."""
        if state.trading is TradingState.HALTED:
            return end
        held = [(s, float(p.quantity)) for s, p in state.total().positions.items() if p.quantity]
        if not held:
            return end
        limits, cash = self._run._limits, float(state.total().cash)
        by_drawdown = state.trading is TradingState.REDUCING and state.trading_by == DRAWDOWN
        fall = float(limits.drawdown_halt_pct if by_drawdown else limits.drawdown_reducing_pct) / 100.0 - _SURE
        floor = 0.0
        if state.trading is TradingState.ACTIVE:
            floor = float(state.day_start_equity) * (1.0 - float(limits.max_daily_loss_pct) / 100.0 + _SURE)
        ranges = [(quantity, *self._range(symbol, at, end)) for symbol, quantity in held]
        lowest = cash + sum(quantity * low for quantity, low, _ in ranges)
        peak = max(float(state.peak_equity), cash + sum(quantity * high for quantity, _, high in ranges))
        if lowest > floor and lowest > peak * (1.0 - fall):
            return end
        cut = slice(at - self._begin, end - self._begin)
        equity = cash + np.sum([quantity * self._closes[symbol][cut] for symbol, quantity in held], axis=0)
        peaks = np.maximum(np.maximum.accumulate(equity), float(state.peak_equity))
        found = np.flatnonzero((equity <= floor) | (equity <= peaks * (1.0 - fall)))
        return at + int(found[0]) if len(found) else end

    def _pass_over(self, at: int, end: int) -> None:
        run, last = self._run, self._batches[end - 1 - self._begin]
        run._journal.passed(Passed(at, end, run._risk.state))
        marks = {candle.symbol: to_money(candle.close) for candle in last.candles}
        equity = run._risk.pass_over(marks, self._peak(at, end))
        run._venue.pass_over(last)
        run._desk.pass_over(last, end - at, equity, self._flags(at, end))

    def _flags(self, at: int, end: int) -> dict[str, list[tuple[int, tuple[Flag, ...]]]]:
        """By symbol, which of the bars bear a flag: its place among them, and the flags."""
        found: dict[str, list[tuple[int, tuple[Flag, ...]]]] = {}
        for symbol, places in self._flagged.items():
            first, last = bisect_left(places, at), bisect_left(places, end)
            if last > first:
                bits = self._run._quality.flags[symbol]
                found[symbol] = [(place - at, FLAGS[bits[place]]) for place in places[first:last]]
        return found

    def _peak(self, at: int, end: int) -> Decimal:
        """The account's highest value at these batches' closes."""
        account = self._run._risk.state.total()
        held = {s: p.quantity for s, p in account.positions.items() if p.quantity}
        if not held:
            return account.cash
        if len(held) == 1:
            ((symbol, _),) = held.items()
            return account.equity({symbol: to_money(self._range(symbol, at, end)[1])})
        cut = slice(at - self._begin, end - self._begin)
        values = float(account.cash) + np.sum([float(q) * self._closes[s][cut] for s, q in held.items()], axis=0)
        near = np.flatnonzero(values >= values.max() * (1.0 - _SURE)).tolist()
        offset = at - self._begin
        return max(account.equity({s: to_money(float(self._closes[s][offset + n])) for s in held}) for n in near)


def _first(places: list[int], at: int, end: int) -> int:
    """The first of ascending `places` from `at` on; `end` where that is not before it."""
    found = bisect_left(places, at)
    return min(places[found], end) if found < len(places) else end
