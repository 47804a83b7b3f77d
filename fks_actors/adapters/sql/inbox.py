"""Signals on their way from the replica that received them to the desk.

Signals that wait together are kept together, in one transaction made by one thread a process (`shelves` says how);
those that wait on one event loop hear of it together, too.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from sqlalchemy import select

from fks_actors.adapters.sql.bell import Bell, Ear
from fks_actors.adapters.sql.schema import open_schema
from fks_actors.adapters.sql.shelves import Row, shelf
from fks_actors.adapters.sql.store import Store
from fks_actors.adapters.sql.tables import inbox
from fks_actors.errors import InvariantError, JournalError, JournalUnavailable
from fks_actors.journal.codec import decode_signal, encode_signal
from fks_actors.model.records import Signal

_BUSY_MS = 2_000  # TradingView hangs up after 3 s
_GROUP = 256


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A row, and who waits for it: a thread, or an event loop's task."""

    row: Row
    done: "Future[str] | asyncio.Future[str]"
    loop: asyncio.AbstractEventLoop | None


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
        self._keep = shelf(self._store, replay_window_ms)
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._asleep = False
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._bell = Bell(self._store.path)
        self._ear: Ear | None = None
        self._rung = False
        try:
            open_schema(self._store)
        except BaseException:
            self._store.close()
            raise

    @property
    def is_heard(self) -> bool:
        """Whether the desk heard of the last signal that was stored here, so that it need not be woken."""
        return self._rung

    def listen(self, heard: Callable[[], None]) -> bool:
        """Have `heard` called on this event loop when a process of this machine has stored a signal.

        Returns:
            False where that cannot be (PostgreSQL, a very long path): look now and then.
        """
        try:
            self._ear = Ear(self._store.path, heard)
        except OSError:
            return False
        return True

    def put(self, signal: Signal) -> str:
        """Store the signal unless its dedupe key is known; return the stored signal's id. Durable when it returns.

        Raises:
            JournalUnavailable: storage refused; nothing was kept.
            InvariantError: the signal cannot be written down.
        """
        done: Future[str] = Future()
        self._enqueue(_Waiting(_row(signal), done, None))
        self._wake()
        return done.result()

    async def put_async(self, signal: Signal) -> str:
        """Like `put`; the event loop runs on meanwhile."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[str] = loop.create_future()
        self._enqueue(_Waiting(_row(signal), done, loop))
        if self._asleep:
            loop.call_soon(self._wake)  # after the others that are ready now
        return await done

    def after(self, cursor: int, limit: int) -> list[tuple[int, Signal]]:
        """Signals stored after `cursor` with their own cursors, oldest first; the first cursor is 0.

        Raises:
            JournalUnavailable, JournalCorrupt: the database cannot be read.
        """
        query = select(inbox.c.seq, inbox.c.payload).where(inbox.c.seq > cursor).order_by(inbox.c.seq).limit(limit)
        with self._store.reading() as connection:
            return [(seq, decode_signal(payload)) for seq, payload in connection.execute(query)]

    async def after_async(self, cursor: int, limit: int) -> list[tuple[int, Signal]]:
        """Like `after`. A file is read here and now: a thread's waking would take several times as long."""
        if self._store.path is not None:
            return self.after(cursor, limit)
        return await asyncio.to_thread(self.after, cursor, limit)

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
        self._wake()
        if self._thread is not None:
            self._thread.join()
        if self._ear is not None:
            self._ear.close()
            self._ear = None
        self._bell.close()
        self._store.close()

    def _enqueue(self, waiting: _Waiting) -> None:
        with self._lock:
            if self._closed:
                raise JournalUnavailable(f"{self._store.where} is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="inbox-writer", daemon=True)
                self._thread.start()
            self._waiting.append(waiting)

    def _wake(self) -> None:
        """Once it sleeps: a thread that works looks for more by itself."""
        with self._lock:
            asleep, self._asleep = self._asleep, False
        if asleep:
            self._woken.put(None)

    def _run(self) -> None:
        while True:
            group = self._next_group()
            if not group:
                return
            _tell(group, self._kept(group))

    def _next_group(self) -> list[_Waiting]:
        """What waits, at least one; nothing where no more will come."""
        while True:
            with self._lock:
                group, self._waiting = self._waiting[:_GROUP], self._waiting[_GROUP:]
                self._asleep = not group
                if not group and self._closed:
                    return []
            wanted = [each for each in group if not each.done.cancelled()]
            if wanted:
                return wanted
            if not group:
                self._woken.get()

    def _kept(self, group: Sequence[_Waiting]) -> list[str] | JournalError:
        """The ids that stand under the group's keys, in its order, or why there are none."""
        rows: dict[str, Row] = {}
        for each in group:
            rows.setdefault(each.row.key, each.row)
        try:
            standing = self._keep(tuple(rows.values()), self._clock())
            self._rung = self._bell.ring()
            return [standing[each.row.key] for each in group]
        except JournalError as error:
            return error
        except BaseException as error:  # noqa: BLE001  the thread lives on; the callers hear of it
            return JournalError(f"{self._store.where}: {error!r}")


def _row(signal: Signal) -> Row:
    try:
        return Row(signal.signal_id, signal.dedupe_key, encode_signal(signal).decode())
    except UnicodeEncodeError as error:
        raise InvariantError(f"signal {signal.signal_id} cannot be written down: {error}") from error


_Told = tuple["Future[str] | asyncio.Future[str]", str | JournalError]


def _tell(group: Sequence[_Waiting], kept: list[str] | JournalError) -> None:
    """Answer threads one by one, and everyone on an event loop at once."""
    loops: dict[asyncio.AbstractEventLoop, list[_Told]] = {}
    for place, each in enumerate(group):
        outcome = type(kept)(*kept.args) if isinstance(kept, JournalError) else kept[place]
        if each.loop is None:
            _settle([(each.done, outcome)])
        else:
            loops.setdefault(each.loop, []).append((each.done, outcome))
    for loop, told in loops.items():
        try:
            loop.call_soon_threadsafe(_settle, told)
        except RuntimeError:  # the loop was closed: nobody is there to hear it
            continue


def _settle(told: Sequence[_Told]) -> None:
    for done, outcome in told:
        if done.done():
            continue
        if isinstance(outcome, str):
            done.set_result(outcome)
        else:
            done.set_exception(outcome)
