"""A desk whose data goes bad: it buys nothing until they are good again, sells what it holds, and says why."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from fks_actors.desk.data_quality import DataQuality
from fks_actors.market.config import QualityConfig
from fks_actors.model.candles import to_money
from fks_actors.model.markets import Quote
from fks_actors.model.orders import OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import AuditRecord, CycleOutcome, Signal, SignalStatus, TradingState
from fks_actors.model.votes import Action
from fks_actors.risk.config import RiskConfig
from tests.in_process import run_record
from tests.market import MINUTE, batches
from tests.unit.desk.exchange import Connector, Exchange
from tests.unit.desk.quality_scene import BTC, ETH, LOT, Home, close, codes, only, scaled


async def test_cycle_when_many_bars_were_missing_then_buys_pause_and_resume_by_themselves() -> None:
    home = Home()
    home.bars = [*home.bars[:10], *home.bars[20:]]
    await home.live(10)
    records = await home.live(8, Action.BUY)
    paused = [r for r in records if r.outcome is CycleOutcome.PAUSED]
    assert [r.outcome for r in records[:4]] == [*[CycleOutcome.PAUSED] * 3, CycleOutcome.ORDERED]
    assert len(paused) == 3
    assert "gap" in paused[0].flags
    assert codes(paused[0]) == ["data_quality"]
    (refusal,) = paused[0].refusals
    assert refusal.message.startswith("trading pauses: 2 of 2 data sources fail, 10% may: feed BTC/USDT (score 0.")
    assert (refusal.value, refusal.limit) == ("1", "0.1")


async def test_cycle_when_trading_pauses_and_resumes_then_each_is_noted_once_in_the_audit_log() -> None:
    home = Home()
    home.bars = [*home.bars[:10], *home.bars[20:]]
    await home.live(20)
    home.inside.new_desk()
    await home.inside.desk.recover()
    await home.live(5)
    notes = [e for e in home.inside.journal.entries if isinstance(e, AuditRecord)]
    assert [(n.kind, n.ts_ms) for n in notes] == [
        ("data_paused", home.bars[10].close_ms),
        ("data_resumed", home.bars[13].close_ms),
    ]
    assert notes[0].detail.startswith("2 of 2 data sources fail")


async def test_cycle_when_one_bar_is_missing_and_nothing_trades_then_nothing_pauses() -> None:
    home = Home()
    silent = [replace(c, volume=0.0) for c in home.bars[11].candles]
    home.bars = [*home.bars[:10], replace(home.bars[11], candles=tuple(silent)), *home.bars[12:]]
    await home.live(10)
    (record,) = await home.live(1, Action.BUY)
    assert set(record.flags) == {"gap", "no_volume"}
    assert record.outcome is CycleOutcome.ORDERED


async def test_cycle_when_the_data_fail_then_a_holding_is_sold_all_the_same() -> None:
    home = Home()
    home.bars = [*home.bars[:10], *home.bars[20:]]
    await home.live(10)
    await home.alert(Side.BUY)
    (record,) = await home.live(1, Action.SELL)
    assert record.outcome is CycleOutcome.ORDERED
    await home.live(1)
    assert not home.risk.account.position(BTC).quantity


async def test_signal_when_a_bar_is_overdue_though_no_cycle_runs_then_a_buy_is_denied_and_a_sell_is_not() -> None:
    home = Home()
    await home.live(10)
    assert (await home.alert(Side.BUY)).status is SignalStatus.FILLED
    late_ms = 3 * MINUTE + 1
    denied = await home.alert(Side.BUY, late_ms)
    assert (denied.status, codes(denied)) == (SignalStatus.DENIED, ["data_quality"])
    assert "feed BTC/USDT (overdue, score 1.00, limit 0.5)" in denied.refusals[0].message
    assert (await home.alert(Side.BUY, late_ms, order_type=OrderType.LIMIT, price=Decimal(29_500))).refusals
    assert (await home.alert(Side.SELL, late_ms)).status is SignalStatus.FILLED
    await home.live(1)
    assert (await home.alert(Side.BUY)).status is SignalStatus.FILLED


async def test_signal_when_another_symbol_is_silent_then_it_pauses_until_that_one_is_gone() -> None:
    home = Home(140)
    home.bars = [*home.bars[:10], *(only(b, BTC) for b in home.bars[10:])]
    await home.live(13)
    assert (await home.alert(Side.BUY)).status is SignalStatus.FILLED
    await home.live(1)
    assert codes(await home.alert(Side.BUY)) == ["data_quality"]
    await home.live(96)
    assert home.inside.desk.quality(home.inside.desk.clock_ms).paused
    await home.live(2)
    assert (await home.alert(Side.BUY)).status is SignalStatus.FILLED
    signal = Signal("eth", "id:eth", 0, ETH, Side.BUY, OrderType.MARKET, quantity=Decimal("0.1"))
    denied = await home.inside.desk.run_signal(99, signal, home.inside.desk.clock_ms)
    assert codes(denied) == ["data_quality"]
    assert "the symbol's data fail: feed ETH/USDT (overdue" in denied.refusals[0].message


async def test_cycle_when_the_price_halves_in_a_minute_and_comes_back_then_nothing_is_sold_at_it() -> None:
    home = Home(risk=RiskConfig(per_trade_pct=Decimal(50)))
    await home.live(9)
    await home.alert(Side.BUY, quantity=Decimal("0.15"))
    await home.live(1)
    home.bars[10] = scaled(home.bars[10], 0.4)
    (record,) = await home.live(1, Action.SELL)
    assert (record.outcome, codes(record)) == (CycleOutcome.DENIED, ["implausible"])
    assert "implausible" in record.flags
    assert record.refusals[0].limit == "-50.00%"
    assert float(record.refusals[0].value.rstrip("%")) == pytest.approx(-60, abs=1)
    denied = await home.alert(Side.SELL)
    assert codes(denied) == ["implausible"]
    assert home.risk.marks[BTC] == to_money(close(home.bars[9]))
    assert home.risk.trading is TradingState.ACTIVE, "a price that nobody believes trips no loss limit"
    (record,) = await home.live(1, Action.SELL)
    assert record.outcome is CycleOutcome.ORDERED
    assert home.risk.marks[BTC] == to_money(close(home.bars[11]))


async def test_cycle_when_the_price_jumps_in_a_minute_then_nothing_is_bought_until_the_next_bar_confirms() -> None:
    home = Home()
    await home.live(10)
    home.bars[10:] = [scaled(b, 2.5) for b in home.bars[10:]]
    (record,) = await home.live(1, Action.BUY)
    assert set(codes(record)) == {"data_quality", "implausible"}
    assert record.outcome is CycleOutcome.PAUSED
    (record,) = await home.live(1, Action.BUY)
    assert record.outcome is CycleOutcome.ORDERED
    assert home.risk.marks[BTC] == to_money(close(home.bars[11]))


async def test_signal_when_the_price_is_implausible_then_protection_and_limits_are_entered_all_the_same() -> None:
    home = Home(risk=RiskConfig(per_trade_pct=Decimal(50)))
    await home.live(9)
    await home.alert(Side.BUY, quantity=3 * LOT)
    await home.live(1)
    home.bars[10] = scaled(home.bars[10], 0.4)
    await home.live(1)
    limit = await home.alert(Side.SELL, order_type=OrderType.LIMIT, price=Decimal(31_000))
    stop = await home.alert(Side.SELL, order_type=OrderType.STOP_LOSS, price=Decimal(28_500))
    trail = await home.alert(Side.SELL, order_type=OrderType.TRAILING_STOP, trail_pct=Decimal(5))
    assert [codes(r) for r in (limit, stop, trail)] == [[], [], ["implausible"]]


async def test_stop_when_a_print_that_nobody_else_shows_touches_it_then_it_stays_and_a_true_fall_reaches_it() -> None:
    home = Home()
    await home.live(9)
    entry = await home.alert(Side.BUY, stop_loss=Decimal(25_000))
    await home.live(1)
    home.bars[10] = scaled(home.bars[10], 0.4)
    home.bars[13:] = [scaled(b, 0.4) for b in home.bars[13:]]
    (stop,) = [o for o in home.inside.journal.orders.values() if o.intent.origin is Origin.EXIT]
    key = stop.intent.client_order_id
    await home.live(3)
    assert home.inside.journal.orders[key].status is OrderStatus.ACCEPTED
    await home.live(1)
    assert home.inside.journal.orders[key].status is OrderStatus.ACCEPTED
    await home.live(1)
    sold = home.inside.journal.orders[key]
    assert (entry.status, sold.status) == (SignalStatus.FILLED, OrderStatus.FILLED)
    assert sold.average_price < 13_500


class Watched(Home):
    """Two exchanges that quote BTC; `tell` sets their prices as of the next bar's close."""

    def __init__(self) -> None:
        self.connectors = {name: Connector(Exchange(venue=name)) for name in ("near", "far")}
        super().__init__(real=self.connectors)

    def tell(self, age_ms: int = 0, **prices: float) -> None:
        at_ms = self.bars[self.at].close_ms - age_ms
        for name, price in prices.items():
            cents = to_money(round(price, 2))
            self.connectors[name].quotes = {BTC: Quote(cents - 1, cents + 1, at_ms)}


async def test_cycle_when_another_source_shows_the_fall_too_then_it_is_sold() -> None:
    home = Watched()
    await home.live(10)
    assert (await home.alert(Side.BUY)).status is SignalStatus.FILLED
    home.bars[10] = scaled(home.bars[10], 0.4)
    home.tell(near=close(home.bars[10]))
    (record,) = await home.live(1, Action.SELL)
    assert record.outcome is CycleOutcome.ORDERED
    assert home.risk.marks[BTC] == to_money(close(home.bars[10]))


async def test_cycle_when_the_only_witness_is_old_then_it_says_nothing() -> None:
    home = Watched()
    await home.live(10)
    await home.alert(Side.BUY)
    home.bars[10] = scaled(home.bars[10], 0.4)
    home.tell(age_ms=30_001, near=close(home.bars[10]))
    (record,) = await home.live(1, Action.SELL)
    assert codes(record) == ["implausible"]
    assert home.inside.desk.quality(0).of(BTC, "near") is None


async def test_cycle_when_a_venue_quotes_another_price_then_both_deviate_and_it_resumes_when_they_agree() -> None:
    home = Watched()
    await home.live(10)
    home.tell(near=1.05 * close(home.bars[10]))
    (record,) = await home.live(1, Action.BUY)
    assert (record.outcome, "deviation" in record.flags) == (CycleOutcome.PAUSED, True)
    report = home.inside.desk.quality(home.inside.desk.clock_ms)
    assert [(s.name, s.trouble, round(s.deviation, 2)) for s in report.failing] == [
        ("feed", "deviation", 0.05),
        ("near", "deviation", 0.05),
    ]
    home.tell(near=close(home.bars[11]))
    (record,) = await home.live(1, Action.BUY)
    assert (record.outcome, record.flags) == (CycleOutcome.ORDERED, ())


async def test_cycle_when_a_live_desk_catches_up_then_an_old_close_is_not_held_against_the_price_of_now() -> None:
    home = Watched()
    await home.live(10)
    batch = home.bars[10]
    now_ms = batch.close_ms + 3 * MINUTE
    home.tell(age_ms=-3 * MINUTE, near=1.05 * close(batch))
    home.inside.wants = Action.BUY
    (record, _) = await home.inside.desk.run_cycle(batch, now_ms)
    assert (record.outcome, record.flags) == (CycleOutcome.PAUSED, ("stale",))
    batch = home.bars[11]
    (record, _) = await home.inside.desk.run_cycle(batch, batch.close_ms + 2_000)
    assert (record.outcome, record.flags) == (CycleOutcome.ORDERED, ())


async def test_cycle_when_one_of_three_sources_is_wrong_then_only_that_one_fails() -> None:
    home = Watched()
    await home.live(10)
    home.tell(near=1.4 * close(home.bars[10]), far=close(home.bars[10]))
    (record,) = await home.live(1)
    assert record.flags == ()
    report = home.inside.desk.quality(home.inside.desk.clock_ms)
    assert [s.name for s in report.failing] == ["near"]
    home.connectors["near"].silent = 1_000
    home.tell(far=close(home.bars[11]))
    (record,) = await home.live(1, Action.BUY)
    assert record.outcome is CycleOutcome.ORDERED, "a venue that is silent is no source, and stops nobody"


async def test_begin_when_a_symbol_is_traded_no_more_then_its_silence_pauses_nothing() -> None:
    home = Home()
    home.bars = [*home.bars[:10], *(only(b, BTC) for b in home.bars[10:])]
    await home.live(16)
    assert codes(await home.alert(Side.BUY)) == ["data_quality"]
    await home.inside.desk.begin(replace(run_record((BTC,)), run_id="r2"))
    assert (await home.alert(Side.BUY)).status is SignalStatus.FILLED
    home.inside.new_desk()
    await home.inside.desk.recover()
    assert [s.symbol for s in home.inside.desk.quality(home.inside.desk.clock_ms).sources] == [BTC]


def test_note_when_the_bars_become_longer_then_no_gap_is_seen_between_them() -> None:
    data = DataQuality(QualityConfig())
    for batch in batches(10):
        data.note(batch)
    hours = [replace(b, ts_ms=(at + 500_000) * 60 * MINUTE, interval_ms=60 * MINUTE) for at, b in enumerate(batches(5))]
    for batch in hours:
        moved = tuple(replace(c, ts_ms=batch.ts_ms) for c in batch.candles)
        assert data.note(replace(batch, candles=moved)) == {BTC: (), ETH: ()}
    assert not data.report(hours[-1].close_ms).paused
