"""Another process for the tests: `python -m tests.integration.sql.worker commit|put|lease|stream ...`."""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from fks_actors.adapters.sql import SqlInbox, SqlJournal
from fks_actors.model.orders import OrderStatus
from tests.journal_scene import fill, order, signal, step


def commit(url: str) -> None:
    """Commit steps until killed; say each one's number when it is durable."""
    journal = SqlJournal(url, lambda: time.time_ns() // 1_000_000)
    for index in range(1_000_000):
        name = f"o{index}"
        journal.commit((step(index, None, order(name, OrderStatus.FILLED), fill(f"t{index}", name)),))
        print(index, flush=True)  # noqa: T201


def put(url: str, now_ms: str, label: str, *keys: str) -> None:
    """Put a signal under each key, ten at a time; say which ids are stored."""
    inbox = SqlInbox(url, 300_000, lambda: int(now_ms))
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda key: inbox.put(signal(f"{label}-{key}", key)), keys))
    inbox.close()
    print(" ".join(found), flush=True)  # noqa: T201


def lease(url: str, now_ms: str, label: str, *names: str) -> None:
    """Try to take each lease; say which were granted."""
    journal = SqlJournal(url, lambda: int(now_ms))
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    won = [name for name in names if journal.leases.acquire(name, label, int(now_ms), 1_000)]
    journal.close()
    print(" ".join(won), flush=True)  # noqa: T201


def stream(url: str, label: str, count: str) -> None:
    """Put distinct signals, ten at a time; say each one's key when it is stored."""
    inbox = SqlInbox(url, 300_000, lambda: time.time_ns() // 1_000_000)

    saying = threading.Lock()

    def keep(number: int) -> None:
        key = f"id:{label}{number}"
        inbox.put(signal(f"{label}{number}", key))
        with saying:
            print(key, flush=True)  # noqa: T201

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(keep, range(int(count))))
    inbox.close()


if __name__ == "__main__":
    verbs: dict[str, Callable[..., None]] = {"commit": commit, "put": put, "lease": lease, "stream": stream}
    verbs[sys.argv[1]](*sys.argv[2:])
