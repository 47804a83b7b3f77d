"""A recording that grows: what is fetched is appended to a part beside the file, and the file is replaced at the end.

A part holds one ascending stretch of bars, each with a checksum over the recording's origin and itself. Whatever ends
the process, the file is whole, and the next one takes over from the part what is sound and of its own origin: up to the
first bar that is neither. The rest is fetched again.
"""

import contextlib
import fcntl
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from fks_actors.adapters.feeds.columns import Columns, Ints
from fks_actors.adapters.feeds.files import read
from fks_actors.adapters.recordings.formats import about_of, write
from fks_actors.adapters.recordings.spans import Span, union
from fks_actors.errors import ConfigError, DataFileError
from fks_actors.model.candles import Candle

BAR = np.dtype([("timestamp", "<i8"), *((name, "<f8") for name in ("open", "high", "low", "close", "volume"))])
_FRAMED = np.dtype([("bar", BAR), ("crc", "<u4")])
Bars = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a recording comes from; a file of another one is not continued."""

    source: str
    symbol: str
    timeframe: str

    @property
    def seed(self) -> int:
        """What the checksums of its bars begin with."""
        return zlib.crc32(json.dumps(astuple(self)).encode())


class Growing:
    """One file and its part. Only the holder of `exclusive` on its folder may build one.

    Raises:
        ConfigError: the file is there, but of another origin, or cannot be written.
        DataFileError: the file is damaged.
    """

    def __init__(self, path: Path, origin: Origin, interval_ms: int, notes: Mapping[str, str]) -> None:
        self._path = path
        self._part = part_of(path)
        self._origin = origin
        self._interval_ms = interval_ms
        self._notes = notes
        self._held, self.covered = self._read()
        self.finish()

    @property
    def rows(self) -> int:
        """Bars in the file."""
        return len(self._held)

    def add(self, bars: Sequence[Candle]) -> None:
        """Append later bars of the stretch that is fetched now.

        Raises:
            ConfigError: they cannot be written.
        """
        rows = np.empty(len(bars), _FRAMED)
        rows["bar"] = [msgspec.structs.astuple(bar)[1:] for bar in bars]
        rows["crc"] = _checksums(rows["bar"], self._origin.seed)
        try:
            with self._part.open("ab") as file:
                file.write(rows.tobytes())
        except OSError as error:
            raise _unwritable(self._part, error) from None

    def finish(self, covered: Span | None = None) -> None:
        """Move the part into the file. `covered` was asked for whole, bars or none.

        Raises:
            ConfigError: the file cannot be written; file and part stay.
        """
        found = sound(self._part, self._origin.seed)
        spans = [*self.covered, *([covered] if covered else [])]
        if len(found):
            spans.append((int(found["timestamp"][0]), int(found["timestamp"][-1]) + self._interval_ms))
        united = union(spans)
        if len(found) or (united != self.covered and len(self._held)):
            self._held = _merged(self._held, found)
            self._write(united)
        self.covered = united
        with contextlib.suppress(FileNotFoundError):
            self._part.unlink()

    def _read(self) -> tuple[Bars, tuple[Span, ...]]:
        if not self._path.exists():
            return np.empty(0, BAR), ()
        about = about_of(self._path)
        wanted = {"source": self._origin.source, "symbol": self._origin.symbol, "timeframe": self._origin.timeframe}
        found = {key: about.get(key, "an unknown one") for key in wanted}
        for key, value in wanted.items():
            if found[key] != value:
                raise ConfigError(f"{self._path} is of {key} {found[key]}, not {value}; move it away to fetch anew")
        columns = read(str(self._path)).columns
        try:
            spans = [(int(start), int(stop)) for start, stop in json.loads(about.get("covered", "[]"))]
        except (ValueError, TypeError):
            raise DataFileError(str(self._path), None, "its note of what was fetched is damaged") from None
        return _rows(columns), union(spans)

    def _write(self, covered: tuple[Span, ...]) -> None:
        origin = self._origin
        told = {"source": origin.source, "symbol": origin.symbol, "timeframe": origin.timeframe}
        write(self._path, _columns(self._held), {**told, **self._notes, "covered": json.dumps(covered)})


def part_of(path: Path) -> Path:
    """Where a file's part is."""
    return path.with_name(f"{path.name}.part")


def sound(part: Path, seed: int) -> Bars:
    """The bars of a part up to the first that is torn or of another origin; none where there is no part.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        raw = part.read_bytes()
    except FileNotFoundError:
        return np.empty(0, BAR)
    except OSError as error:
        raise ConfigError(f"{part} cannot be read: {error.strerror}") from None
    rows = np.frombuffer(raw[: len(raw) // _FRAMED.itemsize * _FRAMED.itemsize], _FRAMED)
    torn = np.flatnonzero(rows["crc"] != _checksums(rows["bar"], seed))
    found: Bars = rows["bar"][: int(torn[0]) if len(torn) else len(rows)]
    return found


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold a folder of the store, so that two fetches never write the same file.

    Raises:
        ConfigError: another fetch holds it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ConfigError(f"another `fks data fetch` writes in {folder}; wait for it") from None
    finally:
        os.close(held)


def _checksums(bars: Bars, seed: int) -> npt.NDArray[np.uint32]:
    return np.array([zlib.crc32(bar.tobytes(), seed) for bar in bars], np.uint32)


def _merged(held: Bars, found: Bars) -> Bars:
    """Both, ascending; of two bars with one open time the one that was held first."""
    every = np.concatenate([held, found])
    _, first = np.unique(every["timestamp"], return_index=True)
    return every[first]


def _rows(columns: Columns) -> Bars:
    rows = np.empty(len(columns.times), BAR)
    values = (columns.times, columns.open, columns.high, columns.low, columns.close, columns.volume)
    for name, column in zip(BAR.names or (), values, strict=True):
        rows[name] = column
    return rows


def _columns(rows: Bars) -> Columns:
    times: Ints = np.ascontiguousarray(rows["timestamp"], dtype=np.int64)
    prices = [np.ascontiguousarray(rows[name], dtype=np.float64) for name in ("open", "high", "low", "close", "volume")]
    return Columns(times, *prices)


def _unwritable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{path} cannot be written: {error.strerror}; check the disk's space and rights")
