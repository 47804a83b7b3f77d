"""Studies for the tests of the report: runs that were made up, of any length, over prices that were made up."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from fks_actors.adapters.feeds.columns import Columns, gaps_of
from fks_actors.adapters.feeds.files import Recording
from fks_actors.adapters.feeds.replay import ReplayFeed, Track
from fks_actors.backtest.baselines import BuyAndHold, flat, verdict_line
from fks_actors.backtest.past import Past
from fks_actors.backtest.run import Result
from fks_actors.backtest.study import Searched, Study
from fks_actors.execution.config import default_rules
from fks_actors.model.account import Account
from fks_actors.model.candles import to_money
from fks_actors.model.orders import Fill, Liquidity, Order, OrderIntent, OrderStatus, OrderType, Origin, Refusal, Side
from fks_actors.model.records import CycleOutcome, CycleRecord, EquityPoint, TradingState
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Verdict, Vote
from fks_actors.settings import Settings

MINUTE_MS = 60_000
START_MS = 1_704_067_200_000
SYMBOL = "BTC/USDT"
CASH = Decimal(10_000)
MINDS = ("short_term", "mid_term", "long_term")


def past_of(count: int, drift: float = 0.0, interval_ms: int = MINUTE_MS, symbol: str = SYMBOL) -> Past:
    """A random walk, seed 7."""
    rng = np.random.default_rng(7)
    close = np.round(30_000 * np.exp(np.cumsum(rng.normal(drift, 0.0006, count))), 2)
    open_ = np.concatenate([[30_000.0], close[:-1]])
    high, low = np.maximum(open_, close) + 5.0, np.minimum(open_, close) - 5.0
    times = START_MS + interval_ms * np.arange(count, dtype=np.int64)
    columns = Columns(times, open_, high, low, close, np.full(count, 100.0))
    track = Track(symbol, Recording("/home/someone/walk.csv", columns, ()), interval_ms, gaps_of(times, interval_ms))
    return Past(ReplayFeed((track,), None).describe(), (track,), times, 0, count, 0)


def ran(past: Past, every: int, minds: Sequence[str] = MINDS, refused: str = "") -> Result:
    """Buys 0.1 at the open of every other `every`-th bar and sells it at the next; 0 never trades.

    With `refused`, every seventh cycle is denied in these words.
    """
    symbol, columns = past.info.symbols[0], past.tracks[0].columns
    length, account, peak = past.info.interval_ms, Account(CASH), CASH
    cycles, orders, fills, equity = [], [], [], []
    asked: OrderIntent | None = None
    bars = zip(columns.times.tolist(), columns.open.tolist(), columns.close.tolist(), strict=True)
    for at, (ts_ms, first, last) in enumerate(bars):
        if asked is not None:
            price = to_money(first)
            fee = price * asked.quantity / 1000
            name = asked.client_order_id
            made = Fill(f"t{at}", name, "paper", symbol, asked.side, price, asked.quantity, fee, Liquidity.TAKER, ts_ms)
            account = account.applied(made)
            fills.append(made)
            orders.append(Order(asked, OrderStatus.FILLED, ts_ms, filled_quantity=asked.quantity, average_price=price))
            asked = None
        price, close_ms, side = to_money(last), ts_ms + length, (Side.BUY, Side.SELL)[at // every % 2 if every else 0]
        name = f"{symbol}@{ts_ms}"
        if every and at % every == 0:
            asked = OrderIntent(
                f"o{at}", Origin.CYCLE, name, "paper", symbol, side, OrderType.MARKET, Decimal("0.1"), price, close_ms
            )
        cycles.append(_cycle(name, symbol, ts_ms, close_ms, price, asked, minds, refused if at % 7 == 3 else ""))
        exposure = account.exposure({symbol: price})
        worth = account.cash + exposure
        peak = max(peak, worth)
        equity.append(
            EquityPoint(
                close_ms, worth, account.cash, exposure, account.realised(), account.fees, 1 - worth / peak,
                TradingState.ACTIVE,
            )
        )  # fmt: skip
    return Result(CASH, past.count, tuple(cycles), tuple(orders), tuple(fills), tuple(equity))


def study_of(
    past: Past,
    result: Result,
    title: str = "made up",
    warnings: tuple[str, ...] = (),
    searched: Searched | None = None,
) -> Study:
    """The run beside flat and buy and hold."""
    settings = Settings()
    markets = {symbol: default_rules(symbol, settings.paper) for symbol in past.info.symbols}
    hold = BuyAndHold(CASH, markets, settings.paper)
    for batch in past.traded():
        hold.observe(batch)
    baselines = flat(result), hold.baseline()
    return Study(title, settings, past, result, verdict_line(result, baselines[1:]), baselines, warnings, searched)


def _cycle(
    name: str,
    symbol: str,
    ts_ms: int,
    close_ms: int,
    price: Decimal,
    asked: OrderIntent | None,
    minds: Sequence[str],
    refused: str,
) -> CycleRecord:
    action = Action.HOLD if asked is None else Action(asked.side.value)
    ballots: list[Ballot] = [
        Vote(mind, symbol, ts_ms, action if at else Action.BUY, (ts_ms // MINUTE_MS + at) % 10 / 10, "")
        for at, mind in enumerate(minds[:-1])
    ]
    ballots += [Abstain(mind, symbol, ts_ms, AbstainReason.WARMING_UP) for mind in minds[-1:]]
    outcome = CycleOutcome.DENIED if refused else CycleOutcome.HOLD if asked is None else CycleOutcome.ORDERED
    verdict = Verdict(symbol, ts_ms, action, action, 0.0, 0.5, 0.2)
    refusals = (Refusal("max_exposure", refused, "61", "60"),) if refused else ()
    order_id = asked.client_order_id if asked else ""
    return CycleRecord(name, symbol, ts_ms, close_ms, price, tuple(ballots), verdict, outcome, order_id, refusals)
