"""The ring is the tail of a list, in columns that nobody else can write."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fks_actors.memory.config import MemoryConfig
from fks_actors.memory.ring import CandleRing, Window
from fks_actors.model.candles import Candle
from tests.unit.bars import walks


def rows(window: Window) -> list[tuple[float, ...]]:
    columns = (window.ts_ms, window.open, window.high, window.low, window.close, window.volume)
    return [tuple(float(x) for x in row) for row in zip(*columns, strict=True)]


def tail(candles: list[Candle], n: int) -> list[tuple[float, ...]]:
    kept = candles[-n:] if n else []
    return [(float(c.ts_ms), c.open, c.high, c.low, c.close, c.volume) for c in kept]


@given(walks(most=80), st.integers(1, 40), st.integers(0, 60))
def test_last_when_any_bars_were_appended_then_it_is_the_lists_tail(candles: list[Candle], size: int, n: int) -> None:
    ring = CandleRing(size)
    for at, candle in enumerate(candles):
        ring.append(candle)
        assert rows(ring.last(n)) == tail(candles[: at + 1], min(n, size))
    assert len(ring) == min(len(candles), size)
    assert ring.last_ts == candles[-1].ts_ms


@given(walks(most=80), st.integers(1, 40), st.integers(0, 80))
def test_extend_when_any_bars_then_the_same_as_appending_each(candles: list[Candle], size: int, cut: int) -> None:
    extended, appended = CandleRing(size), CandleRing(size)
    extended.extend(candles[:cut])
    extended.extend(candles[cut:])
    for candle in candles:
        appended.append(candle)
    assert rows(extended.last(size)) == rows(appended.last(size))
    assert (len(extended), extended.last_ts) == (len(appended), appended.last_ts)


@given(walks(least=10, most=30))
def test_last_when_the_ring_wrapped_then_the_window_is_no_copy(candles: list[Candle]) -> None:
    ring = CandleRing(7)
    ring.extend(candles)
    one, other = ring.last(5), ring.last(7)
    assert np.shares_memory(one.close, other.close)
    assert one.close.flags.c_contiguous
    assert len(one) == 5


def test_write_when_a_window_was_handed_out_then_it_is_refused() -> None:
    ring = CandleRing(3)
    ring.append(Candle("BTC/USDT", 1, 1.0, 2.0, 0.5, 1.5, 10.0))
    window = ring.last(1)
    for column in (window.ts_ms, window.open, window.high, window.low, window.close, window.volume):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0


def test_last_when_the_ring_is_empty_then_the_window_is_too() -> None:
    ring = CandleRing(3)
    assert len(ring.last(3)) == 0
    assert ring.last_ts is None


def test_build_when_sizes_are_senseless_then_they_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        CandleRing(0)
    with pytest.raises(ValueError, match="at least 0"):
        CandleRing(1).last(-1)
    with pytest.raises(ValidationError):
        MemoryConfig.model_validate({"short": 0})
    with pytest.raises(ValidationError):
        MemoryConfig.model_validate({"tiny": 5})
    assert (MemoryConfig().short, MemoryConfig().mid, MemoryConfig().long) == (60, 10_000, 50_000)
