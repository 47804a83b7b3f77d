"""`market.quality.QualityGate` and `market.plausibility` over whole columns, to the last bit.

The deviation is a recursion and goes row by row. The robust score of a volume is computed only where it can be beyond
the limit. Every few rows the window is put in order: until the next such row only as many of its values have left, so
the median lies between its values that many places off the middle, and the deviation is at least half of the shortest
stretch that holds half of a window less as many.
"""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
import numpy.typing as npt

from fks_actors.adapters.feeds.columns import Columns, Floats, Ints
from fks_actors.market.config import QualityConfig
from fks_actors.market.volume import VolumeGauge

SPIKE, NO_VOLUME, VOLUME = 1, 2, 4

Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

_MINUTE_MS = 60_000
_SURE = 0.9
_SCALE, _LEAST = 1.4826, 0.1
_ROUNDED, _NEAR = 1e-3, 1e-2
"""More than the rounding of the logs can matter: in a log, and in a score."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The gate's word on every row: `flags` as bits, `missing` bars before it, the gate's `deviation` after it, and
    whether the move from the row before is plausible beyond doubt."""

    flags: Bytes
    missing: Ints
    deviation: Floats
    plausible: Bools


def judged(columns: Columns, interval_ms: int, config: QualityConfig) -> Judged:
    """Judge usable, ascending rows from the first on, without a clock."""
    missing = np.zeros(len(columns.times), np.int64)
    missing[1:] = (np.diff(columns.times) - 1) // interval_ms
    spikes, deviation = _moves(columns.close, missing, config)
    flags = np.where(columns.volume == 0.0, NO_VOLUME, 0).astype(np.uint8)
    flags[spikes] |= SPIKE
    flags[_volumes(columns.volume, config)] |= VOLUME
    return Judged(flags, missing, deviation, _plausible(columns, missing, interval_ms, config))


def _moves(close: Floats, missing: Ints, config: QualityConfig) -> tuple[list[int], Floats]:
    """The rows whose move is a spike, and the deviation after each row."""
    ratios = (close[1:] / close[:-1]).tolist()
    changes = list(map(log, ratios))
    for at in np.flatnonzero(missing[1:]).tolist():
        changes[at] = changes[at] / sqrt(int(missing[at + 1]) + 1)
    warm, limit, least = config.spike_warm_bars, config.spike_z, config.spike_floor / config.spike_z
    decay, share = config.spike_decay, 1.0 - config.spike_decay
    squares = weight = 0.0
    spikes: list[int] = []
    found = [0.0] * len(close)
    at = 0
    for change in changes[:warm]:
        at += 1
        squares = decay * squares + share * change * change
        weight = decay * weight + share
    deviation = sqrt(squares / weight) if at >= warm else 0.0
    found[at] = deviation
    for change in changes[warm:]:
        at += 1
        spread = deviation if deviation > least else least
        most = limit * spread
        if not -most * _SURE < change < most * _SURE:
            if abs(change / spread) > limit:
                spikes.append(at)
            change = min(max(change, -most), most)
        squares = decay * squares + share * change * change
        weight = decay * weight + share
        found[at] = deviation = sqrt(squares / weight)
    return spikes, np.array(found)


def _volumes(volume: Floats, config: QualityConfig) -> Ints:
    """The rows whose volume is out of the usual."""
    window, limit = config.volume_window, config.volume_z
    rows = np.flatnonzero(volume > 0.0)
    traded = volume[rows]
    if len(rows) <= window:
        return rows[:0]
    logs = np.log(traded)
    step = max(window // 6, 1)
    starts = np.arange(0, len(rows) - window, step)
    ordered = np.sort(np.lib.stride_tricks.sliding_window_view(logs, window)[starts], axis=1)
    half = window // 2
    low, high = max(half - 1 - step, 0), min(half + step, window - 1)
    span = max(half - step, 1)
    deviation = np.maximum(
        _SCALE / 2.0 * (ordered[:, span - 1 :] - ordered[:, : window - span + 1]).min(axis=1), _LEAST
    )
    reach = limit * deviation - _ROUNDED
    block = np.repeat(np.arange(len(starts)), step)[: len(rows) - window]
    later = logs[window:]
    beyond = (later > (ordered[:, low] + reach)[block]) | (later < (ordered[:, high] - reach)[block])
    places = _near(logs, np.flatnonzero(beyond), window, limit)
    found = [at for at in (places + window).tolist() if abs(_score(traded, at, window)) > limit]
    return rows[found]


def _near(logs: Floats, starts: Ints, window: int, limit: float) -> Ints:
    """The windows after which a value comes whose score, but for the rounding of the logs, is near the limit."""
    held = np.lib.stride_tricks.sliding_window_view(logs, window)[starts]
    middle = np.median(held, axis=1)
    spread = np.median(np.abs(held - middle[:, None]), axis=1)
    score = (logs[starts + window] - middle) / np.maximum(_SCALE * spread, _LEAST)
    near: Ints = starts[np.abs(score) > limit * (1.0 - _NEAR) - _NEAR]
    return near


def _score(traded: Floats, at: int, window: int) -> float:
    gauge = VolumeGauge(window)
    for volume in traded[at - window : at].tolist():
        gauge.take(volume)
    return gauge.take(float(traded[at]))


def _plausible(columns: Columns, missing: Ints, interval_ms: int, config: QualityConfig) -> Bools:
    """Well within the limit: `Plausibility` itself is asked about the rest."""
    found = np.ones(len(columns.close), np.bool_)
    move = np.diff(np.log(columns.close))
    part, growth = config.implausible_pct / 100.0, np.sqrt((missing[1:] + 1) * interval_ms / _MINUTE_MS)
    up = np.minimum(log(1.0 + part) * growth, log(10.0))
    down = np.maximum(log(1.0 - part) * growth, -log(10.0))
    found[1:] = (move < up * _SURE) & (move > down * _SURE)
    return found
