"""A typed client of the jobs' actor. The actor is made when somebody first asks for it: most desks have no jobs."""

from typing import Any, cast

import ray

from fks_actors.actors import names
from fks_actors.actors.jobs.told import JobsTold
from fks_actors.actors.remote import Remote
from fks_actors.actors.spawn import spawn_one
from fks_actors.actors.wiring import ActorSpec

_TIMEOUT_S = 30.0
_SUBMIT_S = 60.0
_HEAD = {"node:__internal_head__": 0.001}
"""Where FKS_HOME is, and where Ray starts the processes of jobs."""


class JobsHandle(Remote):
    """The jobs of a desk (deployments.ports.Jobs)."""

    def __init__(self, told: JobsTold) -> None:
        super().__init__(names.JOBS, told.namespace)
        self._told = told

    async def submit(self, content: bytes) -> dict[str, Any]:
        """Take a job; see `keeper.JobsActor.submit`."""
        return cast(dict[str, Any], await self.call("submit", content, timeout_s=_SUBMIT_S, again=False))

    async def jobs(self, cursor: str, limit: int) -> tuple[list[dict[str, Any]], str]:
        """A page, the newest first, and the next cursor."""
        return cast(tuple[list[dict[str, Any]], str], await self.call("jobs", cursor, limit, timeout_s=_TIMEOUT_S))

    async def job(self, job_id: str) -> dict[str, Any] | None:
        """One job."""
        return cast(dict[str, Any] | None, await self.call("job", job_id, timeout_s=_TIMEOUT_S))

    async def cancel(self, job_id: str) -> dict[str, Any] | None:
        """End a job; idempotent."""
        return cast(dict[str, Any] | None, await self.call("cancel", job_id, timeout_s=_TIMEOUT_S))

    async def file(self, job_id: str, name: str) -> bytes | None:
        """Its report or result."""
        return cast(bytes | None, await self.call("file", job_id, name, timeout_s=_TIMEOUT_S))

    async def logs(self, job_id: str, most: int) -> tuple[str, int] | None:
        """The end of its log."""
        return cast(tuple[str, int] | None, await self.call("logs", job_id, most, timeout_s=_TIMEOUT_S))

    def _found(self) -> Any:
        if self._actor is None:
            self._actor = keep_jobs(self._told)
        return self._actor


def keep_jobs(told: JobsTold) -> Any:
    """The actor, made where it is not there yet; it goes on with the jobs that wait or run."""
    try:
        return ray.get_actor(names.JOBS, namespace=told.namespace)
    except ValueError:
        spec = ActorSpec(names.JOBS, "fks_actors.actors.jobs.keeper:JobsActor", (told,))
        return spawn_one(spec, told.namespace, resources=_HEAD)
