"""Start Ray Serve on the connected cluster, deploy an application, wait for its first answers."""

import http.client
import importlib
import logging
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from fks_actors.cli.cluster.ports import port_owner
from fks_actors.errors import ClusterError, PortTaken

_POLL_S = 0.05
_ANSWER_S = 2.0
# HAProxy may drop a connection right after its start or a reload.
_STREAK = 3
_CONTROLLER = "SERVE_CONTROLLER_ACTOR"


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Where the edge answers. A request that takes longer than `request_timeout_s` is ended with 408."""

    host: str = "127.0.0.1"
    port: int = 8000
    request_timeout_s: float | None = None


class Serving:
    """Serve on its way up: its controller is ordered, its proxies come while the caller goes on and deploys."""

    def __init__(self, options: ServeOptions) -> None:
        self._started: Future[None] = Future()
        # A daemon: whoever gives up on Serve must be able to leave.
        Thread(target=self._run, args=(options,), name="serve-start", daemon=True).start()

    def deploy(
        self, import_path: str, args: Mapping[str, Any] | None = None, name: str = "fks", route_prefix: str = "/"
    ) -> None:
        """Deploy `module:attribute`, an application or a function from `args` to one; wait for replicas and proxies.

        Raises:
            ClusterError: it does not come up; the text says why.
        """
        self._await_controller()
        deploy(import_path, args, name, route_prefix)
        self.wait()

    def wait(self) -> None:
        """Wait until the proxies are up.

        Raises:
            ClusterError: they do not come up; the text says why.
        """
        try:
            self._started.result()
        except (RuntimeError, TimeoutError) as error:
            raise ClusterError(f"Serve cannot be started: {error}") from error

    def _run(self, options: ServeOptions) -> None:
        try:
            _start(options)
        except BaseException as error:  # noqa: BLE001 (handed to whoever waits)
            self._started.set_exception(error)
        else:
            self._started.set_result(None)

    def _await_controller(self) -> None:
        """A deployment that comes before the controller would start another, with other options."""
        while not self._started.done() and not _has_controller():
            time.sleep(_POLL_S)


def begin_serve(options: ServeOptions) -> Serving:
    """Order the controller and one proxy, on the head node, and go on.

    Raises:
        PortTaken: somebody else listens on the port.
    """
    owner = port_owner(options.host, options.port)
    if owner is not None:
        raise PortTaken(options.port, owner)
    return Serving(options)


def start_serve(options: ServeOptions) -> None:
    """`begin_serve`, and wait.

    Raises:
        PortTaken: somebody else listens on the port.
        ClusterError: it does not come up; the text says why.
    """
    begin_serve(options).wait()


def _start(options: ServeOptions) -> None:
    from ray import serve

    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    serve.start(
        proxy_location="HeadOnly",
        http_options={
            "host": options.host,
            "port": options.port,
            "request_timeout_s": options.request_timeout_s,
        },
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
    )


def _has_controller() -> bool:
    import ray

    try:
        ray.get_actor(_CONTROLLER, namespace="serve")
    except ValueError:
        return False
    return True


def deploy(import_path: str, args: Mapping[str, Any] | None = None, name: str = "fks", route_prefix: str = "/") -> None:
    """Deploy on a Serve that runs: `module:attribute`, an application or a function from `args` to one.

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
