"""Writes a recording: CSV, CSV.gz or Parquet by the name's ending; whole or not at all.

Whatever is written here `adapters.feeds.files` reads back bit for bit. A Parquet file also tells where its bars came
from, under keys that begin with `fks.`.
"""

import contextlib
import gzip
import io
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from fks_actors.adapters.feeds.columns import Columns, Ints
from fks_actors.errors import ConfigError, DataFileError

PREFIX = "fks."
MISSING = "missing"
_PARQUET, _CSV, _GZIP = (".parquet", ".pq"), (".csv",), (".csv.gz",)


def write(path: Path, columns: Columns, about: Mapping[str, str], missing: Ints | None = None) -> None:
    """Write the bars; `about` is kept in Parquet alone.

    Args:
        missing: bars of a finer timeframe that each bar lacks; a column of its own.

    Raises:
        ConfigError: the name's ending is none of ours, or the file cannot be written; what was there stays.
    """
    replace_file(path, encoded(path, columns, about, missing))


def encoded(path: Path, columns: Columns, about: Mapping[str, str], missing: Ints | None = None) -> bytes:
    """The bytes of the file that would be `path`.

    Raises:
        ConfigError: the name's ending is none of ours.
    """
    name = path.name.lower()
    if not name.endswith((*_PARQUET, *_CSV, *_GZIP)):
        raise ConfigError(f"{path}: name a file that ends in .csv, .csv.gz or .parquet")
    frame, out = _frame(columns, missing), io.BytesIO()
    if name.endswith(_PARQUET):
        frame.write_parquet(out, metadata={PREFIX + key: text for key, text in about.items()})
        return out.getvalue()
    frame.write_csv(out)
    return out.getvalue() if name.endswith(_CSV) else gzip.compress(out.getvalue(), mtime=0)


def about_of(path: Path) -> dict[str, str]:
    """What a Parquet file tells of itself; nothing for another format.

    Raises:
        DataFileError: it is no readable Parquet file.
    """
    if not path.name.lower().endswith(_PARQUET):
        return {}
    try:
        told = pl.read_parquet_metadata(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataFileError(str(path), None, f"is not a readable Parquet file: {str(error)[:200]}") from None
    return {key.removeprefix(PREFIX): text for key, text in told.items() if key.startswith(PREFIX)}


def replace_file(path: Path, content: bytes) -> None:
    """Put the bytes in the file's place, on the disk, in one step.

    Raises:
        ConfigError: it cannot be written; what was there stays.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise ConfigError(f"{path} cannot be written: {error.strerror}; check the disk's space and rights") from None


def _frame(columns: Columns, missing: Ints | None) -> pl.DataFrame:
    held = {
        "timestamp": columns.times,
        "open": columns.open,
        "high": columns.high,
        "low": columns.low,
        "close": columns.close,
        "volume": columns.volume,
    }
    return pl.DataFrame(held if missing is None else {**held, MISSING: missing.astype(np.int64)})
