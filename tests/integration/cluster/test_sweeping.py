"""A sweep over Ray workers finds what it finds in one process."""

import os
import tempfile
from collections.abc import Iterator

import numpy as np
import pytest
import ray

from fks_actors.actors.sweeping import over_cluster
from fks_actors.backtest.sweep import Costs, sweep
from fks_actors.errors import ClusterError
from tests.unit.backtest.sweep.test_sweeping import walk

pytestmark = pytest.mark.ray
GRID = {"fast": range(2, 12), "slow": range(12, 20)}


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    with tempfile.TemporaryDirectory(prefix="fks", dir="/tmp") as temp:
        ray.init(
            num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=80_000_000, _temp_dir=temp
        )
        yield
        ray.shutdown()


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("tasks", [1, 2])
def test_sweep_when_it_runs_on_workers_then_it_finds_the_same(tasks: int) -> None:
    heard: list[tuple[int, int]] = []
    here = sweep(walk(2_000), "ema_cross", GRID, Costs(0.001))
    there = sweep(
        walk(2_000), "ema_cross", GRID, Costs(0.001), told=lambda *done: heard.append(done), spread=over_cluster(tasks)
    )
    assert np.array_equal(here.figures, there.figures)
    assert here.best == there.best
    assert len(heard) > tasks
    assert heard[-1] == (80, 80)


@pytest.mark.usefixtures("cluster")
def test_sweep_when_a_task_fails_then_it_says_so() -> None:
    def spoilt(job: object, told: object) -> object:
        from dataclasses import replace

        return over_cluster(1)(replace(job, rule="no such rule"), told)

    with pytest.raises(ClusterError, match="no such rule"):
        sweep(walk(200), "ema_cross", GRID, Costs(0.001), spread=spoilt)
