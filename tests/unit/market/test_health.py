"""Scores stay in 0..1 and follow their formula; what only notes never fails a source; what failed recovers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.market.config import QualityConfig
from fks_actors.market.health import FEED, WEIGHTS, Health
from fks_actors.market.quality import Flag
from fks_actors.market.witnesses import deviations

BTC, ETH = "BTC/USDT", "ETH/USDT"
NOTES = (Flag.GAP, Flag.SPIKE, Flag.VOLUME, Flag.NO_VOLUME)
marks = st.tuples(st.lists(st.sampled_from(Flag), max_size=4, unique=True), st.integers(0, 50))


def health(**settings: float) -> Health:
    return Health(QualityConfig(**settings))  # type: ignore[arg-type]


def score(made: Health, symbol: str = BTC) -> float:
    source = made.report({}).of(symbol)
    assert source is not None
    return source.score


def fails(made: Health, symbol: str = BTC) -> bool:
    source = made.report({}).of(symbol)
    assert source is not None
    return source.fails


@given(st.lists(marks, min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_mark_when_anything_is_flagged_then_the_score_follows_its_formula_within_0_and_1(
    bars: list[tuple[list[Flag], int]], decay: float
) -> None:
    made, expected = health(score_decay=decay), 1.0
    for flags, missing in bars:
        made.mark(FEED, BTC, flags, missing)
        expected *= decay**missing
        expected = decay * expected + (1 - decay) * max(0.0, 1.0 - sum(WEIGHTS.get(f, 0.0) for f in flags))
        assert 0.0 <= score(made) <= 1.0
        assert score(made) == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 500), st.floats(0.01, 0.99))
def test_mark_when_nothing_is_ever_wrong_then_the_score_is_exactly_1(bars: int, decay: float) -> None:
    made = health(score_decay=decay)
    for _ in range(bars):
        made.mark(FEED, BTC)
    assert (score(made), fails(made), made.report({}).paused) == (1.0, False, False)


@given(st.lists(st.sampled_from(NOTES[1:]), min_size=1, max_size=300))
def test_mark_when_one_note_comes_with_every_bar_then_the_source_never_fails(notes: list[Flag]) -> None:
    made = health()
    for note in notes:
        made.mark(FEED, BTC, (note,))
        assert not fails(made)


@given(st.lists(marks, max_size=20), st.sampled_from([(), (Flag.NO_VOLUME,), (Flag.SPIKE, Flag.VOLUME)]))
def test_mark_when_the_worst_is_over_then_within_nine_bars_it_recovers_even_where_nothing_trades(
    bars: list[tuple[list[Flag], int]], notes: tuple[Flag, ...]
) -> None:
    made = health()
    for flags, missing in bars:
        made.mark(FEED, BTC, flags, missing)
    for _ in range(9):
        made.mark(FEED, BTC, notes)
    assert not fails(made)


@pytest.mark.parametrize(("missing", "failing_bars"), [(1, 0), (4, 0), (5, 2), (34, 4), (10_000, 4)])
def test_mark_when_bars_were_missing_then_it_fails_for_so_many_good_bars(missing: int, failing_bars: int) -> None:
    made, failed = health(), 0
    made.mark(FEED, BTC)
    made.mark(FEED, BTC, (Flag.GAP,), missing)
    while fails(made):
        failed += 1
        made.mark(FEED, BTC)
    assert failed == failing_bars


def test_mark_when_the_score_lies_between_the_limits_then_it_stays_what_it_was() -> None:
    made = health()
    made.mark(FEED, BTC, missing=4)
    assert 0.5 < score(made) < 0.6
    assert not fails(made)
    made.mark(FEED, BTC, missing=5)
    made.mark(FEED, BTC)
    made.mark(FEED, BTC)
    assert 0.5 < score(made) < 0.6
    assert fails(made)


@pytest.mark.parametrize("flag", [Flag.STALE, Flag.DEVIATION, Flag.IMPLAUSIBLE])
def test_mark_when_the_trouble_is_of_now_then_it_fails_at_once_and_is_over_with_it(flag: Flag) -> None:
    made = health()
    made.mark(FEED, BTC, (flag,))
    assert fails(made)
    made.mark(FEED, BTC)
    assert not fails(made)


@pytest.mark.parametrize(("sources", "paused"), [(1, True), (2, True), (9, True), (10, False), (11, False)])
def test_report_when_one_source_fails_then_more_than_a_tenth_pauses(sources: int, paused: bool) -> None:
    made = health()
    for number in range(sources):
        made.mark(FEED, f"S{number}/USDT", (Flag.STALE,) if not number else ())
    report = made.report({})
    assert (report.paused, bool(report.reason)) == (paused, paused)
    assert report.share == pytest.approx(1 / sources)


def test_report_when_paused_then_the_reason_names_sources_score_and_limit() -> None:
    made = health()
    made.mark(FEED, BTC, missing=9)
    made.mark("binance", BTC)
    assert made.report({}).reason == "1 of 2 data sources fail, 10% may: feed BTC/USDT (score 0.31, limit 0.5)"


def test_report_when_a_bar_is_overdue_then_it_fails_and_one_that_is_gone_does_not_count() -> None:
    made = health()
    made.mark(FEED, BTC)
    made.mark(FEED, ETH)
    assert made.report({ETH: False}).paused
    gone = made.report({ETH: True})
    assert (gone.paused, gone.share) == (False, 0.0)
    source = gone.of(ETH)
    assert source is not None
    assert (source.fails, source.present) == (True, False)


def test_heard_when_a_venue_tells_nothing_then_it_is_no_source_and_keeps_its_score() -> None:
    made = health()
    made.mark(FEED, BTC)
    for _ in range(4):
        made.mark("okx", BTC, (Flag.DEVIATION,), 0, 0.5)
    assert made.report({}).paused
    made.heard(BTC, (FEED, "kraken"))
    made.heard(ETH, (FEED,))
    assert not made.report({}).paused
    assert [(s.name, s.present) for s in made.report({}).sources] == [(FEED, True), ("okx", False)]
    made.mark("okx", BTC)
    assert made.report({}).paused


def test_report_when_there_is_no_source_then_nothing_is_paused() -> None:
    assert not health().report({}).paused


steps = st.tuples(st.sampled_from([FEED, "okx"]), st.sampled_from([BTC, ETH]), marks, st.booleans())


@given(st.lists(steps, max_size=40), st.integers(0, 40))
def test_restore_when_cut_anywhere_then_health_goes_on_bit_for_bit(told: list[Any], cut: int) -> None:
    straight, first, second = health(), health(), health()

    def tell(made: Health, step: Any) -> None:
        name, symbol, (flags, missing), there = step
        if there:
            made.mark(name, symbol, flags, missing, 0.1 * missing)
        else:
            made.heard(symbol, (name,))

    for step in told[:cut]:
        tell(straight, step)
        tell(first, step)
    second.restore(json.loads(json.dumps(first.state())))
    for step in told[cut:]:
        tell(straight, step)
        tell(second, step)
    assert repr(second.report({})) == repr(straight.report({}))


def test_deviations_when_one_of_three_is_wrong_then_only_that_one_deviates() -> None:
    found = deviations({"feed": 100.0, "a": 101.0, "b": 150.0})
    assert [name for name, apart in found.items() if apart > 0.02] == ["b"]


def test_deviations_when_there_are_two_then_both_do_and_alone_none() -> None:
    assert deviations({"feed": 100.0, "a": 110.0}) == pytest.approx({"feed": 0.1, "a": 0.1})
    assert deviations({"feed": 100.0}) == {}


@given(st.dictionaries(st.text("abc", min_size=1), st.floats(1e-9, 1e9), min_size=2, max_size=6))
def test_deviations_when_all_agree_then_zero_else_never_negative(prices: dict[str, float]) -> None:
    assert set(deviations(dict.fromkeys(prices, 5.0)).values()) == {0.0}
    assert all(apart >= 0.0 for apart in deviations(prices).values())
