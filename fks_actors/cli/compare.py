"""`fks compare`: the same bars through the desk twice, in this process; what differs is printed.

With `--models` the second run asks the language models of the configuration. Both runs see the same bars, minds, limits
and costs, so that what differs is the models' doing. No cluster is started and no running desk is touched.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from fks_actors.cli.options import ConfigFile
from fks_actors.cli.session import console, make_console, print_json, spoken
from fks_actors.errors import ConfigError
from fks_actors.home import find_home

if TYPE_CHECKING:
    from fks_actors.backtest.past import Past
    from fks_actors.backtest.run import Result
    from fks_actors.backtest.versus import Versus

_SHOWN = 20
_CENT = Decimal("0.01")


@spoken
def compare(
    data: Annotated[list[str], typer.Option("--data", help="FILE or SYMBOL=FILE of bars; once a symbol.")],
    models: Annotated[
        bool, typer.Option("--models", help="Without the configured language models against with them.")
    ] = False,
    since: Annotated[str, typer.Option("--since", help="First day, YYYY-MM-DD (UTC).")] = "",
    until: Annotated[str, typer.Option("--until", help="The day after the last one, YYYY-MM-DD (UTC).")] = "",
    warm: Annotated[
        int, typer.Option("--warm", min=0, help="Bars before --since that the minds learn from, untraded.")
    ] = 5_000,
    config_file: ConfigFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the desk twice over the same bars, on paper: without language models, and with them."""
    from fks_actors.settings import load

    if not models:
        raise ConfigError("say what to compare: --models")
    settings = load(config_file).settings
    if not settings.llm.providers:
        raise ConfigError("no language model is configured: name one under llm.providers (docs/language-models.md)")
    span = (_instant(since, "--since"), _instant(until, "--until"))
    from fks_actors.backtest.council import left_out
    from fks_actors.backtest.past import read_past
    from fks_actors.cli.two_runs import two_runs

    with Progress(console=make_console(stderr=True), transient=True, disable=json) as progress:

        def count(run: str) -> Callable[[int, int], None]:
            task = progress.add_task(f"models {run}", total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        async def both() -> "tuple[Past, Versus]":
            past = await read_past(data, span, warm)
            return past, await two_runs(find_home(), settings, past, count)

        past, found = asyncio.run(both())
    facts = _facts(past, found, left_out(settings))
    if json:
        print_json(facts)
    else:
        _print(facts)


def _facts(past: "Past", found: "Versus", without: tuple[str, ...]) -> dict[str, Any]:
    """What is printed, for scripts. Money in quote as decimal text, costs in USD, latencies in ms."""
    outcomes: dict[str, int] = {}
    for call in found.calls:
        outcomes[call.outcome] = outcomes.get(call.outcome, 0) + 1
    return {
        "data": past.info.label,
        "first_ms": past.first_ms,
        "last_ms": past.last_ms,
        "bars": found.off.bars,
        "left_out": list(without),
        "decisions": len(found.off.cycles),
        "decisions_changed": len(found.changed),
        "changed": [
            {
                "decision_id": each.decision_id,
                "off": each.before,
                "on": each.after,
                "score_off": each.score_before,
                "score_on": each.score_after,
                "by_debate": each.moved,
            }
            for each in found.changed
        ],
        "off": _money(found.off),
        "on": _money(found.on),
        "pnl_difference": format(found.gained, "f"),
        "models": {
            "debates": found.debates,
            "questions": len(found.calls),
            "answered": found.answered,
            "outcomes": outcomes,
            "tokens_in": found.tokens[0],
            "tokens_out": found.tokens[1],
            "cost_usd": format(found.cost_usd, "f"),
            "latency_ms_p50": found.latency(0.5),
            "latency_ms_p95": found.latency(0.95),
        },
    }


def _money(run: "Result") -> dict[str, Any]:
    return {
        "equity": format(run.final, "f"),
        "return_pct": str(((run.final / run.cash - 1) * 100).quantize(_CENT)),
        "orders": len(run.orders),
        "fills": len(run.fills),
        "fees": format(run.fees, "f"),
        "max_drawdown_pct": str((run.drawdown * 100).quantize(_CENT)),
    }


def _print(facts: dict[str, Any]) -> None:
    models, off, on = facts["models"], facts["off"], facts["on"]
    console.print(
        f"{facts['data']}: {facts['bars']} bars, {_day(facts['first_ms'])} to {_day(facts['last_ms'])}. "
        f"Models changed {facts['decisions_changed']} of {facts['decisions']} decisions; "
        f"profit and loss differ by {_round(facts['pnl_difference'])}."
    )
    if facts["left_out"]:
        console.print(f"Without {', '.join(facts['left_out'])}, which needs more than bars.")
    table = Table("", "models off", "models on", box=None, pad_edge=False)
    for name, key in (
        ("equity at the end", "equity"),
        ("return, %", "return_pct"),
        ("orders", "orders"),
        ("fees", "fees"),
        ("deepest drawdown, %", "max_drawdown_pct"),
    ):
        table.add_row(name, _round(off[key]), _round(on[key]))
    console.print(table)
    said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(models["outcomes"].items())) or "none"
    console.print(
        f"{models['debates']} debates, {models['questions']} questions ({said}), {models['tokens_in']} tokens read and "
        f"{models['tokens_out']} written, {models['cost_usd']} USD, p50 {models['latency_ms_p50']} ms, "
        f"p95 {models['latency_ms_p95']} ms a question"
    )
    _print_changed(facts["changed"])
    console.print("One pair of runs over one stretch of the past: no proof that the models help, or that they harm.")


def _print_changed(changed: list[dict[str, Any]]) -> None:
    if not changed:
        return
    table = Table("decision", "off", "score", "on", "score", "by", box=None, pad_edge=False)
    for each in changed[:_SHOWN]:
        why = "debate" if each["by_debate"] else "what is held"
        scores = f"{each['score_off']:+.3f}", f"{each['score_on']:+.3f}"
        table.add_row(each["decision_id"], each["off"], scores[0], each["on"], scores[1], why)
    console.print(table)
    if len(changed) > _SHOWN:
        console.print(f"... and {len(changed) - _SHOWN} more; --json prints all")


def _instant(day: str, option: str) -> int | None:
    if not day:
        return None
    try:
        return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1_000)
    except ValueError:
        raise ConfigError(f"{option} {day}: write a day as YYYY-MM-DD") from None


def _day(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M")


def _round(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{Decimal(str(value)):,.2f}"
