"""A recorded decision, made once more from its journal alone, is the recorded one to the byte."""

from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from fks_actors.agents.config import AsmbtrConfig, DebateConfig
from fks_actors.backtest.replay import Replayed, Wanted
from fks_actors.errors import DataError
from fks_actors.market.config import MarketConfig
from fks_actors.model.candles import BarBatch
from fks_actors.model.debates import Role
from fks_actors.model.orders import OrderType, Side
from fks_actors.model.records import ControlRecord, CycleOutcome, Signal, TradingState
from fks_actors.risk.config import RiskConfig
from fks_actors.settings import Settings
from tests.debaters import Speakers
from tests.market import MINUTE, START, SYMBOLS, batches
from tests.recorded_desk import RecordedDesk, replayed, settings

BARS = 420
BTC, ETH = SYMBOLS
EAGER = settings(
    debate=DebateConfig(threshold=0.3), asmbtr=AsmbtrConfig(protect=True, stop_pct=0.4, take_profit_pct=0.6)
)


def told(found: Replayed) -> list[str]:
    """What differs, for a failing test to show."""
    return [f"{each.recorded.decision_id}: {each.differences()[:4]}" for each in found.differing[:3]]


def assert_identical(found: Replayed, decisions: int) -> None:
    """Every decision was made once more, and the account is the recorded one."""
    assert told(found) == []
    assert (found.decisions, found.identical) == (decisions, decisions)
    assert found.point_differs is None
    assert found.points_differ == 0
    assert found.points > 0


async def test_replay_when_a_desk_traded_then_every_decision_is_identical(tmp_path: Path) -> None:
    desk = await (await RecordedDesk(tmp_path / "j.db", SYMBOLS, settings()).begin()).bars(batches(BARS))
    found = await replayed(desk.url)
    assert_identical(found, 2 * BARS)
    assert found.points == BARS - 1
    assert not (found.unsettled or found.taken or found.lacks)
    decided, _ = desk.journal.decisions("", 2 * BARS)
    assert {c.outcome for c in decided} > {CycleOutcome.ORDERED, CycleOutcome.NO_CHANGE}


def alert(random: Random, number: int, price: float) -> Signal:
    """Any alert: to buy or sell, guarded or not, or only to be heard."""
    near = Decimal(str(round(price, 2)))
    kind = random.choice(["advice", "buy", "guarded", "trailing", "limit", "sell"])
    fields = {
        "advice": {"advisory": True, "strategy": random.choice(["", "breakout"]), "confidence": Decimal("0.9")},
        "buy": {},
        "guarded": {"stop_loss": near * Decimal("0.997"), "take_profit": near * Decimal("1.004")},
        "trailing": {"trail_pct": Decimal("0.5")},
        "limit": {"order_type": OrderType.LIMIT, "price": near * Decimal("0.999")},
        "sell": {"side": Side.SELL},
    }[kind]
    common = {"side": Side.BUY, "order_type": OrderType.MARKET, "quantity": Decimal("0.01")}
    return Signal(f"s{number}", f"id:{number}", 0, BTC, **{**common, **fields})


def spoilt(random: Random, batch: BarBatch) -> BarBatch:
    """The batch as it came, or without a symbol, or with a price that cannot be."""
    luck = random.random()
    if luck < 0.05:
        return replace(batch, candles=(random.choice(batch.candles),))
    if luck < 0.08:
        wild = batch.candles[0]
        wild = replace(wild, high=wild.high * 2, close=wild.close * 1.8)
        return replace(batch, candles=(wild, *batch.candles[1:]))
    return batch


class Storm:
    """A desk that is told at random, breaks at random, and is started anew at random, at times with other settings."""

    def __init__(self, path: Path, seed: int, rate: float) -> None:
        self.path, self.rate, self.random = path, rate, Random(seed)
        self.configs = (
            EAGER,
            EAGER.model_copy(update={"risk": RiskConfig(per_trade_pct=Decimal(2), max_gross_exposure_pct=Decimal(10))}),
            settings(minds=("asmbtr", "short_term", "mid_term"), debate=DebateConfig(threshold=0.2, min_votes=1)),
        )
        self.starts = self.sent = 0

    async def start(self, config: Settings) -> RecordedDesk:
        self.starts += 1
        desk = RecordedDesk(self.path, SYMBOLS, config, None, self.rate, self.random.randrange(10**6))
        return await desk.begin(f"r{self.starts}")

    async def run(self, bars: list[BarBatch]) -> tuple[RecordedDesk, int]:
        desk, decided = await self.start(self.configs[0]), 0
        for batch in bars:
            batch = spoilt(self.random, batch)
            luck = self.random.random()
            if luck < 0.03:
                desk.close()
                desk = await self.start(self.random.choice(self.configs))
            elif luck < 0.12:
                await self.alert(desk, batch)
            elif luck < 0.15:
                await self.control(desk)
            elif luck < 0.17:
                await desk.home.run(lambda d, b=batch: d.learn([b]))
                continue
            await desk.bars([batch])
            decided += len(batch.candles)
        return desk, decided

    async def alert(self, desk: RecordedDesk, batch: BarBatch) -> None:
        self.sent += 1
        signal, at = alert(self.random, self.sent, batch.candles[0].open), self.sent
        await desk.home.run(lambda d: d.run_signal(at, signal, d.clock_ms))

    async def control(self, desk: RecordedDesk) -> None:
        state = self.random.choice(list(TradingState))
        name = f"c{self.random.random()}"
        await desk.home.run(lambda d: d.control(name, ControlRecord(d.clock_ms, state, "operator", "")))


@pytest.mark.parametrize(("seed", "rate"), [(1, 0.0), (2, 0.0), (3, 0.05), (4, 0.1)])
async def test_replay_when_a_desk_went_through_a_storm_then_every_decision_is_identical(
    tmp_path: Path, seed: int, rate: float
) -> None:
    storm = Storm(tmp_path / "j.db", seed, rate)
    desk, decided = await storm.run(batches(240, seed))
    assert storm.starts > 1
    assert_identical(await replayed(desk.url), decided)
