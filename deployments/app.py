"""The Serve application. Only here the plain gateway becomes a Serve deployment: replicas, concurrency, logging.

`serve.run(build(args))`, or `import_path: deployments.app:build` in a Serve YAML with the same `args`.
"""

from typing import Any

from fastapi import FastAPI
from ray import serve
from ray.serve.schema import LoggingConfig

from deployments.gateway import make_app
from deployments.opening import edge_args, open_gateway

_MAX_ONGOING = 256
_CLOSING_S = 5.0


class Edge:
    """One replica: opens its own inbox and journal reader, and serves the app over them."""

    def __init__(self, args: dict[str, Any]) -> None:
        self._gateway = open_gateway(edge_args(args))

    def __serve_build_asgi_app__(self) -> FastAPI:
        return make_app(self._gateway)


def build(args: dict[str, Any]) -> serve.Application:
    """The Serve application; `args` are EdgeArgs.

    Raises:
        ConfigError: an argument is missing, unknown or out of range.
    """
    checked = edge_args(args)
    deployment = serve.deployment(
        serve.ingress()(Edge),
        name="gateway",
        num_replicas=checked.replicas,
        max_ongoing_requests=_MAX_ONGOING,
        ray_actor_options={"num_cpus": 0},
        graceful_shutdown_wait_loop_s=0.5,
        graceful_shutdown_timeout_s=_CLOSING_S,
        health_check_period_s=2.0,
        health_check_timeout_s=10.0,
        logging_config=LoggingConfig(enable_access_log=False, log_level="WARNING"),
    )
    return deployment.bind(checked.model_dump(mode="json"))
