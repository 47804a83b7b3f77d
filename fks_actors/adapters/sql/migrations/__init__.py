"""Alembic's steps between versions of the tables; `schema.upgrade` runs them."""
