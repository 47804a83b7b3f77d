"""Flat and buy and hold pay what a run would have paid, and the first line tells who won."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.backtest.baselines import Baseline, BuyAndHold, Stake, flat, standing, verdict_line
from fks_actors.backtest.metrics import measured, metrics
from fks_actors.backtest.run import Result
from fks_actors.execution.book import PaperBook
from fks_actors.execution.config import PaperConfig, default_rules
from fks_actors.model.candles import BarBatch, Candle, to_money
from fks_actors.model.orders import Fill, OrderIntent, OrderType, Origin, Side
from fks_actors.model.records import EquityPoint, TradingState
from fks_actors.risk.rulings import approve
from tests.market import batches
from tests.unit.backtest.trades import HOUR_MS, SYMBOL

CASH = Decimal(10_000)
RULES = {SYMBOL: default_rules(SYMBOL, PaperConfig())}
BOTH = ("BTC/USDT", "ETH/USDT")


def held(bars: list[BarBatch], config: PaperConfig, capped: str | None = None) -> Baseline:
    symbols = sorted({candle.symbol for batch in bars for candle in batch.candles})
    markets = {symbol: default_rules(symbol, config) for symbol in symbols}
    hold = BuyAndHold(CASH, markets, config, None if capped is None else Decimal(capped))
    for batch in bars:
        hold.observe(batch)
    return hold.baseline()


def bars_of(*opens: float, volume: float = 1e6) -> list[BarBatch]:
    """One bar an open, which closes 1 above it and lies within 2 of it."""
    return [
        BarBatch(at * HOUR_MS, HOUR_MS, (Candle(SYMBOL, at * HOUR_MS, o, o + 2, o - 2, o + 1, volume),))
        for at, o in enumerate(opens)
    ]


def result_of(final: str, fills: tuple[Fill, ...] = ()) -> Result:
    zero = Decimal(0)
    point = EquityPoint(HOUR_MS, Decimal(final), zero, zero, zero, zero, zero, TradingState.ACTIVE)
    return Result(CASH, 1, (), (), fills, (point,))


def baseline_of(final: str, name: str = "buy and hold") -> Baseline:
    return Baseline(name, CASH, Decimal(final), (), ())


def test_hold_when_the_paper_venue_trades_the_same_order_then_price_and_fee_are_the_same() -> None:
    config = PaperConfig()
    bars = batches(3)
    found = held(list(bars), config)
    markets = {symbol: default_rules(symbol, config) for symbol in BOTH}
    book = PaperBook(config, markets, CASH)
    book.advance(bars[0])
    closes = {candle.symbol: to_money(candle.close) for candle in bars[0].candles}
    orders = tuple(
        OrderIntent(
            each.client_order_id,
            Origin.CYCLE,
            "d",
            config.name,
            each.symbol,
            Side.BUY,
            OrderType.MARKET,
            each.quantity,
            closes[each.symbol],
            bars[0].close_ms,
        )
        for each in found.fills
    )
    book.submit(tuple(approve(order, CASH / 2) for order in orders))
    traded = [event for event in book.advance(bars[1]) if isinstance(event, Fill)]
    facts = [[(f.symbol, f.price, f.quantity, f.fee, f.ts_ms) for f in fills] for fills in (found.fills, traded)]
    assert len(facts[0]) == 2
    assert sorted(facts[0]) == sorted(facts[1])


def test_hold_when_it_buys_then_at_the_second_open_and_marks_at_the_closes() -> None:
    free = PaperConfig(taker_fee_bps=Decimal(0), slippage_bps=Decimal(0), range_share=Decimal(0))
    found = held(bars_of(100, 200, 400), free)
    (fill,) = found.fills
    assert (fill.price, fill.quantity, fill.ts_ms) == (Decimal(200), Decimal(50), HOUR_MS)
    assert [row[:2] for row in found.rows] == [(HOUR_MS, 10_000.0), (2 * HOUR_MS, 10_050.0), (3 * HOUR_MS, 20_050.0)]
    assert found.gained == Decimal("1.005")
    assert measured(found.curve, found.fills).mean_exposure == pytest.approx(0.5)


def test_hold_when_it_is_capped_then_it_spends_that_much_a_symbol() -> None:
    hold = BuyAndHold(CASH, RULES, PaperConfig(), Decimal(5))
    assert hold.stake is Stake.CAPPED
    found = held(bars_of(100, 100, 100), PaperConfig(), "5")
    spent = sum((f.price * f.quantity + f.fee for f in found.fills), Decimal(0))
    assert Decimal("499.9") < spent <= 500


def test_hold_when_the_volume_is_thin_then_it_buys_on_at_later_opens() -> None:
    config = PaperConfig(slippage_bps=Decimal(0), range_share=Decimal(0))
    found = held(bars_of(*[100.0] * 8, volume=100.0), config)
    assert [f.quantity for f in found.fills] == [Decimal(25)] * 3 + [Decimal("24.90009")]
    assert held(bars_of(*[100.0] * 4, volume=0.0), config).fills == ()


@given(
    st.lists(st.floats(3.0, 1e5), min_size=1, max_size=12),
    st.floats(0.0, 1e4),
    st.sampled_from([None, "0.1", "5", "100"]),
)
def test_hold_when_prices_are_any_then_it_never_spends_more_than_its_stake(
    opens: list[float], volume: float, capped: str | None
) -> None:
    found = held(bars_of(*opens, volume=volume), PaperConfig(), capped)
    spent = sum((f.price * f.quantity + f.fee for f in found.fills), Decimal(0))
    assert spent <= CASH * Decimal(capped or "100") / 100
    quantity = sum((f.quantity for f in found.fills), Decimal(0))
    assert found.final == CASH - spent + quantity * to_money(opens[-1] + 1)


def test_hold_when_one_bar_is_all_there_is_then_nothing_is_bought() -> None:
    found = held(bars_of(100), PaperConfig())
    assert (found.fills, found.final) == ((), CASH)


def test_hold_when_a_bar_has_no_price_then_it_is_passed_over() -> None:
    broken = [replace(b, candles=(replace(b.candles[0], open=float("nan")),)) for b in bars_of(100)]
    found = held([*bars_of(100), *(replace(b, ts_ms=HOUR_MS) for b in broken)], PaperConfig())
    assert (found.fills, found.final) == ((), CASH)


async def test_flat_when_a_run_is_given_then_it_has_its_times_and_cash() -> None:
    from tests.unit.backtest.test_run import ran

    result = await ran(batches(150))
    found = flat(result)
    figures = measured(found.curve, found.fills)
    assert found.curve.ts_ms.tolist() == [point.ts_ms for point in result.equity]
    assert (figures.total, figures.sharpe, figures.time_exposed) == (0.0, None, 0.0)
    assert figures.years == metrics(result).years > 0


@pytest.mark.parametrize(
    ("final", "hold", "beats", "line"),
    [
        ("11000", "10500", (True, True), "beats flat and buy and hold: +10.00 % without a single trade against"),
        ("11000", "11000", (True, False), "beats flat but NOT buy and hold: +10.00 %"),
        ("9900", "9000", (False, True), "does NOT beat flat, though it beats buy and hold: -1.00 %"),
        ("10000", "10000", (False, False), "beats NEITHER flat NOR buy and hold: 0.00 %"),
    ],
)
def test_verdict_line_when_a_run_ended_then_it_says_whom_it_beat(
    final: str, hold: str, beats: tuple[bool, bool], line: str
) -> None:
    result, other = result_of(final), baseline_of(hold)
    found = standing(result, other)
    assert (found.beats_flat, found.beats_hold) == beats
    said = verdict_line(result, (other, baseline_of("10100", "buy and hold of 5 %")))
    assert said.startswith(f"After costs the run {line}")
    assert said.endswith(" buy and hold, +1.00 % buy and hold of 5 %.")
    assert "\n" not in said


def test_verdict_line_when_there_is_nothing_to_compare_with_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="buy and hold"):
        verdict_line(result_of("10000"), ())
