"""Bars. A candle is a measurement (float); money is made from it only through `to_money`."""

import functools
from decimal import Decimal

import msgspec


class Candle(msgspec.Struct, frozen=True, gc=False):
    """One closed bar. `ts_ms` is the bar's OPEN, UTC; prices in quote currency a unit of base, volume in base."""

    symbol: str
    ts_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class BarBatch(msgspec.Struct, frozen=True, gc=False):
    """The bars of one or more symbols that opened at `ts_ms` and closed at `close_ms`; at most one a symbol.

    A symbol whose bar is missing at this instant is absent: nothing is filled in.
    """

    ts_ms: int
    interval_ms: int
    candles: tuple[Candle, ...]

    @property
    def close_ms(self) -> int:
        """The instant at which the bars closed and a decision on them may be taken."""
        return self.ts_ms + self.interval_ms


@functools.lru_cache(maxsize=512, typed=True)
def to_money(value: float) -> Decimal:
    """The Decimal with the fewest digits that reads back as `value` (what the exchange printed)."""
    return Decimal(repr(value))
