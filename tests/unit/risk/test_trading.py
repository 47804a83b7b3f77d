from decimal import Decimal

from fks_actors.model.orders import Approved, OrderType, Side
from fks_actors.model.records import ControlRecord, TradingState
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.messages import RiskReply, RiskRequest, RiskState
from tests.unit.risk.cases import BTC, DAY_MS, T0, codes, propose, signal, start, step

ACTIVE, REDUCING, HALTED = TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED


def at_price(state: RiskState, price: str, ts_ms: int = T0 + 1) -> tuple[RiskState, RiskReply]:
    return step(state, RiskRequest(ts_ms, {BTC: Decimal(price)}))


def control(state: RiskState, to: TradingState, ts_ms: int = T0 + 2) -> tuple[RiskState, RiskReply]:
    return step(state, RiskRequest(ts_ms, control=ControlRecord(ts_ms, to, "operator", "because")))


def invested() -> RiskState:
    """Equity 10,000, all of it in 100 BTC at 100."""
    return start(cash="0", btc="100")


def test_loss_when_it_reaches_the_daily_limit_then_reduces_until_the_next_utc_day() -> None:
    state, reply = at_price(invested(), "97.01")
    assert (state.trading, reply.changes) == (ACTIVE, ())
    state, reply = at_price(state, "97")
    assert (state.trading, state.trading_by) == (REDUCING, "daily_loss")
    assert [c.by for c in reply.changes] == ["daily_loss"]
    state, _ = at_price(state, "99", T0 + 3)
    assert state.trading is REDUCING
    state, reply = at_price(state, "99", T0 + DAY_MS)
    assert (state.trading, [c.by for c in reply.changes]) == (ACTIVE, ["new_day"])
    assert state.day_start_equity == Decimal(9900)


def test_loss_when_it_falls_over_midnight_then_counts_in_the_new_day() -> None:
    state, _ = at_price(invested(), "96.9", T0 + DAY_MS)
    assert (state.trading, state.trading_by, state.day_start_equity) == (REDUCING, "daily_loss", Decimal(10000))


def test_drawdown_when_it_deepens_over_days_then_reduces_and_halts_for_good() -> None:
    state, prices = invested(), ("97.5", "95.1", "92.8", "90.6", "90")
    for day, price in enumerate(prices, start=1):
        state, reply = at_price(state, price, T0 + day * DAY_MS)
    assert (state.trading, state.trading_by) == (REDUCING, "drawdown")
    assert reply.equity.drawdown == Decimal("0.1")
    state, reply = at_price(state, "90", T0 + 9 * DAY_MS)
    assert (state.trading, reply.changes) == (REDUCING, ())
    state, reply = at_price(state, "80", T0 + 9 * DAY_MS + 1)
    assert (state.trading, state.trading_by, reply.equity.state) == (HALTED, "drawdown", HALTED)
    state, reply = at_price(state, "100", T0 + 20 * DAY_MS)
    assert (state.trading, reply.changes) == (HALTED, ())


def test_drawdown_when_the_daily_limit_already_reduces_then_takes_over() -> None:
    state, _ = at_price(invested(), "96")
    state, _ = at_price(state, "90")
    assert (state.trading, state.trading_by) == (REDUCING, "drawdown")
    state, _ = at_price(state, "91", T0 + DAY_MS)
    assert state.trading is REDUCING


def test_resume_when_a_drawdown_halted_then_re_arms_and_does_not_trip_again() -> None:
    state, _ = at_price(invested(), "75")
    assert state.trading is HALTED
    state, reply = control(state, ACTIVE)
    assert (state.trading, state.peak_equity, state.day_start_equity) == (ACTIVE, Decimal(7500), Decimal(7500))
    assert reply.changes[-1].reason == "because (re-armed: peak and day start set to equity 7500)"
    assert reply.equity.drawdown == 0
    state, reply = at_price(state, "75", T0 + 9)
    assert (state.trading, reply.changes) == (ACTIVE, ())
    state, _ = at_price(state, "72", T0 + 10)
    assert state.trading is REDUCING


def test_reduce_when_a_drawdown_halted_then_the_operator_prevails() -> None:
    state, _ = at_price(invested(), "75")
    state, _ = control(state, REDUCING)
    state, _ = at_price(state, "75", T0 + 9)
    assert (state.trading, state.trading_by) == (REDUCING, "operator")


def test_halt_by_the_operator_when_a_new_day_comes_then_stays_and_does_not_re_arm() -> None:
    state, reply = control(invested(), HALTED)
    assert reply.changes == (ControlRecord(T0 + 2, HALTED, "operator", "because"),)
    state, _ = at_price(state, "99", T0 + 3 * DAY_MS)
    assert (state.trading, state.peak_equity) == (HALTED, Decimal(10000))


def test_orders_when_halted_then_both_sides_are_refused() -> None:
    state, _ = control(start(btc="1"), HALTED)
    assert codes(state, signal(quantity=Decimal(1))) == ["halted"]
    assert codes(state, propose(Side.SELL)) == ["halted"]


def test_orders_when_reducing_then_only_sells_pass_whatever_the_rate() -> None:
    config = RiskConfig(orders_per_minute=1)
    state, _ = control(start(btc="3"), REDUCING)
    assert codes(state, signal(quantity=Decimal(1))) == ["reducing_only"]
    sells = tuple(signal(Side.SELL, n, quantity=Decimal(1), order_type=OrderType.MARKET) for n in range(3))
    _, reply = step(state, RiskRequest(T0 + 3, proposals=sells), config)
    assert all(isinstance(r, Approved) for r in reply.rulings)
