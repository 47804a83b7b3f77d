"""The first tables"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table("candles",
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("ts_ms", BIG, autoincrement=False, nullable=False),
        sa.Column("open", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("close", sa.Double(), nullable=False),
        sa.Column("volume", sa.Double(), nullable=False),
        sa.Column("interval_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("symbol", "ts_ms"),
        sqlite_with_rowid=False
    )
    op.create_table("commits",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("commit_id", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("recorded_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("after"),
        sa.UniqueConstraint("commit_id")
    )
    op.create_table("controls",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("ts_ms", BIG, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq")
    )
    op.create_table("decisions",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("ts_ms", BIG, nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("decision_id")
    )
    op.create_index("ix_decisions_outcome", "decisions", ["outcome", "seq"], unique=False)
    op.create_index("ix_decisions_symbol", "decisions", ["symbol", "seq"], unique=False)
    op.create_table("equity",
        sa.Column("ts_ms", BIG, autoincrement=False, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ts_ms")
    )
    op.create_table("fills",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("venue", sa.String(), nullable=False),
        sa.Column("trade_id", sa.String(), nullable=False),
        sa.Column("client_order_id", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("ts_ms", BIG, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq")
    )
    op.create_index("ix_fills_order", "fills", ["client_order_id", "seq"], unique=False)
    op.create_index("ix_fills_symbol", "fills", ["symbol", "seq"], unique=False)
    op.create_index("uq_fills_trade", "fills", ["venue", "trade_id"], unique=True)
    op.create_table("history",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("ts_ms", BIG, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq")
    )
    op.create_index("ix_history_key", "history", ["key", "seq"], unique=False)
    op.create_table("inbox",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("signal_id", sa.String(), nullable=False),
        sa.Column("dedupe_key", sa.String(), nullable=False),
        sa.Column("stored_ms", BIG, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("signal_id")
    )
    op.create_index("ix_inbox_key", "inbox", ["dedupe_key", "seq"], unique=False)
    op.create_table("orders",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("client_order_id", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("ts_ms", BIG, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("client_order_id")
    )
    op.create_index("ix_orders_status", "orders", ["status", "seq"], unique=False)
    op.create_index("ix_orders_symbol", "orders", ["symbol", "seq"], unique=False)
    op.create_table("runs",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("ts_ms", BIG, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("run_id")
    )
    op.create_table("signals",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("signal_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("ts_ms", BIG, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("signal_id")
    )
    op.create_table("snapshots",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("commit_id", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["commit_id"], ["commits.commit_id"]),
        sa.PrimaryKeyConstraint("owner")
    )
