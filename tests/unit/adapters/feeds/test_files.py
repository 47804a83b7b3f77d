"""Recordings are read whole or refused with the line that is wrong."""

import gzip
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.adapters.feeds.columns import NAMES, Columns
from fks_actors.adapters.feeds.files import parse_csv, read
from fks_actors.adapters.feeds.replay import load
from fks_actors.errors import ConfigError, DataFileError, FksError

HEAD = "timestamp,open,high,low,close,volume\n"
T0, HOUR = 1_700_000_000_000 // 3_600_000 * 3_600_000, 3_600_000


def row(index: int, rest: str = "10,12,9,11,5") -> str:
    return f"{T0 + index * HOUR},{rest}\n"


GOOD = HEAD + "".join(row(i) for i in range(4))

MALFORMED = [
    ("empty", "", None, "the file is empty"),
    ("blank", "\n \n\n", None, "the file is empty"),
    ("header only", HEAD, None, "no bars"),
    ("headless", row(0) + row(1), 1, "no column timestamp, open"),
    ("wrong columns", "time,o,h,l,c,v\n1,1,1,1,1,1\n", 1, "no column timestamp, open, high, low, close, volume"),
    ("semicolons", HEAD.replace(",", ";"), 1, "no column"),
    ("one column short", HEAD.replace(",volume", "") + f"{T0},1,1,1,1\n", 1, "no column volume"),
    ("column twice", HEAD.replace("volume", "volume,open") + f"{T0},1,1,1,1,1,1\n", 1, "column open comes twice"),
    ("short row", GOOD + f"{T0 + 4 * HOUR},1,2\n", 6, "3 fields where the header has 6"),
    ("long row", HEAD + row(0, "10,12,9,11,5,7"), 2, "7 fields where the header has 6"),
    ("two wrong rows", HEAD + f"{T0},1,1,1,1\n" + row(1, "10,12,9,11,5,7"), 2, "5 fields"),
    ("no number", HEAD + row(0) + row(1, "10,abc,9,11,5"), 3, "high is 'abc', not a number"),
    ("empty field", HEAD + row(0) + row(1, "10,,9,11,5"), 3, "high is '', not a number"),
    ("underscore", HEAD + row(0, "1_0,12,9,11,5"), 2, "open is '1_0'"),
    ("date", HEAD + "2024-01-01,10,12,9,11,5\n", 2, "timestamp is '2024-01-01', not a number; UTC milliseconds"),
    ("NaN", HEAD + row(0) + row(1, "10,12,9,nan,5"), 3, "close is nan; not a finite number"),
    ("infinite", HEAD + row(0, "10,inf,9,11,5"), 2, "high is inf"),
    ("overflow", HEAD + row(0, "10,1e999,9,11,5"), 2, "high is inf"),
    ("zero price", HEAD + row(0) + row(1, "10,12,0,11,5"), 3, "low is 0; a price is above 0"),
    ("negative price", HEAD + row(0, "-10,12,9,11,5"), 2, "open is -10"),
    ("negative volume", HEAD + row(0, "10,12,9,11,-5"), 2, "volume is -5"),
    ("high below low", HEAD + row(0) + row(1, "10,8,9,9,5"), 3, "high 8 is below low 9"),
    ("high below close", HEAD + row(0, "10,10.5,9,11,5"), 2, "high 10.5 is below open or close"),
    ("low above open", HEAD + row(0, "10,12,10.5,11,5"), 2, "low 10.5 is above open or close"),
    ("unordered", HEAD + row(0) + row(2) + row(1), 4, "not ascending"),
    ("duplicate", HEAD + row(0) + row(1) + row(1), 4, "is a duplicate"),
    ("two timeframes", GOOD + f"{T0 + 3 * HOUR + 60000},10,12,9,11,5\n", 6, "60 s after the bar before, others 3600 s"),
    ("off the grid", GOOD + f"{T0 + 4 * HOUR + 60000},10,12,9,11,5\n", 6, "3660 s after .* off the grid of 3600 s"),
    ("seconds", HEAD + f"{T0 // 1000},10,12,9,11,5\n", 2, "looks like seconds.*multiply by 1000"),
    ("microseconds", HEAD + f"{T0 * 1000},10,12,9,11,5\n", 2, "looks like microseconds.*divide by 1000"),
    ("fraction", HEAD + f"{T0}.5,10,12,9,11,5\n", 2, "not a whole number of milliseconds"),
    ("one odd time", HEAD + row(0) + "17,10,12,9,11,5\n" + row(1), 3, "timestamp 17 is no time in milliseconds"),
    ("after blank lines", HEAD + row(0) + "\n\n" + row(1, "10,12,0,11,5"), 5, "low is 0"),
    ("after a lead of blank lines", "\n\n" + HEAD + row(0) + row(0), 5, "duplicate"),
    ("quoted", HEAD + row(0) + f'"{T0 + HOUR}","10","x","9","11","5"\n', 3, "high is 'x'"),
    ("one bar", HEAD + row(0), None, "one bar only"),
]


@pytest.mark.parametrize(("text", "line", "says"), [m[1:] for m in MALFORMED], ids=[m[0] for m in MALFORMED])
@pytest.mark.parametrize("packed", [False, True], ids=["csv", "gz"])
def test_load_when_the_text_is_malformed_then_the_error_names_the_line(
    tmp_path: Path, text: str, line: int | None, says: str, packed: bool
) -> None:
    path = tmp_path / ("BTCUSDT.csv.gz" if packed else "BTCUSDT.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    with pytest.raises(DataFileError, match=says) as caught:
        load([(None, str(path))])
    assert caught.value.line == line
    assert caught.value.path == str(path)


def test_load_when_the_file_is_no_file_then_the_error_says_so(tmp_path: Path) -> None:
    whole = gzip.compress(GOOD.encode() * 50)
    files = {
        "a.csv.gz": (GOOD.encode(), "is not a gzip file"),
        "b.csv.gz": (whole[: len(whole) // 2], "damaged gzip"),
        "c.csv.gz": (whole[:30] + b"\xff\xff\xff\xff" + whole[34:], "damaged gzip"),
        "d.csv": (b"\xff\xfe\x00\x01,\n1,2", "the header is not text"),
        "e.parquet": (b"not parquet at all", "not a readable Parquet file"),
        "f.parquet": (b"PAR1" + b"\0" * 100 + b"PAR1", "not a readable Parquet file"),
    }
    for name, (content, says) in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataFileError, match=says):
            read(str(tmp_path / name))
    with pytest.raises(DataFileError, match="no such file"):
        read(str(tmp_path / "none.csv"))
    with pytest.raises(DataFileError, match="is a folder"):
        read(str(tmp_path))
    with pytest.raises(DataFileError, match="cannot be read"):
        read("a\0b.csv")


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        "\n" + GOOD + "\n\n",
        GOOD.replace("timestamp", '"Timestamp"'),
        GOOD.replace(",5\n", ', "5"\n').replace(', "5"', ',"5"'),
        GOOD.replace("00000,", "00000.0,"),
        "".join(",".join([*line.split(","), "x"]) + "\n" for line in GOOD.split()),
    ],
)
def test_read_when_the_text_is_spelt_otherwise_then_the_bars_are_the_same(text: str) -> None:
    recording = parse_csv("x.csv", text.encode())
    assert list(recording.columns.candles("A/B", 0, 9)) == list(
        parse_csv("x.csv", GOOD.encode()).columns.candles("A/B", 0, 9)
    )
    assert recording.extra in ((), ("x",))


def test_read_parquet_when_written_by_polars_then_the_bars_are_those_of_the_csv(tmp_path: Path) -> None:
    columns = parse_csv("x.csv", GOOD.encode()).columns
    frame = pl.read_csv(GOOD.encode())
    for name, made in {
        "plain": frame,
        "dated": frame.with_columns(pl.from_epoch("timestamp", time_unit="ms").dt.replace_time_zone("UTC")),
        "elsewhere": frame.with_columns(
            pl.from_epoch("timestamp", time_unit="ms").dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")
        ),
        "wide": frame.with_columns(note=pl.lit("x")),
    }.items():
        path = tmp_path / f"{name}.parquet"
        made.write_parquet(path)
        found = read(str(path))
        assert list(found.columns.candles("A/B", 0, 9)) == list(columns.candles("A/B", 0, 9))
        assert found.extra == (("note",) if name == "wide" else ())


def test_read_parquet_when_malformed_then_the_error_names_the_row(tmp_path: Path) -> None:
    frame = pl.read_csv(GOOD.encode())
    path = tmp_path / "BTCUSDT.parquet"
    third = pl.int_range(pl.len()) == 2
    cases = [
        (frame.drop("volume"), None, "no column volume"),
        (frame.with_columns(pl.from_epoch("timestamp", time_unit="ms")), None, "without a time zone; make it UTC"),
        (frame.with_columns(pl.from_epoch("timestamp", time_unit="ms").dt.date()), None, "without a time zone"),
        (frame.with_columns(open=pl.lit("x")), None, "column open is of type String"),
        (frame.with_columns(open=pl.when(third).then(None).otherwise("open")), 3, "open is empty"),
        (frame.with_columns(low=pl.when(third).then(0).otherwise("low")), 3, "low is 0"),
        (frame.with_columns(timestamp=pl.when(third).then(T0).otherwise("timestamp")), 3, "not ascending"),
    ]
    for made, line, says in cases:
        made.write_parquet(path)
        with pytest.raises(DataFileError, match=says) as caught:
            load([(None, str(path))])
        assert caught.value.line == line


FIELD = st.one_of(
    st.sampled_from(
        ["10", "12.5", "9", "0", "-1", "nan", "inf", "", " ", "1e400", "1_0", "0x1f", '"', "'", "\x00", "é"]
    ),
    st.integers(-3, 40).map(lambda i: str(T0 + i * HOUR)),
    st.floats().map(str),
    st.text(max_size=4),
)
LINE = st.one_of(
    st.integers(0, 30).map(lambda i: row(i).strip()),
    st.lists(FIELD, max_size=8).map(",".join),
    st.just(HEAD.strip()),
    st.text(max_size=12),
)
TEXT = st.tuples(st.booleans(), st.lists(LINE, max_size=8), st.sampled_from(["\n", "\r\n", "\r"])).map(
    lambda t: (HEAD if t[0] else "") + t[2].join(t[1])
)


@given(TEXT)
def test_parse_when_the_text_is_anything_then_bars_or_a_data_file_error(text: str) -> None:
    try:
        columns = parse_csv("x.csv", text.encode()).columns
    except DataFileError as error:
        line = error.line or 1
    else:
        line = 1
        _are_bars(columns)
    assert 1 <= line <= text.count("\n") + text.count("\r") + 1


def _are_bars(columns: Columns) -> None:
    bars = list(columns.candles("A/B", 0, len(columns.times)))
    assert bars
    assert all(0 < b.low <= min(b.open, b.close) and max(b.open, b.close) <= b.high < float("inf") for b in bars)
    assert all(a.ts_ms < b.ts_ms for a, b in pairwise(bars))


@given(st.binary(max_size=200))
def test_parse_when_the_bytes_are_anything_then_bars_or_a_data_file_error(raw: bytes) -> None:
    for content in (raw, HEAD.encode() + raw):
        try:
            assert len(parse_csv("x.csv", content).columns.times)
        except DataFileError:
            continue


PLAIN = FIELD.filter(lambda f: not set(f) & set('",\r\n'))


@given(st.lists(st.lists(PLAIN, min_size=6, max_size=6), min_size=1, max_size=4))
def test_parse_when_the_quick_and_the_careful_reader_see_the_same_rows_then_they_agree(table: list[list[str]]) -> None:
    """A spare column of text forces the careful reader; values and errors must be the same."""
    plain = HEAD + "".join(",".join(fields) + "\n" for fields in table)
    careful = HEAD.strip() + ",note\n" + "".join(",".join(fields) + ",x\n" for fields in table)
    assert _outcome(plain) == _outcome(careful)


def _outcome(text: str) -> object:
    try:
        columns = parse_csv("x.csv", text.encode()).columns
    except DataFileError as error:
        return error.line, error.message
    return [tuple(getattr(columns, "times" if n == "timestamp" else n)) for n in NAMES]


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        ([(None, "prices.csv")], "no symbol in the file name 'prices.csv'; write replay:BTC/USDT="),
        ([(None, "BTCUSDT-1h.csv"), ("BTC/USDT", "other.csv")], "BTC/USDT is given by two files"),
        ([], "names no file"),
    ],
)
def test_load_when_the_symbols_are_unclear_then_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: list[tuple[str | None, str]], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("BTCUSDT-1h.csv").write_text(GOOD)
    with pytest.raises(ConfigError, match=says):
        load(sources)


def test_load_when_the_files_disagree_then_the_second_is_named(tmp_path: Path) -> None:
    def write(name: str, step: int, shift: int = 0) -> tuple[None, str]:
        (tmp_path / name).write_text(HEAD + "".join(f"{T0 + shift + i * step},10,12,9,11,5\n" for i in range(4)))
        return None, str(tmp_path / name)

    first = write("BTCUSDT-1h.csv", HOUR)
    with pytest.raises(DataFileError, match=r"ETHUSDT-1m\.csv: bars of 60 s, but BTC/USDT has bars of 3600 s"):
        load([first, write("ETHUSDT-1m.csv", 60_000)])
    with pytest.raises(DataFileError, match="open at other times than those of BTC/USDT"):
        load([first, write("ETHUSDT-1h.csv", HOUR, 1_000)])


def test_load_when_there_is_one_bar_then_its_name_may_tell_the_timeframe(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-4h.csv"
    path.write_text(HEAD + row(0))
    assert load([(None, str(path))])[0].interval_ms == 4 * HOUR


def test_import_when_a_feed_is_not_used_then_neither_ccxt_nor_polars_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT.csv"
    path.write_text(GOOD)
    code = (
        "import asyncio, sys\n"
        "from fks_actors.adapters.feeds.config import FeedConfig\n"
        "from fks_actors.adapters.feeds.factory import open_feed\n"
        f"for spec in ('simulated', 'replay:{path}'):\n"
        "    asyncio.run(asyncio.run(open_feed(FeedConfig(spec=spec))).history())\n"
        "print(sorted({'ccxt', 'polars', 'aiohttp', 'ray'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_error_when_anything_is_wrong_with_a_file_then_it_belongs_to_the_one_tree() -> None:
    assert issubclass(DataFileError, FksError)
