"""Recordings made of a random walk, as a run reads them."""

from collections.abc import Mapping

import numpy as np

from fks_actors.adapters.feeds.columns import Columns, gaps_of
from fks_actors.adapters.feeds.files import Recording
from fks_actors.adapters.feeds.replay import ReplayFeed, Track
from fks_actors.backtest.past import Past

START_MS, HOUR_MS = 1_704_067_200_000, 3_600_000


def walk(bars: int, seed: int, sigma: float = 0.01, dry: float = 0.0, missing: float = 0.0) -> Columns:
    """Hourly bars of a fat-tailed random walk; a share `dry` without volume, a share `missing` left out."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.standard_t(4, bars) * sigma * 0.7))
    opens = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opens, close) * (1 + np.abs(rng.normal(0, sigma / 3, bars)))
    low = np.minimum(opens, close) * (1 - np.abs(rng.normal(0, sigma / 3, bars)))
    volume = np.where(rng.random(bars) < dry, 0.0, rng.lognormal(8.0, 0.8, bars)).round(4)
    times = START_MS + HOUR_MS * np.arange(bars)
    opens, high, low, close = (each.round(2) for each in (opens, high, low, close))
    high, low = np.maximum.reduce([opens, high, low, close]), np.minimum.reduce([opens, high, low, close])
    kept = rng.random(bars) >= missing
    kept[0] = True
    return Columns(*(each[kept] for each in (times, opens, high, low, close, volume)))


def past_of(series: Mapping[str, Columns], warm: int = 0) -> Past:
    """A past of these columns, the first `warm` batches of which are learnt from only."""
    tracks = [
        Track(symbol, Recording(f"{symbol}.csv", columns, ()), HOUR_MS, gaps_of(columns.times, HOUR_MS))
        for symbol, columns in series.items()
    ]
    times = np.unique(np.concatenate([track.columns.times for track in tracks]))
    return Past(ReplayFeed(tracks, None).describe(), tuple(tracks), times, warm, len(times), warm)


def changed_after(columns: Columns, row: int, seed: int) -> Columns:
    """The same bars up to `row`, others after it."""
    rng = np.random.default_rng(seed)
    factor = np.ones(len(columns.times))
    factor[row + 1 :] = np.exp(np.cumsum(rng.normal(0, 0.02, len(factor) - row - 1)))
    prices = [(p * factor).round(2) for p in (columns.open, columns.high, columns.low, columns.close)]
    high, low = np.maximum.reduce(prices), np.minimum.reduce(prices)
    volume = np.where(factor == 1.0, columns.volume, columns.volume * 3 + 1)
    return Columns(columns.times, prices[0], high, low, prices[3], volume)
