"""A journal against its audit log: what `journal.audit` walks over, read in pages from one snapshot.

Besides the log's facts, each order and signal must stand in the state that its last change moved it to, and the columns
that rows are found by must say what the payloads say.
"""

import heapq
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, and_, exists, func, select

from fks_actors.adapters.sql import tables
from fks_actors.adapters.sql.rows import TABLE_OF, columns_of
from fks_actors.adapters.sql.tables import COMMIT_SPAN
from fks_actors.errors import JournalCorrupt
from fks_actors.journal.audit import AuditRow, Fault, StoredFact, Verified, Walk, hashed, identity
from fks_actors.journal.codec import decode_as, kind_of
from fks_actors.model.orders import Charge, Fill, Order
from fks_actors.model.records import AuditRecord, ControlRecord, RunRecord, SignalRecord

_PAGE = 2_000
_Fact = Fill | Charge | ControlRecord | RunRecord | AuditRecord
_FACTS: tuple[type[_Fact], ...] = (Fill, Charge, ControlRecord, RunRecord, AuditRecord)
_MOVING: tuple[tuple[type[Order | SignalRecord], str], ...] = ((Order, "order"), (SignalRecord, "signal"))


def verify(connection: Connection, noted: str = "") -> Verified | Fault:
    """The first fault of the journal, or what was found in it."""
    walk = Walk(noted)
    commits = tables.commits.c
    chain = _paged(connection, tables.commits, select(commits.seq, commits.commit_id, commits.after))
    fault = walk.commits((row.seq, row.commit_id, row.after) for row in chain)
    fault = fault or walk.log(_log(connection), _facts(connection), lambda row: _told_before(connection, row))
    for entry, kind in _MOVING:
        fault = fault or _state_fault(connection, entry, kind)
    return fault or walk.verified


def _paged(connection: Connection, table: Table, query: Select[Any]) -> Iterator[Row[Any]]:
    """The query's rows by the table's seq, which must be their first column."""
    after = -1
    while True:
        page = connection.execute(query.where(table.c.seq > after).order_by(table.c.seq).limit(_PAGE)).all()
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1][0]


def _log(connection: Connection) -> Iterator[AuditRow]:
    a, c = tables.audit.c, tables.commits.c
    query = select(a.seq, a.ts_ms, a.kind, a.key, a.payload_hash, a.state_hash, func.coalesce(c.commit_id, ""), a.hash)
    query = query.outerjoin_from(tables.audit, tables.commits, c.seq == a.seq // COMMIT_SPAN)
    for row in _paged(connection, tables.audit, query):
        yield AuditRow(*tuple(row))


def _facts(connection: Connection) -> Iterator[StoredFact]:
    streams = [_stored(connection, entry) for entry in _FACTS]
    return heapq.merge(_changes(connection), *streams, key=lambda fact: fact.seq)


def _changes(connection: Connection) -> Iterator[StoredFact]:
    c = tables.history.c
    for row in _paged(connection, tables.history, select(c.seq, c.ts_ms, c.kind, c.key, c.payload)):
        yield StoredFact("history", *tuple(row))


def _stored(connection: Connection, entry: type[_Fact]) -> Iterator[StoredFact]:
    table = TABLE_OF[entry]
    for row in _paged(connection, table, select(*table.columns)):
        seq, *columns, payload = tuple(row)
        try:
            found = decode_as(entry, payload)
        except JournalCorrupt as error:
            yield StoredFact(table.name, seq, 0, "", str(columns[0]), payload, str(error))
            continue
        key, ts_ms = identity(found)
        doubt = "" if columns_of(found) == tuple(columns) else f"a column of the {kind_of(found)} was changed"
        yield StoredFact(table.name, seq, ts_ms, kind_of(found), key, payload, doubt)


def _told_before(connection: Connection, row: AuditRow) -> bool:
    if row.kind == "run":
        query = select(tables.runs.c.seq).where(tables.runs.c.run_id == row.key)
    else:
        venue, _, trade_id = row.key.partition("/")
        query = select(tables.fills.c.seq).where(tables.fills.c.venue == venue, tables.fills.c.trade_id == trade_id)
    seq = connection.scalar(query)
    return seq is not None and seq < row.seq


def _state_fault(connection: Connection, entry: type[Order | SignalRecord], kind: str) -> Fault | None:
    """The first order (signal) that is not as its history left it."""
    table, h, a = TABLE_OF[entry], tables.history.c, tables.audit.c
    identifier = table.columns[1]
    changes = and_(h.key == identifier, h.kind == kind)
    first, last = (
        select(pick(h.seq)).where(changes).correlate(table).scalar_subquery() for pick in (func.min, func.max)
    )
    query = select(*table.columns, first, a.state_hash).outerjoin_from(table, tables.audit, a.seq == last)
    for row in _paged(connection, table, query):
        seq, *columns, payload, began, state_hash = tuple(row)
        what = ""
        if state_hash is None:
            what = f"this {kind} has no history"
        elif hashed(payload) != state_hash:
            what = f"the {kind}'s payload was changed"
        elif seq != began or not _agrees(entry, payload, columns):
            what = f"a column of the {kind} was changed"
        if what:
            return Fault(table.name, seq, str(columns[0]), what)
    lost = select(h.seq, h.key).where(h.kind == kind, ~exists().where(identifier == h.key)).order_by(h.seq).limit(1)
    gone = connection.execute(lost).first()
    return Fault(table.name, gone.seq, gone.key, f"the {kind} is gone, but its history is there") if gone else None


def _agrees(entry: type[Order | SignalRecord], payload: str, columns: list[Any]) -> bool:
    return columns_of(decode_as(entry, payload)) == tuple(columns)
