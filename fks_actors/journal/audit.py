"""The audit log: a chain of hashes over what moved money or may have to be answered for, and the walk that checks it.

One row for each change of an order or a signal, each fill, charge, change of the trading state, start of the desk and
AuditRecord, written in the commit that records the fact. A row holds the fact's key and the SHA-256 of its payload as
it is stored; for what moves also that of the whole state it moved to. Its own hash is SHA-256(hash of the row before ||
newline || the row as JSON, its commit's id included), from START on. So a fact or a row that was changed, removed,
added or moved later shows; what was cut off at the end, or forged together with every later hash, shows against a head
that was noted elsewhere. The form of a row never changes: old rows must go on to agree.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from fks_actors.model.orders import Charge, Fill, Order
from fks_actors.model.records import AuditRecord, ControlRecord, RunRecord, SignalRecord

Audited = Order | SignalRecord | Fill | Charge | ControlRecord | RunRecord | AuditRecord

START = "0" * 64
"""The hash before the first row."""

_ENCODER = msgspec.json.Encoder()
_TOLD_TWICE = ("fill", "run")


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A row of the log. `state_hash` is empty where nothing moves; `commit_id` is that of the row's commit."""

    seq: int
    ts_ms: int
    kind: str
    key: str
    payload_hash: str
    state_hash: str
    commit_id: str
    hash: str = ""


@dataclass(frozen=True, slots=True)
class StoredFact:
    """A fact as a table holds it. `doubt` is not empty where the row contradicts itself."""

    table: str
    seq: int
    ts_ms: int
    kind: str
    key: str
    payload: str
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that does not agree: in which table, at which seq, of what, and what is wrong."""

    table: str
    seq: int
    key: str
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    """Everything agrees: how many commits, rows of the log and of each kind there are, and the last row's hash."""

    counts: dict[str, int]
    head: str


def identity(entry: Audited) -> tuple[str, int]:
    """The (key, instant) under which the log names a fact."""
    match entry:
        case Order():
            return entry.intent.client_order_id, entry.updated_ms
        case SignalRecord():
            return entry.signal_id, entry.ts_ms
        case Fill():
            return f"{entry.venue}/{entry.trade_id}", entry.ts_ms
        case Charge():
            return f"{entry.venue}/{entry.charge_id}", entry.ts_ms
        case ControlRecord():
            return entry.state.value, entry.ts_ms
        case RunRecord():
            return entry.run_id, entry.ts_ms
        case AuditRecord():
            return entry.kind, entry.ts_ms


def hashed(payload: bytes | str) -> str:
    """SHA-256 (hex) of a payload as it is stored."""
    return hashlib.sha256(payload.encode() if isinstance(payload, str) else payload).hexdigest()


def link(previous: str, row: AuditRow) -> str:
    """The row's hash, behind a row with the hash `previous`."""
    fields = (row.seq, row.ts_ms, row.kind, row.key, row.payload_hash, row.state_hash, row.commit_id)
    return hashlib.sha256(previous.encode() + b"\n" + _ENCODER.encode(fields)).hexdigest()


class Walk:
    """A journal looked through once; each method answers the first fault, and is given its rows by rising seq.

    Args:
        noted: a head that was noted earlier and must be in the chain; empty for none.
    """

    def __init__(self, noted: str = "") -> None:
        self._noted = noted
        self._counts: Counter[str] = Counter()
        self._head = START

    @property
    def verified(self) -> Verified:
        """What was found, where no method found a fault."""
        return Verified(dict(self._counts), self._head)

    def commits(self, rows: Iterable[tuple[int, str, str]]) -> Fault | None:
        """Check the chain of (seq, commit id, the one it builds on), from the first commit to the last."""
        place, head = 0, ""
        for seq, commit_id, after in rows:
            if seq != place + 1:
                return Fault("commits", seq, commit_id, f"commits between {place} and {seq} are missing")
            if after != head:
                return Fault("commits", seq, commit_id, f"it builds on {after!r}, but the commit before it is {head!r}")
            place, head = seq, commit_id
        self._counts["commits"] = place
        return None

    def log(
        self, rows: Iterable[AuditRow], facts: Iterable[StoredFact], told_before: Callable[[AuditRow], bool]
    ) -> Fault | None:
        """Check each row's hash and the fact that it speaks of; no fact may lack its row.

        `told_before` looks up whether a fact without a row of its own stands at a lower seq: a repeated fill is
        recorded once and logged twice.
        """
        stored = iter(facts)
        fact = next(stored, None)
        noted = self._noted in ("", START)
        for row in rows:
            if row.hash != link(self._head, row):
                return Fault(
                    "audit", row.seq, row.key, "the row is not the one that was written behind the row before it"
                )
            self._head = row.hash
            noted = noted or row.hash == self._noted
            if fact is not None and fact.seq < row.seq:
                return _unlogged(fact)
            if fact is not None and fact.seq == row.seq:
                fault = _compared(row, fact)
                fact = next(stored, None)
            else:
                again = row.kind in _TOLD_TWICE and told_before(row)
                fault = None if again else Fault("audit", row.seq, row.key, f"the {row.kind} it speaks of is gone")
            if fault is not None:
                return fault
            self._counts["logged"] += 1
            self._counts[row.kind] += 1
        if fact is not None:
            return _unlogged(fact)
        if not noted:
            return Fault("audit", 0, self._noted, "the noted head is not in the log: rows were cut off or written anew")
        return None


def _unlogged(fact: StoredFact) -> Fault:
    return Fault(fact.table, fact.seq, fact.key, f"this {fact.kind} is not in the audit log")


def _compared(row: AuditRow, fact: StoredFact) -> Fault | None:
    if hashed(fact.payload) != row.payload_hash:
        return Fault(fact.table, fact.seq, row.key, f"the {row.kind}'s payload was changed")
    if fact.doubt:
        return Fault(fact.table, fact.seq, row.key, fact.doubt)
    if (fact.kind, fact.key, fact.ts_ms) != (row.kind, row.key, row.ts_ms):
        return Fault(fact.table, fact.seq, row.key, f"the {row.kind}'s kind, key or time was changed")
    return None
