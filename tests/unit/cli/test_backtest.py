"""`fks backtest`: what is printed, in which order, and how it ends."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from fks_actors.cli import backtest as command
from fks_actors.cli.main import app
from fks_actors.model.candles import BarBatch
from tests.cli_runs import Ran, fks_here
from tests.market import batches, write_files

HEADER = "timestamp,open,high,low,close,volume"
T0 = 1_700_000_040_000
BARS = [f"{T0 + n * 60_000},100,101,99,100.5,7" for n in range(5)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return files_of(tmp_path_factory.mktemp("bars"), batches(300))


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "c.yaml"
    path.write_text("agents:\n  minds: [short_term, mid_term, asmbtr]\n")
    return str(path)


def files_of(folder: Path, bars: list[BarBatch]) -> list[str]:
    return write_files(folder, bars).removeprefix("replay:").split(",")


def ran(data: Sequence[str], *options: str) -> Ran:
    named = [part for path in data for part in ("--data", path)]
    return fks_here("backtest", *named, *options)


def test_backtest_when_run_then_the_verdict_stands_first_and_everything_beside_it(
    data: list[str], config: str, tmp_path: Path
) -> None:
    done = ran(data, "--config", config, "--report", str(tmp_path / "report"))
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].startswith("After costs the run ")
    assert lines[1] == (
        "BTC/USDT, ETH/USDT: 300 bars, 2023-11-14 22:14 to 2023-11-15 03:13 UTC, replay of BTCUSDT-1m.csv, "
        "ETHUSDT-1m.csv."
    )
    names = [line[:28].strip() for line in lines[3:13]]
    assert lines[2].split() == [
        "return",
        "a",
        "year",
        "Sharpe",
        "drawdown",
        "exposed",
        "trips",
        "won",
        "fees",
        "equity",
    ]
    assert names == [
        "the council",
        "flat",
        "buy and hold",
        "buy and hold of 5 % each",
        "price over SMA(200)",
        "SMA(50) over SMA(200)",
        "MACD(12, 26, 9)",
        "Bollinger(20, 2) reversion",
        "ASMBTR alone",
        "debate alone",
    ]
    assert "(block bootstrap); it " in lines[14]
    assert all(line.startswith("! ") for line in lines[15:-1])
    assert lines[-1] == f"Report: {tmp_path}/report/report.html"
    assert (tmp_path / "report" / "report.html").stat().st_size > 10_000
    assert done.err == ""


def test_backtest_when_asked_for_json_then_one_document_that_agrees_with_the_report(
    data: list[str], config: str, tmp_path: Path
) -> None:
    options = ("--config", config, "--json", "--baselines", "macd,debate", "--seed", "3", "--report", str(tmp_path))
    told: dict[str, Any] = json.loads(ran(data, *options).out)
    assert list(told) == [
        "first_line",
        "beats_flat",
        "beats_buy_and_hold",
        "data",
        "result",
        "baselines",
        "warnings",
        "checks",
        "report",
    ]
    assert told["checks"] == []
    result, beside = told["result"], told["baselines"]
    assert [each["name"] for each in beside[3:]] == ["MACD(12, 26, 9)", "debate alone"]
    assert told["beats_flat"] == (result["return"] > 0)
    assert told["beats_buy_and_hold"] == (result["return"] > beside[1]["return"])
    assert (told["data"]["batches"], result["bars"], told["data"]["interval_ms"]) == (300, 600, 60_000)
    assert float(result["equity"]) == pytest.approx(10_000 * (1 + result["return"]))
    spread = result["return_interval"]
    assert spread["low"] < result["return"] < spread["high"]
    saved = json.loads(Path(told["report"]["json"]).read_text())
    assert {key: spread[key] for key in ("low", "high")} == saved["sureness"]["bounds"]["total"]
    assert spread["block"] == saved["sureness"]["block"]
    assert (saved["first_line"], saved["warnings"]) == (told["first_line"], told["warnings"])
    figures = {column["name"]: column["figures"] for column in saved["figures"]}
    for each in (result, *beside):
        assert figures[each["name"]]["sharpe"] == each["sharpe"]
        assert figures[each["name"]]["trades"] == each["trips"]
    assert json.loads(ran(data, *options).out) == told


def test_backtest_when_baselines_are_none_then_flat_and_hold_remain(data: list[str], config: str) -> None:
    told = json.loads(ran(data, "--config", config, "--json", "--baselines", "none").out)
    assert [each["name"] for each in told["baselines"]] == ["flat", "buy and hold", "buy and hold of 5 % each"]


def test_backtest_when_a_file_holds_the_strategy_then_it_trades_by_its_targets(data: list[str], tmp_path: Path) -> None:
    path = tmp_path / "third.py"
    path.write_text("class Third:\n    def on_bar(self, bar):\n        return 0.3\n")
    told = json.loads(ran(data, "--strategy", str(path), "--json", "--baselines", "none").out)
    assert told["result"]["name"] == "third"
    assert 0.3 < told["result"]["mean_exposure"] < 0.65  # of each of both symbols, up to the cap on all of them


def test_backtest_when_reruns_are_asked_for_then_what_they_found_is_told(data: list[str]) -> None:
    asked = ("--strategy", "macd", "--baselines", "none", "--lag", "--check-lookahead")
    done = ran(data, *asked)
    assert done.code == 0, done.err
    late, clean = (
        next(line for line in done.out.splitlines() if text in line) for text in ("one bar later", "No look")
    )
    told = json.loads(ran(data, *asked, "--json").out)
    assert [each["check"] for each in told["checks"]] == ["lag", "look_ahead"]
    for each, line in zip(told["checks"], (late, clean), strict=True):
        assert line == ("! " if each["warning"] else "") + each["found"]
        assert (each["found"] in told["warnings"]) == each["warning"]
    assert not told["checks"][1]["warning"]


def test_backtest_when_a_strategy_reads_the_future_then_it_fails_and_says_which_decision(
    data: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "seer.py"
    path.write_text(
        "import csv\n"
        "class Seer:\n"
        "    def __init__(self):\n"
        f"        with open({data[0]!r}) as file:\n"
        "            rows = csv.DictReader(file)\n"
        "            self.closes = {int(row['timestamp']): float(row['close']) for row in rows}\n"
        "    def on_bar(self, bar):\n"
        "        return 1.0 if self.closes.get(bar.ts_ms + 3_600_000, 0) > bar.close else 0.0\n"
    )
    done = ran(data[:1], "--strategy", str(path), "--baselines", "none", "--check-lookahead")
    assert done.code == 1
    assert done.out.startswith("NOT to be believed, for the look-ahead test failed: after costs the run ")
    assert f"! LOOK-AHEAD: {data[0]} was opened while the strategy ran" in done.out


def test_backtest_when_a_strategy_prints_then_the_document_is_still_one(data: list[str], tmp_path: Path) -> None:
    path = tmp_path / "loud.py"
    path.write_text("class Loud:\n    def on_bar(self, bar):\n        print('hello')\n        return 1.0\n")
    done = ran(data[:1], "--strategy", str(path), "--baselines", "none", "--json")
    assert json.loads(done.out)["result"]["name"] == "loud"
    assert "hello" in done.err


def test_backtest_when_a_file_asks_for_parameters_then_it_says_which_and_where_to_give_them(
    data: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "asks.py"
    path.write_text(
        "class Asks:\n    def __init__(self, fast):\n        pass\n    def on_bar(self, bar):\n        return 1.0\n"
    )
    done = ran(data, "--strategy", str(path))
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"fks: {path}: params.fast: Asks needs it (a configuration can give params, under strategies)\n"
    )


def test_backtest_when_a_span_is_given_then_only_that_is_traded(data: list[str], config: str) -> None:
    span = ("--since", "2023-11-15T00:00", "--until", "2023-11-15T01:00:00+00:00", "--warm", "50")
    told = json.loads(ran(data, "--config", config, "--json", "--baselines", "none", *span).out)
    assert told["data"]["batches"] == 60
    assert told["data"]["first_ms"] == 1_700_006_400_000


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--baselines", "sma,wma"), 2, "there is no baseline 'wma'; there are sma, sma_cross, macd, bollinger, asmb"),
        (
            ("--strategy", "ichimoku"),
            2,
            "there is no strategy 'ichimoku'; there are bollinger, macd, sma, sma_cross, council, debate, hyb",
        ),
        (("--strategy", "sentiment"), 2, "sentiment has no vote over recorded bars; name another mind, too"),
        (("--strategy", "/none.py"), 2, "fks: /none.py: no such file"),
        (("--since", "yesterday"), 2, "--since yesterday: write a day as YYYY-MM-DD, or 2024-01-01T12:00 (UTC)"),
        (("--since", "2023-11-15", "--until", "2023-11-14"), 2, "--since 2023-11-15 is not before --until 2023-11-14"),
        (("--until", "2020-01-01"), 4, "replay of BTCUSDT-1m.csv, ETHUSDT-1m.csv has no bar between --since and"),
        (("--since", "2030-01-01"), 4, "it has those of 2023-11-14T22:14 to 2023-11-15T03:13"),
        (("--data", "prices.csv"), 2, "no symbol in the file name 'prices.csv'; write BTC/USDT=prices.csv"),
        (("--data", "BTC/USDT="), 2, "'BTC/USDT=' names no file; write FILE or SYMBOL=FILE"),
        (("--report", "/proc/nowhere"), 2, "--report /proc/nowhere: cannot be made"),
        (("--config", "/none.yaml"), 2, "/none.yaml: no such config file"),
    ],
)
def test_backtest_when_an_option_is_wrong_then_a_line_says_so(
    options: tuple[str, ...], code: int, said: str, data: list[str]
) -> None:
    done = ran(data, *options)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("fks: ")
    assert said in done.err
    assert len(done.err.splitlines()) == 1


def changed(at: int, line: str) -> str:
    return "\n".join([HEADER, *BARS[:at], line, *BARS[at + 1 :]]) + "\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        (HEADER + "\n", "no bars; the file holds a header only"),
        (changed(2, BARS[1]), f"line 4: timestamp {T0 + 60_000} is a duplicate"),
        (
            "\n".join([HEADER, *BARS, *BARS[3:]]),
            f"line 7: timestamp {T0 + 180_000} comes after {T0 + 240_000}",
        ),
        (changed(2, BARS[0]), f"line 4: timestamp {T0} comes after {T0 + 60_000}: not ascending"),
        (changed(2, f"{T0 + 90_000},100,101,99,100.5,7"), "line 4: 30 s after the bar before, others 60 s: two timef"),
        (
            changed(2, "2023-11-14 22:16:00,100,101,99,100.5,7"),
            "timestamp is '2023-11-14 22:16:00', not a number; UTC",
        ),
        (changed(2, f"{T0 + 120_000},100,101,99,nan,7"), "line 4: close is nan; not a finite number"),
        (changed(2, f"{T0 + 120_000},100,101,-99,100.5,7"), "line 4: low is -99; a price is above 0"),
        (changed(2, f"{T0 + 120_000},100,101,99,100.5,-7"), "line 4: volume is -7; it cannot be below 0"),
        (changed(2, f"{T0 // 1_000 + 120},100,101,99,100.5,7"), "is no time in milliseconds UTC"),
        (changed(2, f"{T0 + 120_000},100,90,99,100.5,7"), "line 4: high 90 is below low 99"),
    ],
)
@pytest.mark.parametrize("verb", ["backtest", "compare"])
def test_backtest_when_bars_are_bad_then_file_line_and_fault_are_named(
    verb: str, text: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text(text)
    done = fks_here(verb, "--data", str(path))
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith(f"fks: {path}")
    assert said in done.err
    assert len(done.err.splitlines()) == 1


def test_backtest_when_times_have_no_zone_then_refused(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m.parquet"
    frame = pl.read_csv("\n".join([HEADER, *BARS]).encode())
    frame.with_columns(pl.from_epoch("timestamp", time_unit="ms")).write_parquet(path)
    done = ran([str(path)])
    assert done.code == 4
    assert "without a time zone; make it UTC, or whole UTC milliseconds since 1970" in done.err


def test_backtest_when_files_do_not_fit_each_other_then_refused(tmp_path: Path) -> None:
    minute, hour, odd = (tmp_path / name for name in ("BTCUSDT-1m.csv", "ETHUSDT-1h.csv", "SOLUSDT-1m.csv"))
    minute.write_text("\n".join([HEADER, *BARS]))
    hour.write_text("\n".join([HEADER, *(f"{T0 + n * 3_600_000},100,101,99,100.5,7" for n in range(3))]))
    odd.write_text("\n".join([HEADER, *(f"{T0 + 30_000 + n * 60_000},100,101,99,100.5,7" for n in range(3))]))
    for other, code, said in (
        (str(hour), 4, "bars of 3600 s, but BTC/USDT has bars of 60 s"),
        (str(odd), 4, "its bars open at other times than those of BTC/USDT"),
        (f"BTC/USDT={minute}", 2, "BTC/USDT is given by two files; name each symbol once"),
    ):
        done = ran([str(minute), other])
        assert (done.code, done.out) == (code, "")
        assert said in done.err


def test_backtest_when_the_report_cannot_be_written_then_the_result_is_printed_all_the_same(
    data: list[str], config: str, tmp_path: Path
) -> None:
    (tmp_path / "report.html").mkdir()
    done = CliRunner().invoke(
        app, ["backtest", "--data", data[0], "--config", config, "--baselines", "none", "--report", str(tmp_path)]
    )
    assert done.exit_code == 2
    assert done.stdout.startswith("After costs the run ")
    assert f"the report cannot be written to {tmp_path}" in done.stderr


def test_backtest_when_started_then_nothing_heavy_is_loaded_before_the_first_bar() -> None:
    heavy = ["ray", "langgraph", "pandas", "polars", "scipy", "statsmodels", "arch", "torch", "ccxt", "sqlalchemy"]
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\n"
            f"from {command.__name__} import backtest\n"
            "from fks_actors.backtest import past, studies\n"
            "from fks_actors.backtest.council import council\n"
            "from fks_actors.cli import watching\n"
            "from fks_actors.settings import Settings\n"
            "council(Settings(), 3_600_000)\n"
            f"print([name for name in {heavy!r} if name in sys.modules])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "[]"
