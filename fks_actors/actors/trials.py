"""The blocks of a search as Ray tasks. The bars lie once in the object store; a task reads them there, uncopied.

A task is a pure function: one whose worker or node is lost is run again, by Ray first and then from here. What it
returns is written down by the driver alone.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from fks_actors.backtest.past import Past
from fks_actors.backtest.search.drive import Told
from fks_actors.backtest.search.facts import facts
from fks_actors.backtest.search.go import read_search, search
from fks_actors.backtest.search.record import SearchSpec
from fks_actors.backtest.search.trial import Outcome, Refused, Task, run_task
from fks_actors.errors import ClusterError, InvariantError

_RETRIES = 3
_AGAIN = 5
_WAIT_S = 0.5
_SILENT_S = 60.0


class RayWorkers:
    """Runs blocks on the cluster that this process is a driver of (drive.Workers).

    Args:
        past: the recording.
        limit: blocks under way at once; each takes one CPU.
        nice: the nice level of the processes that run them.
    """

    def __init__(self, past: Past, limit: int, nice: int = 0) -> None:
        self.limit = limit
        self._past = ray.put(past)
        self._nice = nice
        self._run = ray.remote(num_cpus=1, max_retries=_RETRIES)(run_nicely)
        self._tasks: dict[Any, Task] = {}
        self._lost: Counter[tuple[int, int]] = Counter()

    def submit(self, task: Task) -> None:
        """Begin a block as soon as a CPU is free."""
        self._tasks[self._run.remote(self._past, task, self._nice)] = task

    def next(self) -> tuple[Task, Outcome | Refused]:
        """The next block that is done.

        Raises:
            ClusterError: a block was lost again and again, or the cluster is gone.
        """
        while True:
            done = self._done()
            task = self._tasks.pop(done)
            try:
                return task, ray.get(done)
            except RayTaskError as error:
                return task, Refused(f"{type(error.cause).__name__}: {error.cause}")
            except RayError as error:
                self._again(task, error)

    def cancel(self) -> None:
        """Give up what is under way, and let go of the bars."""
        tasks, self._tasks = self._tasks, {}
        if not ray.is_initialized():
            return
        for ref in tasks:
            ray.cancel(ref, force=True)

    def _done(self) -> Any:
        if not self._tasks:
            raise InvariantError("no block is under way")
        while True:
            done, _ = ray.wait(list(self._tasks), num_returns=1, timeout=_WAIT_S)
            if done:
                return done[0]

    def _again(self, task: Task, error: RayError) -> None:
        key = task.number, task.block
        self._lost[key] += 1
        if self._lost[key] > _AGAIN:
            raise ClusterError(
                f"block {task.block} of trial {task.number} was lost {self._lost[key]} times, at last by "
                f"{type(error).__name__}; see to the cluster's memory and nodes, then go on with --resume"
            ) from error
        self.submit(task)


def run_nicely(past: Past, task: Task, nice: int) -> Outcome | Refused:
    """A block in this worker, at a nice level; Ray's workers serve one job only, so it is nobody else's."""
    if nice:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    return run_task(past, task)


@contextmanager
def ray_workers(past: Past, limit: int, nice: int = 0) -> Iterator[RayWorkers]:
    """The cluster's workers for one recording (go.Crew, once its `limit` is bound).

    Raises:
        ClusterError: the cluster has no CPU for tasks, or does not answer.
    """
    deadline = time.monotonic() + _SILENT_S
    while ray.cluster_resources().get("CPU", 0.0) < 1.0:
        if time.monotonic() > deadline:
            raise ClusterError("the cluster has no CPU for tasks; start it with --num-cpus, or use --workers 0")
        time.sleep(_WAIT_S)
    workers = RayWorkers(past, limit, nice)
    try:
        yield workers
    finally:
        workers.cancel()


async def search_on_cluster(
    spec: SearchSpec,
    home: Path,
    limit: int,
    resume: bool = False,
    told: Callable[[Told], None] = lambda _: None,
) -> dict[str, Any]:
    """A whole search, driven from this process, which is a driver of the cluster already (as a Ray job is).

    Returns what `fks optimize --json` prints.

    Args:
        spec: what to search; its files must be readable here, and only here.
        home: FKS_HOME, whose `studies` keep it.
        limit: blocks under way at once.

    Raises:
        ConfigError, DataError, AlreadyRunning, JournalUnavailable, ClusterError: as `go.search` and `RayWorkers`.
    """
    past, planned, settings = await read_search(spec)
    found = search(
        home, spec, past, planned, settings, resume=resume, hire=lambda bars: ray_workers(bars, limit), told=told
    )
    return facts(spec, past, planned, found)
