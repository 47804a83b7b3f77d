"""The report as data: what the JSON holds, and all that the page shows. `schema()` is its JSON Schema.

Money is decimal text in quote without exponent (`Money`); prices of bars are numbers, as an exchange prints them.
Fractions are fractions, not percent; instants UTC milliseconds (`_ms`); what is not defined is null. A field is never
renamed or given another meaning within a VERSION; fields may be added.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

VERSION = 1

Money = Annotated[str, Meta(pattern=r"^-?\d+(\.\d+)?$", description="quote, as decimal text")]
Fraction = float | None


class Costs(msgspec.Struct, frozen=True):
    """What trading cost: basis points of the notional, `range_share` of the bar's range; null where not limited."""

    maker_fee_bps: Money
    taker_fee_bps: Money
    slippage_bps: Money
    range_share: Money
    participation_pct: Money | None


class Limits(msgspec.Struct, frozen=True):
    """The limits that risk held the run to, in percent of equity, and when the desk was first reduced and halted."""

    per_trade_pct: Money
    max_gross_exposure_pct: Money
    max_daily_loss_pct: Money
    drawdown_reducing_pct: Money
    drawdown_halt_pct: Money
    reduced_ms: int | None
    halted_ms: int | None


class Facts(msgspec.Struct, frozen=True):
    """What was run. `first_ms` is the first traded bar's open, `last_ms` the last one's close; `bars` over all symbols.

    `warm` bars before the first were learnt from; `notes` tell what is odd about the files.
    `settings_digest` is SHA-256 over the settings as canonical JSON.
    """

    files: tuple[str, ...]
    symbols: tuple[str, ...]
    interval_ms: int
    first_ms: int
    last_ms: int
    bars: int
    warm: int
    minds: tuple[str, ...]
    notes: tuple[str, ...]
    settings_digest: str
    version: str
    cash: Money
    final: Money
    costs: Costs
    limits: Limits


class Figures(msgspec.Struct, frozen=True):
    """The figures of one curve; `backtest.metrics` has every formula."""

    years: float
    final: Money
    total: Fraction
    annual: Fraction
    volatility: Fraction
    sharpe: Fraction
    sortino: Fraction
    calmar: Fraction
    drawdown: Fraction
    drawdown_ms: int | None
    longest_drawdown_ms: int | None
    time_exposed: Fraction
    mean_exposure: Fraction
    turnover: Fraction
    trades: int
    win_rate: Fraction
    profit_factor: Fraction
    expectancy: Money | None
    held_ms: float | None
    fees: Money


class Bounds(msgspec.Struct, frozen=True):
    """A confidence interval."""

    low: float
    high: float


class Sureness(msgspec.Struct, frozen=True):
    """How much may be luck: stationary bootstrap over the run's returns and round trips (`report.intervals`).

    `bounds` by the name of the figure; `block` and `trip_block` are mean block lengths, in returns and in round trips.
    `above_zero` is the probability that the true Sharpe ratio is above 0 (`significance.probabilistic_sharpe`).
    """

    level: float
    resamples: int
    seed: int
    block: float | None
    trip_block: float | None
    bounds: dict[str, Bounds]
    above_zero: Fraction


class Column(msgspec.Struct, frozen=True):
    """The run itself (first), or a baseline beside it."""

    name: str
    kind: Literal["run", "baseline"]
    figures: Figures


class Line(msgspec.Struct, frozen=True):
    """One curve over the `times_ms` of its chart: null where it has no value."""

    name: str
    values: tuple[Money | None, ...]


class Curves(msgspec.Struct, frozen=True):
    """Equity over time. With `bucket_ms` above 0 each bucket of that length is told by the first, the lowest, the
    highest and the last of `points` values in all (M4: Jugel et al. 2014), at its start, 1/4, 1/2 and 3/4."""

    bucket_ms: int
    points: int
    times_ms: tuple[int, ...]
    lines: tuple[Line, ...]


class Falls(msgspec.Struct, frozen=True):
    """Drawdown, 0..1 below the highest equity so far, as `Curves`."""

    bucket_ms: int
    times_ms: tuple[int, ...]
    lines: tuple[tuple[str, tuple[Fraction, ...]], ...]


class Year(msgspec.Struct, frozen=True):
    """Twelve monthly returns, January first, null where the run had none, and the whole year's."""

    year: int
    months: tuple[Fraction, ...]
    total: float


class Mark(msgspec.Struct, frozen=True):
    """All fills of one side within one candle: `price` is their mean by quantity; `profit` what the sales' round trips
    made after fees."""

    ts_ms: int
    side: str
    fills: int
    quantity: Money
    price: Money
    profit: Money | None


class Prices(msgspec.Struct, frozen=True):
    """A symbol's candles, `bars` of them joined to candles of `bucket_ms` (open of the first, highest high, lowest
    low, close of the last), and what was traded. `candles`: open ms, open, high, low, close."""

    symbol: str
    bars: int
    bucket_ms: int
    candles: tuple[tuple[int, float, float, float, float], ...]
    marks: tuple[Mark, ...]


class Trip(msgspec.Struct, frozen=True):
    """One round trip; `share` is profit over cost, a fraction."""

    number: int
    symbol: str
    opened_ms: int
    closed_ms: int
    quantity: Money
    bought: Money
    sold: Money
    fees: Money
    profit: Money
    share: Fraction


class Held(msgspec.Struct, frozen=True):
    """What is still held at the end, in base; `cost` with fees."""

    symbol: str
    quantity: Money
    cost: Money


class Trips(msgspec.Struct, frozen=True):
    """Round trips in the order in which they ended: the `first` and the `last` of `count`, no more than are listed."""

    count: int
    first: tuple[Trip, ...]
    last: tuple[Trip, ...]
    held: tuple[Held, ...]


class OfRegime(msgspec.Struct, frozen=True):
    """What came of one regime (`backtest.attribution`)."""

    regime: str
    share: Fraction
    total: Fraction
    volatility: Fraction
    sharpe: Fraction
    trades: int
    win_rate: Fraction
    profit: Money


class OfMind(msgspec.Struct, frozen=True):
    """What one mind said, and what is credited to it (`backtest.attribution`); an empty `agent` is nobody."""

    agent: str
    buys: int
    sells: int
    holds: int
    abstained: int
    trips: int
    wins: int
    trades: float
    profit: Money


class Bin(msgspec.Struct, frozen=True):
    """Votes that claimed about the same: how many, the mean claim, and the share after which the price rose."""

    count: int
    claimed: float
    rose: float


class Fit(msgspec.Struct, frozen=True):
    """How well a mind's claims fit what happened after `horizon` bars (`reflection.scores`)."""

    agent: str
    horizon: int
    outcomes: int
    independent: float
    brier: float
    skill: float
    error: float
    bins: tuple[Bin, ...]


class Count(msgspec.Struct, frozen=True):
    """How often something came out; `example` is the last one's own words."""

    what: str
    count: int
    example: str = ""


class Decisions(msgspec.Struct, frozen=True):
    """What came of the decisions (one a symbol and bar), why orders were denied, and how orders ended."""

    count: int
    outcomes: tuple[Count, ...]
    refusals: tuple[Count, ...]
    orders: tuple[Count, ...]


class Search(msgspec.Struct, frozen=True):
    """What the search that found the run says against it (`backtest.significance`)."""

    trials: int
    expected_best_sharpe: Fraction
    deflated_sharpe: Fraction
    overfitting: Fraction
    lost_out_of_sample: Fraction
    combinations: int


class Document(msgspec.Struct, frozen=True):
    """A study, told. `first_line` is the verdict; `loses` whether it ended with less than it began with."""

    version: int
    title: str
    first_line: str
    loses: bool
    simulated: bool
    warnings: tuple[str, ...]
    facts: Facts
    figures: tuple[Column, ...]
    sureness: Sureness
    equity: Curves
    drawdown: Falls
    years: tuple[Year, ...]
    prices: tuple[Prices, ...]
    prices_left_out: tuple[str, ...]
    trips: Trips
    regimes: tuple[OfRegime, ...]
    minds: tuple[OfMind, ...]
    calibration: tuple[Fit, ...]
    not_scored: tuple[str, ...]
    decisions: Decisions
    search: Search | None


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Document)}
