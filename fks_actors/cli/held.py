"""Which cluster this FKS_HOME holds, also where the file that says so is damaged.

A handle names processes that `fks down` kills, so nothing is taken from it on trust: a runtime folder that is none of
ours would match the command lines of strangers.
"""

import re

from fks_actors.cli.cluster.handle import FILE, ClusterHandle, read_handle
from fks_actors.cli.cluster.paths import ClusterPaths
from fks_actors.cli.cluster.processes import find_processes, head_alive, stop_cluster
from fks_actors.errors import AlreadyRunning
from fks_actors.home import Home

_RUNTIME = re.compile(r"/tmp/fks-[0-9a-f]{10}")  # noqa: S108 (as paths.ClusterPaths makes them)
_MAX_PID = 2**31


def held_cluster(home: Home) -> ClusterHandle | None:
    """The cluster that was started or joined here; one found by its folder alone where the handle is damaged."""
    held = read_handle(home.run)
    if held is not None and _is_sound(held):
        return held
    if held is None and not (home.run / FILE).exists():
        return None
    return ClusterHandle(owned=True, address="", runtime_dir=str(ClusterPaths(home.run).runtime))


def refuse_second(home: Home) -> None:
    """Refuse to start beside a desk that runs in this home; end what a crashed one left behind.

    Raises:
        AlreadyRunning: it runs.
    """
    held = held_cluster(home)
    if held is None:
        return
    if not held.owned:
        if (home.run / "desk.json").exists():
            raise AlreadyRunning(f"a desk of {home.root} runs on the cluster at {held.address}; end it with `fks down`")
        return
    if head_alive(held):
        raise AlreadyRunning(
            f"a desk already runs in {home.root} (process {held.pid}); see `fks status`, or end it with `fks down`"
        )
    if not held.pid and find_processes(held):
        raise AlreadyRunning(f"{home.run / FILE} is damaged, and a desk of {home.root} runs; end it with `fks down`")
    stop_cluster(held, home.run)


def _is_sound(held: ClusterHandle) -> bool:
    texts = (held.address, held.cluster_id, held.runtime_dir, held.token_path)
    if not isinstance(held.owned, bool) or not all(isinstance(text, str) for text in texts):
        return False
    if not isinstance(held.pid, int) or not isinstance(held.created_s, int | float):
        return False
    return not held.owned or (0 < held.pid < _MAX_PID and _RUNTIME.fullmatch(held.runtime_dir) is not None)
