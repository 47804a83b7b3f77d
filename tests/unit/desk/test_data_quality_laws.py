"""Laws of a desk whose data goes bad, wherever it breaks; and what recordings make of them."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.adapters.feeds.replay import load
from fks_actors.desk.data_quality import DataQuality
from fks_actors.market.config import QualityConfig
from fks_actors.model.candles import BarBatch
from fks_actors.model.markets import Quote
from fks_actors.model.orders import Order, OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import CycleOutcome, CycleRecord, Signal
from fks_actors.model.votes import Action
from tests.in_process import Breaker
from tests.market import MINUTE, SYMBOLS, batches
from tests.unit.desk.quality_scene import BTC, LOT, Decided, Home, codes, only, scaled


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
