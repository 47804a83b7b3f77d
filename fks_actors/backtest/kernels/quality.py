"""`market.quality.QualityGate` and `market.plausibility` over whole columns."""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
import numpy.typing as npt

from fks_actors.adapters.feeds.columns import Columns, Floats, Ints
from fks_actors.backtest.kernels import made_for
from fks_actors.market.config import QualityConfig

SPIKE, NO_VOLUME, VOLUME = 1, 2, 4

Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

_PLACES = 1e4
_TIE = 1e-6
_MINUTE_MS = 60_000
_SURE = 0.9


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
    rows = len(columns.times)
    flags, deviation = np.zeros(rows, np.uint8), np.zeros(rows)
    missing = np.zeros(rows, np.int64)
    missing[1:] = (np.diff(columns.times) - 1) // interval_ms
    kernel = made_for(_gate, rows)
    kernel(
        columns.close, missing, config.spike_z, config.spike_floor / config.spike_z, config.spike_decay,
        config.spike_warm_bars, flags, deviation,
    )  # fmt: skip
    kernel_of_volume = made_for(_volumes, rows)
    kernel_of_volume(_logs(columns.volume), columns.volume, config.volume_window, config.volume_z, flags)
    return Judged(flags, missing, deviation, _plausible(columns, missing, interval_ms, config))


def _plausible(columns: Columns, missing: Ints, interval_ms: int, config: QualityConfig) -> Bools:
    """Well within the limit: `Plausibility` itself is asked about the rest."""
    found = np.ones(len(columns.close), np.bool_)
    move = np.diff(np.log(columns.close))
    part, growth = config.implausible_pct / 100.0, np.sqrt((missing[1:] + 1) * interval_ms / _MINUTE_MS)
    up = np.minimum(log(1.0 + part) * growth, log(10.0))
    down = np.maximum(log(1.0 - part) * growth, -log(10.0))
    found[1:] = (move < up * _SURE) & (move > down * _SURE)
    return found


def _logs(volume: Floats) -> Floats:
    """`round(log(v), 4)` of each volume; 0 where none was traded."""
    traded = volume > 0.0
    exact = np.log(volume, where=traded, out=np.zeros_like(volume)) * _PLACES
    found = np.rint(exact) / _PLACES
    near = np.flatnonzero(np.abs(np.abs(exact - np.trunc(exact)) - 0.5) < _TIE)
    for at in near.tolist():
        found[at] = round(log(volume[at]), 4) if volume[at] > 0.0 else 0.0
    return found


def _gate(close, missing, spike_z, least, decay, warm, flags, deviation):  # type: ignore[no-untyped-def]
    before, squares, weight, returns = 0.0, 0.0, 0.0, 0
    for at in range(len(close)):
        now = close[at]
        if before > 0.0:
            change = log(now / before) / sqrt(missing[at] + 1)
            kept = change
            if returns >= warm:
                spread = max(sqrt(squares / weight), least)
                if abs(change / spread) > spike_z:
                    flags[at] |= 1
                most = spike_z * spread
                kept = min(max(change, -most), most)
            squares = decay * squares + (1.0 - decay) * kept * kept
            weight = decay * weight + (1.0 - decay)
            returns += 1
        before = now
        if returns >= warm:
            deviation[at] = sqrt(squares / weight)


def _volumes(logs, volume, window, limit, flags):  # type: ignore[no-untyped-def]
    ring, ordered = np.zeros(window), np.zeros(window)
    held, oldest = 0, 0
    half = window // 2
    for at in range(len(logs)):
        if volume[at] == 0.0:
            flags[at] |= 2
            continue
        value = logs[at]
        if held == window:
            middle = ordered[half] if window % 2 else (ordered[half - 1] + ordered[half]) / 2
            low = int(np.searchsorted(ordered, middle)) - 1
            high = low + 1
            last = spread = 0.0
            for _ in range(half + 1):
                last = spread
                down = middle - ordered[low] if low >= 0 else np.inf
                up = ordered[high] - middle if high < window else np.inf
                if down <= up:
                    spread = down
                    low -= 1
                else:
                    spread = up
                    high += 1
            if window % 2 == 0:
                spread = (last + spread) / 2
            z = (value - middle) / max(1.4826 * spread, 0.1)
            if abs(z) > limit:
                flags[at] |= 4
            gone = int(np.searchsorted(ordered, ring[oldest]))
        else:
            gone = held
            held += 1
        ring[oldest] = value
        oldest = (oldest + 1) % window
        spot = gone  # the hole that the oldest left moves to where the new value belongs
        while spot > 0 and ordered[spot - 1] > value:
            ordered[spot] = ordered[spot - 1]
            spot -= 1
        while spot < held - 1 and ordered[spot + 1] < value:
            ordered[spot] = ordered[spot + 1]
            spot += 1
        ordered[spot] = value
