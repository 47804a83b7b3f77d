"""A volume's score is a recount of median and MAD, and one absurd volume misleads nobody."""

import json
from math import log
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.market.config import QualityConfig
from fks_actors.market.quality import Flag, QualityGate
from fks_actors.market.volume import VolumeGauge
from tests.unit.bars import HOUR_MS, bar

volumes = st.one_of(st.floats(1e-3, 1e6), st.sampled_from([5e-324, 1e308, 10.0, 11.0]))


@given(st.lists(volumes, max_size=40), volumes)
def test_take_when_the_window_is_full_then_z_is_a_direct_recount(before: list[float], volume: float) -> None:
    gauge = VolumeGauge(9)
    for each in before:
        gauge.take(each)
    logs = [round(log(each), 4) for each in before][-9:]
    expected = 0.0
    if len(logs) == 9:
        middle = median(logs)
        spread = median(abs(each - middle) for each in logs)
        expected = (round(log(volume), 4) - middle) / max(1.4826 * spread, 0.1)
    assert gauge.take(volume) == pytest.approx(expected, abs=1e-9)


@given(st.lists(volumes, max_size=60), st.integers(0, 60))
def test_restore_when_cut_anywhere_then_the_scores_go_on_bit_for_bit(all_of: list[float], cut: int) -> None:
    straight, first, second = VolumeGauge(9), VolumeGauge(9), VolumeGauge(9)
    for each in all_of[:cut]:
        straight.take(each)
        first.take(each)
    second.restore(json.loads(json.dumps(first.state())))
    assert [repr(second.take(v)) for v in all_of[cut:]] == [repr(straight.take(v)) for v in all_of[cut:]]


def gate_after(volumes: list[float]) -> QualityGate:
    gate = QualityGate(QualityConfig(), HOUR_MS)
    for at, volume in enumerate(volumes):
        gate.judge(bar(at, volume=volume))
    return gate


@pytest.mark.parametrize(("volume", "unusual"), [(10.0, False), (13.0, False), (40.0, True), (2.0, True)])
def test_judge_when_the_volume_is_far_from_the_usual_then_it_is_flagged(volume: float, unusual: bool) -> None:
    gate = gate_after([9.0, 10.0, 11.0] * 16)
    quality = gate.judge(bar(48, volume=volume))
    assert (Flag.VOLUME in quality.flags) is unusual
    assert (abs(quality.volume_z) > 5.0) is unusual


def test_judge_when_a_third_of_the_window_is_absurd_then_the_next_one_still_shows() -> None:
    gate = gate_after([9.0, 10.0, 1e9] * 5 + [9.0, 10.0, 11.0] * 11)
    assert Flag.VOLUME in gate.judge(bar(48, volume=1e9)).flags


def test_judge_when_nothing_traded_then_that_is_no_volume_and_teaches_nothing() -> None:
    gate = gate_after([9.0, 10.0, 11.0] * 16)
    before = gate.state()["volumes"]
    assert gate.judge(bar(48, volume=0.0)).flags == (Flag.NO_VOLUME,)
    assert gate.state()["volumes"] == before
