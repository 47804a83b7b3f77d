"""The law of the log, over rows in memory: whatever is done to it later shows."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.journal.audit import START, AuditRow, Fault, StoredFact, Verified, Walk, hashed, identity, link
from fks_actors.model.orders import OrderStatus
from fks_actors.model.records import SignalStatus
from tests.journal_scene import START_MS, control, fill, note, order, run, signal_record

COUNT = 8


def chain(count: int) -> tuple[list[AuditRow], list[StoredFact]]:
    """A log of fills and the fills."""
    rows, facts, head = [], [], START
    for seq in range(1, count + 1):
        payload = f'["fill",{{"trade_id":"t{seq}"}}]'
        bare = AuditRow(seq, 1_000 + seq, "fill", f"paper/t{seq}", hashed(payload), "", f"c{seq}")
        head = link(head, bare)
        rows.append(replace(bare, hash=head))
        facts.append(StoredFact("fills", seq, 1_000 + seq, "fill", f"paper/t{seq}", payload))
    return rows, facts


def walked(rows: list[AuditRow], facts: list[StoredFact], noted: str = "") -> Fault | Verified:
    walk = Walk(noted)
    return (
        walk.log(sorted(rows, key=lambda r: r.seq), sorted(facts, key=lambda f: f.seq), lambda _: False)
        or walk.verified
    )


def test_walk_when_nothing_was_done_then_the_head_is_the_last_hash() -> None:
    rows, facts = chain(COUNT)
    assert walked(rows, facts) == Verified({"logged": COUNT, "fill": COUNT}, rows[-1].hash)
    assert walked([], []) == Verified({}, START)
    for row in rows:
        assert isinstance(walked(rows, facts, row.hash), Verified)


CHANGES: dict[str, Any] = {
    "ts_ms": 5,
    "kind": "run",
    "key": "paper/t99",
    "payload_hash": "0" * 64,
    "state_hash": "1",
    "commit_id": "c99",
    "hash": "2" * 64,
}


@given(st.integers(0, COUNT - 1), st.sampled_from(sorted(CHANGES)))
def test_walk_when_a_row_was_changed_then_it_is_named(place: int, name: str) -> None:
    rows, facts = chain(COUNT)
    rows[place] = replace(rows[place], **{name: CHANGES[name]})
    fault = walked(rows, facts)
    assert isinstance(fault, Fault)
    assert (fault.table, fault.seq) == ("audit", place + 1)


@given(st.sets(st.integers(0, COUNT - 1), min_size=1), st.booleans())
def test_walk_when_rows_or_facts_were_removed_then_the_first_is_found(places: set[int], of_the_log: bool) -> None:
    rows, facts = chain(COUNT)
    left = [list(side) for side in (rows, facts)]
    left[not of_the_log] = [one for i, one in enumerate(left[not of_the_log]) if i not in places]
    fault = walked(left[0], left[1])
    assert isinstance(fault, Fault)
    assert min(places) + 1 <= fault.seq <= max(places) + 2


@given(st.permutations(range(COUNT)))
def test_walk_when_rows_or_facts_were_reordered_then_it_shows(order_: list[int]) -> None:
    rows, facts = chain(COUNT)
    moved = [replace(rows[i], seq=place + 1) for place, i in enumerate(order_)]
    swapped = [replace(facts[i], seq=place + 1) for place, i in enumerate(order_)]
    same = order_ == list(range(COUNT))
    assert isinstance(walked(moved, facts), Verified) is same
    assert isinstance(walked(rows, swapped), Verified) is same


@given(st.integers(0, COUNT - 1), st.sampled_from(["payload", "key", "ts_ms", "kind", "doubt"]))
def test_walk_when_a_fact_was_changed_then_it_is_named(place: int, name: str) -> None:
    rows, facts = chain(COUNT)
    facts[place] = replace(facts[place], **{name: 7 if name == "ts_ms" else "another"})
    fault = walked(rows, facts)
    assert isinstance(fault, Fault)
    assert (fault.table, fault.seq) == ("fills", place + 1)


@given(st.integers(0, COUNT - 1))
def test_walk_when_the_end_was_cut_off_whole_then_only_a_noted_head_tells(left: int) -> None:
    rows, facts = chain(COUNT)
    assert isinstance(walked(rows[:left], facts[:left]), Verified)
    fault = walked(rows[:left], facts[:left], rows[left].hash)
    assert isinstance(fault, Fault)
    assert "noted head" in fault.what


def test_walk_when_a_fill_was_told_twice_then_one_stored_before_is_enough() -> None:
    rows, facts = chain(3)
    walk = Walk()
    assert walk.log(rows, facts[:2], lambda row: row.seq == 3) is None
    fault = Walk().log(rows, facts[:2], lambda _: False)
    assert fault is not None
    assert fault.what == "the fill it speaks of is gone"


@pytest.mark.parametrize(
    ("commits", "seq"),
    [
        ([(1, "a", ""), (2, "b", "a"), (4, "d", "c")], 4),
        ([(2, "b", "a")], 2),
        ([(1, "a", ""), (2, "b", "x")], 2),
        ([(1, "a", "x")], 1),
    ],
)
def test_walk_when_the_chain_of_commits_is_broken_then_the_first_one_is_named(
    commits: list[tuple[int, str, str]], seq: int
) -> None:
    fault = Walk().commits(commits)
    assert fault is not None
    assert (fault.table, fault.seq) == ("commits", seq)


def test_link_when_computed_then_it_is_the_form_that_every_journal_holds() -> None:
    row = AuditRow(3_000_001, 1_733_011_200_000, "fill", "paper/t", "ab", "", "bar-2")
    assert link(START, row) == "3fb2f263fb8a335788a597d12cd12ceed18033e3460eba5ceb3c4e69399ec66b"
    assert link(START, replace(row, hash="own")) == link(START, row)


def test_identity_when_asked_then_each_kind_has_its_key_and_instant() -> None:
    entries = (
        order("o", OrderStatus.FILLED, updated_ms=5),
        signal_record("s", SignalStatus.OPEN),
        fill("t", "o"),
        control("why"),
        run("r", 7),
        note("unauthorized"),
    )
    assert [identity(entry) for entry in entries] == [
        ("o", 5),
        ("s", START_MS),
        ("paper/t", START_MS),
        ("halted", START_MS),
        ("r", 7),
        ("unauthorized", START_MS),
    ]
