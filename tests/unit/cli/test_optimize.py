"""`fks optimize` in one process: what is printed, what is refused, and how a study goes on."""

import json
import sys
from pathlib import Path

import pytest

from fks_actors.home import Home
from tests.cli_runs import Ran, fks_here
from tests.unit.backtest.search.scene import recording

SPACE = """
risk.per_trade_pct: {low: 5, high: 60, step: 5}
agents:
  debate.threshold: {low: 0.1, high: 0.6}
"""


@pytest.fixture
def files(tmp_path: Path, home: Home) -> tuple[str, ...]:
    (tmp_path / "space.yaml").write_text(SPACE)
    (tmp_path / "one.yaml").write_text("agents:\n  minds: [short_term, mid_term]\n  debate: {min_votes: 1}\n")
    recording(tmp_path, 120, "ETHUSDT-1h.csv", turn=7.0)
    data = str(recording(tmp_path, 120))
    return ("--data", data, "--space", str(tmp_path / "space.yaml"), "--config", str(tmp_path / "one.yaml"))


def optimized(files: tuple[str, ...], *options: str) -> Ran:
    usual = ("--trials", "3", "--warm", "20", "--cv", "purged:3:purge=2:embargo=1", "--study", "s")
    return fks_here("optimize", *files, *usual, *options)


def test_optimize_when_run_then_the_verdict_is_the_first_line_and_trials_come_again(files: tuple[str, ...]) -> None:
    ran = optimized(files)
    assert ran.code == 0, ran.err
    first = ran.out.partition("\n")[0]
    assert first.startswith("Out of sample the search ")
    assert "3 trials tried" in ran.out
    assert "--study s --show" in ran.out
    shown = fks_here("optimize", "--study", "s", "--show", "1", "--json")
    record = json.loads(shown.out)
    assert (record["number"], record["study"], record["state"]) == (1, "s", "complete")
    assert set(record["values"]) == {"risk.per_trade_pct", "agents.debate.threshold"}
    assert "risk.per_trade_pct = " in fks_here("optimize", "--study", "s", "--show", "1").out
    again = fks_here("optimize", "--study", "s", "--rerun", "1")
    assert again.code == 0
    assert "the same equity, to the last digit" in again.out


def test_optimize_when_resumed_then_only_what_is_missing_is_run(files: tuple[str, ...], home: Home) -> None:
    first = json.loads(optimized(files, "--json").out)
    kept = {path.name: path.stat().st_mtime_ns for path in (home.root / "studies" / "s" / "outcomes").iterdir()}
    refused = optimized(files, "--json")
    assert refused.code == 2
    assert "--resume" in refused.err
    ran = fks_here("optimize", "--study", "s", "--resume", "--trials", "4", "--json")
    assert ran.code == 0, ran.err
    more = json.loads(ran.out)
    assert (first["tried"], more["tried"], len(kept)) == (3, 4, 9)
    now = {path.name: path.stat().st_mtime_ns for path in (home.root / "studies" / "s" / "outcomes").iterdir()}
    assert {name: now[name] for name in kept} == kept
    by_number = {each["number"]: each for each in more["trials"]}
    assert all(by_number[each["number"]] == each for each in first["trials"])
    other = optimized(files, "--resume", "--seed", "8")
    assert other.code == 2
    assert "begun with other seed" in other.err


def test_optimize_when_each_symbol_is_searched_then_a_study_each(files: tuple[str, ...], tmp_path: Path) -> None:
    eth = str(tmp_path / "ETHUSDT-1h.csv")
    ran = optimized(files, "--data", eth, "--each-symbol", "--trials", "1", "--json")
    assert ran.code == 0, ran.err
    both = json.loads(ran.out)
    assert [(each["study"], each["symbols"]) for each in both] == [("s-1", ["BTC/USDT"]), ("s-2", ["ETH/USDT"])]


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--objective", "profit"), 2, "'profit' is none of"),
        (("--cv", "kfold:5"), 2, "--cv kfold:5"),
        (("--sampler", "magic"), 2, "--sampler magic"),
        (("--pruner", "median", "--objective", "return,drawdown"), 2, "single --objective"),
        (("--param", "risk.per_trade_pct=1:2"), 2, "both vary"),
        (("--param", "risk.nothing=1:2"), 2, "risk.nothing: unknown key"),
        (("--sampler", "grid"), 2, "agents.debate.threshold: a grid needs a step"),
        (("--study", "../s"), 2, "--study"),
        (("--warm", "119"), 2, "too few"),
        (("--since", "yesterday"), 2, "YYYY-MM-DD"),
        (("--since", "2031-01-01"), 4, "no bar"),
        (("--resume",), 2, "no study s"),
        (("--data", "nothing.csv"), 2, "no symbol"),
        (("--data", "SOL/USDT=/nowhere/SOLUSDT-1h.csv"), 4, "SOLUSDT-1h.csv"),
    ],
)
def test_optimize_when_an_option_is_wrong_then_it_is_named(
    files: tuple[str, ...], options: tuple[str, ...], code: int, said: str
) -> None:
    ran = optimized(files, *options)
    assert said in ran.err
    assert ran.code == code


def test_optimize_when_told_nothing_then_what_is_missing_is_named(home: Home, tmp_path: Path) -> None:
    data = str(recording(tmp_path, 60))
    for options, said in (
        ((), "--data FILE"),
        (("--data", data), "--space FILE or --param"),
        (("--resume",), "name the --study"),
        (("--show", "0"), "name the --study"),
        (("--show", "0", "--study", "none"), "no study none"),
    ):
        ran = fks_here("optimize", *options)
        assert said in ran.err
        assert ran.code == 2


def test_optimize_when_optuna_is_not_installed_then_how_to_get_it(
    files: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    ran = optimized(files)
    assert ran.code == 2
    assert "pip install 'fks-actors[research]'" in ran.err


STRATEGY = "class Mine:\n    def __init__(self, bars: int = 5):\n        self.bars = bars\n    def on_bar(self, bar):\n"


def strategy_files(folder: Path, body: str) -> tuple[str, ...]:
    (folder / "mine.py").write_text(f"{STRATEGY}        {body}\n")
    (folder / "mine.yaml").write_text(
        f"agents:\n  minds: [mine]\nstrategies:\n  mine:\n    path: {folder / 'mine.py'}\n"
    )
    return "--data", str(recording(folder, 120)), "--config", str(folder / "mine.yaml")


def test_optimize_when_a_strategys_parameter_is_whole_then_so_are_its_values(tmp_path: Path, home: Home) -> None:
    files = strategy_files(tmp_path, "return float(range(self.bars)[0] < bar.close)")
    ran = optimized(files, "--param", "strategies.mine.params.bars=5:30:5", "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["tried"] == 3
    assert {type(value) for each in told["trials"] for value in each["values"].values()} == {int}


def test_optimize_when_every_trial_is_refused_then_it_failed_and_nothing_is_the_same(
    tmp_path: Path, home: Home
) -> None:
    files = strategy_files(tmp_path, "return 1.0")
    ran = optimized(files, "--param", "strategies.mine.params.bars=5.5:30")
    assert ran.code == 1
    assert ran.out.startswith("No trial was completed; 0 trials tried, 3 refused: ")
    again = fks_here("optimize", "--study", "s", "--rerun", "0")
    assert (again.code, again.out) == (2, "")
    assert "trial s/0 ran no block: there is nothing to compare" in again.err
