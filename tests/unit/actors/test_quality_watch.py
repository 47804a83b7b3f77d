"""Data that fail while no bar comes: seen within a second, told everywhere, and no reason to stop for ever."""

import contextlib
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from fks_actors.actors.coordinator import CoordinatorActor
from fks_actors.actors.quality_watch import QualityWatch
from fks_actors.adapters.sql import SqlInbox
from fks_actors.market.config import QualityConfig
from fks_actors.market.health import FEED, Health
from fks_actors.market.quality import Flag
from fks_actors.model.orders import OrderType, Side
from fks_actors.model.records import Signal, SignalStatus
from fks_actors.telemetry import Telemetry
from tests.market import MINUTE, batches
from tests.unit.actors.plain import Scene, until

BTC, ETH = "BTC/USDT", "ETH/USDT"


def figures(telemetry: Telemetry) -> dict[str, float]:
    return {
        " ".join([name, *(value for _, value in sorted(labels))]): value
        for _, name, labels, value in telemetry.snapshot()
    }


def test_look_when_a_source_fails_and_recovers_then_the_gauges_follow_and_each_silence_counts_once() -> None:
    telemetry, health, overdue = Telemetry("test"), Health(QualityConfig()), dict[str, bool]()
    watch = QualityWatch(telemetry, lambda: health.report(overdue))
    health.mark(FEED, BTC)
    health.mark("okx", BTC, (Flag.DEVIATION,), 0, 0.25)
    watch.look()
    found = figures(telemetry)
    assert found[f"fks_data_quality_score feed {BTC}"] == 1.0
    assert found[f"fks_data_quality_score okx {BTC}"] == pytest.approx(0.8)
    assert found[f"fks_price_deviation_ratio okx {BTC}"] == 0.25
    assert (found["fks_sources_failing"], found["fks_trading_paused"]) == (1, 1)
    health.mark("okx", BTC)
    for late in (True, True, False, True):
        overdue.clear()
        overdue.update({BTC: False} if late else {})
        watch.look()
    found = figures(telemetry)
    assert found[f"fks_stale_total {BTC}"] == 2
    overdue.clear()
    watch.look()
    found = figures(telemetry)
    assert (found["fks_sources_failing"], found["fks_trading_paused"]) == (0, 0)


def test_told_when_paused_then_each_source_with_its_score_and_trouble() -> None:
    health = Health(QualityConfig())
    health.mark(FEED, BTC)
    health.mark(FEED, ETH, missing=9)
    told = QualityWatch(Telemetry("test"), lambda: health.report({BTC: False})).told()
    assert (told["paused"], told["failing"], told["share"], told["limit"]) == (True, 2, 1.0, 0.1)
    assert told["reason"].startswith("2 of 2 data sources fail")
    rows = [(r["source"], r["symbol"], r["score"], r["fails"], r["trouble"]) for r in told["sources"]]
    assert rows == [("feed", BTC, 1.0, True, "overdue"), ("feed", ETH, 0.3074, True, "")]


@contextlib.asynccontextmanager
async def running(scene: Scene) -> AsyncIterator[CoordinatorActor]:
    coordinator = scene.coordinator()
    await coordinator.start()
    try:
        yield coordinator
    finally:
        await coordinator.close()


async def test_signal_when_the_live_feed_fell_silent_then_buys_wait_until_the_bars_are_back(tmp_path: Path) -> None:
    scene = Scene(tmp_path, dead_man_s=0)
    now_ms = time.time_ns() // 1_000_000
    scene.feed.waiting = batches(60, start_ms=now_ms // MINUTE * MINUTE - 5 * MINUTE)
    inbox = SqlInbox(scene.config.inbox_url, 1_000, lambda: now_ms)

    async def told(coordinator: CoordinatorActor, name: str, side: Side) -> SignalStatus:
        fields = {"quantity": Decimal("0.005")}
        inbox.put(Signal(name, f"id:{name}", now_ms, BTC, side, OrderType.MARKET, **fields))
        await coordinator.wake()
        await until(lambda: name in scene.journal.signals)
        return scene.journal.signals[name].status

    async with running(scene) as coordinator:
        scene.feed.let = 1
        await until(lambda: coordinator._cycles == 2)
        await until(lambda: figures(coordinator.telemetry).get("fks_trading_paused") == 1)
        assert coordinator.activity().startswith("paused: 2 of 2 data sources fail, 10% may: feed BTC/USDT (overdue")
        quality = (await coordinator.status())["quality"]
        assert [(s["symbol"], s["trouble"]) for s in quality["sources"]] == [(BTC, "overdue"), (ETH, "overdue")]
        assert figures(coordinator.telemetry)[f"fks_stale_total {BTC}"] == 1
        assert await told(coordinator, "while-silent", Side.BUY) is SignalStatus.DENIED
        assert [r.code for r in scene.journal.signals["while-silent"].refusals] == ["data_quality"]
        scene.feed.let = 5
        await until(lambda: coordinator._cycles == 10)
        assert await told(coordinator, "back", Side.BUY) in (SignalStatus.FILLED, SignalStatus.ACCEPTED)
        assert (await coordinator.status())["quality"]["paused"] is False
        assert coordinator.activity() == "trading"
        await until(lambda: figures(coordinator.telemetry)["fks_trading_paused"] == 0)
    flags = [e.flags for e in scene.journal.entries if type(e).__name__ == "CycleRecord" and e.symbol == BTC]
    assert "stale" in flags[0]
    assert "stale" not in flags[-1]
    inbox.close()
