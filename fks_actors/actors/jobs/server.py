"""Ray's job server, which the dashboard's process is: it starts, watches and ends processes on the head node."""

import asyncio
from typing import Any, Protocol

from fks_actors.errors import ClusterError

_ANSWER_S = 20.0


class JobServer(Protocol):
    """Who runs the processes of jobs. A name is used for one process only, ever."""

    async def submit(self, name: str, command: str) -> None:
        """Start a process, unless one of this name was started before.

        Raises:
            ClusterError: nobody answers; whether it was started is not known, and asking again does no harm.
        """
        ...

    async def alive(self, name: str) -> bool:
        """Whether the process runs, or is about to.

        Raises:
            ClusterError: nobody answers.
        """
        ...

    async def stop(self, name: str) -> None:
        """Ask the process to end (SIGTERM), and end it after three seconds; one that is not there is no matter.

        Raises:
            ClusterError: nobody answers.
        """
        ...


class RayJobServer:
    """The job server of the cluster that this process is connected to (JobServer)."""

    def __init__(self) -> None:
        self._client: Any = None

    async def submit(self, name: str, command: str) -> None:
        """Start a process, unless one of this name was started before."""
        if await self._status(name) is None:
            await self._ask(lambda client: client.submit_job(entrypoint=command, submission_id=name))

    async def alive(self, name: str) -> bool:
        """Whether the process runs, or is about to."""
        status = await self._status(name)
        return status is not None and not status.is_terminal()

    async def stop(self, name: str) -> None:
        """Ask the process to end."""
        if await self._status(name) is not None:
            await self._ask(lambda client: client.stop_job(name))

    async def _status(self, name: str) -> Any:
        try:
            return await self._ask(lambda client: client.get_job_status(name))
        except ClusterError as error:
            if "404" in str(error) or "does not exist" in str(error):
                return None
            raise

    async def _ask(self, question: Any) -> Any:
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await asyncio.to_thread(lambda: question(self._opened()))
        except TimeoutError:
            raise ClusterError(f"Ray's job server did not answer within {_ANSWER_S:g} s") from None
        except Exception as error:
            self._client = None
            raise ClusterError(f"Ray's job server: {str(error)[:300] or type(error).__name__}") from error

    def _opened(self) -> Any:
        if self._client is None:
            import ray
            from ray.dashboard.utils import ray_address_to_api_server_url
            from ray.job_submission import JobSubmissionClient

            address = ray.get_runtime_context().gcs_address
            self._client = JobSubmissionClient(ray_address_to_api_server_url(address))
        return self._client
