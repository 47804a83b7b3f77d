"""`fks up`, `fks down`, `fks watch`."""

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console

from fks_actors.cli.session import find_running, open_client, print_json, spoken
from fks_actors.errors import ConfigError
from fks_actors.home import find_home, starting

_console = Console()

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@spoken
def up(
    feed: Annotated[
        str | None,
        typer.Option("--feed", help="replay:FILE[,FILE...], live:EXCHANGE, simulated or auto.", show_default="auto"),
    ] = None,
    speed: Annotated[
        str | None, typer.Option("--speed", help="Bars' time by real time, or max. 1 is real time.", show_default=False)
    ] = None,
    symbols: Annotated[
        str | None, typer.Option("--symbols", help="Comma-separated; for live and simulated.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the simulated market.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option("--port", help="Of the HTTP edge.", show_default="8000")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="A YAML file.", show_default=False)] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return when the desk is ready.")] = False,
    new: Annotated[bool, typer.Option("--new", help="Set this feed's journal aside and start afresh.")] = False,
    json: Json = False,
) -> None:
    """Start the desk: paper trading on a live, recorded or simulated market. No keys needed."""
    from fks_actors.cli.plan import refuse_second, settle
    from fks_actors.cli.start import start
    from fks_actors.settings import load

    home = find_home()
    flags: dict[tuple[str, ...], object] = {
        ("feed", "spec"): feed,
        ("feed", "speed"): _speed(speed),
        ("feed", "symbols"): [s.strip() for s in symbols.split(",")] if symbols else None,
        ("feed", "seed"): seed,
        ("serve", "port"): port,
    }
    began = time.monotonic()
    settings = load(config, flags=flags).settings
    with starting(home), _step("starting the cluster, the actors and the HTTP edge", quiet=json):
        refuse_second(home)
        started = start(home, settings, lambda: settle(home, settings, new))
    took = time.monotonic() - began
    if json:
        print_json({**started.facts(), "seconds": round(took, 1)})
    else:
        _welcome(started, took)
    if not detach:
        _stay(home)


def _welcome(started: Any, took: float) -> None:
    running = started.running
    _console.print(f"[bold]ready[/] after {took:.1f} s: paper trading on {running.label}")
    if started.reason:
        _console.print(started.reason)
    if started.fallback:
        _console.print(f"[yellow]{started.fallback}[/]")
    if started.new_token:
        _console.print(f"dashboard  {running.url}/#token={started.new_token}", soft_wrap=True)
        _console.print(f"API token  {started.new_token}  (kept in FKS_HOME/api-token; shown once)", soft_wrap=True)
    else:
        _console.print(f"dashboard  {running.url}/")
    if started.new_secret:
        _console.print(
            f"webhook secret  {started.new_secret}  (kept in FKS_HOME/webhook-secret; shown once)", soft_wrap=True
        )
    _console.print(f"webhook    {running.url}/webhook/tradingview   metrics {running.url}/metrics")


def _stay(home: Any) -> None:
    """Show the desk until interrupted, then end it."""
    from fks_actors.cli.cluster.handle import read_handle
    from fks_actors.cli.cluster.processes import head_alive
    from fks_actors.cli.start import stop
    from fks_actors.cli.view import follow

    def alive() -> bool:
        held = read_handle(home.run)
        return held is not None and (not held.owned or head_alive(held))

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        with open_client() as client, contextlib.suppress(KeyboardInterrupt):
            follow(client, _console, alive)
    finally:
        with _step("stopping", quiet=False):
            stop(home)
    _console.print("stopped; the journal is kept, `fks up` goes on from it")


@spoken
def down(json: Json = False) -> None:
    """End the desk of this FKS_HOME and its own processes, nothing else. The journal is kept."""
    from fks_actors.cli.start import stop

    home = find_home()
    began = time.monotonic()
    ended = stop(home)
    if json:
        print_json({"ended": ended, "seconds": round(time.monotonic() - began, 1)})
    else:
        _console.print(f"stopped: {ended} processes ended in {time.monotonic() - began:.1f} s; the journal is kept")


@spoken
def watch() -> None:
    """A live view of the running desk. Ctrl-C leaves it; the desk goes on."""
    from fks_actors.cli.view import follow

    find_running(find_home())
    with open_client() as client, contextlib.suppress(KeyboardInterrupt):
        follow(client, _console, lambda: True)


def _speed(text: str | None) -> object:
    if text is None or text == "max":
        return text
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"--speed {text}: write a number (1 is real time) or max") from None


@contextlib.contextmanager
def _step(text: str, quiet: bool) -> Iterator[None]:
    if quiet or not sys.stdout.isatty():
        yield
        return
    with _console.status(text):
        yield
