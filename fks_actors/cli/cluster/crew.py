"""Who runs a search: this process, a Ray of its own that ends with the command, or a cluster that is there."""

import fcntl
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any

from fks_actors.backtest.search.go import Crew, hire_here
from fks_actors.cli.cluster.bytecode import keep_bytecode
from fks_actors.cli.cluster.handle import read_handle
from fks_actors.cli.cluster.paths import private_dir
from fks_actors.cli.cluster.ray_head import NODE_IP, driver_env, import_path, ray_env
from fks_actors.errors import ClusterError
from fks_actors.home import Home

_MIB = 1024 * 1024
_STORE_MB = 100
_FOLDER = "fks-s-"
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}


@contextmanager
def crew(home: Home, workers: int, address: str = "") -> Iterator[Crew]:
    """Whoever runs blocks.

    Args:
        workers: blocks under way at once; 0 without an address for this process alone.
        address: of a cluster, or `desk` for the one that `fks up` started here; empty for a Ray of its own.

    Raises:
        ClusterError: the cluster cannot be started or joined.
    """
    if not workers and not address:
        yield hire_here
        return
    # Ray tells of lost workers on standard output, where a script reads what was found.
    with redirect_stdout(sys.stderr), _joined(home, address) if address else _own(home, workers):
        import ray

        from fks_actors.actors.trials import ray_workers

        limit = workers or max(int(ray.cluster_resources().get("CPU", 1.0)), 1)
        yield lambda past: ray_workers(past, limit)


@contextmanager
def _own(home: Home, workers: int) -> Iterator[None]:
    """A Ray on loopback that only this process knows, with a token of its own; nothing of it stays.

    Where this process is killed, Ray's reaper ends the head at once, and two of its agents leave after a minute.
    """
    keep_bytecode()
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER))  # short: sockets lie in it
    private_dir(folder)
    token = folder / "token"
    held = os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    os.write(held, secrets.token_hex(32).encode())
    for stale in ("RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_JOB_ID"):
        os.environ.pop(stale, None)
    os.environ.update(ray_env(str(token)) | import_path())
    import ray

    try:
        try:
            ray.init(
                address="local",
                num_cpus=workers,
                include_dashboard=False,
                object_store_memory=_STORE_MB * _MIB,
                _node_ip_address=NODE_IP,
                _temp_dir=str(folder / "r"),
                namespace=home.namespace,
                **_QUIET,
            )
        except Exception as error:
            raise ClusterError(f"Ray could not be started: {error}; --workers 0 needs none") from error
        yield
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _sweep() -> None:
    """Remove the folders of commands that were killed: nobody holds their token any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        with suppress(OSError):
            left = os.open(folder / "token", os.O_RDONLY)
            try:
                fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(left)


@contextmanager
def _joined(home: Home, address: str) -> Iterator[None]:
    """A cluster that is there; nothing is ended but what was begun on it."""
    handle = read_handle(home.run)
    keep_bytecode()
    if handle is not None and address in ("desk", handle.address):
        address = handle.address
        os.environ.update(driver_env(handle))
    elif address == "desk":
        raise ClusterError("no desk runs here; start one with `fks up`, or give --address HOST:PORT")
    import ray

    try:
        ray.init(address=address, namespace=home.namespace, **_QUIET)
    except Exception as error:
        raise ClusterError(f"cannot join the cluster at {address}: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()
