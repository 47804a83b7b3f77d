"""The JSON of the query API, for OpenAPI and mypy. Money and quantities are decimal text, times UTC milliseconds."""

from typing_extensions import TypedDict

from deployments.decision_shapes import DecisionShape, RefusalShape


class ErrorShape(TypedDict):
    """What is wrong: `code` for programs, `message` for people, `field` the one at fault or empty."""

    code: str
    message: str
    field: str


class Refusal(TypedDict):
    """The one shape of an answer that is none."""

    error: ErrorShape


class AcceptedShape(TypedDict):
    """An alert is stored: accepted now, or a duplicate of the one with this id."""

    status: str
    signal_id: str


class OutcomeShape(AcceptedShape, total=False):
    """As AcceptedShape; within `Prefer: wait=N` also what the desk made of it."""

    orders: "list[OrderShape]"
    reasons: "list[RefusalShape]"


class OrderShape(TypedDict):
    """An order in its present state. `trail_pct` of a trailing stop; `display_quantity` of an iceberg; `duration_ms`
    and `slices` of a twap, else 0; `oco_id` is the other leg of a pair, or empty."""

    client_order_id: str
    origin: str
    origin_id: str
    venue: str
    symbol: str
    side: str
    order_type: str
    quantity: str
    limit_price: str | None
    stop_price: str | None
    trail_pct: str | None
    display_quantity: str | None
    duration_ms: int
    slices: int
    oco_id: str
    status: str
    filled_quantity: str
    average_price: str
    fee: str
    reserved_quote: str
    reason: str
    created_ms: int
    updated_ms: int


class FillShape(TypedDict):
    """One trade."""

    trade_id: str
    client_order_id: str
    venue: str
    symbol: str
    side: str
    price: str
    quantity: str
    notional: str
    fee: str
    liquidity: str
    ts_ms: int


class SignalShape(TypedDict):
    """What became of a webhook alert. `oco`: a stop_loss order that is paired with a take_profit."""

    signal_id: str
    status: str
    ts_ms: int
    received_ms: int
    symbol: str
    side: str
    order_type: str
    quantity: str | None
    sizing: str
    price: str | None
    stop_loss: str | None
    take_profit: str | None
    trail_pct: str | None
    display_quantity: str | None
    duration_s: int
    slices: int
    oco: bool
    advisory: bool
    exchange: str
    confidence: str
    strategy: str
    orders: list[OrderShape]
    reasons: list[RefusalShape]


class EquityShape(TypedDict):
    """The account at one instant."""

    ts_ms: int
    equity: str
    cash: str
    exposure: str
    realised: str
    fees: str
    drawdown: str
    state: str


class VenueShape(TypedDict):
    """What is owned at one venue, in quote currency."""

    venue: str
    cash: str
    equity: str
    exposure: str
    reserved: str
    realised: str
    fees: str


class AccountShape(TypedDict):
    """What is owned now, all venues together; `unrealised` at the marks, `reserved` held back for open orders, all in
    quote currency. `venues` is the same by venue."""

    currency: str
    cash: str
    equity: str
    exposure: str
    reserved: str
    realised: str
    unrealised: str
    fees: str
    drawdown: str
    peak_equity: str
    day_pnl: str
    venues: list[VenueShape]


class PositionShape(TypedDict):
    """A holding, all venues together; `venues` says how much of it lies where."""

    symbol: str
    quantity: str
    entry_price: str
    mark: str
    value: str
    unrealised: str
    realised: str
    venues: dict[str, str]


class ReservationShape(TypedDict):
    """What an unfinished order holds back at its venue: `quote` for a BUY, `base` for a SELL; `left` is what it may
    still trade. Two legs that name each other in `oco_id` hold the larger `base` together."""

    client_order_id: str
    venue: str
    symbol: str
    quote: str
    base: str
    left: str
    oco_id: str


class ControlShape(TypedDict):
    """A change of the trading state."""

    ts_ms: int
    state: str
    by: str
    reason: str


class TradingShape(TypedDict):
    """What the desk may do, who said so and why."""

    state: str
    by: str
    reason: str


class RiskShape(TypedDict):
    """Risk's view: the trading state, what is reserved, and how it came to this."""

    trading: TradingShape
    exposure: str
    drawdown: str
    peak_equity: str
    day_pnl: str
    approvals_last_minute: int
    marks: dict[str, str]
    reservations: list[ReservationShape]
    controls: list[ControlShape]


class FeedShape(TypedDict):
    """Where the bars come from. `kind`: simulated, replay or live; `label` and `reason` are for people."""

    name: str
    kind: str
    label: str
    reason: str
    simulated: bool
    ended: bool


class DeskShape(TypedDict):
    """What the coordinator says; `reachable` false where it does not answer. Only while the lease is held do orders
    leave; its epoch rises whenever a desk takes it."""

    reachable: bool
    ready: bool
    trouble: str
    cycles: int
    open_orders: int
    clock_ms: int
    last_bar_ms: dict[str, int]
    lease_held: bool
    lease_epoch: int


class VenueStateShape(TypedDict):
    """One venue. `mode` is what is at stake there: paper, simulator, sandbox or live; `claims` are the symbols whose
    orders go there first. `answers` false: see `trouble`. `breaker`: closed, open or half_open, and `streams`: which
    are up (what is down is asked for); both empty where nothing is told."""

    venue: str
    exchange: str
    mode: str
    claims: list[str]
    answers: bool
    breaker: str
    streams: dict[str, bool]
    open_orders: int
    trouble: str


class SourceShape(TypedDict):
    """One source of a symbol's prices: `feed` for its bars, a venue's name for its quotes. `score` 0..1; `trouble` is
    what is wrong at present: overdue, stale, deviation or implausible. `present` false: it tells nothing and does not
    count. `deviation` is how far its last price was from the others', as a fraction."""

    source: str
    symbol: str
    score: float
    fails: bool
    present: bool
    trouble: str
    deviation: float


class QualityShape(TypedDict):
    """What is thought of the data. `paused`: more than `limit` of the sources fail (`share`), so there is no new
    exposure until they recover; `reason` says which, with their scores. A score under `least_score` fails."""

    paused: bool
    reason: str
    failing: int
    share: float
    limit: float
    least_score: float
    sources: list[SourceShape]


class StatusShape(TypedDict):
    """The whole, in short. `mode` is the most dangerous of the venues': paper, simulator, sandbox or live."""

    version: str
    mode: str
    run_id: str
    started_ms: int
    feed: FeedShape
    symbols: list[str]
    interval_ms: int
    trading: TradingShape
    desk: DeskShape
    quality: QualityShape
    venues: list[VenueStateShape]
    counts: dict[str, int]


class DecisionPage(TypedDict):
    """Decisions, newest first; `next_cursor` is empty on the last page."""

    items: list[DecisionShape]
    next_cursor: str


class OrderPage(TypedDict):
    """Orders, newest first."""

    items: list[OrderShape]
    next_cursor: str


class FillPage(TypedDict):
    """Trades, newest first."""

    items: list[FillShape]
    next_cursor: str


class ShadowShape(TypedDict):
    """A paper portfolio beside the desk. `kind` is baseline, twin or config. Figures are None before its first bar.

    `cash` is what the desk had when the shadow began (`begin_ms`, the first bar's open) and the shadow began with;
    `gained`, `desk_gained` and their `difference` are fractions since then; `left_out` are minds that need more than
    bars; `trouble` is why it stopped, or empty.
    """

    name: str
    label: str
    kind: str
    begin_ms: int
    close_ms: int
    bars: int
    cash: str | None
    equity: str | None
    gained: str | None
    drawdown: str | None
    exposure: str | None
    orders: int
    fills: int
    fees: str | None
    desk_gained: str | None
    difference: str | None
    left_out: list[str]
    trouble: str


class ShadowTestShape(TypedDict):
    """Whether `name` earns more than `against` (desk or twin): mean log growth a block less the other's, and the
    always-valid interval of it, None before the first look after `burn_in` blocks. `standing` is too_few, undecided,
    better or worse; `told` is the same in words."""

    name: str
    against: str
    standing: str
    blocks: int
    burn_in: int
    block_ms: int
    alpha: float
    mean: float
    low: float | None
    high: float | None
    decided_after: int
    told: str


class ShadowsShape(TypedDict):
    """The shadows as of the last bar that they followed. `behind`: the desk is further; `reachable` is false where
    nobody keeps shadows or they do not answer."""

    reachable: bool
    clock_ms: int
    behind: bool
    trouble: str
    items: list[ShadowShape]
    tests: list[ShadowTestShape]
