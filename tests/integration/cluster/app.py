"""A tiny edge that tells what it sees of its caller."""

import os
from typing import Any

from fastapi import FastAPI, Request
from ray import serve

from fks_actors.webhook.peers import Peers

app = FastAPI()
DOOR = Peers.named(allowed=["127.0.0.9"], proxies=["127.0.0.2", "127.0.0.3"])


@app.get("/who")
async def who(request: Request) -> dict[str, Any]:
    """The peer as uvicorn has it, the forwarded chain, and this replica's process."""
    return {
        "client": request.client.host if request.client else "",
        "chain": ", ".join(request.headers.getlist("x-forwarded-for")),
        "pid": os.getpid(),
    }


@app.get("/door")
async def door(request: Request) -> dict[str, Any]:
    """The true peer behind 127.0.0.2 and 127.0.0.3, and whether it is 127.0.0.9, the only one that is allowed."""
    direct = request.client.host if request.client else ""
    caller = DOOR.caller(direct, ", ".join(request.headers.getlist("x-forwarded-for")))
    return {"peer": caller.peer, "admitted": DOOR.admits(caller)}


class Tiny:
    """The deployment."""


def build(_: dict[str, Any]) -> serve.Application:
    """Two replicas."""
    return (
        serve.deployment(serve.ingress(app)(Tiny), num_replicas=2, ray_actor_options={"num_cpus": 0})
        .options(health_check_period_s=2.0)
        .bind()
    )
