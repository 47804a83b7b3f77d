"""The shadows' actor: it follows a journal that grows, begins anew where it began, and needs nothing of the desk."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fks_actors.actors.shadow import ShadowActor
from fks_actors.actors.wiring import ShadowsTold
from fks_actors.adapters.sql import SqlJournal
from fks_actors.agents.config import AgentsConfig
from fks_actors.backtest.shadows import shadow_plans
from fks_actors.model.records import RunRecord
from fks_actors.settings import Settings
from tests.in_process import CASH, run_record
from tests.integration.shadows.scene import OTHER, SYMBOLS, WARM, Follower, Written, read, settings_of
from tests.market import batches

SETTINGS = settings_of("flat", "buy_and_hold", b=True)


def told(written_url: str, begins: Path | None = None, run_id: str = "r1", settings: Settings = SETTINGS) -> Any:
    record = run_record(SYMBOLS)
    record = RunRecord(run_id, *(getattr(record, name) for name in RunRecord.__struct_fields__[1:]))
    plans = shadow_plans(settings, read)
    return ShadowsTold(written_url, record, plans, settings.shadows, WARM, str(begins or ""), own_process=False)


@contextlib.asynccontextmanager
async def running(what: ShadowsTold) -> AsyncIterator[ShadowActor]:
    actor = ShadowActor(what)
    await actor.start()
    try:
        yield actor
    finally:
        await actor.close()


async def until(actor: ShadowActor, holds: Callable[[dict[str, Any]], bool], seconds: float = 60.0) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while True:
        said = await actor.told()
        if holds(said):
            return said
        assert time.monotonic() < end, f"{actor.activity()}: {said}"
        await asyncio.sleep(0.02)


def at(clock_ms: int) -> Callable[[dict[str, Any]], bool]:
    return lambda said: said["clock_ms"] == clock_ms and not said["behind"]


@pytest.fixture
async def written(tmp_path: Path) -> Written:
    written = Written(tmp_path)
    await written.open()
    return written


async def test_actor_when_the_journal_grows_then_it_follows_and_its_gauges_tell(written: Written) -> None:
    bars = batches(240)
    await written.trade(bars[:120])
    async with running(told(written.url)) as actor:
        await until(actor, at(bars[119].close_ms))
        await written.trade(bars[120:])
        said = await until(actor, at(bars[-1].close_ms))
        assert actor.activity() == "following"
        samples = {(name, dict(labels)["shadow"]): value for name, _, labels, value in actor.telemetry.snapshot()}
    follower = Follower(written.url, SETTINGS)
    assert {row["name"]: row["equity"] for row in said["items"]} == await follower.follow()
    assert said["items"] == follower.shadows.rows(written.curve()[-1].equity)
    for row in said["items"]:
        assert samples["fks_shadow_equity", row["name"]] == float(Decimal(row["equity"]))
        assert samples["fks_shadow_up", row["name"]] == 1.0
    twin = next(row for row in said["items"] if row["name"] == "twin")
    assert twin["difference"] == "0.00000000"


async def test_actor_when_it_dies_and_another_takes_its_place_then_the_same_to_the_last_digit(
    written: Written, tmp_path: Path
) -> None:
    bars, begins = batches(200), tmp_path / "shadows" / "begins.json"
    await written.trade(bars[:100])
    async with running(told(written.url, begins)) as actor:
        await until(actor, at(bars[99].close_ms))
    await written.trade(bars[100:])
    async with running(told(written.url, begins)) as actor:
        again = await until(actor, at(bars[-1].close_ms))
    async with running(told(written.url)) as actor:
        fresh = await until(actor, at(bars[-1].close_ms))
    assert again == fresh
    assert {row["begin_ms"] for row in again["items"]} == {bars[0].ts_ms}
    assert (begins.stat().st_mode & 0o777, begins.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_actor_when_the_desk_starts_again_then_shadows_go_on_and_a_changed_one_begins_anew(
    written: Written, tmp_path: Path
) -> None:
    bars, begins = batches(200), tmp_path / "begins.json"
    await written.trade(bars[:100])
    async with running(told(written.url, begins)) as actor:
        await until(actor, at(bars[99].close_ms))
    await written.open("r2")
    await written.trade(bars[100:])
    changed = SETTINGS.model_copy(update={"agents": AgentsConfig(minds=("short_term", "mid_term", "long_term"))})
    for settings, run_id, later in ((SETTINGS, "r2", set()), (changed, "r2", {"flat", "buy_and_hold", "twin", "b"})):
        async with running(told(written.url, begins, run_id, settings)) as actor:
            said = await until(actor, at(bars[-1].close_ms))
        assert {row["name"] for row in said["items"] if row["begin_ms"] == bars[100].ts_ms} == later
        assert {row["begin_ms"] for row in said["items"]} <= {bars[0].ts_ms, bars[100].ts_ms}
    assert {row["run"] for row in json.loads(begins.read_text()).values()} == {"r2"}


@pytest.mark.parametrize("held", ["", "[]", '{"flat": 3}', '{"flat": {"run": "gone", "mark": "x"}}', "\x00\xff"])
async def test_actor_when_its_file_is_damaged_then_all_begin_with_the_run(
    written: Written, tmp_path: Path, held: str
) -> None:
    begins = tmp_path / "begins.json"
    begins.write_text(held, encoding="latin-1")
    bars = batches(60)
    await written.trade(bars)
    async with running(told(written.url, begins)) as actor:
        said = await until(actor, at(bars[-1].close_ms))
    assert {row["begin_ms"] for row in said["items"]} == {bars[0].ts_ms}


async def test_actor_when_the_journal_is_not_there_yet_or_has_no_run_then_it_waits_and_then_follows(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    async with running(told(url)) as actor:
        said = await until(actor, lambda said: bool(said["trouble"]))
        assert said["items"] == []
        assert "journal.db" in actor.activity()
        SqlJournal(url, lambda: 0).close()
        await until(actor, lambda said: said["trouble"] == "the desk has not begun yet")
        written = Written(tmp_path)
        await written.open()
        bars = batches(10)
        await written.trade(bars)
        said = await until(actor, at(bars[-1].close_ms))
    assert said["trouble"] == ""
    assert said["items"][0]["equity"] == str(CASH)


async def test_actor_when_the_journal_is_moved_away_for_a_while_then_it_says_so_and_goes_on(
    written: Written, tmp_path: Path
) -> None:
    bars = batches(60)
    await written.trade(bars)
    async with running(told(written.url)) as actor:
        before = await until(actor, at(bars[-1].close_ms))
        file = tmp_path / "journal.db"
        file.rename(tmp_path / "away.db")
        await until(actor, lambda said: bool(said["trouble"]))
        (tmp_path / "away.db").rename(file)
        after = await until(actor, lambda said: not said["trouble"])
    assert after["items"] == before["items"]


def test_told_when_configured_then_plans_fit_and_the_other_configuration_is_read() -> None:
    assert [plan.name for plan in told("sqlite:////j.db").plans] == ["flat", "buy_and_hold", "twin", "b"]
    assert told("sqlite:////j.db").plans[-1].settings == OTHER
    assert "hunter2" not in repr(told("postgresql://user:hunter2@host/db"))
