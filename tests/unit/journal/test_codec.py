"""What was written down reads back the same; what could not be read again is not written."""

import enum
import json
import math
import types
import typing
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.errors import InvariantError, JournalCorrupt
from fks_actors.journal.codec import (
    _Cycle,
    decode,
    decode_as,
    decode_change,
    decode_signal,
    encode,
    encode_change,
    encode_signal,
    kind_of,
)
from fks_actors.model.debates import Debate
from fks_actors.model.orders import Order, OrderStatus
from fks_actors.model.records import CycleOutcome, CycleRecord, Entry, Signal, SignalRecord, SignalStatus
from fks_actors.model.votes import Vote
from tests.journal_scene import SYMBOLS, control, cycle, equity, fill, note, order, run, signal, signal_record

KINDS = typing.get_args(Entry)
_LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.just("null"),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    bytes: st.binary(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
}


def of(annotation: Any) -> st.SearchStrategy[Any]:
    """Any value of a model type."""
    if annotation in _LEAVES:
        return _LEAVES[annotation]
    if typing.get_origin(annotation) in {types.UnionType, typing.Union}:
        return st.one_of(*map(of, typing.get_args(annotation)))
    if typing.get_origin(annotation) is tuple:
        first, *rest = typing.get_args(annotation)
        return st.lists(of(first), max_size=3).map(tuple) if rest == [...] else st.tuples(of(first), *map(of, rest))
    if issubclass(annotation, enum.Enum):
        return st.sampled_from(annotation)
    hints = typing.get_type_hints(annotation)
    return st.builds(annotation, **{name: of(hints[name]) for name in annotation.__struct_fields__})


def alike(one: Any, other: Any) -> bool:
    """Equal to the last digit: 1.0 and 1.00 are different Decimals here."""
    return one == other and repr(one) == repr(other)


@given(st.one_of(*map(of, KINDS)))
def test_decode_when_any_entry_was_encoded_then_it_comes_back_to_the_last_digit(entry: Entry) -> None:
    assert alike(decode(encode(entry)), entry)
    assert alike(decode_as(type(entry), encode(entry).decode()), entry)


@given(of(Debate), st.sampled_from(CycleOutcome))
def test_decode_when_models_debated_then_every_turn_comes_back_whatever_came_of_it(
    debate: Debate, outcome: CycleOutcome
) -> None:
    record = replace(cycle(SYMBOLS[0], 0, outcome), debate=debate)
    found = decode_as(CycleRecord, encode(record))
    assert alike(found, record)
    assert found.debate is not None
    assert [alike(a, b) for a, b in zip(found.debate.turns, debate.turns, strict=True)] == [True] * len(debate.turns)


def test_decode_when_a_decision_was_written_before_there_were_debates_then_it_has_none() -> None:
    told = json.loads(encode(cycle(SYMBOLS[0], 0)))
    del told[1]["debate"]
    assert decode(json.dumps(told)) == cycle(SYMBOLS[0], 0)


@given(of(Order), of(OrderStatus), of(Decimal))
def test_decode_change_when_an_order_moved_on_then_it_shows_how_it_stood(
    before: Order, status: OrderStatus, fee: Decimal
) -> None:
    after = replace(before, status=status, fee=fee, reason="later")
    assert alike(decode_change(after, encode_change(before)), before)


@given(of(SignalRecord), of(SignalStatus))
def test_decode_change_when_a_signal_moved_on_then_it_shows_how_it_stood(
    before: SignalRecord, status: SignalStatus
) -> None:
    assert alike(decode_change(replace(before, status=status), encode_change(before)), before)


@given(of(Signal))
def test_decode_signal_when_any_was_encoded_then_it_comes_back(signal: Signal) -> None:
    assert alike(decode_signal(encode_signal(signal)), signal)


def test_encode_when_every_kind_is_written_then_the_payload_names_it() -> None:
    entries: tuple[Entry, ...] = (
        cycle(SYMBOLS[0], 0),
        order("o", OrderStatus.FILLED),
        equity(1),
        control("x"),
        run("r"),
        note("lease_taken"),
    )
    assert [encode(e).split(b'"')[1].decode() for e in entries] == [kind_of(e) for e in entries]


def test_encode_when_money_is_written_then_it_is_a_string_and_enums_are_their_values() -> None:
    payload = encode(order("o", OrderStatus.PARTIALLY_FILLED))
    assert b'"quantity":"0.50"' in payload
    assert b'"status":"partially_filled"' in payload


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_encode_when_a_vote_is_no_number_then_it_is_refused(number: float) -> None:
    record = cycle(SYMBOLS[0], 0)
    vote = record.ballots[0]
    assert isinstance(vote, Vote)
    with pytest.raises(InvariantError, match="CycleRecord cannot be written"):
        encode(replace(record, ballots=(replace(vote, confidence=number),)))


def test_encode_when_text_holds_half_a_surrogate_pair_then_it_is_refused() -> None:
    with pytest.raises(InvariantError):
        encode(control("\ud800"))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"\xff",
        b'["verdict",{}]',
        b'["order",{"status":"filled"}]',
        encode(control("x")).replace(b"halted", b"paused"),
        encode(cycle(SYMBOLS[0], 0)).replace(b"warming_up", b"tired"),
        encode(cycle(SYMBOLS[0], 0)).replace(b'"100.10"', b'"a lot"'),
    ],
)
def test_decode_when_the_payload_is_damaged_then_the_journal_is_corrupt(payload: bytes) -> None:
    with pytest.raises(JournalCorrupt):
        decode(payload)


def test_decode_as_when_the_entry_is_of_another_kind_then_the_journal_is_corrupt() -> None:
    with pytest.raises(JournalCorrupt, match="ControlRecord where a Order"):
        decode_as(Order, encode(control("x")))


def test_decode_change_when_the_line_is_damaged_then_the_journal_is_corrupt() -> None:
    with pytest.raises(JournalCorrupt):
        decode_change(order("o", OrderStatus.FILLED), b'{"status":"filled"}')
    with pytest.raises(JournalCorrupt):
        decode_signal(b'{"signal_id":1}')


def test_wire_form_when_a_cycle_gains_a_field_then_it_has_it_too() -> None:
    assert list(_Cycle.__struct_fields__) == list(CycleRecord.__struct_fields__)


INTENT = (
    '{"client_order_id":"o","origin":"cycle","origin_id":"BTC/USDT@1733011200000","venue":"paper","symbol":"BTC/USDT",'
    '"side":"buy","order_type":"limit","quantity":"0.50","market_price":"100.10","ts_ms":1733011200000,'
    '"limit_price":"100.00","stop_price":null}'
)
SIGNAL = (
    '{"signal_id":"s","dedupe_key":"id:s","received_ms":1733011200000,"symbol":"BTC/USDT","side":"buy",'
    '"order_type":"market","quantity":"0.10","sizing":"","price":null,"stop_loss":null,"take_profit":null,'
    '"trail_pct":null,"confidence":"1","exchange":"","strategy":"","sent_ms":1733011200000}'
)
FORMER: tuple[tuple[str, Entry], ...] = (
    (
        f'["order",{{"intent":{INTENT},"status":"filled","updated_ms":1733011200000,"reserved_quote":"50.10",'
        '"filled_quantity":"0","average_price":"0","fee":"0","reason":"filled at 1733011200000"}]',
        order("o", OrderStatus.FILLED),
    ),
    (
        '["fill",{"trade_id":"t","client_order_id":"o","venue":"paper","symbol":"BTC/USDT","side":"buy",'
        '"price":"100.10","quantity":"0.5","fee":"0.0501","liquidity":"taker","ts_ms":1733011200000}]',
        fill("t", "o"),
    ),
    (
        f'["signal",{{"signal_id":"s","ts_ms":1733011200000,"status":"open","signal":{SIGNAL},'
        '"client_order_ids":["s-0"],"refusals":[]}]',
        signal_record("s", SignalStatus.OPEN),
    ),
    (
        '["run",{"run_id":"r","ts_ms":1733011200000,"feed":"replay","simulated":false,"symbols":["BTC/USDT",'
        '"ETH/USDT"],"interval_ms":3600000,"cash":"10000","version":"0.1.0","feed_start_ms":0,"seed":0,'
        '"note":"not null"}]',
        run("r"),
    ),
)
"""As the release before venues, fee assets and protective legs wrote them."""


@pytest.mark.parametrize(("payload", "entry"), FORMER, ids=["order", "fill", "signal", "run"])
def test_decode_when_an_earlier_release_wrote_it_then_new_fields_have_their_defaults(
    payload: str, entry: Entry
) -> None:
    assert alike(decode(payload), entry)


def test_decode_signal_when_an_earlier_release_wrote_it_then_new_fields_have_their_defaults() -> None:
    assert decode_signal(SIGNAL) == signal("s", "id:s")


def test_signal_record_when_written_then_its_signal_is_in_it() -> None:
    record = signal_record("s", SignalStatus.OPEN)
    assert decode_as(SignalRecord, encode(record)).signal.dedupe_key == "id:s"
