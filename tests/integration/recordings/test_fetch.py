"""`fks data fetch` as a process of its own, through the real ccxt, against the simulated exchange."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import ccxt
import pytest

from fks_actors.adapters.exchange_sim.config import SimConfig
from fks_actors.adapters.exchange_sim.server import RunningSim, running_sim
from fks_actors.adapters.feeds.files import read
from fks_actors.adapters.recordings.formats import about_of
from tests.cli_runs import Ran
from tests.integration.exchange_sim.conftest import Admin, make_client

ROOT = Path(__file__).parents[3]
START = "import sys; from fks_actors.cli.main import main; sys.argv[0] = 'fks'; main()"
MINUTE = 60_000
BARS = 4_200
"""Five pages."""
SLOW = {"kind": "latency", "path": "klines", "ms": 400}


@dataclass
class Scene:
    """A running exchange and the minutes before it was opened, which nothing changes any more."""

    sim: RunningSim
    admin: Admin
    since_ms: int
    until_ms: int

    def args(self, *symbols: str) -> tuple[str, ...]:
        since, until = (datetime.fromtimestamp(ms / 1000, UTC).isoformat() for ms in (self.since_ms, self.until_ms))
        asked = symbols or ("BTC/USDT",)
        return (*asked, "--timeframe", "1m", "--since", since, "--until", until, "--base-url", self.sim.url)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    until_ms = time.time_ns() // 1_000_000 // MINUTE * MINUTE - 10 * MINUTE
    config = SimConfig(symbols=("BTC/USDT", "ETH/USDT"))
    async with running_sim(config) as sim, aiohttp.ClientSession() as session:
        yield Scene(sim, Admin(sim.admin_url, session), until_ms - BARS * MINUTE, until_ms)


async def start(home: Path, *args: str) -> asyncio.subprocess.Process:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FKS_", "RAY_"))}
    environ = {**kept, "FKS_HOME": str(home), "PYTHONPATH": str(ROOT)}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", START, "data", *args, stdout=pipe, stderr=pipe, env=environ
    )


async def fks_data(home: Path, *args: str) -> Ran:
    process = await start(home, *args)
    async with asyncio.timeout(90):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


async def fetched(home: Path, scene: Scene, *symbols: str) -> list[dict[str, Any]]:
    ran = await fks_data(home, "fetch", *scene.args(*symbols), "--json")
    assert ran.code == 0, ran.err
    found: list[dict[str, Any]] = json.loads(ran.out)
    return found


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.01)


def file_of(home: Path) -> Path:
    return home / "data" / "binance" / "BTC-USDT-1m.parquet"


def part_of(home: Path) -> Path:
    return file_of(home).with_name("BTC-USDT-1m.parquet.part")


def bars_of(path: Path) -> list[tuple[float, ...]]:
    c = read(str(path)).columns
    return list(zip(*(x.tolist() for x in (c.times, c.open, c.high, c.low, c.close, c.volume)), strict=True))


async def test_fetch_when_all_is_well_then_the_store_holds_what_the_exchange_tells(
    scene: Scene, tmp_path: Path
) -> None:
    (btc, eth) = await fetched(tmp_path, scene, "BTC/USDT", "ethusdt")
    assert (btc["symbol"], btc["fetched"], btc["rows"], btc["pages"]) == ("BTC/USDT", BARS, BARS, 5)
    assert (eth["symbol"], eth["rows"]) == ("ETH/USDT", BARS)
    held = bars_of(file_of(tmp_path))
    assert [bar[0] for bar in held] == list(range(scene.since_ms, scene.until_ms, MINUTE))
    client = make_client(scene.sim)
    try:
        told = await client.fetch_ohlcv("BTC/USDT", "1m", scene.since_ms + 2_500 * MINUTE, 300)
    finally:
        await client.close()
    assert held[2_500:2_800] == [tuple(map(float, row)) for row in told]
    about = about_of(file_of(tmp_path))
    assert about["source"] == f"binance at {scene.sim.url}"
    assert (about["timeframe"], about["symbol"], about["ccxt"]) == ("1m", "BTC/USDT", ccxt.__version__)
    assert datetime.fromisoformat(about["fetched_at"]).tzinfo == UTC
    listed = json.loads((await fks_data(tmp_path, "list", "--json")).out)
    assert [(r["exchange"], r["symbol"], r["timeframe"], r["rows"], r["gaps"]["count"]) for r in listed] == [
        ("binance", "BTC/USDT", "1m", BARS, 0),
        ("binance", "ETH/USDT", "1m", BARS, 0),
    ]


async def test_fetch_when_killed_in_the_middle_then_the_next_one_goes_on_and_makes_the_same_file(
    scene: Scene, tmp_path: Path
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    await scene.admin.post("/faults", **SLOW)
    process = await start(killed, "fetch", *scene.args())
    await until(lambda: part_of(killed).exists() and part_of(killed).stat().st_size > 1_500 * 48)
    process.kill()
    await process.communicate()
    assert not file_of(killed).exists()
    assert part_of(killed).exists()
    await scene.admin.delete("/faults")
    (again,) = await fetched(killed, scene)
    assert 0 < again["fetched"] <= BARS - 1_500
    assert again["rows"] == BARS
    assert not part_of(killed).exists()
    await fetched(whole, scene)
    assert bars_of(file_of(killed)) == bars_of(file_of(whole))
    (complete,) = await fetched(killed, scene)
    assert (complete["fetched"], complete["pages"]) == (0, 0)


async def test_fetch_when_interrupted_then_the_file_is_sound_and_the_next_one_goes_on(
    scene: Scene, tmp_path: Path
) -> None:
    await scene.admin.post("/faults", **SLOW)
    process = await start(tmp_path, "fetch", *scene.args())
    await until(lambda: part_of(tmp_path).exists() and part_of(tmp_path).stat().st_size > 0)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    assert process.returncode == 130
    assert "fks: interrupted" in err.decode()
    assert b"Traceback" not in out + err
    held = len(bars_of(file_of(tmp_path)))
    assert 0 < held < BARS
    assert not part_of(tmp_path).exists()
    (again,) = await fetched(tmp_path, scene)
    assert (again["fetched"], again["rows"]) == (BARS - held, BARS)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "http_error", "status": 429},
        {"kind": "drop_reply"},
    ],
    ids=["429", "drop_reply"],
)
async def test_fetch_when_the_exchange_is_in_trouble_then_it_asks_again_and_no_bar_is_lost(
    scene: Scene, tmp_path: Path, fault: dict[str, Any]
) -> None:
    await scene.admin.post("/faults", **fault, path="klines", count=2)
    (found,) = await fetched(tmp_path, scene)
    assert (await scene.admin.get("/faults"))["struck"] == 2
    assert (found["rows"], len(bars_of(file_of(tmp_path)))) == (BARS, BARS)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("BTC/USDX", "--since", "2024-01-01"), "no spot market BTC/USDX"),
        (("BTC/USDT", "--since", "2999-01-01"), "holds no closed bar"),
        (("BTC/USDT", "--since", "2024-01-01", "--exchange", "binanse"), "ccxt knows no exchange 'binanse'"),
    ],
)
async def test_fetch_when_the_order_makes_no_sense_then_it_says_so_and_nothing_is_stored(
    scene: Scene, tmp_path: Path, args: tuple[str, ...], says: str
) -> None:
    ran = await fks_data(tmp_path, "fetch", *args, "--base-url", scene.sim.url, "--json")
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert list((tmp_path / "data").rglob("*.*")) == []


async def test_fetch_when_the_store_is_no_folder_then_it_says_so(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    ran = await fks_data(tmp_path, "fetch", *scene.args(), "--json")
    assert (ran.code, ran.out) == (2, "")
    assert "cannot be written" in ran.err
    assert "Traceback" not in ran.err
