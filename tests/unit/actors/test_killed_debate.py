"""A coordinator that dies in the middle of a debate: the next one asks nobody twice and decides the same."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from fks_actors.actors.council import Council
from fks_actors.adapters.checkpoints import Checkpoints
from fks_actors.agents.config import DebateConfig
from fks_actors.model.debates import Brief, Role
from fks_actors.model.records import CycleRecord
from tests.debaters import Speakers
from tests.market import SYMBOLS
from tests.unit.actors.plain import Scene, until
from tests.unit.actors.test_council import minds


def meet(scene: Scene, file: Path, speakers: Speakers) -> None:
    """Give the scene a council whose models debate BTC."""
    handles = {mind.name: mind for mind in minds()}
    scene.council = Council(handles, DebateConfig(deadline_s=60), 1.0, speakers, Checkpoints(file))  # type: ignore[assignment,arg-type]


def cycles(scene: Scene) -> list[CycleRecord]:
    """What was decided, without how long it took and when."""
    found = [entry for entry in scene.journal.entries if isinstance(entry, CycleRecord)]
    return [replace(c, debate=c.debate and replace(c.debate, duration_ms=0), seen=None) for c in found]


async def test_coordinator_when_killed_before_the_judge_spoke_then_the_next_one_pays_for_the_judge_alone(
    tmp_path: Path,
) -> None:
    scene, undisturbed = Scene(tmp_path, 0.0), Scene(tmp_path, 0.0)
    undisturbed.feed.waiting = scene.feed.waiting
    second_ms = scene.feed.waiting[1].ts_ms
    judging = asyncio.Event()

    async def hang(role: Role, brief: Brief) -> None:
        if role is Role.JUDGE and brief.ts_ms == second_ms:
            judging.set()
            await asyncio.Event().wait()

    meet(scene, tmp_path / "debates.db", Speakers(before=hang))
    killed = scene.coordinator()
    scene.feed.let = 2
    await killed.start()
    await asyncio.wait_for(judging.wait(), 20)
    await killed.close()
    assert len(cycles(scene)) == len(SYMBOLS)

    later = Speakers()
    meet(scene, tmp_path / "debates.db", later)
    scene.feed.let = 3
    await run_to_the_third_bar(scene)
    assert later.asked[0] == (Role.JUDGE, 1)
    assert sorted(later.asked[1:]) == [(Role.BEAR, 1), (Role.BULL, 1), (Role.JUDGE, 1)]
    assert [brief.ts_ms for brief in later.briefs] == [second_ms] + 3 * [scene.feed.waiting[2].ts_ms]

    meet(undisturbed, tmp_path / "other.db", Speakers())
    undisturbed.feed.let = 3
    await run_to_the_third_bar(undisturbed)
    assert cycles(scene) == cycles(undisturbed)
    assert later.briefs[0].stake_quote > 0


async def run_to_the_third_bar(scene: Scene) -> None:
    coordinator = scene.coordinator()
    await coordinator.start()
    try:
        await until(lambda: len(cycles(scene)) == 3 * len(SYMBOLS))
    finally:
        await coordinator.close()
