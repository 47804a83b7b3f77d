"""Alembic's entry: run what is missing in the transaction that `schema.upgrade` hands over."""

from alembic import context

from fks_actors.adapters.sql.schema import VERSION_TABLE
from fks_actors.adapters.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
with context.begin_transaction():
    context.run_migrations()
