"""`fks jobs`: backtests, optimisations and sweeps that a desk does: list them, follow one, read its log, end it."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from fks_actors.cli.ask import at
from fks_actors.cli.session import console, print_json, spoken
from fks_actors.cli.submitting import Address, client_at, followed
from fks_actors.client import Client, Job
from fks_actors.errors import ConfigError


@spoken
def jobs(
    job_id: Annotated[str, typer.Argument(metavar="[ID]", help="One job; without it, the last ones.")] = "",
    logs: Annotated[bool, typer.Option("--logs", help="Print the end of what it printed.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="End it.")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write the page of a backtest to this file.", show_default=False)
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Tell how it stands, and leave.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many are listed.")] = 20,
    address: Address = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """The jobs of a desk; with an ID, one of them, followed to its end."""
    with client_at(address) as client:
        if not job_id:
            if logs or cancel or report:
                raise ConfigError("name the job: fks jobs ID --logs, --cancel or --report FILE")
            _list(client.backtests(limit=limit)[0], json)
        elif logs:
            _logs(client, job_id, json)
        elif report is not None:
            _write(report, client.report(job_id))
            print_json({"id": job_id, "report": str(report)}) if json else console.print(f"Report: {report}")
        else:
            _one(client, client.cancel_backtest(job_id) if cancel else client.backtest(job_id), no_wait, json, address)


def _list(rows: list[Job], json: bool) -> None:
    if json:
        print_json([msgspec.to_builtins(row) for row in rows])
        return
    if not rows:
        console.print("no job was submitted; fks backtest --submit does")
        return
    table = Table("job", "submitted (UTC)", "kind", "of", "state", "what came of it", box=None, pad_edge=False)
    for row in rows:
        of = row.label or row.strategy or "the council"
        state = f"{row.state} {row.progress:.0%}" if row.state == "running" else row.state
        table.add_row(row.id, at(row.created_ms), row.kind, of, state, row.first_line or row.error or row.doing)
    console.print(table)


def _one(client: Client, job: Job, no_wait: bool, json: bool, address: str) -> None:
    if not no_wait and not job.is_end:
        job = followed(client, job, json, address)
    found = client.result(job.id) if job.state == "done" else None
    if json:
        print_json({**msgspec.to_builtins(job), "result": found})
        return
    if job.state != "done" or found is None:
        console.print(f"{job.kind} {job.id}: {job.state} {job.progress:.0%} {job.error or job.doing}", soft_wrap=True)
        return
    show_found(job.kind, found)
    if job.kind == "backtest":
        console.print(f"The page: fks jobs {job.id} --report report.html", soft_wrap=True)


def _logs(client: Client, job_id: str, json: bool) -> None:
    text = client.logs(job_id)
    if json:
        print_json({"id": job_id, "text": text})
    else:
        console.print(text or "(it printed nothing)", soft_wrap=True)


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--report {path}: cannot be written: {error.strerror}") from None


def show_found(kind: str, found: dict[str, Any]) -> None:
    """What a job found, for people; as the command shows it."""
    if kind == "backtest":
        from fks_actors.cli.backtest import print_facts

        print_facts(found)
    elif kind == "optimize":
        from fks_actors.cli.optimized import print_search

        print_search(console, found)
    else:
        console.print(found["first_line"], soft_wrap=True)
        rows = found["sets"][:10]
        table = Table(*(rows[0] if rows else ()), box=None, pad_edge=False)
        for row in rows:
            table.add_row(*("-" if value is None else f"{value:.6g}" for value in row.values()))
        console.print(table)
