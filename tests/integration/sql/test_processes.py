"""Several processes on one database: killed in the middle, racing for a key, reading while another writes."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from fks_actors.adapters.sql import SqlInbox, SqlJournal, open_reader
from fks_actors.model.orders import OrderStatus
from tests.integration.sql.conftest import NOW_MS, WINDOW_MS, Start, go, said
from tests.journal_scene import fill, order, signal, step


@pytest.mark.parametrize("enough", [1, 23, 60])
def test_commit_when_the_writer_is_killed_then_every_step_is_whole_and_none_that_returned_is_lost(
    url: str, start: Start, enough: int
) -> None:
    worker = start("commit", url)
    for index in range(enough):
        assert said(worker) == str(index)
    worker.kill()
    returned = enough + len(worker.communicate()[0].split())
    journal = SqlJournal(url, lambda: NOW_MS)
    steps = journal.counts()["commits"]
    assert returned <= steps <= returned + 1
    assert journal.head() == f"bar-{steps - 1}"
    assert journal.snapshot("risk").commit_id == journal.snapshot("desk").commit_id == journal.head()
    assert journal.counts() == {
        "commits": steps,
        "candles": 2 * steps,
        "decisions": 2 * steps,
        "orders": steps,
        "fills": steps,
        "signals": 0,
    }
    again = step(steps - 1, None, order(f"o{steps - 1}", OrderStatus.FILLED), fill(f"t{steps - 1}", f"o{steps - 1}"))
    assert journal.commit((again, step(steps))) == f"bar-{steps}"
    journal.close()


def test_open_reader_when_another_process_writes_then_every_read_is_a_whole_step(url: str, start: Start) -> None:
    worker = start("commit", url)
    said(worker)
    reader = open_reader(url)
    seen = []
    for _ in range(100):
        counts = reader.counts()
        assert counts["decisions"] == counts["candles"] == 2 * counts["commits"]
        page, _cursor = reader.decisions("", 2)
        assert [r.symbol for r in page] == ["ETH/USDT", "BTC/USDT"]
        assert page[0].ts_ms == page[1].ts_ms
        seen.append(counts["commits"])
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]
    reader.close()


def test_put_when_processes_race_for_the_same_keys_then_exactly_one_wins_each(url: str, start: Start) -> None:
    keys = [f"{'id' if i % 2 else 'body'}:{i}" for i in range(150)]
    workers = [start("put", url, str(NOW_MS), label, *keys) for label in "abc"]
    assert [said(worker) for worker in workers] == ["ready"] * 3
    for worker in workers:
        go(worker)
    answers = [said(worker).split() for worker in workers]
    assert answers[0] == answers[1] == answers[2]
    assert [answer.split("-", 1)[1] for answer in answers[0]] == keys
    inbox = SqlInbox(url, WINDOW_MS, lambda: NOW_MS)
    stored = inbox.after(0, 1_000)
    assert sorted(s.signal_id for _, s in stored) == sorted(answers[0])
    assert [cursor for cursor, _ in stored] == list(range(1, 151))
    inbox.close()


def test_put_when_processes_race_for_expired_keys_then_exactly_one_fires_each_again(url: str, start: Start) -> None:
    keys = [f"{'id' if i % 2 else 'body'}:{i}" for i in range(60)]
    inbox = SqlInbox(url, WINDOW_MS, lambda: NOW_MS)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda key: inbox.put(signal(f"old-{key}", key)), keys))
    workers = [start("put", url, str(NOW_MS + WINDOW_MS + 1), label, *keys) for label in "ab"]
    assert [said(worker) for worker in workers] == ["ready"] * 2
    for worker in workers:
        go(worker)
    answers = [said(worker).split() for worker in workers]
    assert answers[0] == answers[1]
    again = [signal_id for signal_id in answers[0] if not signal_id.startswith("old-")]
    assert [answer.split("-", 1)[1] for answer in again] == keys[::2]
    assert len(inbox.after(0, 1_000)) == 90
    inbox.close()


@pytest.mark.parametrize("enough", [1, 40])
def test_put_when_the_writer_is_killed_then_what_it_told_is_stored_and_known_again(
    url: str, start: Start, enough: int
) -> None:
    worker = start("stream", url, "a", "1000000")
    told = [said(worker) for _ in range(enough)]
    worker.kill()
    told += worker.communicate()[0].split()
    inbox = SqlInbox(url, WINDOW_MS, lambda: NOW_MS)
    stored = {s.dedupe_key: s.signal_id for _, s in inbox.after(0, 1_000_000)}
    assert set(told) <= set(stored)
    assert len(stored) <= len(told) + 10  # stored, and killed before it could say so
    for key, first in stored.items():
        assert inbox.put(signal("again", key)) == first
    inbox.close()


def test_after_when_processes_write_meanwhile_then_every_row_is_read_once_in_order(url: str, start: Start) -> None:
    workers = [start("stream", url, label, "300") for label in "ab"]
    for worker in workers:
        said(worker)
    inbox = SqlInbox(url, WINDOW_MS, lambda: NOW_MS)
    seen: list[int] = []
    keys: list[str] = []
    writing = True
    while writing:
        writing = any(worker.poll() is None for worker in workers)
        while page := inbox.after(seen[-1] if seen else 0, 7):
            seen += [cursor for cursor, _ in page]
            keys += [s.dedupe_key for _, s in page]
    assert seen == sorted(set(seen))
    assert sorted(keys) == sorted(f"id:{label}{number}" for label in "ab" for number in range(300))
    inbox.close()


def test_open_when_many_do_so_at_once_then_the_tables_are_made_once(url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        inboxes = list(pool.map(lambda _: SqlInbox(url, WINDOW_MS, lambda: NOW_MS), range(6)))
    for number, inbox in enumerate(inboxes):
        assert inbox.put(signal(f"s{number}", f"id:{number}")) == f"s{number}"
    assert len(inboxes[0].after(0, 10)) == 6
    for inbox in inboxes:
        inbox.close()
