"""What every journal does, on SQLite and on PostgreSQL."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from fks_actors.adapters.sql import SqlJournal, open_reader
from fks_actors.adapters.sql.reader import OPEN_STATUSES
from fks_actors.errors import ConfigError, InvariantError, JournalConflict, JournalError, JournalUnavailable
from fks_actors.execution.order_state import TERMINAL
from fks_actors.journal.ports import GENESIS, Journal, JournalReader
from fks_actors.journal.projection import digest
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import OrderStatus
from fks_actors.model.records import CycleOutcome, SignalStatus, Snapshot, SnapshotAt
from tests.integration.sql.conftest import NOW_MS
from tests.journal_scene import (
    HOUR_MS,
    START_MS,
    SYMBOLS,
    bar,
    control,
    cycle,
    equity,
    fill,
    only,
    order,
    run,
    signal_record,
    step,
)

Opened = Callable[[str], SqlJournal]


def test_open_when_the_journal_is_new_then_it_is_empty(journal: SqlJournal) -> None:
    port: Journal = journal
    reader: JournalReader = journal
    assert port.head() == GENESIS
    assert port.snapshot("risk") == SnapshotAt("risk", "", b"")
    assert port.candles(SYMBOLS[0], None, 10) == []
    assert port.last_bar_ms(SYMBOLS) == {}
    assert port.open_orders() == []
    assert port.last_run() is None
    assert reader.decisions("", 10) == ([], "")
    assert reader.equity(0, 10) == []
    assert reader.signal("s") is None
    assert reader.decision("d") is None
    assert reader.order("o") is None
    assert set(reader.counts().values()) == {0}
    assert reader.digest() == digest(())


def test_commit_when_it_returned_then_another_opening_reads_all_of_it(url: str, opened: Opened) -> None:
    assert opened(url).commit((step(0), step(1))) == "bar-1"
    again = opened(url)
    assert again.head() == "bar-1"
    assert again.snapshot("desk") == SnapshotAt("desk", "bar-1", b"{}")
    assert again.candles(SYMBOLS[0], None, 10) == [bar(SYMBOLS[0], 0), bar(SYMBOLS[0], 1)]
    assert again.decision(f"{SYMBOLS[1]}@{START_MS}") == cycle(SYMBOLS[1], 0)
    assert again.equity(0, 10) == [equity(START_MS + HOUR_MS), equity(START_MS + 2 * HOUR_MS)]
    assert again.counts() == {"commits": 2, "candles": 4, "decisions": 4, "orders": 0, "fills": 0, "signals": 0}


def test_commit_when_it_is_repeated_then_nothing_changes(journal: SqlJournal) -> None:
    journal.commit((step(0), step(1)))
    before = journal.counts(), journal.digest()
    assert journal.commit((step(0),)) == "bar-1"
    assert journal.commit((step(0), step(1))) == "bar-1"
    assert journal.commit((step(1, "elsewhere"),)) == "bar-1"
    assert (journal.counts(), journal.digest()) == before


def test_commit_when_a_repeated_one_leads_a_new_one_then_the_new_one_is_kept(journal: SqlJournal) -> None:
    journal.commit((step(0),))
    assert journal.commit((step(0), step(1), step(1))) == "bar-1"
    assert journal.counts()["commits"] == 2


def test_commit_when_nothing_is_given_then_the_head_is_answered(journal: SqlJournal) -> None:
    assert journal.commit(()) == GENESIS
    journal.commit((step(0),))
    assert journal.commit(()) == "bar-0"


def test_commit_when_it_builds_on_another_head_then_it_conflicts_and_keeps_nothing(journal: SqlJournal) -> None:
    journal.commit((step(0),))
    with pytest.raises(JournalConflict, match="head is 'bar-0'"):
        journal.commit((only("x", GENESIS, control("no")),))
    with pytest.raises(JournalConflict):
        journal.commit((step(1), only("x", "bar-0", control("no"))))
    assert journal.head() == "bar-0"
    assert journal.controls(10) == []


def test_commit_when_a_second_writer_was_faster_then_the_first_conflicts_and_recovers(url: str, opened: Opened) -> None:
    first, second = opened(url), opened(url)
    first.commit((step(0),))
    second.commit((only("theirs", "bar-0", control("theirs")),))
    with pytest.raises(JournalConflict):
        first.commit((step(1),))
    assert first.head() == "theirs"
    assert first.commit((step(1, "theirs"),)) == "bar-1"


def test_commit_when_one_entry_cannot_be_written_then_nothing_is_kept(journal: SqlJournal) -> None:
    with pytest.raises(InvariantError):
        journal.commit((step(0), step(1, None, control("\ud800"))))
    assert journal.head() == GENESIS
    assert set(journal.counts().values()) == {0}
    assert journal.commit((step(0),)) == "bar-0"


def test_commit_when_a_bar_holds_no_number_then_nothing_is_kept(journal: SqlJournal) -> None:
    bad = replace(bar(SYMBOLS[0], 0), close=math.nan)
    with pytest.raises(InvariantError, match="no number"):
        journal.commit((only("a", GENESIS, BarBatch(START_MS, HOUR_MS, (bad,))),))
    assert journal.head() == GENESIS


def test_commit_when_a_fact_is_recorded_twice_then_the_first_record_stands(journal: SqlJournal) -> None:
    journal.commit((step(0, None, fill("t", "o"), run("r", 1)),))
    later = cycle(SYMBOLS[0], 0, CycleOutcome.DENIED)
    journal.commit((only("again", "bar-0", later, fill("t", "other"), run("r", 2), step(0).entries[0]),))
    assert journal.decision(later.decision_id) == cycle(SYMBOLS[0], 0)
    assert journal.fills("", 10) == ([fill("t", "o")], "")
    assert journal.last_run() == run("r", 1)
    assert journal.counts()["candles"] == 2


def test_commit_when_many_travel_together_then_the_last_snapshot_of_each_owner_stands(journal: SqlJournal) -> None:
    commits = [step(0, payload=b"\x00\xff"), step(1, payload=b"new")]
    journal.commit(commits)
    assert journal.snapshot("risk") == SnapshotAt("risk", "bar-1", b"new")
    assert Snapshot("risk", b"new") in commits[1].snapshots


def test_commit_when_history_is_long_then_one_commit_takes_it(journal: SqlJournal) -> None:
    bars = tuple(step(i).entries[0] for i in range(1_500))
    journal.commit((only("history", GENESIS, *bars),))
    assert journal.last_bar_ms((*SYMBOLS, "SOL/USDT")) == dict.fromkeys(SYMBOLS, START_MS + 1_499 * HOUR_MS)
    assert journal.commit([step(i, "history" if i == 0 else None) for i in range(600)]) == "bar-599"


def test_candles_when_a_limit_is_given_then_the_newest_before_it_come_oldest_first(journal: SqlJournal) -> None:
    journal.commit([step(i) for i in range(5)])
    before = START_MS + 4 * HOUR_MS
    assert journal.candles(SYMBOLS[0], before, 2) == [bar(SYMBOLS[0], 2), bar(SYMBOLS[0], 3)]
    assert journal.candles(SYMBOLS[0], None, 1) == [bar(SYMBOLS[0], 4)]


def test_orders_when_they_move_then_their_state_is_the_last_and_their_history_is_whole(journal: SqlJournal) -> None:
    journal.commit(
        (
            only("a", GENESIS, order("o", OrderStatus.SUBMITTED), order("p", OrderStatus.SUBMITTED)),
            only("b", "a", order("o", OrderStatus.ACCEPTED, updated_ms=START_MS + 1)),
        )
    )
    last = order("o", OrderStatus.FILLED, updated_ms=START_MS + 2)
    journal.commit((only("c", "b", last),))
    assert journal.order("o") == last
    assert [o.intent.client_order_id for o in journal.orders("", 10)[0]] == ["p", "o"]
    assert journal.open_orders() == [order("p", OrderStatus.SUBMITTED)]
    steps = [(o.status, o.updated_ms, o.reason) for o in journal.order_history("o")]
    assert steps == [
        (OrderStatus.SUBMITTED, START_MS, f"submitted at {START_MS}"),
        (OrderStatus.ACCEPTED, START_MS + 1, f"accepted at {START_MS + 1}"),
        (OrderStatus.FILLED, START_MS + 2, f"filled at {START_MS + 2}"),
    ]
    assert journal.order_history("unknown") == []


def test_open_orders_when_statuses_are_listed_then_they_are_those_that_are_not_terminal(journal: SqlJournal) -> None:
    assert set(OPEN_STATUSES) == set(OrderStatus) - TERMINAL
    journal.commit((only("a", GENESIS, *(order(f"o-{status}", status) for status in OrderStatus)),))
    assert {o.status for o in journal.open_orders()} == set(OPEN_STATUSES)


def test_open_orders_when_they_are_read_in_pages_then_none_is_missed_and_the_oldest_comes_first(
    journal: SqlJournal,
) -> None:
    statuses = list(OrderStatus)
    journal.commit((only("a", GENESIS, *(order(f"o{i:03}", statuses[i * 7 % len(statuses)]) for i in range(120))),))
    everything = [o for o in reversed(journal.orders("", 500)[0]) if o.status in OPEN_STATUSES]
    assert journal.open_orders() == everything
    for limit in (1, 7, len(everything), 500):
        found, after, pages = [], 0, 0
        while True:
            page, after = journal.open_orders_page(after, limit)
            found += page
            pages += 1
            if not after:
                break
        assert found == everything
        assert pages == len(everything) // limit + 1


def test_trade_ids_when_many_orders_are_asked_for_then_theirs_come_and_no_others(journal: SqlJournal) -> None:
    fills = [fill(f"t{i}", f"o{i % 3_000}") for i in range(4_500)]
    journal.commit((only("a", GENESIS, *fills),))
    found = journal.trade_ids([f"o{i}" for i in range(2_999)] * 2)
    assert found == {("paper", f.trade_id) for f in fills if f.client_order_id != "o2999"}
    assert journal.trade_ids([]) == journal.trade_ids(["unknown"]) == frozenset()
    by_order = journal.trades_by_order([*(f"o{i}" for i in range(2_999)), "unknown"])
    assert frozenset().union(*by_order.values()) == found
    assert by_order["o7"] == {("paper", "t7"), ("paper", "t3007")}
    assert "unknown" not in by_order


def test_signal_when_it_moves_then_the_last_record_is_read(journal: SqlJournal) -> None:
    journal.commit((only("a", GENESIS, signal_record("s", SignalStatus.ACCEPTED)),))
    journal.commit((only("b", "a", signal_record("s", SignalStatus.FILLED)),))
    assert journal.signal("s") == signal_record("s", SignalStatus.FILLED)
    assert journal.counts()["signals"] == 1


def test_controls_and_runs_when_read_then_newest_come_first(journal: SqlJournal) -> None:
    journal.commit((only("a", GENESIS, run("r1", 9), control("one"), control("two"), control("three"), run("r2", 1)),))
    assert journal.controls(2) == [control("three"), control("two")]
    assert journal.last_run() == run("r2", 1)


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_decisions_when_new_rows_arrive_between_pages_then_no_row_is_missed_or_repeated(
    journal: SqlJournal, limit: int
) -> None:
    journal.commit([step(i) for i in range(5)])
    expected = [cycle(symbol, i).decision_id for i in reversed(range(5)) for symbol in reversed(SYMBOLS)]
    seen: list[str] = []
    cursor, pages = "", 0
    while True:
        page, cursor = journal.decisions(cursor, limit)
        seen += [record.decision_id for record in page]
        journal.commit((step(5 + pages),))
        pages += 1
        if not cursor:
            break
    assert seen == expected
    assert pages == -(-len(expected) // limit)


def test_lists_when_filtered_then_only_what_fits_is_paged(journal: SqlJournal) -> None:
    journal.commit([step(i) for i in range(3)])
    denied = cycle(SYMBOLS[0], 9, CycleOutcome.DENIED)
    orders = [order(f"o{i}", OrderStatus.FILLED, SYMBOLS[i % 2]) for i in range(4)]
    fills = [fill(f"t{i}", f"o{i % 2}", SYMBOLS[i % 2]) for i in range(4)]
    journal.commit((only("more", "bar-2", denied, *orders, *fills),))
    assert journal.decisions("", 9, outcome="denied") == ([denied], "")
    page, cursor = journal.decisions("", 2, symbol=SYMBOLS[1])
    assert [r.symbol for r in page + journal.decisions(cursor, 2, symbol=SYMBOLS[1])[0]] == [SYMBOLS[1]] * 3
    assert journal.orders("", 9, symbol=SYMBOLS[0], status="filled")[0] == [orders[2], orders[0]]
    assert journal.orders("", 9, status="submitted") == ([], "")
    assert journal.fills("", 9, order="o1")[0] == [fills[3], fills[1]]
    assert journal.fills("", 1, symbol=SYMBOLS[0])[0] == [fills[2]]


@pytest.mark.parametrize("cursor", ["x", "7", "orders-1", "decisions-", "decisions--1", "decisions-1;", "decisions-²"])
def test_decisions_when_the_cursor_is_not_theirs_then_it_is_refused(journal: SqlJournal, cursor: str) -> None:
    with pytest.raises(ValueError, match="no cursor"):
        journal.decisions(cursor, 10)


@pytest.mark.parametrize("points", [2, 10, 99])
def test_equity_when_there_are_more_points_than_asked_then_ends_are_kept_and_time_is_even(
    journal: SqlJournal, points: int
) -> None:
    journal.commit((only("a", GENESIS, *(equity(START_MS + i * 1_000) for i in range(100))),))
    found = [p.ts_ms for p in journal.equity(START_MS, points)]
    assert len(found) == points
    assert (found[0], found[-1]) == (START_MS, START_MS + 99_000)
    gaps = [b - a for a, b in pairwise(found)]
    assert max(gaps) - min(gaps) <= 1_000


def test_equity_when_it_fits_or_starts_later_then_every_point_comes(journal: SqlJournal) -> None:
    journal.commit((only("a", GENESIS, *(equity(START_MS + i) for i in range(100)), equity(START_MS + 99, "1")),))
    assert len(journal.equity(0, 100)) == 100
    assert journal.equity(START_MS + 98, 10) == [equity(START_MS + 98), equity(START_MS + 99, "1")]
    assert journal.equity(START_MS + 100, 10) == []


def test_digest_when_the_same_steps_were_cut_otherwise_then_it_agrees_with_the_projection(
    url: str, opened: Opened, clock: Callable[[], int]
) -> None:
    journal = opened(url)
    steps = [
        step(0, None, order("o", OrderStatus.SUBMITTED), run("r")),
        step(1, None, order("o", OrderStatus.FILLED), fill("t", "o"), control("c"), equity(5, "1")),
        step(2, None, signal_record("s", SignalStatus.ACCEPTED), equity(5, "2")),
        step(3, None, signal_record("s", SignalStatus.FILLED)),
    ]
    journal.commit(steps[:1])
    journal.commit(steps[1:])
    assert journal.digest() == digest(e for s in steps for e in s.entries)


def test_commit_when_it_is_recorded_then_the_clock_stands_beside_it(
    url: str, journal: SqlJournal, clock: Callable[[], int]
) -> None:
    journal.commit((step(0),))
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT recorded_ms FROM commits")).scalar() == clock() == NOW_MS
    engine.dispose()


def test_open_reader_when_the_writer_works_then_it_follows_and_cannot_write(url: str, opened: Opened) -> None:
    writer = opened(url)
    reader = open_reader(url)
    try:
        for index in range(5):
            writer.commit((step(index),))
            assert reader.counts()["decisions"] == 2 * (index + 1)
            assert reader.snapshot("risk").commit_id == f"bar-{index}"
        with pytest.raises(JournalUnavailable, match="read only"), reader._store.writing():
            pass
    finally:
        reader.close()


def test_open_reader_when_there_is_no_journal_yet_then_it_is_unavailable(url: str) -> None:
    with pytest.raises(JournalUnavailable, match="start the desk"):
        open_reader(url)


def test_open_when_the_schema_is_newer_then_it_says_to_upgrade(url: str, opened: Opened) -> None:
    journal = opened(url)
    with journal._store.writing() as connection:
        connection.execute(sa.text("UPDATE fks_schema SET version_num = '9999'"))
    for attempt in (opened, open_reader):
        with pytest.raises(JournalError, match=r"newer FKS.*upgrade FKS"):
            attempt(url)


@pytest.mark.parametrize("bad", ["", "journal.db", "sqlite://", "sqlite:///:memory:", "mysql://u:secret@h/db"])
def test_open_when_the_url_names_no_usable_database_then_the_config_is_wrong(opened: Opened, bad: str) -> None:
    with pytest.raises(ConfigError) as caught:
        opened(bad)
    assert "secret" not in str(caught.value)


def test_open_when_the_server_is_away_then_it_is_unavailable_and_keeps_the_password(opened: Opened) -> None:
    with pytest.raises(JournalUnavailable) as caught:
        opened("postgresql://fks:secret@127.0.0.1:1/db")
    assert "secret" not in str(caught.value)
