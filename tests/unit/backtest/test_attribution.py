"""Profit told by regime and by mind adds up to the run's."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from msgspec import structs

from fks_actors.backtest.attribution import NOBODY, by_agent, by_regime, regimes, shares
from fks_actors.backtest.metrics import metrics
from fks_actors.backtest.run import Result
from fks_actors.backtest.trips import round_trips
from fks_actors.model.candles import to_money
from fks_actors.model.orders import ZERO, Order, OrderIntent, OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import CycleOutcome, CycleRecord, EquityPoint, TradingState
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Verdict, Vote
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.reflection.scores import Regime
from tests.market import batches
from tests.unit.backtest.test_run import ran
from tests.unit.backtest.trades import HOUR_MS, SYMBOL, fill

CONFIG = ReflectionConfig(regime_bars=10)


def cycle(at: int, close: float, ballots: tuple[Ballot, ...] = (), **weights: float) -> CycleRecord:
    ts_ms = at * HOUR_MS
    verdict = Verdict(SYMBOL, ts_ms, Action.HOLD, Action.HOLD, 0.0, 0.0, 0.6, (), tuple(weights.items()))
    name, price = f"{SYMBOL}@{ts_ms}", to_money(close)
    return CycleRecord(name, SYMBOL, ts_ms, ts_ms + HOUR_MS, price, ballots, verdict, CycleOutcome.HOLD)


def vote(agent: str, action: Action, confidence: float) -> Vote:
    return Vote(agent, SYMBOL, 0, action, confidence, "")


@pytest.fixture(scope="module")
def result() -> Result:
    return asyncio.run(ran(batches(500)))


def test_by_agent_when_a_run_traded_then_the_shares_add_up_to_the_realised_profit(result: Result) -> None:
    book, found = round_trips(result.fills), by_agent(result)
    assert len(book.trips) > 2
    assert abs(sum((each.profit for each in found), ZERO) - book.profit) < Decimal("1e-15")
    assert sum(each.trades for each in found) == pytest.approx(len(book.trips))
    assert all(each.agent for each in found)


def test_by_agent_when_no_cycle_is_known_then_the_profit_is_nobodys(result: Result) -> None:
    (found,) = by_agent(replace(result, cycles=()))
    assert (found.agent, found.profit) == (NOBODY, round_trips(result.fills).profit)


def test_shares_when_minds_differ_then_buyers_share_by_confidence_times_weight() -> None:
    ballots = (
        vote("a", Action.BUY, 0.5),
        vote("b", Action.BUY, 0.25),
        vote("c", Action.SELL, 1.0),
        vote("d", Action.HOLD, 1.0),
        Abstain("e", SYMBOL, 0, AbstainReason.LATE),
        vote("f", Action.BUY, 0.0),
    )
    assert shares(cycle(0, 1.0, ballots, a=1.0, b=4.0)) == {
        "a": Decimal(1) / Decimal(3),
        "b": Decimal(2) / Decimal(3),
    }


def test_shares_when_nobody_wanted_it_then_it_is_nobodys() -> None:
    assert shares(cycle(0, 1.0, (vote("a", Action.SELL, 1.0),))) == {NOBODY: Decimal(1)}


def test_by_regime_when_a_run_traded_then_returns_compound_and_trips_add_up_to_the_whole(result: Result) -> None:
    found, whole = by_regime(result, CONFIG), metrics(result)
    assert sum(each.total is not None for each in found) > 1
    compounded = 1.0
    for each in found:
        compounded *= 1.0 + (each.total or 0.0)
    assert whole.total is not None
    assert compounded - 1.0 == pytest.approx(whole.total, abs=1e-12)
    assert sum(each.share or 0.0 for each in found) == pytest.approx(1.0)
    assert sum(each.trades.count for each in found) == whole.trades.count
    assert sum((each.trades.profit for each in found), ZERO) == whole.trades.profit


def test_by_regime_when_the_first_trade_was_entered_then_it_is_in_the_regime_of_its_decision(result: Result) -> None:
    trip = round_trips(result.fills).trips[0]
    origin = {o.intent.client_order_id: o.intent.origin_id for o in result.orders}[trip.entry_id]
    expected = regimes(result.cycles, CONFIG)[origin]
    alone = replace(result, fills=tuple(f for f in result.fills if f.client_order_id in (trip.entry_id, trip.exit_id)))
    assert [each.regime for each in by_regime(alone, CONFIG) if each.trades.count] == [expected]


def test_regimes_when_the_market_turns_then_they_turn_after_it() -> None:
    closes = [100.0 * 1.01**at for at in range(30)] + [100.0 * 1.01**30 * 0.99**at for at in range(60)]
    found = list(regimes([cycle(at, close) for at, close in enumerate(closes)], CONFIG).values())
    assert found[:10] == [Regime.SIDEWAYS] * 10
    assert (found[29], found[31], found[-1]) == (Regime.BULL, Regime.BULL, Regime.BEAR)


def test_regimes_when_the_future_is_corrupted_then_the_past_is_the_same(result: Result) -> None:
    cut = len(result.cycles) // 2
    corrupted = [
        c if at < cut else structs.replace(c, price=c.price * (at % 7 + 1)) for at, c in enumerate(result.cycles)
    ]
    one, other = (list(regimes(cycles, CONFIG).values()) for cycles in (result.cycles, corrupted))
    assert one[:cut] == other[:cut]
    assert one[cut:] != other[cut:]


def test_regimes_when_bars_are_missing_then_the_move_over_the_hole_is_not_learnt() -> None:
    whole = [cycle(at, 100.0 + at % 2) for at in range(12)]
    leap = [*whole, cycle(40, 1e6), cycle(41, 1e6)]
    assert list(regimes(leap, CONFIG).values())[-1] is Regime.SIDEWAYS
    assert list(regimes([*whole, cycle(12, 1e6)], CONFIG).values())[-1] is Regime.BULL


def order(name: str, ts_ms: int) -> Order:
    intent = OrderIntent(
        name, Origin.SIGNAL, "s", "paper", SYMBOL, Side.BUY, OrderType.MARKET, Decimal(1), Decimal(100), ts_ms
    )
    return Order(intent, OrderStatus.FILLED, ts_ms)


def test_by_regime_when_the_market_becomes_a_bull_then_what_begins_at_that_close_is_of_the_bull() -> None:
    cycles = [cycle(at, 100.0 * 1.01**at) for at in range(20)]
    states = list(regimes(cycles, CONFIG).values())
    turn = states.index(Regime.BULL)
    assert 0 < turn < len(states) - 1
    zero, turned = Decimal(0), cycles[turn].close_ms
    points = tuple(
        EquityPoint(c.close_ms, Decimal(110 if at > turn else 100), zero, zero, zero, zero, zero, TradingState.ACTIVE)
        for at, c in enumerate(cycles)
    )
    before, after = order("before", turned - 1), order("after", turned)
    fills = [fill(Side.BUY, "1", "100", turn + 1, each) for each in ("before", "after")]
    fills += [fill(Side.SELL, "1", price, turn + 2 + at) for at, price in enumerate(("110", "120"))]
    result = Result(Decimal(100), len(cycles), tuple(cycles), (before, after), tuple(fills), points)
    found = {each.regime: each for each in by_regime(result, CONFIG)}
    assert found[Regime.BULL].total == pytest.approx(0.1)
    assert found[Regime.SIDEWAYS].total == 0.0
    assert found[Regime.BULL].share == pytest.approx((len(cycles) - 1 - turn) / (len(cycles) - 1))
    assert found[Regime.BEAR].total is None
    assert [found[r].trades.profit for r in (Regime.SIDEWAYS, Regime.BULL)] == [Decimal("9.79"), Decimal("19.78")]
