"""`llm.db` under FKS_HOME: what was reserved and paid, what of the quotas is used, and what models answered.

One SQLite file (`adapters.sql.store`: write-ahead log, every commit synced). One thread writes in the order in which it
was asked. Money is a whole number of billionths of a USD, and a reservation is written only where the day's sum in the
file allows it, so that the budget holds even where two processes believe that the file is theirs.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, text

from fks_actors.adapters.sql.store import Store
from fks_actors.errors import JournalConflict, JournalCorrupt, JournalError, JournalUnavailable
from fks_actors.llm.budget import DAY_MS, Reservation
from fks_actors.llm.cache import Remembered
from fks_actors.llm.quota import Usage, from_plain, to_plain

_log = logging.getLogger(__name__)
_VERSION = 1
_BUSY_MS = 1_000
_KEPT_DAYS = 400
_PRUNE_EVERY = 256
_NANO = Decimal(10**9)

_TABLES = (
    "CREATE TABLE IF NOT EXISTS reservations (id TEXT PRIMARY KEY, agent TEXT NOT NULL, day INTEGER NOT NULL, "
    "provider TEXT NOT NULL, nano_usd INTEGER NOT NULL, paid_nano_usd INTEGER) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS reservations_by_day ON reservations (day, agent, nano_usd, paid_nano_usd)",
    "CREATE TABLE IF NOT EXISTS quotas (provider TEXT PRIMARY KEY, usage TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS answers (number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, "
    "provider TEXT NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL, text TEXT NOT NULL, ts_ms INTEGER NOT NULL)",
)
_RESERVE = text(
    "INSERT INTO reservations (id, agent, day, provider, nano_usd) SELECT :id, :agent, :day, :provider, :nano "
    "WHERE :nano + (SELECT coalesce(sum(coalesce(paid_nano_usd, nano_usd)), 0) FROM reservations "
    "WHERE day = :day AND agent = :agent) <= :limit"
)
_USE = text(
    "INSERT INTO quotas (provider, usage) VALUES (:provider, :usage) "
    "ON CONFLICT (provider) DO UPDATE SET usage = excluded.usage"
)
_SETTLE = text("UPDATE reservations SET paid_nano_usd = :paid WHERE id = :id AND paid_nano_usd IS NULL")
_REMEMBER = text(
    "INSERT INTO answers (key, provider, model, prompt, text, ts_ms) "
    "VALUES (:key, :provider, :model, :prompt, :text, :ts_ms) "
    "ON CONFLICT (key) DO UPDATE SET text = excluded.text, ts_ms = excluded.ts_ms"
)
_RECALL = text("SELECT provider, model, prompt, text FROM answers WHERE key = :key")
_PRUNE = text("DELETE FROM answers WHERE number <= (SELECT max(number) FROM answers) - :records")
_TODAY = text("SELECT id, agent, day, provider, nano_usd, paid_nano_usd FROM reservations WHERE day >= :day")
_FORGET = text("DELETE FROM reservations WHERE day < :day")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Opening:
    """What stood in the file: the day's reservations, and each provider's usage."""

    entries: tuple[Reservation, ...] = ()
    usages: Mapping[str, Usage] | None = None


class LlmStore:
    """Implements llm.books.Books.

    Args:
        limit: USD for an agent and day.
        records: how many answers are kept.

    Raises:
        JournalError: the file cannot be opened.
    """

    def __init__(self, path: Path, limit: Decimal, records: int) -> None:
        self._store = Store(f"sqlite:///{path.absolute()}", _BUSY_MS)
        self._limit = int(limit * _NANO)
        self._records = records
        self._remembered = 0
        self._thread = ThreadPoolExecutor(1, "llm-store")
        try:
            with self._store.writing() as connection:
                _make(connection, path)
        except JournalError:
            self._thread.shutdown()
            self._store.close()
            raise

    def opening(self, now_ms: int) -> Opening:
        """What a process begins with.

        Raises:
            JournalError: the file cannot be read.
        """
        day = now_ms // DAY_MS
        with self._store.writing() as connection:
            connection.execute(_FORGET, {"day": day - _KEPT_DAYS})
            rows = connection.execute(_TODAY, {"day": day}).all()
            quotas = connection.execute(text("SELECT provider, usage FROM quotas")).all()
        entries = tuple(
            Reservation(row[0], row[1], row[2], row[3], row[4] / _NANO, None if row[5] is None else row[5] / _NANO)
            for row in rows
        )
        usages: dict[str, Usage] = {}
        for provider, plain in quotas:
            with suppress(ValueError, KeyError, TypeError):
                usages[provider] = from_plain(json.loads(plain))
        return Opening(entries, usages)

    async def begin(self, reservation: Reservation | None, provider: str, usage: Usage) -> None:
        """See llm.books.Books. JournalConflict: the file's own sum is over the limit."""
        await _wrapped(self._submit(self._begin, reservation, provider, usage))

    def settle(self, reservation: Reservation) -> None:
        """See llm.books.Books."""
        self._later(self._settle, reservation)

    def remember(self, answer: Remembered, ts_ms: int) -> None:
        """See llm.books.Books."""
        self._later(self._remember, answer, ts_ms)

    async def recall(self, key: str) -> Remembered | None:
        """See llm.books.Books."""
        return await _wrapped(self._submit(self._recall, key))

    def close(self) -> None:
        """Write what waits, then let go of the file."""
        self._thread.shutdown(wait=True)
        self._store.close()

    def _begin(self, reservation: Reservation | None, provider: str, usage: Usage) -> None:
        with self._store.writing() as connection:
            connection.execute(_USE, {"provider": provider, "usage": json.dumps(to_plain(usage))})
            if reservation is None:
                return
            row = {
                "id": reservation.id, "agent": reservation.agent, "day": reservation.day, "provider": provider,
                "nano": _nano(reservation.usd), "limit": self._limit,
            }  # fmt: skip
            if connection.execute(_RESERVE, row).rowcount != 1:
                raise JournalConflict(f"{self._store.where}: {reservation.agent} has spent its day's budget")

    def _settle(self, reservation: Reservation) -> None:
        if reservation.paid is not None:
            with self._store.writing() as connection:
                connection.execute(_SETTLE, {"id": reservation.id, "paid": _nano(reservation.paid)})

    def _remember(self, answer: Remembered, ts_ms: int) -> None:
        row = {"key": answer.key, "provider": answer.provider, "model": answer.model, "prompt": answer.prompt}
        with self._store.writing() as connection:
            connection.execute(_REMEMBER, {**row, "text": answer.text, "ts_ms": ts_ms})
            if self._remembered % _PRUNE_EVERY == 0:
                connection.execute(_PRUNE, {"records": self._records})
        self._remembered += 1

    def _recall(self, key: str) -> Remembered | None:
        with self._store.reading() as connection:
            row = connection.execute(_RECALL, {"key": key}).first()
        return Remembered(key, *row) if row else None

    def _submit(self, work: Callable[..., T], *args: object) -> "Future[T]":
        try:
            return self._thread.submit(work, *args)
        except RuntimeError:
            raise JournalUnavailable(f"{self._store.where} was closed") from None

    def _later(self, work: Callable[..., None], *args: object) -> None:
        try:
            self._submit(work, *args).add_done_callback(_told)
        except JournalUnavailable as error:
            _log.warning("not written: %s", error)


class LostBooks:
    """Books that could not be opened: nothing that costs is sent; what is free goes on, and nothing is remembered."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def begin(self, reservation: Reservation | None, provider: str, usage: Usage) -> None:
        """See llm.books.Books."""
        raise JournalUnavailable(self._why)

    def settle(self, reservation: Reservation) -> None:
        """Nothing was reserved."""

    def remember(self, answer: Remembered, ts_ms: int) -> None:
        """Nothing is kept."""

    async def recall(self, key: str) -> Remembered | None:
        """Nothing is known."""
        return None

    def close(self) -> None:
        """Nothing is open."""


async def _wrapped(future: "Future[T]") -> T:
    return await asyncio.wrap_future(future)


def _make(connection: Connection, path: Path) -> None:
    version = connection.execute(text("PRAGMA user_version")).scalar_one()
    if version not in (0, _VERSION):
        raise JournalCorrupt(f"{path} is of another version ({version}): move it away")
    for table in _TABLES:
        connection.execute(text(table))
    connection.execute(text(f"PRAGMA user_version = {_VERSION}"))


def _nano(usd: Decimal) -> int:
    return int((usd * _NANO).to_integral_value(ROUND_UP))


def _told(done: "Future[None]") -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        _log.warning("not written: %s", error)
