"""A sweep over Ray workers: the bars go into the object store once, the sets in parts to tasks.

The workers need what the driver has installed, numba included. A task that is lost is run again by Ray: it is a pure
function of its job. The sums are those of one process, bit for bit, whatever came back first.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import ray

from fks_actors.backtest.sweep.ports import FIGURES, Floats, Job, Spread, Told
from fks_actors.errors import ClusterError

_PARTS_A_TASK = 4
_NO_BARS = np.empty((5, 0))


def over_cluster(tasks: int, timeout_s: float = 600.0, nice: int = 0) -> Spread:
    """Evaluate on the Ray cluster that this process is connected to.

    Args:
        tasks: how many at once, each one CPU.
        timeout_s: how long to wait for any one part before giving up.
        nice: the nice level of the processes that work.

    Returns:
        What `sweep` takes as `spread`. It raises ClusterError where a task fails or none ends in time; whatever ends
        it, an interrupt too, ends its tasks.
    """

    def spread(job: Job, told: Told) -> Floats:
        figures, done, total = np.empty((len(job.sets), FIGURES)), 0, len(job.sets)
        size = max(1, -(-total // (tasks * _PARTS_A_TASK)))
        bars = ray.put(job.prices)
        places = range(0, total, size)
        parts = zip(places, replace(job, prices=_NO_BARS).parts(size), strict=True)
        running: dict[Any, int] = {}
        try:
            _start(parts, bars, running, tasks, nice)
            while running:
                ready, _ = ray.wait(list(running), num_returns=1, timeout=timeout_s)
                if not ready:
                    raise ClusterError(f"no part of the sweep ended within {timeout_s:g} s; is the cluster busy?")
                found = _got(ready[0])
                at = running.pop(ready[0])
                figures[at : at + len(found)] = found
                done += len(found)
                told(done, total)
                _start(parts, bars, running, 1, nice)
        finally:
            for reference in running:
                ray.cancel(reference, force=True)
        return figures

    return spread


def part(job: Job, bars: Floats, nice: int = 0) -> Floats:
    """What a task does: the job over the bars from the object store."""
    if nice:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    from fks_actors.backtest.sweep.evaluate import evaluated  # numba is loaded where the work is

    return evaluated(replace(job, prices=bars), lambda done, total: None)


def _start(parts: Iterator[tuple[int, Job]], bars: Any, running: dict[Any, int], most: int, nice: int) -> None:
    run = ray.remote(num_cpus=1, max_retries=3)(part)
    for _ in range(most):
        following = next(parts, None)
        if following is None:
            return
        running[run.remote(following[1], bars, nice)] = following[0]


def _got(reference: Any) -> Floats:
    try:
        found: Floats = ray.get(reference, timeout=0)
    except ray.exceptions.RayError as error:
        raise ClusterError(f"a part of the sweep failed: {str(error).splitlines()[-1]}") from error
    return found
