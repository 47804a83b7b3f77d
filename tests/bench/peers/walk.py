"""The bars of the work: a geometric random walk, seed 7, one minute each, rounded to the cent."""

from pathlib import Path

import numpy as np

COUNT = 500_000
START_MS = 1_704_067_200_000


def walk() -> np.ndarray:
    """timestamp (ms UTC), open, high, low, close, volume in rows: shape (6, COUNT)."""
    rng = np.random.default_rng(7)
    close = 30_000 * np.exp(np.cumsum(rng.normal(0, 0.0006, COUNT)))
    open_ = np.concatenate([[30_000.0], close[:-1]])
    up, down = np.abs(rng.normal(0, 0.0003, COUNT)), np.abs(rng.normal(0, 0.0003, COUNT))
    high, low = np.maximum(open_, close) * (1 + up), np.minimum(open_, close) * (1 - down)
    volume = rng.lognormal(1.0, 0.7, COUNT).round(4)
    open_, high, low, close = (column.round(2) for column in (open_, high, low, close))
    high, low = np.maximum.reduce([open_, high, low, close]), np.minimum.reduce([open_, high, low, close])
    times = START_MS + 60_000.0 * np.arange(COUNT)
    return np.vstack([times, open_, high, low, close, volume])


def written(folder: Path, count: int) -> tuple[Path, Path]:
    """The first `count` bars in `folder`, as a table of numpy's and as a recording; made where they are not there."""
    table, recording = folder / f"bars-{count}.npy", folder / f"BTCUSDT-{count}-1m.csv"
    if not (table.exists() and recording.exists()):
        bars = walk()[:, :count]
        np.save(table, bars)
        rows = ["timestamp,open,high,low,close,volume"]
        rows += [f"{at:.0f},{o!r},{h!r},{lo!r},{c!r},{v!r}" for at, o, h, lo, c, v in bars.T.tolist()]
        recording.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return table, recording
