"""What every peer's script shares: reading the bars, and telling what a run took. Standard library and numpy only.

A script is run as `SCRIPT BARS.npy`, by the Python of the peer's own environment. What is timed is the run itself with
the indicators that it needs: not imports, not reading or converting the bars.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

FAST, SLOW = 20, 50
CASH = 1e12
FEE = 0.001


def bars() -> np.ndarray:
    """timestamp (ms), open, high, low, close, volume in rows: shape (6, bars)."""
    return np.load(sys.argv[1])


def timed(run: Callable[[], tuple[int, float]], count: int) -> None:
    """Run once and print what it took: `run` returns (closed round trips, equity at the end)."""
    begin, spent = time.perf_counter(), time.process_time()
    trips, final = run()
    tell(count, time.perf_counter() - begin, time.process_time() - spent, trips, final)


def tell(count: int, seconds: float, cpu: float, trips: int, final: float) -> None:
    """Print a result as the last line; `cpu` is processor time, of all threads."""
    told = {
        "bars": count,
        "seconds": seconds,
        "cpu": cpu,
        "trips": int(trips),
        "final": float(final),
        "mib": peak_mib(),
    }
    print("\n" + json.dumps(told))


def peak_mib() -> float:
    """The most memory that this program had resident; `ru_maxrss` would tell the parent's where that was more."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
