"""The books on a real disk: nothing booked is lost to a kill, the budget holds across processes, and without books
nothing that costs is sent."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from fks_actors.adapters.llm.store import LlmStore, LostBooks
from fks_actors.errors import JournalConflict, JournalCorrupt, JournalError, JournalUnavailable
from fks_actors.llm.budget import DAY_MS, Ledger, OverBudget, Reservation
from fks_actors.llm.cache import Remembered
from fks_actors.llm.quota import Limits, Usage, admit

NOW_MS = 1_760_000_000_000
DAY = NOW_MS // DAY_MS
LIMIT = Decimal(1)


def reservation(name: str, usd: str = "0.25", agent: str = "bull", day: int = DAY) -> Reservation:
    return Reservation(name, agent, day, "gpt", Decimal(usd))


def opened(path: Path, records: int = 100) -> LlmStore:
    return LlmStore(path / "llm.db", LIMIT, records)


async def test_opening_when_reopened_then_reservations_quotas_and_answers_are_as_they_were(tmp_path: Path) -> None:
    store, usage = opened(tmp_path), admit(Usage(), Limits(), 100, NOW_MS)
    assert isinstance(usage, Usage)
    lost, paid = reservation("lost"), reservation("paid", "0.123456789")
    await store.begin(lost, "gpt", usage)
    await store.begin(paid, "gpt", usage)
    await store.begin(reservation("old", day=DAY - 1), "gpt", usage)
    store.settle(Reservation("paid", "bull", DAY, "gpt", paid.usd, Decimal("0.000000001")))
    answer = Remembered("key", "gpt", "m", "case@1", "{}\u2028\U0001f600")
    store.remember(answer, NOW_MS)
    store.close()

    again = opened(tmp_path)
    opening = again.opening(NOW_MS)
    assert set(opening.entries) == {
        lost, Reservation("paid", "bull", DAY, "gpt", paid.usd, Decimal("0.000000001")),
    }  # fmt: skip
    assert opening.usages == {"gpt": usage}
    assert await again.recall("key") == answer
    assert await again.recall("other") is None
    assert Ledger(LIMIT, opening.entries).left("bull", NOW_MS) == Decimal("0.749999999")
    again.close()
    assert (tmp_path / "llm.db").stat().st_mode & 0o077 == 0


async def test_begin_when_two_processes_spend_one_budget_then_the_file_holds_it(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    ends = await asyncio.gather(
        *(
            store.begin(reservation(f"{n}-{m}"), "gpt", Usage())
            for n, store in enumerate((first, second))
            for m in range(4)
        ),
        return_exceptions=True,
    )
    assert [type(end) for end in ends].count(JournalConflict) == 4
    assert sum(e.usd for e in first.opening(NOW_MS).entries) == LIMIT
    await second.begin(reservation("other", agent="bear"), "gpt", Usage())
    first.close()
    second.close()


async def test_remember_when_there_are_too_many_then_the_oldest_go(tmp_path: Path) -> None:
    store = opened(tmp_path, records=50)
    for number in range(300):
        store.remember(Remembered(f"k{number}", "gpt", "m", "case@1", "x"), number)
    store.close()
    again = opened(tmp_path, records=50)
    assert await again.recall("k299") is not None
    assert await again.recall("k0") is None
    rows = sqlite3.connect(tmp_path / "llm.db")
    assert rows.execute("SELECT count(*) FROM answers").fetchone()[0] <= 50 + 256
    rows.close()
    again.close()


async def test_begin_when_closed_or_moved_away_then_unavailable(tmp_path: Path) -> None:
    store = opened(tmp_path)
    (tmp_path / "llm.db").rename(tmp_path / "elsewhere.db")
    with pytest.raises(JournalUnavailable):
        await store.begin(reservation("1"), "gpt", Usage())
    store.close()
    with pytest.raises(JournalUnavailable):
        await store.begin(reservation("1"), "gpt", Usage())
    store.settle(reservation("1"))


def test_open_when_the_file_is_another_then_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "llm.db").write_bytes(os.urandom(8_192))
    with pytest.raises(JournalError):
        opened(tmp_path)
    (tmp_path / "llm.db").unlink()
    rows = sqlite3.connect(tmp_path / "llm.db")
    rows.execute("PRAGMA user_version = 7")
    rows.close()
    with pytest.raises(JournalCorrupt, match="another version"):
        opened(tmp_path)


async def test_lost_books_when_begun_then_unavailable() -> None:
    books = LostBooks("the disk is gone")
    with pytest.raises(JournalUnavailable, match="the disk is gone"):
        await books.begin(None, "gpt", Usage())
    assert await books.recall("key") is None


SPENDER = """
import asyncio, sys
from pathlib import Path
from tests.integration.llm.test_store import LIMIT, opened, reservation
from fks_actors.llm.budget import Reservation
from fks_actors.llm.quota import Usage
from decimal import Decimal

async def main():
    store = opened(Path(sys.argv[1]))
    for number in range(100_000):
        made = reservation(f"{sys.argv[2]}-{number}", "0.00001")
        await store.begin(made, "gpt", Usage(1, number, ()))
        print(f"begun {made.id}", flush=True)
        if number % 2:
            store.settle(Reservation(made.id, made.agent, made.day, "gpt", made.usd, Decimal("0.000001")))

asyncio.run(main())
"""


def test_begin_when_the_process_is_killed_at_any_time_then_all_that_was_booked_is_there(tmp_path: Path) -> None:
    luck, begun = random.Random(3), set()
    root = Path(__file__).resolve().parents[3]
    for turn in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", SPENDER, str(tmp_path), str(turn)], cwd=root, text=True, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(root)},
        )  # fmt: skip
        assert process.stdout is not None
        line, deadline = process.stdout.readline(), time.monotonic() + luck.uniform(0.05, 0.3)
        while line and time.monotonic() < deadline:
            begun.add(line.split()[1])
            line = process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        begun |= {rest.split()[1] for rest in process.stdout.read().splitlines() if rest.startswith("begun ")}
        process.wait(10)
        process.stdout.close()
    assert len(begun) > 20
    store = opened(tmp_path)
    entries = {e.id: e for e in store.opening(NOW_MS).entries}
    store.close()
    assert begun <= set(entries)
    assert any(e.paid is not None for e in entries.values())
    held = Ledger(LIMIT, entries.values()).spent("bull", NOW_MS)
    assert Decimal("0.000001") * len(begun) <= held <= Decimal("0.00001") * len(entries)
    ledger = Ledger(held, entries.values())
    assert isinstance(ledger.reserve("new", "bull", "gpt", Decimal("0.000000001"), NOW_MS), OverBudget)
