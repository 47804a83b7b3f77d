"""A tiny edge that tells what it sees of its caller."""

import os
from typing import Any

from fastapi import FastAPI, Request
from ray import serve

app = FastAPI()


@app.get("/who")
async def who(request: Request) -> dict[str, Any]:
    """The peer as uvicorn has it, the forwarded chain, and this replica's process."""
    return {
        "client": request.client.host if request.client else "",
        "chain": ", ".join(request.headers.getlist("x-forwarded-for")),
        "pid": os.getpid(),
    }


class Tiny:
    """The deployment."""


def build(_: dict[str, Any]) -> serve.Application:
    """Two replicas."""
    return (
        serve.deployment(serve.ingress(app)(Tiny), num_replicas=2, ray_actor_options={"num_cpus": 0})
        .options(health_check_period_s=2.0)
        .bind()
    )
