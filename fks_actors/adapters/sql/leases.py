"""Leases in the journal's database, beside the chain of commits: `journal.lease`'s rules, each in one transaction.

The row is locked before it is read (SQLite's BEGIN IMMEDIATE, PostgreSQL's FOR UPDATE), so of two processes that ask at
once one is granted the lease and the other sees that.
"""

from collections.abc import Callable

from sqlalchemy import Connection, select, text

from fks_actors.adapters.sql.store import Store
from fks_actors.adapters.sql.tables import leases
from fks_actors.journal import lease as rules
from fks_actors.journal.lease import FREE, IsDead, Lease, nobody_is_dead

_FIRST = text(
    "INSERT INTO leases (name, holder, epoch, until_ms) VALUES (:name, '', 0, 0) ON CONFLICT (name) DO NOTHING"
)
_HELD = select(leases.c.holder, leases.c.epoch, leases.c.until_ms)


class SqlLeases:
    """Implements journal.ports.Leases on SQLite or PostgreSQL; safe for many threads and processes.

    Every method raises JournalUnavailable where the database cannot be reached or written, JournalCorrupt where it is
    damaged.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def acquire(
        self, name: str, holder: str, now_ms: int, ttl_ms: int, is_dead: IsDead = nobody_is_dead
    ) -> Lease | None:
        """Take the lease where the rules allow it; None where somebody else holds it."""
        return self._move(name, lambda held: rules.acquire(held, holder, now_ms, ttl_ms, is_dead))

    def renew(self, name: str, holder: str, epoch: int, now_ms: int, ttl_ms: int) -> Lease | None:
        """Prolong the lease; None where it is not this grant's any more."""
        return self._move(name, lambda held: rules.renew(held, holder, epoch, now_ms, ttl_ms))

    def release(self, name: str, holder: str, epoch: int) -> bool:
        """Free the lease; False where it was not this grant's any more."""
        return self._move(name, lambda held: rules.release(held, holder, epoch)) is not None

    def held(self, name: str) -> Lease:
        """The lease as it stands, whether it ran out or not."""
        with self._store.reading() as connection:
            row = connection.execute(_HELD.where(leases.c.name == name)).first()
        return Lease(*row) if row else FREE

    def _move(self, name: str, rule: Callable[[Lease], Lease | None]) -> Lease | None:
        with self._store.writing() as connection:
            after = rule(_locked(connection, name))
            if after is not None:
                values = {"holder": after.holder, "epoch": after.epoch, "until_ms": after.until_ms}
                connection.execute(leases.update().where(leases.c.name == name).values(values))
        return after


def _locked(connection: Connection, name: str) -> Lease:
    connection.execute(_FIRST, {"name": name})
    return Lease(*connection.execute(_HELD.where(leases.c.name == name).with_for_update()).one())
