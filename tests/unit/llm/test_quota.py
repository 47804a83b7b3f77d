"""A provider's limits hold over every window, whatever the clock does, and survive a restart."""

import json
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from fks_actors.llm.quota import Exhausted, Limits, Usage, admit, correct, from_plain, to_plain, today

DAY_MS = 86_400_000
NOON_MS = 1_700_000_000_000 // DAY_MS * DAY_MS + DAY_MS // 2


def test_admit_when_the_day_is_used_up_then_how_long_until_midnight() -> None:
    limits, usage = Limits(requests_per_day=2), Usage()
    for _ in range(2):
        after = admit(usage, limits, 10, NOON_MS)
        assert isinstance(after, Usage)
        usage = after
    assert admit(usage, limits, 10, NOON_MS) == Exhausted("requests_per_day", DAY_MS // 2)
    assert isinstance(admit(usage, limits, 10, NOON_MS + DAY_MS // 2), Usage)
    assert today(usage, limits, NOON_MS + DAY_MS // 2) == 0


def test_admit_when_the_day_is_another_zones_then_it_begins_at_its_midnight() -> None:
    limits = Limits(requests_per_day=1, zone=ZoneInfo("America/Los_Angeles"))
    utc_midnight = NOON_MS + DAY_MS // 2
    used = admit(Usage(), limits, 0, utc_midnight - 1)
    assert isinstance(used, Usage)
    assert admit(used, limits, 0, utc_midnight) == Exhausted("requests_per_day", 8 * 3_600_000)
    assert isinstance(admit(used, limits, 0, utc_midnight + 8 * 3_600_000), Usage)


def test_admit_when_only_a_share_may_be_used_then_the_rest_is_left_for_others() -> None:
    limits, usage = Limits(requests_per_day=10), Usage()
    for _ in range(8):
        usage = admit(usage, limits, 0, NOON_MS, 0.8)  # type: ignore[assignment]
    assert isinstance(admit(usage, limits, 0, NOON_MS, 0.8), Exhausted)
    assert isinstance(admit(usage, limits, 0, NOON_MS), Usage)


def test_admit_when_the_clock_goes_back_then_nothing_is_given_back() -> None:
    limits = Limits(requests_per_day=1)
    used = admit(Usage(), limits, 0, NOON_MS)
    assert isinstance(used, Usage)
    assert isinstance(admit(used, limits, 0, NOON_MS - 3 * DAY_MS), Exhausted)


def test_correct_when_more_or_less_was_used_then_the_minute_holds_what_was_used() -> None:
    limits = Limits(tokens_per_minute=1_000)
    used = admit(Usage(), limits, 600, NOON_MS)
    assert isinstance(used, Usage)
    assert isinstance(admit(used, limits, 500, NOON_MS), Exhausted)
    assert isinstance(admit(correct(used, 600, 100, NOON_MS), limits, 900, NOON_MS), Usage)
    assert isinstance(admit(correct(used, 600, 900, NOON_MS + 1_500), limits, 200, NOON_MS + 2_000), Exhausted)


steps = st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 400)), max_size=60)


@given(steps, st.integers(1, 6), st.integers(300, 1_500), st.integers(1, 20))
def test_admit_when_asked_at_any_time_then_no_minute_and_no_day_holds_more_than_the_limit(
    asked: list[tuple[int, int]], per_minute: int, tokens: int, per_day: int
) -> None:
    limits = Limits(per_minute, tokens, per_day)
    usage, now_ms = Usage(), NOON_MS
    taken: list[tuple[int, int]] = []
    for wait_ms, size in asked:
        now_ms += wait_ms
        after = admit(usage, limits, size, now_ms)
        assert len(usage.recent) <= 61
        if isinstance(after, Usage):
            usage = from_plain(json.loads(json.dumps(to_plain(after))))
            assert usage == after
            taken.append((now_ms, size))
        else:
            assert after.wait_ms > 0
    for start, _ in taken:
        window = [size for at, size in taken if start <= at < start + 60_000]
        assert len(window) <= per_minute
        assert sum(window) <= tokens
    for day in {at // DAY_MS for at, _ in taken}:
        assert sum(at // DAY_MS == day for at, _ in taken) <= per_day
