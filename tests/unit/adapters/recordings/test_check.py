"""A check finds each fault, and calls unusable exactly what the readers refuse."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.adapters.feeds.replay import load
from fks_actors.adapters.recordings.across import check_all
from fks_actors.adapters.recordings.check import check
from fks_actors.adapters.recordings.findings import Checked, Gap, Kind, Weight
from fks_actors.errors import DataFileError
from fks_actors.market.config import QualityConfig
from fks_actors.model.candles import Candle
from tests.unit.adapters.recordings.shapes import HEAD, HOUR, T0, bar, csv_of, recordings

QUALITY = QualityConfig(spike_z=10)
DATA = next((p for up in Path(__file__).parents if (p := up / "shared/data/ohlcv").is_dir()), None)
needs_data = pytest.mark.skipif(DATA is None, reason="the recordings in ../shared/data/ohlcv are not here")
GOOD = [bar(i) for i in range(60)]


def kinds(found: Checked) -> set[Kind]:
    return {flaw.kind for flaw in found.flaws}


def looked(bars: list[Candle], folder: Path, name: str = "BTCUSDT-1h.csv") -> Checked:
    return check(str(csv_of(bars, folder / name)), QUALITY)[0]


def at(index: int, **change: float) -> list[Candle]:
    return [replace(b, **change) if i == index else b for i, b in enumerate(GOOD)]


def test_check_when_all_is_well_then_nothing_is_found(tmp_path: Path) -> None:
    found = looked(GOOD, tmp_path)
    assert (found.flaws, found.weight, found.rows, found.interval_ms) == ((), Weight.NOTE, 60, HOUR)
    assert (found.symbol, found.first_ms, found.last_ms) == ("BTC/USDT", T0, T0 + 59 * HOUR)


@pytest.mark.parametrize(
    ("kind", "bars", "row"),
    [
        (Kind.NOT_FINITE, at(7, close=float("nan")), 8),
        (Kind.PRICE, at(7, low=-1.0), 8),
        (Kind.HIGH_LOW, at(7, high=1.0), 8),
        (Kind.NEGATIVE_VOLUME, at(7, volume=-1.0), 8),
        (Kind.DUPLICATE, [*GOOD[:8], GOOD[7], *GOOD[8:]], 9),
        (Kind.OUT_OF_ORDER, [*GOOD[:8], GOOD[9], GOOD[8], *GOOD[10:]], 10),
        (Kind.OFF_GRID, at(7, ts_ms=T0 + 7 * HOUR + 60_000), 8),
    ],
)
def test_check_when_a_bar_breaks_a_rule_then_it_is_named_and_the_file_unusable(
    tmp_path: Path, kind: Kind, bars: list[Candle], row: int
) -> None:
    found = looked(bars, tmp_path)
    assert found.weight is Weight.FATAL
    assert next(flaw.rows[0] for flaw in found.flaws if flaw.kind is kind) == row


@pytest.mark.parametrize(
    ("kind", "bars"),
    [
        (Kind.NO_VOLUME, at(7, volume=0.0)),
        (Kind.SPIKE, at(50, high=200.0, close=180.0)),
        (Kind.GAP, GOOD[:20] + GOOD[24:]),
        (Kind.TIMEZONE, [replace(b, ts_ms=b.ts_ms + 1_800_000) for b in GOOD]),
        (Kind.TIMEFRAME, [bar(i, 2 * HOUR) for i in range(60)]),
    ],
)
def test_check_when_a_bar_is_doubtful_then_the_file_stays_usable(
    tmp_path: Path, kind: Kind, bars: list[Candle]
) -> None:
    found = looked(bars, tmp_path)
    assert (kinds(found), found.weight) == ({kind}, Weight.FLAW)


@pytest.mark.parametrize(
    ("scale", "says"), [(0.001, "looks like seconds"), (1_000, "looks like microseconds"), (1_000_000, "no time in")]
)
def test_check_when_the_unit_of_time_is_wrong_then_it_is_told(tmp_path: Path, scale: float, says: str) -> None:
    found = looked([replace(b, ts_ms=int(b.ts_ms * scale)) for b in GOOD], tmp_path)
    assert (kinds(found), found.weight) == ({Kind.UNIT}, Weight.FATAL)
    assert says in found.flaws[0].message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("columns.csv", b"time,o,h,l,c,v\n1,1,1,1,1,1\n"),
        ("cut.csv.gz", b"\x1f\x8b\x08\x00\x00"),
        ("cut.parquet", b"PAR1"),
        ("header.csv", HEAD.encode()),
    ],
)
def test_check_when_a_file_cannot_be_read_then_it_is_unusable(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found, columns = check(str(tmp_path / name), QUALITY)
    assert (found.weight, columns) == (Weight.FATAL, None)
    assert kinds(found) <= {Kind.UNREADABLE, Kind.EMPTY}


def test_check_when_bars_are_missing_then_each_gap_is_told_with_its_ends(tmp_path: Path) -> None:
    found = looked(GOOD[:5] + GOOD[6:20] + GOOD[24:], tmp_path)
    assert found.gaps == (
        Gap(T0 + 5 * HOUR, T0 + 5 * HOUR, 1),
        Gap(T0 + 20 * HOUR, T0 + 23 * HOUR, 4),
    )
    assert (found.missing, found.longest_ms) == (5, 5 * HOUR)


MESS = st.sampled_from(["ts_ms", "open", "high", "low", "close", "volume"])
ODD = st.sampled_from([0.0, -1.0, float("nan"), float("inf"), 1e13, 5.5, float(T0), T0 / 1000, T0 * 1000.0])


@given(bars=recordings(), mess=st.lists(st.tuples(st.integers(0, 41), MESS, ODD), max_size=3), swap=st.booleans())
def test_check_when_anything_is_in_the_file_then_it_is_fatal_just_where_a_replay_refuses_it(
    bars: list[Candle], mess: list[tuple[int, str, float]], swap: bool
) -> None:
    for index, name, value in mess:
        bars[index % len(bars)] = replace(bars[index % len(bars)], **{name: value})
    if swap:
        bars[0], bars[-1] = bars[-1], bars[0]
    with TemporaryDirectory() as folder:
        path = str(csv_of(bars, Path(folder) / "BTCUSDT-1h.csv"))
        try:
            load([(None, path)])
            refused = False
        except DataFileError:
            refused = True
        found, columns = check(path, QUALITY)
        assert (found.weight is Weight.FATAL, columns is None) == (refused, refused)


def between(folder: Path, **files: list[Candle]) -> dict[Kind, int]:
    paths = [str(csv_of(bars, folder / f"{name.replace('_', '-')}.csv")) for name, bars in files.items()]
    return {flaw.kind: flaw.count for flaw in check_all(paths, QUALITY).between}


def test_check_all_when_a_symbol_ends_long_before_the_others_then_it_is_named(tmp_path: Path) -> None:
    long = [bar(i) for i in range(200)]
    paths = [str(csv_of(long, tmp_path / "BTCUSDT-1h.csv")), str(csv_of(long[:99], tmp_path / "LUNAUSDT-1h.csv"))]
    report = check_all(paths, QUALITY)
    assert [(f.kind, f.weight, f.times_ms) for f in report.between] == [
        (Kind.ENDED, Weight.FLAW, (long[98].ts_ms,)),
    ]
    assert "LUNA/USDT ended" in report.between[0].message
    assert between(tmp_path, BTCUSDT_1h=long, LUNAUSDT_1h=long[:100]) == {}


def test_check_all_when_none_ended_in_a_long_time_then_the_survivorship_is_noted(tmp_path: Path) -> None:
    days = [bar(i, 24 * HOUR) for i in range(200)]
    paths = [str(csv_of(days, tmp_path / f"{name}-1d.csv")) for name in ("BTCUSDT", "ETHUSDT")]
    report = check_all(paths, QUALITY)
    assert [(f.kind, f.weight, f.count) for f in report.between] == [(Kind.SURVIVORS_ONLY, Weight.NOTE, 2)]
    assert report.weight is Weight.NOTE


def test_check_all_when_two_files_share_bars_then_the_overlap_and_what_differs_are_told(tmp_path: Path) -> None:
    other = [replace(b, volume=b.volume + (i == 31)) for i, b in enumerate(GOOD)]
    paths = [
        str(csv_of(GOOD[:40], tmp_path / "BTCUSDT-1h-a.csv")),
        str(csv_of(other[30:], tmp_path / "BTCUSDT-1h.csv")),
    ]
    report = check_all(paths, QUALITY)
    assert [(f.kind, f.count) for f in report.between] == [(Kind.OVERLAP, 10)]
    assert "of which 1 differ" in report.between[0].message


def test_check_all_when_timeframes_differ_then_it_is_told(tmp_path: Path) -> None:
    found = between(tmp_path, BTCUSDT_1h=GOOD, ETHUSDT_2h=[bar(i, 2 * HOUR) for i in range(60)])
    assert found == {Kind.MIXED_TIMEFRAMES: 2}


@needs_data
def test_check_when_given_the_recording_with_gaps_then_all_27_are_found() -> None:
    found, _ = check(str(DATA) + "/ETHUSDT-1h-with-gaps.csv.gz", QUALITY)
    assert (found.missing, len(found.gaps), found.longest_ms) == (127, 27, 34 * HOUR)
    assert found.weight is Weight.FLAW


@needs_data
@pytest.mark.parametrize("name", ["BTCUSDT-1d", "ETHUSDT-1d", "SOLUSDT-4h"])
def test_check_when_given_a_sound_recording_then_it_is_clean(name: str) -> None:
    assert check(f"{DATA}/{name}.csv.gz", QUALITY)[0].flaws == ()
