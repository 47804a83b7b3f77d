"""Start a Ray head for this FKS_HOME, or join the one that RAY_ADDRESS names.

The head listens on 127.0.0.2: Ray replaces 127.0.0.1 by the machine's outer address. GCS and raylet listen on every
interface nevertheless; without the token (0600, under FKS_HOME) they refuse.
"""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from fks_actors.cli.cluster.bytecode import keep_bytecode
from fks_actors.cli.cluster.handle import ClusterHandle, read_handle, write_handle
from fks_actors.cli.cluster.haproxy import haproxy_fault, install_launcher
from fks_actors.cli.cluster.paths import ClusterPaths, lay_out
from fks_actors.cli.cluster.ports import free_ports, replica_ports
from fks_actors.cli.cluster.processes import MARK, head_alive, stop_cluster
from fks_actors.cli.cluster.serve_env import ProxyPorts, haproxy_env, python_env
from fks_actors.errors import AlreadyRunning, ClusterError

NODE_IP = "127.0.0.2"
_MIB = 1024 * 1024
_POLL_S = 0.02
_TAIL_LINES = 25
# A Popen that is thrown away warns while its process runs; a head outlives the function that started it.
_started: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class HeadOptions:
    """How to start a head.

    Attributes:
        run: FKS_HOME/run.
        num_cpus: CPUs for tasks and jobs; the desk's actors ask for none.
        object_store_mb: bound of shared memory, MiB.
        proxy: "haproxy" falls back to "python" where HAProxy does not run.
        env: more environment for every process of the cluster.
    """

    run: Path
    num_cpus: int = 4
    object_store_mb: int = 200
    proxy: Literal["haproxy", "python"] = "haproxy"
    timeout_s: float = 60.0
    env: Mapping[str, str] | None = None


def start_head(options: HeadOptions) -> ClusterHandle:
    """Start a head in a session of its own, wait until it answers, write FKS_HOME/run/cluster.json.

    Also takes the cluster's environment over into this process and imports `ray` and `ray.serve` while the head starts:
    call it before anything imports `ray.serve`.

    Raises:
        AlreadyRunning: a head that was started here still runs.
        ClusterError: it did not answer in time or died; the text ends with the tail of its log.
    """
    held = read_handle(options.run)
    if held and held.owned and head_alive(held):
        raise AlreadyRunning(f"a cluster already runs here (process {held.pid}); end it with `fks down`")
    keep_bytecode()
    paths = ClusterPaths(options.run)
    lay_out(paths)
    proxy, serve_env = _serve_env(options, paths)
    gcs_port, dashboard_port, agent_port, metrics_port = free_ports(4)
    cluster_id = uuid.uuid4().hex
    arguments = {
        "node_ip": NODE_IP,
        "gcs_port": gcs_port,
        "num_cpus": options.num_cpus,
        "object_store_bytes": options.object_store_mb * _MIB,
        "temp_dir": str(paths.ray),
        "dashboard_port": dashboard_port,
        "agent_port": agent_port,
        "ready": str(paths.ready),
        "settled": str(paths.settled),
    }
    env = {
        **_inherited(),
        **ray_env(str(paths.token)),
        **serve_env,
        **(options.env or {}),
        **import_path(),
        "DASHBOARD_METRIC_PORT": str(metrics_port),
        MARK: cluster_id,
    }
    process = _launch(arguments, env, paths)
    handle = ClusterHandle(
        owned=True,
        address=f"{NODE_IP}:{gcs_port}",
        pid=process.pid,
        created_s=psutil.Process(process.pid).create_time(),
        cluster_id=cluster_id,
        runtime_dir=str(paths.runtime),
        dashboard_url=f"http://127.0.0.1:{dashboard_port}",
        token_path=str(paths.token),
        log_path=str(paths.log),
        proxy=proxy,
        started_ms=time.time_ns() // 1_000_000,
        serve_env=serve_env,
    )
    write_handle(paths.run, handle)
    _import_ray(handle)
    _await_ready(process, handle, paths, options.timeout_s)
    return handle


def release_dashboard(handle: ClusterHandle) -> None:
    """Let the dashboard start, now that the desk is up; without this call it starts 30 s after the head."""
    if handle.owned:
        (Path(handle.runtime_dir) / "settled").touch(mode=0o600)


def join(address: str, run: Path, serve_env: Mapping[str, str] | None = None) -> ClusterHandle:
    """The handle of somebody else's cluster, by the value of RAY_ADDRESS; nothing is started, nothing will be ended."""
    handle = ClusterHandle(
        owned=False,
        address=address,
        token_path=os.environ.get("RAY_AUTH_TOKEN_PATH", ""),
        started_ms=time.time_ns() // 1_000_000,
        serve_env=dict(serve_env or {}),
    )
    write_handle(run, handle)
    return handle


def driver_env(handle: ClusterHandle) -> dict[str, str]:
    """What a driver's environment must hold before it imports ray, ours and a child's alike."""
    if not handle.owned:
        return dict(handle.serve_env)
    return {**ray_env(handle.token_path), **handle.serve_env, "RAY_API_SERVER_ADDRESS": handle.dashboard_url}


def connect(handle: ClusterHandle, namespace: str, timeout_s: float = 20.0) -> None:
    """Make this process a driver of the cluster; a second call does nothing.

    Raises:
        ClusterError: the cluster did not let us in.
    """
    ray = _import_ray(handle)
    if ray.is_initialized():
        return
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            ray.init(address=handle.address, namespace=namespace, **_INIT)
        except Exception as error:
            if time.monotonic() > deadline or "auth" in type(error).__name__.lower():
                raise ClusterError(f"cannot join the cluster at {handle.address}: {error}") from error
            time.sleep(0.1)
        else:
            return


_INIT: dict[str, Any] = {"log_to_driver": False, "logging_level": "WARNING", "configure_logging": True}


def _serve_env(options: HeadOptions, paths: ClusterPaths) -> tuple[str, dict[str, str]]:
    if options.proxy == "haproxy" and not haproxy_fault():
        install_launcher(paths.launcher)
        stats, metrics, fallback = free_ports(3)
        return "haproxy", haproxy_env(paths, ProxyPorts(stats, metrics, fallback, replica_ports(str(paths.runtime))))
    return "python", python_env()


def ray_env(token_path: str) -> dict[str, str]:
    """What every process of a cluster whose token lies there is started with."""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": token_path,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
        # A driver waits until the workers started beforehand are up; the desk's actors ask for theirs at once.
        "RAY_prestart_worker_first_driver": "0",
        "RAY_worker_maximum_startup_concurrency": "6",  # else Ray warns of a desk with all its minds
        "RAY_worker_niceness": "0",  # Ray gives its workers 15: whatever else runs would starve the desk
    }


def _inherited() -> dict[str, str]:
    """Our environment without what would send the new cluster's processes to another one."""
    return {
        key: value for key, value in os.environ.items() if key not in ("RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_JOB_ID")
    }


def import_path() -> dict[str, str]:
    """A job's `python` is this one; workers find this package, too, where it runs from a checkout."""
    path = {"PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))}
    root = str(Path(__file__).parents[3])
    if "site-packages" in root or "dist-packages" in root:
        return path
    return {**path, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))}


def _launch(arguments: dict[str, Any], env: dict[str, str], paths: ClusterPaths) -> subprocess.Popen[bytes]:
    with os.fdopen(os.open(paths.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as log:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", head_process_file(), json.dumps(arguments)],
            env=env,
            cwd=paths.runtime,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _started[process.pid] = process
    return process


def head_process_file() -> str:
    """The script of the head process."""
    return str(Path(__file__).with_name("head_process.py"))


def _import_ray(handle: ClusterHandle) -> Any:
    keep_bytecode()
    os.environ.update(driver_env(handle))
    import ray
    import ray.serve

    return ray


def _await_ready(
    process: subprocess.Popen[bytes], handle: ClusterHandle, paths: ClusterPaths, timeout_s: float
) -> None:
    deadline = time.monotonic() + timeout_s
    while not paths.ready.exists():
        ended = process.poll()
        if ended is None and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            continue
        stop_cluster(handle, paths.run, grace_s=0.5)
        what = f"ended with {ended}" if ended is not None else f"did not answer within {timeout_s:g} s"
        raise ClusterError(f"the Ray head {what}; the last lines of {paths.log}:\n{_tail(paths.log)}")


def _tail(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-_TAIL_LINES:])
