"""A journal read as its chain of commits, on both databases."""

from collections.abc import Iterator

import pytest

from fks_actors.adapters.sql import SqlJournal
from fks_actors.adapters.sql.chain import SqlChain, open_chain
from fks_actors.model.orders import OrderStatus
from fks_actors.model.records import Commit, Entry
from tests.integration.sql.conftest import Clock
from tests.journal_scene import HOUR_MS, START_MS, SYMBOLS, batch, control, cycle, equity, fill, order, run

BARS = 1_100
"""More than two parts of the chain."""


def name(index: int) -> str:
    return f"bar-{HOUR_MS}-{START_MS + index * HOUR_MS}-00000000"


def commits() -> Iterator[Commit]:
    """A start, then bars; an order that moves three times on the way."""
    yield Commit("run-r1", "", (run("r1"),))
    after = "run-r1"
    for index in range(BARS):
        more: tuple[Entry, ...] = ()
        if index == 500:
            more = (order("o1", OrderStatus.SUBMITTED),)
        if index == 501:
            more = (fill("t1", "o1"), order("o1", OrderStatus.PARTIALLY_FILLED, updated_ms=START_MS + 1))
        if index == 600:
            more = (order("o1", OrderStatus.CANCELLED, updated_ms=START_MS + 2), control("why"))
        cycles = tuple(cycle(symbol, index) for symbol in SYMBOLS)
        yield Commit(name(index), after, (batch(index), *cycles, *more, equity(START_MS + (index + 1) * HOUR_MS)))
        after = name(index)


@pytest.fixture
def chain(url: str, clock: Clock) -> Iterator[SqlChain]:
    journal = SqlJournal(url, clock)
    journal.commit(list(commits()))
    journal.close()
    reader = open_chain(url)
    yield reader
    reader.close()


def test_commits_when_read_then_each_has_its_bars_and_entries_as_they_were_then(chain: SqlChain) -> None:
    found = list(chain.commits(BARS + 1))
    assert [each.commit_id for each in found] == ["run-r1", *(name(i) for i in range(BARS))]
    assert [each.seq for each in found] == list(range(1, BARS + 2))
    assert list(found[0].runs()) == [run("r1")]
    assert [each.batches for each in found[1:]] == [(batch(i),) for i in range(BARS)]
    assert found[7].cycles == tuple(cycle(symbol, 6) for symbol in SYMBOLS)
    states = [(each.seq, o.status) for each in found for o in each.orders()]
    assert states == [
        (502, OrderStatus.SUBMITTED),
        (503, OrderStatus.PARTIALLY_FILLED),
        (602, OrderStatus.CANCELLED),
    ]
    assert list(found[502].fills()) == [fill("t1", "o1")]
    assert list(found[601].controls()) == [control("why")]


def test_commits_when_bounded_then_they_end_there(chain: SqlChain) -> None:
    assert [each.seq for each in chain.commits(600)] == list(range(1, 601))


def test_places_when_asked_for_then_they_are_the_commits(chain: SqlChain) -> None:
    assert chain.place(f"{SYMBOLS[0]}@{START_MS + 4 * HOUR_MS}") == 6
    assert chain.place("nothing@1") is None
    span = chain.decided(START_MS + 4 * HOUR_MS, START_MS + 6 * HOUR_MS)
    assert (span.count, span.first_seq, span.last_seq) == (4, 6, 7)
    assert chain.decided(0, 1).count == 0
    assert chain.decided_ms() == (START_MS, START_MS + (BARS - 1) * HOUR_MS)


def test_points_when_asked_for_then_they_are_by_instant(chain: SqlChain) -> None:
    found = chain.points(START_MS + HOUR_MS, START_MS + 3 * HOUR_MS)
    assert found == {START_MS + i * HOUR_MS: equity(START_MS + i * HOUR_MS) for i in (1, 2, 3)}
