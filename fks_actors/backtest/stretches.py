"""A run's way through its bars: the desk is asked where there is something to do, and moved past the rest.

Nothing is to do at a batch at which no order works and nothing is pending, every symbol has its bar and nothing is
wrong with it, the day is the one before's, the verdict asks for nothing that is not so already, and no loss limit can
trip. Whatever may not be so is the desk's to find out: when in doubt, it is asked.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from decimal import Decimal

import numpy as np

from fks_actors.backtest.ahead import BUY, SELL, UNSURE, Ahead, Floats
from fks_actors.backtest.grid import Grid
from fks_actors.backtest.journal import RunJournal
from fks_actors.backtest.parts import RunRisk, RunVenue
from fks_actors.backtest.passed import Passed
from fks_actors.backtest.quality import FLAGS, RunQuality
from fks_actors.backtest.worth import RunScoring
from fks_actors.desk.config import PAPER
from fks_actors.desk.desk import Desk, Met
from fks_actors.desk.ports import VenueReply
from fks_actors.market.quality import Flag
from fks_actors.model.account import Account
from fks_actors.model.candles import to_money
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, Fill
from fks_actors.model.records import TradingState
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.messages import RiskState
from fks_actors.risk.trading import DAY_MS, DRAWDOWN

FIRST_BLOCK, BLOCK = 64, 8_192
"""How many batches the minds are ahead of the desk: few at first, so that one soon hears how a slow run goes."""

_SURE = 1e-9
_FEW = 128


_NOTHING: Met = {PAPER: VenueReply(())}


class Stretches:
    """Walks a desk through a grid.

    Args:
        grid: the bars.
        quality: what is wrong with them.
        minds: who votes.
        desk, risk, venue, journal: the run's own.
        limits: the loss limits.
        markets: the rules of every symbol.
        scoring: the desk's calibration.
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
        scoring: RunScoring,
    ) -> None:
        self._grid, self._quality, self._minds = grid, quality, minds
        self._desk, self._risk, self._venue, self._journal = desk, risk, venue, journal
        self._limits, self._markets, self._scoring = limits, markets, scoring
        days = (grid.times + grid.interval_ms) // DAY_MS
        self._stops = ~quality.harmless
        self._stops[1:] |= days[1:] > days[:-1]

    def _come(self, at: int) -> None:
        self._minds.come(at)
        self._scoring.batch = at

    async def walk(self, told: Callable[[int], None]) -> None:
        """Through the traded batches; `told` hears how many are done."""
        begin, size = self._grid.begin, FIRST_BLOCK
        while begin < len(self._grid):
            end = min(begin + size, len(self._grid))
            self._minds.look(begin, end)
            await _Block(self, begin, end).walk()
            told(end - self._grid.begin)
            begin, size = end, min(2 * size, BLOCK)


class _Block:
    """A stretch of batches whose bars and verdicts lie ready."""

    def __init__(self, run: Stretches, begin: int, end: int) -> None:
        grid = run._grid
        self._run, self._begin, self._end = run, begin, end
        self._closes = {s: grid.columns[s].close[grid.rows[s][begin:end]] for s in grid.symbols}
        self._listed: dict[str, list[float]] = {s: closes.tolist() for s, closes in self._closes.items()}
        stops = run._stops[begin:end].copy()
        wants = {symbol: run._minds.wants(symbol, end) for symbol in grid.symbols}
        for each in wants.values():
            stops |= each == UNSURE
        self._stops: list[int] = (np.flatnonzero(stops) + begin).tolist()
        self._buys = {s: (np.flatnonzero(each == BUY) + begin).tolist() for s, each in wants.items()}
        self._sells = {s: (np.flatnonzero(each == SELL) + begin).tolist() for s, each in wants.items()}
        self._targets = {symbol: run._minds.targets(symbol) for symbol in grid.symbols}
        self._flagged = {s: (np.flatnonzero(run._quality.flags[s][begin:end]) + begin).tolist() for s in grid.symbols}

    async def walk(self) -> None:
        """Through the block."""
        run, at, end = self._run, self._begin, self._end
        while at < end:
            busy = self._next(at) if run._desk.idle else at
            if busy > at:
                self._pass_over(at, busy)
            if busy < end:
                await self._ask(busy)
            at = busy + 1

    async def _ask(self, at: int) -> None:
        """Have the desk see a batch; where orders end at it and nothing else is to be done, no mind is asked."""
        run, batch = self._run, self._run._minds.batch(at)
        run._come(at)
        desk, stops = run._desk, _first(self._stops, at, at + 1) == at
        if desk.idle and not stops:
            run._venue.pass_over(batch)  # nothing works there
            await desk.run_cycle(batch, met=_NOTHING)
            return
        if stops or not desk.waits:
            await desk.run_cycle(batch)
            return
        met = await desk.meet(batch)
        if desk.ends_all(met) and not self._acts_after(met, at):
            run._journal.turned(Passed(at, at + 1, run._risk.state))
            await desk.settle(batch, met, self._flags(at, at + 1))
        else:
            await desk.run_cycle(batch, met=met)

    def _acts_after(self, met: Met, at: int) -> bool:
        """Whether a verdict asks for what is not so after this."""
        account = self._run._risk.state.total()
        for reply in met.values():
            for event in reply.events:
                if isinstance(event, Fill):
                    account = account.applied(event)
        return any(self._acts(s, rules, account, at, at + 1) == at for s, rules in self._run._markets.items())

    def _next(self, at: int) -> int:
        """The first batch from `at` on that the desk must see; the block's end where there is none."""
        state = self._run._risk.state
        account, found = state.total(), _first(self._stops, at, self._end)
        for symbol, rules in self._run._markets.items():
            if found == at:
                return at
            found = self._acts(symbol, rules, account, at, found)
        return self._trips(state, at, found) if found > at else at

    def _acts(self, symbol: str, rules: MarketRules, account: Account, at: int, end: int) -> int:
        """The first batch at which the verdict on a symbol asks for what is not so: a BUY of what is not held, a SELL
        of what is, a target that what is held lies too far from."""
        held = account.position(symbol).quantity
        whole = rules.floor_quantity(held) if held else ZERO
        if whole < rules.min_quantity or not whole:
            return _first(self._buys[symbol], at, end)
        sold = _first(self._sells[symbol], at, end)
        least = float(rules.min_notional / whole)
        low, high = self._range(symbol, at, end)
        if low > least * (1.0 + _SURE):
            targets = self._targets[symbol]
            if targets is None or self._stays(symbol, targets, account, at, sold, (low, high)):
                return sold
            return self._strays(symbol, targets, account, at, sold)
        if high < least * (1.0 - _SURE):
            return _first(self._buys[symbol], at, end)
        return at

    def _stays(
        self, symbol: str, targets: Floats, account: Account, at: int, end: int, closes: tuple[float, float]
    ) -> bool:
        """Whether one glance tells that nothing strays: of one holding, with one target, at the lowest and the highest
        of `closes`. All that is compared is linear in the price, so what is so at neither is so nowhere between."""
        wanted = targets[at - self._begin : end - self._begin]
        if not len(wanted):
            return True
        target = float(wanted[0])
        if sum([bool(p.quantity) for p in account.positions.values()]) != 1 or not (wanted == target).all():
            return False
        limits, cash, quantity = self._run._limits, float(account.cash), float(account.position(symbol).quantity)
        band, most = float(limits.rebalance_band_pct) / 100.0 - _SURE, float(limits.max_gross_exposure_pct) / 100.0
        factor, may = float(limits.reserve_factor), [False, False, False]
        for close in closes:
            worth = quantity * close
            equity = cash + worth
            missing, edge = equity * target - worth, band * equity
            if missing < -edge:
                return False
            for n, room in enumerate((missing, (equity * most - worth) / factor, cash / factor)):
                may[n] = may[n] or room > edge
        return not all(may)

    def _strays(self, symbol: str, targets: Floats, account: Account, at: int, end: int) -> int:
        """The first batch at which what is held of a symbol lies beyond the band around its target, and could be
        brought nearer (`risk.targets`)."""
        cut, limits = slice(at - self._begin, end - self._begin), self._run._limits
        worth = {s: float(p.quantity) * self._closes[s][cut] for s, p in account.positions.items() if p.quantity}
        cash, exposure = float(account.cash), np.sum(list(worth.values()), axis=0)
        equity = cash + exposure
        band = equity * (float(limits.rebalance_band_pct) / 100.0 - _SURE)
        missing = equity * targets[cut] - worth[symbol]
        most = np.minimum(equity * (float(limits.max_gross_exposure_pct) / 100.0) - exposure, cash)
        found = np.flatnonzero((missing < -band) | (np.minimum(missing, most / float(limits.reserve_factor)) > band))
        return at + int(found[0]) if len(found) else end

    def _range(self, symbol: str, at: int, end: int) -> tuple[float, float]:
        first, last = at - self._begin, end - self._begin
        if last - first < _FEW:
            few = self._listed[symbol][first:last]
            return min(few), max(few)
        cut = self._closes[symbol][first:last]
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
        run, last = self._run, self._run._minds.batch(end - 1)
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
