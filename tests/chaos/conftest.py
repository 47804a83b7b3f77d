"""One Ray cluster for the tests of this folder."""

import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package")
def ray_session() -> Iterator[None]:
    """A small local cluster with its own temp dir, without a dashboard; the environment is put back afterwards."""
    before = dict(os.environ)
    os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    import ray

    temp = tempfile.mkdtemp(prefix="fkst", dir="/tmp")
    ray.init(
        num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="ERROR", namespace="tests",
        object_store_memory=100 * 1024**2, _temp_dir=temp,
    )  # fmt: skip
    yield
    ray.shutdown()
    os.environ.clear()
    os.environ.update(before)
    shutil.rmtree(temp, ignore_errors=True)
