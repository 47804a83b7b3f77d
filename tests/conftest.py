"""One Ray cluster a test session, made when the first test asks for it."""

import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """A small local cluster with its own temp dir; no dashboard, no port outside loopback that is needed."""
    os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    import ray

    temp = tempfile.mkdtemp(prefix="fkst", dir="/tmp")
    ray.init(
        num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="ERROR", namespace="tests",
        object_store_memory=100 * 1024**2, _temp_dir=temp,
    )  # fmt: skip
    yield
    ray.shutdown()
    shutil.rmtree(temp, ignore_errors=True)
