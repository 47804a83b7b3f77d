"""A recording in another format, and, if wanted, in a coarser timeframe."""

from dataclasses import dataclass
from pathlib import Path

from fks_actors.adapters.feeds.columns import Columns, Fault, gaps_of, interval_of
from fks_actors.adapters.feeds.config import TIMEFRAMES
from fks_actors.adapters.feeds.files import line_of, read
from fks_actors.adapters.recordings.formats import about_of, write
from fks_actors.adapters.recordings.resample import resample
from fks_actors.errors import ConfigError, DataFileError


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written: `rows` bars; `partial` are the open times of the coarser bars that lacked a part, `kept` or
    dropped."""

    rows: int
    interval_ms: int | None
    partial: tuple[int, ...] = ()
    kept: bool = False


def convert(source: Path, target: Path, timeframe: str = "", keep_partial: bool = False) -> Converted:
    """Read `source`, write `target`; its ending names the format. Kept partial bars are marked in a column `missing`.

    Raises:
        DataFileError: the source cannot be used.
        ConfigError: the timeframe or the target will not do; what was there stays.
    """
    columns = read(str(source)).columns
    interval_ms = interval_of(columns.times)
    about = about_of(source)
    if not timeframe:
        write(target, columns, about)
        return Converted(len(columns.times), interval_ms)
    coarse_ms = TIMEFRAMES.get(timeframe, 0)
    if not coarse_ms:
        raise ConfigError(f"timeframe {timeframe!r} is not one of {', '.join(TIMEFRAMES)}")
    if interval_ms is None:
        raise DataFileError(str(source), None, "a single bar tells no timeframe; nothing can be made of it")
    if coarse_ms <= interval_ms or coarse_ms % interval_ms:
        raise ConfigError(
            f"{source} has bars of {interval_ms / 60_000:g} min: no whole number of them makes {timeframe}"
        )
    _on_grid(str(source), columns, interval_ms)
    made = resample(columns, interval_ms, coarse_ms, keep_partial)
    if not len(made.columns.times):
        raise DataFileError(str(source), None, f"not one bar of {timeframe} is whole; --partial keep keeps the others")
    marked = made.missing if keep_partial and made.partial.size else None
    kept = {key: text for key, text in about.items() if key != "covered"}
    write(target, made.columns, {**kept, "timeframe": timeframe, "resampled_from": source.name}, marked)
    return Converted(len(made.columns.times), coarse_ms, tuple(made.partial.tolist()), keep_partial)


def _on_grid(path: str, columns: Columns, interval_ms: int) -> None:
    try:
        gaps_of(columns.times, interval_ms)
    except Fault as fault:
        line = None if fault.row is None else line_of(path, fault.row)
        raise DataFileError(path, line, fault.message) from None
