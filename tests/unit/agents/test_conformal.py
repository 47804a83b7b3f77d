"""Intervals keep their word whatever comes, stay in order, and leave the median alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.agents.conformal import Conformal

LEVELS = tuple(round(0.05 * step, 2) for step in range(1, 20))

quantile_lists = st.lists(st.floats(-1, 1), min_size=19, max_size=19).map(sorted)


@given(
    st.lists(st.tuples(quantile_lists, st.floats(-3, 3)), min_size=1, max_size=60), st.sampled_from([0.001, 0.01, 0.1])
)
def test_adjust_when_anything_came_before_then_ordered_and_the_median_unmoved(
    told: list[tuple[list[float], float]], rate: float
) -> None:
    conformal = Conformal(LEVELS, rate)
    for raw, outcome in told:
        adjusted = conformal.adjust(np.array(raw))
        assert (np.diff(adjusted) >= 0.0).all()
        assert adjusted[9] == raw[9]
        conformal.learn(adjusted, outcome)


@given(st.lists(st.tuples(quantile_lists, st.floats(-3, 3)), min_size=1, max_size=80))
def test_learn_when_outcomes_are_any_then_the_offset_is_the_rate_times_the_surplus_outside(
    told: list[tuple[list[float], float]],
) -> None:
    conformal, outside = Conformal(LEVELS, 0.01), np.zeros(9)
    for raw, outcome in told:
        adjusted = conformal.adjust(np.array(raw))
        outside += [outcome < adjusted[at] or outcome > adjusted[-1 - at] for at in range(9)]
        conformal.learn(adjusted, outcome)
    should = 2.0 * np.array(LEVELS[:9]) * len(told)
    assert conformal.offsets == pytest.approx(0.01 * (outside - should), abs=1e-12)


@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
def test_learn_when_a_model_is_wrong_about_the_width_then_nine_in_ten_come_to_lie_inside(spread: float) -> None:
    rng, conformal = np.random.default_rng(11), Conformal(LEVELS, 0.01)
    raw = np.quantile(rng.normal(size=20_000), LEVELS) * spread
    inside = []
    for _ in range(6_000):
        adjusted = conformal.adjust(raw)
        outcome = rng.normal()
        inside.append(adjusted[0] <= outcome <= adjusted[-1])
        conformal.learn(adjusted, outcome)
    assert np.mean(inside[2_000:]) == pytest.approx(0.9, abs=0.02)


def test_adjust_when_the_rate_is_nothing_then_nothing_moves() -> None:
    conformal, raw = Conformal(LEVELS, 0.0), np.linspace(-1, 1, 19)
    for _ in range(20):
        conformal.learn(conformal.adjust(raw), 5.0)
    assert (conformal.adjust(raw) == raw).all()


def test_restore_when_levels_are_others_then_refused() -> None:
    conformal = Conformal(LEVELS, 0.01)
    conformal.learn(np.linspace(-1, 1, 19), 2.0)
    again = Conformal(LEVELS, 0.01)
    again.restore(conformal.state())
    assert (again.offsets == conformal.offsets).all()
    with pytest.raises(ValueError, match="9 offsets for 1"):
        Conformal((0.05, 0.5, 0.95), 0.01).restore(conformal.state())
