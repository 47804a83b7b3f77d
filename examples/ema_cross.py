"""Long while the fast average of the closes lies above the slow one, flat otherwise."""

from fks_actors.strategies.port import Candle


class EmaCross:
    name = "ema_cross"

    def __init__(self, fast: int = 20, slow: int = 50) -> None:
        if not 0 < fast < slow:
            raise ValueError("fast must lie between 0 and slow")
        self.fast_share, self.slow_share, self.slow = 2 / (fast + 1), 2 / (slow + 1), slow
        self.bars, self.fast_average, self.slow_average = 0, 0.0, 0.0

    def on_bar(self, bar: Candle) -> float | None:
        if self.bars == 0:
            self.fast_average = self.slow_average = bar.close
        self.fast_average += (bar.close - self.fast_average) * self.fast_share
        self.slow_average += (bar.close - self.slow_average) * self.slow_share
        self.bars += 1
        if self.bars < self.slow:
            return None
        return 1.0 if self.fast_average > self.slow_average else 0.0
