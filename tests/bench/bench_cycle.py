"""Candle to journaled decision over the real actors: `python -m tests.bench cycle`.

Three specialists, debate, risk, paper venue and journal as actors, two symbols a batch, one batch at a time. Beside
it, in the same run: one empty actor call, and an empty fan-out to as many actors as a cycle asks at once.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from tests.bench.cluster import desk_ports, ray_cluster, simulated_batches
from tests.bench.figures import percentile, row

WARM = 450
MEASURED = 600
LIMITS_MS = (8.0, 30.0)


class Empty:
    """The control: an async actor that does nothing."""

    async def nothing(self, _: bytes) -> bytes:
        """Answer."""
        return b""


class Timed:
    """A port whose calls are timed."""

    def __init__(self, port: Any, spent: dict[str, list[float]]) -> None:
        self._port = port
        self._spent = spent

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._port, name)

        async def call(*args: Any) -> Any:
            start = time.perf_counter()
            try:
                return await method(*args)
            finally:
                self._spent.setdefault(name, []).append(1e3 * (time.perf_counter() - start))

        return call


async def _times(call: Callable[[], Awaitable[Any]], count: int) -> list[float]:
    times = []
    for _ in range(count):
        start = time.perf_counter()
        await call()
        times.append(1e3 * (time.perf_counter() - start))
    return times


def _line(name: str, times: list[float], base: float, limit: str = "") -> None:
    p50, p99 = median(times), percentile(times, 0.99)
    row(name, f"p50 {p50:6.2f}  p99 {p99:6.2f} ms, {p50 / base:.1f} empty calls", limit)


async def _measure(ray: Any, folder: Path) -> None:
    from fks_actors.desk.config import PAPER, DeskConfig
    from fks_actors.desk.desk import Desk
    from fks_actors.desk.ports import DeskPorts

    batches = await simulated_batches(WARM + MEASURED)
    ports, _ = desk_ports(folder)
    spent: dict[str, list[float]] = {}
    timed = (ports.minds, ports.risk, ports.venues[PAPER], ports.journal)
    minds, risk, venue, journal = (Timed(p, spent) for p in timed)
    desk = Desk(DeskPorts(minds, risk, {PAPER: venue}, journal, ports.together), DeskConfig())
    await desk.recover()
    empties = [ray.remote(Empty).options(num_cpus=0, max_concurrency=64).remote() for _ in range(4)]
    await asyncio.gather(*(e.nothing.remote(b"") for e in empties))
    for batch in batches[:WARM]:
        await desk.run_cycle(batch)
    spent.clear()
    one: list[float] = []
    fan: list[float] = []
    cycle: list[float] = []

    async def fan_out() -> None:
        await asyncio.gather(*(e.nothing.remote(b"") for e in empties))

    for number, batch in enumerate(batches[WARM:]):
        cycle += await _times(lambda b=batch: desk.run_cycle(b), 1)
        if number % 2 == 0:
            one += await _times(lambda: empties[0].nothing.remote(b""), 1)
            fan += await _times(fan_out, 1)
    base = median(one)
    limit = f"p50 <= {LIMITS_MS[0]:.0f} ms, p99 <= {LIMITS_MS[1]:.0f} ms"
    _line("empty actor call", one, base)
    _line("empty fan-out to 4 actors", fan, base)
    _line("candle to journaled decision", cycle, base, limit)
    for name, times in spent.items():
        _line(f"    of it {name} ({len(times)})", times, base)


def main() -> None:
    """Print the figures."""
    with ray_cluster() as ray, tempfile.TemporaryDirectory() as folder:
        uvloop.run(_measure(ray, Path(folder)))  # as in a Ray actor


if __name__ == "__main__":
    main()
