"""Reads a recording: CSV, CSV.gz or Parquet with the columns timestamp, open, high, low, close, volume.

A file is read whole or refused with the line that is wrong. CSV is read without polars: a worker that replays
needs neither its memory nor its start-up time; only Parquet imports it.
"""

import contextlib
import csv
import gzip
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fks_actors.adapters.feeds.columns import NAMES, Columns, Fault, Floats, checked
from fks_actors.errors import DataFileError

if TYPE_CHECKING:
    import polars as pl

_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_NUMERIC = b"0123456789.,+-eE"


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A file's bars. `extra` are columns that were not read."""

    path: str
    columns: Columns
    extra: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A file's numbers as they stand, in the order of `NAMES`; no rule of `columns` was asked of them."""

    path: str
    values: list[Floats]
    extra: tuple[str, ...]


def read(path: str) -> Recording:
    """The bars of one file.

    Raises:
        DataFileError: the file is missing, unreadable, malformed, or breaks a rule of `columns`.
    """
    raw = _bytes(path)
    if _is_parquet(path, raw):
        return _parquet(path)
    return parse_csv(path, raw)


def read_table(path: str) -> Table:
    """The numbers of one file, be they bars or not.

    Raises:
        DataFileError: the file is missing, unreadable or malformed.
    """
    raw = _bytes(path)
    values, extra = _parquet_values(path) if _is_parquet(path, raw) else _csv_values(path, raw)
    return Table(path, values, extra)


def line_of(path: str, row: int) -> int:
    """The 1-based line (CSV) or row (Parquet) of the 0-based bar `row`."""
    raw = _bytes(path)
    return row + 1 if raw[:4] == _PARQUET else _line_of(raw, row)


def parse_csv(path: str, raw: bytes) -> Recording:
    """The bars of a CSV text; `path` is for the error only.

    Raises:
        DataFileError: as `read`.
    """
    values, extra = _csv_values(path, raw)
    try:
        columns = checked(values)
    except Fault as fault:
        raise DataFileError(path, None if fault.row is None else _line_of(raw, fault.row), fault.message) from None
    return Recording(path, columns, extra)


def _is_parquet(path: str, raw: bytes) -> bool:
    return raw[:4] == _PARQUET or path.lower().endswith((".parquet", ".pq"))


def _csv_values(path: str, raw: bytes) -> tuple[list[Floats], tuple[str, ...]]:
    lines = raw.removeprefix(b"\xef\xbb\xbf").splitlines()
    at = next((i for i, line in enumerate(lines) if line.strip()), None)
    if at is None:
        raise DataFileError(path, None, "the file is empty")
    header = _header(path, at + 1, lines[at])
    order = [header.index(name) for name in NAMES]
    values = _quick(lines[at + 1 :], order, len(header))
    if values is None:
        values = _slow(path, lines, at, order, len(header))
    return values, tuple(name for name in header if name not in NAMES)


def _bytes(path: str) -> bytes:
    file = Path(path)
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        raise DataFileError(path, None, "no such file") from None
    except IsADirectoryError:
        raise DataFileError(path, None, "is a folder; name the file") from None
    except (OSError, ValueError) as error:
        raise DataFileError(path, None, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if raw[:2] == _GZIP:
        try:
            return gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise DataFileError(path, None, f"damaged gzip file: {error}") from None
    if path.lower().endswith(".gz"):
        raise DataFileError(path, None, "is not a gzip file, although its name ends in .gz")
    return raw


def _header(path: str, line: int, text: bytes) -> list[str]:
    try:
        header = [name.strip().lower() for name in next(csv.reader([text.decode()]))]
    except (UnicodeDecodeError, csv.Error):
        raise DataFileError(path, line, "the header is not text; is this a CSV file?") from None
    _require(path, line, header)
    return header


def _require(path: str, line: int | None, header: list[str]) -> None:
    lacking = [name for name in NAMES if name not in header]
    if lacking:
        raise DataFileError(
            path, line, f"no column {', '.join(lacking)}; found {', '.join(header)[:200]}; needed {', '.join(NAMES)}"
        )
    twice = [name for name in NAMES if header.count(name) > 1]
    if twice:
        raise DataFileError(path, line, f"column {', '.join(twice)} comes twice")


def _quick(lines: list[bytes], order: list[int], width: int) -> list[Floats] | None:
    """All columns in one pass where every field is a plain number; None leaves it to `_slow`, which names the line."""
    while lines and not lines[-1].strip():
        lines.pop()
    if any(line.count(b",") != width - 1 for line in lines):
        return None
    text = b",".join(lines)
    if text.translate(None, _NUMERIC) or b",," in text or text[:1] == b"," or text[-1:] == b",":
        return None  # fromstring is lenient about blanks and empty fields
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            flat = np.fromstring(text, dtype=np.float64, sep=",")
        except (DeprecationWarning, ValueError):
            return None
    if flat.size != len(lines) * width:
        return None
    table = flat.reshape(len(lines), width)
    return [np.ascontiguousarray(table[:, i]) for i in order]


def _slow(path: str, lines: list[bytes], at: int, order: list[int], width: int) -> list[Floats]:
    rows: list[list[float]] = []
    reader = csv.reader(line.decode(errors="replace") for line in lines[at + 1 :])
    try:
        for fields in reader:
            if _blank(fields):
                continue
            line = at + 1 + reader.line_num
            if len(fields) != width:
                raise DataFileError(path, line, f"{len(fields)} fields where the header has {width}")
            rows.append([_number(path, line, name, fields[i]) for name, i in zip(NAMES, order, strict=True)])
    except csv.Error as error:
        raise DataFileError(path, at + 1 + reader.line_num, f"not CSV: {error}") from None
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(NAMES))
    return [np.ascontiguousarray(table[:, i]) for i in range(len(NAMES))]


def _number(path: str, line: int, name: str, text: str) -> float:
    try:
        if "_" in text:
            raise ValueError
        return float(text)
    except ValueError:
        hint = "; UTC milliseconds since 1970 are expected" if name == "timestamp" else ""
        raise DataFileError(path, line, f"{name} is {text[:40]!r}, not a number{hint}") from None


def _line_of(raw: bytes, row: int) -> int:
    """Counts as `_slow` does; only asked once `_slow` or `_quick` has read the text."""
    lines = raw.splitlines()
    reader = csv.reader(line.decode(errors="replace") for line in lines)
    seen = -2
    with contextlib.suppress(csv.Error):
        for fields in reader:
            seen += not _blank(fields)
            if seen == row:
                break
    return reader.line_num


def _blank(fields: list[str]) -> bool:
    return not fields or (len(fields) == 1 and not fields[0].strip())


def _parquet(path: str) -> Recording:
    values, extra = _parquet_values(path)
    try:
        columns = checked(values)
    except Fault as fault:
        raise DataFileError(path, None if fault.row is None else fault.row + 1, fault.message) from None
    return Recording(path, columns, extra)


def _parquet_values(path: str) -> tuple[list[Floats], tuple[str, ...]]:
    import polars as pl

    try:
        schema = pl.read_parquet_schema(path)
        header = [name.strip().lower() for name in schema]
        _require(path, None, header)
        names = {lower: name for lower, name in zip(header, schema, strict=True) if lower in NAMES}
        frame = pl.read_parquet(path, columns=list(names.values()))
        values = [_column(path, name, frame[names[name]]) for name in NAMES]
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataFileError(path, None, f"is not a readable Parquet file: {str(error)[:200]}") from None
    return values, tuple(name for name in header if name not in NAMES)


def _column(path: str, name: str, series: "pl.Series") -> Floats:
    import polars as pl

    if name == "timestamp" and series.dtype.is_temporal():
        if not (isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone):
            hint = "make it UTC, or whole UTC milliseconds since 1970"
            raise DataFileError(path, None, f"timestamp is of type {series.dtype}, without a time zone; {hint}")
        series = series.cast(pl.Datetime("ms")).dt.epoch("ms")
    if not series.dtype.is_numeric():
        raise DataFileError(path, None, f"column {name} is of type {series.dtype}, not a number")
    if series.null_count():
        raise DataFileError(path, int(series.is_null().arg_max() or 0) + 1, f"{name} is empty")
    return np.array(series.cast(pl.Float64).to_numpy(), dtype=np.float64)
