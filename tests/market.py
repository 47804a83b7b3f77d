"""A made-up market that the specialists trade: bars in memory and as files that a replay reads."""

import math
import random
from datetime import UTC, datetime
from pathlib import Path

from fks_actors.model.candles import BarBatch, Candle

SYMBOLS = ("BTC/USDT", "ETH/USDT")
MINUTE = 60_000
START = 1_700_000_040_000


def batches(count: int, seed: int = 3, start_ms: int = START) -> list[BarBatch]:
    """`count` one-minute bars of both symbols, waves with noise."""
    rng = random.Random(seed)
    prices = {"BTC/USDT": 30_000.0, "ETH/USDT": 2_000.0}
    made = []
    for i in range(count):
        candles = []
        for symbol, price in prices.items():
            drift = 0.004 * math.sin(i / 40)
            close = price * math.exp(drift + rng.gauss(0, 0.002))
            high, low = max(price, close) * 1.001, min(price, close) * 0.999
            candles.append(Candle(symbol, start_ms + i * MINUTE, price, high, low, close, rng.uniform(50, 150)))
            prices[symbol] = close
        made.append(BarBatch(start_ms + i * MINUTE, MINUTE, tuple(candles)))
    return made


def write_files(folder: Path, bars: list[BarBatch]) -> str:
    """Write one CSV a symbol; return the replay spec."""
    paths = []
    for symbol in SYMBOLS:
        path = folder / f"{symbol.replace('/', '')}-1m.csv"
        rows = ["timestamp,open,high,low,close,volume"]
        for batch in bars:
            c = next(c for c in batch.candles if c.symbol == symbol)
            rows.append(f"{c.ts_ms},{c.open!r},{c.high!r},{c.low!r},{c.close!r},{c.volume!r}")
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        paths.append(str(path))
    return "replay:" + ",".join(paths)


def write_news(folder: Path, bars: list[BarBatch]) -> str:
    """Headlines about both symbols every seven minutes, good ones while prices rise; return the file's path."""
    path = folder / "headlines.csv"
    rows = ["published,source,subject,title"]
    for place in range(0, len(bars), 7):
        at = datetime.fromtimestamp(bars[place].ts_ms / 1_000 + 20, UTC).isoformat()
        moved = "surges to a record high" if math.sin(place / 40) > 0 else "plunges after a hack"
        rows += [f"{at},wire,crypto,{name} {moved} as fund number {place} reports" for name in ("Bitcoin", "Ether")]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(path)
