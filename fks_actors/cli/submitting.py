"""Jobs for a desk: `--submit` of a command, and following one. Ctrl-C leaves it running and says how to look again."""

from contextlib import nullcontext
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from fks_actors.cli.session import EXIT_FAILED, EXIT_INTERRUPTED, console, make_console, open_client, say_error
from fks_actors.client import Client, Job
from fks_actors.home import find_home, known_secret

Submit = Annotated[bool, typer.Option("--submit", help="Have a desk do it, as a job beside its trading.")]
Address = Annotated[
    str, typer.Option("--address", help="The desk's, http://HOST:PORT; FKS_API_TOKEN opens it.", show_default="here")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="With --submit: print the job's id and leave.")]


def client_at(address: str) -> Client:
    """A client of the desk at an address, or of the one of this FKS_HOME.

    Raises:
        NotRunning: none runs here.
        ConfigError: the address is none, or the token cannot be used.
    """
    if not address:
        return open_client()
    return Client(address, known_secret(find_home().api_token, "FKS_API_TOKEN") or "")


def followed(client: Client, job: Job, quiet: bool, address: str = "") -> Job:
    """The job once it has ended, under a bar.

    Raises:
        typer.Exit: 130, the user left it; 1, it failed or was cancelled.
    """
    again = f"fks jobs {job.id}" + (f" --address {address}" if address else "")
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    shown = make_console(stderr=True)
    if not quiet:
        shown.print(f"job {job.id}: Ctrl-C leaves it running; {again} looks again", soft_wrap=True)
    try:
        hidden = quiet or not shown.is_terminal
        with Progress(*columns, console=shown, transient=True, disable=hidden) as progress:
            task = progress.add_task(job.kind, total=1.0)
            ended = client.wait(
                job.id,
                lambda now: progress.update(task, completed=now.progress, description=now.doing or now.state),
            )
    except KeyboardInterrupt:
        say_error(f"left; job {job.id} goes on. {again} looks again, --cancel ends it")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if ended.state != "done":
        say_error(f"job {ended.id} {ended.state}: {ended.error}" if ended.error else f"job {ended.id} {ended.state}")
        raise typer.Exit(EXIT_FAILED)
    return ended


def submitted(address: str, body: dict[str, Any], wait: bool, quiet: bool) -> tuple[Job, dict[str, Any] | None]:
    """Submit a job, and follow it where that is wanted: the job, and what it found.

    Raises:
        FksError: the desk does not take it.
        typer.Exit: as `followed`.
    """
    with client_at(address) as client:
        with nullcontext() if quiet else console.status("submitting"):
            job = client.submit(body)
        if not wait:
            return job, None
        ended = followed(client, job, quiet, address)
        return ended, client.result(ended.id)
