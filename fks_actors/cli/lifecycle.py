"""`fks up`, `fks down`, `fks watch`."""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from fks_actors.cli.options import ConfigFile, Feed, Port, Seed, Speed, Symbols, flags_of
from fks_actors.cli.session import console, make_console, open_client, print_json, spoken
from fks_actors.errors import ClusterError
from fks_actors.home import Home, find_home, starting

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@spoken
def up(
    feed: Feed = None,
    speed: Speed = None,
    symbols: Symbols = None,
    seed: Seed = None,
    port: Port = None,
    config: ConfigFile = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return when the desk is ready.")] = False,
    new: Annotated[bool, typer.Option("--new", help="Set this feed's journal aside and start afresh.")] = False,
    json: Json = False,
) -> None:
    """Start the desk: paper trading on a live, recorded or simulated market. No keys needed."""
    from fks_actors.settings import load

    home = find_home()
    began = time.monotonic()
    settings = load(config, flags=flags_of(feed, speed, symbols, seed, port)).settings
    with _terminated_as_interrupted():
        started = _started(home, settings, new, json)
        took = time.monotonic() - began

        def greet() -> None:
            if json:
                print_json({**started.facts(), "seconds": round(took, 1)})
            else:
                _welcome(started, took)

        if detach:
            greet()
        else:
            _stay(home, make_console(stderr=True) if json else console, greet)


def _started(home: Home, settings: Any, new: bool, quiet: bool) -> Any:
    from fks_actors.cli.held import refuse_second
    from fks_actors.cli.plan import check, settle
    from fks_actors.cli.start import start

    with starting(home), _step("starting the cluster, the actors and the HTTP edge", quiet):
        refuse_second(home)
        check(home, settings, new)
        return start(home, settings, lambda: settle(home, settings, new))


def _welcome(started: Any, took: float) -> None:
    running = started.running
    console.print(Text("ready", "bold"), f"after {took:.1f} s: {started.mode} trading on {running.label}")
    if started.reason:
        console.print(started.reason)
    if started.fallback:
        console.print(Text(started.fallback, "yellow"))
    if started.new_token:
        console.print(f"dashboard  {running.url}/#token={started.new_token}", soft_wrap=True)
        console.print(f"API token  {started.new_token}  (kept in FKS_HOME/api-token; shown once)", soft_wrap=True)
    else:
        console.print(f"dashboard  {running.url}/")
    if started.new_secret:
        console.print(
            f"webhook secret  {started.new_secret}  (kept in FKS_HOME/webhook-secret; shown once)", soft_wrap=True
        )
    console.print(f"webhook    {running.url}/webhook/tradingview   metrics {running.url}/metrics")


def _stay(home: Home, shown: Console, greet: Callable[[], None]) -> None:
    """Greet, show the desk until interrupted, whenever that comes, then end it."""
    from fks_actors.cli.start import stop

    crashed = False
    try:
        with contextlib.suppress(KeyboardInterrupt), _stopped() as stopped:
            greet()
            crashed = _follow(home, shown, stopped)
    finally:
        with _step("stopping", quiet=shown.stderr):
            stop(home)
    if crashed:
        raise ClusterError(f"the cluster ended by itself; the journal is kept, see {home.run}/ray-head.log")
    shown.print("stopped; the journal is kept, `fks up` goes on from it")


def _follow(home: Home, shown: Console, stopped: threading.Event) -> bool:
    """Show the desk while it runs; whether it ended by itself, not by `fks down`."""
    from fks_actors.cli.cluster.processes import head_alive
    from fks_actors.cli.held import held_cluster
    from fks_actors.cli.view import follow

    def alive() -> bool:
        held = held_cluster(home)
        return not stopped.is_set() and held is not None and (not held.owned or head_alive(held))

    with open_client(home) as client:
        follow(client, shown, alive, stopped.wait)
    return held_cluster(home) is not None and not stopped.is_set()


@contextlib.contextmanager
def _stopped() -> Iterator[threading.Event]:
    """Set by the first Ctrl-C or SIGTERM. An exception that a signal raises is lost where Python runs a finaliser just
    then, and with it the user's word; only a second one interrupts."""
    stopped = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM ends a command as Ctrl-C does: what was started is ended, too."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@spoken
def down(json: Json = False) -> None:
    """End the desk of this FKS_HOME and its own processes, nothing else. The journal is kept."""
    from fks_actors.cli.start import stop

    home = find_home()
    began = time.monotonic()
    ended = stop(home)
    if json:
        print_json({"ended": ended, "seconds": round(time.monotonic() - began, 1)})
    elif ended:
        console.print(f"stopped: {ended} processes ended in {time.monotonic() - began:.1f} s; the journal is kept")
    else:
        console.print(f"no desk ran in {home.root}")


@spoken
def watch() -> None:
    """A live view of the running desk. Ctrl-C leaves it; the desk goes on."""
    from fks_actors.cli.view import follow

    with open_client() as client, contextlib.suppress(KeyboardInterrupt):
        follow(client, console, lambda: True)


@contextlib.contextmanager
def _step(text: str, quiet: bool) -> Iterator[None]:
    if quiet or not sys.stdout.isatty():
        yield
        return
    with console.status(text):
        yield
