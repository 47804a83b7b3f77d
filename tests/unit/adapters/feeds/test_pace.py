"""When bars are due."""

import pytest

from fks_actors.adapters.feeds.pace import Pace
from tests.unit.adapters.feeds.clockwork import Clockwork

MINUTE = 60_000
TIMES = [i * MINUTE for i in range(1, 2_000)]


def after(cursor: int) -> list[int]:
    return [t for t in TIMES if t > cursor]


@pytest.fixture
def clock() -> Clockwork:
    return Clockwork()


async def test_due_when_first_asked_then_one_bar_at_once_and_the_next_after_its_time(clock: Clockwork) -> None:
    pace = Pace(60, clock, clock.sleep)
    assert await pace.due(-1, TIMES, 5) == 1
    assert clock.slept == []
    assert await pace.due(MINUTE, after(MINUTE), 5) == 1
    assert clock.slept == [pytest.approx(1.0)]


async def test_due_when_the_wait_is_too_short_then_none_and_no_time_is_lost(clock: Clockwork) -> None:
    pace = Pace(1, clock, clock.sleep)
    await pace.due(-1, TIMES, 0)
    waits = [await pace.due(MINUTE, after(MINUTE), 25) for _ in range(3)]
    assert waits == [0, 0, 1]
    assert sum(clock.slept) == pytest.approx(60)


async def test_due_when_the_caller_is_slow_then_it_catches_up_in_one_call(clock: Clockwork) -> None:
    pace = Pace(60, clock, clock.sleep)
    await pace.due(-1, TIMES, 0)
    clock.now_s += 3.5
    assert await pace.due(MINUTE, after(MINUTE), 0) == 3


async def test_due_when_the_caller_stayed_away_then_it_is_spared_the_arrears(clock: Clockwork) -> None:
    pace = Pace(60, clock, clock.sleep, slack_s=5)
    await pace.due(-1, TIMES, 0)
    clock.now_s += 600
    assert await pace.due(MINUTE, after(MINUTE), 0) == 6
    assert await pace.due(7 * MINUTE, after(7 * MINUTE), 0.5) == 0


@pytest.mark.parametrize("cursor", [0, 900 * MINUTE])
async def test_due_when_the_cursor_jumps_then_the_clock_starts_anew_there(clock: Clockwork, cursor: int) -> None:
    pace = Pace(60, clock, clock.sleep)
    await pace.due(-1, TIMES, 0)
    await pace.due(MINUTE, after(MINUTE), 2)
    assert await pace.due(cursor, after(cursor), 0) == 1


async def test_due_when_the_speed_is_max_then_everything_at_once(clock: Clockwork) -> None:
    assert await Pace(None, clock, clock.sleep).due(-1, TIMES, 5) == len(TIMES)
    assert clock.now_s == 1_000.0


async def test_due_when_there_is_nothing_left_then_the_wait_is_waited_out(clock: Clockwork) -> None:
    assert await Pace(None, clock, clock.sleep).due(5, [], 2.5) == 0
    assert clock.slept == [2.5]
