"""Reading a journal as the chain that it is: commit after commit, each with what it wrote.

A part of the chain at a time, each in a transaction of its own, so that a desk which writes meanwhile is never in the
way of, nor held up by, somebody who reads for hours. Nothing can be written through it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, func, select

from fks_actors.adapters.sql import tables
from fks_actors.adapters.sql.reader import SqlReader
from fks_actors.adapters.sql.schema import open_written
from fks_actors.adapters.sql.tables import COMMIT_SPAN
from fks_actors.errors import JournalCorrupt
from fks_actors.journal.codec import decode_as, decode_change
from fks_actors.journal.recorded import Bars, RecordedCommit, Told, bars_of, symbols_digest
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.orders import Fill, Order
from fks_actors.model.records import ControlRecord, CycleRecord, EquityPoint, RunRecord, SignalRecord

_BUSY_MS = 5_000
_PART = 512
_WHOLE: tuple[tuple[Table, type], ...] = (
    (tables.decisions, CycleRecord),
    (tables.fills, Fill),
    (tables.controls, ControlRecord),
    (tables.runs, RunRecord),
)
_MOVING: tuple[tuple[str, Table, str, type], ...] = (
    ("order", tables.orders, "client_order_id", Order),
    ("signal", tables.signals, "signal_id", SignalRecord),
)


@dataclass(frozen=True, slots=True)
class Decided:
    """Decisions of a span: how many, and the seqs of the first's and the last's commit."""

    count: int
    first_seq: int
    last_seq: int


class SqlChain(SqlReader):
    """A journal's commits in their order, beside what SqlReader reads; every method raises as SqlReader's do."""

    def decided(self, since_ms: int | None, until_ms: int | None) -> Decided:
        """The decisions on bars that opened from `since_ms` to before `until_ms` (None: no bound)."""
        c = tables.decisions.c
        query = select(func.count(), func.min(c.seq), func.max(c.seq))
        query = query.where(*(() if since_ms is None else (c.ts_ms >= since_ms,)))
        query = query.where(*(() if until_ms is None else (c.ts_ms < until_ms,)))
        with self._store.reading() as connection:
            count, first, last = connection.execute(query).one()
        return Decided(count, (first or 0) // COMMIT_SPAN, (last or 0) // COMMIT_SPAN)

    def place(self, decision_id: str) -> int | None:
        """The seq of the decision's commit."""
        c = tables.decisions.c
        with self._store.reading() as connection:
            seq: int | None = connection.scalar(select(c.seq).where(c.decision_id == decision_id))
        return None if seq is None else seq // COMMIT_SPAN

    def decided_ms(self) -> tuple[int, int] | None:
        """Open times of the first and the last bar that was decided on."""
        c = tables.decisions.c
        with self._store.reading() as connection:
            first, last = connection.execute(select(func.min(c.ts_ms), func.max(c.ts_ms))).one()
        return None if first is None else (first, last)

    def points(self, since_ms: int, until_ms: int) -> dict[int, EquityPoint]:
        """The last word on the account at each instant from `since_ms` to `until_ms`, both included."""
        c = tables.equity.c
        query = select(c.payload).where(c.ts_ms.between(since_ms, until_ms))
        with self._store.reading() as connection:
            found = [decode_as(EquityPoint, payload) for payload in connection.scalars(query)]
        return {point.ts_ms: point for point in found}

    def commits(self, last_seq: int) -> Iterator[RecordedCommit]:
        """Every commit from the first to the one of `last_seq`, oldest first.

        Raises:
            JournalCorrupt: a commit's bars or decisions are not there.
        """
        taken: dict[str, int] = {}
        with self._store.reading() as connection:
            runs = connection.scalars(select(tables.runs.c.payload)).all()
        symbols = tuple(dict.fromkeys(s for payload in runs for s in decode_as(RunRecord, payload).symbols))
        for start in range(1, last_seq + 1, _PART):
            with self._store.reading() as connection:
                part = list(_part(connection, start, min(start + _PART - 1, last_seq), symbols, taken))
            yield from part


def open_chain(url: str) -> SqlChain:
    """A journal that another process writes, or wrote, opened to be read.

    Raises:
        ConfigError: the URL names no database that can hold a journal.
        JournalUnavailable: the journal is not there yet, or cannot be reached.
        JournalError: it was written by a newer FKS.
    """
    return SqlChain(open_written(url, _BUSY_MS))


def _part(
    connection: Connection, first: int, last: int, symbols: tuple[str, ...], taken: dict[str, int]
) -> Iterator[RecordedCommit]:
    """The commits of the seqs from `first` to `last`. `taken`: the last bar of each symbol so far, moved along."""
    c = tables.commits.c
    query = select(c.seq, c.commit_id, c.recorded_ms).where(c.seq.between(first, last)).order_by(c.seq)
    commits = connection.execute(query).all()
    entries = _entries(connection, first, last)
    spans = {row.seq: bars for row in commits if (bars := bars_of(row.commit_id)) is not None}
    known = _candles(connection, spans.values(), symbols)
    for row in commits:
        told = [entry for _, entry in sorted(entries.get(row.seq, ()), key=lambda each: each[0])]
        bars = spans.get(row.seq)
        batches = () if bars is None else _batches(connection, bars, told, known, symbols, taken)
        yield RecordedCommit(row.seq, row.commit_id, row.recorded_ms, batches, tuple(told))


def _entries(connection: Connection, first: int, last: int) -> dict[int, list[tuple[int, Told]]]:
    found: dict[int, list[tuple[int, Told]]] = {}
    low, high = first * COMMIT_SPAN, (last + 1) * COMMIT_SPAN
    for table, kind in _WHOLE:
        query = select(table.c.seq, table.c.payload).where(table.c.seq >= low, table.c.seq < high)
        for seq, payload in connection.execute(query):
            found.setdefault(seq // COMMIT_SPAN, []).append((seq, decode_as(kind, payload)))
    h = tables.history.c
    for kind_name, table, key, kind in _MOVING:
        joined = tables.history.join(table, and_(h.kind == kind_name, table.c[key] == h.key))
        moved = select(h.seq, h.payload.label("change"), table.c.payload).select_from(joined)
        for seq, change, payload in connection.execute(moved.where(h.seq >= low, h.seq < high)):
            entry = decode_change(decode_as(kind, payload), change)
            found.setdefault(seq // COMMIT_SPAN, []).append((seq, entry))
    return found


Known = Mapping[int, Mapping[str, Row[Any]]]
"""Candles by their open and their symbol."""


def _candles(connection: Connection, spans: Any, symbols: tuple[str, ...]) -> Known:
    """The candles of bars that were decided on; a history's are fetched by themselves, for they may lie anywhere."""
    times = [bars.first_ms for bars in spans if bars.decided]
    return _between(connection, symbols, min(times), max(times)) if times else {}


def _between(connection: Connection, symbols: tuple[str, ...], low: int, high: int) -> Known:
    found: dict[int, dict[str, Row[Any]]] = {}
    c = tables.candles.c
    for symbol in symbols:
        for row in connection.execute(select(tables.candles).where(c.symbol == symbol, c.ts_ms.between(low, high))):
            found.setdefault(row.ts_ms, {})[row.symbol] = row
    return found


def _batches(
    connection: Connection, bars: Bars, told: list[Told], known: Known, symbols: tuple[str, ...], taken: dict[str, int]
) -> tuple[BarBatch, ...]:
    if bars.decided:
        names = tuple(entry.symbol for entry in told if isinstance(entry, CycleRecord))
        rows = known.get(bars.first_ms, {})
        if not names or not all(name in rows for name in names):
            raise JournalCorrupt(f"the bars or the decisions of {bars.first_ms} are not in the journal")
        taken.update(dict.fromkeys(names, bars.first_ms))
        return (_batch(bars, bars.first_ms, [rows[name] for name in names]),)
    return tuple(_learnt(connection, bars, symbols, taken))


def _learnt(connection: Connection, bars: Bars, symbols: tuple[str, ...], taken: dict[str, int]) -> Iterator[BarBatch]:
    """The bars of a history: those of its time that were neither taken before nor decided on."""
    d = tables.decisions.c
    query = select(d.symbol, d.ts_ms).where(d.ts_ms.between(bars.first_ms, bars.last_ms))
    decided = {(row.symbol, row.ts_ms) for row in connection.execute(query)}
    rows = _between(connection, symbols, bars.first_ms, bars.last_ms)
    for ts_ms in sorted(rows):
        new = [
            rows[ts_ms][s]
            for s in symbols
            if s in rows[ts_ms] and taken.get(s, -1) < ts_ms and (s, ts_ms) not in decided
        ]
        if ts_ms == bars.first_ms:
            new = _named(new, bars.digest)
        if new:
            taken.update({row.symbol: ts_ms for row in new})
            yield _batch(bars, ts_ms, new)


def _named(rows: list[Row[Any]], digest: str) -> list[Row[Any]]:
    """Those among the rows that the commit's name means: bars of one instant may have come one after the other."""
    for size in range(len(rows), 0, -1):
        for some in combinations(rows, size):
            if symbols_digest(tuple([row.symbol for row in some])) == digest:
                return list(some)
    return rows


def _batch(bars: Bars, ts_ms: int, rows: list[Row[Any]]) -> BarBatch:
    candles = tuple(Candle(r.symbol, r.ts_ms, r.open, r.high, r.low, r.close, r.volume) for r in rows)
    return BarBatch(ts_ms, bars.interval_ms, candles)
