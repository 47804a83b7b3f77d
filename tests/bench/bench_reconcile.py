"""Start-up and reconciliation with many open orders: `python -m tests.bench reconcile`.

An exchange in a process of its own and a journal hold the same orders over ten symbols, one in twenty half filled. Of
each size, in fresh processes, one after the other: what the desk reads and takes up (`SqlJournal.open_orders`,
`Desk.recover`); what the connector does at its start (its memory out of the journal, then everything compared with the
exchange through the real ccxt) and each time it compares afterwards. Memory is what the process grew to at most. A real
exchange allows far fewer open orders a symbol (Binance 200), so its answers are never that long.
FKS_BENCH_SIZES changes the sizes.
"""

import asyncio
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import uvloop

from tests.bench.figures import machine_load, row
from tests.bench.reconcile_parts import SYMBOLS, VENUE, exchange

SIZES = tuple(int(n) for n in os.environ.get("FKS_BENCH_SIZES", "10000,50000,100000").split(","))
_QUIET_S = 5.0
Figures = dict[str, tuple[float, str]]
"""By step: (what is measured, its unit)."""


class Direct:
    """The journal, read where it lies (exchange_connector.ConnectorJournal, desk.ports.JournalPort)."""

    def __init__(self, url: str) -> None:
        from fks_actors.adapters.sql import SqlJournal

        self.journal = SqlJournal(url, lambda: time.time_ns() // 1_000_000)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        read = getattr(self.journal, name)

        async def call(*args: Any) -> Any:
            return read(*args)

        return call


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _timed(figures: Figures, what: str, work: Awaitable[Any]) -> Any:
    start, began, before = time.perf_counter(), time.process_time(), _peak_mib()
    found = await work
    figures[f"{what}, time"] = (time.perf_counter() - start, "s")
    figures[f"{what}, of it computing"] = (time.process_time() - began, "s CPU")
    figures[f"{what}, memory"] = (_peak_mib() - before, "MiB")
    return found


async def desk_side(url: str, _: dict[str, Any]) -> Figures:
    """What the desk does at its start."""
    from fks_actors.desk.config import DeskConfig, VenuePlan
    from fks_actors.desk.desk import Desk
    from fks_actors.desk.ports import DeskPorts

    figures: Figures = {}
    journal: Any = Direct(url)
    orders = await _timed(figures, "journal: open orders", journal.open_orders())
    figures["orders"] = (len(orders), "")
    del orders
    nobody: Any = None
    ports = DeskPorts(nobody, nobody, {VENUE: nobody}, journal, nobody)
    desk = Desk(ports, DeskConfig((VenuePlan(VENUE, VENUE, True, {}, ()),), VENUE))
    await _timed(figures, "desk: recover", desk.recover())
    journal.journal.close()
    return figures


async def connector_side(url: str, facts: dict[str, Any]) -> Figures:
    """What the connector does at its start, and then each time."""
    from fks_actors.actors.exchange_connector import ExchangeConnectorActor
    from fks_actors.adapters.ccxt_venue.client import Connection
    from fks_actors.adapters.ccxt_venue.keys import KeySource
    from fks_actors.adapters.ccxt_venue.probe import options_of
    from fks_actors.adapters.ccxt_venue.venue import open_venue
    from fks_actors.execution.venues import VenueConfig
    from fks_actors.telemetry import Telemetry

    os.environ |= {"FKS_BENCH_KEY": facts["key"], "FKS_BENCH_SECRET": facts["secret"]}
    source = KeySource("FKS_BENCH_KEY", "FKS_BENCH_SECRET")
    config = VenueConfig(kind="ccxt", base_url=facts["url"], timeout_s=60.0, reconcile_s=86_400.0)
    figures: Figures = {}
    journal: Any = Direct(url)
    telemetry = Telemetry("bench")
    actor = ExchangeConnectorActor(VENUE, config, SYMBOLS, source, journal)
    kept = await _timed(figures, "connector: memory from the journal", actor._remembered())
    connection = Connection(VENUE, config, source.read(), telemetry, options_of(config))
    async with _stalls(figures, "connector: start"):
        venue = await _timed(figures, "connector: start", open_venue(connection, SYMBOLS, journal, kept))
    figures["connector: start, requests"] = (_requests(telemetry), "")
    figures["connector: orders open"] = (len(venue.tracker.working()), "")
    figures["connector: events told"] = (len(venue.outbox), "")
    await _quiet(telemetry)
    before = _requests(telemetry)
    async with _stalls(figures, "connector: compare"):
        await _timed(figures, "connector: compare", venue.compare_orders())
    figures["connector: compare, requests"] = (_requests(telemetry) - before, "")
    await _timed(figures, "connector: notes of a step", asyncio.to_thread(venue.notes))
    await venue.close()
    await venue.close()
    journal.journal.close()
    return figures


@asynccontextmanager
async def _stalls(figures: Figures, what: str) -> Any:
    """The longest time in which the event loop did nothing else."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - start - 0.005)

    task = asyncio.create_task(tick())
    yield
    await asyncio.sleep(0.01)
    task.cancel()
    figures[f"{what}, longest stall"] = (longest, "s")


async def _quiet(telemetry: Any) -> None:
    """Wait until nothing was asked for a while: the streams have begun, and what follows from that is through."""
    seen, since = -1.0, time.monotonic()
    while time.monotonic() - since < _QUIET_S:
        await asyncio.sleep(0.1)
        if (now := _requests(telemetry)) != seen:
            seen, since = now, time.monotonic()


def _requests(telemetry: Any) -> float:
    return sum(value for _, name, _, value in telemetry.snapshot() if name == "fks_venue_requests_total")


def _child(side: Callable[..., Any], url: str, facts: dict[str, Any], pipe: Pipe) -> None:
    pipe.send(uvloop.run(side(url, facts)))


def _apart(side: Callable[..., Any], url: str, facts: dict[str, Any]) -> Figures:
    """In a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_child, args=(side, url, facts, theirs))
    process.start()
    theirs.close()
    try:
        found: Figures = ours.recv()
        return found
    finally:
        process.join()


def _tell(sizes: Sequence[int], found: Sequence[Figures]) -> None:
    """A line a step: every size, and what an order costs at the largest beside the smallest (1: linear)."""
    print(" / ".join(f"{n:,}" for n in sizes), "open orders")
    for what, (_, unit) in found[0].items():
        values = [figures[what][0] for figures in found]
        shown = " / ".join(f"{v:,.2f}" if unit.startswith("s") else f"{v:,.0f}" for v in values)
        an_order = (values[-1] / sizes[-1]) / max(values[0] / sizes[0], 1e-9)
        row(what, f"{shown} {unit}", f"linear: {an_order:.2f} of it an order" if unit == "s CPU" else "")


def main() -> None:
    """Print the figures."""
    found: list[Figures] = []
    with machine_load() as load:
        for size in SIZES:
            with tempfile.TemporaryDirectory(prefix="fks") as folder:
                url = f"sqlite:///{Path(folder)}/journal.db"
                with exchange(size, url) as facts:
                    found.append(_apart(desk_side, url, facts) | _apart(connector_side, url, facts))
    _tell(SIZES, found)
    print(load)


if __name__ == "__main__":
    main()
