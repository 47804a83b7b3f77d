"""Commits become rows, table by table. Pure: what the writer then sends to the database, in this order."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from fks_actors.adapters.sql import tables
from fks_actors.adapters.sql.tables import COMMIT_SPAN
from fks_actors.errors import InvariantError
from fks_actors.journal.audit import Audited, AuditRow, hashed, identity, link
from fks_actors.journal.codec import encode, encode_change, kind_of
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import Charge, Fill, Order
from fks_actors.model.records import (
    AuditRecord,
    Commit,
    ControlRecord,
    CycleRecord,
    Entry,
    EquityPoint,
    RunRecord,
    SignalRecord,
    Snapshot,
)

Row = tuple[Any, ...]

_FACTS: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (tables.candles, ("symbol", "ts_ms")),
    (tables.decisions, ("decision_id",)),
    (tables.fills, ("venue", "trade_id")),
    (tables.runs, ("run_id",)),
)
"""The first record of a fact stands; a repeated one changes nothing."""

_MOVING: tuple[tuple[Table, str], ...] = (
    (tables.orders, "client_order_id"),
    (tables.signals, "signal_id"),
    (tables.equity, "ts_ms"),
    (tables.snapshots, "owner"),
)
"""The last word stands; `seq` remains that of the first."""

_DIALECTS: dict[str, tuple[Any, Any, str]] = {
    "sqlite": (sqlite.insert, SQLiteDialect, "qmark"),
    "postgresql": (postgresql.insert, PGDialect, "format"),
}
_APPENDED = (tables.commits, tables.history, tables.charges, tables.controls, tables.notes, tables.audit)


def statements(dialect_name: str) -> dict[str, str]:
    """The insert of each table by its name, its parameters positional and in the order of the table's columns."""
    insert, made, style = _DIALECTS[dialect_name]
    dialect = made(paramstyle=style)
    found = {table.name: str(insert(table).compile(dialect=dialect)) for table in _APPENDED}
    for table, keys in _FACTS:
        found[table.name] = str(insert(table).on_conflict_do_nothing(index_elements=keys).compile(dialect=dialect))
    for table, key in _MOVING:
        new = insert(table)
        moves = {c.name: new.excluded[c.name] for c in table.columns if c.name not in (key, "seq")}
        found[table.name] = str(new.on_conflict_do_update(index_elements=[key], set_=moves).compile(dialect=dialect))
    return found


TABLE_OF: dict[type, Table] = {
    CycleRecord: tables.decisions,
    Fill: tables.fills,
    Charge: tables.charges,
    Order: tables.orders,
    SignalRecord: tables.signals,
    ControlRecord: tables.controls,
    RunRecord: tables.runs,
    AuditRecord: tables.notes,
}
_COLUMNS: dict[type, Callable[[Any], Row]] = {
    CycleRecord: lambda r: (r.decision_id, r.symbol, r.ts_ms, r.outcome.value),
    Fill: lambda f: (f.venue, f.trade_id, f.client_order_id, f.symbol, f.ts_ms),
    Charge: lambda c: (c.venue, c.charge_id, c.symbol, c.ts_ms),
    Order: lambda o: (o.intent.client_order_id, o.intent.symbol, o.status.value, o.updated_ms),
    SignalRecord: lambda r: (r.signal_id, r.status.value, r.ts_ms),
    ControlRecord: lambda r: (r.ts_ms,),
    RunRecord: lambda r: (r.run_id, r.ts_ms),
    AuditRecord: lambda r: (r.ts_ms,),
}


def columns_of(entry: Entry) -> Row:
    """What stands between `seq` and `payload` in the entry's table (TABLE_OF)."""
    return _COLUMNS[type(entry)](entry)


@dataclass
class Rows:
    """The rows of one transaction. Things that move several times in it are written once."""

    last_seq: int
    appended: dict[str, list[Row]] = field(default_factory=dict)
    moving: dict[str, dict[str | int, Row]] = field(default_factory=dict)
    logged: list[AuditRow] = field(default_factory=list)
    _next: int = 0
    _commit_id: str = ""

    def add(self, commit: Commit, recorded_ms: int) -> None:
        """Take a commit in, as the one after `last_seq`.

        Raises:
            InvariantError: an entry cannot be written down, or the commit is too large.
        """
        self.last_seq += 1
        self._next = self.last_seq * COMMIT_SPAN
        self._commit_id = commit.commit_id
        self._append(tables.commits, (self.last_seq, commit.commit_id, commit.after, recorded_ms))
        for entry in commit.entries:
            _TO_ROWS[type(entry)](self, entry)
        if self._next >= (self.last_seq + 1) * COMMIT_SPAN:
            raise InvariantError(f"commit {commit.commit_id} holds more than {COMMIT_SPAN} entries")
        for snapshot in commit.snapshots:
            self._snapshot(commit, snapshot)

    def chain(self, previous: str) -> str:
        """Hash what is logged, behind a row with the hash `previous`; return the last hash."""
        for row in self.logged:
            previous = link(previous, row)
            fields = (row.seq, row.ts_ms, row.kind, row.key, row.payload_hash, row.state_hash, previous)
            self._append(tables.audit, fields)
        self.logged.clear()
        return previous

    def batches(self) -> list[tuple[str, list[Row]]]:
        """Table names and their rows, in the order in which they are to be written."""
        moved = [(name, list(rows.values())) for name, rows in self.moving.items()]
        return [*self.appended.items(), *moved]

    def _append(self, table: Table, row: Row) -> None:
        self.appended.setdefault(table.name, []).append(row)

    def _move(self, table: Table, key: str | int, seq: int | None, *rest: Any) -> None:
        rows = self.moving.setdefault(table.name, {})
        if seq is None:
            rows[key] = (key, *rest)
        else:
            rows[key] = (rows[key][0] if key in rows else seq, key, *rest)

    def _seq(self) -> int:
        self._next += 1
        return self._next

    def _bars(self, batch: BarBatch) -> None:
        for c in batch.candles:
            if not math.isfinite(c.open + c.high + c.low + c.close + c.volume):
                raise InvariantError(f"the bar of {c.symbol} at {c.ts_ms} holds something that is no number")
            row = (c.symbol, c.ts_ms, c.open, c.high, c.low, c.close, c.volume, batch.interval_ms)
            self._append(tables.candles, row)

    def _cycle(self, record: CycleRecord) -> None:
        self._append(tables.decisions, (self._seq(), *columns_of(record), _text(record)))

    def _fact(self, entry: Fill | Charge | ControlRecord | RunRecord | AuditRecord) -> None:
        seq, payload = self._seq(), encode(entry)
        self._append(TABLE_OF[type(entry)], (seq, *columns_of(entry), payload.decode()))
        self._log(seq, entry, payload)

    def _moved(self, entry: Order | SignalRecord) -> None:
        seq, change, payload = self._seq(), encode_change(entry), encode(entry)
        key, *rest = columns_of(entry)
        self._append(tables.history, (seq, kind_of(entry), key, rest[-1], change.decode()))
        self._move(TABLE_OF[type(entry)], key, seq, *rest, payload.decode())
        self._log(seq, entry, change, hashed(payload))

    def _log(self, seq: int, entry: Audited, payload: bytes, state_hash: str = "") -> None:
        key, ts_ms = identity(entry)
        self.logged.append(AuditRow(seq, ts_ms, kind_of(entry), key, hashed(payload), state_hash, self._commit_id))

    def _equity(self, point: EquityPoint) -> None:
        self._move(tables.equity, point.ts_ms, None, _text(point))

    def _snapshot(self, commit: Commit, snapshot: Snapshot) -> None:
        self._move(tables.snapshots, snapshot.owner, None, commit.commit_id, snapshot.payload)


_TO_ROWS: dict[type, Callable[[Rows, Any], None]] = {
    BarBatch: Rows._bars,
    CycleRecord: Rows._cycle,
    SignalRecord: Rows._moved,
    Order: Rows._moved,
    Fill: Rows._fact,
    Charge: Rows._fact,
    EquityPoint: Rows._equity,
    ControlRecord: Rows._fact,
    RunRecord: Rows._fact,
    AuditRecord: Rows._fact,
}


def rows_of(commits: Sequence[Commit], last_seq: int, recorded_ms: int) -> Rows:
    """The rows of commits that follow `last_seq`; `recorded_ms` is the wall clock.

    Raises:
        InvariantError: an entry cannot be written down.
    """
    rows = Rows(last_seq)
    for commit in commits:
        rows.add(commit, recorded_ms)
    return rows


def _text(entry: Entry) -> str:
    return encode(entry).decode()
