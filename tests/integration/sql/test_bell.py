"""The bell beside a SQLite inbox: who puts rings, who listens hears, and nothing depends on it."""

import asyncio
import stat
import time
from collections.abc import Callable
from pathlib import Path

from fks_actors.adapters.sql import SqlInbox
from tests.journal_scene import signal


def opened(path: Path) -> SqlInbox:
    return SqlInbox(f"sqlite:///{path}", 300_000, lambda: 0)


async def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end, "nobody heard"
        await asyncio.sleep(0.001)


async def test_put_when_a_desk_listens_then_it_hears_once_the_signal_can_be_read(tmp_path: Path) -> None:
    replica, desk = opened(tmp_path / "inbox.db"), opened(tmp_path / "inbox.db")
    heard: list[int] = []
    assert desk.listen(lambda: heard.append(len(desk.after(0, 10))))
    await replica.put_async(signal("a", "id:a"))
    assert replica.is_heard
    await until(lambda: heard)
    assert heard == [1]
    assert stat.S_IMODE((tmp_path / "inbox.db.bell").stat().st_mode) == 0o600
    replica.close()
    desk.close()


async def test_put_when_nobody_listens_then_it_is_stored_and_the_sender_is_told_to_wake(tmp_path: Path) -> None:
    replica = opened(tmp_path / "inbox.db")
    assert await replica.put_async(signal("a", "id:a")) == "a"
    assert not replica.is_heard
    desk = opened(tmp_path / "inbox.db")
    assert desk.listen(lambda: None)
    await replica.put_async(signal("b", "id:b"))
    assert replica.is_heard
    desk.close()
    await replica.put_async(signal("c", "id:c"))
    assert not replica.is_heard
    replica.close()


async def test_listen_when_a_predecessor_died_or_lives_then_the_last_one_hears(tmp_path: Path) -> None:
    heard: list[str] = []
    replica, former, later = (opened(tmp_path / "inbox.db") for _ in range(3))
    assert former.listen(lambda: heard.append("former"))
    assert later.listen(lambda: heard.append("later"))
    await replica.put_async(signal("a", "id:a"))
    await until(lambda: heard)
    former.close()
    await replica.put_async(signal("b", "id:b"))
    await until(lambda: len(heard) == 2)
    assert heard == ["later", "later"]
    for inbox in (replica, later):
        inbox.close()


async def test_put_when_the_listener_is_busy_then_nothing_waits_and_it_hears_afterwards(tmp_path: Path) -> None:
    replica, desk = opened(tmp_path / "inbox.db"), opened(tmp_path / "inbox.db")
    heard: list[bool] = []
    assert desk.listen(lambda: heard.append(True))
    for number in range(600):  # more than the socket keeps; the listener's loop stands still meanwhile
        replica.put(signal(f"s{number}", f"id:{number}"))
    assert replica.is_heard
    assert not heard
    await until(lambda: heard)
    replica.close()
    desk.close()


async def test_listen_when_the_path_is_too_long_then_it_says_so_and_all_else_works(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 110)
    folder.mkdir()
    inbox = opened(folder / "inbox.db")
    assert not inbox.listen(lambda: None)
    assert await inbox.put_async(signal("a", "id:a")) == "a"
    assert not inbox.is_heard
    assert len(inbox.after(0, 10)) == 1
    inbox.close()
