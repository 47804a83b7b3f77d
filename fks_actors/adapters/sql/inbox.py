"""Signals on their way from the replica that received them to the desk.

Signals that wait together share one transaction, made by one thread a process. Looking for the dedupe key, judging its
age and inserting happen under the one write lock (SQLite's BEGIN IMMEDIATE, PostgreSQL's lock of the table), so that of
two replicas exactly one stores a signal, and the order of `seq` is the order in which rows can be seen.

A key that the sender gave (`id:...`) is known for ever. One made of the bytes (`body:...`) is forgotten when the replay
window has passed: the same alert may then fire again.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select, text

from fks_actors.adapters.sql.schema import open_schema
from fks_actors.adapters.sql.store import Store
from fks_actors.adapters.sql.tables import inbox
from fks_actors.errors import FksError, InvariantError, JournalError, JournalUnavailable
from fks_actors.journal.codec import decode_signal, encode_signal
from fks_actors.model.records import Signal

_BUSY_MS = 2_000  # TradingView hangs up after 3 s
_GROUP = 256
_KNOWN = (
    select(inbox.c.dedupe_key, inbox.c.signal_id, inbox.c.stored_ms)
    .where(inbox.c.dedupe_key.in_(bindparam("keys", expanding=True)))
    .order_by(inbox.c.seq)
)
_LAST = select(func.max(inbox.c.seq))


@dataclass(frozen=True, slots=True)
class _Waiting:
    signal: Signal
    payload: str
    done: Future[str]


class SqlInbox:
    """Implements journal.ports.Inbox; `put` may be called by any thread, `put_async` by any event loop.

    Args:
        url: `sqlite:////abs/inbox.db`, a file of its own, or the journal's PostgreSQL.
        replay_window_ms: how long the same bytes count as the same alert.
        clock: UTC milliseconds; ages are measured with it.

    Raises:
        ConfigError, JournalCorrupt, JournalError, JournalUnavailable: like `SqlJournal`.
    """

    def __init__(self, url: str, replay_window_ms: int, clock: Callable[[], int]) -> None:
        self._store = Store(url, _BUSY_MS)
        self._window_ms = replay_window_ms
        self._clock = clock
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        try:
            open_schema(self._store)
        except BaseException:
            self._store.close()
            raise

    def put(self, signal: Signal) -> str:
        """Store the signal unless its dedupe key is known; return the stored signal's id. Durable when it returns.

        Raises:
            JournalUnavailable: storage refused; nothing was kept.
            InvariantError: the signal cannot be written down.
        """
        return self._enqueue(signal).result()

    async def put_async(self, signal: Signal) -> str:
        """Like `put`; the event loop runs on meanwhile."""
        return await asyncio.wrap_future(self._enqueue(signal))

    def after(self, cursor: int, limit: int) -> list[tuple[int, Signal]]:
        """Signals stored after `cursor` with their own cursors, oldest first; the first cursor is 0.

        Raises:
            JournalUnavailable, JournalCorrupt: the database cannot be read.
        """
        query = select(inbox.c.seq, inbox.c.payload).where(inbox.c.seq > cursor).order_by(inbox.c.seq).limit(limit)
        with self._store.reading() as connection:
            return [(seq, decode_signal(payload)) for seq, payload in connection.execute(query)]

    def get(self, signal_id: str) -> Signal | None:
        """The stored signal.

        Raises:
            JournalUnavailable, JournalCorrupt: the database cannot be read.
        """
        with self._store.reading() as connection:
            payload = connection.scalar(select(inbox.c.payload).where(inbox.c.signal_id == signal_id))
        return None if payload is None else decode_signal(payload)

    def close(self) -> None:
        """Store what waits, then end the thread and the connections."""
        with self._lock:
            self._closed = True
            if self._thread is not None:
                self._queue.put(None)
        if self._thread is not None:
            self._thread.join()
        self._store.close()

    def _enqueue(self, signal: Signal) -> "Future[str]":
        try:
            payload = encode_signal(signal).decode()
        except UnicodeEncodeError as error:
            raise InvariantError(f"signal {signal.signal_id} cannot be written down: {error}") from error
        waiting = _Waiting(signal, payload, Future())
        with self._lock:
            if self._closed:
                raise JournalUnavailable(f"{self._store.where} is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="inbox-writer", daemon=True)
                self._thread.start()
            self._queue.put(waiting)
        return waiting.done

    def _run(self) -> None:
        last = False
        while not last:
            group, last = self._next_group()
            running = [each for each in group if each.done.set_running_or_notify_cancel()]
            if running:
                self._settle(running)

    def _next_group(self) -> tuple[list[_Waiting], bool]:
        """What waits, at least one; and whether it is the last."""
        first = self._queue.get()
        group: list[_Waiting] = []
        while first is not None:
            group.append(first)
            if len(group) == _GROUP:
                return group, False
            try:
                first = self._queue.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _settle(self, group: Sequence[_Waiting]) -> None:
        try:
            ids = self._store_all(group)
        except FksError as error:
            for each in group:
                each.done.set_exception(type(error)(*error.args))
        except BaseException as error:  # noqa: BLE001  the thread lives on; the callers hear of it
            for each in group:
                each.done.set_exception(JournalError(f"{self._store.where}: {error!r}"))
        else:
            for each, signal_id in zip(group, ids, strict=True):
                each.done.set_result(signal_id)

    def _store_all(self, group: Sequence[_Waiting]) -> list[str]:
        """The ids that are stored under the group's keys, in its order."""
        with self._store.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("LOCK TABLE inbox IN EXCLUSIVE MODE"))
            now_ms = self._clock()
            known = self._known(connection, [each.signal.dedupe_key for each in group], now_ms)
            seq = connection.scalar(_LAST) or 0
            rows: list[dict[str, object]] = []
            for each in group:
                signal = each.signal
                if signal.dedupe_key in known:
                    continue
                known[signal.dedupe_key] = signal.signal_id
                seq += 1
                rows.append(
                    {
                        "seq": seq,
                        "signal_id": signal.signal_id,
                        "dedupe_key": signal.dedupe_key,
                        "stored_ms": now_ms,
                        "payload": each.payload,
                    }
                )
            if rows:
                connection.execute(inbox.insert(), rows)
        return [known[each.signal.dedupe_key] for each in group]

    def _known(self, connection: Connection, keys: list[str], now_ms: int) -> dict[str, str]:
        """The signals that the keys still stand for."""
        return {
            key: signal_id
            for key, signal_id, stored_ms in connection.execute(_KNOWN, {"keys": keys})
            if not key.startswith("body:") or now_ms - stored_ms <= self._window_ms
        }
