"""A strategy is found by path or entry point, and whatever is wrong with it is told with file, line and key."""

import pickle
import sys
from pathlib import Path

import pytest

from fks_actors.backtest.council import alone
from fks_actors.errors import ConfigError
from fks_actors.settings import Settings
from fks_actors.strategies.config import StrategyConfig
from fks_actors.strategies.source import installed, load, read_source
from tests.unit.strategies.written import EXAMPLE, bar, kind, source

FLAT = "class Flat:\n    def on_bar(self, bar):\n        return 0.0\n"
LONG = "class Long:\n    def on_bar(self, bar):\n        return 1.0\n"
TAKES = (
    "class Mine:\n"
    "    def __init__(self, fast: int, share: float = 0.5, mode='slow', extra=None):\n"
    "        if fast < 1:\n"
    "            raise ValueError('fast must be above 0')\n"
    "        self.told = fast, share, mode, extra\n"
    "    def on_bar(self, bar):\n"
    "        return None\n"
)


def test_load_when_a_file_has_one_strategy_then_it_is_the_one(tmp_path: Path) -> None:
    text = "from fks_actors.strategies.port import Opinion, Candle\n\n\nclass _Base:\n    pass\n\n\n" + FLAT
    assert kind(tmp_path, text).cls.__name__ == "Flat"


def test_load_when_a_class_is_named_then_it_is_that_one(tmp_path: Path) -> None:
    assert kind(tmp_path, FLAT + LONG, cls="Long").new().on_bar(bar(0)) == 1.0


@pytest.mark.parametrize(
    ("text", "cls", "said"),
    [
        ("class Flat:\n    def on_bar(self, bar)\n        return 0.0\n", "", "line 2: not valid Python: expected ':'"),
        ("x = 1\n", "", "no strategy in it; a strategy is a class with a method on_bar(self, bar)"),
        (FLAT + LONG, "", "several strategies in it, Flat, Long; name one, as FILE.py:Flat"),
        (FLAT, "Other", "no class Other with an on_bar method; its strategies are Flat"),
        ("x = 1\ny = x / 0\n" + FLAT, "", "importing it failed: ZeroDivisionError: division by zero (mine.py, line 2)"),
        ("import no_such_package_here\n" + FLAT, "", "No module named 'no_such_package_here' (mine.py, line 1)"),
        ("raise SystemExit(3)\n" + FLAT, "", "importing it failed: SystemExit: 3 (mine.py, line 1)"),
        ("a = '\0'\n", "", "null bytes"),
        (
            "class Mine:\n    memory_bars = 0\n    def on_bar(self, bar): ...\n",
            "",
            "memory_bars must be a whole number",
        ),
    ],
)
def test_load_when_a_file_cannot_be_used_then_says_where_and_why(
    tmp_path: Path, text: str, cls: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        kind(tmp_path, text, cls=cls)
    assert said in str(caught.value)
    assert "mine.py" in str(caught.value)


def test_read_source_when_there_is_no_such_file_then_names_it_and_the_key() -> None:
    with pytest.raises(ConfigError, match=r"strategies\.mine\.path: /nowhere/mine\.py: no such file"):
        read_source("mine", StrategyConfig(path="/nowhere/mine.py"))


def test_load_when_the_file_changed_or_went_after_it_was_read_then_what_was_read_runs(tmp_path: Path) -> None:
    travels = pickle.dumps(source(tmp_path, LONG))
    (tmp_path / "mine.py").unlink()
    assert load(pickle.loads(travels)).new().on_bar(bar(0)) == 1.0  # noqa: S301


def test_load_when_the_code_differs_then_so_does_its_digest(tmp_path: Path) -> None:
    one, same, other = kind(tmp_path, LONG), kind(tmp_path, LONG), kind(tmp_path, LONG + "\n")
    assert one.code == same.code != other.code


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "strategies.mine.params.fast: Mine needs it"),
        ({"fast": 1, "fsat": 2}, "strategies.mine.params.fsat: Mine takes no such parameter; did you mean fast?"),
        (
            {"fast": 1, "q": 2},
            "strategies.mine.params.q: Mine takes no such parameter; it takes fast, share, mode, extra",
        ),
        ({"fast": "20"}, "strategies.mine.params.fast: must be a valid integer, not '20'"),
        ({"fast": 2.5}, "strategies.mine.params.fast: must be a valid integer"),
        ({"fast": True}, "strategies.mine.params.fast: must be a valid integer, not True"),
        ({"fast": 1, "share": float("nan")}, "strategies.mine.params.share: must be a finite number, not nan"),
        ({"fast": 1, "mode": 3}, "strategies.mine.params.mode: must be a valid string, not 3"),
        ({"fast": 0}, "strategies.mine.params: Mine cannot be made of them: ValueError: fast must be above 0"),
    ],
)
def test_load_when_parameters_do_not_fit_then_names_the_key(
    tmp_path: Path, params: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        kind(tmp_path, TAKES, params)
    assert said in str(caught.value)


def test_load_when_parameters_fit_then_the_constructor_gets_them(tmp_path: Path) -> None:
    made = kind(tmp_path, TAKES, {"fast": 3, "share": 1, "extra": [1]}).new()
    assert vars(made) == {"told": (3, 1.0, "slow", [1])}


# --- installed packages ---


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages, one of which offers strategies."""
    package = tmp_path / "site"
    package.mkdir()
    (package / "their_strategies.py").write_text(LONG, encoding="utf-8")
    info = package / "their_strategies-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-strategies\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[fks_actors.strategies]\nlong_only = their_strategies:Long\ngone = their_strategies:Gone\n"
        "odd = their_strategies:__name__\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(package))
    monkeypatch.delitem(sys.modules, "their_strategies", raising=False)
    return package


def test_load_when_a_package_offers_it_then_its_name_is_enough(site: Path) -> None:
    assert {"long_only", "gone"} <= set(installed())
    settings = Settings.model_validate({"agents": {"minds": ["long_only"]}})
    assert settings.agents.debate.min_votes == 1
    found = load(read_source("long_only", StrategyConfig()))
    assert (found.new().on_bar(bar(0)), found.file) == (1.0, str(site / "their_strategies.py"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone", "their_strategies:Gone of their-strategies cannot be imported: AttributeError"),
        ("odd", "their_strategies:__name__ of their-strategies is no class with a method on_bar"),
        ("nobody", "no installed package offers a strategy 'nobody'"),
    ],
)
def test_load_when_the_entry_point_is_broken_then_names_the_package(site: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(read_source(name, StrategyConfig()))
    assert said in str(caught.value)


def test_load_when_two_packages_offer_the_same_name_then_neither_is_taken(site: Path) -> None:
    info = site / "others-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 2.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[fks_actors.strategies]\nlong_only = others:Long\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"'long_only' is offered by .* and by "):
        load(read_source("long_only", StrategyConfig()))


# --- settings ---


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"agents": {"minds": ["mine"]}}, "agents.minds: 'mine' is no mind and no strategy; there are short_term"),
        ({"strategies": {"risk": {"path": "a.py"}}}, "strategies: 'risk' cannot be a strategy's name"),
        ({"strategies": {"short_term": {"path": "a.py"}}}, "strategies: 'short_term' cannot be a strategy's name"),
        ({"strategies": {"a": {"path": "a.py", "entry_point": "b"}}}, "path and entry_point exclude each other"),
    ],
)
def test_settings_when_a_strategy_is_misnamed_then_refused(told: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Settings.model_validate(told)


@pytest.mark.parametrize(
    ("minds", "debate", "votes"),
    [
        (["a"], {}, 1),
        (["a"], {"threshold": 0.5}, 1),
        (["a"], {"min_votes": 3}, 3),
        (["a", "asmbtr"], {}, 2),
        (["asmbtr"], {}, 2),
    ],
)
def test_settings_when_a_strategy_is_the_only_mind_then_it_is_its_own_quorum(
    minds: list[str], debate: dict[str, float], votes: int
) -> None:
    told = {"agents": {"minds": minds, "debate": debate}, "strategies": {"a": {"path": "a.py"}}}
    found = Settings.model_validate(told)
    assert found.agents.debate.min_votes == votes
    assert Settings.model_validate(found.model_dump()) == found


def test_alone_when_a_path_is_given_then_that_strategy_is_the_only_mind() -> None:
    found = alone(Settings(), f"{EXAMPLE}:EmaCross", {"fast": 5})
    assert found.agents.minds == ("ema_cross",)
    assert dict(found.strategies["ema_cross"].params) == {"fast": 5}
    assert alone(found, "ema_cross").strategies == found.strategies
    assert alone(Settings(), "asmbtr").agents.debate.min_votes == 1


def test_alone_when_it_cannot_be_found_then_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no strategy 'ema_corss'; there are bollinger"):
        alone(Settings(), "ema_corss")
    (tmp_path / "9 lives.py").write_text(FLAT, encoding="utf-8")
    with pytest.raises(ConfigError, match="'9 lives' cannot be its name"):
        alone(Settings(), str(tmp_path / "9 lives.py"))
