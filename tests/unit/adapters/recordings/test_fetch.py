"""A fetch that is cut anywhere and taken up again ends in the same file, and asks for nothing twice."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

import ccxt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.adapters.feeds.files import read
from fks_actors.adapters.recordings.fetch import TRIES, Fetched, Wish, fetch
from fks_actors.adapters.recordings.formats import about_of
from fks_actors.adapters.recordings.growing import Growing, Origin, exclusive, part_of
from fks_actors.errors import ConfigError, DataFileError, FeedUnavailable
from fks_actors.model.candles import Candle
from tests.unit.adapters.recordings.shapes import HOUR, SYMBOL, T0, FakeExchange, Waits, bar, recordings, rows_of

BYTES = 52
"""A bar in a part: six numbers and a checksum."""
ORIGIN = Origin("binance", SYMBOL, "1h")
FULL = [bar(i) for i in range(23)]


def growing(path: Path, origin: Origin = ORIGIN) -> Growing:
    return Growing(path, origin, HOUR, {"fetched_at": "now", "ccxt": "4"})


def wish(since: int, until: int) -> Wish:
    return Wish(SYMBOL, "1h", HOUR, T0 + since * HOUR, T0 + until * HOUR)


def run(exchange: FakeExchange, path: Path, wanted: Wish, waits: Waits | None = None) -> Fetched:
    timing = (waits or Waits()).timing()
    return asyncio.run(fetch(exchange, growing(path), wanted, timing, lambda done, whole: None))


def held(path: Path) -> list[Candle]:
    return rows_of(read(str(path)).columns)


def within(bars: Sequence[Candle], wanted: Wish) -> list[Candle]:
    return [b for b in bars if wanted.since_ms <= b.ts_ms < wanted.until_ms]


def test_fetch_when_all_pages_come_then_the_file_holds_the_wish_and_tells_its_origin(tmp_path: Path) -> None:
    exchange, path = FakeExchange(FULL), tmp_path / "BTC-USDT-1h.parquet"
    assert run(exchange, path, wish(3, 20)) == Fetched(17, 4)
    assert held(path) == FULL[3:20]
    told = about_of(path)
    assert told.pop("covered") == f"[[{T0 + 3 * HOUR}, {T0 + 20 * HOUR}]]"
    assert told == {"source": "binance", "symbol": SYMBOL, "timeframe": "1h", "fetched_at": "now", "ccxt": "4"}
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_fetch_when_the_file_has_all_then_nothing_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    run(FakeExchange(FULL), path, wish(3, 20))
    before, again = path.read_bytes(), FakeExchange(FULL)
    assert run(again, path, wish(5, 20)) == Fetched(0, 0)
    assert (again.asked, path.read_bytes()) == ([], before)


def test_fetch_when_the_wish_is_wider_than_the_file_then_only_both_ends_are_fetched(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    run(FakeExchange(FULL), path, wish(8, 12))
    again = FakeExchange(FULL)
    run(again, path, wish(2, 20))
    assert held(path) == FULL[2:20]
    assert again.asked[0] == T0 + 2 * HOUR
    assert not {T0 + i * HOUR for i in range(8, 12)} & set(again.asked)


def test_fetch_when_the_exchange_does_not_tell_the_tail_yet_then_it_is_asked_again_later(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    run(FakeExchange(FULL[:18]), path, wish(0, 20))
    assert held(path) == FULL[:18]
    later = FakeExchange(FULL)
    assert run(later, path, wish(0, 20)) == Fetched(2, 1)
    assert later.asked == [T0 + 18 * HOUR]
    assert held(path) == FULL[:20]


@pytest.mark.parametrize("windowed", [False, True])
def test_fetch_when_a_gap_is_longer_than_a_page_then_it_is_passed_and_asked_once(
    tmp_path: Path, windowed: bool
) -> None:
    path, holed = tmp_path / "a.parquet", [*FULL[:4], *FULL[17:]]
    run(FakeExchange(holed, windowed=windowed), path, wish(0, 23))
    assert held(path) == holed
    again = FakeExchange(holed, windowed=windowed)
    run(again, path, wish(0, 23))
    assert again.asked == []


def test_fetch_when_a_bar_after_the_wish_is_told_then_the_gap_before_it_is_asked_once(tmp_path: Path) -> None:
    path, holed = tmp_path / "a.parquet", [*FULL[:18], *FULL[20:]]
    run(FakeExchange(holed), path, wish(0, 20))
    assert held(path) == FULL[:18]
    again = FakeExchange(holed)
    run(again, path, wish(0, 20))
    assert again.asked == []


@pytest.mark.parametrize("windowed", [False, True])
def test_fetch_when_the_market_was_not_there_yet_then_its_time_before_is_asked_once(
    tmp_path: Path, windowed: bool
) -> None:
    path = tmp_path / "a.parquet"
    run(FakeExchange(FULL[8:], windowed=windowed), path, wish(8, 12))
    run(FakeExchange(FULL[8:], windowed=windowed), path, wish(3, 12))
    again = FakeExchange(FULL[8:], windowed=windowed)
    run(again, path, wish(3, 12))
    assert (again.asked, held(path)) == ([], FULL[8:12])


def test_fetch_when_answers_fail_then_it_waits_ever_longer_and_goes_on(tmp_path: Path) -> None:
    waits, path = Waits(), tmp_path / "a.parquet"
    exchange = FakeExchange(FULL, fails=frozenset({2, 3, 4}), cause=ccxt.RateLimitExceeded("429"))
    run(exchange, path, wish(0, 20), waits)
    assert held(path) == FULL[:20]
    assert waits.taken == [0.5, 1.0, 2.0]


def test_fetch_when_the_exchange_stays_away_then_it_ends_and_what_came_is_kept(tmp_path: Path) -> None:
    exchange, path = FakeExchange(FULL, fails=frozenset(range(3, 99))), tmp_path / "a.parquet"
    with pytest.raises(FeedUnavailable):
        run(exchange, path, wish(0, 20))
    assert len(exchange.asked) == 2 + TRIES
    assert held(path) == FULL[:10]
    assert not part_of(path).exists()


def test_fetch_when_the_exchange_refuses_then_it_is_not_asked_again(tmp_path: Path) -> None:
    exchange = FakeExchange(FULL, fails=frozenset({1}), cause=ccxt.BadSymbol("no such market"))
    with pytest.raises(FeedUnavailable):
        run(exchange, tmp_path / "a.parquet", wish(0, 20))
    assert len(exchange.asked) == 1


@given(
    bars=recordings(),
    page=st.integers(1, 9),
    windowed=st.booleans(),
    since=st.integers(0, 20),
    cut=st.integers(1, 12),
    torn=st.integers(0, 6 * 52),
    junk=st.binary(max_size=60),
)
def test_fetch_when_cut_anywhere_then_the_next_one_makes_the_same_file(
    bars: list[Candle], page: int, windowed: bool, since: int, cut: int, torn: int, junk: bytes
) -> None:
    wanted = wish(since, 60)
    with TemporaryDirectory() as folder:
        whole, path = Path(folder) / "whole.parquet", Path(folder) / "killed" / "cut.parquet"
        run(FakeExchange(bars, page, windowed), whole, wanted)
        path.parent.mkdir()
        killed_at(cut, FakeExchange(bars, page, windowed), path, wanted)
        if part_of(path).exists():
            content = part_of(path).read_bytes()
            part_of(path).write_bytes(content[: max(0, len(content) - torn)] + junk)
        sound_before = within(bars, wanted)
        run(FakeExchange(bars, page, windowed), path, wanted)
        if not sound_before:
            assert not path.exists()
            return
        assert held(path) == sound_before
        assert path.read_bytes() == whole.read_bytes()


def killed_at(question: int, exchange: FakeExchange, path: Path, wanted: Wish) -> None:
    """Leave in the path's folder what a kill at that question leaves: the files as they are at that moment."""

    def keep(asked: int) -> None:
        if asked == question:
            for file in running.iterdir():
                copy(file, path.parent)

    exchange.before = keep
    with TemporaryDirectory() as folder:
        running = Path(folder)
        run(exchange, running / path.name, wanted)
        if len(exchange.asked) < question:
            keep(question)


@given(
    bars=recordings(),
    page=st.integers(1, 9),
    windowed=st.booleans(),
    spans=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), min_size=1, max_size=5),
)
def test_fetch_when_wishes_follow_each_other_then_the_file_is_their_union_and_no_bar_comes_twice(
    bars: list[Candle], page: int, windowed: bool, spans: list[tuple[int, int]]
) -> None:
    exchange, wanted = FakeExchange(bars, page, windowed), [wish(start, start + length) for start, length in spans]
    came = 0
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.parquet"
        for each in wanted:
            came += run(exchange, path, each).bars
        expected = [b for b in bars if any(w.since_ms <= b.ts_ms < w.until_ms for w in wanted)]
        assert (held(path) if path.exists() else []) == expected
        assert came == len(expected)


def test_growing_when_the_part_has_a_torn_bar_then_what_comes_before_it_is_kept(tmp_path: Path) -> None:
    path, state = tmp_path / "a.parquet", growing(tmp_path / "a.parquet")
    state.add(FULL[:6])
    part = part_of(path)
    content = bytearray(part.read_bytes())
    content[4 * BYTES : 5 * BYTES] = bytes(BYTES)
    part.write_bytes(content)
    assert growing(path).rows == 4
    assert held(path) == FULL[:4]


def test_growing_when_the_file_is_of_another_origin_then_it_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    run(FakeExchange(FULL), path, wish(0, 9))
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=r"of source binance, not binance at http://127\.0\.0\.1:1"):
        growing(path, Origin("binance at http://127.0.0.1:1", SYMBOL, "1h"))
    assert path.read_bytes() == before


def test_growing_when_the_part_is_of_another_origin_then_none_of_its_bars_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    growing(path, Origin("binance at http://127.0.0.1:1", SYMBOL, "1h")).add(FULL[:6])
    assert growing(path).rows == 0
    assert not path.exists()


def test_growing_when_the_file_is_damaged_then_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    run(FakeExchange(FULL), path, wish(0, 9))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataFileError, match="not a readable Parquet"):
        growing(path)


def test_fetch_when_the_file_cannot_be_written_then_it_says_so_and_the_part_keeps_the_bars(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    state = growing(path)
    path.mkdir()
    with pytest.raises(ConfigError, match="cannot be written"):
        asyncio.run(fetch(FakeExchange(FULL), state, wish(0, 9), Waits().timing(), lambda done, whole: None))
    path.rmdir()
    assert growing(path).rows == 9


def test_exclusive_when_held_then_the_second_is_refused_and_afterwards_not(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "binance"
    with exclusive(folder), pytest.raises(ConfigError, match="another `fks data fetch` writes"), exclusive(folder):
        pass
    with exclusive(folder):
        assert folder.is_dir()


def test_exclusive_when_the_folder_cannot_be_made_then_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(ConfigError, match="cannot be written"), exclusive(tmp_path / "data" / "binance"):
        pass
