"""What is known of closed bars."""

import pytest

from fks_actors.adapters.feeds.ledger import Ledger
from fks_actors.model.candles import Candle

STEP = 60_000


def bar(ts: int, close: float = 10.0, symbol: str = "A/B") -> Candle:
    return Candle(symbol, ts * STEP, 10, 12, 9, close, 1)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(["A/B", "C/D"], STEP, 10)


def test_stream_when_the_next_bar_begins_then_the_last_sight_of_the_one_before_is_its_close(ledger: Ledger) -> None:
    assert [ledger.stream(bar(1, 10)), ledger.stream(bar(1, 11)), ledger.stream(bar(2, 9))] == [False, False, True]
    assert ledger.at(STEP) == (bar(1, 11),)
    assert ledger.unknown(STEP) == ["C/D"]


def test_stream_when_it_was_interrupted_then_the_running_bar_is_not_taken_for_closed(ledger: Ledger) -> None:
    ledger.stream(bar(1))
    ledger.stream(bar(1, symbol="C/D"))
    ledger.interrupted(["A/B"])
    assert [ledger.stream(bar(2)), ledger.stream(bar(2, symbol="C/D"))] == [False, True]


def test_stream_when_an_old_update_comes_late_then_it_changes_nothing(ledger: Ledger) -> None:
    ledger.stream(bar(2, 11))
    assert not ledger.stream(bar(1))
    ledger.stream(bar(3))
    assert ledger.at(2 * STEP) == (bar(2, 11),)


def test_store_when_a_bar_is_known_then_it_never_changes(ledger: Ledger) -> None:
    assert ledger.store([bar(1, 10), bar(1, 11), bar(2)]) == 2
    assert ledger.at(STEP) == (bar(1, 10),)


def test_cover_when_ranges_touch_then_they_join_and_apart_the_last_one_counts(ledger: Ledger) -> None:
    ledger.cover("A/B", 10 * STEP, 12 * STEP)
    ledger.cover("A/B", 13 * STEP, 14 * STEP)
    ledger.cover("A/B", 5 * STEP, 4 * STEP)
    assert [ledger.knows("A/B", t * STEP) for t in (9, 10, 14, 15)] == [False, True, True, False]
    ledger.cover("A/B", 20 * STEP, 21 * STEP)
    assert [ledger.knows("A/B", t * STEP) for t in (14, 20, 21)] == [False, True, True]


def test_store_when_there_are_too_many_then_the_first_are_forgotten_and_unknown_again(ledger: Ledger) -> None:
    ledger.cover("A/B", 0, 30 * STEP)
    ledger.store(bar(t) for t in range(21))
    assert [ledger.knows("A/B", t * STEP) for t in (0, 10, 11, 20, 25)] == [False, False, True, True, False]
