"""`fks compare`: the same bars through several desks, in this process, on paper; how each differs from the first.

A difference is called one only where its confidence interval leaves out 0. No cluster is started and no running desk is
touched.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fks_actors.cli.options import ConfigFile
from fks_actors.cli.past_options import WARM, Data, Since, Until, Warm, span_of
from fks_actors.cli.session import console, print_json, spoken
from fks_actors.errors import ConfigError

if TYPE_CHECKING:
    from fks_actors.backtest.contenders import Contender
    from fks_actors.backtest.contest import Contest
    from fks_actors.cli.watching import Told
    from fks_actors.settings import Settings


@spoken
def compare(
    data: Data,
    models: Annotated[
        bool, typer.Option("--models", help="Without the configured language models against with them.")
    ] = False,
    strategies: Annotated[
        str,
        typer.Option("--strategies", help="Names or files with commas; the first is what the others are held against."),
    ] = "",
    configs: Annotated[str, typer.Option("--configs", help="YAML files with commas, the council of each.")] = "",
    since: Since = "",
    until: Until = "",
    warm: Warm = WARM,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the bootstrap of the confidence intervals.")] = 7,
    config_file: ConfigFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Trade the same bars several ways, on paper: the council and every baseline, unless others are named."""
    from fks_actors.settings import load

    if sum((models, bool(strategies), bool(configs))) > 1:
        raise ConfigError("--models, --strategies and --configs each say what to compare: give one of them")
    span = span_of(since, until)
    if models:
        from fks_actors.cli.with_models import compare_models

        compare_models(data, span, warm, load(config_file).settings, json)
        return
    if configs and config_file is not None:
        raise ConfigError("--configs names all files; leave out --config")
    from fks_actors.backtest.contest import contest
    from fks_actors.backtest.past import read_past
    from fks_actors.cli.watching import watched

    entrants = _by_config(configs) if configs else _by_name(strategies, load(config_file).settings)

    async def work(told: "Told") -> "Contest":
        return await contest(entrants, await read_past(data, span, warm), seed=seed, told=told)

    found = watched(work, json)
    facts = facts_of_contest(found)
    if json:
        print_json(facts)
    else:
        _print(found, facts)


def _by_name(text: str, settings: "Settings") -> "list[Contender]":
    """Where the first is no strategy that names targets, the textbook strategies name none, either."""
    from fks_actors.backtest.contenders import LABELS, contender

    names = _named(text, "--strategies") if text else list(LABELS)
    first = contender(names[0], settings)
    return [first, *(contender(name, settings, votes=not first.names_targets) for name in names[1:])]


def _by_config(text: str) -> "list[Contender]":
    from fks_actors.backtest.contenders import COUNCIL, Contender
    from fks_actors.settings import load

    return [Contender(COUNCIL, name, load(Path(name)).settings) for name in _named(text, "--configs")]


def _named(text: str, option: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if "" in names or len(names) < 2 or len(set(names)) != len(names):
        raise ConfigError(f"{option} {text}: name two or more, each once, with commas between them")
    return names


def facts_of_contest(found: "Contest") -> dict[str, Any]:
    """What is printed, for scripts (docs/backtesting.md)."""
    from fks_actors.backtest.facts import facts_of, figures, interval_facts

    return {
        "first_line": found.first_line,
        "data": facts_of(found.past),
        "confidence": found.confidence,
        "runs": [
            {
                **figures(run),
                "difference": float(run.gained - found.runs[0].gained),
                "difference_interval": interval_facts(found.against_first[at - 1]) if at else None,
                "differs": found.differs(at),
            }
            for at, run in enumerate(found.runs)
        ],
        "baselines": [figures(each) for each in found.idle],
        "warnings": list(found.warnings),
    }


def _print(found: "Contest", facts: dict[str, Any]) -> None:
    from rich.table import Table

    from fks_actors.cli.figures import figures_table, line_of, percent

    console.print(facts["first_line"], soft_wrap=True)
    console.print(line_of(facts["data"]), soft_wrap=True)
    console.print(figures_table([*facts["runs"], *facts["baselines"]]))
    first, *others = facts["runs"]
    table = Table(f"return against {first['name']}", box=None, pad_edge=False)
    for head in ("difference", "low", "high"):
        table.add_column(head, justify="right")
    table.add_column("")
    for run in others:
        spread = run["difference_interval"]
        edges = (None, None) if spread is None else (spread["low"], spread["high"])
        same = run["difference"] == 0.0 and edges == (0.0, 0.0)
        said = "the same" if same else "differs" if run["differs"] else "may be luck"
        shown = (percent(each, signed=True) for each in (run["difference"], *edges))
        table.add_row(run["name"], *shown, said)
    console.print(table)
    told = "all intervals together" if len(others) > 1 else "the interval"
    console.print(
        f"Low to high: {found.confidence:.0%} confidence for {told}, by paired block bootstrap.", soft_wrap=True
    )
    for warning in facts["warnings"]:
        console.print(f"! {warning}", soft_wrap=True)
