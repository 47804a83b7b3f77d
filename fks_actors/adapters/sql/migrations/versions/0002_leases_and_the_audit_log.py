"""Leases and the audit log

What was there before is logged as it stands now, row by row, and an AuditRecord `anchored` says how much: from then on
a change of it shows like a change of anything later.
"""

import heapq
import json
import operator
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from fks_actors.journal.audit import START, AuditRow, hashed, link
from fks_actors.journal.codec import encode
from fks_actors.model.records import AuditRecord

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PAGE = 2_000
COMMIT_SPAN = 1_000_000
STATE = """(SELECT o.payload FROM orders o WHERE f.kind = 'order' AND o.client_order_id = f.key
    UNION ALL SELECT s.payload FROM signals s WHERE f.kind = 'signal' AND s.signal_id = f.key)"""
LAST = "(SELECT max(h.seq) FROM history h WHERE h.key = f.key AND h.kind = f.kind)"
SOURCES = {
    # table: kind, key, the state that an order or a signal moved to, where it is known: after its last change
    "history": ("f.kind", "f.key", f"CASE WHEN f.seq = {LAST} THEN {STATE} END"),
    "fills": ("'fill'", "f.venue || '/' || f.trade_id", "NULL"),
    "controls": ("'control'", "''", "NULL"),
    "runs": ("'run'", "f.run_id", "NULL"),
}
COLUMNS = "seq, ts_ms, kind, key, payload_hash, state_hash, hash"


def upgrade() -> None:
    op.create_table("audit",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("ts_ms", BIG, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("payload_hash", sa.String(), nullable=False),
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq")
    )
    op.create_table("leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("until_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name")
    )
    op.create_table("notes",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("ts_ms", BIG, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq")
    )
    _anchor(op.get_bind())


def downgrade() -> None:
    for name in ("notes", "leases", "audit"):
        op.drop_table(name)


def _anchor(connection: sa.Connection) -> None:
    last = connection.execute(
        sa.text("SELECT seq, commit_id, recorded_ms FROM commits ORDER BY seq DESC LIMIT 1")
    ).first()
    if last is None:
        return
    head, logged = START, 0
    waiting: list[dict[str, object]] = []
    for seq, ts_ms, commit_id, kind, key, payload, state in heapq.merge(
        *(_pages(connection, table) for table in SOURCES), key=operator.itemgetter(0)
    ):
        if kind == "control":
            key = json.loads(payload)[1]["state"]
        state_hash = "" if state is None else hashed(state)
        row = AuditRow(seq, ts_ms, kind, key, hashed(payload), state_hash, commit_id, "")
        head = _append(connection, waiting, head, row)
        logged += 1
    detail = f"{logged} rows up to commit {last.commit_id} were logged when the journal was brought up"
    note = encode(AuditRecord(last.recorded_ms, "anchored", "journal", detail, max(logged, 1))).decode()
    seq = last.seq * COMMIT_SPAN + COMMIT_SPAN - 1
    connection.execute(
        sa.text("INSERT INTO notes (seq, ts_ms, payload) VALUES (:seq, :ts_ms, :payload)"),
        {"seq": seq, "ts_ms": last.recorded_ms, "payload": note},
    )
    row = AuditRow(seq, last.recorded_ms, "audit", "anchored", hashed(note), "", last.commit_id)
    _append(connection, waiting, head, row)
    _flush(connection, waiting)


def _pages(connection: sa.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    kind, key, state = SOURCES[table]
    query = sa.text(f"""SELECT f.seq, f.ts_ms, c.commit_id, {kind}, {key}, f.payload, {state}
        FROM {table} f JOIN commits c ON c.seq = f.seq / {COMMIT_SPAN}
        WHERE f.seq > :after ORDER BY f.seq LIMIT {PAGE}""")
    after = -1
    while True:
        page = connection.execute(query, {"after": after}).all()
        yield from (tuple(row) for row in page)
        if len(page) < PAGE:
            return
        after = page[-1][0]


def _append(connection: sa.Connection, waiting: list[dict[str, object]], head: str, row: AuditRow) -> str:
    own = link(head, row)
    values = (row.seq, row.ts_ms, row.kind, row.key, row.payload_hash, row.state_hash, own)
    waiting.append(dict(zip(COLUMNS.split(", "), values, strict=True)))
    if len(waiting) == PAGE:
        _flush(connection, waiting)
    return own


def _flush(connection: sa.Connection, waiting: list[dict[str, object]]) -> None:
    if waiting:
        values = ", ".join(f":{name}" for name in COLUMNS.split(", "))
        connection.execute(sa.text(f"INSERT INTO audit ({COLUMNS}) VALUES ({values})"), waiting)
        waiting.clear()
