"""The local cluster under a desk: start it, deploy on it, end it and leave nothing.

`fks up`: `start_head` (or `join` where RAY_ADDRESS is set), `connect`, `begin_serve`, actors, `Serving.deploy`,
`wait_http`, `release_dashboard`.
`fks down`: `stop_cluster(read_handle(run))`. Any later command or driver: `connect(read_handle(run))`.
"""

from fks_actors.cli.cluster.handle import ClusterHandle, read_handle, write_handle
from fks_actors.cli.cluster.haproxy import haproxy_fault
from fks_actors.cli.cluster.ports import port_owner
from fks_actors.cli.cluster.processes import StopReport, cluster_processes, stop_cluster
from fks_actors.cli.cluster.ray_head import HeadOptions, connect, driver_env, join, release_dashboard, start_head
from fks_actors.cli.cluster.serve_app import ServeOptions, Serving, begin_serve, deploy, start_serve, wait_http

__all__ = [
    "ClusterHandle",
    "HeadOptions",
    "ServeOptions",
    "Serving",
    "StopReport",
    "begin_serve",
    "cluster_processes",
    "connect",
    "deploy",
    "driver_env",
    "haproxy_fault",
    "join",
    "port_owner",
    "read_handle",
    "release_dashboard",
    "start_head",
    "start_serve",
    "stop_cluster",
    "wait_http",
    "write_handle",
]
