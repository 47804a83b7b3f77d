"""The webhook's 202 beside an empty FastAPI POST on the same Serve: `python -m tests.bench webhook`.

HAProxy mode, as many replicas each, signed alerts that are all distinct, a durable insert with full sync before each
202. Rounds alternate, so that both see the same machine; a figure is the median of its rounds, a percentile that of all
rounds' answers. Two controls: the empty POST as it is, and with the one option of Serve that alerts have. The desk is a
listener: nothing works on the signals meanwhile, but it is woken.
FKS_BENCH_REPLICAS, FKS_BENCH_ROUNDS and FKS_BENCH_URL (an inbox in PostgreSQL) change what is measured.
"""

import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.bench.figures import row
from tests.bench.load import Order, Tally, load_generator

REPLICAS = int(os.environ.get("FKS_BENCH_REPLICAS", "2"))
ROUNDS = int(os.environ.get("FKS_BENCH_ROUNDS", "5"))
CLOSED = ((1, 400), (10, 1_500), (50, 1_500))  # clients, requests a round
STEADY = (100.0, 1_000)  # requests a second, requests
SOAK = 20_000
LEAST_RATIO, MOST_P99_MS = 0.7, 25.0
UNWATCHED = "X-Request-Disconnect-Disabled: ?1"
"""What our HAProxy adds to alerts: Serve does not watch their senders for hanging up, and spares two tasks."""
PATHS = {
    "empty": ("/control/empty", ""),
    "empty, unwatched": ("/control/empty", UNWATCHED),
    "webhook": ("/webhook/tradingview", ""),
}

CONTROLS = ("empty", "empty, unwatched")


@contextmanager
def _edge(folder: Path, secret: str) -> Iterator[tuple[int, Path]]:
    """Serve with both applications; its port, and the cluster's run folder."""
    os.environ |= {"FKS_WEBHOOK_SECRET": secret, "FKS_API_TOKEN": secrets.token_hex(16)}
    from fks_actors.cli.cluster import HeadOptions, ServeOptions, begin_serve, connect, start_head, stop_cluster
    from fks_actors.cli.cluster.ports import free_ports
    from fks_actors.cli.cluster.serve_app import deploy, wait_http

    (port,) = free_ports(1)
    run = folder / "run"
    handle = start_head(HeadOptions(run, object_store_mb=100))
    try:
        connect(handle, "bench")
        serving = begin_serve(ServeOptions(port=port))
        _listeners()
        serving.deploy("deployments.app:build", _args(folder), name="bench")
        deploy("tests.bench.edge_parts:build", {"replicas": REPLICAS}, "empty", "/control")
        wait_http(f"http://127.0.0.1:{port}/api/v1/health")
        wait_http(f"http://127.0.0.1:{port}/control/docs")
        print(f"{handle.proxy} proxy, {REPLICAS} replicas, {os.cpu_count()} cores")
        yield port, run
    finally:
        import ray

        ray.shutdown()
        stop_cluster(handle, run)


def _listeners() -> None:
    from fks_actors.actors import names
    from fks_actors.actors.spawn import spawn
    from fks_actors.actors.wiring import ActorSpec

    path = "tests.bench.edge_parts:Listener"
    spawn((ActorSpec(names.COORDINATOR, path, ()), ActorSpec(names.TELEMETRY, path, ())), "bench")


def _args(folder: Path) -> dict[str, object]:
    from fks_actors.adapters.sql import SqlJournal

    journal = f"sqlite:///{folder}/journal.db"
    SqlJournal(journal, lambda: 0).close()
    return {
        "journal_url": journal,
        "inbox_url": os.environ.get("FKS_BENCH_URL", f"sqlite:///{folder}/inbox.db"),
        "namespace": "bench",
        "symbols": ["BTC/USDT", "ETH/USDT"],
        "webhook": {"rate_limit_per_minute": 1_000_000, "burst": 1_000_000},
        "replicas": REPLICAS,
    }


def _replica_mib(run: Path) -> list[float]:
    """Resident memory of each of the gateway's replicas."""
    from fks_actors.cli.cluster import cluster_processes

    found = []
    for process in sorted(cluster_processes(run), key=lambda p: p.pid):
        if "ServeReplica:bench:gateway" in " ".join(process.cmdline()):
            found.append(process.memory_info().rss / 2**20)
    return found


def _all_well(tally: Tally) -> Tally:
    odd = {status: count for status, count in tally.statuses.items() if status not in (200, 202)}
    if odd:
        print(f"  unexpected answers: {odd}")
    return tally


def _line(name: str, tallies: Sequence[Tally]) -> str:
    together = Tally(1.0, [t for tally in tallies for t in tally.times_ms], {})
    rate = median(t.per_second for t in tallies)
    p50, p99 = together.percentile(0.5), together.percentile(0.99)
    return f"  {name:18} {rate:7.0f}/s  p50 {p50:6.2f}  p99 {p99:6.2f} ms"


Send = Callable[[str, int, int, float], Tally]
"""(which application, requests, clients, a second or 0): what came back."""


def _sender(ask: Callable[[Order], Tally], port: int, secret: str) -> Send:
    def send(which: str, count: int, clients: int, rate: float) -> Tally:
        path, header = PATHS[which]
        return _all_well(ask(Order(port, path, secret, f"{which}-{time.time_ns()}", count, clients, rate, header)))

    return send


def _closed(send: Send, clients: int, count: int) -> None:
    rounds: dict[str, list[Tally]] = {which: [] for which in PATHS}
    for _ in range(ROUNDS):
        for which in PATHS:
            rounds[which].append(send(which, count, clients, 0.0))
    rates = {which: median(t.per_second for t in tallies) for which, tallies in rounds.items()}
    print(f"{clients} clients")
    for which in PATHS:
        print(_line(which, rounds[which]))
    shares = ", ".join(
        f"{rates['webhook'] / rate:.2f} of {which}" for which, rate in rates.items() if which in CONTROLS
    )
    row(f"webhook, {clients} clients", shares, f">= {LEAST_RATIO}")


def _steady(send: Send) -> None:
    rate, count = STEADY
    for which in PATHS:
        tally = send(which, count, 50, rate)
        measured = f"p50 {tally.percentile(0.5):.2f}  p99 {tally.percentile(0.99):.2f} ms"
        name = f"{which}, steady {rate:.0f}/s, from the instant due"
        row(name, measured, f"p99 <= {MOST_P99_MS:.0f} ms" if which == "webhook" else "")


def _soak(send: Send, run: Path) -> None:
    before = _replica_mib(run)
    send("webhook", SOAK, 10, 0.0)
    grown = ", ".join(f"{b:.1f} -> {a:.1f}" for b, a in zip(before, _replica_mib(run), strict=True))
    row(f"memory of the replicas over {SOAK} requests", f"{grown} MiB", "no growth")


def main() -> None:
    """Print the figures."""
    secret = secrets.token_hex(16)
    with (
        tempfile.TemporaryDirectory(prefix="fks") as folder,
        load_generator() as ask,
        _edge(Path(folder), secret) as (port, run),
    ):
        send = _sender(ask, port, secret)
        for which in PATHS:
            send(which, 2_000, 10, 0.0)
        for clients, count in CLOSED:
            _closed(send, clients, count)
        _steady(send)
        _soak(send, run)


if __name__ == "__main__":
    main()
