"""New tables and migrated tables are the same tables."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from fks_actors.adapters.sql import SqlJournal, open_reader
from fks_actors.adapters.sql.schema import _MIGRATIONS, HEAD, VERSION_TABLE, downgrade, upgrade
from fks_actors.adapters.sql.store import Store
from fks_actors.adapters.sql.tables import metadata
from fks_actors.errors import JournalUnavailable
from fks_actors.journal.audit import Fault, Verified
from fks_actors.model.orders import OrderStatus
from tests.journal_scene import START_MS, fill, note, only, order, step

Shape = dict[str, object]


def _shape(store: Store) -> Shape:
    """Every table with its columns, keys and indexes."""
    found: Shape = {}
    with store.reading() as connection:
        tables = sa.inspect(connection)
        for name in tables.get_table_names():
            found[name] = (
                [(c["name"], str(c["type"]), c["nullable"]) for c in tables.get_columns(name)],
                tables.get_pk_constraint(name)["constrained_columns"],
                sorted(tuple(u["column_names"]) for u in tables.get_unique_constraints(name)),
                sorted((str(i["name"]), tuple(i["column_names"]), bool(i["unique"])) for i in tables.get_indexes(name)),
                [tuple(f["constrained_columns"]) for f in tables.get_foreign_keys(name)],
                tables.get_table_options(name),
            )
    return found


def test_migrations_when_run_from_nothing_then_the_tables_are_those_of_a_new_journal(
    url: str, opened: Callable[[str], SqlJournal]
) -> None:
    store = Store(url, 5_000)
    with store.writing() as connection:
        upgrade(connection)
    migrated = _shape(store)
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
    with store.writing() as connection:
        connection.execute(sa.text(f"DROP TABLE {VERSION_TABLE}"))
        metadata.drop_all(connection)
    opened(url)
    assert _shape(store) == migrated
    store.close()


def test_open_when_a_migration_is_missing_then_it_is_run_and_the_journal_works(
    url: str, opened: Callable[[str], SqlJournal]
) -> None:
    store = Store(url, 5_000)
    with store.writing() as connection:
        connection.execute(sa.text(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    store.close()
    assert opened(url).commit((step(0),)) == "bar-0"
    reader = open_reader(url)
    assert reader.head() == "bar-0"
    reader.close()


OLD_ORDER = (
    '["order",{"intent":{"client_order_id":"o","origin":"cycle","origin_id":"x","venue":"paper","symbol":"BTC/USDT",'
    '"side":"buy","order_type":"limit","quantity":"0.50","market_price":"100.10","ts_ms":5,"limit_price":"100.00",'
    '"stop_price":null},"status":"submitted","updated_ms":5,"reserved_quote":"50.10","filled_quantity":"0",'
    '"average_price":"0","fee":"0","reason":""}]'
)
OLD_CHANGE = (
    '{"status":"submitted","updated_ms":5,"reserved_quote":"50.10","filled_quantity":"0","average_price":"0","fee":"0",'
    '"reason":""}'
)
OLD_FILL = (
    '["fill",{"trade_id":"t","client_order_id":"o","venue":"paper","symbol":"BTC/USDT","side":"buy","price":"100.10",'
    '"quantity":"0.5","fee":"0.0501","liquidity":"taker","ts_ms":6}]'
)
OLD_CONTROL = '["control",{"ts_ms":7,"state":"halted","by":"operator","reason":"why"}]'
OLD_RUN = (
    '["run",{"run_id":"r","ts_ms":4,"feed":"replay","simulated":false,"symbols":["BTC/USDT"],"interval_ms":60000,'
    '"cash":"10000","version":"0.1.0","feed_start_ms":0,"seed":0,"note":""}]'
)
OLD_ROWS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("commits", (1, "a", "", 8)),
    ("commits", (2, "b", "a", 9)),
    ("runs", (1_000_001, "r", 4, OLD_RUN)),
    ("history", (1_000_002, "order", "o", 5, OLD_CHANGE)),
    ("history", (2_000_001, "order", "o", 5, OLD_CHANGE)),
    ("orders", (1_000_002, "o", "BTC/USDT", "submitted", 5, OLD_ORDER)),
    ("fills", (2_000_002, "paper", "t", "o", "BTC/USDT", 6, OLD_FILL)),
    ("controls", (2_000_003, 7, OLD_CONTROL)),
)


@pytest.fixture
def old(url: str) -> Iterator[Store]:
    """A journal as the first release left it."""
    store = Store(url, 5_000)
    mark = "?" if store.dialect_name == "sqlite" else "%s"
    with store.writing() as connection:
        upgrade(connection, "0001")
        for table, row in OLD_ROWS:
            marks = ", ".join([mark] * len(row))
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608
    yield store
    store.close()


def test_open_when_the_journal_is_of_the_first_release_then_it_is_logged_as_it_stands_and_goes_on(
    url: str, old: Store, opened: Callable[[str], SqlJournal]
) -> None:
    with pytest.raises(JournalUnavailable, match="older FKS"):
        open_reader(url)
    journal = opened(url)
    found = journal.verify()
    counts = {"commits": 2, "logged": 6, "run": 1, "order": 2, "fill": 1, "control": 1, "audit": 1}
    assert isinstance(found, Verified), found
    assert found.counts == counts
    assert [(n.kind, n.ts_ms, n.count) for n in journal.audit(5)] == [("anchored", 9, 5)]
    assert journal.order("o") is not None
    assert journal.trade_ids(["o"]) == {("paper", "t")}
    filled = order("o", OrderStatus.FILLED, updated_ms=START_MS)
    journal.commit((only("c", "b", filled, fill("t", "o"), fill("u", "o"), note("lease_taken")),))
    later = journal.verify(found.head)
    assert isinstance(later, Verified), later
    assert later.counts == counts | {"commits": 3, "logged": 10, "order": 3, "fill": 3, "audit": 2}


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE fills SET payload = replace(payload, '0.5', '5.5')", "fills"),
        ("UPDATE orders SET payload = replace(payload, '0.50', '5.50')", "orders"),
        ("UPDATE history SET payload = '{}' WHERE seq = 1000002", "history"),
        ("DELETE FROM controls", "audit"),
        ("UPDATE runs SET payload = replace(payload, '10000', '1')", "runs"),
        ("UPDATE notes SET payload = replace(payload, '5 rows', '4 rows')", "notes"),
    ],
)
def test_verify_when_a_row_from_before_the_log_was_changed_then_it_shows(
    url: str, old: Store, opened: Callable[[str], SqlJournal], statement: str, table: str
) -> None:
    journal = opened(url)
    with old.writing() as connection:
        connection.exec_driver_sql(statement)
    fault = journal.verify()
    assert isinstance(fault, Fault)
    assert fault.table == table


def test_downgrade_when_run_then_the_first_tables_are_back_and_an_upgrade_leads_to_the_same_log(
    url: str, old: Store, opened: Callable[[str], SqlJournal]
) -> None:
    before = _shape(old)
    opened(url).leases.acquire("desk", "a", 1, 1)
    logged = opened(url).verify()
    after = _shape(old)
    with old.writing() as connection:
        downgrade(connection, "0001")
    assert _shape(old) == before
    assert set(after) - set(before) == {"audit", "charges", "leases", "notes"}
    again = opened(url)
    assert _shape(old) == after
    assert again.verify() == logged


def test_head_when_compared_with_the_migrations_then_it_is_their_last() -> None:
    assert ScriptDirectory(str(_MIGRATIONS)).get_current_head() == HEAD


def test_open_when_the_tables_are_new_then_alembic_is_not_imported(url: str) -> None:
    program = (
        "import sys; from fks_actors.adapters.sql import SqlJournal; SqlJournal(sys.argv[1], lambda: 0).close();"
        "SqlJournal(sys.argv[1], lambda: 0).close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, url]).returncode == 0
