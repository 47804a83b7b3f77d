"""What backtests cost: `python -m tests.bench backtest`, or `python -m tests.bench.bench_backtest BARS`.

Every figure of a run comes from a process of its own.

event       EMA(20)/EMA(50) through the desk, risk and the paper venue, all equity, 0.1 % fee, the next bar's open
council     the default minds that need nothing but bars; and the three specialists with ASMBTR
sweep       the crossover by compiled kernels, a set's bars counted once each; then over Ray workers
start       `fks backtest` to its first bar

The bars are `peers.walk`: all 500,000 make 5,011 round trips and end at 58,787,860.48.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.cluster import ray_cluster
from tests.bench.figures import machine_load, row
from tests.bench.peers.measured import CASH, FEE
from tests.bench.peers.walk import COUNT, written

_GRID = {"fast": range(5, 45, 2), "slow": range(50, 150, 5)}
_LIMITS = {"event": 200_000, "four": 50_000, "council": 50_000, "sweep": 5_000_000}
_NAMES = {
    "event": "event-driven EMA cross",
    "four": "three specialists and ASMBTR",
    "council": "default council, forecasts too",
    "sweep": "sweep of 100 sets, one process",
}


def ran(kind: str, recording: Path) -> dict[str, float]:
    """One run in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.peers.ours", kind, str(recording)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(found.stdout.splitlines()[-1])
    return told


def runs(recording: Path) -> None:
    for kind, name in _NAMES.items():
        told = ran(kind, recording)
        rate, cpu = told["bars"] / told["seconds"], told["bars"] / told["cpu"]
        row(name, f"{rate:,.0f} bars/s, {cpu:,.0f} a CPU second", f">= {_LIMITS[kind]:,} bars/s")
        row(f"  {name}: memory", f"{told['mib']:.0f} MiB", "<= 300 MiB" if kind == "event" else "")
        row(f"  {name}: round trips, end", f"{told['trips']:,}, {told['final']:,.2f}")
    told = ran("start", recording)
    row("fks backtest to its first bar", f"{told['seconds']:.2f} s, {told['cpu']:.2f} s CPU", "<= 1.5 s")


def workers(recording: Path) -> None:
    """The same sets at 1, 2 and 4 tasks; the workers are warmed up, so that none compiles against the clock."""
    from fks_actors.actors.sweeping import over_cluster
    from fks_actors.adapters.feeds.files import read
    from fks_actors.backtest.sweep import Costs, sweep

    columns = read(str(recording)).columns
    with ray_cluster():
        sweep(columns, "ema_cross", {"fast": range(5, 21), "slow": [50]}, Costs(FEE), CASH, spread=over_cluster(4))
        first = 0.0
        for tasks in (1, 2, 4):
            begin = time.perf_counter()
            found = sweep(columns, "ema_cross", _GRID, Costs(FEE), CASH, spread=over_cluster(tasks))
            rate = found.tried * found.bars / (time.perf_counter() - begin)
            first = first or rate
            row(f"sweep of {found.tried} sets over Ray, {tasks} tasks", f"{rate:,.0f} bars/s, {rate / first:.2f} times")


def main() -> None:
    count = int(sys.argv[-1]) if sys.argv[-1].isdigit() else COUNT
    with tempfile.TemporaryDirectory(prefix="fks-bench") as folder, machine_load() as load:
        _, recording = written(Path(folder), count)
        runs(recording)
        workers(recording)
    row("the machine", str(load))


if __name__ == "__main__":
    main()
