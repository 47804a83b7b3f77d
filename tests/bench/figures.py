"""How a benchmark says what it found: percentiles, and a table line `what | measured | limit` for each figure."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil


def percentile(times: Sequence[float], share: float) -> float:
    """Nearest rank; NaN of nothing."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def row(what: str, measured: str, limit: str = "") -> None:
    """Print a table line."""
    print(f"{what:58} | {measured:44} | {limit}")


@dataclass
class Load:
    """How busy the machine was: the share of all cores, in percent, and the load average of the last minute."""

    busy_pct: float = 0.0
    average: tuple[float, float, float] = field(default_factory=psutil.getloadavg)

    def __str__(self) -> str:
        before, after = self.average[0], psutil.getloadavg()[0]
        return f"{psutil.cpu_count()} cores {self.busy_pct:.0f} % busy, load average {before:.1f} -> {after:.1f}"


@contextmanager
def machine_load() -> Iterator[Load]:
    """The load while the block runs, what it does itself included."""
    load = Load()
    psutil.cpu_percent()
    yield load
    load.busy_pct = psutil.cpu_percent()
