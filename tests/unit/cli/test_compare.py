"""`fks compare` without models: who differs from the first, and what is not claimed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli_runs import Ran, fks_here
from tests.market import batches, write_files


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_files(tmp_path_factory.mktemp("bars"), batches(300)).removeprefix("replay:").split(",")


def config(folder: Path, name: str, more: str = "") -> str:
    path = folder / name
    path.write_text(f"agents:\n  minds: [short_term, mid_term, asmbtr]\n{more}")
    return str(path)


def ran(data: list[str], *options: str) -> Ran:
    return fks_here("compare", *[part for path in data for part in ("--data", path)], *options)


def test_compare_when_nothing_is_named_then_the_council_against_every_baseline(data: list[str], tmp_path: Path) -> None:
    done = ran(data, "--config", config(tmp_path, "c.yaml"))
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].startswith("After costs the run ")
    assert [line[:28].strip() for line in lines[3:14]] == [
        "the council",
        "price over SMA(200)",
        "SMA(50) over SMA(200)",
        "MACD(12, 26, 9)",
        "Bollinger(20, 2) reversion",
        "ASMBTR alone",
        "debate alone",
        "hybrid: debate and ASMBTR",
        "flat",
        "buy and hold",
        "buy and hold of 5 % each",
    ]
    assert lines[14].split() == ["return", "against", "the", "council", "difference", "low", "high"]
    told: dict[str, Any] = json.loads(ran(data, "--config", config(tmp_path, "c.yaml"), "--json").out)
    first, *others = told["runs"]
    assert (first["difference"], first["difference_interval"], first["differs"]) == (0.0, None, False)
    for each, line in zip(others, lines[15:22], strict=True):
        assert each["difference"] == pytest.approx(each["return"] - first["return"])
        spread = each["difference_interval"]
        assert spread["level"] == pytest.approx(1 - 0.05 / 7)
        assert each["differs"] == (not spread["low"] <= 0 <= spread["high"])
        said = "the same" if spread["low"] == spread["high"] == 0 else "differs" if each["differs"] else "may be luck"
        assert line.startswith(each["name"])
        assert line.rstrip().endswith(said)
    assert lines[22].startswith("Low to high: 95% confidence for all intervals together, by paired block bootstrap.")


def test_compare_when_a_configuration_pays_no_fees_then_it_differs_and_the_first_stays_the_judge(
    data: list[str], tmp_path: Path
) -> None:
    free = config(tmp_path, "free.yaml", "paper: {taker_fee_bps: 0, maker_fee_bps: 0, slippage_bps: 0}\n")
    both = f"{config(tmp_path, 'usual.yaml')},{free}"
    told = json.loads(ran(data, "--configs", both, "--json").out)
    usual, without = told["runs"]
    assert [run["name"] for run in told["runs"]] == both.split(",")
    assert float(usual["fees"]) > float(without["fees"]) == 0.0
    assert without["difference"] > 0.0
    assert without["difference_interval"]["low"] <= without["difference"] <= without["difference_interval"]["high"]


def test_compare_when_strategies_are_named_then_the_first_one_is_held_against(data: list[str], tmp_path: Path) -> None:
    path = tmp_path / "half.py"
    path.write_text("class Half:\n    def on_bar(self, bar):\n        return 0.25\n")
    usual = config(tmp_path, "c.yaml")
    told = json.loads(ran(data, "--strategies", f"{path},macd,council", "--config", usual, "--json").out)
    assert [run["name"] for run in told["runs"]] == ["half", "MACD(12, 26, 9)", "the council"]
    beside = json.loads(ran(data, "--strategies", "council,macd", "--config", usual, "--json").out)
    assert told["runs"][1]["mean_exposure"] > 2 * beside["runs"][1]["mean_exposure"]  # by its target, not by a vote
    assert told["runs"][2]["equity"] == beside["runs"][0]["equity"]


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--strategies", "macd"), 2, "--strategies macd: name two or more, each once, with commas between them"),
        (("--strategies", "macd,macd"), 2, "name two or more, each once"),
        (("--strategies", "macd,"), 2, "name two or more, each once"),
        (("--strategies", "macd,wma"), 2, "there is no strategy 'wma'; there are "),
        (("--configs", "a.yaml,b.yaml"), 2, "a.yaml: no such config file"),
        (("--configs", "a.yaml,b.yaml", "--strategies", "a,b"), 2, "each say what to compare: give one of them"),
        (("--models", "--strategies", "a,b"), 2, "each say what to compare: give one of them"),
        (("--configs", "a.yaml,b.yaml", "--config", "c.yaml"), 2, "--configs names all files; leave out --config"),
        (("--models",), 2, "no language model is configured"),
    ],
)
def test_compare_when_an_option_is_wrong_then_a_line_says_so(
    options: tuple[str, ...], code: int, said: str, data: list[str]
) -> None:
    done = ran(data, *options)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1
