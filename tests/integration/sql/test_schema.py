"""New tables and migrated tables are the same tables."""

import subprocess
import sys
from collections.abc import Callable

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from fks_actors.adapters.sql import SqlJournal, open_reader
from fks_actors.adapters.sql.schema import _MIGRATIONS, HEAD, VERSION_TABLE, upgrade
from fks_actors.adapters.sql.store import Store
from fks_actors.adapters.sql.tables import metadata
from tests.journal_scene import step

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


def test_head_when_compared_with_the_migrations_then_it_is_their_last() -> None:
    assert ScriptDirectory(str(_MIGRATIONS)).get_current_head() == HEAD


def test_open_when_the_tables_are_new_then_alembic_is_not_imported(url: str) -> None:
    program = (
        "import sys; from fks_actors.adapters.sql import SqlJournal; SqlJournal(sys.argv[1], lambda: 0).close();"
        "SqlJournal(sys.argv[1], lambda: 0).close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, url]).returncode == 0
