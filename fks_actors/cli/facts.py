"""Commands that print facts: status, config, doctor, journal."""

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from fks_actors.cli.ask import Json, agents_table, at
from fks_actors.cli.session import find_running, open_client, print_json, spoken
from fks_actors.home import find_home

_console = Console()

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="A YAML file; the packaged paper.yaml without it.", show_default=False)
]


@spoken
def status(json: Json = False) -> None:
    """What the desk does, what it owns, and the memory that the whole cluster takes."""
    from fks_actors.cli.processes import cluster_memory

    home = find_home()
    running = find_running(home)
    with open_client() as client:
        facts: dict[str, Any] = {
            "url": running.url,
            **client.status(),
            "account": client.account(),
            "positions": client.get("positions"),
            "agents": client.agents(),
            "memory": cluster_memory(home),
        }
    if json:
        print_json(facts)
    else:
        _print_status(facts)


def _print_status(facts: dict[str, Any]) -> None:
    feed, account, desk, memory = facts["feed"], facts["account"], facts["desk"], facts["memory"]
    label = f"[bold yellow]{feed['label']}[/]" if feed["simulated"] else feed["label"]
    _console.print(f"[bold]FKS Actors {facts['version']}[/] {facts['mode']} trading on {label}  {facts['url']}")
    trading = facts["trading"]
    why = f" by {trading['by']}: {trading['reason']}" if trading["reason"] else ""
    _console.print(f"trading {trading['state']}{why}; feed {'ended' if feed['ended'] else 'running'}")
    if feed["reason"]:
        _console.print(feed["reason"])
    if desk["trouble"]:
        _console.print(f"[red]paused: {desk['trouble']}[/]")
    when = at(desk["clock_ms"]) if desk["clock_ms"] else "no bar yet"
    _console.print(f"desk time {when} UTC, {facts['counts'].get('decisions', 0)} decisions, {desk['open_orders']} open")
    table = Table("equity", "cash", "exposure", "realised", "unrealised", "fees", "drawdown", box=None, pad_edge=False)
    table.add_row(
        *(account[k] for k in ("equity", "cash", "exposure", "realised", "unrealised", "fees")),
        f"{float(account['drawdown']):.2%}",
    )
    _console.print(table)
    if facts["positions"]:
        held = Table("position", "quantity", "entry", "mark", "unrealised", box=None, pad_edge=False)
        for row in facts["positions"]:
            held.add_row(row["symbol"], row["quantity"], row["entry_price"], row["mark"], row["unrealised"])
        _console.print(held)
    _console.print(agents_table(facts["agents"]))
    _console.print(
        f"memory {memory['pss_mib']:.0f} MiB (proportional set size) in {memory['processes']} processes: "
        + ", ".join(f"{name} {mib:.0f}" for name, mib in memory["by_role"].items())
    )


@spoken
def config(file: ConfigFile = None, json: Json = False) -> None:
    """The configuration in effect, with each value's source. Secrets never stand in it."""
    from fks_actors.settings import load

    rows = load(file).rows()
    if json:
        print_json([{"key": key, "value": value, "source": source} for key, value, source in rows])
        return
    table = Table("key", "value", "source", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    _console.print(table)


@spoken
def doctor(file: ConfigFile = None, json: Json = False) -> None:
    """Check Python, Ray, ports, memory, clock, disk, data and journal, and say what to do."""
    from fks_actors.cli.checks import examine

    findings = examine(find_home(), file)
    if json:
        print_json([{"check": f.check, "state": f.state, "found": f.found, "do": f.remedy} for f in findings])
    else:
        table = Table("", "check", "found", "what to do", box=None, pad_edge=False)
        marks = {"ok": "[green]ok[/]", "warning": "[yellow]!![/]", "failed": "[red]XX[/]"}
        for finding in findings:
            table.add_row(marks[finding.state], finding.check, finding.found, finding.remedy)
        _console.print(table)
    if any(finding.state == "failed" for finding in findings):
        raise typer.Exit(1)


journal = typer.Typer(help="Read the journal.", no_args_is_help=True)


@journal.command("show")
@spoken
def journal_show(
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 20,
    symbol: Annotated[str, typer.Option("--symbol")] = "",
    json: Json = False,
) -> None:
    """The last decisions, newest first. Works while the desk runs and while it does not."""
    reader = _reader()
    rows, _ = reader.decisions("", limit, symbol)
    if json:
        from fks_actors.journal.codec import encode

        print_json([json_module.loads(encode(row)) for row in rows])
        return
    table = Table("bar (UTC)", "symbol", "price", "verdict", "strength", "outcome", "note", box=None, pad_edge=False)
    for row in rows:
        verdict = row.verdict
        note = row.note or "; ".join(r.code for r in row.refusals)
        table.add_row(
            at(row.ts_ms), row.symbol, str(row.price), verdict.leaning, f"{verdict.strength:.2f}", row.outcome, note
        )
    _console.print(table)


@journal.command("digest")
@spoken
def journal_digest() -> None:
    """One hash over all that was decided, ordered and filled: equal for equal runs."""
    reader = _reader()
    typer.echo(reader.digest())


@journal.command("counts")
@spoken
def journal_counts(json: Json = False) -> None:
    """How much is recorded."""
    counts = _reader().counts()
    if json:
        print_json(counts)
    else:
        for name, count in counts.items():
            typer.echo(f"{name:12} {count}")


def _reader() -> Any:
    from fks_actors.adapters.sql import open_reader
    from fks_actors.cli.journals import newest_journal_url

    return open_reader(newest_journal_url(find_home()))
