"""`fks data`: what is printed, and how it ends."""

import json
from pathlib import Path

import pytest

from fks_actors.adapters.feeds.files import read
from fks_actors.adapters.recordings.formats import write
from fks_actors.adapters.recordings.growing import part_of
from fks_actors.adapters.recordings.session import Order
from fks_actors.adapters.recordings.store import path_in
from fks_actors.cli.data import instant
from fks_actors.errors import ConfigError
from tests.cli_runs import fks_here
from tests.unit.adapters.recordings.shapes import HOUR, T0, bar, columns_of, csv_of

GOOD = [bar(i) for i in range(48)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FKS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_check_when_clean_then_0_with_findings_1_and_unusable_4(tmp_path: Path) -> None:
    clean = str(csv_of(GOOD, tmp_path / "BTCUSDT-1h.csv"))
    holed = str(csv_of(GOOD[:9] + GOOD[12:], tmp_path / "ETHUSDT-1h.csv"))
    broken = str(csv_of([GOOD[1], GOOD[0]], tmp_path / "SOLUSDT-1h.csv"))
    assert fks_here("data", "check", clean).code == 0
    assert fks_here("data", "check", clean, holed).code == 1
    ran = fks_here("data", "check", clean, holed, broken)
    assert ran.code == 4
    assert f"{clean}: clean; BTC/USDT, 1h, 48 bars" in ran.out
    assert "gap x1: 1 gap, 3 bars missing, the longest 4 h" in ran.out
    assert "missing 2023-11-14 09:00 to 2023-11-14 11:00: 3 bars" in ran.out
    assert f"{broken}: UNUSABLE" in ran.out
    assert "out_of_order x1" in ran.out


def test_check_when_asked_for_json_then_every_gap_and_flaw_is_in_it(tmp_path: Path) -> None:
    holed = str(csv_of(GOOD[:9] + GOOD[12:], tmp_path / "ETHUSDT-1h.csv"))
    ran = fks_here("data", "check", holed, str(tmp_path / "absent.csv"), "--json")
    assert ran.code == 4
    told = json.loads(ran.out)
    first, second = told["files"]
    assert (told["state"], first["state"], second["state"]) == ("unusable", "findings", "unusable")
    assert first["gaps"] == [{"from_ms": T0 + 9 * HOUR, "to_ms": T0 + 11 * HOUR, "missing": 3}]
    assert (first["missing"], first["symbol"], first["rows"]) == (3, "ETH/USDT", 45)
    assert [(f["kind"], f["weight"], f["message"]) for f in second["flaws"]] == [
        ("unreadable", "fatal", "no such file")
    ]


def test_check_when_the_spike_limit_is_lowered_then_more_is_a_spike(tmp_path: Path) -> None:
    bars = [bar(i, volume=5.0) for i in range(60)]
    jump = bars[50]
    bars[50] = type(jump)(jump.symbol, jump.ts_ms, jump.open, jump.high + 9, jump.low, jump.close + 1.0, jump.volume)
    path = str(csv_of(bars, tmp_path / "BTCUSDT-1h.csv"))
    assert fks_here("data", "check", path, "--spike-z", "100").code == 0
    ran = fks_here("data", "check", path, "--spike-z", "5")
    assert ran.code == 1
    assert "spike x2" in ran.out
    assert "(bars 51, 52)" in ran.out


def test_convert_when_resampled_then_the_dropped_bars_are_told(tmp_path: Path) -> None:
    source, target = csv_of(GOOD[1:], tmp_path / "BTCUSDT-1h.csv"), tmp_path / "out.parquet"
    ran = fks_here("data", "convert", str(source), str(target), "--timeframe", "1d")
    assert (ran.code, ran.err) == (0, "")
    assert "1 bars in" in ran.out
    assert "dropped 1 bars that lack a part: 2023-11-14 00:00" in ran.out
    assert read(str(target)).columns.times.tolist() == [T0 + 24 * HOUR]
    kept = fks_here("data", "convert", str(source), str(tmp_path / "k.csv"), "--timeframe", "1d", "--partial", "keep")
    assert "kept 1 bars that lack a part" in kept.out


def test_convert_when_the_target_is_there_then_it_takes_force(tmp_path: Path) -> None:
    source, target = csv_of(GOOD, tmp_path / "BTCUSDT-1h.csv"), tmp_path / "out.csv"
    target.write_text("mine")
    ran = fks_here("data", "convert", str(source), str(target))
    assert (ran.code, target.read_text()) == (2, "mine")
    assert "--force replaces it" in ran.err
    told = json.loads(fks_here("data", "convert", str(source), str(target), "--force", "--json").out)
    assert (told["rows"], told["interval_ms"], told["path"]) == (48, HOUR, str(target))
    assert read(str(target)).columns.times.tolist() == [b.ts_ms for b in GOOD]


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("convert", "absent.csv", "out.csv"), 4, "absent.csv: no such file"),
        (("convert", "absent.csv", "out.csv", "--partial", "mend"), 2, "write drop or keep"),
        (("fetch", "BTC", "--since", "2024-01-01"), 2, "'BTC' is no symbol"),
        (("fetch", "BTC/USDT", "--since", "yesterday"), 2, "'yesterday' is no time"),
        (("fetch", "BTC/USDT", "--since", "2024-01-01", "--timeframe", "7m"), 2, "--timeframe is one of 1m"),
        (("fetch", "BTC/USDT", "--since", "2024-01-01", "--base-url", "here"), 2, "--base-url is http://HOST:PORT"),
    ],
)
def test_data_when_an_argument_is_wrong_then_it_is_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], code: int, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = fks_here("data", *args)
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err
    assert not (home / "data").exists()


def test_list_when_the_store_is_empty_then_it_says_what_fills_it(home: Path) -> None:
    ran = fks_here("data", "list")
    assert (ran.code, ran.out) == (0, f"{home / 'data'} holds no recording; `fks data fetch` makes one\n")
    assert fks_here("data", "list", "--json").out == "[]\n"


def test_list_when_there_are_recordings_then_each_is_told_a_damaged_one_too(home: Path) -> None:
    root = home / "data"
    about = {"source": "binance", "fetched_at": "2026-01-01T00:00:00+00:00"}
    holed, day = path_in(root, "binance", "ETH/USDT", "1h"), path_in(root, "binance", "BTC/USDT", "1d")
    write(holed, columns_of(GOOD[:9] + GOOD[12:]), about)
    write(day, columns_of([bar(i, 24 * HOUR) for i in range(3)]), about)
    write(path_in(root, "binance", "BTC/USDT", "1h"), columns_of(GOOD), about)
    part_of(day).touch()
    path_in(root, "kraken", "BTC/USD", "1h").parent.mkdir()
    path_in(root, "kraken", "BTC/USD", "1h").write_bytes(b"PAR1")
    told = json.loads(fks_here("data", "list", "--json").out)
    assert [(r["exchange"], r["symbol"], r["timeframe"], r["rows"], r["unfinished"]) for r in told] == [
        ("binance", "BTC/USDT", "1h", 48, False),
        ("binance", "BTC/USDT", "1d", 3, True),
        ("binance", "ETH/USDT", "1h", 45, False),
        ("kraken", "BTC/USD", "1h", 0, False),
    ]
    eth = told[2]
    assert (eth["first_ms"], eth["last_ms"], eth["size"]) == (T0, T0 + 47 * HOUR, holed.stat().st_size)
    assert eth["gaps"] == {"count": 1, "missing": 3, "longest_ms": 4 * HOUR}
    assert (eth["source"], eth["fetched_at"]) == (about["source"], about["fetched_at"])
    assert "not a readable Parquet" in told[3]["error"]
    shown = fks_here("data", "list").out
    assert "1 (3 bars)" in shown
    assert "unfinished fetch" in shown


def test_instant_when_without_a_zone_then_it_is_utc() -> None:
    assert instant("2024-01-01") == 1_704_067_200_000
    assert instant("2024-01-01T01:00+01:00") == instant("2024-01-01T00:00") == instant("2024-01-01")


def test_wish_when_it_reaches_beyond_now_then_only_closed_bars_are_in_it() -> None:
    order = Order("binance", ("BTC/USDT",), "1h", T0 + 1, T0 + 90 * HOUR)
    wish = order.wish("BTC/USDT", T0 + 5 * HOUR + 1)
    assert (wish.since_ms, wish.until_ms) == (T0 + HOUR, T0 + 5 * HOUR)
    assert order.wish("BTC/USDT", T0 + 99 * HOUR).until_ms == T0 + 90 * HOUR
    with pytest.raises(ConfigError, match="no closed bar"):
        order.wish("BTC/USDT", T0 + 2 * HOUR - 1 - HOUR)
