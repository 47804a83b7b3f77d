"""What a bar costs the minds: `python -m tests.bench minds`. Every figure includes the clock, printed first."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fks_actors.adapters.checkpoints import Checkpoints
from fks_actors.agents import asmbtr, long_term, mid_term, short_term
from fks_actors.agents.config import AgentsConfig, AsmbtrConfig
from fks_actors.agents.debate import consensus
from fks_actors.agents.floor import Floor
from fks_actors.agents.graph import Ask, LiveDebate
from fks_actors.desk.crafts import bar_mind
from fks_actors.market.config import MarketConfig
from fks_actors.market.features import LongFeatures, MidFeatures, ShortFeatures
from fks_actors.memory.config import MemoryConfig
from fks_actors.memory.ring import CandleRing
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.votes import Ballot
from tests.bench.figures import row
from tests.debaters import Speakers, motion

HORIZONS = ("short_term", "mid_term", "long_term")

SYMBOL = "BTC/USDT"
MINUTE_MS = 60_000
ROWS = 50_000
CALLS = 10_000


def bars(count: int) -> list[Candle]:
    rng = np.random.default_rng(3)
    closes = 65_000.0 * np.exp(np.cumsum(rng.normal(0.0, 0.001, count)))
    volumes = rng.exponential(10.0, count)
    return [
        Candle(SYMBOL, at * MINUTE_MS, c, c * 1.001, c * 0.999, c, v)
        for at, (c, v) in enumerate(zip(closes.tolist(), volumes.tolist(), strict=True))
    ]


def timed(call: Callable[[Candle], object], candles: Sequence[Candle]) -> list[int]:
    clock, taken = time.perf_counter_ns, []
    for candle in candles:
        begin = clock()
        call(candle)
        taken.append(clock() - begin)
    return taken


def line(name: str, taken_ns: Sequence[int], limit_us: float | None = None, judged: str = "p99") -> None:
    p50, p99 = (float(x) / 1_000.0 for x in np.percentile(taken_ns, [50, 99]))
    row(name, f"p50 {p50:8.2f}  p99 {p99:8.2f} us", "" if limit_us is None else f"{judged} <= {limit_us:.0f} us")


def memory(candles: list[Candle]) -> None:
    ring = CandleRing(ROWS)
    ring.extend(candles[:ROWS])
    line(f"memory append, {ROWS} rows", timed(ring.append, candles[ROWS:]), 5.0)
    line(f"memory window of {ROWS} rows", timed(lambda _: ring.last(ROWS), candles[ROWS:]))
    for horizon in HORIZONS:
        mind = bar_mind(horizon, MarketConfig(), MemoryConfig(), AgentsConfig())
        for candle in candles[:ROWS]:
            mind.observe(candle)
        line(f"{horizon} observe (memory and indicators)", timed(mind.observe, candles[ROWS:]))


def votes(candles: list[Candle]) -> None:
    market, agents = MarketConfig(), AgentsConfig()
    short, mid, long = ShortFeatures(market.short), MidFeatures(market.mid), LongFeatures(market.long)
    for candle in candles[:1_000]:
        short.update(candle)
        mid.update(candle)
        long.update(candle)

    def judge_short(candle: Candle) -> object:
        return short_term.vote(short.view(), agents.short)

    def judge_mid(candle: Candle) -> object:
        return mid_term.vote(mid.view(), agents.mid)

    def judge_long(candle: Candle) -> object:
        return long_term.vote(long.view(), agents.long)

    for name, features, judge in (
        ("short_term view and vote", short, judge_short),
        ("mid_term view and vote", mid, judge_mid),
        ("long_term view and vote", long, judge_long),
    ):
        taken = []
        for candle in candles[1_000 : 1_000 + CALLS]:
            features.update(candle)
            taken += timed(judge, (candle,))
        line(name, taken, 50.0)
    last = candles[1_000 + CALLS - 1]
    ballots: list[Ballot] = [
        short_term.vote(short.view(), agents.short),
        mid_term.vote(mid.view(), agents.mid),
        long_term.vote(long.view(), agents.long),
    ]
    taken = timed(lambda _: consensus(ballots, SYMBOL, last.ts_ms, agents.debate), candles[:CALLS])
    line("consensus of three votes", taken, 20.0)


def states(candles: list[Candle]) -> None:
    for depth in (6, 8, 12):
        config = AsmbtrConfig(depth=depth)
        table = asmbtr.MoveTable(config)
        for candle in candles[:ROWS]:
            table.update(candle)

        def both(candle: Candle, table: asmbtr.MoveTable = table, config: AsmbtrConfig = config) -> object:
            table.update(candle)
            return asmbtr.vote(asmbtr.look(table, candle), config)

        line(f"asmbtr update and vote, depth {depth}", timed(both, candles[ROWS:]), 5.0, "p50")


async def debate(candles: list[Candle]) -> None:
    def minded(horizon: str) -> Ask:
        mind = bar_mind(horizon, MarketConfig(), MemoryConfig(), AgentsConfig())
        for candle in candles[:1_000]:
            mind.observe(candle)

        async def ask(batch: BarBatch) -> tuple[Ballot, ...]:
            return mind.ask(batch)

        return ask

    live = LiveDebate({horizon: minded(horizon) for horizon in HORIZONS}, AgentsConfig().debate)
    taken = []
    for candle in candles[1_000:1_500]:
        begin = time.perf_counter_ns()
        await live.run(BarBatch(candle.ts_ms, MINUTE_MS, (candle,)))
        taken.append(time.perf_counter_ns() - begin)
    line("live debate of three minds", taken, 2_500.0, "p50")


async def floor() -> None:
    """What LangGraph and the checkpoints add to models that answer at once."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(Path(folder) / "debates.db")
        held = Floor(AgentsConfig().debate, checkpoints)
        for name, keep in (
            ("debate of models that answer at once", False),
            ("the same, every turn kept on disk", True),
        ):
            taken = []
            for number in range(200):
                given = motion(number / 1_000)
                begin = time.perf_counter_ns()
                await held.hold([given], Speakers(), keep)
                taken.append(time.perf_counter_ns() - begin)
            line(name, taken)
        await checkpoints.close()


def main() -> None:
    candles = bars(ROWS + CALLS)
    line("the clock itself", timed(lambda _: None, candles[:CALLS]))
    memory(candles)
    votes(candles)
    states(candles)
    asyncio.run(debate(candles))
    asyncio.run(floor())


if __name__ == "__main__":
    main()
