"""Signal to venue acknowledgement beside a bare ccxt `create_order`: `python -m tests.bench execution`.

`fks exchange-sim` as a process, the desk's real actors on Ray with the real ccxt, its live feed from the same exchange.
A signal's time runs from just before `SqlInbox.put` (a durable insert, as in the HTTP replica) to the instant at which
ccxt's `create_order` returned the exchange's answer inside the connector's process, by a clock that all processes of a
machine share; the exchange's own ledger knows milliseconds only. In between lie the ruling and a commit with full sync.
The bare order goes to the same exchange in the same run, in turn, with the product's ccxt options, on a symbol that the
desk does not trade. All are market orders that buy and sell by turns.
FKS_BENCH_SIGNALS changes how many; the exchange's 100 orders in ten seconds set the pace.
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

SIGNALS = int(os.environ.get("FKS_BENCH_SIGNALS", "200"))
WARM = 30
PERIOD_S = 0.22
LIMIT_MS = 12.0
QUANTITY, STOCK = Decimal("0.001"), Decimal("0.01")  # base; the first buys a stock, out of which fees are paid
NAMESPACE = "bench"
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


# --- the scene ---


async def _spawned(folder: Path, facts: dict[str, Any]) -> tuple[str, Any]:
    """A desk of timed actors; its inbox's URL and the venue's configuration."""
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
    return urls[1], settings.venues["binance"]


async def _ready(desk: Any) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            status = await desk.status()
            if status["ready"] and status["clock_ms"]:
                return
        except Exception as error:  # noqa: BLE001  it is still starting
            status = {"trouble": repr(error)}
        assert time.monotonic() < end, f"the desk did not start: {status}"
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


async def _send_all(inbox_url: str, bare: Any, desk: Any, empty: Call) -> list[Sent]:
    """Signals, bare orders and empty actor calls in turn, at fixed instants."""
    from fks_actors.adapters.sql import SqlInbox
    from fks_actors.execution.ids import client_order_id
    from fks_actors.model.orders import OrderType, Side
    from fks_actors.model.records import Signal

    inbox = SqlInbox(inbox_url, 300_000, lambda: time.time_ns() // 1_000_000)
    sent: list[Sent] = []
    begin = time.monotonic()
    for number in range(WARM + SIGNALS):
        await asyncio.sleep(max(0.0, begin + number * PERIOD_S - time.monotonic()))
        side = Side.SELL if number % 2 else Side.BUY
        now_ms = time.time_ns() // 1_000_000
        key = f"bench-{number}-{now_ms}"
        quantity = QUANTITY if number else STOCK
        signal = Signal(key, f"id:{key}", now_ms, TRADED, side, OrderType.MARKET, quantity)
        start = now_ns()
        await inbox.put_async(signal)
        kept = now_ns()
        await desk.wake()
        sent.append(Sent(key, client_order_id(key, 0), start, kept))
        await asyncio.sleep(max(0.0, begin + (number + 0.5) * PERIOD_S - time.monotonic()))
        await bare.create_order(BARE, "market", side.value, "0.1", None, {"clientOrderId": f"bare-{number}"})
        await empty()
    await asyncio.sleep(1.0)
    inbox.close()
    return sent


async def _measure(ray: Any, facts: dict[str, Any], folder: Path) -> None:
    from fks_actors.actors.handles import DeskHandle
    from fks_actors.actors.remote import Remote

    inbox_url, config = await _spawned(folder, facts)
    desk = DeskHandle(NAMESPACE)
    await _ready(desk)
    client, watch = await _bare_client(facts, config)
    actor = ray.remote(Empty).options(num_cpus=0).remote()

    async def nothing() -> None:
        await actor.nothing.remote(b"")

    with machine_load() as load:
        sent = await _send_all(inbox_url, client.ccxt, desk, watch.watch("empty", nothing))
    stamps: list[Stamp] = []
    for name in ("coordinator", "risk", "journal", "connector:binance"):
        stamps += await Remote(name, NAMESPACE).call("stamps", timeout_s=30.0)
    await client.close()
    _tell(sent[WARM:], stamps, watch.stamps)
    print(load)


# --- what it says ---


def _ms(start_ns: int, end_ns: int) -> float:
    return (end_ns - start_ns) / 1e6


def _hops(one: Sent, by_what: dict[str, list[Stamp]]) -> dict[str, float] | None:
    """One signal's way in pieces, ms; None where its order never left."""
    order = next((s for s in by_what["create_order"] if s[1] == one.order_id), None)
    step = next((s for s in by_what["signal"] if s[1] == one.signal_id), None)
    if order is None or step is None:
        return None
    inside = {what: [s for s in found if s[2] >= one.kept_ns and s[3] <= order[3]] for what, found in by_what.items()}
    asked = {m: next(s for s in by_what["ask"] if s[1] == m and s[2] >= step[2]) for m in ("rule", "commit", "submit")}
    name = f"signal-{one.signal_id}"
    ruling = next(s for s in by_what["ruling"] if s[1] == name)
    written = next(s for s in by_what["transaction"] if s[1] == name)
    woken = min((s[2] for s in by_what["woken"] if s[2] >= one.kept_ns), default=one.kept_ns)
    http = [s for s in inside["http"] if s[2] >= order[2]]
    rule, commit, submit = asked["rule"], asked["commit"], asked["submit"]
    return {
        "signal to acknowledgement": _ms(one.put_ns, order[3]),
        "1 inbox: durable insert": _ms(one.put_ns, one.kept_ns),
        "2 wake: the coordinator is told": _ms(one.kept_ns, woken),
        "3 read: the inbox, until the step begins": _ms(woken, step[2]),
        "4 desk: routing, proposal": _ms(step[2], rule[2]),
        "5 risk: asked and answered": _ms(rule[2], rule[3]),
        "    of it the ruling": _ms(ruling[2], ruling[3]),
        "6 desk: records, the commit": _ms(rule[3], commit[2]),
        "7 journal: asked and answered": _ms(commit[2], commit[3]),
        "    of it the transaction, fsync": _ms(written[2], written[3]),
        "8 connector: asked, until ccxt is called": _ms(commit[3], order[2]),
        "    of it before it is asked": _ms(commit[3], submit[2]),
        "9 ccxt create_order, exchange included": _ms(order[2], order[3]),
        "    of it the HTTP request": sum(_ms(s[2], s[3]) for s in http),
    }


def _tell(sent: Sequence[Sent], stamps: Sequence[Stamp], bare: Sequence[Stamp]) -> None:
    by_what: dict[str, list[Stamp]] = {}
    for stamp in sorted(stamps, key=lambda s: s[2]):
        by_what.setdefault(stamp[0], []).append(stamp)
    found = [hops for one in sent if (hops := _hops(one, by_what)) is not None]
    first = sent[0].put_ns
    orders = [_ms(s[2], s[3]) for s in bare if s[0] == "create_order" and s[2] >= first]
    http = [_ms(s[2], s[3]) for s in bare if s[0] == "http" and "order" in s[1] and s[2] >= first]
    print(f"{len(found)} of {len(sent)} signals became orders")
    for name in found[0]:
        times = [hops[name] for hops in found]
        limit = f"p50 <= {LIMIT_MS:.0f} ms" if name == "signal to acknowledgement" else ""
        row(name, f"p50 {median(times):6.2f}  p99 {percentile(times, 0.99):6.2f} ms", limit)
    row("bare ccxt create_order", f"p50 {median(orders):6.2f}  p99 {percentile(orders, 0.99):6.2f} ms")
    row("    of it the HTTP request", f"p50 {median(http):6.2f}  p99 {percentile(http, 0.99):6.2f} ms")
    empty = [_ms(s[2], s[3]) for s in bare if s[0] == "empty" and s[2] >= first]
    row("empty actor call", f"p50 {median(empty):6.2f}  p99 {percentile(empty, 0.99):6.2f} ms")
    whole = median(hops["signal to acknowledgement"] for hops in found)
    row("signal to acknowledgement / bare create_order", f"{whole / median(orders):.2f}")


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
