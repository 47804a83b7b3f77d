"""The tables. Each fact is stored once, in the table that answers for it; `history` keeps what orders and signals were.

`seq` is where a row was written: the commit's seq times COMMIT_SPAN, plus its place in the commit. It sorts rows as the
chain does, never changes, and is what pages are cut by. Appended to and never changed: commits, history, candles,
decisions, fills, charges, controls, runs, notes (AuditRecords), audit (`journal.audit`, a row under the seq of the fact
that it speaks of), inbox. Moved in the commit that says so: orders, signals, equity (the last word of an instant),
snapshots. Moved by itself: leases. Payloads are the JSON of `journal.codec`.

The inbox's table is part of the one schema: on PostgreSQL all lie together, on SQLite the inbox has a file of its own.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

COMMIT_SPAN = 1_000_000
"""How many rows of one table a commit can hold."""

metadata = MetaData()
_Big = BigInteger().with_variant(Integer, "sqlite")


def _seq() -> Column[int]:
    return Column("seq", _Big, primary_key=True, autoincrement=False)


def _ms(name: str = "ts_ms") -> Column[int]:
    return Column(name, _Big, nullable=False)


def _word(name: str) -> Column[str]:
    return Column(name, String, nullable=False)


def _payload() -> Column[str]:
    return Column("payload", Text, nullable=False)


commits = Table(
    "commits",
    metadata,
    _seq(),
    Column("commit_id", String, nullable=False, unique=True),
    Column("after", String, nullable=False, unique=True),  # a chain: no two commits build on the same one
    _ms("recorded_ms"),
)
history = Table(
    "history",
    metadata,
    _seq(),
    _word("kind"),
    _word("key"),
    _ms(),
    _payload(),
    Index("ix_history_key", "key", "seq"),
)
candles = Table(
    "candles",
    metadata,
    Column("symbol", String, primary_key=True),
    Column("ts_ms", _Big, primary_key=True, autoincrement=False),
    *(Column(name, Double, nullable=False) for name in ("open", "high", "low", "close", "volume")),
    _ms("interval_ms"),
    sqlite_with_rowid=False,
)
decisions = Table(
    "decisions",
    metadata,
    _seq(),
    Column("decision_id", String, nullable=False, unique=True),
    _word("symbol"),
    _ms(),
    _word("outcome"),
    _payload(),
    Index("ix_decisions_symbol", "symbol", "seq"),
    Index("ix_decisions_outcome", "outcome", "seq"),
)
orders = Table(
    "orders",
    metadata,
    _seq(),
    Column("client_order_id", String, nullable=False, unique=True),
    _word("symbol"),
    _word("status"),
    _ms(),
    _payload(),
    Index("ix_orders_symbol", "symbol", "seq"),
    Index("ix_orders_status", "status", "seq"),
)
fills = Table(
    "fills",
    metadata,
    _seq(),
    _word("venue"),
    _word("trade_id"),
    _word("client_order_id"),
    _word("symbol"),
    _ms(),
    _payload(),
    Index("uq_fills_trade", "venue", "trade_id", unique=True),
    Index("ix_fills_order", "client_order_id", "seq"),
    Index("ix_fills_symbol", "symbol", "seq"),
)
charges = Table("charges", metadata, _seq(), _word("venue"), _word("charge_id"), _word("symbol"), _ms(), _payload())
equity = Table(
    "equity",
    metadata,
    Column("ts_ms", _Big, primary_key=True, autoincrement=False),
    _payload(),
)
signals = Table(
    "signals",
    metadata,
    _seq(),
    Column("signal_id", String, nullable=False, unique=True),
    _word("status"),
    _ms(),
    _payload(),
)
controls = Table("controls", metadata, _seq(), _ms(), _payload())
runs = Table("runs", metadata, _seq(), Column("run_id", String, nullable=False, unique=True), _ms(), _payload())
snapshots = Table(
    "snapshots",
    metadata,
    Column("owner", String, primary_key=True),
    Column("commit_id", String, ForeignKey("commits.commit_id"), nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
notes = Table("notes", metadata, _seq(), _ms(), _payload())
audit = Table(
    "audit",
    metadata,
    _seq(),
    _ms(),
    _word("kind"),
    _word("key"),
    _word("payload_hash"),
    _word("state_hash"),
    _word("hash"),
)
leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    _word("holder"),
    Column("epoch", _Big, nullable=False),
    _ms("until_ms"),
)
inbox = Table(
    "inbox",
    metadata,
    _seq(),
    Column("signal_id", String, nullable=False, unique=True),
    _word("dedupe_key"),
    _ms("stored_ms"),
    _payload(),
    Index("ix_inbox_key", "dedupe_key", "seq"),
)
