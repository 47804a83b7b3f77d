"""The arithmetic of the simulated market: one symbol's bars, block by block, from a seed.

Log returns follow a three-state Markov regime (drift and volatility of a rising, falling or sideways market), a
GARCH(1,1) variance (Bollerslev 1986), and Poisson jumps. All symbols share the regime, the market's jumps and a factor,
so they are correlated. High and low are drawn from the exact law of a Brownian bridge's extremes between open and
close: max = (r + sqrt(r^2 - 2 v ln U)) / 2. Volume rises with volatility.

A block draws its first variance and regime anew; only the price runs on. So a bar depends on (seed, symbol, block) and
on the returns between it and bar 0, whose open is the anchor price: the same arguments give the same bars anywhere.
"""

import math
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fks_actors.adapters.feeds.columns import Columns

Floats = npt.NDArray[np.float64]

BLOCK = 1_440
_MARKET = "*"
_DRIFT = np.array([0.05, -0.05, 0.0])
_SCALE = np.array([1.0, 1.3, 0.75])
_STAY = 1 - 1 / 300
_ALPHA, _BETA = 0.08, 0.90
_COMMON = math.sqrt(0.7)
_PULL = 0.02
_JUMP_CHANCE, _JUMP_SIGMAS = 1 / 1_000, 6.0
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Asset:
    """A symbol's character: first open (quote), price decimals, daily volatility (fraction), base volume a day."""

    price: float
    decimals: int
    daily_volatility: float
    daily_volume: float


_KNOWN = {
    "BTC": Asset(93_500.0, 2, 0.024, 22_000.0),
    "ETH": Asset(3_340.0, 2, 0.031, 340_000.0),
    "SOL": Asset(189.0, 2, 0.042, 3_600_000.0),
    "BNB": Asset(702.0, 2, 0.025, 330_000.0),
    "XRP": Asset(2.09, 4, 0.043, 420_000_000.0),
    "ADA": Asset(0.845, 4, 0.045, 150_000_000.0),
    "DOGE": Asset(0.316, 5, 0.047, 1_500_000_000.0),
    "LTC": Asset(103.0, 2, 0.036, 900_000.0),
    "LINK": Asset(20.0, 2, 0.045, 5_000_000.0),
    "AVAX": Asset(35.7, 2, 0.045, 3_500_000.0),
    "DOT": Asset(6.6, 3, 0.043, 9_000_000.0),
}
_OTHER = Asset(100.0, 2, 0.04, 500_000.0)


def asset_of(symbol: str) -> Asset:
    """What a symbol's base is like; an unknown one is an invented middling coin."""
    return _KNOWN.get(symbol.partition("/")[0], _OTHER)


class Path:
    """One symbol's endless bars. Bar 0 opens at `start_ms`; earlier ones have negative indices.

    Args:
        seed: 0 or more; the same seed gives the same market.
        interval_ms: a bar's length; volatility is scaled to it.
    """

    def __init__(self, seed: int, symbol: str, start_ms: int, interval_ms: int) -> None:
        self._seed = seed
        self._symbol = symbol
        self._start_ms = start_ms
        self._interval_ms = interval_ms
        self._asset = asset_of(symbol)
        self._sigma = self._asset.daily_volatility * math.sqrt(interval_ms / _DAY_MS)
        self._opens: dict[int, float] = {0: 0.0}
        self._cache: dict[int, Columns] = {}

    def block(self, number: int) -> Columns:
        """Bars `number * BLOCK` up to the next block; the last few blocks are kept."""
        found = self._cache.get(number)
        if found is None:
            while len(self._cache) >= 4:
                del self._cache[next(iter(self._cache))]
            found = self._cache[number] = self._columns(number)
        return found

    def _open_of(self, number: int) -> float:
        """Log of the block's first open over the anchor price."""
        step = 1 if number > 0 else -1
        known = number
        while known not in self._opens:
            known -= step
        for block in range(known, number, step):
            here = self._opens[block]
            if step > 0:
                self._opens[block + 1] = here + float(np.cumsum(self._returns(block, here)[0])[-1])
            else:
                self._opens[block - 1] = here - float(np.cumsum(self._returns(block - 1, 0.0)[0])[-1])
        return self._opens[number]

    def _returns(self, number: int, level: float) -> tuple[Floats, Floats]:
        """Log returns and standard deviations of a block; from bar 0 on a weak pull keeps the price near its anchor."""
        market, own = self._random(_MARKET, number, 0), self._random(self._symbol, number, 0)
        regime = _regimes(market)
        shock = _COMMON * market.standard_normal(BLOCK) + math.sqrt(1 - _COMMON**2) * own.standard_normal(BLOCK)
        variance = _garch(shock, float(np.exp(0.5 * own.standard_normal())))
        sigma = self._sigma * np.sqrt(variance) * _SCALE[regime]
        jumps = _jumps(market) + _jumps(own)
        returns = _DRIFT[regime] * self._sigma + sigma * shock + self._sigma * jumps
        if number >= 0:
            returns = returns - _PULL * level / BLOCK
        return returns, sigma

    def _columns(self, number: int) -> Columns:
        level = self._open_of(number)
        returns, sigma = self._returns(number, level if number >= 0 else 0.0)
        random = self._random(self._symbol, number, 1)
        ends = level + np.concatenate(([0.0], np.cumsum(returns)))
        ends[-1] = self._opens.setdefault(number + 1, float(ends[-1]))
        spread = -2 * sigma**2
        up = (returns + np.sqrt(returns**2 + spread * np.log1p(-random.random(BLOCK)))) / 2
        down = (returns - np.sqrt(returns**2 + spread * np.log1p(-random.random(BLOCK)))) / 2
        prices = self._price(ends)
        open_, close = prices[:-1], prices[1:]
        heat = sigma / self._sigma * (0.6 + 0.4 * np.abs(returns) / sigma)
        noise = np.exp(0.35 * random.standard_normal(BLOCK))
        volume = self._asset.daily_volume * self._interval_ms / _DAY_MS * heat**1.5 * noise
        index = np.arange(number * BLOCK, (number + 1) * BLOCK, dtype=np.int64)
        return Columns(
            self._start_ms + index * self._interval_ms,
            open_,
            np.maximum(self._price(ends[:-1] + up), np.maximum(open_, close)),
            np.minimum(self._price(ends[:-1] + down), np.minimum(open_, close)),
            close,
            np.round(volume, 5),
        )

    def _price(self, level: Floats) -> Floats:
        decimals = self._asset.decimals
        return np.maximum(np.round(self._asset.price * np.exp(level), decimals), 10.0**-decimals)

    def _random(self, name: str, number: int, stream: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, zlib.crc32(name.encode()), number + 2**32, stream])


def _regimes(random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Each bar's regime: it stays with a fixed chance, else any of the three is drawn."""
    drawn = random.integers(0, len(_DRIFT), BLOCK)
    anew = random.random(BLOCK) >= _STAY
    anew[0] = True
    return np.asarray(drawn[np.maximum.accumulate(np.where(anew, np.arange(BLOCK), 0))], dtype=np.int64)


def _garch(shock: Floats, first: float) -> Floats:
    """Variances relative to the long-run one: v' = (1 - a - b) + a v z^2 + b v."""
    variance, value = [], first
    for z in shock.tolist():
        variance.append(value)
        value = (1 - _ALPHA - _BETA) + value * (_ALPHA * z * z + _BETA)
    return np.array(variance)


def _jumps(random: np.random.Generator) -> Floats:
    return random.poisson(_JUMP_CHANCE, BLOCK) * random.standard_normal(BLOCK) * _JUMP_SIGMAS
