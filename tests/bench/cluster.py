"""A small Ray cluster and a desk's actors without a coordinator, for benchmarks."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

SYMBOLS = ("BTC/USDT", "ETH/USDT")


@contextmanager
def ray_cluster() -> Iterator[Any]:
    """Ray in this process's own session and temp dir."""
    os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    import ray

    with tempfile.TemporaryDirectory(prefix="fks", dir="/tmp") as temp:
        ray.init(
            num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="WARNING", namespace="bench",
            object_store_memory=100 * 1024**2, _temp_dir=temp,
        )  # fmt: skip
        try:
            yield ray
        finally:
            ray.shutdown()


def desk_ports(folder: Path, feed: str = "simulated") -> tuple[Any, Any]:
    """(the desk's ports over real actors, the council) with a SQLite journal in `folder`."""
    from fks_actors.actors import names
    from fks_actors.actors.council import Council
    from fks_actors.actors.handles import ConnectorHandle, JournalHandle, RiskHandle, SpecialistHandle
    from fks_actors.actors.spawn import spawn
    from fks_actors.actors.together import concurrently
    from fks_actors.actors.wiring import Wiring, actor_specs, paper_plan
    from fks_actors.agents.config import AgentsConfig
    from fks_actors.desk.config import PAPER
    from fks_actors.desk.ports import DeskPorts
    from fks_actors.model.records import RunRecord
    from fks_actors.settings import Settings

    settings = Settings()
    run = RunRecord("bench", 0, feed, True, SYMBOLS, 60_000, settings.desk.cash, "0")
    plans = (paper_plan(PAPER, run.symbols, settings),)
    urls = (f"sqlite:///{folder}/journal.db", f"sqlite:///{folder}/inbox.db")
    wiring = Wiring("bench", settings, run, *urls, plans, {PAPER: run.cash})
    specs = tuple(s for s in actor_specs(wiring) if s.name not in (names.COORDINATOR, names.FEED))
    spawn(tuple(replace(s) for s in specs), "bench")
    council = Council({a: SpecialistHandle(a, "bench") for a in AgentsConfig().minds}, settings.agents.debate, 30.0)
    journal = JournalHandle("bench")
    ports = DeskPorts(council, RiskHandle("bench"), {PAPER: ConnectorHandle(PAPER, "bench")}, journal, concurrently)
    return ports, council


async def simulated_batches(count: int) -> list[Any]:
    """Bars of the simulated market, two symbols a batch."""
    from fks_actors.adapters.feeds.config import FeedConfig
    from fks_actors.adapters.feeds.factory import open_feed

    feed = await open_feed(FeedConfig(spec="simulated", symbols=SYMBOLS, speed="max", history_bars=0))
    return await feed.next(-1, count, 1.0)
