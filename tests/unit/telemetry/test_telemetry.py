"""Samples of many processes become one page, and totals never fall."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from fks_actors.errors import InvariantError
from fks_actors.telemetry import FAMILIES, Gathering, Kind, Telemetry, merge


def read(page: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_families_when_listed_then_names_are_unique_and_well_formed() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    for family in FAMILIES:
        assert family.name.startswith("fks_")
        assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)
        assert family.help.endswith(".")


def test_merge_when_every_family_is_used_then_page_parses_with_its_kinds() -> None:
    telemetry = Telemetry("a")
    for family in FAMILIES:
        labels = [f'odd "{name}"\\\n' for name in family.labels]
        if family.kind is Kind.COUNTER:
            telemetry.counter(family.name, *labels).inc(2)
        elif family.kind is Kind.HISTOGRAM:
            telemetry.histogram(family.name, *labels).observe(0.3)
        else:
            telemetry.gauge(family.name, *labels).set(2)
    page = merge({"a": telemetry.snapshot()})
    found = {family.name: family.type for family in text_string_to_metric_families(page)}
    for family in FAMILIES:
        kind = {Kind.COUNTER: "counter", Kind.HISTOGRAM: "histogram"}.get(family.kind, "gauge")
        assert found[family.name.removesuffix("_total")] == kind
    assert "_created" not in page


def test_merge_when_processes_are_two_then_counters_add_and_gauges_follow_their_rule() -> None:
    first, second = Telemetry("a"), Telemetry("b")
    for telemetry, times in ((first, 2), (second, 3)):
        telemetry.counter("fks_webhook_requests_total", "accepted").inc(times)
        telemetry.gauge("fks_webhook_in_flight").set(times)
        telemetry.gauge("fks_equity_quote").set(times)
        telemetry.histogram("fks_journal_append_seconds").observe(0.002 * times)
    found = read(merge({"a": first.snapshot(), "b": second.snapshot()}))
    assert found["fks_webhook_requests_total", (("code", "accepted"),)] == 5
    assert found["fks_webhook_in_flight", ()] == 5
    assert found["fks_equity_quote", ()] == 3
    assert found["fks_journal_append_seconds_count", ()] == 2
    assert found["fks_journal_append_seconds_bucket", (("le", "0.005"),)] == 1
    assert found["fks_journal_append_seconds_bucket", (("le", "+Inf"),)] == 2


def test_merge_when_a_process_died_then_its_counts_stay_and_its_gauges_go() -> None:
    gone = Telemetry("gone")
    gone.counter("fks_webhook_duplicates_total").inc(7)
    gone.gauge("fks_webhook_in_flight").set(4)
    found = read(merge({}, {"gone": gone.snapshot()}))
    assert found["fks_webhook_duplicates_total", ()] == 7
    assert ("fks_webhook_in_flight", ()) not in found


def test_merge_when_nothing_was_counted_then_plain_counters_are_zero() -> None:
    assert read(merge({}))["fks_webhook_stale_total", ()] == 0


def test_counter_when_family_is_a_gauge_then_refused() -> None:
    with pytest.raises(InvariantError):
        Telemetry("a").counter("fks_equity_quote")


def test_children_when_asked_for_twice_then_the_same() -> None:
    telemetry = Telemetry("a")
    assert telemetry.counter("fks_candles_total", "BTC/USDT") is telemetry.counter("fks_candles_total", "BTC/USDT")


@pytest.mark.parametrize("max_dead", [2, 256])
@given(steps=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40_000)), max_size=60))
def test_page_when_processes_come_and_go_then_totals_never_fall(max_dead: int, steps: list[tuple[int, int]]) -> None:
    gathering = Gathering(silent_ms=10_000, max_dead=max_dead)
    living: dict[int, Telemetry] = {}
    now_ms = made = 0
    before = 0.0
    for total, (slot, passed_ms) in enumerate(steps, 1):
        now_ms += passed_ms
        if slot not in living or passed_ms > 10_000:
            made += 1
            living[slot] = Telemetry(f"{slot}-{made}")
        telemetry = living[slot]
        telemetry.counter("fks_webhook_stale_total").inc()
        telemetry.gauge("fks_webhook_in_flight").set(1)
        gathering.push(telemetry.source, telemetry.snapshot(), now_ms)
        found = read(gathering.page(now_ms))
        after = found["fks_webhook_stale_total", ()]
        assert before <= after <= total
        assert after == total or max_dead == 2
        assert 1 <= found["fks_webhook_in_flight", ()] <= len(living)
        before = after
