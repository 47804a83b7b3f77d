"""The desk's law: whatever breaks, and whenever, the story that the journal tells is the same."""

import asyncio
import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.agents.config import AgentsConfig
from fks_actors.desk.scoring import CALIBRATION_OWNER
from fks_actors.errors import ActorUnavailable, JournalConflict, JournalCorrupt
from fks_actors.model.orders import OrderStatus, OrderType, Side
from fks_actors.model.records import (
    ControlRecord,
    CycleOutcome,
    CycleRecord,
    Signal,
    SignalStatus,
    SnapshotAt,
    TradingState,
)
from fks_actors.model.votes import Action, Ballot, Vote
from fks_actors.reflection.config import ReflectionConfig
from tests.in_process import CASH, Breaker, InProcessDesk, run_record
from tests.market import SYMBOLS, batches


def signal(number: int, side: Side = Side.BUY, quantity: str = "0.01") -> Signal:
    """A plain market alert."""
    return Signal(f"s{number}", f"id:{number}", 0, "BTC/USDT", side, OrderType.MARKET, quantity=Decimal(quantity))


async def told(count: int, breaker: Breaker, signals_at: tuple[int, ...] = (), **more: Any) -> InProcessDesk:
    """Run `count` bars, with a BUY and a SELL alert in turn after the bars named."""
    home = InProcessDesk(SYMBOLS, breaker, **more)
    await home.run(lambda desk: desk.recover())
    await home.run(lambda desk: desk.begin(run_record(SYMBOLS)))
    sent = 0
    for i, batch in enumerate(batches(count)):
        await home.run(lambda desk, b=batch: desk.run_cycle(b))
        if i in signals_at:
            sent += 1
            alert = signal(sent, Side.BUY if sent % 2 else Side.SELL)
            if alert.signal_id not in home.journal.signals:
                await home.run(
                    lambda desk, s=alert, n=sent: (
                        desk.run_signal(n, s, desk.clock_ms) if desk.inbox_cursor < n else _nothing()
                    )
                )
    await home.run(lambda desk: desk.recover())
    return home


async def _nothing() -> None:
    return None


async def test_run_when_nothing_breaks_then_trades_and_every_bar_is_recorded() -> None:
    home = await told(700, Breaker(0, 0))
    story = home.journal.story()
    assert len(story["cycles"]) == 1_400
    assert {c.outcome for c in story["cycles"]} >= {CycleOutcome.ORDERED, CycleOutcome.HOLD, CycleOutcome.NO_QUORUM}
    assert len(story["fills"]) >= 4
    assert len(story["equity"]) == 700


ALERTS = (200, 350, 360)


SCORED: dict[str, Any] = {
    "agents": AgentsConfig(minds=("short_term", "mid_term", "long_term", "asmbtr")),
    "reflection": ReflectionConfig(min_outcomes=2, prior_outcomes=1.0),
}
"""Four minds that are weighed after a few outcomes."""


def whole_story(home: InProcessDesk) -> dict[str, Any]:
    """What was decided, and what the minds weigh for what came of it."""
    scoring = home.desk.scoring
    kept = home.journal.snapshots[CALIBRATION_OWNER].payload
    return {**home.journal.story(), "weights": scoring.weights, "scores": scoring.scores, "calibration": kept}


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Any]:
    """What the journal tells when nothing breaks."""
    return whole_story(asyncio.run(told(400, Breaker(0, 0), ALERTS, **SCORED)))


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), rate=st.sampled_from([0.01, 0.05, 0.3]))
async def test_run_when_any_part_breaks_at_any_call_then_the_story_is_the_same(
    undisturbed: dict[str, Any], seed: int, rate: float
) -> None:
    breaker = Breaker(seed, rate)
    disturbed = whole_story(await told(400, breaker, ALERTS, **SCORED))
    assert breaker.broken > 0
    assert disturbed == undisturbed


async def test_run_when_minds_have_outcomes_then_a_debate_weighs_what_was_known_before_its_bar() -> None:
    home = InProcessDesk(SYMBOLS, Breaker(0, 0), **SCORED)
    await home.desk.recover()
    differ = 0
    for batch in batches(300):
        before = home.desk.scoring.weights
        for record in await home.desk.run_cycle(batch):
            assert dict(record.verdict.weights) == {
                ballot.agent: before.get(ballot.agent, 1.0) for ballot in record.ballots if isinstance(ballot, Vote)
            }
            differ += len(set(dict(record.verdict.weights).values())) > 1
    assert differ > 50
    assert len(home.journal.snapshots[CALIBRATION_OWNER].payload) <= 8 * 1_024


async def test_run_when_later_bars_are_others_then_every_decision_before_them_is_the_same() -> None:
    changed = [*batches(220), *batches(300, seed=8)[220:]]
    stories = []
    for bars in (batches(300), changed):
        home = InProcessDesk(SYMBOLS, Breaker(0, 0), **SCORED)
        await home.desk.recover()
        for batch in bars:
            await home.desk.run_cycle(batch)
        stories.append(home.journal.story()["cycles"])
    assert stories[0][:440] == stories[1][:440]
    assert stories[0][440:] != stories[1][440:]


async def test_learn_when_votes_wait_for_their_outcome_then_history_counts_as_prices_alone() -> None:
    home = InProcessDesk(SYMBOLS, Breaker(0, 0), **SCORED)
    await home.desk.recover()
    bars = batches(600)
    await home.desk.learn(bars[:500])
    assert home.desk.scoring.scores == ()
    while not any(
        isinstance(b, Vote) and b.action is not Action.HOLD and b.agent == "mid_term" for b in _ballots(home)
    ):
        await home.desk.run_cycle(bars[len(home.journal.bars["BTC/USDT"])])
    at = len(home.journal.bars["BTC/USDT"])
    assert "mid_term" not in {each.agent for each in home.desk.scoring.scores}
    await home.desk.learn(bars[at : at + 24])
    (score,) = (each for each in home.desk.scoring.scores if each.agent == "mid_term")
    assert score.outcomes == score.independent >= 1
    await home.desk.learn(bars[at + 24 : at + 40])
    assert {e.agent: e.outcomes for e in home.desk.scoring.scores}["mid_term"] == score.outcomes


def _ballots(home: InProcessDesk) -> list[Ballot]:
    return [ballot for record in home.journal.story()["cycles"] for ballot in record.ballots]


async def test_recover_when_the_calibration_cannot_be_read_then_the_journal_is_corrupt() -> None:
    home = await told(5, Breaker(0, 0))
    home.journal.snapshots[CALIBRATION_OWNER] = SnapshotAt(CALIBRATION_OWNER, "x", b"{}")
    with pytest.raises(JournalCorrupt, match="calibration"):
        await home.desk.recover()


async def test_run_signal_when_the_market_is_known_then_it_fills_and_the_account_says_so() -> None:
    home = await told(5, Breaker(0, 0))
    record = await home.desk.run_signal(1, signal(1), home.desk.clock_ms)
    assert record.status is SignalStatus.FILLED
    order = home.journal.orders[record.client_order_ids[0]]
    assert order.status is OrderStatus.FILLED
    assert order.filled_quantity == Decimal("0.01")
    equity = home.journal.story()["equity"][-1]
    assert equity.exposure > 0
    assert CASH - 1 < equity.equity < CASH


async def test_run_signal_when_no_bar_was_seen_then_denied_for_want_of_a_price() -> None:
    home = await told(0, Breaker(0, 0))
    record = await home.desk.run_signal(1, signal(1), 0)
    assert record.status is SignalStatus.DENIED
    assert "no_market_price" in [r.code for r in record.refusals]


async def test_run_signal_when_it_exceeds_the_trade_cap_then_denied_with_value_and_limit() -> None:
    home = await told(5, Breaker(0, 0))
    record = await home.desk.run_signal(1, signal(1, quantity="0.1"), home.desk.clock_ms)
    assert record.status is SignalStatus.DENIED
    refusal = next(r for r in record.refusals if r.code == "per_trade_cap")
    assert Decimal(refusal.value) > Decimal(refusal.limit) > 0
    assert home.journal.orders[record.client_order_ids[0]].status is OrderStatus.DENIED


async def test_control_when_halted_then_open_orders_are_cancelled_and_nothing_trades_until_resume() -> None:
    home = await told(5, Breaker(0, 0))
    limit = Signal(
        "l1", "id:l1", 0, "BTC/USDT", Side.BUY, OrderType.LIMIT, quantity=Decimal("0.01"), price=Decimal(28_000)
    )
    resting = await home.desk.run_signal(1, limit, home.desk.clock_ms)
    assert resting.status is SignalStatus.OPEN
    await home.desk.control("c1", ControlRecord(home.desk.clock_ms, TradingState.HALTED, "operator", "test"))
    assert home.journal.orders[resting.client_order_ids[0]].status is OrderStatus.CANCELLED
    denied = await home.desk.run_signal(2, signal(2), home.desk.clock_ms)
    assert [r.code for r in denied.refusals] == ["halted"]
    await home.desk.control("c2", ControlRecord(home.desk.clock_ms, TradingState.ACTIVE, "operator", "go on"))
    assert (await home.desk.run_signal(3, signal(3), home.desk.clock_ms)).status is SignalStatus.FILLED


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), rate=st.sampled_from([0.1, 0.4]))
async def test_control_when_any_call_of_a_halt_breaks_then_no_order_keeps_working(seed: int, rate: float) -> None:
    home = await told(5, Breaker(0, 0))
    limit = Signal(
        "l1", "id:l1", 0, "BTC/USDT", Side.BUY, OrderType.LIMIT, quantity=Decimal("0.01"), price=Decimal(28_000)
    )
    resting = await home.desk.run_signal(1, limit, home.desk.clock_ms)
    assert resting.status is SignalStatus.OPEN
    home._breaker = Breaker(seed, rate)
    halt = ControlRecord(home.desk.clock_ms, TradingState.HALTED, "operator", "test")
    with contextlib.suppress(ActorUnavailable, JournalConflict):
        await home.desk.control("c1", halt)  # asked once; whoever asked may be gone
    home._breaker = Breaker(0, 0)
    home.new_desk()
    await home.desk.recover()
    halted = "control-c1" in home.journal.chain
    status = home.journal.orders[resting.client_order_ids[0]].status
    assert status is (OrderStatus.CANCELLED if halted else OrderStatus.ACCEPTED)
    assert bool(home.desk.open_orders) is not halted


async def test_control_when_the_step_before_broke_half_way_then_recovery_comes_first() -> None:
    home = await told(5, Breaker(0, 0))
    sent = home.submit

    async def lost(*_: object) -> None:
        raise ActorUnavailable("the connector died")

    home.submit = lost  # type: ignore[method-assign]
    with pytest.raises(ActorUnavailable):
        await home.desk.run_signal(1, signal(1), home.desk.clock_ms)
    home.submit = sent  # type: ignore[method-assign]
    halt = ControlRecord(home.desk.clock_ms, TradingState.HALTED, "operator", "test")
    with pytest.raises(JournalConflict):
        await home.desk.control("c1", halt)
    await home.desk.recover()
    await home.desk.control("c1", halt)
    assert home.journal.signals["s1"].status is SignalStatus.FILLED
    assert home.desk.trading is TradingState.HALTED
    assert not home.desk.open_orders


async def test_run_cycle_when_a_bar_is_given_twice_then_it_is_recorded_once() -> None:
    home = await told(3, Breaker(0, 0))
    assert await home.desk.run_cycle(batches(3)[-1]) == ()
    assert len(home.journal.story()["cycles"]) == 6


async def test_learn_when_history_is_taken_in_then_bars_are_kept_and_nothing_is_decided() -> None:
    home = InProcessDesk(SYMBOLS, Breaker(0, 0))
    await home.desk.recover()
    await home.desk.learn(batches(600))
    await home.desk.learn(batches(600))
    assert len(home.journal.bars["BTC/USDT"]) == 600
    assert home.journal.story()["cycles"] == []
    (batch,) = batches(601)[600:]
    records = await home.desk.run_cycle(batch)
    assert [type(r) for r in records] == [CycleRecord, CycleRecord]
    assert all(r.outcome is not CycleOutcome.NO_QUORUM for r in records)


@pytest.mark.parametrize("later", [1, 255, 256, 257, 400])
async def test_minds_when_all_restart_between_two_bars_then_the_next_ballots_are_the_same(later: int) -> None:
    undisturbed = await told(later + 1, Breaker(0, 0))
    home = await told(later, Breaker(0, 0))
    home._restart_minds()
    await home.desk.run_cycle(batches(later + 1)[-1])
    assert home.journal.story()["cycles"] == undisturbed.journal.story()["cycles"]
