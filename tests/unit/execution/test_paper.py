from decimal import Decimal

import pytest

from fks_actors.execution.config import PaperConfig
from fks_actors.execution.paper import PaperVenue
from fks_actors.model.orders import VenueEvent
from tests.unit.execution.cases import BTC, HOUR_MS, T0, batch, book
from tests.unit.execution.conformance import Bench, VenueConformance


class PaperBench(Bench):
    symbol = BTC
    price = Decimal(100)

    def __init__(self) -> None:
        config = PaperConfig()
        paper = book(config)
        paper.advance(batch(0, 100, 101, 99, 100))
        self.venue = PaperVenue(config, paper)
        self.bars = 1

    def now_ms(self) -> int:
        return T0 + self.bars * HOUR_MS

    async def move(self, price: Decimal) -> tuple[VenueEvent, ...]:
        at = float(price)
        bar = batch(self.bars, at, at + 1, at - 1, at)
        self.bars += 1
        return await self.venue.advance(bar)


class TestPaperVenue(VenueConformance):
    @pytest.fixture
    def bench(self) -> Bench:
        return PaperBench()
