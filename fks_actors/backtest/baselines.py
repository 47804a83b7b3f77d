"""What doing nothing, and buying once, would have come to over the same bars: no result is shown without them.

Flat holds its cash. Buy and hold decides at the close of the first bar it is shown, buys at the next bar's open and
never sells; like a run's, its equity is marked at the closes, so what is held pays no cost of selling on either side.
It pays the paper venue's price: the taker's fee, and slippage, participation and rounding by `execution.matching`. What
the bar's volume leaves unbought, the next bar's open gets; under the venue's least notional the rest stays cash.

Stake     ALL: the cash in equal parts over the symbols. CAPPED: for each symbol what one trade of the desk may take,
          `per_trade_pct` of the cash. A desk that may use a twentieth of its equity at a time is no better than the
          market for losing less of it, so both are told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from math import isfinite

from fks_actors.backtest.metrics import Curve
from fks_actors.backtest.run import Result
from fks_actors.execution.config import PaperConfig
from fks_actors.execution.matching import Bar, Touch, trade_price
from fks_actors.model.candles import BarBatch, Candle, to_money
from fks_actors.model.markets import MarketRules, floor_to
from fks_actors.model.orders import ZERO, Fill, Liquidity, OrderIntent, OrderType, Origin, Side

HUNDRED = Decimal(100)


class Stake(StrEnum):
    """How much of the cash buy and hold puts in."""

    ALL = "all"
    CAPPED = "capped"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What came of one: money in quote, `rows` (close ms, equity, exposure) as `Curve.build` takes them."""

    name: str
    cash: Decimal
    final: Decimal
    fills: tuple[Fill, ...]
    rows: tuple[tuple[int, float, float], ...]

    @property
    def gained(self) -> Decimal:
        """The whole return as a fraction."""
        return self.final / self.cash - 1

    @property
    def curve(self) -> Curve:
        """Its equity."""
        return Curve.build(self.rows)


@dataclass(slots=True)
class _Holding:
    """One symbol's part: what is still to be spent (quote) and what it bought (base)."""

    budget: Decimal
    decided: bool = False
    quantity: Decimal = ZERO
    price: Decimal = ZERO


@dataclass(slots=True)
class BuyAndHold:
    """Buys once. Feed it the bars of a run (`observe` is what `run` calls `told`), then take its `baseline`.

    Args:
        cash: what it starts with, in quote.
        markets: the rules of every symbol.
        config: the paper venue's costs.
        per_trade_pct: None for Stake.ALL; else the percentage of the cash that goes into each symbol.
        keeps_rows: False where it runs without an end; its `baseline` has no curve then.
    """

    cash: Decimal
    markets: Mapping[str, MarketRules]
    config: PaperConfig
    per_trade_pct: Decimal | None = None
    keeps_rows: bool = True
    _left: Decimal = field(init=False)
    _held: dict[str, _Holding] = field(init=False)
    _fills: list[Fill] = field(init=False, default_factory=list)
    _rows: list[tuple[int, float, float]] = field(init=False, default_factory=list)
    _final: Decimal = field(init=False)

    def __post_init__(self) -> None:
        share = Decimal(1) / max(len(self.markets), 1)
        if self.per_trade_pct is not None:
            share = min(share, self.per_trade_pct / HUNDRED)
        self._left = self._final = self.cash
        self._held = {symbol: _Holding(self.cash * share) for symbol in self.markets}

    @property
    def stake(self) -> Stake:
        """How much it puts in."""
        return Stake.ALL if self.per_trade_pct is None else Stake.CAPPED

    @property
    def final(self) -> Decimal:
        """Its equity at the last close, in quote."""
        return self._final

    @property
    def exposure(self) -> Decimal:
        """What it holds, at the last closes, in quote."""
        return self._final - self._left

    @property
    def fills(self) -> tuple[Fill, ...]:
        """What it bought."""
        return tuple(self._fills)

    def observe(self, batch: BarBatch) -> None:
        """Buy at this bar's open what an earlier bar decided, and mark at its close. Bars without a price are none."""
        for candle in batch.candles:
            held = self._held.get(candle.symbol)
            if held is None or not all(isfinite(p) and p > 0 for p in (candle.open, candle.low, candle.close)):
                continue
            if held.decided:
                self._buy(held, candle)
            held.decided = True
            held.price = to_money(candle.close)
        exposure = sum((held.quantity * held.price for held in self._held.values()), ZERO)
        self._final = self._left + exposure
        if self.keeps_rows:
            self._rows.append((batch.close_ms, float(self._final), float(exposure)))

    def baseline(self) -> Baseline:
        """What came of it so far."""
        each = " each" if len(self.markets) > 1 else ""
        name = "buy and hold" if self.stake is Stake.ALL else f"buy and hold of {self.per_trade_pct:f} %{each}"
        return Baseline(name, self.cash, self._final, tuple(self._fills), tuple(self._rows))

    def _buy(self, held: _Holding, candle: Candle) -> None:
        rules, bar = self.markets[candle.symbol], Bar.of(candle)
        factor = 1 + rules.taker_fee
        if held.budget < rules.min_notional * factor:
            return
        wanted = floor_to(held.budget / (bar.open * factor), rules.step)
        if self.config.participation_pct is not None:
            wanted = min(wanted, floor_to(bar.volume * self.config.participation_pct / HUNDRED, rules.step))
        price = self._price(candle, bar, wanted)
        quantity = min(wanted, floor_to(held.budget / (price * factor), rules.step))
        if quantity < max(rules.min_quantity, rules.step):
            return
        price = self._price(candle, bar, quantity)
        fee = price * quantity * rules.taker_fee
        held.budget -= price * quantity + fee
        self._left -= price * quantity + fee
        held.quantity += quantity
        name = f"hold-{candle.symbol}"
        self._fills.append(
            Fill(
                f"{name}-{candle.ts_ms}",
                name,
                self.config.name,
                candle.symbol,
                Side.BUY,
                price,
                quantity,
                fee,
                Liquidity.TAKER,
                candle.ts_ms,
            )
        )

    def _price(self, candle: Candle, bar: Bar, quantity: Decimal) -> Decimal:
        name = f"hold-{candle.symbol}"
        intent = OrderIntent(
            name,
            Origin.CYCLE,
            name,
            self.config.name,
            candle.symbol,
            Side.BUY,
            OrderType.MARKET,
            quantity,
            bar.open,
            candle.ts_ms,
        )
        rules = self.markets[candle.symbol]
        return trade_price(intent, Touch(bar.open, Liquidity.TAKER), quantity, bar, rules, self.config, inside=True)


def flat(result: Result) -> Baseline:
    """The run's cash, held."""
    times = sorted({point.ts_ms for point in result.equity})
    return Baseline("flat", result.cash, result.cash, (), tuple((t, float(result.cash), 0.0) for t in times))


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether the run ended above the baselines, after all costs; as much as they had is not above."""

    beats_flat: bool
    beats_hold: bool


def standing(result: Result, hold: Baseline) -> Standing:
    """Compare the run's return with flat's (none) and buy and hold's."""
    gained = result.final / result.cash - 1
    return Standing(gained > 0, gained > hold.gained)


def verdict_line(result: Result, holds: Sequence[Baseline]) -> str:
    """The first line of every report: whether the run beat flat and buy and hold after costs, with the figures.

    Args:
        holds: buy and hold; the first one is the judge, the others are told beside it.

    Raises:
        ValueError: there is no buy and hold to compare with.
    """
    if not holds:
        raise ValueError("a result is not told without buy and hold beside it")
    found = standing(result, holds[0])
    words = {
        (True, True): "beats flat and buy and hold",
        (True, False): "beats flat but NOT buy and hold",
        (False, True): "does NOT beat flat, though it beats buy and hold",
        (False, False): "beats NEITHER flat NOR buy and hold",
    }[(found.beats_flat, found.beats_hold)]
    beside = ", ".join(f"{_percent(each.gained)} {each.name}" for each in holds)
    own = _percent(result.final / result.cash - 1)
    idle = "" if result.fills else " without a single trade"
    return f"After costs the run {words}: {own}{idle} against {_percent(ZERO)} flat, {beside}."


def _percent(fraction: Decimal) -> str:
    return f"{fraction * HUNDRED:+.2f} %" if fraction else "0.00 %"
