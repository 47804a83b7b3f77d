"""The debate of the models: who hears what, what a deadline does, and what a killed one has to pay again."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Collection
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from fks_actors.adapters.checkpoints import Checkpoints
from fks_actors.agents.config import DebateConfig
from fks_actors.agents.floor import Floor, Motion
from fks_actors.model.debates import Brief, CallOutcome, Debate, Role, Turn
from fks_actors.model.votes import Verdict
from tests.debaters import Speakers, motion, turn

CONFIG = DebateConfig()
TWO = DebateConfig(rounds=2)
FIRST = [(Role.BEAR, 1), (Role.BULL, 1)]
SECOND = [(Role.BEAR, 2), (Role.BULL, 2)]


@pytest.fixture
async def checkpoints(tmp_path: Path) -> AsyncIterator[Checkpoints]:
    held = Checkpoints(tmp_path / "debates.db")
    yield held
    await held.close()


async def hold(floor: Floor, speakers: Any, given: Motion | None = None, keep: bool = False) -> tuple[Verdict, Debate]:
    ((verdict, debate),) = await floor.hold([given or motion()], speakers, keep)
    return verdict, debate


async def test_hold_when_all_speak_then_the_score_moves_towards_the_judge_by_the_bound() -> None:
    verdict, debate = await hold(Floor(CONFIG), Speakers())
    assert (debate.before, debate.judged, debate.after) == (0.5, 0.9, 0.65)
    assert (verdict.action, verdict.strength, dict(verdict.scores)["models"]) == ("buy", 0.65, 0.15)
    assert debate.turns == (turn(Role.BULL), turn(Role.BEAR), turn(Role.JUDGE))
    assert debate.triggers == ("asked",)


async def test_hold_when_there_are_rounds_then_each_hears_the_earlier_ones_and_the_judge_all() -> None:
    speakers = Speakers()
    _, debate = await hold(Floor(TWO), speakers)
    heard = {
        (role, brief.round): [(t.role, t.round) for t in brief.turns]
        for (role, _), brief in zip(speakers.asked, speakers.briefs, strict=True)
    }
    first = [(Role.BULL, 1), (Role.BEAR, 1)]
    assert heard == {
        (Role.BULL, 1): [], (Role.BEAR, 1): [], (Role.BULL, 2): first, (Role.BEAR, 2): first,
        (Role.JUDGE, 2): [*first, (Role.BULL, 2), (Role.BEAR, 2)],
    }  # fmt: skip
    assert [(t.role, t.round) for t in debate.turns] == heard[Role.JUDGE, 2] + [(Role.JUDGE, 2)]
    assert {brief.verdict for brief in speakers.briefs} == {motion().brief.verdict}


async def test_hold_when_bull_and_bear_wait_for_each_other_then_they_were_asked_at_once() -> None:
    barrier = asyncio.Barrier(2)

    async def wait(role: Role, _: Brief) -> None:
        if role is not Role.JUDGE:
            await barrier.wait()

    _, debate = await hold(Floor(CONFIG), Speakers(before=wait))
    assert debate.judged == 0.9


async def test_hold_when_there_are_several_symbols_then_they_are_debated_at_once_and_answered_in_order() -> None:
    barrier = asyncio.Barrier(3)

    async def wait(role: Role, _: Brief) -> None:
        if role is Role.JUDGE:
            await barrier.wait()

    motions = [motion(0.1 * n, f"S{n}/USDT") for n in (1, 2, 3)]
    held = await Floor(CONFIG).hold(motions, Speakers(before=wait), keep=False)
    assert [(v.symbol, round(d.after, 9)) for v, d in held] == [("S1/USDT", 0.25), ("S2/USDT", 0.35), ("S3/USDT", 0.45)]


@pytest.mark.parametrize("broken", Role)
async def test_hold_when_a_speaker_fails_then_it_abstains_and_the_arithmetic_stands(broken: Role) -> None:
    async def fail(role: Role, _: Brief) -> None:
        if role is broken:
            raise ValueError("no model")

    speakers = Speakers(before=fail)
    verdict, debate = await hold(Floor(CONFIG), speakers)
    assert verdict == motion().brief.verdict
    (failed,) = (t for t in debate.turns if t.score is None)
    assert (failed.role, failed.call.outcome, failed.call.detail) == (
        broken, CallOutcome.FAILED, "ValueError: no model",
    )  # fmt: skip
    assert ((Role.JUDGE, 1) in speakers.asked) == (broken is Role.JUDGE)


@pytest.mark.parametrize("heeds", [True, False], ids=["heeds", "ignores"])
@pytest.mark.parametrize("slow", Role)
async def test_hold_when_a_speaker_never_answers_then_the_deadline_holds_and_it_is_late(
    slow: Role, heeds: bool
) -> None:
    release = asyncio.Event()

    async def hang(role: Role, _: Brief) -> None:
        while role is slow and not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                if heeds:
                    raise

    floor = Floor(DebateConfig(deadline_s=0.4))
    start = time.monotonic()
    verdict, debate = await hold(floor, Speakers(before=hang))
    taken = time.monotonic() - start
    release.set()
    assert taken < 0.4 + 0.1
    assert verdict == motion().brief.verdict
    assert [t.role for t in debate.turns if t.call.outcome is CallOutcome.LATE] == [slow]
    assert debate.judged is None
    assert 0 < debate.duration_ms <= 500


async def test_hold_when_bull_is_slow_then_the_judge_would_still_have_had_its_share_of_the_time() -> None:
    speakers = Speakers()
    await hold(Floor(DebateConfig(deadline_s=3, rounds=2)), speakers)
    shares = {role: limit for (role, number), limit in zip(speakers.asked, speakers.limits, strict=True) if number == 2}
    first = speakers.limits[0]
    assert 0.85 < first < 1.0
    assert shares[Role.JUDGE] > 2.5


class Stuck:
    """Checkpoints on a disk that answers nothing, or with an error."""

    def __init__(self, saver: Any) -> None:
        self._saver = saver

    async def saver(self) -> Any:
        if self._saver is None:
            await asyncio.Event().wait()
        return self._saver

    async def keep(self, threads: Collection[str]) -> None:
        pass

    async def close(self) -> None:
        pass


class Full(InMemorySaver):
    """A saver whose disk is full from a number of writes on."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    async def aput_writes(self, *args: Any, **options: Any) -> None:
        self.room -= 1
        if self.room < 0:
            raise sqlite3.OperationalError("database or disk is full")
        await super().aput_writes(*args, **options)


async def test_hold_when_the_checkpoints_hang_then_the_deadline_holds() -> None:
    floor = Floor(DebateConfig(deadline_s=0.2), Stuck(None))
    start = time.monotonic()
    verdict, debate = await hold(floor, Speakers(), keep=True)
    assert time.monotonic() - start < 0.3
    assert (verdict, debate.judged) == (motion().brief.verdict, None)
    assert [t.call.outcome for t in debate.turns] == [CallOutcome.LATE] * 2


@pytest.mark.parametrize("room", range(6))
async def test_hold_when_the_checkpoints_fail_then_the_debate_goes_on_without_them_and_nobody_pays_twice(
    room: int,
) -> None:
    speakers = Speakers()
    _, debate = await hold(Floor(CONFIG, Stuck(Full(room))), speakers, keep=True)
    assert debate.judged == 0.9
    assert sorted(speakers.asked) == sorted([*FIRST, (Role.JUDGE, 1)])


async def test_hold_when_a_motion_was_held_before_then_nobody_is_asked_again(checkpoints: Checkpoints) -> None:
    first, second = Speakers(), Speakers()
    before = await hold(Floor(TWO, checkpoints), first, keep=True)
    after = await hold(Floor(TWO, checkpoints), second, keep=True)
    assert (len(first.asked), second.asked) == (5, [])
    assert after[0] == before[0]
    assert after[1].turns == before[1].turns


@pytest.mark.parametrize("other", [motion(0.51), motion(triggers=("grey_band",))], ids=["votes", "trigger"])
async def test_hold_when_anything_told_is_different_then_it_is_another_debate(
    checkpoints: Checkpoints, other: Motion
) -> None:
    floor, speakers = Floor(CONFIG, checkpoints), Speakers()
    await hold(floor, speakers, keep=True)
    await hold(floor, speakers, other, keep=True)
    assert len(speakers.asked) == 6


async def test_hold_when_it_is_not_to_be_kept_then_nothing_is(checkpoints: Checkpoints, tmp_path: Path) -> None:
    await hold(Floor(CONFIG, checkpoints), Speakers())
    assert not (tmp_path / "debates.db").exists()


async def test_hold_when_abandoned_before_the_judge_then_another_goes_on_and_concludes_the_same(
    checkpoints: Checkpoints,
) -> None:
    judging = asyncio.Event()

    async def hang(role: Role, _: Brief) -> None:
        if role is Role.JUDGE:
            judging.set()
            await asyncio.Event().wait()

    killed = asyncio.ensure_future(hold(Floor(TWO, checkpoints), Speakers(before=hang), keep=True))
    await asyncio.wait_for(judging.wait(), 10)
    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    later, undisturbed = Speakers(), Speakers()
    resumed = await hold(Floor(TWO, checkpoints), later, keep=True)
    plain = await hold(Floor(TWO), undisturbed)
    assert later.asked == [(Role.JUDGE, 2)]
    assert later.briefs[0].turns == undisturbed.briefs[-1].turns
    assert (resumed[0], resumed[1].turns) == (plain[0], plain[1].turns)


@pytest.mark.parametrize(
    ("last", "asked"),
    [("bear_1", [(Role.BEAR, 1), *SECOND, (Role.JUDGE, 2)]), ("judge_2", [(Role.JUDGE, 2)])],
)
async def test_hold_when_the_process_is_killed_then_who_spoke_is_not_asked_again_and_the_result_is_the_same(
    checkpoints: Checkpoints, tmp_path: Path, last: str, asked: list[tuple[Role, int]]
) -> None:
    run = [sys.executable, "-c", f"from {__name__} import die; die({str(tmp_path / 'debates.db')!r}, {last!r})"]
    root = Path(__file__).parents[3]
    died = await asyncio.to_thread(subprocess.run, run, cwd=root, timeout=60, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    later, undisturbed = Speakers(), Speakers()
    resumed = await hold(Floor(TWO, checkpoints), later, keep=True)
    plain = await hold(Floor(TWO), undisturbed)
    assert sorted(later.asked, key=lambda each: each[1]) == asked
    assert (resumed[0], resumed[1].turns) == (plain[0], plain[1].turns)


def die(path: str, last: str) -> None:
    """Hold the debate in a process of its own, which kills itself as soon as all before `last` are kept."""
    before = {"bear_1": 1, "judge_2": 4}[last]

    async def kill(role: Role, brief: Brief) -> Turn | None:
        if f"{role}_{brief.round}" != last:
            return None
        for _ in range(3_000):
            if _kept(path) >= before:
                os.kill(os.getpid(), signal.SIGKILL)
            await asyncio.sleep(0.01)
        return None

    config = TWO.model_copy(update={"deadline_s": 60.0})
    asyncio.run(hold(Floor(config, Checkpoints(Path(path))), Speakers(before=kill), keep=True))


def _kept(path: str) -> int:
    with sqlite3.connect(path) as connection:
        kept = connection.execute("SELECT value FROM writes WHERE channel = 'turns'").fetchall()
    connection.close()
    return sum(b'"role"' in value for (value,) in kept)


async def test_hold_when_one_was_paid_for_then_its_cost_is_in_the_record(checkpoints: Checkpoints) -> None:
    await hold(Floor(CONFIG, checkpoints), Speakers(), keep=True)
    _, again = await hold(Floor(CONFIG, checkpoints), Speakers(), keep=True)
    assert sum(t.call.cost_usd for t in again.turns) == Decimal("0.0036")
