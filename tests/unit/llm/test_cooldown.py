"""How long a provider that failed is left alone."""

import math

import pytest

from fks_actors.llm.cooldown import Cooldown


def test_failed_when_in_a_row_then_twice_as_long_each_time_up_to_a_minute() -> None:
    cooldown, now_s, pauses = Cooldown(), 0.0, []
    for _ in range(10):
        cooldown.failed(0.0, now_s)
        pauses.append(cooldown.left_s(now_s))
        now_s += pauses[-1]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    cooldown.worked()
    cooldown.failed(0.0, now_s)
    assert cooldown.left_s(now_s) == 0.5


def test_failed_when_side_by_side_then_once() -> None:
    cooldown = Cooldown()
    for _ in range(20):
        cooldown.failed(0.0, 5.0)
    assert cooldown.left_s(5.0) == 0.5


@pytest.mark.parametrize(
    ("asked_s", "left_s"), [(7.0, 7.0), (1e12, 86_400.0), (math.inf, 86_400.0), (math.nan, 0.5), (-3.0, 0.5)]
)
def test_failed_when_the_provider_says_how_long_then_so_long_within_reason(asked_s: float, left_s: float) -> None:
    cooldown = Cooldown()
    cooldown.failed(asked_s, 0.0)
    assert cooldown.left_s(0.0) == left_s
