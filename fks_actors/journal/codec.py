"""Entries to JSON and back: `["<kind>", {...}]`, Decimals as strings, floats exact, enums as their values.

A ballot is a Vote where it has an `action`, else an Abstain. Reading checks every type and every enum; writing refuses
what could not be read again (NaN, infinity), so that a row which was kept can always be read.
"""

from decimal import Decimal
from typing import Any, TypeVar, cast

import msgspec
from msgspec.structs import replace

from fks_actors.errors import InvariantError, JournalCorrupt
from fks_actors.model.candles import BarBatch
from fks_actors.model.debates import Debate
from fks_actors.model.orders import Charge, Fill, Order, OrderStatus, Refusal
from fks_actors.model.records import (
    AuditRecord,
    ControlRecord,
    CycleOutcome,
    CycleRecord,
    Entry,
    EquityPoint,
    RunRecord,
    Seen,
    Signal,
    SignalRecord,
    SignalStatus,
)
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Verdict, Vote

T = TypeVar("T")
Moving = TypeVar("Moving", Order, SignalRecord)


class _Ballot(msgspec.Struct, frozen=True):
    agent: str
    symbol: str
    ts_ms: int
    reason: str
    action: Action | None = None
    confidence: float = 0.0
    facts: tuple[tuple[str, float], ...] = ()
    detail: str = ""
    target: float | None = None

    def ballot(self) -> Ballot:
        if self.action is None:
            return Abstain(self.agent, self.symbol, self.ts_ms, AbstainReason(self.reason), self.detail)
        return Vote(
            self.agent, self.symbol, self.ts_ms, self.action, self.confidence, self.reason, self.facts, self.target
        )


class _Cycle(msgspec.Struct, frozen=True):
    """CycleRecord with ballots that tell themselves apart; the fields stand in CycleRecord's order."""

    decision_id: str
    symbol: str
    ts_ms: int
    close_ms: int
    price: Decimal
    ballots: tuple[_Ballot, ...]
    verdict: Verdict
    outcome: CycleOutcome
    client_order_id: str
    refusals: tuple[Refusal, ...]
    flags: tuple[str, ...]
    note: str
    debate: Debate | None = None
    seen: Seen | None = None

    def record(self) -> CycleRecord:
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        return CycleRecord(**{**fields, "ballots": tuple(b.ballot() for b in self.ballots)})


class _OrderChange(msgspec.Struct, frozen=True):
    """What moves in an order's life; the intent never does."""

    status: OrderStatus
    updated_ms: int
    reserved_quote: Decimal
    filled_quantity: Decimal
    average_price: Decimal
    fee: Decimal
    reason: str


class _SignalChange(msgspec.Struct, frozen=True):
    ts_ms: int
    status: SignalStatus
    client_order_ids: tuple[str, ...]
    refusals: tuple[Refusal, ...]


_KINDS: dict[type, str] = {
    BarBatch: "bars",
    CycleRecord: "cycle",
    SignalRecord: "signal",
    Order: "order",
    Fill: "fill",
    Charge: "charge",
    EquityPoint: "equity",
    ControlRecord: "control",
    RunRecord: "run",
    AuditRecord: "audit",
}
_ENCODER = msgspec.json.Encoder(decimal_format="string")
_CANONICAL = msgspec.json.Encoder(decimal_format="string", order="sorted")
_ENVELOPE = msgspec.json.Decoder(tuple[str, msgspec.Raw])
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(_Cycle if t is CycleRecord else t) for t, kind in _KINDS.items()
}
_SIGNAL = msgspec.json.Decoder(Signal)
_CHANGES: dict[type, type[msgspec.Struct]] = {Order: _OrderChange, SignalRecord: _SignalChange}
_CHANGE_DECODERS = {entry: msgspec.json.Decoder(change) for entry, change in _CHANGES.items()}


def kind_of(entry: Entry) -> str:
    """The entry's kind: bars, cycle, signal, order, fill, charge, equity, control, run or audit."""
    return _KINDS[type(entry)]


def encode(entry: Entry) -> bytes:
    """The entry as JSON, its kind first.

    Raises:
        InvariantError: the entry holds something that JSON cannot give back: NaN, infinity, half a surrogate pair.
    """
    return _written(_ENCODER, entry)


def canonical(entry: Entry) -> bytes:
    """Like `encode`, with the keys sorted: the same entry gives the same bytes whatever its fields' order."""
    return _written(_CANONICAL, entry)


def decode(payload: bytes | str) -> Entry:
    """The entry that `encode` wrote.

    Raises:
        JournalCorrupt: the payload is no entry.
    """
    try:
        kind, body = _ENVELOPE.decode(payload)
        found = _DECODERS[kind].decode(body)
        return found.record() if isinstance(found, _Cycle) else cast(Entry, found)
    except KeyError as error:
        raise JournalCorrupt(f"the journal holds an entry of the unknown kind {error}") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise JournalCorrupt(f"a journal entry cannot be read: {error}") from error


def decode_as(expected: type[T], payload: bytes | str) -> T:
    """The entry that `encode` wrote, of a type that is known.

    Raises:
        JournalCorrupt: the payload is no entry, or another one.
    """
    found = decode(payload)
    if not isinstance(found, expected):
        raise JournalCorrupt(f"the journal holds a {type(found).__name__} where a {expected.__name__} belongs")
    return found


def encode_change(entry: Order | SignalRecord) -> bytes:
    """What of the entry moves in its life (status, fills, time): one line of its history."""
    change = _CHANGES[type(entry)]
    return _ENCODER.encode(change(*(getattr(entry, name) for name in change.__struct_fields__)))


def decode_change(entry: Moving, payload: bytes | str) -> Moving:
    """`entry` as it stood when `encode_change` wrote `payload`.

    Raises:
        JournalCorrupt: the payload is no change of such an entry.
    """
    try:
        change = _CHANGE_DECODERS[type(entry)].decode(payload)
    except msgspec.MsgspecError as error:
        raise JournalCorrupt(f"a line of history cannot be read: {error}") from error
    return replace(entry, **{name: getattr(change, name) for name in change.__struct_fields__})


def encode_signal(signal: Signal) -> bytes:
    """A signal as it lies in the inbox."""
    return _ENCODER.encode(signal)


def decode_signal(payload: bytes | str) -> Signal:
    """The signal that `encode_signal` wrote.

    Raises:
        JournalCorrupt: the payload is no signal.
    """
    try:
        return _SIGNAL.decode(payload)
    except msgspec.MsgspecError as error:
        raise JournalCorrupt(f"a signal in the inbox cannot be read: {error}") from error


def _written(encoder: msgspec.json.Encoder, entry: Entry) -> bytes:
    try:
        payload = encoder.encode((_KINDS[type(entry)], entry))
        if b"null" in payload:  # msgspec writes NaN and infinity as null
            decode(payload)
    except (JournalCorrupt, UnicodeEncodeError) as error:
        raise InvariantError(f"a {type(entry).__name__} cannot be written down: {error}") from error
    return payload
