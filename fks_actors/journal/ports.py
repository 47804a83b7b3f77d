"""The journal as the other rooms need it. Implementations pass `tests/unit/journal` conformance."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from fks_actors.journal.lease import IsDead, Lease, nobody_is_dead
from fks_actors.model.candles import Candle
from fks_actors.model.orders import Fill, Order
from fks_actors.model.records import (
    AuditRecord,
    Commit,
    ControlRecord,
    CycleRecord,
    EquityPoint,
    RunRecord,
    Signal,
    SignalRecord,
    SnapshotAt,
)

GENESIS = ""
"""The head of a journal that holds no commit yet."""


class Journal(Protocol):
    """An append-only chain of commits with one writer.

    Contract:
        - `commit` is atomic and durable when it returns, and idempotent: a commit_id that is already in the chain is
          answered like the first time and changes nothing. Otherwise `after` must be the head, else JournalConflict.
        - Reads see every commit that returned.
        - Storage that refuses (full disk, lost database) raises JournalUnavailable and keeps nothing of the commit.
    """

    def commit(self, commits: Sequence[Commit]) -> str:
        """Append the commits in order in one transaction; return the new head."""
        ...

    def head(self) -> str:
        """The last commit's id, GENESIS where there is none."""
        ...

    def snapshot(self, owner: str) -> SnapshotAt:
        """The last snapshot of `owner`."""
        ...

    def candles(self, symbol: str, before_ms: int | None, limit: int) -> list[Candle]:
        """The last `limit` bars that opened before `before_ms` (None: all), oldest first."""
        ...

    def last_bar_ms(self, symbols: Sequence[str]) -> dict[str, int]:
        """The open time of each symbol's last recorded bar; a symbol without bars is absent."""
        ...

    def open_orders(self) -> list[Order]:
        """Every order whose status is not terminal, oldest first."""
        ...

    def order(self, client_order_id: str) -> Order | None:
        """One order in its present state."""
        ...

    def trade_ids(self, client_order_ids: Iterable[str]) -> frozenset[tuple[str, str]]:
        """(venue, trade id) of every fill that is booked for these orders."""
        ...

    def trades_by_order(self, client_order_ids: Iterable[str]) -> dict[str, frozenset[tuple[str, str]]]:
        """`trade_ids` of each of these orders; one without a fill is absent."""
        ...

    def last_run(self) -> RunRecord | None:
        """The newest start of the desk."""
        ...


class Leases(Protocol):
    """Leases by name, under the rules of `journal.lease`; many processes, not part of the chain of commits.

    Contract: each call is atomic and durable when it returns: of several that ask at once, one is granted the lease.
    """

    def acquire(
        self, name: str, holder: str, now_ms: int, ttl_ms: int, is_dead: IsDead = nobody_is_dead
    ) -> Lease | None:
        """Take the lease where it is free, ran out, is `holder`'s, or its holder is dead; None where it is taken."""
        ...

    def renew(self, name: str, holder: str, epoch: int, now_ms: int, ttl_ms: int) -> Lease | None:
        """Prolong the lease; None where it is not this grant's any more."""
        ...

    def release(self, name: str, holder: str, epoch: int) -> bool:
        """Free the lease; False where it was not this grant's any more."""
        ...

    def held(self, name: str) -> Lease:
        """The lease as it stands, whether it ran out or not."""
        ...


class Inbox(Protocol):
    """Signals between the replica that received them and the desk. Many writers, one reader.

    Contract: `put` is durable when it returns, and insert-if-absent by `dedupe_key`: it returns the signal_id that is
    stored under that key, the given one's or the first one's.
    """

    def put(self, signal: Signal) -> str:
        """Store the signal unless its dedupe key is known within the replay window; return the stored signal's id."""
        ...

    def after(self, cursor: int, limit: int) -> list[tuple[int, Signal]]:
        """Signals stored after `cursor` with their own cursors, oldest first; the first cursor is 0."""
        ...

    def get(self, signal_id: str) -> Signal | None:
        """The stored signal."""
        ...


class JournalReader(Protocol):
    """What the HTTP API and the command line read. Lists are newest first; a `cursor` is opaque, "" is the first page.

    Every list answers (items, next_cursor); next_cursor is "" on the last page. Unknown cursors raise ValueError.
    """

    def decisions(self, cursor: str, limit: int, symbol: str = "", outcome: str = "") -> tuple[list[CycleRecord], str]:
        """Cycle records."""
        ...

    def decision(self, decision_id: str) -> CycleRecord | None:
        """One cycle record."""
        ...

    def orders(self, cursor: str, limit: int, symbol: str = "", status: str = "") -> tuple[list[Order], str]:
        """Orders in their present state."""
        ...

    def order(self, client_order_id: str) -> Order | None:
        """One order in its present state."""
        ...

    def fills(self, cursor: str, limit: int, symbol: str = "", order: str = "") -> tuple[list[Fill], str]:
        """Trades."""
        ...

    def equity(self, since_ms: int, points: int) -> list[EquityPoint]:
        """The equity curve since `since_ms`, oldest first, thinned to at most `points` (first and last are kept)."""
        ...

    def signal(self, signal_id: str) -> SignalRecord | None:
        """What the desk made of a signal so far."""
        ...

    def controls(self, limit: int) -> list[ControlRecord]:
        """The last changes of the trading state."""
        ...

    def audit(self, limit: int) -> list[AuditRecord]:
        """The last audit records, newest first."""
        ...

    def snapshot(self, owner: str) -> SnapshotAt:
        """The last snapshot of `owner` (the account stands in risk's)."""
        ...

    def last_run(self) -> RunRecord | None:
        """The newest start of the desk."""
        ...

    def counts(self) -> dict[str, int]:
        """How many commits, candles, decisions, orders, fills and signals are recorded."""
        ...

    def digest(self) -> str:
        """SHA-256 over what was decided, ordered and filled, in a canonical order; free of wall-clock times and of how
        the work was cut into commits, so that an undisturbed and a disturbed run of the same bars agree."""
        ...
