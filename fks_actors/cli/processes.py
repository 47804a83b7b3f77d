"""The cluster's processes on this machine and the memory that they take."""

from collections import Counter
from typing import Any

import psutil

from fks_actors.home import Home

_MIB = 1024 * 1024


def cluster_memory(home: Home) -> dict[str, Any]:
    """Proportional set size of every process of this desk's cluster, in MiB, whole and by role.

    Shared pages are counted once over all that share them. A cluster that was joined, not started, counts as nothing.
    """
    from fks_actors.cli.cluster import cluster_processes

    by_role: Counter[str] = Counter()
    count = 0
    for process in cluster_processes(home.run):
        try:
            pss = process.memory_full_info().pss / _MIB
            role = _role(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        by_role[role] += pss  # type: ignore[assignment]
        count += 1
    roles = {name: round(float(mib), 1) for name, mib in by_role.most_common()}
    return {"pss_mib": round(sum(roles.values()), 1), "processes": count, "by_role": roles}


def _role(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    for mark, role in _ROLES:
        if mark in line:
            return role
    return "ray, other"


_ROLES = (
    ("haproxy", "haproxy"),
    ("ServeReplica", "http replicas"),
    ("ServeController", "serve control"),
    ("Proxy", "serve control"),
    ("ray::IDLE", "idle workers"),
    ("ray::", "actors"),
    ("gcs_server", "ray control"),
    ("raylet", "ray control"),
    ("dashboard", "ray dashboard"),
)
