"""kill -9 of the shadows while the desk trades: the desk does not notice, and who takes their place knows the same."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from fks_actors.actors import names
from fks_actors.backtest.shadows import shadow_plans
from fks_actors.errors import ActorUnavailable
from tests.integration.shadows.scene import Follower
from tests.live import LiveDesk, settings_of
from tests.market import batches, write_files

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]

BARS = 500
SPEED = 60 * 25


async def shadows_at(desk: LiveDesk, clock_ms: int, seconds: float = 60.0) -> dict[str, Any]:
    """What the shadows tell once they have followed to an instant."""
    end, said = time.monotonic() + seconds, {}
    while time.monotonic() < end:
        try:
            said = await desk.desk.shadows()
        except ActorUnavailable:
            said = {}
        if said and said["clock_ms"] >= clock_ms and not said["behind"]:
            return said
        await asyncio.sleep(0.1)
    raise AssertionError(f"waited {seconds} s for the shadows: {said}")


@pytest.mark.usefixtures("ray_session")
async def test_kill_when_the_shadows_die_then_the_desk_goes_on_and_the_next_tell_the_same(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    bars = batches(BARS)
    feed = write_files(tmp_path / "files", bars)
    desk = LiveDesk(tmp_path, "chaos-shadows", feed, SPEED)
    try:
        await desk.start()
        await shadows_at(desk, bars[60].close_ms)
        seen = desk.counts()["decisions"]
        pid = await desk.kill(names.SHADOWS)
        await desk.until("decisions after the kill", lambda _: desk.counts()["decisions"] > seen + 40)
        await desk.until("the end of the recording", lambda s: s["feed"]["ended"], 120.0)
        said = await shadows_at(desk, bars[-1].close_ms)
        assert desk.counts()["decisions"] == 2 * BARS
        assert await desk.pid(names.SHADOWS) != pid
        settings = settings_of(feed)
        follower = Follower(desk.journal_url, settings, "run", shadow_plans(settings, lambda _: settings))
        assert {row["name"]: row["equity"] for row in said["items"]} == await follower.follow()
        assert [row["name"] for row in said["items"]] == list(settings.shadows.baselines)
        assert all(row["fills"] for row in said["items"][1:5])
        assert said["tests"] == follower.shadows.tests()
        page = str(await desk.desk.metrics())
        assert f'fks_shadow_equity{{shadow="sma"}} {float(said["items"][2]["equity"])!r}' in page
        assert 'fks_actor_restarts_total{actor="shadows"} 1.0' in page
    finally:
        desk.close()
