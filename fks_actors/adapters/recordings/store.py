"""The store: `<root>/<exchange>/<BASE-QUOTE>-<timeframe>.parquet`."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fks_actors.adapters.feeds.columns import Fault, Gaps, Ints, gaps_of, interval_of
from fks_actors.adapters.feeds.config import TIMEFRAMES
from fks_actors.adapters.recordings.formats import about_of
from fks_actors.adapters.recordings.growing import part_of
from fks_actors.errors import DataFileError

_ENDING = ".parquet"


@dataclass(frozen=True, slots=True)
class Entry:
    """One recording of the store. Times are opens, UTC ms; `error` says why the file cannot be used, or is empty."""

    exchange: str
    symbol: str
    timeframe: str
    path: Path
    size: int
    rows: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    gaps: Gaps | None = None
    source: str = ""
    fetched_at: str = ""
    unfinished: bool = False
    error: str = ""


def path_in(root: Path, exchange: str, symbol: str, timeframe: str) -> Path:
    """Where the recording of a symbol is."""
    return root / exchange / f"{symbol.replace('/', '-')}-{timeframe}{_ENDING}"


def entries(root: Path) -> list[Entry]:
    """Everything that the store holds, by exchange, symbol and timeframe; other files are not looked at."""
    found = [_entry(path) for path in root.glob(f"*/*-*-*{_ENDING}") if path.is_file()]
    order = list(TIMEFRAMES)
    place = {name: i for i, name in enumerate(order)}
    return sorted(found, key=lambda e: (e.exchange, e.symbol, place.get(e.timeframe, len(order)), e.timeframe))


def _entry(path: Path) -> Entry:
    pair, _, timeframe = path.name.removesuffix(_ENDING).rpartition("-")
    base, _, quote = pair.partition("-")
    exchange, symbol, size = path.parent.name, f"{base}/{quote}", path.stat().st_size
    unfinished = part_of(path).exists()
    try:
        about, times = about_of(path), _times(path)
        gaps = gaps_of(times, TIMEFRAMES.get(timeframe) or interval_of(times) or 1)
    except (DataFileError, Fault) as error:
        text = error.message
        return Entry(exchange, symbol, timeframe, path, size, unfinished=unfinished, error=text)
    first, last = (int(times[0]), int(times[-1])) if len(times) else (None, None)
    told = about.get("source", ""), about.get("fetched_at", "")
    return Entry(exchange, symbol, timeframe, path, size, len(times), first, last, gaps, *told, unfinished)


def _times(path: Path) -> Ints:
    try:
        series = pl.read_parquet(path, columns=["timestamp"])["timestamp"]
        return series.cast(pl.Int64).to_numpy()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataFileError(str(path), None, f"is not a readable Parquet file: {str(error)[:200]}") from None
