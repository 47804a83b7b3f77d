"""A strategy on a desk of real actors: killed, it goes on bit for bit; while it loops, the desk goes on without it."""

from pathlib import Path

import pytest

from fks_actors.actors.specialist import StrategyActor
from fks_actors.adapters.sql import SqlJournal, open_reader
from fks_actors.backtest.council import alone, strategy_source
from fks_actors.model.votes import Abstain, AbstainReason, Vote
from fks_actors.settings import Settings
from tests.in_process import Breaker, InProcessDesk, SqlInProcess, run_record
from tests.live import LiveDesk
from tests.market import SYMBOLS, batches, write_files

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "ema_cross.py"
BARS = 600


async def undisturbed(folder: Path, settings: Settings) -> str:
    journal = SqlJournal(f"sqlite:///{folder}/journal.db", lambda: 0)
    source = strategy_source("ema_cross", settings)
    home = InProcessDesk(
        SYMBOLS, Breaker(0, 0), journal=SqlInProcess(journal), agents=settings.agents, risk=settings.risk,
        minds=lambda held: {"ema_cross": StrategyActor(source, "none", held)},
    )  # fmt: skip
    await home.desk.recover()
    await home.desk.begin(run_record(SYMBOLS))
    for batch in batches(BARS):
        await home.desk.run_cycle(batch)
    try:
        return journal.digest()
    finally:
        journal.close()


@pytest.mark.usefixtures("ray_session")
async def test_kill_when_a_strategys_actor_dies_then_the_journal_is_that_of_an_undisturbed_run(tmp_path: Path) -> None:
    for name in ("alone", "live", "files"):
        (tmp_path / name).mkdir()
    settings = alone(Settings(), str(EXAMPLE), {"fast": 5, "slow": 20})
    expected = await undisturbed(tmp_path / "alone", settings)
    feed = write_files(tmp_path / "files", batches(BARS))
    desk = LiveDesk(tmp_path / "live", "strategy-kill", feed, 60 * 40, told=settings)
    try:
        await desk.start()
        for seen in (60, 300, 700):
            await desk.until(f"decision {seen}", lambda _, n=seen: desk.counts()["decisions"] >= n)
            await desk.kill("ema_cross")
        await desk.until("the end of the recording", lambda s: s["feed"]["ended"], 120.0)
        assert desk.counts()["decisions"] == 2 * BARS
        assert desk.counts()["fills"] > 10
        assert desk.digest() == expected
    finally:
        desk.close()


@pytest.mark.usefixtures("ray_session")
async def test_run_when_a_strategy_loops_for_ever_then_the_desk_goes_on_to_the_end(tmp_path: Path) -> None:
    bars = batches(120)
    file = tmp_path / "mine.py"
    file.write_text(
        "class Mine:\n"
        "    def on_bar(self, bar):\n"
        f"        while bar.ts_ms == {bars[40].ts_ms}:\n"
        "            pass\n"
        "        return 1.0\n",
        encoding="utf-8",
    )
    told = {
        "desk": {"replay_vote_deadline_s": 0.5},
        "agents": {"minds": ["short_term", "mine"]},
        "strategies": {"mine": {"path": str(file), "bar_limit_s": 2.0}},
    }
    settings = Settings.model_validate(told)
    desk = LiveDesk(tmp_path, "strategy-loop", write_files(tmp_path, bars), "max", told=settings)
    try:
        await desk.start()
        await desk.until("the end of the recording", lambda s: s["feed"]["ended"], 120.0)
        reader = open_reader(desk.journal_url)
        rows, _ = reader.decisions("", 500)
        reader.close()
    finally:
        desk.close()
    said = {row.ts_ms: {ballot.agent: ballot for ballot in row.ballots} for row in rows}
    assert sorted(said) == [batch.ts_ms for batch in bars]
    assert all("short_term" in ballots for ballots in said.values())
    mine = [said[batch.ts_ms]["mine"] for batch in bars]
    assert isinstance(mine[0], Vote)
    assert any(isinstance(each, Abstain) and each.reason is AbstainReason.LATE for each in mine)
    last = mine[-1]
    assert isinstance(last, Abstain)
    assert f"the bar {bars[40].ts_ms} took longer than 2 s" in last.detail
