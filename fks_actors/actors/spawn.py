"""The one place that makes Ray actors of the plain classes: names, restarts, resources, concurrency.

An actor is detached (it outlives the command that made it) and comes back for ever after a crash. A method is never
repeated by Ray: the callers repeat what is idempotent (`remote.Remote`), and nothing else.
"""

import importlib
from typing import Any

import ray

from fks_actors.actors.remote import pack, unpack
from fks_actors.actors.wiring import ActorSpec

_OPTIONS: dict[str, Any] = {
    "num_cpus": 0,
    "max_restarts": -1,
    "max_task_retries": 0,
    "max_concurrency": 64,
    "lifetime": "detached",
    "get_if_exists": True,
    "enable_task_events": False,
}


class Hosted:
    """The Ray actor: imports the plain class where it runs, starts it, and passes the calls on."""

    async def __init__(self, path: str, arguments: tuple[Any, ...]) -> None:  # type: ignore[misc]
        module, _, name = path.partition(":")
        self._held = getattr(importlib.import_module(module), name)(*arguments)
        if start := getattr(self._held, "start", None):
            await start()

    async def call(self, method: str, packed: bytes) -> bytes:
        """Run a method of the held object on packed arguments; its packed answer."""
        return pack(await getattr(self._held, method)(*unpack(packed)))


def spawn(specs: tuple[ActorSpec, ...], namespace: str) -> list[Any]:
    """Make every actor that is not there yet; return their handles, which may still be starting."""
    return [spawn_one(spec, namespace) for spec in specs]


def spawn_one(spec: ActorSpec, namespace: str, **more: Any) -> Any:
    """Make an actor that is not there yet; `more` are Ray's options beside those that every actor has."""
    options = {"name": spec.name, "namespace": namespace, **_OPTIONS, **more}
    return ray.remote(_named(spec)).options(**options).remote(spec.path, spec.arguments)


def _named(spec: ActorSpec) -> type[Hosted]:
    """Hosted under the plain class's name, so that Ray's dashboard and the process list tell who is who."""
    return type(spec.path.partition(":")[2], (Hosted,), {})


def dismiss(namespace: str) -> int:
    """End every actor of the namespace for good, on a cluster that is not ours to stop; return how many."""
    ours = [a["name"] for a in ray.util.list_named_actors(all_namespaces=True) if a["namespace"] == namespace]
    for name in ours:
        ray.kill(ray.get_actor(name, namespace=namespace), no_restart=True)
    return len(ours)
