"""What is written down. A commit is one step of the desk: all of it is kept, or none.

The journal is a chain of commits: each names the one it builds on (`after`). An actor's state is the fold of the chain
up to a commit, so an actor that was restarted rebuilds exactly what it had, and one that is ahead of the chain (it
answered, then the coordinator died) answers the same request again with the same reply.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from fks_actors.model.candles import BarBatch
from fks_actors.model.debates import Debate
from fks_actors.model.markets import MarketRules, Quote
from fks_actors.model.orders import Charge, Fill, Order, OrderType, Origin, Refusal, Side
from fks_actors.model.votes import Ballot, Verdict


class TradingState(StrEnum):
    """What the desk may do: everything, only what lowers exposure, or nothing."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class CycleOutcome(StrEnum):
    """How one symbol's cycle ended."""

    ORDERED = "ordered"
    DENIED = "denied"
    HOLD = "hold"
    NO_QUORUM = "no_quorum"
    NO_CHANGE = "no_change"
    PAUSED = "paused"


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What a live desk saw beside the bar when it decided: its wall clock (None in a replay), and each venue's best
    prices of the symbol. Of one decision, so that it can be made again."""

    now_ms: int | None = None
    quotes: tuple[tuple[str, Quote], ...] = ()


class CycleRecord(msgspec.Struct, frozen=True, gc=False):
    """One symbol, one bar: what was said, what came of it. Recorded for no-trade and denied cycles too.

    `decision_id` = `<symbol>@<bar open ms>`. `client_order_id` is empty where no order was intended;
    `flags` are what was odd about the bar (`market.quality.Flag`). `debate` is what models said, where they were asked;
    `seen` what else was looked at, where there was more than the bar.
    """

    decision_id: str
    symbol: str
    ts_ms: int
    close_ms: int
    price: Decimal
    ballots: tuple[Ballot, ...]
    verdict: Verdict
    outcome: CycleOutcome
    client_order_id: str = ""
    refusals: tuple[Refusal, ...] = ()
    flags: tuple[str, ...] = ()
    note: str = ""
    debate: Debate | None = None
    seen: Seen | None = None


class Signal(msgspec.Struct, frozen=True, gc=False):
    """A checked webhook alert. Exactly one of `quantity` (base) and `sizing` is given.

    `sent_ms` is the sender's timestamp (None where it gave none), `received_ms` ours. `stop_loss`, `take_profit`
    (quote) and `trail_pct` beside an entry are its protective legs; `display_quantity`, `duration_s` and `slices`
    belong to iceberg and TWAP orders. With `oco` the order is a pair of exits: the STOP_LOSS (its trigger stands in
    `price` as well) and a TAKE_PROFIT at `take_profit`, of which one cancels the other. An `advisory` signal is heard
    as a vote by the next debate of its symbol, and orders nothing by itself.
    """

    signal_id: str
    dedupe_key: str
    received_ms: int
    symbol: str
    side: Side
    order_type: OrderType
    quantity: Decimal | None = None
    sizing: str = ""
    price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    trail_pct: Decimal | None = None
    confidence: Decimal = Decimal(1)
    exchange: str = ""
    strategy: str = ""
    sent_ms: int | None = None
    display_quantity: Decimal | None = None
    duration_s: int = 0
    slices: int = 0
    advisory: bool = False
    oco: bool = False


class SignalStatus(StrEnum):
    """How a signal ended, or where it stands."""

    ACCEPTED = "accepted"
    FILLED = "filled"
    OPEN = "open"
    DENIED = "denied"
    REJECTED = "rejected"
    IGNORED = "ignored"


class SignalRecord(msgspec.Struct, frozen=True, gc=False):
    """What the desk made of a signal; written with the order's intent, and again when its state changes."""

    signal_id: str
    ts_ms: int
    status: SignalStatus
    signal: Signal
    client_order_ids: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()


class EquityPoint(msgspec.Struct, frozen=True, gc=False):
    """The account at one instant, in quote. `drawdown` 0..1 from the highest equity so far."""

    ts_ms: int
    equity: Decimal
    cash: Decimal
    exposure: Decimal
    realised: Decimal
    fees: Decimal
    drawdown: Decimal
    state: TradingState


class ControlRecord(msgspec.Struct, frozen=True, gc=False):
    """A change of the trading state: by an operator, or by a limit (`by` names which)."""

    ts_ms: int
    state: TradingState
    by: str
    reason: str


class RunAccount(msgspec.Struct, frozen=True, gc=False):
    """One venue of a run, as `desk.config.VenuePlan` has it: what its account started with in a fresh journal (quote),
    and the rules of its markets as they were then."""

    venue: str
    exchange: str
    real: bool
    cash: Decimal
    claims: tuple[str, ...]
    markets: tuple[MarketRules, ...]


class RunRecord(msgspec.Struct, frozen=True, gc=False):
    """A start of the desk: where its bars come from. `simulated` is shown wherever its results are.

    `feed_start_ms` and `seed` make a simulated market again; 0 for other feeds. `settings` (JSON) are those that
    decisions depend on, without secrets, `settings_digest` their SHA-256; both empty where they were not written down.
    """

    run_id: str
    ts_ms: int
    feed: str
    simulated: bool
    symbols: tuple[str, ...]
    interval_ms: int
    cash: Decimal
    version: str
    feed_start_ms: int = 0
    seed: int = 0
    note: str = ""
    venues: tuple[str, ...] = ()
    settings: str = ""
    settings_digest: str = ""
    accounts: tuple[RunAccount, ...] = ()


class AuditRecord(msgspec.Struct, frozen=True, gc=False):
    """Something that a person may have to answer for: who (`actor`: a peer, an operator, a part) did what (`kind`).

    Kinds are short words such as `unauthorized`, `forbidden`, `rate_limited`, `lease_taken`, `venue_difference`.
    `detail` never holds a secret; `count` tells of how many alike this one record is made.
    """

    ts_ms: int
    kind: str
    actor: str
    detail: str = ""
    count: int = 1


Entry = (
    BarBatch
    | CycleRecord
    | SignalRecord
    | Order
    | Fill
    | Charge
    | EquityPoint
    | ControlRecord
    | RunRecord
    | AuditRecord
)


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """An actor's state as of the commit that carries it; the journal keeps the last one of each `owner`."""

    owner: str
    payload: bytes


class Commit(msgspec.Struct, frozen=True, gc=False):
    """One atomic step. `commit_id` is a pure function of what it records, so that a repeated commit is recognised."""

    commit_id: str
    after: str
    entries: tuple[Entry, ...]
    snapshots: tuple[Snapshot, ...] = ()


class SnapshotAt(msgspec.Struct, frozen=True, gc=False):
    """A snapshot and the commit that wrote it; `commit_id` and payload are empty where none was written."""

    owner: str
    commit_id: str
    payload: bytes


class Proposal(msgspec.Struct, frozen=True, gc=False):
    """What asks risk for an order: a debate's verdict (`quantity` None: risk sizes it) or a signal's own figures.

    `strength` 0..1 scales the sizing; `limit_price` goes with LIMIT and ICEBERG, `stop_price` with STOP_LOSS and
    TAKE_PROFIT, the rest as in OrderIntent. `protect_price` is where an entry's protective stop will lie (sizing `risk`
    divides by the distance to it), `target_price` where its profit is to be taken; `volatility` is a standard deviation
    of the symbol's returns a day, as a fraction (sizing `volatility`), 0 where it is not known. `alternatives` are
    other venues, in order, for when this one cannot. `target` is the share of equity, 0..1, that is to be held.
    """

    client_order_id: str
    origin: Origin
    origin_id: str
    venue: str
    symbol: str
    side: Side
    order_type: OrderType
    ts_ms: int
    market_price: Decimal
    strength: Decimal
    quantity: Decimal | None = None
    sizing: str = ""
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_pct: Decimal | None = None
    display_quantity: Decimal | None = None
    duration_ms: int = 0
    slices: int = 0
    oco_id: str = ""
    protect_price: Decimal | None = None
    target_price: Decimal | None = None
    volatility: Decimal = Decimal(0)
    alternatives: tuple[str, ...] = ()
    target: Decimal | None = None
