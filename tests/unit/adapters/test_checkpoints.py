"""The file of unfinished debates: private, bounded, disposable, and nothing in it becomes an object."""

import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fks_actors.adapters.checkpoints import Checkpoints
from fks_actors.agents.config import DebateConfig
from fks_actors.agents.floor import Floor
from tests.debaters import Speakers, motion

CONFIG = DebateConfig()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "debates.db"


@pytest.fixture
async def checkpoints(path: Path) -> AsyncIterator[Checkpoints]:
    held = Checkpoints(path)
    yield held
    await held.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def size(path: Path) -> int:
    return path.stat().st_size


def damage(path: Path) -> None:
    path.write_bytes(b"no database at all" * 500)


def threads(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT thread_id FROM checkpoints UNION SELECT thread_id FROM writes").fetchall()
    connection.close()
    return {row[0] for row in rows}


async def test_open_when_there_is_no_file_then_it_is_its_owners_alone(checkpoints: Checkpoints, path: Path) -> None:
    assert await checkpoints.saver() is not None
    assert mode(path) == 0o600


async def test_keep_when_decisions_follow_each_other_then_only_the_last_ones_debates_stay(
    checkpoints: Checkpoints, path: Path
) -> None:
    floor = Floor(CONFIG, checkpoints)
    for number in range(20):
        pair = [motion(0.01 * number, "BTC/USDT"), motion(0.01 * number, "ETH/USDT")]
        await floor.hold(pair, Speakers(), keep=True)
    assert threads(path) == {each.thread(CONFIG.rounds) for each in pair}


async def test_keep_when_hundreds_of_debates_were_held_then_the_file_does_not_grow(
    checkpoints: Checkpoints, path: Path
) -> None:
    floor = Floor(CONFIG, checkpoints)

    async def grown(count: int) -> int:
        for number in range(count):
            await floor.hold([motion(number / 1_000)], Speakers(), keep=True)
        saver = await checkpoints.saver()
        assert saver is not None
        await saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return size(path)

    first = await grown(10)
    assert await grown(40) <= first + 16_384


async def test_open_when_the_file_is_damaged_then_it_is_made_anew(checkpoints: Checkpoints, path: Path) -> None:
    damage(path)
    speakers = Speakers()
    for _ in range(2):
        ((_, debate),) = await Floor(CONFIG, checkpoints).hold([motion()], speakers, keep=True)
        assert debate.judged == 0.9
    assert len(speakers.asked) == 3


async def test_open_when_the_folder_is_away_then_debates_are_held_without(tmp_path: Path) -> None:
    held = Checkpoints(tmp_path / "no" / "debates.db")
    assert await held.saver() is None
    await held.keep({"a"})
    ((_, debate),) = await Floor(CONFIG, held).hold([motion()], Speakers(), keep=True)
    assert debate.judged == 0.9


async def test_state_when_it_is_kept_then_it_is_plain_bytes_and_names_no_class(
    checkpoints: Checkpoints, path: Path
) -> None:
    await Floor(CONFIG, checkpoints).hold([motion()], Speakers(), keep=True)
    with sqlite3.connect(path) as connection:
        kinds = {row[0] for row in connection.execute("SELECT type FROM writes UNION SELECT type FROM checkpoints")}
        rows = connection.execute("SELECT value FROM writes UNION SELECT checkpoint FROM checkpoints").fetchall()
    connection.close()
    blobs = [row[0] for row in rows if row[0]]
    assert kinds <= {"msgpack", "null", "empty"}
    assert any(b"bull in round 1" in blob for blob in blobs)
    assert not any(b"fks_actors" in blob or b"langchain" in blob for blob in blobs)
