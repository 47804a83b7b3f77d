"""A desk whose data goes bad: it buys nothing until they are good again, sells what it holds, and says why."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.adapters.feeds.replay import load
from fks_actors.desk.data_quality import DataQuality
from fks_actors.desk.ports import Deliberation
from fks_actors.market.config import QualityConfig
from fks_actors.model.candles import BarBatch, to_money
from fks_actors.model.markets import Quote
from fks_actors.model.orders import Order, OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import AuditRecord, CycleOutcome, CycleRecord, Signal, SignalStatus, TradingState
from fks_actors.model.votes import Action, Verdict
from fks_actors.risk.codec import decode
from fks_actors.risk.config import RiskConfig
from tests.in_process import Breaker, InProcessDesk, run_record
from tests.market import MINUTE, SYMBOLS, batches
from tests.unit.desk.exchange import Connector, Exchange

BTC, ETH = SYMBOLS
LOT = Decimal("0.01")


class Decided(InProcessDesk):
    """A desk whose minds want what `wants` says, whatever they see."""

    wants = Action.HOLD

    async def _deliberate(self, batch: BarBatch, briefing: Any) -> Deliberation:
        said = await super()._deliberate(batch, briefing)
        sign = {Action.BUY: 1.0, Action.SELL: -1.0, Action.HOLD: 0.0}[self.wants]
        verdicts = tuple(
            Verdict(v.symbol, v.ts_ms, self.wants, self.wants, sign, abs(sign), v.threshold) for v in said.verdicts
        )
        return replace(said, verdicts=verdicts)


def scaled(batch: BarBatch, factor: float, symbol: str = BTC) -> BarBatch:
    """The batch as a source tells it that is off by a factor."""
    bars = tuple(
        replace(c, **{k: getattr(c, k) * factor for k in ("open", "high", "low", "close")}) if c.symbol == symbol else c
        for c in batch.candles
    )
    return replace(batch, candles=bars)


def only(batch: BarBatch, *symbols: str) -> BarBatch:
    return replace(batch, candles=tuple(c for c in batch.candles if c.symbol in symbols))


def close(batch: BarBatch, symbol: str = BTC) -> float:
    return next(c.close for c in batch.candles if c.symbol == symbol)


class Home:
    """A desk on the paper venue (or at an exchange) and the bars that it is going to see."""

    def __init__(self, bars: int = 60, **config: Any) -> None:
        self.inside = Decided(SYMBOLS, Breaker(0, 0), **config)
        self.bars = batches(bars)
        self.at = self.sent = 0

    async def live(self, count: int, wants: Action = Action.HOLD) -> list[CycleRecord]:
        """The next `count` bars; BTC's records."""
        self.inside.wants = wants
        if not self.at:
            await self.inside.desk.recover()
        found: list[CycleRecord] = []
        for batch in self.bars[self.at : self.at + count]:
            found += [r for r in await self.inside.desk.run_cycle(batch) if r.symbol == BTC]
        self.at += count
        return found

    async def alert(self, side: Side, later_ms: int = 0, **changes: Any) -> Any:
        self.sent += 1
        fields = {"order_type": OrderType.MARKET, "quantity": LOT, **changes}
        signal = Signal(f"s{self.sent}", f"id:{self.sent}", 0, BTC, side, **fields)
        return await self.inside.desk.run_signal(self.sent, signal, self.inside.desk.clock_ms + later_ms)

    @property
    def risk(self) -> Any:
        return decode(self.inside.journal.snapshots["risk"].payload)


def codes(record: Any) -> list[str]:
    return [refusal.code for refusal in record.refusals]


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


# --- laws ---


def troubled(seed: int, count: int) -> list[BarBatch]:
    """Bars of a feed that goes bad and recovers: gaps, symbols that fail to come, absurd prints, dried-up volume."""
    dice, found = Random(seed), []
    for batch in batches(count):
        luck = dice.random()
        if luck < 0.15 or (found and dice.random() < 0.5 and batch.ts_ms - found[-1].ts_ms > MINUTE):
            continue
        if luck < 0.25:
            batch = only(batch, dice.choice(SYMBOLS))
        elif luck < 0.32:
            batch = scaled(batch, dice.choice((0.3, 0.9, 3.0)), dice.choice(SYMBOLS))
        elif luck < 0.4:
            batch = replace(batch, candles=tuple(replace(c, volume=0.0) for c in batch.candles))
        found.append(batch)
    return found


KINDS: tuple[Mapping[str, Any], ...] = (
    {},
    {"stop_loss": Decimal(20_000)},
    {"order_type": OrderType.TWAP, "duration_s": 120, "slices": 2},
)


async def lived(seed: int, breaker: Breaker, count: int = 50, kinds: Sequence[Mapping[str, Any]] = KINDS) -> Decided:
    """A desk that wants to trade at every bar, and is sent alerts, while its feed goes bad and recovers."""
    home, dice = Decided(SYMBOLS, breaker), Random(seed)
    await home.run(lambda desk: desk.recover())
    for number, batch in enumerate(troubled(seed, count), 1):
        home.wants = dice.choice((Action.BUY, Action.BUY, Action.SELL))
        await home.run(lambda desk, b=batch: desk.run_cycle(b))
        given = {"side": dice.choice(list(Side)), "order_type": OrderType.MARKET, "quantity": LOT, **dice.choice(kinds)}
        alert = Signal(f"s{number}", f"id:{number}", 0, BTC, **given)

        async def once(desk: Any, n: int = number, s: Signal = alert) -> None:
            if desk.inbox_cursor < n:
                await desk.run_signal(n, s, desk.clock_ms)

        await home.run(once)
    await home.run(lambda desk: desk.recover())
    return home


def paused_times(seed: int, count: int = 50) -> set[int]:
    """The closes at which an independent reading of the same bars finds trading paused."""
    data, found = DataQuality(QualityConfig()), set()
    for batch in troubled(seed, count):
        data.note(batch)
        if data.report(batch.close_ms).paused:
            found.add(batch.close_ms)
    return found


def approved_buys(orders: Sequence[Order]) -> list[Order]:
    return [o for o in orders if o.intent.side is Side.BUY and o.status is not OrderStatus.DENIED]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
async def test_run_when_the_feed_goes_bad_and_recovers_then_no_paused_desk_ever_buys(seed: int) -> None:
    home, paused = await lived(seed, Breaker(0, 0)), paused_times(seed)
    bought = approved_buys(list(home.journal.orders.values()))
    assert not {o.intent.ts_ms for o in bought} & paused
    for entry in home.journal.entries:
        if isinstance(entry, CycleRecord) and entry.outcome is CycleOutcome.PAUSED:
            assert "data_quality" in codes(entry)
    exits = [o for o in home.journal.orders.values() if o.intent.origin is Origin.EXIT]
    assert all(o.status is not OrderStatus.DENIED for o in exits)


async def test_run_when_the_feed_goes_bad_then_the_law_above_saw_pauses_and_purchases() -> None:
    seeds = range(5)
    homes = [await lived(seed, Breaker(0, 0)) for seed in seeds]
    assert all(paused_times(seed) for seed in seeds)
    assert all(approved_buys(list(home.journal.orders.values())) for home in homes)
    outcomes = Counter(e.outcome for home in homes for e in home.journal.entries if isinstance(e, CycleRecord))
    assert outcomes[CycleOutcome.PAUSED] > 5
    assert outcomes[CycleOutcome.ORDERED] > 5


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1_000), rate=st.sampled_from([0.02, 0.2]))
async def test_run_when_the_feed_is_bad_and_any_call_breaks_then_the_story_is_the_same(seed: int, rate: float) -> None:
    undisturbed = (await lived(seed, Breaker(0, 0), 30, KINDS[:1])).journal.story()
    disturbed = (await lived(seed, Breaker(seed, rate), 30, KINDS[:1])).journal.story()
    assert disturbed == undisturbed


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(0, 40))
def test_restore_when_cut_anywhere_then_the_memory_goes_on_bit_for_bit(seed: int, cut: int) -> None:
    dice = Random(seed)
    straight, first, second = (DataQuality(QualityConfig()) for _ in range(3))
    bars = troubled(seed, 60)
    quotes = [
        {"okx": {BTC: Quote(Decimal(p - 1), Decimal(p + 1), b.close_ms - dice.choice((0, 90_000)))}}
        for b in bars
        for p in (dice.choice((30_000, 12_000)),)
    ]
    for batch, told in zip(bars[:cut], quotes[:cut], strict=True):
        assert straight.note(batch, told) == first.note(batch, told)
    gates = {symbol: gate.state() for symbol, gate in first.gates.items()}
    state, gates = json.loads(json.dumps([first.state(), gates]))
    second.restore(first.interval_ms, gates, state)
    for batch, told in zip(bars[cut:], quotes[cut:], strict=True):
        assert straight.note(batch, told) == second.note(batch, told)
        assert straight.doubts(SYMBOLS, batch.close_ms, told) == second.doubts(SYMBOLS, batch.close_ms, told)
    assert repr(straight.state()) == repr(second.state())


async def test_restore_when_a_desk_starts_again_then_its_memory_is_the_same_bytes() -> None:
    home = Home()
    home.bars = troubled(3, 60)
    await home.live(20)
    before = home.inside.desk._steps.memory.encode()
    home.inside.new_desk()
    await home.inside.desk.recover()
    assert home.inside.desk._steps.memory.encode() == before


def test_restore_when_the_snapshot_is_from_before_health_was_kept_then_it_begins_anew() -> None:
    old, new = DataQuality(QualityConfig()), DataQuality(QualityConfig())
    for batch in batches(40):
        old.note(batch)
    gates = {symbol: gate.state() for symbol, gate in old.gates.items()}
    for each in gates.values():
        del each["volumes"]
    new.restore(MINUTE, gates, {})
    assert not new.report(batches(41)[-1].close_ms).paused
    new.note(batches(41)[-1])
    assert new.report(batches(41)[-1].close_ms).sources == tuple(
        replace(source, score=1.0) for source in old.report(0).sources
    )


# --- real data ---

DATA = next((p for up in Path(__file__).parents if (p := up / "shared/data/ohlcv").is_dir()), None)
needs_data = pytest.mark.skipif(DATA is None, reason="the recordings in ../shared/data/ohlcv are not here")


def replayed(*names: str) -> tuple[Counter[str], list[int]]:
    """Flags by kind over recordings, and the lengths of the pauses in cycles."""
    assert DATA is not None
    found: Counter[str] = Counter()
    pauses = [0]
    tracks = load((None, str(DATA / name)) for name in names)
    data = DataQuality(QualityConfig())
    columns = {t.symbol: t.columns for t in tracks}
    by_time: dict[int, list[Any]] = {}
    for symbol, each in columns.items():
        for candle in each.candles(symbol, 0, len(each.times)):
            by_time.setdefault(candle.ts_ms, []).append(candle)
    for ts_ms in sorted(by_time):
        batch = BarBatch(ts_ms, tracks[0].interval_ms, tuple(by_time[ts_ms]))
        for flags in data.note(batch).values():
            found.update(flags)
        if data.report(batch.close_ms).paused:
            pauses[-1] += 1
        elif pauses[-1]:
            pauses.append(0)
    return found, [length for length in pauses if length]


@needs_data
def test_replay_when_27_gaps_are_in_five_years_then_it_pauses_after_the_nine_long_ones_alone() -> None:
    flags, pauses = replayed("ETHUSDT-1h-with-gaps.csv.gz")
    assert flags == {"gap": 27, "no_volume": 5, "spike": 1_120, "volume": 136}
    assert pauses == [2, 4, 3, 3, 3, 2, 3, 3, 2]


@needs_data
def test_replay_when_one_bar_is_missing_beside_one_without_volume_then_it_never_pauses() -> None:
    flags, pauses = replayed("BTCUSDT-1h.csv.gz", "ETHUSDT-1h.csv.gz")
    assert (flags["gap"], flags["no_volume"], pauses) == (2, 2, [])
