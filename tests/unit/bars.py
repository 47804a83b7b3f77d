"""Bars for the unit tests of market, memory, agents and desk: builders and Hypothesis strategies."""

import random
from collections.abc import Sequence

from hypothesis import strategies as st

from fks_actors.model.candles import Candle

HOUR_MS = 3_600_000
SYMBOL = "BTC/USDT"


def bar(
    at: int, close: float = 100.0, volume: float = 10.0, symbol: str = SYMBOL, interval_ms: int = HOUR_MS
) -> Candle:
    """The flat candle number `at`."""
    return Candle(symbol, at * interval_ms, close, close, close, close, volume)


def bars_of(closes: Sequence[float], volumes: Sequence[float] | None = None, symbol: str = SYMBOL) -> list[Candle]:
    """One candle a close; each opens at the close before it."""
    opens = [closes[0], *closes]
    volumes = volumes if volumes is not None else [10.0] * len(closes)
    return [
        Candle(symbol, at * HOUR_MS, opening, max(opening, close), min(opening, close), close, volume)
        for at, (opening, close, volume) in enumerate(zip(opens, closes, volumes, strict=False))
    ]


class Walk(list[Candle]):
    """Bars that print as the seed they came from."""

    def __init__(self, seed: int, count: int, close: float) -> None:
        rng = random.Random(seed)
        self.name = f"Walk({seed}, {count}, {close})"
        closes, volumes = [], []
        for _ in range(count):
            kind = rng.random()
            if kind > 0.15:
                close = max(close * (1.0 + rng.gauss(0.0, 0.5 if kind > 0.99 else 0.01)), 1e-10)
            closes.append(close)
            volumes.append(0.0 if rng.random() < 0.1 else rng.expovariate(0.01))
        super().__init__(bars_of(closes, volumes))

    def __repr__(self) -> str:
        return self.name


def walks(least: int = 1, most: int = 300) -> st.SearchStrategy[Walk]:
    """Seeded random walks with flat stretches, jumps and volumes that dry up: what markets look like."""
    begin = st.sampled_from([1e-6, 0.37, 42.0, 65_000.0])
    return st.builds(Walk, st.integers(0, 2**32 - 1), st.integers(least, most), begin)


extreme_closes = st.one_of(st.floats(1e-12, 1e12), st.sampled_from([1e-12, 1e12, 1.0]), st.floats(99.0, 101.0))
extreme_volumes = st.one_of(st.just(0.0), st.floats(0.0, 1e12), st.sampled_from([1e-12, 1e12, 5e-324]))


@st.composite
def extremes(draw: st.DrawFn, least: int = 1, most: int = 120) -> list[Candle]:
    """Bars from 1e-12 to 1e12, constant stretches, no volume."""
    stretches = draw(st.lists(st.tuples(extreme_closes, extreme_volumes, st.integers(1, 30)), min_size=1, max_size=12))
    pairs = [(close, volume) for close, volume, times in stretches for _ in range(times)]
    pairs = (pairs * (1 + least // len(pairs)))[: max(most, least)]
    return bars_of([close for close, _ in pairs], [volume for _, volume in pairs])
