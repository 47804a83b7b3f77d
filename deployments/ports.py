"""What the edge needs from the desk and the inbox; `actors.handles.DeskHandle` and `adapters.sql.SqlInbox` have it."""

from collections.abc import Sequence
from typing import Any, Protocol

from fks_actors.desk.state import Change
from fks_actors.model.orders import Order
from fks_actors.model.records import AuditRecord, Signal
from fks_actors.telemetry import Sample


class AsyncInbox(Protocol):
    """Where a replica stores an alert before it answers."""

    @property
    def is_heard(self) -> bool:
        """Whether the desk heard of the last alert that was stored here, so that it need not be woken."""
        ...

    async def put_async(self, signal: Signal) -> str:
        """Store durably unless the dedupe key is known; return the stored signal's id. See `journal.ports.Inbox`.

        Raises:
            JournalUnavailable: nothing was stored.
        """
        ...


class Desk(Protocol):
    """The running desk. Every method but `wake` has a deadline of its own and raises ActorUnavailable past it."""

    async def wake(self) -> None:
        """Say that a signal lies in the inbox; its loss costs time, not the signal."""
        ...

    async def wait_signal(self, signal_id: str, timeout_s: float) -> dict[str, Any] | None:
        """Anything once the desk has dealt with the signal (the journal tells its outcome), None at the time-out."""
        ...

    async def decide(self, symbol: str) -> dict[str, Any]:
        """`symbol`, `close_ms`, `ballots` (Ballot values), `verdict` (Verdict) and `debate` (Debate or None) on the
        last bar; nothing is traded.

        Raises:
            DataError: no bar of that symbol yet.
        """
        ...

    async def control(self, control_id: str, state: str, reason: str) -> dict[str, Any]:
        """Change the trading state; `state` and `reason` as they are now. Idempotent by `control_id`."""
        ...

    async def cancel(self, request_id: str, client_order_ids: Sequence[str]) -> list[Order]:
        """End working orders, all where none is named; those that worked, as they stood."""
        ...

    async def replace(self, request_id: str, client_order_id: str, change: Change) -> Order | None:
        """Change a working order; as it stood, None where none works under that id."""
        ...

    async def audit(self, records: Sequence[AuditRecord]) -> None:
        """Write down who was refused; durable when it returns. What a failed call brought may be written as well."""
        ...

    async def status(self) -> dict[str, Any]:
        """`run_id`, `ready`, `trading`, `feed` (FeedInfo and `ended`), `symbols`, `clock_ms`, `last_bar_ms`, `cycles`,
        `open_orders`, `trouble`."""
        ...

    async def agents(self) -> list[dict[str, Any]]:
        """Every actor: `name`, `up`, `state` (a few words), `restarts`, `pid`, `node`, `started_ms`."""
        ...

    async def shadows(self) -> dict[str, Any]:
        """The paper portfolios beside the desk: `clock_ms`, `behind`, `trouble`, `items`, `tests` as ShadowsShape."""
        ...

    async def metrics(self) -> str:
        """Prometheus text of the whole cluster."""
        ...

    async def push(self, source: str, samples: list[Sample]) -> None:
        """Hand in this process's samples (`telemetry.Gathering.push`); may be lost."""
        ...


class Jobs(Protocol):
    """Backtests, optimisations and sweeps; `actors.jobs.handle.JobsHandle` has it. A job is told as JobShape.

    Every method has a deadline of its own and raises ActorUnavailable past it.
    """

    async def submit(self, content: bytes) -> dict[str, Any]:
        """Take a job, a JSON text of `backtest.jobs.spec.JobSpec`.

        Raises:
            JobRefused: it may not run.
        """
        ...

    async def jobs(self, cursor: str, limit: int) -> tuple[list[dict[str, Any]], str]:
        """A page, the newest first, and the next cursor, empty on the last."""
        ...

    async def job(self, job_id: str) -> dict[str, Any] | None:
        """One job; None where there is none."""
        ...

    async def cancel(self, job_id: str) -> dict[str, Any] | None:
        """End it; None where there is none."""
        ...

    async def file(self, job_id: str, name: str) -> bytes | None:
        """Its `report` or `result`; None where there is none."""
        ...

    async def logs(self, job_id: str, most: int) -> tuple[str, int] | None:
        """The end of its log, `most` bytes, and how many it has; None where there is no such job."""
        ...
