"""A venue with prices that stand still until a test moves them, and the real ccxt clients on it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt.pro
import pytest

from fks_actors.adapters.exchange_sim.config import MANUAL, SimConfig
from fks_actors.adapters.exchange_sim.server import RunningSim, running_sim
from fks_actors.adapters.exchange_urls import exchange_options

FUNDS = {"USDT": Decimal(100_000), "BTC": Decimal(2)}
CONFIG = SimConfig(
    feed=MANUAL,
    symbols=("BTC/USDT", "ETH/USDT"),
    prices={"BTC/USDT": Decimal(100_000), "ETH/USDT": Decimal(4_000)},
    balances=FUNDS,
    key="test-key",
    secret="test-secret",
)


class Admin:
    """The admin port, as a test asks it."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def get(self, path: str) -> Any:
        async with self._session.get(self._url + path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def post(self, path: str, expected: int = 200, /, **body: Any) -> Any:
        async with self._session.post(self._url + path, json=body) as answer:
            assert answer.status == expected, await answer.text()
            return await answer.json()

    async def delete(self, path: str, **body: Any) -> Any:
        async with self._session.delete(self._url + path, json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


async def until(holds: Callable[[], object], within_s: float = 10.0) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "the condition did not come to hold"
        await asyncio.sleep(0.01)


def awaits(client: Any, name: str) -> bool:
    """Whether the client waits for a message of that name."""
    return any(name in c.futures for c in client.clients.values())


def make_client(sim: RunningSim, **settings: Any) -> Any:
    """ccxt.pro's Binance (REST and websockets) on the venue."""
    keys = {"apiKey": sim.key, "secret": sim.secret, "enableRateLimit": False, "timeout": 5_000}
    return ccxt.pro.binance({**exchange_options("binance", sim.url), **keys, **settings})


@pytest.fixture
async def sim() -> AsyncIterator[RunningSim]:
    async with running_sim(CONFIG) as running:
        yield running


@pytest.fixture
async def client(sim: RunningSim) -> AsyncIterator[Any]:
    made = make_client(sim)
    await made.load_markets()
    yield made
    await made.close()


@pytest.fixture
async def admin(sim: RunningSim) -> AsyncIterator[Admin]:
    async with aiohttp.ClientSession() as session:
        yield Admin(sim.admin_url, session)
