"""The venue conformance suite over the real ccxt on the simulated exchange: its own order types, and none of them."""

import asyncio
import time
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from fks_actors.adapters.ccxt_venue.venue import CcxtVenue
from fks_actors.adapters.exchange_sim.server import RunningSim
from fks_actors.model.orders import VenueEvent
from tests.integration.ccxt_venue.scene import PRICE, QUANTITY, SYMBOL, FakeJournal, simulated, trading, until
from tests.unit.execution.conformance import Bench, VenueConformance

NATIVE = [True, False]


class CcxtBench(Bench):
    """A venue on the simulated exchange. A restart keeps what the journal would hold."""

    symbol = SYMBOL
    price = PRICE
    quantity = QUANTITY
    interval_ms = 1_800
    patience = 200

    def __init__(self, sim: RunningSim, native: bool) -> None:
        self._sim = sim
        self._native = native
        self._journal = FakeJournal()
        self._running = trading(sim, self._journal, native=native, recv_window_ms=100)

    async def open(self) -> None:
        self.venue: CcxtVenue = await self._running.__aenter__()

    async def close(self) -> None:
        await self._running.__aexit__(None, None, None)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def move(self, price: Decimal) -> tuple[VenueEvent, ...]:
        self._sim.venue.set_price(SYMBOL.replace("/", ""), price)
        await until(lambda: abs(self.venue.quotes[SYMBOL].bid / price - 1) < Decimal("0.005"))
        return await self.wait()

    async def pass_time(self, ms: int) -> tuple[VenueEvent, ...]:
        await asyncio.sleep(ms / 1_000)
        return await self.wait()

    async def restart(self) -> None:
        kept = self._journal.learn(self.venue)
        await self.close()
        self._running = trading(self._sim, self._journal, kept, native=self._native, recv_window_ms=100)
        await self.open()

    async def wait(self) -> tuple[VenueEvent, ...]:
        await asyncio.sleep(0.05)
        return self.venue._taken()


class TestCcxtVenue(VenueConformance):
    @pytest.fixture(params=NATIVE, ids=["native", "synthetic"])
    async def bench(self, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
        async with simulated() as sim:
            bench = CcxtBench(sim, request.param)
            await bench.open()
            try:
                yield bench
            finally:
                await bench.close()
