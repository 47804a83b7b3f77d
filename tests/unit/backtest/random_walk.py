"""A geometric random walk of one-minute bars: the benchmark's, drawn from the same seed."""

from pathlib import Path

import numpy as np

START_MS = 1_704_067_200_000
MINUTE = 60_000
_ALL = 500_000


def columns(count: int) -> list[tuple[float, float, float, float, float]]:
    """Open, high, low, close and volume of the first `count` of 500,000 bars."""
    rng = np.random.default_rng(7)
    close = 30_000 * np.exp(np.cumsum(rng.normal(0, 0.0006, _ALL)))
    open_ = np.concatenate([[30_000.0], close[:-1]])
    up, down = np.abs(rng.normal(0, 0.0003, _ALL)), np.abs(rng.normal(0, 0.0003, _ALL))
    high, low = np.maximum(open_, close) * (1 + up), np.minimum(open_, close) * (1 - down)
    volume = rng.lognormal(1.0, 0.7, _ALL).round(4)
    open_, high, low, close = (x.round(2) for x in (open_, high, low, close))
    high, low = np.maximum.reduce([open_, high, low, close]), np.minimum.reduce([open_, high, low, close])
    return list(zip(*(x[:count].tolist() for x in (open_, high, low, close, volume)), strict=True))


def write(folder: Path, count: int) -> str:
    """Write the first `count` bars; return what `--data` would name."""
    path = folder / "BTCUSDT-1m.csv"
    rows = ["timestamp,open,high,low,close,volume"]
    for at, bar in enumerate(columns(count)):
        rows.append(f"{START_MS + at * MINUTE}," + ",".join(map(repr, bar)))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return f"BTC/USDT={path}"
