"""The coordinator over plain objects: its dead man's switch, and a desk that does not hold the lease."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from fks_actors.actors.coordinator import CoordinatorActor
from fks_actors.actors.lease import NAME
from fks_actors.desk.scoring import Scoring
from fks_actors.errors import DataError
from fks_actors.journal.lease import Lease
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import SnapshotAt, TradingState
from fks_actors.model.votes import Action, Vote
from fks_actors.reflection.config import ReflectionConfig
from tests.market import MINUTE
from tests.unit.actors.plain import Scene, until


@contextlib.asynccontextmanager
async def running(scene: Scene) -> AsyncIterator[CoordinatorActor]:
    coordinator = scene.coordinator()
    await coordinator.start()
    try:
        yield coordinator
    finally:
        await coordinator.close()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_feed_when_silent_for_too_long_then_the_desk_is_halted_by_the_dead_man(scene: Scene) -> None:
    async with running(scene):
        scene.feed.let = 2
        await until(lambda: "risk" in scene.journal.snapshots)
        await until(scene.controls)
    assert (scene.risk.trading, scene.risk.trading_by) == (TradingState.HALTED, "dead_man")
    assert scene.controls()[0].reason.startswith("no bar for 1 s, the limit is 1 s")


async def test_halt_when_the_dead_man_gave_it_then_it_survives_a_restart_and_is_not_said_again(scene: Scene) -> None:
    async with running(scene):
        await until(scene.controls)
    async with running(scene) as again:
        await until(lambda: again._sentinel.silent_s > 1.2)
        assert again._desk.halted
    assert [c.by for c in scene.controls()] == ["dead_man"]


async def test_resume_when_the_feed_is_still_silent_then_it_has_another_whole_limit(scene: Scene) -> None:
    async with running(scene) as coordinator:
        await until(scene.controls)
        resumed_s = time.monotonic()
        await coordinator.control("r", "active", "the feed is back")
        assert scene.risk.trading is TradingState.ACTIVE
        await until(lambda: len(scene.controls()) == 3)
        assert time.monotonic() - resumed_s > 0.9
        scene.feed.let = 1
        await coordinator.control("r2", "active", "it truly is")
        await until(lambda: coordinator._cycles)
    assert [c.by for c in scene.controls()] == ["dead_man", "operator", "dead_man", "operator"]


async def test_feed_when_silent_but_an_operator_halted_then_the_operators_word_stands(scene: Scene) -> None:
    async with running(scene) as coordinator:
        await coordinator.control("h", "halted", "by hand")
        await until(lambda: coordinator._sentinel.silent_s > 1.2)
        await until(lambda: coordinator._sentinel.silent_s > 1.5)
    assert (scene.risk.trading_by, scene.risk.trading_reason) == ("operator", "by hand")


async def test_feed_when_the_journal_holds_the_desk_up_then_its_silence_does_not_count(scene: Scene) -> None:
    async with running(scene) as coordinator:
        scene.feed.let = 1
        await until(lambda: coordinator._cycles)
        scene.journal.full, scene.feed.let = True, 2
        await until(lambda: "disk is full" in coordinator.activity())
        began_s = time.monotonic()
        await until(lambda: time.monotonic() - began_s > 1.5)
        scene.journal.full = False
        await until(lambda: coordinator._cycles > 2)
        assert not scene.controls()


async def test_feed_when_it_fails_then_the_desk_says_so_goes_on_and_halts_in_time(scene: Scene) -> None:
    async with running(scene) as coordinator:
        scene.feed.broken = True
        await until(lambda: "nobody answers" in coordinator.activity())
        assert (await coordinator.status())["ready"]
        await until(scene.controls)
        assert scene.controls()[0].by == "dead_man"
        scene.feed.broken, scene.feed.let = False, 1
        await until(lambda: coordinator._cycles)
        assert (await coordinator.status())["trouble"] == ""


async def test_switch_when_it_is_off_then_silence_halts_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path, dead_man_s=0)
    async with running(scene):
        began_s = time.monotonic()
        await until(lambda: scene.feed.asked > 20 and time.monotonic() - began_s > 1.5)
    assert not scene.controls()


async def test_lease_when_another_desk_has_it_then_this_one_writes_nothing_and_does_not_spin(scene: Scene) -> None:
    far_ms = 2**60
    scene.journal.leases[NAME] = Lease("another", 7, far_ms)
    async with running(scene) as coordinator:
        await until(lambda: scene.journal.tries >= 5)
        began_s, before = time.monotonic(), scene.journal.tries
        await until(lambda: time.monotonic() - began_s > 2)
        assert scene.journal.tries - before <= 3
        assert "another desk holds the lease" in coordinator.activity()
        assert not (await coordinator.status())["lease"]["held"]
        assert not scene.journal.chain
        scene.journal.leases[NAME] = Lease("another", 7, 0)
        await until(lambda: scene.journal.chain)
        lease = (await coordinator.status())["lease"]
        assert (lease["epoch"], lease["held"]) == (8, True)


async def test_lease_when_it_was_taken_over_then_operators_wait_and_the_desk_recovers_with_a_new_epoch(
    scene: Scene,
) -> None:
    async with running(scene) as coordinator:
        scene.feed.let = 1
        await until(lambda: coordinator._cycles)
        before = len(scene.journal.chain)
        scene.journal.leases[NAME] = Lease("another", 9, coordinator._lease._now_ms() + 2_000)
        await until(lambda: "lease" in coordinator.activity())
        waiting = asyncio.create_task(coordinator.control("h", "halted", "by hand"))
        await asyncio.sleep(0)
        assert len(scene.journal.chain) == before
        await waiting
        assert coordinator._desk.lease[0] == 10
        assert scene.risk.trading is TradingState.HALTED


async def test_lease_when_the_coordinator_is_closed_then_the_next_desk_takes_it_at_once(scene: Scene) -> None:
    async with running(scene) as coordinator:
        await until(lambda: coordinator._lease.held())
    assert (await scene.journal.held(NAME)).holder == ""


async def test_scores_when_a_coordinator_takes_over_then_its_metrics_show_them_and_count_what_is_new(
    scene: Scene,
) -> None:
    scoring, first = Scoring(ReflectionConfig()), scene.feed.waiting[0]
    for back in (3, 2, 1):
        ts_ms = first.ts_ms - back * MINUTE
        said = [Vote("asmbtr", c.symbol, ts_ms, Action.BUY, 0.5, "") for c in first.candles]
        bars = tuple(replace(c, ts_ms=ts_ms, close=c.close - back) for c in first.candles)
        kept = scoring.note(BarBatch(ts_ms, MINUTE, bars), said)
    scene.journal.snapshots[kept.owner] = SnapshotAt(kept.owner, "", kept.payload)
    async with running(scene) as coordinator:
        scene.feed.let = 1
        await until(lambda: coordinator._cycles)
        found = {(name, labels): value for _, name, labels, value in coordinator.telemetry.snapshot()}
        assert {each.agent: each.outcomes for each in coordinator._desk.scoring.scores} == {"asmbtr": 6}
    mind, horizon = ("agent", "asmbtr"), ("horizon", "1")
    assert found["fks_agent_outcomes_total", (mind,)] == 2
    assert found["fks_agent_weight", (mind,)] == 1.0
    assert found["fks_agent_brier", (mind, horizon)] == found["fks_calibration_error", (mind, horizon)] ** 2 == 0.0625


async def test_decide_when_asked_then_it_is_debated_with_what_is_at_stake_and_nothing_moves(scene: Scene) -> None:
    scene.feed.let = 3
    async with running(scene) as coordinator:
        await until(lambda: coordinator._cycles >= 6)
        before = (list(scene.journal.chain), scene.journal.story(), coordinator._desk.open_orders)
        answer = await coordinator.decide("BTC/USDT")
        assert (list(scene.journal.chain), scene.journal.story(), coordinator._desk.open_orders) == before
        ((batch, briefing, symbol),) = scene.council.explained
        last = scene.feed.waiting[2]
        assert (batch, symbol) == (last, "BTC/USDT")
        assert briefing.stakes["BTC/USDT"] == scene.risk.account.equity(scene.risk.marks) * 5 / 100
        assert (answer["symbol"], answer["close_ms"]) == ("BTC/USDT", last.close_ms)
        assert {b.symbol for b in answer["ballots"]} == {"BTC/USDT"}
        assert answer["debate"].triggers == ("asked",)
        assert dict(answer["verdict"].scores)["final"] == answer["debate"].after
        counted = {(name, labels): value for _, name, labels, value in coordinator.telemetry.snapshot()}
        assert counted["fks_debates_total", (("outcome", "moved"), ("trigger", "asked"))] == 1


async def test_decide_when_no_bar_came_yet_then_it_says_so(scene: Scene) -> None:
    async with running(scene) as coordinator:
        with pytest.raises(DataError, match="no bar of BTC/USDT was taken in yet"):
            await coordinator.decide("BTC/USDT")
