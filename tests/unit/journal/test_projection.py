"""The digest tells what was decided, ordered and filled, and nothing about the way there."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from fks_actors.journal.codec import decode, encode
from fks_actors.journal.projection import digest
from fks_actors.model.markets import Quote
from fks_actors.model.orders import OrderStatus
from fks_actors.model.records import CycleOutcome, Entry, Seen, SignalStatus
from tests.journal_scene import SYMBOLS, batch, charge, control, cycle, equity, fill, note, order, run, signal_record

STORY: tuple[Entry, ...] = (
    run("first"),
    batch(0),
    cycle(SYMBOLS[0], 0),
    order("o", OrderStatus.SUBMITTED),
    fill("t", "o"),
    charge("c"),
    order("o", OrderStatus.FILLED),
    signal_record("s", SignalStatus.ACCEPTED),
    signal_record("s", SignalStatus.FILLED),
    equity(1, "10000"),
    equity(1, "9999"),
    control("halt"),
)


def test_digest_when_the_way_was_another_one_then_it_is_the_same() -> None:
    crooked: tuple[Entry, ...] = (
        run("second", 99),
        run("third", 100),
        batch(0),
        batch(1),
        control("halt"),
        equity(1, "9999"),
        signal_record("s", SignalStatus.FILLED, received_ms=77),
        order("o", OrderStatus.SUBMITTED),
        order("o", OrderStatus.UNKNOWN),
        order("o", OrderStatus.FILLED),
        fill("t", "o"),
        fill("t", "o"),
        charge("c"),
        charge("c"),
        cycle(SYMBOLS[0], 0),
        cycle(SYMBOLS[0], 0),
        note("lease_taken"),
        note("unauthorized"),
    )
    assert digest(crooked) == digest(STORY)


@pytest.mark.parametrize(
    "change",
    [
        cycle(SYMBOLS[0], 1),
        fill("u", "o"),
        charge("d"),
        order("o", OrderStatus.CANCELLED),
        order("p", OrderStatus.FILLED),
        signal_record("s", SignalStatus.DENIED),
        equity(1, "9998"),
        equity(2, "9999"),
        control("halt"),
    ],
    ids=lambda entry: type(entry).__name__,
)
def test_digest_when_one_more_fact_is_recorded_then_it_differs(change: Entry) -> None:
    assert digest((*STORY, change)) != digest(STORY)


def test_digest_when_a_fact_is_another_one_then_it_differs() -> None:
    denied = [replace(e, outcome=CycleOutcome.DENIED) if e == cycle(SYMBOLS[0], 0) else e for e in STORY]
    dearer = [replace(e, price=Decimal("100.11")) if e == fill("t", "o") else e for e in STORY]
    assert len({digest(STORY), digest(denied), digest(dearer)}) == 3


def test_digest_when_nothing_is_recorded_then_it_is_that_of_nothing() -> None:
    assert digest(()) == digest((run("first"), batch(0)))


def test_digest_when_a_live_desk_looked_at_another_time_then_it_is_the_same() -> None:
    quote = Quote(Decimal(1), Decimal(2), 3)
    seen = [replace(cycle(SYMBOLS[0], 1), seen=Seen(now_ms, (("exchange", quote),))) for now_ms in (5, 6)]
    assert [decode(encode(each)) for each in seen] == seen
    assert digest(seen[:1]) == digest(seen[1:]) == digest([cycle(SYMBOLS[0], 1)])
