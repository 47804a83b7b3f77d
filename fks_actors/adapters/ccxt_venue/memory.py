"""What a connector leaves behind for the one that comes after it: a JSON payload in the journal's snapshots."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from fks_actors.errors import JournalCorrupt
from fks_actors.model.orders import Order


@dataclass(frozen=True, slots=True)
class KeptWire:
    """An order at the venue under one that the connector keeps."""

    key: str
    k: int
    quantity: Decimal
    order_type: str
    venue_id: str
    filled: Decimal
    ended: bool
    trades: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notes:
    """The connector's own notes as of the events that go with them.

    `cursors`: up to when trades were read, by symbol (the venue's clock); `born`: from when on. `baseline` and `moved`:
    balances at the beginning, and what the told trades changed. `held`: the orders that the connector keeps, with their
    orders at the venue; `trails`: the best price that each trailing stop has seen; `pairs`: the resident of each kept
    pair by its first leg. `lag_ms`: how far the desk's clock is behind the wall clock. `ts_ms`: the wall clock.
    """

    ts_ms: int = 0
    lag_ms: int = 0
    cursors: dict[str, int] = field(default_factory=dict)
    born: dict[str, int] = field(default_factory=dict)
    baseline: dict[str, Decimal] | None = None
    moved: dict[str, Decimal] = field(default_factory=dict)
    reported: dict[str, Decimal] = field(default_factory=dict)
    held: dict[str, tuple[KeptWire, ...]] = field(default_factory=dict)
    trails: dict[str, Decimal] = field(default_factory=dict)
    pairs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a connector starts from: the journal's open orders of its venue, their booked trades by order, its notes."""

    orders: tuple[Order, ...] = ()
    trade_ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)


_ENCODER = msgspec.json.Encoder(decimal_format="string", order="sorted")
_DECODER = msgspec.json.Decoder(Notes)


def encode(notes: Notes) -> bytes:
    """The notes as JSON."""
    return _ENCODER.encode(notes)


def decode(payload: bytes) -> Notes:
    """The notes that `encode` wrote; empty ones out of an empty payload.

    Raises:
        JournalCorrupt: the payload holds no notes.
    """
    if not payload:
        return Notes()
    try:
        return _DECODER.decode(payload)
    except msgspec.MsgspecError as error:
        raise JournalCorrupt(f"a connector's notes cannot be read: {error}") from error
