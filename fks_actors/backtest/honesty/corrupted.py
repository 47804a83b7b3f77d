"""A recording whose future is another one: every bar after an instant, in other order, scaled, and still a valid bar.

Rows change places, high, low, open and close of one row by one factor together, so that they keep their order; one
factor more moves them all away from where the past ended. Volumes are scaled on their own. Times stay: when bars open
is known beforehand.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from fks_actors.adapters.feeds.columns import Columns, Floats
from fks_actors.adapters.feeds.replay import Track
from fks_actors.backtest.past import Past

_ROW, _VOLUME = 0.1, 0.5
_AWAY = (0.5, 0.7, 1.4, 2.0)


def corrupted(past: Past, after_ms: int, seed: int) -> Past:
    """The past with every bar that opened after `after_ms` replaced. The same seed makes the same future."""
    rng = np.random.default_rng(seed)
    tracks: Iterable[Track] = (
        replace(track, recording=replace(track.recording, columns=_after(track.columns, after_ms, rng)))
        for track in past.tracks
    )
    return replace(past, tracks=tuple(tracks))


def _after(columns: Columns, after_ms: int, rng: np.random.Generator) -> Columns:
    keep = int(np.searchsorted(columns.times, after_ms, side="right"))
    count = len(columns.times) - keep
    if not count:
        return columns
    rows = keep + rng.permutation(count)
    factor = rng.choice(_AWAY) * np.exp(rng.normal(0.0, _ROW, count))
    thicker = np.exp(rng.normal(0.0, _VOLUME, count))

    def after(column: Floats, by: Floats) -> Floats:
        return np.concatenate((column[:keep], column[rows] * by))

    return Columns(
        columns.times,
        after(columns.open, factor),
        after(columns.high, factor),
        after(columns.low, factor),
        after(columns.close, factor),
        after(columns.volume, thicker),
    )
