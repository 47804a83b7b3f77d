"""The gate over columns says of every bar what the gate says one by one."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.adapters.feeds.columns import Columns
from fks_actors.backtest import kernels
from fks_actors.backtest.kernels.quality import NO_VOLUME, SPIKE, VOLUME, Judged, judged
from fks_actors.market.config import QualityConfig
from fks_actors.market.plausibility import Plausibility
from fks_actors.market.quality import Flag, QualityGate

MINUTE_MS = 60_000
BITS = {Flag.SPIKE: SPIKE, Flag.NO_VOLUME: NO_VOLUME, Flag.VOLUME: VOLUME}


def columns_of(moves: list[float], volumes: list[float], steps: list[int]) -> Columns:
    times = 1_700_000_000_000 + MINUTE_MS * np.cumsum(steps)
    close = 100.0 * np.exp(np.cumsum(moves))
    return Columns(times.astype(np.int64), close, close, close, close, np.array(volumes))


def agrees(columns: Columns, config: QualityConfig, found: Judged) -> None:
    gate, check = QualityGate(config, MINUTE_MS), Plausibility(config)
    for at, candle in enumerate(columns.candles("BTC/USDT", 0, len(columns.times))):
        said = gate.judge(candle)
        assert found.flags[at] == sum(BITS.get(flag, 0) for flag in said.flags)
        assert found.missing[at] == said.missing
        assert found.deviation[at] == gate.deviation
        implausible = check.take(candle.close, (said.missing + 1) * MINUTE_MS)
        assert not (implausible and found.plausible[at])


rows = st.tuples(
    st.floats(-0.02, 0.02) | st.sampled_from([0.0, 0.3, -0.3, 2.5, -2.5]),
    st.floats(0.0, 1e6) | st.sampled_from([0.0, 1.0, 100.0, 1e5]),
    st.integers(1, 3),
)


@settings(max_examples=60)
@given(st.lists(rows, min_size=1, max_size=200), st.integers(5, 9))
def test_judged_when_any_bars_come_then_it_is_the_gates_word_to_the_last_bit(
    given_rows: list[tuple[float, float, int]], window: int
) -> None:
    moves, volumes, steps = (list(part) for part in zip(*given_rows, strict=True))
    config = QualityConfig(volume_window=window, spike_warm_bars=4)
    columns = columns_of(moves, volumes, steps)
    agrees(columns, config, judged(columns, MINUTE_MS, config))


@pytest.mark.parametrize("window", [48, 49])
def test_judged_when_compiled_then_it_is_the_gates_word_to_the_last_bit(
    window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr(kernels, "WORTH_ROWS", 1)
    rng = np.random.default_rng(3)
    moves, volumes = rng.standard_t(3, 4_000) * 1e-3, rng.lognormal(1.0, 0.9, 4_000).round(4)
    volumes[rng.random(4_000) < 0.02] = 0.0
    steps = np.where(rng.random(4_000) < 0.01, 4, 1)
    config = QualityConfig(volume_window=window)
    columns = columns_of(moves.tolist(), volumes.tolist(), steps.tolist())
    found = judged(columns, MINUTE_MS, config)
    agrees(columns, config, found)
    assert found.flags.any()
    assert math.isclose(found.deviation[-1], 1e-3, rel_tol=2.0)
