"""What is known of an exchange's closed bars: the bars, and where it is known that there is none. No network here."""

from collections.abc import Iterable, Sequence

from fks_actors.model.candles import Candle


class Ledger:
    """Closed bars by symbol and open time. A bar that was once stored is never changed.

    Args:
        keep: how many bars a symbol to remember at least; older ones are forgotten and may be asked for again.
    """

    def __init__(self, symbols: Sequence[str], interval_ms: int, keep: int) -> None:
        self._interval_ms = interval_ms
        self._keep = keep
        self._bars: dict[str, dict[int, Candle]] = {s: {} for s in symbols}
        self._running: dict[str, Candle] = {}
        self._covered: dict[str, tuple[int, int]] = {}

    def stream(self, candle: Candle) -> bool:
        """Take an update of the bar that is being traded; True where it shows that the bar before has closed."""
        before = self._running.get(candle.symbol)
        if before is not None and candle.ts_ms < before.ts_ms:
            return False
        self._running[candle.symbol] = candle
        closed = before is not None and candle.ts_ms > before.ts_ms
        if closed and before is not None:
            self.store([before])
        return closed

    def interrupted(self, symbols: Iterable[str]) -> None:
        """A stream broke: what was last seen of the running bars is not how they will close."""
        for symbol in symbols:
            self._running.pop(symbol, None)

    def store(self, candles: Iterable[Candle]) -> int:
        """Remember closed bars; how many were new."""
        new = 0
        for candle in candles:
            bars = self._bars[candle.symbol]
            if candle.ts_ms in bars:
                continue
            bars[candle.ts_ms] = candle
            new += 1
            if len(bars) > 2 * self._keep:
                self._bars[candle.symbol] = dict(list(bars.items())[-self._keep :])
                self._covered.pop(candle.symbol, None)
        return new

    def cover(self, symbol: str, first_ms: int, last_ms: int) -> None:
        """The exchange has told all bars that opened from `first_ms` to `last_ms`: others do not exist."""
        if last_ms < first_ms:
            return
        low, high = self._covered.get(symbol, (first_ms, last_ms))
        apart = first_ms > high + self._interval_ms or last_ms < low - self._interval_ms
        self._covered[symbol] = (first_ms, last_ms) if apart else (min(low, first_ms), max(high, last_ms))

    def knows(self, symbol: str, ts_ms: int) -> bool:
        """Whether the bar, or its absence, is known."""
        low, high = self._covered.get(symbol, (0, -1))
        return ts_ms in self._bars[symbol] or low <= ts_ms <= high

    def unknown(self, ts_ms: int) -> list[str]:
        """The symbols whose bar at `ts_ms` is not known."""
        return [s for s in self._bars if not self.knows(s, ts_ms)]

    def at(self, ts_ms: int) -> tuple[Candle, ...]:
        """The bars that opened at `ts_ms`."""
        return tuple(bars[ts_ms] for bars in self._bars.values() if ts_ms in bars)
