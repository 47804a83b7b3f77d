"""The process that holds a Ray head: GCS and raylet live and die with it, the dashboard comes up behind them.

What `ray start --head --block --no-monitor` does, in half the time: the dashboard, ten processes that take 8 s of CPU,
waits until the desk is up (file `settled`, or half a minute) and starts at low priority; no autoscaler, no Ray client
server; and only the death of GCS or raylet is the cluster's.
Run as a script with a JSON object of options; reports by writing the file `ready`. Imports nothing of this project.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ray._private.node import Node
from ray._private.parameter import RayParams
from ray._private.utils import write_ray_address

_VITAL = {"gcs_server", "raylet"}
_POLL_S = 0.5
_DASHBOARD_NICE = 19
_DASHBOARD_AFTER_S = 30.0


class Head(Node):  # type: ignore[misc]
    """A Ray head whose dashboard starts when told to."""

    def start_api_server(self, *, include_dashboard: bool | None, raise_on_failure: bool) -> None:
        """Not now: `start_dashboard`."""

    def start_dashboard(self, settled: Path) -> None:
        """Start the dashboard and keep this thread: it must outlive the dashboard, which ends with its starter."""
        deadline = time.monotonic() + _DASHBOARD_AFTER_S
        while not settled.exists() and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        os.setpriority(os.PRIO_PROCESS, 0, _DASHBOARD_NICE)  # Linux: this thread and what it starts
        super().start_api_server(include_dashboard=True, raise_on_failure=False)
        threading.Event().wait()


def main(options: dict[str, Any]) -> None:
    """Start the head, report, and stay until GCS or raylet die or SIGTERM comes (Node's own handler ends all)."""
    head = Head(
        RayParams(
            node_ip_address=options["node_ip"],
            gcs_server_port=options["gcs_port"],
            num_cpus=options["num_cpus"],
            object_store_memory=options["object_store_bytes"],
            temp_dir=options["temp_dir"],
            dashboard_host="127.0.0.1",
            dashboard_port=options["dashboard_port"],
            dashboard_agent_listen_port=options["agent_port"],
            include_dashboard=True,
            include_log_monitor=False,
            no_monitor=True,
        ),
        head=True,
        shutdown_at_exit=True,
        spawn_reaper=True,
    )
    # Without it a job's driver joins any GCS that it finds on this machine.
    write_ray_address(head.gcs_address, options["temp_dir"])
    partial = Path(options["ready"] + ".partial")
    partial.write_text(json.dumps({"address": head.gcs_address, "session": head.get_session_dir_path()}))
    partial.replace(options["ready"])
    threading.Thread(target=head.start_dashboard, args=(Path(options["settled"]),), daemon=True).start()
    while True:
        time.sleep(_POLL_S)
        dead = {kind for kind, _ in head.dead_processes()} & _VITAL
        if dead:
            sys.stderr.write(f"fks: {', '.join(sorted(dead))} died; ending the cluster\n")
            head.kill_all_processes(check_alive=False, allow_graceful=False)
            os._exit(1)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
