from decimal import Decimal

import pytest

from fks_actors.execution.book import PaperBook
from fks_actors.execution.config import PaperConfig
from fks_actors.execution.paper import PaperVenue
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.orders import VenueEvent
from tests.unit.execution.cases import BTC, HOUR_MS, T0, batch, book
from tests.unit.execution.conformance import Bench, VenueConformance


class PaperBench(Bench):
    symbol = BTC
    price = Decimal(100)
    interval_ms = HOUR_MS

    def __init__(self) -> None:
        self._config = PaperConfig()
        paper = book(self._config)
        paper.advance(batch(0, 100, 101, 99, 100))
        self.venue = PaperVenue(self._config, paper)
        self._now_ms = T0 + HOUR_MS
        self._at = 100.0

    def now_ms(self) -> int:
        return self._now_ms

    async def move(self, price: Decimal) -> tuple[VenueEvent, ...]:
        self._at = float(price)
        return await self.pass_time(HOUR_MS)

    async def pass_time(self, ms: int) -> tuple[VenueEvent, ...]:
        at = self._at
        bar = BarBatch(self._now_ms, ms, (Candle(BTC, self._now_ms, at, at + 0.5, at - 0.5, at, 1_000.0),))
        self._now_ms += ms
        return await self.venue.advance(bar)

    async def restart(self) -> None:
        paper = PaperBook.restore(self._config, self.venue.markets(), self.venue.book.state())
        self.venue = PaperVenue(self._config, paper)


class TestPaperVenue(VenueConformance):
    @pytest.fixture
    def bench(self) -> Bench:
        return PaperBench()
