"""`fks backtest`: recorded bars through the desk, in this process, on paper.

The first line says whether the run beat flat and buy and hold after costs; nothing is printed before it. No cluster is
started and no running desk is touched.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fks_actors.cli.options import ConfigFile
from fks_actors.cli.past_options import WARM, Data, Since, Until, Warm, span_of
from fks_actors.cli.session import console, print_json, spoken

if TYPE_CHECKING:
    from fks_actors.backtest.significance import Interval
    from fks_actors.backtest.study import Study
    from fks_actors.cli.watching import Told

_LEVEL = 0.95


@spoken
def backtest(
    data: Data,
    strategy: Annotated[
        str, typer.Option("--strategy", help="Who trades: a name of docs/backtesting.md.", show_default="the council")
    ] = "",
    since: Since = "",
    until: Until = "",
    warm: Warm = WARM,
    baselines: Annotated[
        str, typer.Option("--baselines", help="all, none, or names with commas; flat and buy and hold always.")
    ] = "all",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the bootstrap of the confidence interval.")] = 7,
    config_file: ConfigFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Trade recorded bars on paper, and show the result beside what it has to beat."""
    from fks_actors.backtest.past import read_past
    from fks_actors.backtest.studies import chosen, study
    from fks_actors.cli.watching import watched
    from fks_actors.settings import load

    settings, span, beside = load(config_file).settings, span_of(since, until), chosen(baselines)

    async def work(told: "Told") -> "Study":
        past = await read_past(data, span, warm)
        return await study(settings, past, strategy=strategy, baselines=beside, told=told)

    found = watched(work, json)
    facts = facts_of_study(found, seed)
    if json:
        print_json(facts)
    else:
        _print(found, facts)


def facts_of_study(found: "Study", seed: int) -> dict[str, Any]:
    """What is printed, for scripts (docs/backtesting.md)."""
    from fks_actors.backtest.baselines import standing
    from fks_actors.backtest.studies import as_baseline, hold_of
    from fks_actors.cli.figures import facts_of, figures, interval_facts

    own, hold = as_baseline(found.title, found.result), hold_of(found)
    stands = standing(found.result, hold)
    return {
        "first_line": found.first_line,
        "beats_flat": stands.beats_flat,
        "beats_buy_and_hold": stands.beats_hold,
        "data": facts_of(found.past),
        "result": {
            **figures(own),
            "bars": found.result.bars,
            "orders": len(found.result.orders),
            "return_interval": interval_facts(_interval(own.curve.returns(), seed)),
        },
        "baselines": [figures(each) for each in found.baselines],
        "warnings": list(found.warnings),
    }


def _interval(returns: Any, seed: int) -> "Interval | None":
    import numpy as np

    from fks_actors.backtest.significance import total_interval

    return total_interval(returns, np.random.default_rng(seed), level=_LEVEL)


def _print(found: "Study", facts: dict[str, Any]) -> None:
    from fks_actors.cli.figures import figures_table, line_of, percent

    console.print(facts["first_line"])
    console.print(line_of(found.past))
    console.print(figures_table([facts["result"], *facts["baselines"]]))
    spread = facts["result"]["return_interval"]
    if spread is not None and spread["low"] < spread["high"]:
        low, high = (percent(spread[edge], signed=True) for edge in ("low", "high"))
        told = "contains 0: the return may be luck" if spread["low"] <= 0.0 <= spread["high"] else "leaves out 0"
        console.print(f"The return's {_LEVEL:.0%} interval is {low} to {high} (block bootstrap); it {told}.")
    for warning in facts["warnings"]:
        console.print(f"! {warning}")
