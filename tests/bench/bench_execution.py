"""Signal to venue acknowledgement beside a bare ccxt `create_order`: `python -m tests.bench execution`.

`fks exchange-sim` as a process, the desk's real actors on Ray with the real ccxt, its live feed from the same exchange.
A signal's time runs from just before `SqlInbox.put` (a durable insert, as in the HTTP replica) to the instant at which
ccxt's `create_order` returned the exchange's answer inside the connector's process, by a clock that all processes of a
machine share; the exchange's own ledger knows milliseconds only. In between lie the ruling and a commit with full sync.
The bare order goes to the same exchange in the same run, in turn, with the product's ccxt options, on a symbol that the
desk does not trade. All are market orders that buy and sell by turns. They come at two paces: each when the one before
is dealt with, fill and journal included (in bursts, because of the exchange's 100 orders in ten seconds), and after a
rest, in which every process of the desk has gone to sleep and has to be woken on the way.
FKS_BENCH_SIGNALS changes how many of each.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import uvloop
from pydantic import SecretStr

from tests.bench.bench_cycle import Empty
from tests.bench.cluster import ray_cluster
from tests.bench.execution_parts import Call, Stamp, Stopwatch, now_ns, watched
from tests.bench.figures import machine_load, percentile, row
from tests.bench.simulator import exchange_sim

SIGNALS = int(os.environ.get("FKS_BENCH_SIGNALS", "120"))
WARM = 40
BURST, BURST_S = 40, 10.5
REST_S = 0.22
LIMIT_MS = 12.0
QUANTITY, STOCK = Decimal("0.001"), Decimal("0.01")  # base; the first buys a stock, out of which fees are paid
NAMESPACE = "bench"
WHOLE = "signal to acknowledgement"
TRADED, BARE = "BTC/USDT", "SOL/USDT"
CONFIG = """
feed: {{spec: "live:binance", base_url: "{url}", symbols: [BTC/USDT], timeframe: 1m, history_bars: 30}}
venues: {{binance: {{kind: ccxt, exchange: binance, base_url: "{url}"}}}}
routing: {{default: binance}}
risk: {{orders_per_minute: 10000, max_price_deviation_pct: 20}}
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A signal on its way: its id, its order's, and when `put` began and ended (ns)."""

    signal_id: str
    order_id: str
    put_ns: int
    kept_ns: int


@dataclass(frozen=True, slots=True)
class Scene:
    """What the run needs: the inbox and the journal (read), the desk, bare ccxt, an empty actor call."""

    inbox: Any
    journal: Any
    desk: Any
    bare: Any
    empty: Call


# --- the scene ---


async def _spawned(folder: Path, facts: dict[str, Any]) -> tuple[tuple[str, str], Any]:
    """A desk of timed actors; the URLs of its journal and inbox, and the venue's configuration."""
    from fks_actors.actors.spawn import spawn
    from fks_actors.actors.wiring import Wiring, actor_specs
    from fks_actors.adapters.feeds.factory import open_feed
    from fks_actors.cli.venues import settle_venues
    from fks_actors.home import Home
    from fks_actors.model.records import RunRecord
    from fks_actors.settings import load

    config = folder / "bench.yaml"
    config.write_text(CONFIG.format(url=facts["url"]))
    settings = load(config, environ={}).settings
    feed = await open_feed(settings.feed)
    info = feed.describe()
    await feed.close()
    venues = await settle_venues(Home(folder), settings, info)
    cash = sum(venues.cash.values(), Decimal(0))
    run = RunRecord("bench", time.time_ns() // 1_000_000, settings.feed.spec, False, info.symbols, 60_000, cash, "0")
    urls = (f"sqlite:///{folder}/journal.db", f"sqlite:///{folder}/inbox.db")
    specs = actor_specs(Wiring(NAMESPACE, settings, run, *urls, venues.plans, venues.cash, venues.keys))
    parts = "tests.bench.execution_parts"
    timed = {
        "journal": f"{parts}:TimedJournal",
        "risk": f"{parts}:TimedRisk",
        "coordinator": f"{parts}:TimedCoordinator",
        "connector:binance": f"{parts}:TimedConnector",
    }
    spawn(tuple(replace(s, path=timed.get(s.name, s.path)) for s in specs), NAMESPACE)
    return urls, settings.venues["binance"]


async def _ready(desk: Any) -> None:
    """Wait until the desk knows prices and its connector has compared everything with the exchange."""
    from fks_actors.actors.remote import Remote
    from fks_actors.errors import ActorUnavailable

    connector = Remote("connector:binance", NAMESPACE)
    end, said = time.monotonic() + 60, ""
    while True:
        try:
            status, report = await desk.status(), await connector.call("report", timeout_s=5.0)
            said = f"{status['trouble']}; {report.state}"
            if status["ready"] and status["clock_ms"] and "orders open" in report.state:
                return
        except ActorUnavailable as error:
            said = str(error)
        assert time.monotonic() < end, f"the desk did not start: {said}"
        await asyncio.sleep(0.2)


async def _bare_client(facts: dict[str, Any], config: Any) -> tuple[Any, Stopwatch]:
    from fks_actors.adapters.ccxt_venue.client import Connection, open_client
    from fks_actors.adapters.ccxt_venue.keys import Keys
    from fks_actors.adapters.ccxt_venue.probe import options_of
    from fks_actors.telemetry import Telemetry

    keys = Keys(SecretStr(facts["key"]), SecretStr(facts["secret"]))
    client = await open_client(Connection("bare", config, keys, Telemetry("bare"), options_of(config)))
    await client.ccxt.load_markets()
    watch = Stopwatch()
    watched(client.ccxt, watch)
    return client, watch


# --- the run ---


async def _one(scene: Scene, number: int) -> Sent:
    """One signal, put and told of as the edge does."""
    from fks_actors.execution.ids import client_order_id
    from fks_actors.model.orders import OrderType, Side
    from fks_actors.model.records import Signal

    now_ms = time.time_ns() // 1_000_000
    key, side = f"bench-{number}-{now_ms}", Side.SELL if number % 2 else Side.BUY
    quantity = QUANTITY if number else STOCK
    signal = Signal(key, f"id:{key}", now_ms, TRADED, side, OrderType.MARKET, quantity)
    start = now_ns()
    await scene.inbox.put_async(signal)
    kept = now_ns()
    if not scene.inbox.is_heard:
        await scene.desk.wake()
    return Sent(key, client_order_id(key, 0), start, kept)


async def _done(scene: Scene, sent: Sent) -> None:
    """Wait until the signal's order is filled, and that is in the journal."""
    end = time.monotonic() + 10
    while (record := scene.journal.signal(sent.signal_id)) is None or record.status.value != "filled":
        assert time.monotonic() < end, f"it was not filled: {record}"
        await asyncio.sleep(0.002)


async def _controls(scene: Scene, number: int) -> None:
    side = "sell" if number % 2 else "buy"
    await scene.bare.create_order(BARE, "market", side, "0.1", None, {"clientOrderId": f"bare-{number}"})
    await scene.empty()


async def _in_a_row(scene: Scene, first: int, count: int) -> list[Sent]:
    """Each when the one before is dealt with."""
    sent: list[Sent] = []
    begin = time.monotonic()
    for number in range(count):
        if number % BURST == 0:
            await asyncio.sleep(max(0.0, begin + number // BURST * BURST_S - time.monotonic()))
        sent.append(await _one(scene, first + number))
        await _done(scene, sent[-1])
        await _controls(scene, first + number)
    return sent


async def _rested(scene: Scene, first: int, count: int) -> list[Sent]:
    """Each after a rest."""
    sent: list[Sent] = []
    for number in range(first, first + count):
        await asyncio.sleep(REST_S / 2)
        sent.append(await _one(scene, number))
        await asyncio.sleep(REST_S / 2)
        await _controls(scene, number)
    await _done(scene, sent[-1])
    return sent


async def _measure(ray: Any, facts: dict[str, Any], folder: Path) -> None:
    from fks_actors.actors.handles import DeskHandle
    from fks_actors.adapters.sql import SqlInbox, open_reader

    (journal_url, inbox_url), config = await _spawned(folder, facts)
    desk = DeskHandle(NAMESPACE)
    await _ready(desk)
    client, watch = await _bare_client(facts, config)
    actor = ray.remote(Empty).options(num_cpus=0).remote()

    async def nothing() -> None:
        await actor.nothing.remote(b"")

    inbox = SqlInbox(inbox_url, 300_000, lambda: time.time_ns() // 1_000_000)
    journal = open_reader(journal_url)
    scene = Scene(inbox, journal, desk, client.ccxt, watch.watch("empty", nothing))
    await _in_a_row(scene, 0, WARM)
    await asyncio.sleep(BURST_S)
    with machine_load() as load:
        in_a_row = await _in_a_row(scene, WARM, SIGNALS)
        await asyncio.sleep(BURST_S)
        rested = await _rested(scene, WARM + SIGNALS, SIGNALS)
    stamps = await _stamps()
    await client.close()
    for close in (inbox.close, journal.close):
        close()
    _tell(f"each when the one before is dealt with ({SIGNALS})", in_a_row, stamps, watch.stamps)
    _tell(f"each after {REST_S / 2:.2f} s of rest ({SIGNALS})", rested, stamps, watch.stamps)
    print(load)


async def _stamps() -> dict[str, list[Stamp]]:
    """What the actors' watches say, by what it is of, in order."""
    from fks_actors.actors.remote import Remote

    found: list[Stamp] = []
    for name in ("coordinator", "risk", "journal", "connector:binance"):
        found += await Remote(name, NAMESPACE).call("stamps", timeout_s=30.0)
    by_what: dict[str, list[Stamp]] = {}
    for stamp in sorted(found, key=lambda s: s[2]):
        by_what.setdefault(stamp[0], []).append(stamp)
    return by_what


# --- what it says ---


def _ms(start_ns: int, end_ns: int) -> float:
    return (end_ns - start_ns) / 1e6


def _hops(one: Sent, by_what: dict[str, list[Stamp]]) -> dict[str, float]:
    """One signal's way in pieces, ms."""
    order = next(s for s in by_what["create_order"] if s[1] == one.order_id)
    step = next(s for s in by_what["signal"] if s[1] == one.signal_id)
    rule, commit, submit = (
        next(s for s in by_what["ask"] if s[1] == asked and s[2] >= step[2]) for asked in ("rule", "commit", "submit")
    )
    name = f"signal-{one.signal_id}"
    ruling = next(s for s in by_what["ruling"] if s[1] == name)
    written = next(s for s in by_what["transaction"] if s[1] == name)
    told = next(s for s in by_what["woken"] if s[2] >= one.put_ns)[2]
    http = [s for s in by_what["http"] if order[2] <= s[2] and s[3] <= order[3]]
    told = min(told, step[2])  # it looked before the word came
    return {
        WHOLE: _ms(one.put_ns, order[3]),
        "1 inbox: durable insert, the coordinator is told": _ms(one.put_ns, told),
        "    of it until the sender knows": _ms(one.put_ns, one.kept_ns),
        "2 read: the inbox, until the step begins": _ms(told, step[2]),
        "3 desk: routing, proposal": _ms(step[2], rule[2]),
        "4 risk: asked and answered": _ms(rule[2], rule[3]),
        "    of it the ruling": _ms(ruling[2], ruling[3]),
        "5 desk: records, the commit": _ms(rule[3], commit[2]),
        "6 journal: asked and answered": _ms(commit[2], commit[3]),
        "    of it the transaction, fsync": _ms(written[2], written[3]),
        "7 connector: asked, until ccxt is called": _ms(commit[3], order[2]),
        "    of it before it is asked": _ms(commit[3], submit[2]),
        "8 ccxt create_order, exchange included": _ms(order[2], order[3]),
        "    of it the HTTP request": sum(_ms(s[2], s[3]) for s in http),
    }


def _tell(pace: str, sent: Sequence[Sent], by_what: dict[str, list[Stamp]], bare: Sequence[Stamp]) -> None:
    found = [_hops(one, by_what) for one in sent]
    first, last = sent[0].put_ns, sent[-1].kept_ns
    during = [s for s in bare if first <= s[2] <= last]
    orders = [_ms(s[2], s[3]) for s in during if s[0] == "create_order"]
    print(pace)
    for name in found[0]:
        whole = name == WHOLE
        _line(name, [hops[name] for hops in found], f"p50 <= {LIMIT_MS:.0f} ms" if whole else "")
    _line("bare ccxt create_order", orders)
    _line("    of it the HTTP request", [_ms(s[2], s[3]) for s in during if s[0] == "http" and "order" in s[1]])
    _line("empty actor call", [_ms(s[2], s[3]) for s in during if s[0] == "empty"])
    row(f"{WHOLE} / bare create_order", f"{median(hops[WHOLE] for hops in found) / median(orders):.2f}")


def _line(name: str, times: Sequence[float], limit: str = "") -> None:
    row(name, f"p50 {median(times):6.2f}  p99 {percentile(times, 0.99):6.2f} ms", limit)


def main() -> None:
    """Print the figures."""
    key = {"FKS_VENUE_BINANCE_KEY": "bench", "FKS_VENUE_BINANCE_SECRET": "bench"}
    os.environ |= key
    with (
        tempfile.TemporaryDirectory(prefix="fks") as folder,
        exchange_sim(
            "--symbols", f"{TRADED},{BARE}", "--key", "bench", "--secret", "bench", "--balance", "USDT=1000000,SOL=1000"
        ) as facts,
        ray_cluster() as ray,
    ):
        uvloop.run(_measure(ray, facts, Path(folder)))


if __name__ == "__main__":
    main()
