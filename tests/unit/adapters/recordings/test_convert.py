"""What is converted reads back bit for bit; a coarser bar is what a direct count over its parts gives."""

import gzip
import resource
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.adapters.feeds.files import read
from fks_actors.adapters.recordings.convert import convert
from fks_actors.adapters.recordings.formats import about_of, write
from fks_actors.adapters.recordings.resample import resample
from fks_actors.errors import ConfigError, DataFileError
from fks_actors.model.candles import Candle
from tests.unit.adapters.recordings.shapes import HEAD, HOUR, SYMBOL, T0, bar, columns_of, csv_of, recordings, rows_of

ENDINGS = st.sampled_from([".csv", ".csv.gz", ".parquet"])


def bars_of(path: Path) -> list[Candle]:
    return rows_of(read(str(path)).columns)


@given(bars=recordings(), endings=st.lists(ENDINGS, min_size=1, max_size=4))
def test_convert_when_through_any_formats_then_every_number_reads_back(bars: list[Candle], endings: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = csv_of(bars, Path(folder) / "BTCUSDT-1h.csv")
        for i, ending in enumerate(endings):
            target = Path(folder) / f"{i}{ending}"
            assert convert(path, target).rows == len(bars)
            path = target
        assert bars_of(path) == bars


@given(bars=recordings(), parts=st.sampled_from([2, 3, 4, 6, 12, 24]), keep=st.booleans())
def test_resample_when_counted_directly_then_each_bar_is_the_same(bars: list[Candle], parts: int, keep: bool) -> None:
    made = resample(columns_of(bars), HOUR, parts * HOUR, keep)
    buckets: dict[int, list[Candle]] = defaultdict(list)
    for each in bars:
        buckets[each.ts_ms // (parts * HOUR) * parts * HOUR].append(each)
    expected, lacking = [], []
    for start, inside in buckets.items():
        if len(inside) < parts:
            lacking.append(start)
        if len(inside) == parts or keep:
            high, low = max(b.high for b in inside), min(b.low for b in inside)
            volume = pytest.approx(sum(b.volume for b in inside))
            expected.append((start, inside[0].open, high, low, inside[-1].close, volume, parts - len(inside)))
    found = [
        (c.ts_ms, c.open, c.high, c.low, c.close, c.volume, missing)
        for c, missing in zip(rows_of(made.columns), made.missing.tolist(), strict=True)
    ]
    assert found == expected
    assert made.partial.tolist() == lacking


def test_convert_when_parts_lack_then_bars_are_dropped_or_kept_with_a_mark(tmp_path: Path) -> None:
    source = csv_of([bar(i) for i in range(2, 24) if i != 9], tmp_path / "BTCUSDT-1h.csv")
    dropped = convert(source, tmp_path / "dropped.parquet", "4h")
    partial = (T0, T0 + 8 * HOUR)
    assert (dropped.rows, dropped.partial, dropped.kept) == (4, partial, False)
    assert pl.read_parquet(tmp_path / "dropped.parquet").columns == HEAD.strip().split(",")
    kept = convert(source, tmp_path / "kept.csv", "4h", keep_partial=True)
    assert (kept.rows, kept.partial, kept.kept) == (6, partial, True)
    assert pl.read_csv(tmp_path / "kept.csv")["missing"].to_list() == [2, 0, 1, 0, 0, 0]
    assert read(str(tmp_path / "kept.csv")).extra == ("missing",)


def test_convert_when_the_hour_bars_are_made_of_a_day_then_it_equals_the_recorded_day(tmp_path: Path) -> None:
    data = next((p for up in Path(__file__).parents if (p := up / "shared/data/ohlcv").is_dir()), None)
    if data is None:
        pytest.skip("the recordings in ../shared/data/ohlcv are not here")
    convert(data / "BTCUSDT-1h.csv.gz", tmp_path / "day.parquet", "1d")
    days = {b.ts_ms: b for b in bars_of(data / "BTCUSDT-1d.csv.gz")}
    made = bars_of(tmp_path / "day.parquet")
    assert len(made) == 1095  # of 1096: one day lacks an hour
    for each in made:
        day = days[each.ts_ms]
        assert (each.open, each.high, each.low, each.close) == (day.open, day.high, day.low, day.close)
        assert each.volume == pytest.approx(day.volume)


@pytest.mark.parametrize(
    ("timeframe", "says"),
    [("90m", "is not one of"), ("1h", "no whole number"), ("30m", "no whole number")],
)
def test_convert_when_the_timeframe_will_not_do_then_nothing_is_written(
    tmp_path: Path, timeframe: str, says: str
) -> None:
    source = csv_of([bar(i) for i in range(8)], tmp_path / "BTCUSDT-1h.csv")
    with pytest.raises(ConfigError, match=says):
        convert(source, tmp_path / "out.csv", timeframe)
    assert [p.name for p in tmp_path.iterdir()] == [source.name]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b"time,o,h,l,c,v\n1,1,1,1,1,1\n", "no column timestamp"),
        ("a.csv.gz", gzip.compress(HEAD.encode() * 50)[:-9], "damaged gzip"),
        ("a.parquet", b"PAR1 and no more", "not a readable Parquet"),
    ],
)
def test_convert_when_the_source_is_bad_then_the_target_stays(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    source, target = tmp_path / name, tmp_path / "out.parquet"
    source.write_bytes(content)
    target.write_bytes(b"before")
    with pytest.raises(DataFileError, match=says):
        convert(source, target)
    assert target.read_bytes() == b"before"


def test_convert_when_no_coarse_bar_is_whole_then_it_is_refused(tmp_path: Path) -> None:
    source = csv_of([bar(1), bar(2)], tmp_path / "BTCUSDT-1h.csv")
    with pytest.raises(DataFileError, match="not one bar of 1d is whole"):
        convert(source, tmp_path / "out.csv", "1d")
    assert not (tmp_path / "out.csv").exists()


def test_convert_when_the_ending_is_unknown_then_it_is_refused(tmp_path: Path) -> None:
    source = csv_of([bar(1), bar(2)], tmp_path / "BTCUSDT-1h.csv")
    with pytest.raises(ConfigError, match=r"ends in \.csv"):
        convert(source, tmp_path / "out.xlsx")


def test_convert_when_the_folder_is_a_file_then_it_says_so(tmp_path: Path) -> None:
    source = csv_of([bar(1), bar(2)], tmp_path / "BTCUSDT-1h.csv")
    with pytest.raises(ConfigError, match="cannot be written"):
        convert(source, source / "out.csv")


def test_convert_when_the_disk_takes_no_more_then_the_old_file_stays_and_nothing_else(tmp_path: Path) -> None:
    source = csv_of([bar(i) for i in range(3_000)], tmp_path / "BTCUSDT-1h.csv")
    target = tmp_path / "out.csv"
    target.write_text("before")
    code = "import sys; from fks_actors.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "data", "convert", str(source), str(target), "--force"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, 8_192)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"fks: {target} cannot be written: File too large")
    assert target.read_text() == "before"
    assert sorted(p.name for p in tmp_path.iterdir()) == [source.name, "out.csv"]


def test_convert_when_from_the_store_then_its_origin_goes_along(tmp_path: Path) -> None:
    source, target = tmp_path / "BTC-USDT-1h.parquet", tmp_path / "coarse.parquet"
    about = {"source": "binance", "symbol": SYMBOL, "timeframe": "1h", "covered": "[[0,1]]"}
    write(source, columns_of([bar(i) for i in range(8)]), about)
    convert(source, target, "4h")
    told = about_of(target)
    assert told == {"source": "binance", "symbol": SYMBOL, "timeframe": "4h", "resampled_from": source.name}
