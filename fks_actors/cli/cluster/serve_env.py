"""The environment that Ray Serve's controller, proxies and replicas must be started with. Pure.

Names and meanings: ray 2.60, `serve/_private/constants.py`. They are read once, when `ray.serve` is imported: set them
for the head process (all others inherit) and in a driver before that import.
"""

from dataclasses import dataclass

from fks_actors.cli.cluster.haproxy_launcher import SOURCE
from fks_actors.cli.cluster.paths import ClusterPaths

# A dead proxy is noticed after three failed checks; by default they come 10 s apart. A proxy that starts on a busy
# machine takes more than the 5 s that it is given by default; it is then asked anew, and all wait for it.
_BOTH = {
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "30",
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
    "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "5",
    "RAY_SERVE_PROXY_MIN_DRAINING_PERIOD_S": "1",
}


@dataclass(frozen=True, slots=True)
class ProxyPorts:
    """Ports that HAProxy mode opens on loopback besides the HTTP port; `replicas` is a range, both ends included."""

    stats: int
    metrics: int
    fallback: int
    replicas: tuple[int, int]


def python_env() -> dict[str, str]:
    """Serve's own proxy, written in Python. uvicorn believes nobody's X-Forwarded-For: nothing of ours sends it."""
    return {**_BOTH, "RAY_SERVE_ENABLE_HA_PROXY": "0", "FORWARDED_ALLOW_IPS": "nobody"}


def haproxy_env(paths: ClusterPaths, ports: ProxyPorts) -> dict[str, str]:
    """HAProxy before the replicas, started through our launcher, everything of it in the private runtime folder."""
    return {
        **_BOTH,
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(paths.launcher),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(paths.haproxy / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(paths.haproxy / "a.sock"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(paths.haproxy / "m.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(paths.haproxy),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(paths.haproxy / "state"),
        "RAY_SERVE_HAPROXY_NBTHREAD": "1",
        "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",  # a log line a request, parsed in Python
        "RAY_SERVE_HAPROXY_STATS_PORT": str(ports.stats),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(ports.metrics),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(ports.fallback),
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(ports.replicas[0]),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(ports.replicas[1]),
        "RAY_SERVE_HAPROXY_HEALTH_CHECK_INTER": "1s",
        "RAY_SERVE_HAPROXY_HEALTH_CHECK_RISE": "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
        "FORWARDED_ALLOW_IPS": SOURCE,
    }
