"""What the desk needs from the actors (live) or from plain objects (backtest, tests)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeVar

import msgspec

from fks_actors.desk.lineage import Step
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.debates import Debate
from fks_actors.model.markets import Quote
from fks_actors.model.orders import Approved, Order, VenueEvent
from fks_actors.model.records import AuditRecord, Commit, SignalRecord, Snapshot, SnapshotAt
from fks_actors.model.votes import Ballot, Verdict, Vote
from fks_actors.risk.messages import RiskReply, RiskRequest

A = TypeVar("A")
B = TypeVar("B")


class Deliberation(msgspec.Struct, frozen=True, gc=False):
    """What the minds said (advisory votes included) and what was made of it, for every symbol of a batch; `debates` by
    symbol, where models were asked."""

    ballots: tuple[Ballot, ...]
    verdicts: tuple[Verdict, ...]
    snapshots: tuple[Snapshot, ...] = ()
    debates: Mapping[str, Debate] = msgspec.field(default_factory=dict)


class Briefing(msgspec.Struct, frozen=True, gc=False):
    """What the minds are told with a batch.

    `previous_ms`: the last recorded bar of each symbol. `heard`: advisory votes, as of this batch. `weights`: what each
    mind's vote weighs, by agent; 1 where none is given. `stakes`: the most, in quote, that a verdict on a symbol moves.
    """

    previous_ms: Mapping[str, int]
    heard: tuple[Vote, ...] = ()
    weights: Mapping[str, float] = msgspec.field(default_factory=dict)
    stakes: Mapping[str, Decimal] = msgspec.field(default_factory=dict)


class VenueReply(msgspec.Struct, frozen=True, gc=False):
    """What happened at the venue.

    `snapshot` is what restores the connector: the whole venue on paper, its own notes (watermarks, baseline, cursors)
    where the venue is real. `adopted` are orders found at the venue that are not the desk's, as Origin.EXTERNAL; they
    come before their events. `quotes` are the best prices by symbol; `notes` go to the audit log.
    """

    events: tuple[VenueEvent, ...]
    snapshot: Snapshot | None = None
    adopted: tuple[Order, ...] = ()
    quotes: Mapping[str, Quote] = msgspec.field(default_factory=dict)
    notes: tuple[AuditRecord, ...] = ()


class Ruled(msgspec.Struct, frozen=True, gc=False):
    """Risk's reply and the state that goes with it into the commit."""

    reply: RiskReply
    snapshot: Snapshot


class Minds(Protocol):
    """The specialists and their debate. A mind that is late or fails is an Abstain in the reply, never an error."""

    async def deliberate(self, batch: BarBatch, briefing: Briefing) -> Deliberation:
        """Let every mind observe the batch and vote. Idempotent by bar time.

        A mind that has not seen the last recorded bar of a symbol, or has seen more, rebuilds.
        """
        ...

    async def learn(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> tuple[Snapshot, ...]:
        """Let every mind observe history without a vote."""
        ...


class RiskPort(Protocol):
    """Risk, idempotent by step."""

    async def rule(self, step: Step, request: RiskRequest) -> Ruled:
        """Take note of what happened and rule on what is proposed."""
        ...


class VenuePort(Protocol):
    """The connector of one venue, idempotent by step.

    A reply's events count as taken once a later step builds on it (`after`); until then a connector of a real venue
    tells them again. The desk drops what it has booked: a trade by its id, a status that changes nothing.
    """

    async def advance(self, step: Step, batch: BarBatch) -> VenueReply:
        """Closed bars: on paper match what rests; what happened since, elsewhere."""
        ...

    async def submit(self, step: Step, orders: Sequence[Approved], again: bool = False) -> VenueReply:
        """Enter approved orders. `again`: the venue may know them already, so each is looked up before it is sent.

        An outcome that is not known comes back as OrderUpdate UNKNOWN, and later as an event.

        Raises:
            Fenced: the step's lease does not hold; nothing was sent.
        """
        ...

    async def cancel(self, step: Step, client_order_ids: Sequence[str], ts_ms: int) -> VenueReply:
        """End orders that still work. One that never reached the venue answers CANCELLED; one whose state is unknown
        nothing yet: it is ended as soon as it is known."""
        ...

    async def collect(self, step: Step) -> VenueReply:
        """What happened at the venue since the last step (a paper venue: nothing)."""
        ...


class JournalPort(Protocol):
    """The journal actor: `fks_actors.journal.ports.Journal`, asynchronously."""

    async def commit(self, commits: Sequence[Commit]) -> str:
        """Append; durable when it returns."""
        ...

    async def head(self) -> str:
        """The last commit's id."""
        ...

    async def snapshot(self, owner: str) -> SnapshotAt:
        """The last snapshot of `owner`."""
        ...

    async def candles(self, symbol: str, before_ms: int | None, limit: int) -> list[Candle]:
        """The last bars before an instant, oldest first."""
        ...

    async def last_bar_ms(self, symbols: Sequence[str]) -> dict[str, int]:
        """Each symbol's last recorded bar."""
        ...

    async def open_orders(self) -> list[Order]:
        """Orders that have not ended."""
        ...

    async def signal(self, signal_id: str) -> SignalRecord | None:
        """What became of a signal."""
        ...

    async def order(self, client_order_id: str) -> Order | None:
        """One order in its present state."""
        ...

    async def trade_ids(self, client_order_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """(venue, trade id) of every fill that is booked for these orders."""
        ...


class Together(Protocol):
    """Runs two awaitables, concurrently where there is an event loop, one after the other in a backtest."""

    def __call__(self, first: Awaitable[A], second: Awaitable[B]) -> Awaitable[tuple[A, B]]:
        """Both results; the first error ends both."""
        ...


Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class DeskPorts:
    """Everything that the desk reaches. Without `snapshots` its commits carry none: where nothing ever restarts."""

    minds: Minds
    risk: RiskPort
    venues: Mapping[str, VenuePort]
    journal: JournalPort
    together: Together
    snapshots: bool = True
