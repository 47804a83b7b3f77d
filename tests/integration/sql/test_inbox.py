"""What every inbox does, on SQLite and on PostgreSQL."""

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.adapters.sql import SqlInbox, SqlJournal
from fks_actors.errors import InvariantError, JournalUnavailable
from fks_actors.journal.ports import Inbox
from tests.integration.sql.conftest import WINDOW_MS, Clock
from tests.journal_scene import signal, step


def test_put_when_the_key_is_new_then_it_is_stored_and_read_back(inbox: SqlInbox) -> None:
    port: Inbox = inbox
    assert port.after(0, 10) == []
    assert port.put(signal("a", "id:1")) == "a"
    assert port.put(signal("b", "id:2")) == "b"
    assert port.after(0, 10) == [(1, signal("a", "id:1")), (2, signal("b", "id:2"))]
    assert port.after(1, 10) == [(2, signal("b", "id:2"))]
    assert port.after(0, 1) == [(1, signal("a", "id:1"))]
    assert port.get("b") == signal("b", "id:2")
    assert port.get("c") is None


def test_put_when_the_senders_id_is_known_then_the_first_answers_for_ever(inbox: SqlInbox, clock: Clock) -> None:
    inbox.put(signal("a", "id:1"))
    clock.now_ms += 100 * WINDOW_MS
    assert inbox.put(signal("b", "id:1")) == "a"
    assert len(inbox.after(0, 10)) == 1


def test_put_when_the_same_bytes_come_again_then_they_count_once_within_the_window(
    inbox: SqlInbox, clock: Clock
) -> None:
    inbox.put(signal("a", "body:1"))
    clock.now_ms += WINDOW_MS
    assert inbox.put(signal("b", "body:1")) == "a"
    clock.now_ms += 1
    assert inbox.put(signal("c", "body:1")) == "c"
    assert inbox.put(signal("d", "body:1")) == "c"
    assert [s.signal_id for _, s in inbox.after(0, 10)] == ["a", "c"]


def test_put_when_many_threads_send_the_same_then_one_row_is_stored(inbox: SqlInbox) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda i: inbox.put(signal(f"s{i}", "body:x")), range(200)))
    assert len(found) == 1
    assert [s.signal_id for _, s in inbox.after(0, 10)] == list(found)


async def test_put_async_when_many_wait_then_they_share_commits_and_the_loop_runs_on(inbox: SqlInbox) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    found = await asyncio.gather(*(inbox.put_async(signal(f"s{i}", f"id:{i % 50}")) for i in range(300)))
    ticking.cancel()
    assert ticks > 0
    assert [found[i] for i in range(50)] == [f"s{i}" for i in range(50)]
    assert found[50:100] == found[:50]
    assert len(inbox.after(0, 1_000)) == 50


async def test_put_async_when_the_caller_gave_up_then_others_are_still_answered(inbox: SqlInbox) -> None:
    gone = [asyncio.create_task(inbox.put_async(signal(f"g{i}", f"id:g{i}"))) for i in range(20)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    assert await inbox.put_async(signal("s", "id:s")) == "s"
    assert {(await asyncio.gather(task, return_exceptions=True))[0].__class__ for task in gone} <= {
        asyncio.CancelledError,
        str,
    }


def test_put_when_text_cannot_be_written_then_only_that_one_is_refused(inbox: SqlInbox) -> None:
    with pytest.raises(InvariantError):
        inbox.put(replace(signal("a", "id:1"), strategy="\ud800"))
    assert inbox.put(signal("b", "id:1")) == "b"


def test_close_when_called_twice_then_it_is_quiet_and_later_puts_are_refused(inbox: SqlInbox) -> None:
    inbox.put(signal("a", "id:1"))
    inbox.close()
    inbox.close()
    with pytest.raises(JournalUnavailable, match="closed"):
        inbox.put(signal("b", "id:2"))


def test_inbox_when_it_shares_the_journals_database_then_both_work(
    url: str, journal: SqlJournal, inbox: SqlInbox
) -> None:
    journal.commit((step(0),))
    assert inbox.put(signal("a", "id:1")) == "a"
    assert journal.commit((step(1),)) == "bar-1"
    assert journal.counts()["signals"] == 0


async def test_put_async_when_many_come_at_once_then_they_are_read_in_the_order_they_came(inbox: SqlInbox) -> None:
    names = [f"s{i}" for i in range(200)]
    assert await asyncio.gather(*(inbox.put_async(signal(name, f"id:{name}")) for name in names)) == names
    assert [s.signal_id for _, s in inbox.after(0, 1_000)] == names


async def test_put_async_when_copies_come_at_once_then_the_first_answers_for_all(inbox: SqlInbox) -> None:
    inbox.put(signal("old", "id:old"))
    keys = ["id:new", "id:old", "id:new", "body:x", "body:x"]
    found = await asyncio.gather(*(inbox.put_async(signal(f"s{i}", key)) for i, key in enumerate(keys)))
    assert found == ["s0", "old", "s0", "s3", "s3"]
    assert [s.signal_id for _, s in inbox.after(0, 10)] == ["old", "s0", "s3"]


@pytest.mark.parametrize("key", ["id:it's", 'id:"q"', "id:\\", "id:\u00e9\U0001f600", "id:%", "BODY:1", "body:"])
def test_put_when_a_key_is_odd_then_it_is_kept_as_it_is(inbox: SqlInbox, clock: Clock, key: str) -> None:
    assert inbox.put(signal("a", key)) == "a"
    clock.now_ms += WINDOW_MS + 1
    assert inbox.put(signal("b", key)) == ("b" if key.startswith("body:") else "a")
    assert inbox.after(0, 1) == [(1, signal("a", key))]


_KEYS = st.sampled_from(["id:1", "id:2", "body:1", "body:2"])
_GROUPS = st.lists(_KEYS, min_size=1, max_size=4)


@settings(max_examples=25, deadline=None)
@given(story=st.lists(st.tuples(_GROUPS, st.integers(0, WINDOW_MS), st.integers(1, 3)), max_size=8))
def test_put_when_told_any_story_then_it_knows_what_the_contract_knows_and_shows_each_row_once(
    story: list[tuple[list[str], int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        inbox = SqlInbox(f"sqlite:///{folder}/inbox.db", WINDOW_MS, clock)
        known: dict[str, tuple[str, int]] = {}
        stored: list[str] = []
        seen: list[tuple[int, str]] = []
        for keys, passed_ms, limit in story:
            clock.now_ms += passed_ms
            names = [f"s{len(stored)}-{place}" for place in range(len(keys))]
            for name, key in zip(names, keys, strict=True):
                first, at_ms = known.get(key, ("", 0))
                if not first or (key.startswith("body:") and clock.now_ms - at_ms > WINDOW_MS):
                    known[key] = (name, clock.now_ms)
                    stored.append(name)
            assert asyncio.run(_put_all(inbox, names, keys)) == [known[key][0] for key in keys]
            seen += [(cursor, s.signal_id) for cursor, s in inbox.after(seen[-1][0] if seen else 0, limit)]
        seen += [(cursor, s.signal_id) for cursor, s in inbox.after(seen[-1][0] if seen else 0, 100)]
        inbox.close()
    assert seen == list(enumerate(stored, 1))


async def _put_all(inbox: SqlInbox, names: list[str], keys: list[str]) -> list[str]:
    pairs = zip(names, keys, strict=True)
    return list(await asyncio.gather(*(inbox.put_async(signal(name, key)) for name, key in pairs)))


async def test_after_async_when_read_on_the_event_loop_then_it_is_the_same(inbox: SqlInbox) -> None:
    for name in ("a", "b", "c"):
        inbox.put(signal(name, f"id:{name}"))
    assert await inbox.after_async(1, 1) == inbox.after(1, 1) == [(2, signal("b", "id:b"))]
