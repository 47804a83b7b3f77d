"""What is written down about the cluster that runs, so that another process can join or end exactly that one."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILE = "cluster.json"


@dataclass(frozen=True, slots=True)
class ClusterHandle:
    """One cluster.

    Attributes:
        owned: started by us; only then may we end it.
        address: host:port of the GCS, for `ray.init`.
        pid: the head process, and the id of the session that all its processes share; 0 where not owned.
        created_s: when the kernel started that process (seconds since the epoch): pid and this name it for good.
        cluster_id: stands as FKS_CLUSTER_ID in the environment of every process of the cluster.
        runtime_dir: short private folder with Ray's and HAProxy's sockets, logs and configs.
        dashboard_url: where jobs are submitted; answers a few seconds later than the rest.
        proxy: "haproxy" or "python".
        serve_env: what the processes were started with, and a driver needs too before it imports `ray.serve`.
    """

    owned: bool
    address: str
    pid: int = 0
    created_s: float = 0.0
    cluster_id: str = ""
    runtime_dir: str = ""
    dashboard_url: str = ""
    token_path: str = ""
    log_path: str = ""
    proxy: str = "python"
    started_ms: int = 0
    serve_env: Mapping[str, str] = field(default_factory=dict)


def write_handle(run: Path, handle: ClusterHandle) -> None:
    """Write the handle as FKS_HOME/run/cluster.json, 0600, whole or not at all."""
    partial = run / f"{FILE}.{os.getpid()}"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(handle), file, indent=1)
    partial.replace(run / FILE)


def read_handle(run: Path) -> ClusterHandle | None:
    """The handle of the cluster that was started or joined here, or None."""
    try:
        return ClusterHandle(**json.loads((run / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def forget_handle(run: Path) -> None:
    """Remove the handle."""
    (run / FILE).unlink(missing_ok=True)
