"""A recorded decision, made once more from its journal alone, is the recorded one to the byte."""

import re
import sqlite3
from collections.abc import Awaitable
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from fks_actors.adapters.sql.chain import open_chain
from fks_actors.agents.config import AsmbtrConfig, DebateConfig
from fks_actors.backtest.replay import Replayed, Wanted, replay
from fks_actors.errors import DataError
from fks_actors.llm.cache import cache_key
from fks_actors.llm.config import LlmConfig
from fks_actors.llm.prompts import render
from fks_actors.model.candles import BarBatch
from fks_actors.model.debates import Brief, Role, Turn
from fks_actors.model.orders import OrderType, Side
from fks_actors.model.records import ControlRecord, CycleOutcome, Signal, TradingState
from fks_actors.risk.config import RiskConfig
from fks_actors.settings import Settings
from tests.debaters import Speakers, turn
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
    assert found.unsettled == []
    assert not found.taken + found.lacks
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


async def test_replay_when_one_decision_is_asked_for_then_it_alone_is_compared(tmp_path: Path) -> None:
    desk = await (await RecordedDesk(tmp_path / "j.db", SYMBOLS, EAGER).begin()).bars(batches(90))
    wanted = f"{ETH}@{START + 50 * MINUTE}"
    found = await replayed(desk.url, Wanted(wanted))
    assert (found.decisions, found.identical, found.bars) == (1, 1, 102)
    assert found.last is not None
    assert found.last.recorded.decision_id == wanted


async def test_replay_when_a_span_is_asked_for_then_its_decisions_are_compared(tmp_path: Path) -> None:
    desk = await (await RecordedDesk(tmp_path / "j.db", SYMBOLS, EAGER).begin()).bars(batches(90))
    found = await replayed(desk.url, Wanted("", START + 40 * MINUTE, START + 70 * MINUTE))
    assert (found.decisions, found.identical) == (60, 60)


@pytest.mark.parametrize("wanted", [Wanted("BTC/USDT@1"), Wanted("", 0, 1)])
async def test_replay_when_there_is_no_such_decision_then_it_says_so(tmp_path: Path, wanted: Wanted) -> None:
    desk = await (await RecordedDesk(tmp_path / "j.db", SYMBOLS, EAGER).begin()).bars(batches(2))
    with pytest.raises(DataError, match="holds no decision"):
        await replayed(desk.url, wanted)


async def test_replay_when_a_vote_was_other_than_the_code_makes_it_then_just_that_decision_differs(
    tmp_path: Path,
) -> None:
    desk = await (await RecordedDesk(tmp_path / "j.db", SYMBOLS, EAGER).begin()).bars(batches(90))
    key = f"{BTC}@{START + 60 * MINUTE}"
    tampered(tmp_path / "j.db", key)
    found = await replayed(desk.url)
    (only,) = found.differing
    assert only.recorded.decision_id == key
    assert [d.field for d in only.differences()] == ["ballots[short_term].confidence"]
    assert found.identical == 2 * 90 - 1


def tampered(path: Path, key: str) -> None:
    """Change the first confidence in a decision's row."""
    connection = sqlite3.connect(path)
    (payload,) = connection.execute("SELECT payload FROM decisions WHERE decision_id = ?", (key,)).fetchone()
    changed = re.sub(r'"confidence":[0-9.]+', '"confidence":0.125', payload, count=1)
    connection.execute("UPDATE decisions SET payload = ? WHERE decision_id = ?", (changed, key))
    connection.commit()
    connection.close()


async def test_replay_when_the_run_recorded_no_settings_then_the_given_ones_count_and_it_is_told(
    tmp_path: Path,
) -> None:
    desk = await RecordedDesk(tmp_path / "j.db", SYMBOLS, EAGER).begin(settled=False)
    await desk.bars(batches(150))
    alike = await replayed(desk.url, otherwise=EAGER)
    assert_identical(alike, 300)
    assert [run.run_id for run in alike.unsettled] == ["r1"]
    assert (await replayed(desk.url, otherwise=settings())).identical < 300


async def test_replay_when_other_settings_came_since_then_the_recorded_ones_count(tmp_path: Path) -> None:
    desk = await (await RecordedDesk(tmp_path / "j.db", SYMBOLS, EAGER).begin()).bars(batches(150))
    assert_identical(await replayed(desk.url, otherwise=settings(minds=("asmbtr",))), 300)


async def test_replay_when_another_threshold_is_tried_then_what_would_change_is_told(tmp_path: Path) -> None:
    desk = await (await RecordedDesk(tmp_path / "j.db", SYMBOLS, settings()).begin()).bars(batches(150))
    found = await tried(desk.url, EAGER)
    assert found.decisions == 300
    assert 0 < found.turned < 300
    turned = [each for each in found.differing if each.turned]
    assert turned[0].recorded.outcome is CycleOutcome.HOLD
    assert turned[0].rebuilt.outcome is CycleOutcome.ORDERED
    assert len(turned) == found.turned


async def test_replay_when_the_same_settings_are_tried_then_nothing_would_change(tmp_path: Path) -> None:
    desk = await (await RecordedDesk(tmp_path / "j.db", SYMBOLS, EAGER).begin()).bars(batches(150))
    found = await tried(desk.url, EAGER)
    assert (found.identical, found.turned) == (300, 0)


async def tried(url: str, config: Settings, debaters: Speakers | None = None) -> Replayed:
    """A replay under other settings."""
    chain = open_chain(url)
    try:
        return await replay(chain, Wanted(), lambda _: config, anew=True, ask=debaters)
    finally:
        chain.close()


async def test_replay_when_history_was_learnt_first_then_it_is_learnt_again(tmp_path: Path) -> None:
    desk = await RecordedDesk(tmp_path / "j.db", SYMBOLS, EAGER).begin()
    bars = batches(700)
    await desk.home.run(lambda d: d.learn(bars[:600]))
    await desk.bars(bars[600:])
    assert_identical(await replayed(desk.url), 200)


async def test_replay_when_bars_of_one_instant_were_learnt_one_by_one_then_each_is_taken_once(tmp_path: Path) -> None:
    desk = await RecordedDesk(tmp_path / "j.db", SYMBOLS, EAGER).begin()
    bars = batches(80)
    await desk.bars(bars[:60])
    for candle in reversed(bars[60].candles):
        await desk.home.run(lambda d, c=candle: d.learn([replace(bars[60], candles=(c,))]))
    await desk.bars(bars[61:])
    assert_identical(await replayed(desk.url), 158)


async def test_replay_when_the_desk_changed_its_symbols_and_its_bars_then_all_runs_are_identical(
    tmp_path: Path,
) -> None:
    path, bars = tmp_path / "j.db", batches(900)
    first = await (await RecordedDesk(path, SYMBOLS, EAGER).begin("r1")).bars(bars[:150])
    first.close()
    alone = [replace(b, candles=b.candles[:1]) for b in bars[150:260]]
    second = await (await RecordedDesk(path, (BTC,), EAGER).begin("r2")).bars(alone)
    second.close()
    slow = [coarse(bars[at : at + 5]) for at in range(260, 860, 5)]
    third = await (await RecordedDesk(path, SYMBOLS, EAGER).begin("r3", 5 * MINUTE)).bars(slow)
    assert_identical(await replayed(third.url), 300 + 110 + 240)


def coarse(bars: list[BarBatch]) -> BarBatch:
    """Several batches as one of longer bars."""
    made = []
    for first in bars[0].candles:
        same = [next(c for c in b.candles if c.symbol == first.symbol) for b in bars]
        made.append(
            replace(
                first,
                high=max(c.high for c in same),
                low=min(c.low for c in same),
                close=same[-1].close,
                volume=sum(c.volume for c in same),
            )
        )
    return BarBatch(bars[0].ts_ms, len(bars) * MINUTE, tuple(made))


MODELS = LlmConfig.model_validate(
    {"providers": {"vllm": {"place": "local", "base_url": "http://127.0.0.1:9/v1", "model": "small"}}}
)
DEBATED = settings(debate=DebateConfig(threshold=0.5, grey_low=0.2, grey_high=0.8)).model_copy(update={"llm": MODELS})


async def test_replay_when_models_debated_then_their_recorded_answers_count_and_nobody_is_asked(
    tmp_path: Path,
) -> None:
    speakers = Speakers()
    desk = await (await RecordedDesk(tmp_path / "j.db", SYMBOLS, DEBATED, speakers).begin()).bars(batches(120))
    asked = len(speakers.asked)
    assert asked > 30
    found = await replayed(desk.url)
    assert_identical(found, 240)
    assert len(speakers.asked) == asked
    decided, _ = desk.journal.decisions("", 240)
    assert any(c.debate and c.debate.after != c.debate.before for c in decided)


async def test_replay_when_the_answers_are_keyed_then_another_question_has_no_answer(tmp_path: Path) -> None:
    keyed = Speakers(before=with_key)
    desk = await (await RecordedDesk(tmp_path / "j.db", SYMBOLS, DEBATED, keyed).begin()).bars(batches(120))
    assert_identical(await replayed(desk.url), 240)
    risk = RiskConfig(per_trade_pct=Decimal(4))  # the stake, which stands in the question, is another one
    found = await tried(desk.url, DEBATED.model_copy(update={"risk": risk}))
    lost = [each for each in found.differing if each.gaps.lacks]
    assert lost
    assert all(each.rebuilt.debate is not None and each.rebuilt.debate.judged is None for each in lost)
    asked = Speakers()
    again = await tried(desk.url, DEBATED.model_copy(update={"risk": risk}), asked)
    assert len(asked.asked) == 3 * len(lost)
    assert any(e.rebuilt.debate is not None and e.rebuilt.debate.judged is not None for e in again.differing)


async def test_replay_when_settings_without_models_are_tried_then_no_debate_is_held(tmp_path: Path) -> None:
    desk = await (await RecordedDesk(tmp_path / "j.db", SYMBOLS, DEBATED, Speakers()).begin()).bars(batches(120))
    found = await tried(desk.url, DEBATED.model_copy(update={"llm": LlmConfig()}))
    assert any(each.recorded.debate is not None for each in found.differing)
    assert all(each.rebuilt.debate is None for each in found.differing)
    assert not found.lacks


def with_key(role: Role, brief: Brief) -> Awaitable[Turn]:
    """A turn as the models' actor records it: with its question's key."""

    async def answer() -> Turn:
        return turn(role, brief.round, key=cache_key("vllm", "small", render(role, brief)))

    return answer()
