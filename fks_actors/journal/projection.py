"""What a journal says, whatever the run that wrote it went through.

In: each decision (the first under its id), each fill (the first of its venue and trade id), each charge (likewise),
each order and each signal as it ended, the last equity of each instant, and each change of the trading state.
Out: runs, snapshots, bars, audit records, leases and the cut into commits; of a signal, the wall time at which it was
received; of a decision, the wall time and the quotes that a live desk saw. Two desks that saw the same bars and signals
agree, however often one of them was killed.
"""

import hashlib
from collections.abc import Iterable

from msgspec.structs import replace

from fks_actors.journal.codec import canonical, kind_of
from fks_actors.model.orders import Charge, Fill, Order
from fks_actors.model.records import ControlRecord, CycleRecord, Entry, EquityPoint, SignalRecord


def digest(entries: Iterable[Entry]) -> str:
    """SHA-256 (hex) over the entries' content, given oldest first; of things that move only the last word counts.

    Raises:
        InvariantError: an entry cannot be written as JSON.
    """
    content: dict[bytes, bytes] = {}
    for place, entry in enumerate(entries):
        identity, final = _identity(entry, place)
        if not identity:
            continue
        key = hashlib.sha256(f"{kind_of(entry)}\n{identity}".encode()).digest()
        if final or key not in content:
            content[key] = hashlib.sha256(canonical(_timeless(entry))).digest()
    return hashlib.sha256(b"".join(sorted(content.values()))).hexdigest()


def _identity(entry: Entry, place: int) -> tuple[str, bool]:
    """What makes two entries the same fact ("" for what is not content), and whether the later one replaces."""
    match entry:
        case CycleRecord():
            return entry.decision_id, False
        case Fill():
            return f"{entry.venue}\n{entry.trade_id}", False
        case Charge():
            return f"{entry.venue}\n{entry.charge_id}", False
        case Order():
            return entry.intent.client_order_id, True
        case SignalRecord():
            return entry.signal_id, True
        case EquityPoint():
            return str(entry.ts_ms), True
        case ControlRecord():
            return str(place), True
        case _:
            return "", False


def _timeless(entry: Entry) -> Entry:
    if isinstance(entry, CycleRecord) and entry.seen is not None:
        return replace(entry, seen=None)
    if isinstance(entry, SignalRecord):
        return replace(entry, signal=replace(entry.signal, received_ms=0))
    return entry
