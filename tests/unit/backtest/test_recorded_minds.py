"""Minds whose word the bars do not decide: taken from the record, and named."""

from pathlib import Path
from typing import Any

from fks_actors.desk.crafts import bar_mind
from fks_actors.desk.mind_keeper import Answer, History, MindKeeper
from fks_actors.market.config import MarketConfig
from fks_actors.memory.config import MemoryConfig
from fks_actors.model.candles import BarBatch
from fks_actors.model.votes import Abstain, AbstainReason, Action, Vote
from tests.market import MINUTE, START, SYMBOLS, batches
from tests.recorded_desk import RecordedDesk, replayed, settings
from tests.unit.backtest.test_replay import assert_identical

WITH_NEWS = settings(minds=("short_term", "mid_term", "sentiment"))
LATE_FROM = START + 40 * MINUTE


class Newsreader:
    """A mind that goes by what no journal holds."""

    async def ask(self, batch: BarBatch, _: Any) -> Answer:
        """Up with every third bar."""
        up = batch.ts_ms // MINUTE % 3 == 0
        act = Action.BUY if up else Action.HOLD
        return tuple(Vote("sentiment", c.symbol, c.ts_ms, act, 0.7, "news") for c in batch.candles), ()

    async def learn(self, *_: Any) -> tuple[()]:
        """Nothing of bars."""
        return ()


class Slow:
    """A mind whose actor is late for some bars, and has seen them by the next."""

    def __init__(self, keeper: MindKeeper) -> None:
        self._keeper = keeper

    async def ask(self, batch: BarBatch, previous_ms: Any) -> Answer:
        """Its keeper's word, or none in time."""
        if batch.ts_ms >= LATE_FROM and batch.ts_ms // MINUTE % 7 == 0:
            late = AbstainReason.LATE
            return tuple(Abstain("mid_term", c.symbol, c.ts_ms, late, "no answer in 3 s") for c in batch.candles), ()
        return await self._keeper.ask(batch, previous_ms)

    async def learn(self, batches: Any, previous_ms: Any) -> Any:
        """As its keeper."""
        return await self._keeper.learn(batches, previous_ms)


def minds(journal: History) -> dict[str, Any]:
    """Two minds of bars, one of them late at times, and one of news."""

    def keeper(agent: str) -> MindKeeper:
        return MindKeeper(agent, bar_mind(agent, MarketConfig(), MemoryConfig(), WITH_NEWS.agents), journal)

    return {"short_term": keeper("short_term"), "mid_term": Slow(keeper("mid_term")), "sentiment": Newsreader()}


async def test_replay_when_minds_of_news_and_late_ones_spoke_then_their_recorded_word_is_taken_and_named(
    tmp_path: Path,
) -> None:
    desk = await RecordedDesk(tmp_path / "j.db", SYMBOLS, WITH_NEWS, minds=minds).begin()
    await desk.bars(batches(120))
    found = await replayed(desk.url)
    assert_identical(found, 240)
    late = sum(bar.ts_ms >= LATE_FROM and bar.ts_ms // MINUTE % 7 == 0 for bar in batches(120))
    assert found.taken == {"sentiment": 240, "mid_term (late)": 2 * late}
    assert late > 5
