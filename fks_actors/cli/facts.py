"""Commands that print facts: status, config, doctor, journal."""

import contextlib
import json as json_module
import re
from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from fks_actors.cli.ask import Json, agents_table, at
from fks_actors.cli.options import ConfigFile, Feed, Port, Seed, Speed, Symbols, flags_of
from fks_actors.cli.session import EXIT_JOURNAL, console, find_running, open_client, print_json, say_error, spoken
from fks_actors.cli.shadows import standing_lines
from fks_actors.client import ApiRefused, Client
from fks_actors.home import find_home

if TYPE_CHECKING:
    from fks_actors.adapters.sql.reader import SqlReader

FIGURES = ("equity", "cash", "exposure", "realised", "unrealised", "fees")
_UNAVAILABLE = 503

_MOST_VALUE = 36  # columns; the source is a path


@spoken
def status(json: Json = False) -> None:
    """What the desk does, what it owns, and the memory that the whole cluster takes."""
    from fks_actors.cli.processes import cluster_memory

    home = find_home()
    running = find_running(home)
    with open_client(home) as client:
        facts: dict[str, Any] = {
            "url": running.url,
            **client.status(),
            "account": client.account(),
            "positions": client.positions(),
            "agents": known_agents(client),
            "shadows": client.shadows(),
            "memory": cluster_memory(home),
        }
    if json:
        print_json(facts)
    else:
        _print_status(facts)


def money(amount: str) -> str:
    """A quote amount for people, to the cent; `--json` has every digit."""
    return f"{Decimal(amount):,.2f}"


def known_agents(client: Client) -> list[dict[str, Any]]:
    """Every actor; none where the desk itself does not answer."""
    try:
        return client.agents()
    except ApiRefused as error:
        if error.status == _UNAVAILABLE:
            return []
        raise


def _print_status(facts: dict[str, Any]) -> None:
    for line in _headline(facts):
        console.print(line)
    console.print(venues_table(facts["venues"], facts["account"]))
    if facts["account"]:
        console.print(account_table(facts["account"]))
    else:
        console.print("no account is recorded yet")
    for line in standing_lines(facts["shadows"]):
        console.print(line)
    if facts["positions"]:
        held = Table("position", "quantity", "entry", "mark", "unrealised", box=None, pad_edge=False)
        for row in facts["positions"]:
            held.add_row(row["symbol"], row["quantity"], row["entry_price"], row["mark"], money(row["unrealised"]))
        console.print(held)
    if facts["agents"]:
        console.print(agents_table(facts["agents"]))
    memory = facts["memory"]
    console.print(
        f"memory {memory['pss_mib']:.0f} MiB (proportional set size) in {memory['processes']} processes"
        + "".join(f", {name} {mib:.0f}" for name, mib in memory["by_role"].items())
    )


def _headline(facts: dict[str, Any]) -> Iterator[Text]:
    feed, desk, trading = facts["feed"], facts["desk"], facts["trading"]
    yield Text.assemble(
        (f"FKS Actors {facts['version']}", "bold"),
        f" {facts['mode']} trading on ",
        (feed["label"], "bold yellow" if feed["simulated"] else ""),
        f"  {facts['url']}",
    )
    why = f" by {trading['by']}: {trading['reason']}" if trading["reason"] else ""
    yield Text(f"trading {trading['state']}{why}; feed {'ended' if feed['ended'] else 'running'}")
    if feed["reason"]:
        yield Text(feed["reason"])
    if not desk["reachable"]:
        yield Text("the desk does not answer; this is what its journal says, see `fks doctor`", "red")
        return
    if desk["trouble"]:
        yield Text(f"paused: {desk['trouble']}", "red")
    yield from quality_lines(facts["quality"])
    if desk["ready"] and not desk["lease_held"]:
        yield Text("the desk does not hold the lease of its journal: it sends no order", "red")
    when = f"{at(desk['clock_ms'])} UTC" if desk["clock_ms"] else "no bar yet"
    lease = f", lease epoch {desk['lease_epoch']}" if desk["lease_held"] else ""
    decisions = facts["counts"].get("decisions", 0)
    yield Text(f"desk time {when}, {decisions} decisions, {desk['open_orders']} open orders{lease}")


def quality_lines(quality: dict[str, Any]) -> Iterator[Text]:
    """Why there is no new exposure, or which few sources fail; nothing where the data are good."""
    if quality["paused"]:
        yield Text(f"paused: {quality['reason']}; nothing is bought until they recover", "red")
        return
    failing = [f"{s['source']} {s['symbol']}" for s in quality["sources"] if s["fails"]]
    if failing:
        yield Text(f"data that fail: {', '.join(failing)}", "yellow")


def venues_table(venues: list[dict[str, Any]], account: dict[str, Any] | None) -> Table:
    """One row a venue: what is at stake, whether it answers, what is open and owned there."""
    owned = {row["venue"]: row for row in (account or {}).get("venues", [])}
    table = Table("venue", "exchange", "mode", "state", "open", "cash", "equity", box=None, pad_edge=False)
    for row in venues:
        figures = [money(owned[row["venue"]][k]) if row["venue"] in owned else "" for k in ("cash", "equity")]
        mode = Text(row["mode"], "bold red" if row["mode"] == "live" else "")
        table.add_row(row["venue"], row["exchange"], mode, _venue_state(row), str(row["open_orders"]), *figures)
    return table


def _venue_state(row: dict[str, Any]) -> Text:
    if not row["answers"]:
        return Text(row["trouble"], "red")
    down = [name for name, up in row["streams"].items() if not up]
    words = [f"circuit breaker {row['breaker']}"] if row["breaker"] not in ("", "closed") else []
    words += [f"polling {', '.join(down)}"] if down else []
    return Text("; ".join(words), "yellow") if words else Text("ok", "green")


def account_table(account: dict[str, Any]) -> Table:
    """The account's figures in one row."""
    table = Table(*FIGURES, "drawdown", box=None, pad_edge=False)
    table.add_row(*(money(account[k]) for k in FIGURES), f"{float(account['drawdown']):.2%}")
    return table


@spoken
def config(
    file: ConfigFile = None,
    feed: Feed = None,
    speed: Speed = None,
    symbols: Symbols = None,
    seed: Seed = None,
    port: Port = None,
    json: Json = False,
) -> None:
    """The configuration in effect, with each value's source: default, file and line, variable or flag.

    The flags are those of `fks up`. Secrets never stand in it.
    """
    from fks_actors.settings import load

    rows = load(file, flags=flags_of(feed, speed, symbols, seed, port)).rows()
    if json:
        print_json([{"key": key, "value": value, "source": source} for key, value, source in rows])
        return
    table = Table(box=None, pad_edge=False)
    for name, most in (("key", None), ("value", _MOST_VALUE), ("source", None)):
        table.add_column(name, overflow="fold", max_width=most)
    for row in rows:
        table.add_row(*row)
    console.print(table)


@spoken
def doctor(file: ConfigFile = None, json: Json = False) -> None:
    """Check Python, Ray, ports, memory, clock, disk, data, venues and journal, and say what to do."""
    from fks_actors.cli.checks import examine

    findings = examine(find_home(), file)
    if json:
        print_json([{"check": f.check, "state": f.state, "found": f.found, "do": f.remedy} for f in findings])
    else:
        table = Table("", "check", box=None, pad_edge=False)
        for name in ("found", "what to do"):
            table.add_column(name, overflow="fold")
        marks = {"ok": Text("ok", "green"), "warning": Text("!!", "yellow"), "failed": Text("XX", "red")}
        for finding in findings:
            table.add_row(marks[finding.state], finding.check, finding.found, finding.remedy)
        console.print(table)
    if any(finding.state == "failed" for finding in findings):
        raise typer.Exit(1)


journal = typer.Typer(help="Read the journal.", no_args_is_help=True)


@journal.command("show")
@spoken
def journal_show(
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many.")] = 20,
    symbol: Annotated[str, typer.Option("--symbol", help="Only this symbol's.")] = "",
    json: Json = False,
) -> None:
    """The last decisions, newest first. Works while the desk runs and while it does not."""
    with _reader() as reader:
        rows, _ = reader.decisions("", limit, symbol)
    if json:
        from fks_actors.journal.codec import encode

        print_json([json_module.loads(encode(row)) for row in rows])
        return
    table = Table("bar (UTC)", "symbol", "price", "leaning", "strength", "outcome", "note", box=None, pad_edge=False)
    for row in rows:
        verdict = row.verdict
        note = row.note or "; ".join(r.code for r in row.refusals)
        table.add_row(
            at(row.ts_ms), row.symbol, str(row.price), verdict.leaning, f"{verdict.strength:.2f}", row.outcome, note
        )
    console.print(table)


@journal.command("digest")
@spoken
def journal_digest() -> None:
    """One hash over all that was decided, ordered and filled: equal for equal runs."""
    with _reader() as reader:
        typer.echo(reader.digest())


@journal.command("counts")
@spoken
def journal_counts(json: Json = False) -> None:
    """How much is recorded."""
    with _reader() as reader:
        counts = reader.counts()
    if json:
        print_json(counts)
    else:
        for name, count in counts.items():
            typer.echo(f"{name:12} {count}")


@journal.command("audit")
@spoken
def journal_audit(
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many.")] = 20,
    json: Json = False,
) -> None:
    """The last audit records, newest first: refused requests, leases, differences with a venue."""
    with _reader() as reader:
        rows = reader.audit(limit)
    if json:
        print_json([msgspec.structs.asdict(row) for row in rows])
        return
    table = Table("time (UTC)", "kind", "actor", "count", box=None, pad_edge=False)
    table.add_column("detail", overflow="fold")
    for row in rows:
        table.add_row(at(row.ts_ms), *(Text(word) for word in (row.kind, row.actor, str(row.count), row.detail)))
    console.print(table)


@journal.command("verify")
@spoken
def journal_verify(
    head: Annotated[str, typer.Option("--head", help="A head that was noted earlier; it must be in the log.")] = "",
    json: Json = False,
) -> None:
    """Check the journal against its audit log; exit 5 at the first fault.

    Every change, removal, addition or reordering of orders, fills, signals, controls, runs and audit records shows.
    Note the head elsewhere: with --head it also shows when the log's end was cut off, or the whole log written anew.
    """
    from fks_actors.journal.audit import Fault

    if head and not re.fullmatch(r"[0-9a-f]{64}", head):
        raise typer.BadParameter("a head is 64 hexadecimal digits, as `fks journal verify` prints it")
    with _reader() as reader:
        found = reader.verify(head)
    fault = found if isinstance(found, Fault) else None
    if json:
        print_json({"ok": fault is None, **({"fault": asdict(fault)} if fault else asdict(found))})
    elif isinstance(found, Fault):
        say_error(f"{found.table} {found.seq}, {found.key}: {found.what}")
    else:
        counts = ", ".join(f"{count} {name}" for name, count in found.counts.items())
        typer.echo(f"ok: {counts}\nhead {found.head}")
    if fault:
        raise typer.Exit(EXIT_JOURNAL)


@contextlib.contextmanager
def _reader() -> "Iterator[SqlReader]":
    from fks_actors.adapters.sql import open_reader
    from fks_actors.cli.journals import newest_journal_url

    reader = open_reader(newest_journal_url(find_home()))
    try:
        yield reader
    finally:
        reader.close()
