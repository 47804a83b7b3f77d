"""The one place that makes Ray actors of the plain classes: names, restarts, resources, concurrency.

An actor is detached (it outlives the command that made it) and comes back for ever after a crash. A method is never
repeated by Ray: the callers repeat what is idempotent (`remote.Remote`), and nothing else.
"""

import importlib
from typing import Any

import ray

from fks_actors.actors.wiring import ActorSpec

_OPTIONS: dict[str, Any] = {
    "num_cpus": 0,
    "max_restarts": -1,
    "max_task_retries": 0,
    "max_concurrency": 64,
    "lifetime": "detached",
    "get_if_exists": True,
}


class Hosted:
    """The Ray actor: imports the plain class where it runs, starts it, and passes the calls on."""

    async def __init__(self, path: str, arguments: tuple[Any, ...]) -> None:  # type: ignore[misc]
        module, _, name = path.partition(":")
        self._held = getattr(importlib.import_module(module), name)(*arguments)
        if start := getattr(self._held, "start", None):
            await start()

    async def call(self, method: str, *arguments: Any) -> Any:
        """Run a method of the held object."""
        return await getattr(self._held, method)(*arguments)


def spawn(specs: tuple[ActorSpec, ...], namespace: str) -> list[Any]:
    """Make every actor that is not there yet; return their handles, which may still be starting."""
    hosted = ray.remote(Hosted)
    return [
        hosted.options(name=spec.name, namespace=namespace, **_OPTIONS).remote(spec.path, spec.arguments)
        for spec in specs
    ]


def dismiss(names: tuple[str, ...], namespace: str) -> None:
    """End the named actors for good; used on a cluster that is not ours to stop."""
    for name in names:
        try:
            ray.kill(ray.get_actor(name, namespace=namespace), no_restart=True)
        except ValueError:
            continue
