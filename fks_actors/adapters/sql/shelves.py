"""How a group of signals is kept: those whose key is known are left out, the others get the next `seq`s, all at once.

Looking for the keys, judging their age and inserting happen under the one write lock, so that of two processes exactly
one stores a signal, and the order of `seq` is the order in which rows can be seen.

A key that the sender gave (`id:...`) is known for ever. One made of the bytes (`body:...`) is forgotten when the replay
window has passed: the same alert may then fire again.

SQLite does it all in one statement that commits by itself. A statement gives Python's one interpreter lock away and
has to win it back from a busy event loop, so what counts is how few there are, more than what they do.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, func, select, text

from fks_actors.adapters.sql.store import Store
from fks_actors.adapters.sql.tables import inbox


class Row(NamedTuple):
    """A signal to keep; `payload` is `journal.codec.encode_signal`'s."""

    signal_id: str
    key: str
    payload: str


Keep = Callable[[Sequence[Row], int], dict[str, str]]
"""Keep rows of distinct keys as of now (UTC ms), durably: the ids that stand under their keys. Raises JournalError."""

_KEEP = """
INSERT INTO inbox (signal_id, dedupe_key, stored_ms, payload)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), :now_ms, json_extract(value, '$[2]')
FROM json_each(:rows)
WHERE NOT EXISTS (
    SELECT 1 FROM inbox AS known
    WHERE known.dedupe_key = json_extract(value, '$[1]')
    AND (substr(known.dedupe_key, 1, 5) <> 'body:' OR :now_ms - known.stored_ms <= :window_ms)
)
"""
_STANDING = """
SELECT dedupe_key, signal_id FROM inbox WHERE dedupe_key IN (SELECT value FROM json_each(:keys)) ORDER BY seq
"""
_KNOWN = (
    select(inbox.c.dedupe_key, inbox.c.signal_id, inbox.c.stored_ms)
    .where(inbox.c.dedupe_key.in_(bindparam("keys", expanding=True)))
    .order_by(inbox.c.seq)
)
_LAST = select(func.max(inbox.c.seq))


def shelf(store: Store, window_ms: int) -> Keep:
    """The way to keep signals in that database; `window_ms` is how long the same bytes count as the same alert."""
    way = _keep_in_file if store.path else _keep_on_server
    return lambda rows, now_ms: way(store, window_ms, rows, now_ms)


def _keep_in_file(store: Store, window_ms: int, rows: Sequence[Row], now_ms: int) -> dict[str, str]:
    packed = msgspec.json.encode(rows).decode()
    with store.bare() as connection:
        kept = connection.execute(_KEEP, {"rows": packed, "now_ms": now_ms, "window_ms": window_ms}).rowcount
        if kept == len(rows):
            return {row.key: row.signal_id for row in rows}
        keys = msgspec.json.encode([row.key for row in rows]).decode()
        return dict(connection.execute(_STANDING, {"keys": keys}))  # of several, the last one stands


def _keep_on_server(store: Store, window_ms: int, rows: Sequence[Row], now_ms: int) -> dict[str, str]:
    with store.writing() as connection:
        connection.execute(text("LOCK TABLE inbox IN EXCLUSIVE MODE"))
        standing = _known(connection, [row.key for row in rows], now_ms, window_ms)
        seq = connection.scalar(_LAST) or 0
        fresh = [row for row in rows if row.key not in standing]
        if fresh:
            connection.execute(
                inbox.insert(),
                [
                    {
                        "seq": seq + place,
                        "signal_id": row.signal_id,
                        "dedupe_key": row.key,
                        "stored_ms": now_ms,
                        "payload": row.payload,
                    }
                    for place, row in enumerate(fresh, 1)
                ],
            )
        return standing | {row.key: row.signal_id for row in fresh}


def _known(connection: Connection, keys: list[str], now_ms: int, window_ms: int) -> dict[str, str]:
    """The signals that the keys still stand for."""
    return {
        key: signal_id
        for key, signal_id, stored_ms in connection.execute(_KNOWN, {"keys": keys})
        if not key.startswith("body:") or now_ms - stored_ms <= window_ms
    }
