"""What a step of the desk costs to keep, next to a bare sqlite3 commit of the same bytes."""

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from fks_actors.adapters.sql import SqlInbox, SqlJournal
from fks_actors.journal.codec import decode, encode
from fks_actors.journal.ports import GENESIS
from fks_actors.model.orders import OrderStatus
from fks_actors.model.records import Commit
from tests.bench.figures import row
from tests.journal_scene import SYMBOLS, batch, cycle, equity, fill, order, signal, step

STEPS = 400
OPEN = 100_000
PAYLOAD = b'{"cash":"9000.10"}' * 57  # about 1 KiB


def _clock() -> int:
    return time.time_ns() // 1_000_000


def _ms(work: Callable[[], object], times: int) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent) * 1e3


def _both(folder: Path) -> tuple[list[float], list[float]]:
    """In turn, so that both see the same disk: the journal, and sqlite3 with the same bytes in three rows."""
    journal = SqlJournal(f"sqlite:///{folder / 'journal.db'}", _clock)
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    bare.execute("CREATE TABLE rows (seq INTEGER PRIMARY KEY, payload BLOB)")
    bare.execute("CREATE TABLE snapshots (owner TEXT PRIMARY KEY, payload BLOB)")
    ours, theirs = [], []
    for index in range(STEPS):
        commit = step(index, payload=PAYLOAD)
        start = time.perf_counter()
        journal.commit((commit,))
        middle = time.perf_counter()
        ours.append(middle - start)
        raw = b"".join(encode(entry) for entry in commit.entries)
        middle = time.perf_counter()
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("INSERT INTO rows (payload) VALUES (?)", (raw,))
        bare.executemany("REPLACE INTO snapshots VALUES (?, ?)", [(s.owner, s.payload) for s in commit.snapshots])
        bare.execute("COMMIT")
        theirs.append(time.perf_counter() - middle)
    journal.close()
    bare.close()
    return ours, theirs


def main() -> None:
    record = cycle(SYMBOLS[0], 0)
    raw = encode(record)
    encoding = min(_ms(lambda: [encode(record) for _ in range(100)], 20) for _ in range(5)) * 10
    decoding = min(_ms(lambda: [decode(raw) for _ in range(100)], 20) for _ in range(5)) * 10
    row(f"CycleRecord, {len(raw)} bytes", f"encode {encoding:.1f} us, decode {decoding:.1f} us")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fresh = _ms(lambda: SqlJournal(f"sqlite:///{folder / f'{time.time_ns()}.db'}", _clock).close(), 10)
        ours, theirs = _both(folder)
        url = f"sqlite:///{folder / 'journal.db'}"
        again = _ms(lambda: SqlJournal(url, _clock).close(), 10)
        row("open", f"fresh {fresh:.1f} ms, existing {again:.1f} ms")
        a, b = statistics.median(ours) * 1e3, statistics.median(theirs) * 1e3
        tail = sorted(ours)[int(len(ours) * 0.99)] * 1e3
        row("one step", f"{a:.3f} ms (p99 {tail:.2f}), {a / b:.2f} of bare sqlite3")
        _groups(SqlJournal(url, _clock))
        _history(SqlJournal(f"sqlite:///{folder / 'history.db'}", _clock))
        _orders(SqlJournal(f"sqlite:///{folder / 'orders.db'}", _clock))
        _inbox(SqlInbox(f"sqlite:///{folder / 'inbox.db'}", 300_000, _clock))


def _groups(journal: SqlJournal) -> None:
    first = STEPS
    spent = []
    for _ in range(20):
        commits = [step(i, payload=PAYLOAD) for i in range(first, first + 50)]
        first += 50
        start = time.perf_counter()
        journal.commit(commits)
        spent.append(time.perf_counter() - start)
    row("50 steps in one transaction", f"{statistics.median(spent) * 1e3 / 50:.3f} ms a step")
    rows = first * len(SYMBOLS)
    row(f"page of 50 decisions of {rows}", f"{_ms(lambda: journal.decisions('', 50), 50):.2f} ms")
    row(f"equity, {first} points thinned to 500", f"{_ms(lambda: journal.equity(0, 500), 20):.2f} ms")
    row("recovery: head, snapshot, 500 candles, open orders", f"{_ms(lambda: _recover(journal), 50):.2f} ms")
    row("digest", f"{_ms(journal.digest, 3):.1f} ms")
    journal.close()


def _recover(journal: SqlJournal) -> None:
    journal.head()
    journal.snapshot("risk")
    journal.candles(SYMBOLS[0], None, 500)
    journal.open_orders()


def _history(journal: SqlJournal) -> None:
    entries = tuple(batch(i) for i in range(5_000))
    start = time.perf_counter()
    journal.commit((Commit("history", GENESIS, (*entries, equity(0))),))
    row("10,000 bars of history in one commit", f"{(time.perf_counter() - start) * 1e3:.0f} ms")
    journal.close()


def _orders(journal: SqlJournal) -> None:
    head, spent = GENESIS, []
    for index in range(STEPS):
        commit = Commit(f"order-{index}", head, (order(f"a{index}", OrderStatus.ACCEPTED), fill(f"t{index}", "a0")))
        start = time.perf_counter()
        head = journal.commit((commit,))
        spent.append(time.perf_counter() - start)
    row("an order and a fill, logged", f"{statistics.median(spent) * 1e3:.3f} ms")
    for first in range(STEPS, OPEN, 5_000):
        some = tuple(order(f"a{i}", OrderStatus.ACCEPTED) for i in range(first, min(first + 5_000, OPEN)))
        head = journal.commit((Commit(f"orders-{first}", head, some),))
    before = psutil.Process().memory_info().rss
    start = time.perf_counter()
    found = journal.open_orders()
    taken, grown = time.perf_counter() - start, psutil.Process().memory_info().rss - before
    row(f"{len(found):,} open orders", f"{taken:.2f} s, {grown / 2**20:.0f} MiB")
    ids = [f"a{i}" for i in range(10_000)]
    row("trade ids of 10,000 orders", f"{_ms(lambda: journal.trade_ids(ids), 5):.0f} ms")
    row(f"verify, {OPEN + STEPS:,} logged rows", f"{_ms(journal.verify, 1) / 1e3:.2f} s")
    journal.close()


def _inbox(inbox: SqlInbox) -> None:
    alone = _ms(lambda: inbox.put(signal(f"a{time.time_ns()}", f"id:{time.time_ns()}")), 200)
    with ThreadPoolExecutor(10) as pool:
        start = time.perf_counter()
        list(pool.map(lambda i: inbox.put(signal(f"b{i}", f"id:{i}")), range(3_000)))
        rate = 3_000 / (time.perf_counter() - start)
    row("inbox", f"one put {alone:.3f} ms; ten threads {rate:,.0f} puts/s")
    inbox.close()


if __name__ == "__main__":
    main()
