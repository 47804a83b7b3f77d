"""A recording as a feed."""

import os
import time
from pathlib import Path

import pytest

from fks_actors.adapters.feeds.config import FeedConfig
from fks_actors.adapters.feeds.factory import open_feed
from fks_actors.adapters.feeds.port import BEGINNING, FeedKind
from fks_actors.adapters.feeds.replay import ReplayFeed, load, open_replay
from fks_actors.model.candles import BarBatch, Candle
from tests.unit.adapters.feeds.clockwork import Clockwork
from tests.unit.adapters.feeds.contract import keeps_the_contract

HEAD = "timestamp,open,high,low,close,volume\n"
T0, MINUTE = 1_700_000_040_000, 60_000
DATA = Path(os.environ.get("FKS_TEST_DATA", Path(__file__).parents[5] / "shared" / "data")) / "ohlcv"


@pytest.fixture
def files(tmp_path: Path) -> list[tuple[str | None, str]]:
    """BTC: minutes 0 to 9 without 4 and 5. ETH: minutes 2 to 11 without 5."""
    made: list[tuple[str | None, str]] = []
    for name, minutes in {"BTCUSDT": (0, 1, 2, 3, 6, 7, 8, 9), "ETHUSDT": (2, 3, 4, 6, 7, 8, 9, 10, 11)}.items():
        path = tmp_path / f"{name}-1m.csv"
        path.write_text(HEAD + "".join(f"{T0 + m * MINUTE},{m + 10},{m + 12},{m + 9},{m + 11},{m}\n" for m in minutes))
        made.append((None, str(path)))
    return made


def bar(symbol: str, minute: int) -> Candle:
    m = float(minute)
    return Candle(symbol, T0 + minute * MINUTE, m + 10, m + 12, m + 9, m + 11, m)


def batch(minute: int, *symbols: str) -> BarBatch:
    return BarBatch(T0 + minute * MINUTE, MINUTE, tuple(bar(s, minute) for s in symbols))


async def test_next_when_several_symbols_are_recorded_then_they_come_merged_by_time(
    files: list[tuple[str | None, str]],
) -> None:
    feed = await open_replay(files)
    both = ("BTC/USDT", "ETH/USDT")
    assert await feed.history() == []
    assert await feed.next(BEGINNING, 100, 0) == [
        *(batch(m, "BTC/USDT") for m in (0, 1)),
        *(batch(m, *both) for m in (2, 3)),
        batch(4, "ETH/USDT"),
        *(batch(m, *both) for m in (6, 7, 8, 9)),
        *(batch(m, "ETH/USDT") for m in (10, 11)),
    ]


async def test_describe_when_there_are_gaps_then_they_are_counted(files: list[tuple[str | None, str]]) -> None:
    info = (await open_replay(files, 60)).describe()
    assert (info.kind, info.simulated, info.speed) == (FeedKind.REPLAY, False, 60)
    assert info.label == "replay of BTCUSDT-1m.csv, ETHUSDT-1m.csv"
    assert info.notes == (
        "BTC/USDT: 1 gap, 2 bars missing, the longest 3 min",
        "ETH/USDT: 1 gap, 1 bar missing, the longest 2 min",
    )
    assert (info.first_ms, info.last_ms, info.batches) == (T0, T0 + 11 * MINUTE, 11)


async def test_read_a_replay_then_it_keeps_the_contract(files: list[tuple[str | None, str]]) -> None:
    await keeps_the_contract(await open_replay(files))


async def test_next_when_the_end_is_reached_then_it_is_exhausted_and_waits(
    files: list[tuple[str | None, str]],
) -> None:
    clock = Clockwork()
    feed = await open_replay(files, clock=clock, sleep=clock.sleep)
    last = T0 + 11 * MINUTE
    assert not feed.exhausted(last - 1)
    assert feed.exhausted(last)
    assert feed.exhausted({"BTC/USDT": 5, "ETH/USDT": last})
    assert await feed.next(last, 10, 3.0) == []
    assert clock.slept == [3.0]


async def test_next_when_paced_then_a_gap_lasts_as_long_as_it_did(files: list[tuple[str | None, str]]) -> None:
    clock = Clockwork()
    feed = await open_replay(files[:1], 60, clock=clock, sleep=clock.sleep)
    cursor, seen = BEGINNING, []
    while not feed.exhausted(cursor):
        for got in await feed.next(cursor, 10, 0.7):
            cursor = got.ts_ms
            seen.append(round(clock.now_s - 1_000, 3))
    assert seen == [0, 1, 2, 3, 6, 7, 8, 9]


async def test_next_when_another_feed_takes_over_then_it_continues_from_the_cursor(
    files: list[tuple[str | None, str]],
) -> None:
    whole = await (await open_replay(files)).next(BEGINNING, 100, 0)
    cursor = BEGINNING
    found: list[BarBatch] = []
    while len(found) < len(whole):
        got = await (await open_replay(files)).next(cursor, 3, 0)
        found += got
        cursor = got[-1].ts_ms
    assert found == whole


async def test_open_when_columns_are_spare_then_a_note_names_them(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("timestamp,open,high,low,close,volume,trades\n" + f"{T0},1,1,1,1,1,9\n{T0 + MINUTE},1,1,1,1,1,9\n")
    feed = await open_feed(FeedConfig(spec=f"replay:BTC/USDT={path}"))
    assert feed.describe().notes == ("BTC/USDT: columns not used: trades",)


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data is not here; set FKS_TEST_DATA")
@pytest.mark.parametrize(
    ("name", "symbol", "rows", "interval_ms", "notes"),
    [
        ("BTCUSDT-1h", "BTC/USDT", 26_303, 3_600_000, ("BTC/USDT: 1 gap, 1 bar missing, the longest 2 h",)),
        ("BTCUSDT-1d", "BTC/USDT", 1_096, 86_400_000, ()),
        ("BTCUSDT-15m", "BTC/USDT", 34_945, 900_000, ()),
        ("BTCUSDT-1m", "BTC/USDT", 41_761, 60_000, ()),
        ("SOLUSDT-4h", "SOL/USDT", 1_741, 14_400_000, ()),
        (
            "ETHUSDT-1h-with-gaps",
            "ETH/USDT",
            45_446,
            3_600_000,
            ("ETH/USDT: 27 gaps, 127 bars missing, the longest 34 h",),
        ),
    ],
)
def test_load_when_the_recording_is_real_then_rows_and_gaps_are_as_published(
    name: str, symbol: str, rows: int, interval_ms: int, notes: tuple[str, ...]
) -> None:
    started = time.perf_counter()
    feed = ReplayFeed(load([(None, str(DATA / f"{name}.csv.gz"))]), None)
    assert time.perf_counter() - started < 2
    info = feed.describe()
    assert (info.symbols, info.batches, info.interval_ms, info.notes) == ((symbol,), rows, interval_ms, notes)
