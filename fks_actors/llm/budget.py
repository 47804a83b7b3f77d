"""What an agent may spend on language models in a day (UTC), in USD. Fails closed.

The worst case is reserved before a request and settled to its cost after it. Whose outcome nobody knows (cut off, late,
the process killed) stays reserved for good: it counts as spent. A request that cost more than its worst case shows that
the worst case is none: the agent buys nothing more that day. What is reserved and spent therefore never passes the
limit but by such an overrun.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal

from fks_actors.errors import InvariantError
from fks_actors.llm.config import ProviderConfig
from fks_actors.llm.ports import Prompt
from fks_actors.llm.schema_text import schema_text

DAY_MS = 86_400_000
_MILLION = Decimal(1_000_000)
_GRAIN = Decimal("0.000000001")
_FRAME_TOKENS = 256
"""What a server's chat template may add around the messages."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A worst case that is held back. `paid` is what it came to, None while that is not known."""

    id: str
    agent: str
    day: int
    provider: str
    usd: Decimal
    paid: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OverBudget:
    """A request that an agent cannot afford. `left` is what it could still spend today."""

    agent: str
    asked: Decimal
    left: Decimal


def most_tokens(prompt: Prompt) -> tuple[int, int]:
    """(in, out) that a request cannot exceed: a token stands for a byte at least."""
    text = sum(len(part.encode(errors="replace")) for part in (prompt.system, prompt.user, schema_text(prompt.schema)))
    return text + _FRAME_TOKENS, prompt.max_tokens


def likely_tokens(prompt: Prompt) -> int:
    """About what a request uses, its answer included: three bytes a token."""
    most, out = most_tokens(prompt)
    return most // 3 + out


def price(config: ProviderConfig, tokens_in: int, tokens_out: int) -> Decimal:
    """What so many tokens cost, in USD, rounded up to a billionth."""
    total = tokens_in * config.usd_per_million_in + tokens_out * config.usd_per_million_out
    return (total / _MILLION).quantize(_GRAIN, ROUND_UP)


@dataclass
class _Account:
    held: Decimal = Decimal(0)
    frozen: bool = False


@dataclass
class Ledger:
    """What every agent has reserved and spent today.

    Args:
        limit: USD for an agent and day.
        entries: what was booked before; those of other days are passed over as days go by.
    """

    limit: Decimal
    entries: Iterable[Reservation] = ()
    _day: int = field(default=0, init=False)
    _accounts: dict[str, _Account] = field(default_factory=dict, init=False)
    _open: dict[str, Reservation] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for entry in sorted(self.entries, key=lambda e: e.day):
            account = self._at(entry.agent, entry.day)
            account.held += entry.usd if entry.paid is None else entry.paid
            account.frozen |= entry.paid is not None and entry.paid > entry.usd
        self.entries = ()

    def reserve(self, new_id: str, agent: str, provider: str, usd: Decimal, now_ms: int) -> Reservation | OverBudget:
        """Hold `usd` back, or say that the agent cannot afford it."""
        if usd < 0 or new_id in self._open:
            raise InvariantError(f"a reservation of {usd} USD, or one made twice: {new_id}")
        account = self._at(agent, now_ms // DAY_MS)
        left = self.left(agent, now_ms)
        if account.frozen or usd > left:
            return OverBudget(agent, usd, left)
        reservation = Reservation(new_id, agent, self._day, provider, usd)
        account.held += usd
        self._open[new_id] = reservation
        return reservation

    def settle(self, reservation: Reservation, usd: Decimal) -> bool:
        """Put the cost in place of the worst case; False where it is more: the agent buys nothing more today."""
        self._closed(reservation)
        if reservation.day == self._day:
            account = self._accounts[reservation.agent]
            account.held += usd - reservation.usd
            account.frozen |= usd > reservation.usd
        return usd <= reservation.usd

    def keep(self, reservation: Reservation) -> None:
        """Nobody knows what became of the request: its worst case counts as spent."""
        self._closed(reservation)

    def left(self, agent: str, now_ms: int) -> Decimal:
        """What an agent may still spend today."""
        account = self._at(agent, now_ms // DAY_MS)
        return Decimal(0) if account.frozen else max(Decimal(0), self.limit - account.held)

    def spent(self, agent: str, now_ms: int) -> Decimal:
        """What an agent has spent or reserved today."""
        return self._at(agent, now_ms // DAY_MS).held

    def agents(self) -> tuple[str, ...]:
        """Who has asked today, by name."""
        return tuple(sorted(self._accounts))

    def _closed(self, reservation: Reservation) -> None:
        if self._open.pop(reservation.id, None) is None:
            raise InvariantError(f"{reservation.id} was settled before, or never reserved")

    def _at(self, agent: str, day: int) -> _Account:
        if day > self._day:
            self._day = day
            self._accounts.clear()
        return self._accounts.setdefault(agent, _Account())
