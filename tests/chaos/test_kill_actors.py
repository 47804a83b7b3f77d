"""kill -9 of any actor while the desk trades: the run ends with the same journal as an undisturbed one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fks_actors.adapters.sql import SqlJournal, open_reader
from tests.in_process import Breaker, InProcessDesk, SqlInProcess, run_record
from tests.live import ACTORS, LiveDesk, settings_of
from tests.market import MINUTE, SYMBOLS, batches, write_files, write_news
from tests.minds import all_minds

pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]

BARS = 1_200
SPEED = 60 * 25
"""25 one-minute bars a second: a quick machine must not be through the recording before the last kill."""

BETWEEN = 60
"""How many symbol-bars the desk works on between two kills."""


async def undisturbed(folder: Path, bars: int, news: str) -> str:
    """The digest of the same bars through the same rooms in one process, where nothing can break."""
    journal = SqlJournal(f"sqlite:///{folder}/journal.db", lambda: 0)
    minds = all_minds(settings_of("simulated", news=news), SYMBOLS, MINUTE)
    home = InProcessDesk(SYMBOLS, Breaker(0, 0), journal=SqlInProcess(journal), minds=minds)
    await home.desk.recover()
    await home.desk.begin(run_record(SYMBOLS))
    for batch in batches(bars):
        await home.desk.run_cycle(batch)
    try:
        return journal.digest()
    finally:
        journal.close()


@pytest.mark.usefixtures("ray_session")
async def test_kill_when_each_actor_dies_in_turn_then_the_journal_is_that_of_an_undisturbed_run(tmp_path: Path) -> None:
    for name in ("alone", "live", "files"):
        (tmp_path / name).mkdir()
    feed, news = (write(tmp_path / "files", batches(BARS)) for write in (write_files, write_news))
    expected = await undisturbed(tmp_path / "alone", BARS, news)
    desk = LiveDesk(tmp_path / "live", "chaos-kill", feed, SPEED, news)
    killed: dict[str, int] = {}
    try:
        await desk.start()
        for actor in ACTORS:
            seen = desk.counts()["decisions"] if killed else 0
            await desk.until(f"work before {actor} dies", lambda s, n=seen: _worked(desk, n))
            killed[actor] = await desk.kill(actor)
        await desk.until("the end of the recording", lambda s: s["feed"]["ended"], 240.0)
        assert desk.counts()["decisions"] == 2 * BARS
        assert desk.counts()["orders"] > 20
        assert desk.digest() == expected, difference(
            tmp_path / "alone" / "journal.db", tmp_path / "live" / "journal.db"
        )
        assert all([await desk.pid(actor) != pid for actor, pid in killed.items()])
    finally:
        desk.close()


def difference(one: Path, other: Path) -> str:
    """The first things in which two journals differ, for whoever reads the failure."""
    readers = [open_reader(f"sqlite:///{path}") for path in (one, other)]
    told = []
    for name in ("decisions", "orders", "fills"):
        rows = [{str(row): row for row in _all(getattr(reader, name))} for reader in readers]
        told += [f"{name} {side}: {key}" for side, a, b in ((0, *rows), (1, *rows[::-1])) for key in a if key not in b][
            :3
        ]
    told += [str([reader.controls(20) for reader in readers])]
    points = [{str(p) for p in reader.equity(0, 5_000)} for reader in readers]
    return "\n".join([*told, *sorted(points[0] ^ points[1])[:6]])


def _all(read: Any) -> Iterator[Any]:
    cursor = ""
    while True:
        rows, cursor = read(cursor, 500)
        yield from rows
        if not cursor:
            return


def _worked(desk: LiveDesk, seen: int) -> bool:
    done = desk.counts()["decisions"]
    assert done < 2 * BARS, "the recording ended before every actor was killed"
    return done >= seen + BETWEEN


@pytest.mark.usefixtures("ray_session")
async def test_run_when_nothing_breaks_then_live_actors_and_one_process_tell_the_same_story(tmp_path: Path) -> None:
    for name in ("alone", "live", "files"):
        (tmp_path / name).mkdir()
    bars = 300
    feed, news = (write(tmp_path / "files", batches(bars)) for write in (write_files, write_news))
    desk = LiveDesk(tmp_path / "live", "chaos-parity", feed, news=news)
    try:
        await desk.start()
        await desk.until("the end of the recording", lambda s: s["feed"]["ended"])
        assert desk.digest() == await undisturbed(tmp_path / "alone", bars, news)
    finally:
        desk.close()
