"""`fks compare --models`: the same bars through the desk twice, in this process; what differs is printed.

The second run asks the language models of the configuration. Both runs see the same bars, minds, limits and costs, so
that what differs is the models' doing.
"""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.table import Table

from fks_actors.cli.session import console, print_json
from fks_actors.cli.watching import Told, watched
from fks_actors.errors import ConfigError
from fks_actors.home import find_home
from fks_actors.settings import Settings

if TYPE_CHECKING:
    from fks_actors.backtest.past import Past, Span
    from fks_actors.backtest.run import Result
    from fks_actors.backtest.versus import Versus

_SHOWN = 20
_CENT = Decimal("0.01")


def compare_models(data: list[str], span: "Span", warm: int, settings: Settings, json: bool) -> None:
    """Run twice and print what the models changed.

    Raises:
        ConfigError: no model is configured, or one cannot be opened.
    """
    if not settings.llm.providers:
        raise ConfigError("no language model is configured: name one under llm.providers (docs/language-models.md)")
    from fks_actors.backtest.council import left_out
    from fks_actors.backtest.past import read_past
    from fks_actors.cli.two_runs import two_runs

    async def both(told: Told) -> "tuple[Past, Versus]":
        past = await read_past(data, span, warm)
        return past, await two_runs(find_home(), settings, past, lambda run: partial(told, f"models {run}"))

    past, found = watched(both, json)
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


def _day(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M")


def _round(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{Decimal(str(value)):,.2f}"
