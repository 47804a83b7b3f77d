"""Where the ladder keeps what must outlive a process, and whom it tells what it did."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from fks_actors.llm.budget import Reservation
from fks_actors.llm.cache import Remembered
from fks_actors.llm.quota import Usage
from fks_actors.model.debates import CallOutcome, Tier


class Books(Protocol):
    """Durable: reservations, quotas, answers. A process killed at any time loses none that was booked."""

    async def begin(self, reservation: Reservation | None, provider: str, usage: Usage) -> None:
        """Book a request before it is sent; on the disk when this returns.

        Raises:
            JournalError: it could not be written: send nothing that costs.
        """
        ...

    def settle(self, reservation: Reservation) -> None:
        """Write `paid` down soon, without a wait; until then, and where that fails, the worst case counts."""
        ...

    def remember(self, answer: Remembered, ts_ms: int) -> None:
        """Write an answer down soon, without a wait."""
        ...

    async def recall(self, key: str) -> Remembered | None:
        """An answer that was given before.

        Raises:
            JournalError: it could not be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Requested:
    """One request to a provider, sent or not, and how it ended."""

    agent: str
    provider: str
    tier: Tier
    outcome: CallOutcome
    sent: bool
    seconds: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: Decimal = Decimal(0)


class Watch(Protocol):
    """Whoever counts."""

    def requested(self, request: Requested) -> None:
        """A request ended."""
        ...

    def hit(self, provider: str) -> None:
        """An answer came from the cache."""
        ...

    def invalid(self, code: str) -> None:
        """An answer was rejected."""
        ...
