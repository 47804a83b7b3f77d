"""What may vary: read from YAML and from options, checked against the settings, and put into them."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fks_actors.agents.config import AgentsConfig
from fks_actors.backtest.search.record import settings_sha256
from fks_actors.backtest.search.space import Axis, base_tree, joined, parse_axis, read_space, settings_of
from fks_actors.errors import ConfigError
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.risk.config import RiskConfig
from fks_actors.settings import JournalSection, Settings

SETTINGS = Settings()


def test_read_space_when_keys_are_dotted_or_nested_then_the_same_axes(tmp_path: Path) -> None:
    dotted, nested = tmp_path / "dotted.yaml", tmp_path / "nested.yaml"
    dotted.write_text(
        "risk.per_trade_pct: {low: 1, high: 10, step: 1}\n"
        "agents.asmbtr.depth: {low: 6, high: 12}\n"
        "agents.debate.weights.asmbtr: {low: 0.1, high: 10, log: true}\n"
        "risk.sizing: [fixed_pct, risk]\n"
        "agents.asmbtr.protect: {choices: [true, false]}\n"
    )
    nested.write_text(
        "risk:\n  per_trade_pct:\n    low: 1\n    high: 10\n    step: 1\n"
        "agents:\n  asmbtr.depth: {low: 6, high: 12}\n"
        "  debate:\n    weights:\n      asmbtr: {low: 0.1, high: 10, log: true}\n"
        "risk.sizing: [fixed_pct, risk]\n"
        "agents.asmbtr:\n  protect: [true, false]\n"
    )
    axes = read_space(dotted, SETTINGS)
    assert axes == (
        Axis("risk.per_trade_pct", 1.0, 10.0, 1.0),
        Axis("agents.asmbtr.depth", 6.0, 12.0, None, True),
        Axis("agents.debate.weights.asmbtr", 0.1, 10.0, None, False, True),
        Axis("risk.sizing", choices=("fixed_pct", "risk")),
        Axis("agents.asmbtr.protect", choices=(True, False)),
    )
    assert read_space(nested, SETTINGS) == axes


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("risk.per_trade_pc: {low: 1, high: 2}", "did you mean risk.per_trade_pct?"),
        ("risks.per_trade_pct: {low: 1, high: 2}", "did you mean risk?"),
        ("risk.per_trade_pct.deep: {low: 1, high: 2}", "unknown key"),
        ("risk: [1, 2]", "risk is a section"),
        ("risk.per_trade_pct: {low: 0, high: 2}", "risk.per_trade_pct: 0.0: Input should be greater than 0"),
        ("risk.per_trade_pct: {low: 1, high: 101}", "less than or equal to 100"),
        ("risk.per_trade_pct: {low: 2, high: 1}", "low 2 is not below high 1"),
        ("risk.per_trade_pct: {low: 1}", "a range has low and high"),
        ("risk.per_trade_pct: {low: 1, high: soon}", "risk.per_trade_pct.high: must be a number"),
        ("risk.per_trade_pct: {low: .nan, high: 1}", "risk.per_trade_pct.low: must be a number"),
        ("risk.per_trade_pct: {low: true, high: 2}", "must be a number, not True"),
        ("risk.per_trade_pct: {low: 1, high: 3, step: 4}", "step: must be above 0 and at most 2"),
        ("risk.per_trade_pct: {low: 1, high: 3, step: 1, log: true}", "log takes no step"),
        ("risk.per_trade_pct: {low: 1, high: 3, log: maybe}", "must be true or false"),
        ("risk.per_trade_pct: {low: 1, high: 3, choices: [1]}", "not both"),
        ("risk.per_trade_pct: 5", "write a list of choices"),
        ("risk.per_trade_pct: [1, 1]", "a choice stands twice"),
        ("risk.sizing: [fixed_pct, martingale]", "'martingale'"),
        ("risk.sizing: {low: 1, high: 2}", "risk.sizing: 1.0"),
        ("agents.asmbtr.depth: {low: 6.5, high: 12}", "whole number"),
        ("agents.asmbtr.depth: {low: 6, high: 13}", "agents.asmbtr.depth: 13"),
        ("agents.asmbtr.protect: {low: 0, high: 1}", "must be true or false"),
        ("agents.asmbtr.depth: [true, 7]", "must not be true or false"),
        ("serve.port: {low: 8000, high: 8001}", "serve has no bearing on a run"),
        ("journal.url: ['', a]", "journal has no bearing"),
        ("agents.minds: [[short_term], [nobody_at_all, 3]]", "agents.minds"),
    ],
)
def test_read_space_when_a_line_is_wrong_then_it_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(f"# a comment\n{line}\n")
    with pytest.raises(ConfigError) as refused:
        read_space(path, SETTINGS)
    assert f"{path}:2: " in str(refused.value)
    assert said in str(refused.value)


def test_read_space_when_the_file_is_empty_then_refused(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("# nothing\n")
    with pytest.raises(ConfigError, match="nothing to search"):
        read_space(path, SETTINGS)


def test_parse_axis_when_given_as_an_option_then_as_in_a_file() -> None:
    assert parse_axis("risk.per_trade_pct=1:10:0.5", SETTINGS) == Axis("risk.per_trade_pct", 1.0, 10.0, 0.5)
    assert parse_axis("agents.asmbtr.depth=6:12", SETTINGS) == Axis("agents.asmbtr.depth", 6.0, 12.0, None, True)
    logged = parse_axis("agents.long.trend_noise=1:100:log", SETTINGS)
    assert logged == Axis("agents.long.trend_noise", 1.0, 100.0, None, False, True)
    assert parse_axis("risk.sizing=fixed_pct, risk", SETTINGS) == Axis("risk.sizing", choices=("fixed_pct", "risk"))
    for wrong in ("risk.per_trade_pct", "risk.per_trade_pct=1:2:3:4", "risk.per_trade_pct=a:b"):
        with pytest.raises(ConfigError, match="--param"):
            parse_axis(wrong, SETTINGS)


@pytest.mark.parametrize(
    "keys", [(), ("risk.sizing", "risk.sizing"), ("agents.debate.weights", "agents.debate.weights.asmbtr")]
)
def test_joined_when_axes_overlap_or_are_none_then_refused(keys: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        joined([Axis(key, 1.0, 2.0) for key in keys])


def test_settings_of_when_values_are_put_in_then_nothing_else_changes() -> None:
    base = Settings(risk=RiskConfig(per_trade_pct=Decimal("7.5")), agents=AgentsConfig(minds=("short_term", "asmbtr")))
    values: dict[str, Any] = {"risk.sizing": "risk", "agents.asmbtr.depth": 9, "reflection.horizons.asmbtr": 3}
    made = settings_of(base_tree(base), values)
    assert (made.risk.sizing, made.agents.asmbtr.depth) == ("risk", 9)
    assert made.reflection.horizons == {**ReflectionConfig().horizons, "asmbtr": 3}
    assert (made.risk.per_trade_pct, made.agents.minds) == (Decimal("7.5"), ("short_term", "asmbtr"))
    assert settings_of(base_tree(base)) == base
    assert "horizons" not in settings_of(base_tree(base)).reflection.model_fields_set
    again = settings_of(base_tree(made))
    assert again == made
    assert settings_sha256(again) == settings_sha256(made) != settings_sha256(base)


def test_base_tree_when_the_journal_has_a_password_then_it_stays_out() -> None:
    base = Settings(journal=JournalSection(url="postgresql://me:hush@host/db"))
    assert "hush" not in str(base_tree(base))
    assert settings_sha256(base) == settings_sha256(Settings())


def test_settings_of_when_values_do_not_go_together_then_named() -> None:
    with pytest.raises(ConfigError, match="drawdown_halt_pct must be greater"):
        settings_of({}, {"risk.drawdown_reducing_pct": 30.0})


@pytest.mark.parametrize(("axis", "drawn", "plain"), [(Axis("a", whole=True), 4.0, 4), (Axis("a"), 0.1 * 3, 0.3)])
def test_plain_when_a_number_is_drawn_then_without_rounding_dust(axis: Axis, drawn: float, plain: float) -> None:
    assert axis.plain(drawn) == plain
    assert type(axis.plain(drawn)) is type(plain)


@pytest.mark.parametrize(
    ("set_to", "text", "whole"),
    [
        (20, "5:30:5", True),
        (None, "5:30:5", True),
        (None, "5:30.0", False),
        (0.5, "0:1", False),
        (20, "5.5:30", False),
    ],
)
def test_parse_axis_when_no_setting_tells_the_type_then_the_value_does_or_how_it_is_written(
    set_to: float | None, text: str, whole: bool
) -> None:
    params = {} if set_to is None else {"fast": set_to}
    settings = Settings.model_validate({"strategies": {"mine": {"path": "mine.py", "params": params}}})
    assert parse_axis(f"strategies.mine.params.fast={text}", settings).whole is whole
