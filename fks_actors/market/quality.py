"""The quality gate: bad data is flagged loudly, never mended. The caller decides what a flag stops."""

from enum import StrEnum
from math import inf, log, sqrt
from typing import Any

import msgspec

from fks_actors.errors import InvariantError
from fks_actors.market.config import QualityConfig
from fks_actors.market.volume import VolumeGauge
from fks_actors.model.candles import Candle

_PRICE_LEAST, _PRICE_MOST = 1e-15, 1e15


class Flag(StrEnum):
    """What is wrong with a bar. The first three keep it out of the indicators: it must not be traded on.

    VOLUME is far from what is usual. DEVIATION and IMPLAUSIBLE are found by comparing: with other sources of the
    symbol, and with what a price can do in that time (`witnesses`, `plausibility`).
    """

    INVALID = "invalid"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out_of_order"
    GAP = "gap"
    SPIKE = "spike"
    NO_VOLUME = "no_volume"
    VOLUME = "volume"
    DEVIATION = "deviation"
    IMPLAUSIBLE = "implausible"
    STALE = "stale"


class Quality(msgspec.Struct, frozen=True, gc=False):
    """The gate's word on one bar: `missing` bars before it, `z` = its log return in standard deviations, `volume_z` =
    its log volume in robust ones."""

    flags: tuple[Flag, ...] = ()
    missing: int = 0
    z: float = 0.0
    volume_z: float = 0.0


def usable(candle: Candle) -> bool:
    """Whether every figure is finite, prices lie in 1e-15..1e15, volume >= 0 and low <= open, close <= high.

    Outside that range ratios of two bars would leave the floats' range. NaN fails every comparison.
    """
    low, high = candle.low, candle.high
    return (
        _PRICE_LEAST <= low <= candle.open <= high <= _PRICE_MOST
        and low <= candle.close <= high
        and 0.0 <= candle.volume < inf
    )


class QualityGate:
    """Judges one symbol's bars in the order of their arrival.

    The spike's measure is the log return over the EWMA deviation of the returns before it (RiskMetrics, 1996); a spike
    enters that deviation clipped to the limit (winsorised, Huber 1981), so that one bad print does not blind the gate:
    it moves the deviation by 11 % at most (decay 0.97, limit 3), while a lasting change of volatility is followed. A
    window's median and MAD would resist longer, and so call a new regime spikes for half its length; the price is that
    fat-tailed returns bring the deviation out a little low, so that more is flagged than by the normal law.
    Bars that are invalid, duplicate or out of order leave the gate's state as it is.

    Args:
        config: limits.
        interval_ms: a bar's length.
    """

    __slots__ = ("_close", "_config", "_interval_ms", "_last_ms", "_returns", "_squares", "_volume", "_weight")

    def __init__(self, config: QualityConfig, interval_ms: int) -> None:
        self._config = config
        self._interval_ms = interval_ms
        self._last_ms: int | None = None
        self._returns = 0
        self._close = self._squares = self._weight = 0.0
        self._volume = VolumeGauge(config.volume_window)

    def judge(self, candle: Candle, now_ms: int | None = None) -> Quality:
        """Flag the bar. Without `now_ms` (replays) its age is not judged."""
        if not usable(candle):
            return Quality((Flag.INVALID,))
        last_ms = self._last_ms
        if last_ms is not None and candle.ts_ms <= last_ms:
            return Quality((Flag.DUPLICATE if candle.ts_ms == last_ms else Flag.OUT_OF_ORDER,))
        missing = 0 if last_ms is None else (candle.ts_ms - last_ms - 1) // self._interval_ms
        z = self._take(candle.close, missing + 1)
        self._last_ms = candle.ts_ms
        flags: list[Flag] = []
        if missing:
            flags.append(Flag.GAP)
        if abs(z) > self._config.spike_z:
            flags.append(Flag.SPIKE)
        volume_z = self._volume.take(candle.volume) if candle.volume > 0.0 else 0.0
        if candle.volume == 0.0:
            flags.append(Flag.NO_VOLUME)
        if abs(volume_z) > self._config.volume_z:
            flags.append(Flag.VOLUME)
        if now_ms is not None and now_ms - (candle.ts_ms + self._interval_ms) > self._limit_ms():
            flags.append(Flag.STALE)
        return Quality(tuple(flags), missing, z, volume_z)

    def skip(self, bars: int) -> None:
        """Pass over bars without judging them: only a gate that knows its words beforehand can.

        Raises:
            InvariantError: this gate cannot.
        """
        raise InvariantError(f"a gate that judges bar by bar cannot pass over {bars} of them")

    def overdue(self, now_ms: int) -> bool:
        """Whether the bar after the last one should have come: it closed longer ago than a bar may be late."""
        return self._last_ms is not None and now_ms - (self._last_ms + 2 * self._interval_ms) > self._limit_ms()

    def gone(self, now_ms: int) -> bool:
        """Whether no bar came for so long that none is to be expected."""
        most_ms = (self._config.gone_bars + 1) * self._interval_ms
        return self.overdue(now_ms) and self._last_ms is not None and now_ms - self._last_ms > most_ms

    @property
    def last_ms(self) -> int | None:
        """Open time of the last bar that was judged; None before the first."""
        return self._last_ms

    @property
    def deviation(self) -> float:
        """Standard deviation of the log returns a bar; 0.0 until enough of them were seen."""
        return sqrt(self._squares / self._weight) if self._returns >= self._config.spike_warm_bars else 0.0

    def _limit_ms(self) -> float:
        return min(float(self._config.stale_ms), self._config.stale_bars * self._interval_ms)

    def _take(self, close: float, bars: int) -> float:
        """Score the move from the last close over `bars` bars (variance grows with time), then learn from it."""
        before, self._close = self._close, close
        if before <= 0.0:
            return 0.0
        config = self._config
        change = log(close / before) / sqrt(bars)
        z, kept = 0.0, change
        if self._returns >= config.spike_warm_bars:
            deviation = max(sqrt(self._squares / self._weight), config.spike_floor / config.spike_z)
            z = change / deviation
            most = config.spike_z * deviation
            kept = min(max(change, -most), most)
        decay = config.spike_decay
        self._squares = decay * self._squares + (1.0 - decay) * kept * kept
        self._weight = decay * self._weight + (1.0 - decay)
        self._returns += 1
        return z

    def state(self) -> dict[str, Any]:
        """What the next judgements depend on, JSON-able."""
        numbers = [self._close, self._squares, self._weight]
        return {
            "last_ms": self._last_ms,
            "returns": self._returns,
            "numbers": numbers,
            "volumes": self._volume.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue bit for bit from `state()` of a gate with the same config."""
        last_ms = state["last_ms"]
        self._last_ms = None if last_ms is None else int(last_ms)
        self._returns = int(state["returns"])
        self._close, self._squares, self._weight = (float(x) for x in state["numbers"])
        self._volume.restore(state.get("volumes", ()))
