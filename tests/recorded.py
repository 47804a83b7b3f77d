"""The recorded prices that forecasts are measured on."""

import csv
import gzip
import os
from pathlib import Path

from fks_actors.model.candles import Candle

_DATA = Path(os.environ.get("FKS_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
HOURLY = _DATA / "ohlcv" / "BTCUSDT-1h.csv.gz"
YEAR_2024_MS = 1_704_067_200_000
MISSING = "the shared data is not here; set FKS_TEST_DATA"


def hourly() -> list[Candle]:
    """BTC/USDT by the hour, 2022 to 2024."""
    with gzip.open(HOURLY, "rt") as lines:
        rows = csv.reader(lines)
        next(rows)
        return [Candle("BTC/USDT", int(ts), *map(float, rest)) for ts, *rest in rows]
