"""Reading a journal: what the desk recovers from, and what the API and the command line show."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Integer, Select, Table, cast, func, literal, select, union_all

from fks_actors.adapters.sql import tables
from fks_actors.adapters.sql.store import Store
from fks_actors.adapters.sql.verify import verify
from fks_actors.journal.audit import Fault, Verified
from fks_actors.journal.codec import decode, decode_as, decode_change
from fks_actors.journal.ports import GENESIS
from fks_actors.journal.projection import digest
from fks_actors.model.candles import Candle
from fks_actors.model.orders import Fill, Order, OrderStatus
from fks_actors.model.records import (
    AuditRecord,
    ControlRecord,
    CycleRecord,
    Entry,
    EquityPoint,
    RunRecord,
    SignalRecord,
    SnapshotAt,
)

T = TypeVar("T")

OPEN_STATUSES = (
    OrderStatus.INITIALIZED,
    OrderStatus.SUBMITTED,
    OrderStatus.UNKNOWN,
    OrderStatus.ACCEPTED,
    OrderStatus.PARTIALLY_FILLED,
    OrderStatus.CANCEL_PENDING,
)
"""Statuses that are not terminal."""

_COUNTED = ("commits", "candles", "decisions", "orders", "fills", "signals")
_CHUNK = 2_000


class SqlReader:
    """Implements journal.ports.JournalReader and the reads of journal.ports.Journal; safe for many threads.

    Every method raises JournalUnavailable where the database cannot be reached, JournalCorrupt where it is damaged.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def close(self) -> None:
        """Close the connections."""
        self._store.close()

    # --- what the desk recovers from ---

    def head(self) -> str:
        """The last commit's id, GENESIS where there is none."""
        commits = tables.commits.c
        return self._first(select(commits.commit_id).order_by(commits.seq.desc()).limit(1)) or GENESIS

    def snapshot(self, owner: str) -> SnapshotAt:
        """The last snapshot of `owner`."""
        c = tables.snapshots.c
        with self._store.reading() as connection:
            row = connection.execute(select(c.commit_id, c.payload).where(c.owner == owner)).first()
        return SnapshotAt(owner, row.commit_id, bytes(row.payload)) if row else SnapshotAt(owner, "", b"")

    def candles(self, symbol: str, before_ms: int | None, limit: int) -> list[Candle]:
        """The last `limit` bars that opened before `before_ms` (None: all), oldest first."""
        c = tables.candles.c
        query = select(c.symbol, c.ts_ms, c.open, c.high, c.low, c.close, c.volume).where(c.symbol == symbol)
        if before_ms is not None:
            query = query.where(c.ts_ms < before_ms)
        with self._store.reading() as connection:
            rows = connection.execute(query.order_by(c.ts_ms.desc()).limit(limit)).all()
        return [Candle(*row) for row in reversed(rows)]

    def last_bar_ms(self, symbols: Sequence[str]) -> dict[str, int]:
        """The open time of each symbol's last recorded bar; a symbol without bars is absent."""
        c = tables.candles.c
        with self._store.reading() as connection:
            found = {s: connection.scalar(select(func.max(c.ts_ms)).where(c.symbol == s)) for s in symbols}
        return {symbol: ts_ms for symbol, ts_ms in found.items() if ts_ms is not None}

    def open_orders(self) -> list[Order]:
        """Every order whose status is not terminal, oldest first."""
        found: list[Order] = []
        after = 0
        with self._store.reading() as connection:
            while True:
                page, after = _open_page(connection, after, _CHUNK)
                found += page
                if not after:
                    return found

    def open_orders_page(self, after: int, limit: int) -> tuple[list[Order], int]:
        """A part of `open_orders`: `limit` of them behind the place `after` (0: the start), and the next place.

        The next place is 0 where nothing follows. An order that changes between two pages is in one of them at most.
        """
        with self._store.reading() as connection:
            return _open_page(connection, after, limit)

    def trade_ids(self, client_order_ids: Iterable[str]) -> frozenset[tuple[str, str]]:
        """(venue, trade id) of every fill that is booked for these orders."""
        c = tables.fills.c
        wanted = list(dict.fromkeys(client_order_ids))
        found: set[tuple[str, str]] = set()
        with self._store.reading() as connection:
            for start in range(0, len(wanted), _CHUNK):
                query = select(c.venue, c.trade_id).where(c.client_order_id.in_(wanted[start : start + _CHUNK]))
                found.update((venue, trade_id) for venue, trade_id in connection.execute(query))
        return frozenset(found)

    def trades_by_order(self, client_order_ids: Iterable[str]) -> dict[str, frozenset[tuple[str, str]]]:
        """`trade_ids` of each of these orders; one without a fill is absent."""
        c = tables.fills.c
        wanted = list(dict.fromkeys(client_order_ids))
        found: dict[str, set[tuple[str, str]]] = {}
        with self._store.reading() as connection:
            for start in range(0, len(wanted), _CHUNK):
                some = c.client_order_id.in_(wanted[start : start + _CHUNK])
                for key, venue, trade_id in connection.execute(
                    select(c.client_order_id, c.venue, c.trade_id).where(some)
                ):
                    found.setdefault(key, set()).add((venue, trade_id))
        return {key: frozenset(trades) for key, trades in found.items()}

    def last_run(self) -> RunRecord | None:
        """The newest start of the desk."""
        c = tables.runs.c
        return self._one(RunRecord, select(c.payload).order_by(c.seq.desc()).limit(1))

    # --- what people look at ---

    def decisions(self, cursor: str, limit: int, symbol: str = "", outcome: str = "") -> tuple[list[CycleRecord], str]:
        """Cycle records, newest first, and the next page's cursor.

        Raises:
            ValueError: the cursor is not one of this list's.
        """
        return self._page(CycleRecord, tables.decisions, cursor, limit, symbol=symbol, outcome=outcome)

    def decision(self, decision_id: str) -> CycleRecord | None:
        """One cycle record."""
        c = tables.decisions.c
        return self._one(CycleRecord, select(c.payload).where(c.decision_id == decision_id))

    def orders(self, cursor: str, limit: int, symbol: str = "", status: str = "") -> tuple[list[Order], str]:
        """Orders in their present state, newest first, and the next page's cursor.

        Raises:
            ValueError: the cursor is not one of this list's.
        """
        return self._page(Order, tables.orders, cursor, limit, symbol=symbol, status=status)

    def order(self, client_order_id: str) -> Order | None:
        """One order in its present state."""
        c = tables.orders.c
        return self._one(Order, select(c.payload).where(c.client_order_id == client_order_id))

    def order_history(self, client_order_id: str) -> list[Order]:
        """The order at every step of its life that was recorded, oldest first."""
        order = self.order(client_order_id)
        if order is None:
            return []
        c = tables.history.c
        query = select(c.payload).where(c.key == client_order_id, c.kind == "order").order_by(c.seq)
        with self._store.reading() as connection:
            return [decode_change(order, payload) for payload in connection.scalars(query)]

    def fills(self, cursor: str, limit: int, symbol: str = "", order: str = "") -> tuple[list[Fill], str]:
        """Trades, newest first, and the next page's cursor; `order` is a client order id.

        Raises:
            ValueError: the cursor is not one of this list's.
        """
        return self._page(Fill, tables.fills, cursor, limit, symbol=symbol, client_order_id=order)

    def equity(self, since_ms: int, points: int) -> list[EquityPoint]:
        """The curve since `since_ms`, oldest first; more than `points` (>= 2) are thinned on an even grid of time.

        The first and the last one are kept. Costs one index look-up a point, however long the curve is.
        """
        c = tables.equity.c
        since = c.ts_ms >= since_ms
        with self._store.reading() as connection:
            some = connection.scalars(select(c.payload).where(since).order_by(c.ts_ms).limit(points + 1)).all()
            if len(some) > points:
                some = connection.scalars(_thinned(connection, since_ms, points)).all()
        return [decode_as(EquityPoint, payload) for payload in some]

    def signal(self, signal_id: str) -> SignalRecord | None:
        """What the desk made of a signal so far."""
        c = tables.signals.c
        return self._one(SignalRecord, select(c.payload).where(c.signal_id == signal_id))

    def controls(self, limit: int) -> list[ControlRecord]:
        """The last changes of the trading state, newest first."""
        c = tables.controls.c
        return self._all(ControlRecord, select(c.payload).order_by(c.seq.desc()).limit(limit))

    def audit(self, limit: int) -> list[AuditRecord]:
        """The last audit records, newest first."""
        c = tables.notes.c
        return self._all(AuditRecord, select(c.payload).order_by(c.seq.desc()).limit(limit))

    def verify(self, noted: str = "") -> Verified | Fault:
        """Check the whole journal against its audit log; `noted` is a head that was noted earlier."""
        with self._store.reading() as connection:
            return verify(connection, noted)

    def counts(self) -> dict[str, int]:
        """How many commits, candles, decisions, orders, fills and signals are recorded."""
        with self._store.reading() as connection:
            return {
                name: connection.scalar(select(func.count()).select_from(tables.metadata.tables[name])) or 0
                for name in _COUNTED
            }

    def digest(self) -> str:
        """See journal.projection.digest."""
        with self._store.reading() as connection:
            return digest(_content(connection))

    # --- how ---

    def _first(self, query: Select[Any]) -> str | None:
        with self._store.reading() as connection:
            found: str | None = connection.scalar(query)
        return found

    def _one(self, entry: type[T], query: Select[Any]) -> T | None:
        payload = self._first(query)
        return None if payload is None else decode_as(entry, payload)

    def _all(self, entry: type[T], query: Select[Any]) -> list[T]:
        with self._store.reading() as connection:
            return [decode_as(entry, payload) for payload in connection.scalars(query)]

    def _page(self, entry: type[T], table: Table, cursor: str, limit: int, **equal: str) -> tuple[list[T], str]:
        seq: ColumnElement[int] = table.c.seq
        query = select(seq, table.c.payload).order_by(seq.desc()).limit(limit + 1)
        query = query.where(*(table.c[name] == value for name, value in equal.items() if value))
        if cursor:
            query = query.where(seq < _position(table, cursor))
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        page = rows[:limit]
        more = f"{table.name}-{page[-1][0]}" if page and len(rows) > limit else ""
        return [decode_as(entry, row[1]) for row in page], more


def _open_page(connection: Connection, after: int, limit: int) -> tuple[list[Order], int]:
    """Each status has its rows in order in the index, so a page costs the same wherever it lies."""
    c = tables.orders.c
    parts = [
        select(select(c.seq).where(c.status == s, c.seq > after).order_by(c.seq).limit(limit).subquery().c.seq)
        for s in OPEN_STATUSES
    ]
    both = union_all(*parts).subquery()
    first = select(both.c.seq).order_by(both.c.seq).limit(limit)
    rows = connection.execute(select(c.seq, c.payload).where(c.seq.in_(first)).order_by(c.seq)).all()
    return [decode_as(Order, row[1]) for row in rows], rows[-1][0] if len(rows) == limit else 0


def _position(table: Table, cursor: str) -> int:
    name, _, seq = cursor.rpartition("-")
    if name != table.name or not re.fullmatch(r"[0-9]{1,18}", seq, re.ASCII):
        raise ValueError(f"{cursor[:40]!r} is no cursor of the list of {table.name}")
    return int(seq)


def _thinned(connection: Connection, since_ms: int, points: int) -> Select[Any]:
    """Of an even grid of instants from the first point to the last, the first point at or after each."""
    c = tables.equity.c
    low, high = connection.execute(select(func.min(c.ts_ms), func.max(c.ts_ms)).where(c.ts_ms >= since_ms)).one()
    steps = max(points - 1, 1)
    grid = select(literal(0, Integer).label("i")).cte("grid", recursive=True)
    grid = grid.union_all(select(grid.c.i + 1).where(grid.c.i < steps))
    instant = literal(low, c.ts_ms.type) + cast(grid.c.i, c.ts_ms.type) * (high - low) // steps
    at = select(func.min(c.ts_ms)).where(c.ts_ms >= instant).scalar_subquery()
    return select(c.payload).where(c.ts_ms.in_(select(at).select_from(grid))).order_by(c.ts_ms)


def _content(connection: Connection) -> Iterator[Entry]:
    """Everything that the digest is made of, a chunk at a time."""
    for table in (tables.decisions, tables.fills, tables.orders, tables.signals, tables.equity, tables.controls):
        order = table.c.ts_ms if table is tables.equity else table.c.seq
        query: Select[Any] = select(table.c.payload).order_by(order).execution_options(yield_per=_CHUNK)
        for payload in connection.scalars(query):
            yield decode(payload)
