"""Recordings, and minds of a line or two, honest ones and others."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fks_actors.agents.config import AgentsConfig, DebateConfig
from fks_actors.backtest.past import Past, Span, read_past
from fks_actors.desk.mind import BarMind, Craft
from fks_actors.execution.config import PaperConfig
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.orders import ZERO
from fks_actors.model.votes import Action, Ballot, Vote
from fks_actors.settings import Settings
from tests.market import batches, write_files

FREE = PaperConfig(maker_fee_bps=ZERO, taker_fee_bps=ZERO, slippage_bps=ZERO, range_share=ZERO)


def told(*minds: str) -> Settings:
    """Settings of a council of these minds."""
    debate = DebateConfig(min_votes=min(2, len(minds)))
    return Settings(agents=AgentsConfig(minds=minds, debate=debate))


def alone(paper: PaperConfig = FREE) -> Settings:
    """Settings under which a single mind decides."""
    return Settings(agents=AgentsConfig(minds=("asmbtr",), debate=DebateConfig(min_votes=1)), paper=paper)


async def past_of(
    folder: Path, bars: Sequence[BarBatch] | None = None, span: Span = (None, None), warm: int = 0
) -> Past:
    spec = write_files(folder, list(bars or batches(240)))
    return await read_past(spec.removeprefix("replay:").split(","), span, warm)


class Last:
    """Features that know the bar before the last one, and how many there were."""

    required = 1

    def __init__(self) -> None:
        self.bars = 0
        self.candle: Candle | None = None

    @property
    def warm(self) -> bool:
        return self.bars >= self.required

    def update(self, candle: Candle) -> None:
        self.bars += 1
        self.candle = candle

    def state(self) -> dict[str, Any]:
        return {"bars": self.bars}

    def restore(self, state: dict[str, Any]) -> None:
        self.bars = state["bars"]


def mind(score: Callable[[Candle], float], name: str = "asker") -> BarMind:
    """Buys where the score is above zero and sells where it is below, the surer the larger it is."""

    def vote(_: Last, candle: Candle) -> Ballot:
        value = score(candle)
        action = Action.BUY if value > 0 else Action.SELL if value < 0 else Action.HOLD
        return Vote(name, candle.symbol, candle.ts_ms, action, 0.7 + 0.3 * math.tanh(abs(value)), "because")

    return BarMind(Craft(name, 10, {}, Last, vote))
