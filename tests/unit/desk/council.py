"""A council that says what it was told to, in the minds' place, and desks that listen to it."""

from collections.abc import Callable
from typing import Any

from fks_actors.agents.config import AgentsConfig, AsmbtrConfig
from fks_actors.desk.ports import Deliberation
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.orders import Order, Origin
from fks_actors.model.votes import Action, Verdict, Vote
from tests.in_process import Breaker, InProcessDesk
from tests.market import MINUTE, START

BTC = "BTC/USDT"
STOP_PCT, TARGET_PCT = 1.0, 2.0
PROTECTED = AgentsConfig(
    minds=("asmbtr",), asmbtr=AsmbtrConfig(protect=True, stop_pct=STOP_PCT, take_profit_pct=TARGET_PCT)
)
UNPROTECTED = AgentsConfig(minds=("asmbtr",), asmbtr=AsmbtrConfig(stop_pct=STOP_PCT, take_profit_pct=TARGET_PCT))


class Council:
    """Says HOLD of every symbol, but for what `script` says of BTC at a bar (its number); `agent` is who votes."""

    def __init__(self, script: dict[int, Action] | Callable[[int], Action], agent: str = "asmbtr") -> None:
        self._choose = script if callable(script) else lambda number: script.get(number, Action.HOLD)
        self._agent = agent

    def __call__(self, batch: BarBatch) -> Deliberation:
        votes, verdicts = [], []
        for candle in batch.candles:
            action = self._choose((batch.ts_ms - START) // MINUTE) if candle.symbol == BTC else Action.HOLD
            votes.append(Vote(self._agent, candle.symbol, batch.ts_ms, action, 0.9, "as told"))
            verdicts.append(Verdict(candle.symbol, batch.ts_ms, action, action, 0.9, 0.9, 0.6))
        return Deliberation(tuple(votes), tuple(verdicts))


def bar(number: int, *prices: int) -> BarBatch:
    """One bar of BTC: open, high, low and close."""
    first, high, low, last = (float(p) for p in prices)
    start = START + number * MINUTE
    return BarBatch(start, MINUTE, (Candle(BTC, start, first, high, low, last, 100.0),))


def flat(number: int, price: int = 30_000) -> BarBatch:
    """A quiet bar of BTC."""
    return bar(number, price, price + 5, price - 5, price)


def on_paper(script: dict[int, Action], agent: str = "asmbtr", **more: Any) -> InProcessDesk:
    """A desk with a paper venue that the council speaks to."""
    given = {"agents": PROTECTED, **more}
    return InProcessDesk((BTC,), Breaker(0, 0), council=Council(script, agent), **given)


def exits_of(desk: Any) -> list[Order]:
    """The desk's exits that have not ended."""
    return [o for o in desk.open_orders if o.intent.origin is Origin.EXIT]
