"""What stands beside the edge in its benchmark: an empty FastAPI deployment, and a desk that only listens."""

from typing import Any

from fastapi import FastAPI
from ray import serve
from ray.serve.schema import LoggingConfig

from fks_actors.telemetry import Sample

app = FastAPI()


@app.post("/empty")
async def empty() -> dict[str, str]:
    """Nothing."""
    return {"status": "accepted"}


class Empty:
    """The control's deployment."""


def build(args: dict[str, Any]) -> serve.Application:
    """The control, with the settings of `deployments.app`."""
    return serve.deployment(
        serve.ingress(app)(Empty),
        name="empty",
        num_replicas=args["replicas"],
        max_ongoing_requests=256,
        ray_actor_options={"num_cpus": 0},
        health_check_period_s=2.0,
        health_check_timeout_s=10.0,
        logging_config=LoggingConfig(enable_access_log=False, log_level="WARNING"),
    ).bind()


class Listener:
    """In the place of coordinator and telemetry: takes what the edge tells them."""

    async def wake(self) -> None:
        """Told of a signal."""

    async def push(self, source: str, samples: list[Sample]) -> None:
        """Told of figures."""
