"""A market that is made up, and says so wherever it is named: for a desk without network, demonstrations and tests.

The calendar is its own: bar 0 opens at `start_ms`, by default the same instant always, so that a desk that comes
back tomorrow finds the market where it left it.
"""

import asyncio
import time
from dataclasses import dataclass

from fks_actors.adapters.feeds.fictional import BLOCK, Path
from fks_actors.adapters.feeds.pace import Pace
from fks_actors.adapters.feeds.port import (
    BEGINNING,
    Clock,
    Cursor,
    FeedHealth,
    FeedInfo,
    FeedKind,
    Sleep,
    instant,
    merged,
)
from fks_actors.errors import ConfigError
from fks_actors.model.candles import BarBatch, Candle

START_MS = 1_735_689_600_000  # 2025-01-01 00:00 UTC


@dataclass(frozen=True, slots=True)
class SimulatedConfig:
    """The made-up market. `start_ms` is bar 0's open, UTC ms; `history_bars` precede it; `speed` None: no waiting."""

    symbols: tuple[str, ...] = ("BTC/USDT", "ETH/USDT")
    interval_ms: int = 60_000
    seed: int = 7
    start_ms: int = START_MS
    history_bars: int = 1_440
    speed: float | None = 60.0


class SimulatedFeed:
    """Bars from a seed; the same configuration gives the same bars, whichever is asked for first.

    Raises:
        ConfigError: the start is not on the timeframe's grid, or no symbol is given.
    """

    def __init__(
        self,
        config: SimulatedConfig,
        *,
        reason: str = "",
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        if not config.symbols:
            raise ConfigError("the simulated market needs a symbol")
        if config.start_ms % config.interval_ms:
            raise ConfigError(f"start_ms {config.start_ms} is no multiple of the timeframe's {config.interval_ms} ms")
        self._config = config
        self._paths = {s: Path(config.seed, s, config.start_ms, config.interval_ms) for s in config.symbols}
        self._pace = Pace(config.speed, clock, sleep)
        self._info = FeedInfo(
            kind=FeedKind.SIMULATED,
            name="simulated",
            label=f"SIMULATED market (seed {config.seed})",
            simulated=True,
            symbols=config.symbols,
            interval_ms=config.interval_ms,
            reason=reason or "the simulated market was asked for",
            speed=config.speed,
            first_ms=config.start_ms,
            notes=("prices are made up; nothing here happened at any exchange",),
        )

    def describe(self) -> FeedInfo:
        """The market, labelled as simulated."""
        return self._info

    def health(self) -> FeedHealth:
        """A made-up market is always at hand."""
        return FeedHealth()

    async def history(self) -> list[BarBatch]:
        """The `history_bars` before bar 0."""
        return self._batches(-self._config.history_bars, 0)

    async def next(self, after_ms: Cursor, limit: int, wait_s: float) -> list[BarBatch]:
        """Up to `limit` batches after the cursor, at the pace; a cursor before bar 0 is the beginning."""
        config = self._config
        cursor = instant(after_ms, config.symbols)
        first = 0 if cursor == BEGINNING else max(0, (cursor - config.start_ms) // config.interval_ms + 1)
        times = [config.start_ms + i * config.interval_ms for i in range(first, first + limit)]
        count = await self._pace.due(cursor, times, wait_s)
        return self._batches(first, first + count)

    def exhausted(self, after_ms: Cursor) -> bool:
        """Never."""
        return False

    async def close(self) -> None:
        """Nothing to let go of."""

    def _batches(self, first: int, stop: int) -> list[BarBatch]:
        return merged((self._candles(s, first, stop) for s in self._config.symbols), self._config.interval_ms)

    def _candles(self, symbol: str, first: int, stop: int) -> list[Candle]:
        candles: list[Candle] = []
        path = self._paths[symbol]
        at = first
        while at < stop:
            number, offset = divmod(at, BLOCK)
            upto = min(BLOCK, offset + stop - at)
            candles.extend(path.block(number).candles(symbol, offset, upto))
            at += upto - offset
        return candles
