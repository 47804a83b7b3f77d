"""Start Ray Serve on the connected cluster, deploy an application, wait for its first answers."""

import http.client
import importlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fks_actors.cli.cluster.ports import port_owner
from fks_actors.errors import ClusterError, PortTaken

_POLL_S = 0.05
_ANSWER_S = 2.0
# HAProxy may drop a connection right after its start or a reload.
_STREAK = 3


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Where the edge answers. A request that takes longer than `request_timeout_s` is ended with 408."""

    host: str = "127.0.0.1"
    port: int = 8000
    request_timeout_s: float | None = None


def start_serve(options: ServeOptions) -> None:
    """Start the controller and one proxy, on the head node.

    Raises:
        PortTaken: somebody else listens on the port.
    """
    from ray import serve

    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    owner = port_owner(options.host, options.port)
    if owner is not None:
        raise PortTaken(options.port, owner)
    serve.start(
        proxy_location="HeadOnly",
        http_options={
            "host": options.host,
            "port": options.port,
            "request_timeout_s": options.request_timeout_s,
        },
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
    )


def deploy(import_path: str, args: Mapping[str, Any] | None = None, name: str = "fks", route_prefix: str = "/") -> None:
    """Deploy `module:attribute`, an application or a function from `args` to one, and wait until its replicas run.

    Raises:
        ClusterError: it does not come up; the text says why.
    """
    from ray import serve

    module, _, attribute = import_path.partition(":")
    target = getattr(importlib.import_module(module), attribute)
    application = target if isinstance(target, serve.Application) else target(dict(args or {}))
    try:
        serve.run(application, name=name, route_prefix=route_prefix)
    except RuntimeError as error:
        raise ClusterError(f"{import_path} cannot be deployed: {error}") from error


def wait_http(url: str, timeout_s: float = 30.0) -> None:
    """Wait until `url` answers 200, several times in a row.

    Raises:
        ClusterError: it did not within `timeout_s`; the text holds the last answer.
    """
    deadline = time.monotonic() + timeout_s
    streak = 0
    said = "nothing"
    while streak < _STREAK:
        if time.monotonic() > deadline:
            raise ClusterError(f"{url} does not answer 200 after {timeout_s:g} s; the last answer: {said}")
        said = _ask(url)
        streak = streak + 1 if said == "200" else 0
        if not streak:
            time.sleep(_POLL_S)


def _ask(url: str) -> str:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_ANSWER_S)
    try:
        connection.request("GET", parts.path or "/")
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
