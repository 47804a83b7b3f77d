"""The desk's course, read from its journal by another process (`journal.course.Course`): short reads, never a write.

A decision is written in the same commit as its bar, so the decisions tell which bars were traded, together and in what
order; bars without one were only learnt. A signal stands where it was first written down.
"""

from bisect import bisect_left
from decimal import Decimal
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, select

from fks_actors.adapters.sql import tables
from fks_actors.adapters.sql.reader import SqlReader
from fks_actors.adapters.sql.schema import open_written
from fks_actors.adapters.sql.store import Store
from fks_actors.adapters.sql.tables import COMMIT_SPAN
from fks_actors.journal.codec import decode_as
from fks_actors.journal.course import Heard, Taken, Traded, merged_bars
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.records import EquityPoint, RunRecord, SignalRecord

_BUSY_MS = 5_000

Decided = Row[Any, Any, Any]
"""seq, symbol and open time (ms) of a decision."""
Bars = dict[str, dict[int, tuple[Candle, int]]]
"""By symbol and open time, each with its length (ms)."""
Points = tuple[list[int], list[Decimal]]
"""Instants (UTC ms), ascending, and the desk's equity then."""


class SqlCourse(SqlReader):
    """Implements journal.course.Course. Not safe for several threads at once: it remembers how far it read."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._seq = 0
        self._seen: dict[str, int] = {}
        self._since_ms: int | None = None

    def run_at(self, run_id: str = "") -> tuple[int, RunRecord] | None:
        """The place of a run's begin (the newest's where none is named) and its record; None where there is none."""
        c = tables.runs.c
        query = select(c.seq, c.payload).order_by(c.seq.desc()).limit(1)
        with self._store.reading() as connection:
            row = connection.execute(query.where(c.run_id == run_id) if run_id else query).first()
        return (row.seq, decode_as(RunRecord, row.payload)) if row else None

    def start(self, after_seq: int) -> None:
        """Follow from behind a place on."""
        self._seq, self._seen, self._since_ms = after_seq, {}, None

    def next(self, limit: int) -> list[Taken]:
        """What follows, oldest first: the decisions on about `limit` bars and all signals between; moves on."""
        with self._store.reading() as connection:
            decided, is_last = _decided(connection, self._seq, limit)
            last_seq = decided[-1].seq if decided else self._seq
            signals = connection.execute(_signals(self._seq, None if is_last else last_seq)).all()
            if decided and self._since_ms is None:
                self._since_ms = decided[0].ts_ms
            bars = self._bars(connection, decided)
            points = _points(connection, _closes(decided, bars))
        traded = [self._traded(list(rows), bars, points) for _, rows in groupby(decided, _commit)]
        heard = [Heard(row.seq, decode_as(SignalRecord, row.payload).signal, row.ts_ms) for row in signals]
        found: list[Taken] = sorted([*traded, *heard], key=lambda taken: taken.seq)
        if found:
            self._seq = max(last_seq, found[-1].seq)
        return found

    def equity_before(self, ts_ms: int) -> Decimal | None:
        """The desk's last equity before an instant (UTC ms), None where there is none."""
        c = tables.equity.c
        point = self._one(EquityPoint, select(c.payload).where(c.ts_ms < ts_ms).order_by(c.ts_ms.desc()).limit(1))
        return point.equity if point else None

    def _traded(self, rows: list[Decided], bars: Bars, points: Points) -> Traded:
        """One commit's batch, and what was learnt of its symbols before it."""
        ts_ms = rows[0].ts_ms
        taken: list[Candle] = []
        learnt: list[Candle] = []
        interval_ms = bars[rows[0].symbol][ts_ms][1]
        for row in rows:
            known = bars[row.symbol]
            after = self._seen.get(row.symbol, -1)
            learnt += [known[t][0] for t in sorted(known) if after < t < ts_ms]
            taken.append(known[ts_ms][0])
            self._seen[row.symbol] = ts_ms
        batch = BarBatch(ts_ms, interval_ms, tuple(taken))
        at = bisect_left(points[0], batch.close_ms)
        return Traded(rows[-1].seq, batch, merged_bars(learnt, interval_ms), points[1][at - 1] if at else None)

    def _bars(self, connection: Connection, decided: list[Decided]) -> Bars:
        """The bars of a page of decisions, and those that were learnt between."""
        c = tables.candles.c
        found: Bars = {}
        for symbol in dict.fromkeys(row.symbol for row in decided):
            last_ms = max(row.ts_ms for row in decided if row.symbol == symbol)
            first = c.ts_ms > self._seen[symbol] if symbol in self._seen else c.ts_ms >= self._since_ms
            query = select(c.symbol, c.ts_ms, c.open, c.high, c.low, c.close, c.volume, c.interval_ms)
            query = query.where(c.symbol == symbol, first, c.ts_ms <= last_ms)
            found[symbol] = {row.ts_ms: (Candle(*row[:-1]), row.interval_ms) for row in connection.execute(query)}
        return found


def open_course(url: str) -> SqlCourse:
    """A journal that another process writes, opened to be followed.

    Raises:
        ConfigError: the URL names no database that can hold a journal.
        JournalUnavailable: the journal is not there yet, or cannot be reached.
        JournalError: it was written by a newer FKS.
    """
    return SqlCourse(open_written(url, _BUSY_MS))


def _commit(row: Decided) -> int:
    return int(row.seq) // COMMIT_SPAN


def _decided(connection: Connection, after: int, limit: int) -> tuple[list[Decided], bool]:
    """Whole commits of decisions, and whether they are the last."""
    c = tables.decisions.c
    query = select(c.seq, c.symbol, c.ts_ms).where(c.seq > after).order_by(c.seq)
    rows = list(connection.execute(query.limit(limit)))
    if len(rows) < limit:
        return rows, True
    end = (_commit(rows[-1]) + 1) * COMMIT_SPAN
    return rows + list(connection.execute(query.where(c.seq > rows[-1].seq, c.seq < end))), False


def _signals(after: int, until: int | None) -> Select[tuple[int, str, int]]:
    c, h = tables.signals.c, tables.history.c
    first = and_(h.seq == c.seq, h.kind == "signal")
    query = select(c.seq, c.payload, h.ts_ms).join(tables.history, first).where(c.seq > after).order_by(c.seq)
    return query if until is None else query.where(c.seq <= until)


def _closes(decided: list[Decided], bars: Bars) -> list[int]:
    return [row.ts_ms + bars[row.symbol][row.ts_ms][1] for row in decided]


def _points(connection: Connection, closes: list[int]) -> Points:
    """The desk's equity from the last point before the first close to the last close."""
    if not closes:
        return [], []
    c = tables.equity.c
    before = select(func.max(c.ts_ms)).where(c.ts_ms < min(closes)).scalar_subquery()
    query = select(c.payload).where(c.ts_ms >= func.coalesce(before, 0), c.ts_ms < max(closes)).order_by(c.ts_ms)
    points = [decode_as(EquityPoint, payload) for payload in connection.scalars(query)]
    return [point.ts_ms for point in points], [point.equity for point in points]
