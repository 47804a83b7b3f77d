"""What every actor answers about itself: that it lives, since when, where, and its metrics."""

import os
import time
from dataclasses import dataclass

import ray

from fks_actors.telemetry import Sample, Telemetry


@dataclass(frozen=True, slots=True)
class Report:
    """One actor's word. `source` changes with every process that takes the name."""

    name: str
    source: str
    pid: int
    node: str
    started_ms: int
    state: str
    samples: list[Sample]


class Presence:
    """Base of the actors: a name, the process's metrics, and `report`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._started_ms = time.time_ns() // 1_000_000
        self.telemetry = Telemetry(f"{name}-{os.getpid()}-{self._started_ms}")

    async def report(self) -> Report:
        """Present state and metrics."""
        node = ray.util.get_node_ip_address() if ray.is_initialized() else ""
        return Report(
            self.name,
            self.telemetry.source,
            os.getpid(),
            node,
            self._started_ms,
            self.activity(),
            self.telemetry.snapshot(),
        )

    def activity(self) -> str:
        """A few words on what the actor does now, for people."""
        return "ready"
