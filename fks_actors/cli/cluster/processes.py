"""The processes of our cluster and of no other, and their end.

Ours is a process of the same user, not older than the head, that is the head, is in the head's session, carries our
FKS_CLUSTER_ID in its environment, or names our runtime folder in its command line. Ray renames workers and thereby
loses their environment; a killed worker leaves a haproxy without a parent; so no single sign finds them all.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from fks_actors.cli.cluster.handle import ClusterHandle, forget_handle, read_handle
from fks_actors.errors import ClusterError

MARK = "FKS_CLUSTER_ID"
_CLOCK_SLACK_S = 2.0
_KILL_WAIT_S = 2.0


@dataclass(frozen=True, slots=True)
class StopReport:
    """What was ended: names of processes that went when asked, of those that were killed, and how long it took."""

    ended: tuple[str, ...] = ()
    killed: tuple[str, ...] = ()
    took_s: float = 0.0


def cluster_processes(run: Path) -> list[psutil.Process]:
    """The processes of the cluster that was started from this FKS_HOME/run; none where it was joined."""
    handle = read_handle(run)
    return find_processes(handle) if handle and handle.owned else []


def head_alive(handle: ClusterHandle) -> bool:
    """Whether the recorded head process itself still runs."""
    return _head(handle) is not None


def find_processes(handle: ClusterHandle) -> list[psutil.Process]:
    """Every living process of this cluster."""
    if not handle.owned:
        return []
    session = handle.pid if _session_is_ours(handle) else 0
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in own and _is_ours(process, handle, session):
                found.append(process)
        except (psutil.Error, ProcessLookupError):
            continue
    return found


def stop_cluster(handle: ClusterHandle, run: Path | None = None, grace_s: float = 3.5) -> StopReport:
    """End an owned cluster: ask the head, wait `grace_s`, kill whatever of it is left; then forget its handle.

    Works after the head has crashed, too. A joined cluster is left alone.

    Raises:
        ClusterError: a process survived SIGKILL.
    """
    if not handle.owned:
        return StopReport()
    started = time.monotonic()
    before = _named(find_processes(handle))
    head = _head(handle)
    if head is not None:
        head.terminate()
        psutil.wait_procs([head], timeout=grace_s)
    killed: dict[int, str] = {}
    deadline = time.monotonic() + _KILL_WAIT_S
    while left := find_processes(handle):
        if time.monotonic() > deadline:
            raise ClusterError(f"still there after SIGKILL: {', '.join(_named(left).values())}")
        killed |= _named(left)
        for process in left:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(left, timeout=0.5)
    if run is not None:
        forget_handle(run)
    ended = tuple(name for pid, name in before.items() if pid not in killed)
    return StopReport(ended, tuple(killed.values()), time.monotonic() - started)


def _is_ours(process: psutil.Process, handle: ClusterHandle, session: int) -> bool:
    if process.uids().real != os.getuid() or process.create_time() < handle.created_s - _CLOCK_SLACK_S:
        return False
    if process.status() == psutil.STATUS_ZOMBIE:
        return False
    if session and os.getsid(process.pid) == session:
        return True
    if any(handle.runtime_dir + "/" in word for word in process.cmdline()):
        return True
    return process.environ().get(MARK) == handle.cluster_id


def _head(handle: ClusterHandle) -> psutil.Process | None:
    try:
        process = psutil.Process(handle.pid)
        same = abs(process.create_time() - handle.created_s) < _CLOCK_SLACK_S
    except psutil.Error:
        return None
    return process if same and process.status() != psutil.STATUS_ZOMBIE else None


def _session_is_ours(handle: ClusterHandle) -> bool:
    """A session's id is not given out again while a process is in it: ours, unless somebody else leads it now."""
    return _head(handle) is not None or not psutil.pid_exists(handle.pid) or _is_zombie(handle.pid)


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def _named(processes: list[psutil.Process]) -> dict[int, str]:
    names = {}
    for process in processes:
        try:
            line = process.cmdline()
            title = line[0] if line and line[0].startswith("ray::") else process.name()
        except psutil.Error:
            title = "?"
        names[process.pid] = f"{title} ({process.pid})"
    return names
