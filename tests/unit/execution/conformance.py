"""What every venue keeps to. Subclass `VenueConformance`, give it the `bench` fixture, and it runs over the venue."""

from abc import ABC, abstractmethod
from decimal import Decimal

import pytest

from fks_actors.execution.order_state import WORKING, apply
from fks_actors.execution.venue import Venue
from fks_actors.model.orders import (
    ZERO,
    Approved,
    Fill,
    Order,
    OrderIntent,
    OrderStatus,
    OrderType,
    Origin,
    Side,
    VenueEvent,
)
from fks_actors.risk.rulings import approve


class Bench(ABC):
    """A venue on the bench: flat, with cash for at least 10 units of `symbol`, the market near `price`."""

    venue: Venue
    symbol: str
    price: Decimal

    @abstractmethod
    def now_ms(self) -> int:
        """The venue's time."""

    @abstractmethod
    async def move(self, price: Decimal) -> tuple[VenueEvent, ...]:
        """Let the market trade at `price`, in plenty, and return what the venue then says."""


class Told:
    """The orders as the venue's events tell of them; every event must be legal and every trade new."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.trades: set[str] = set()

    def entered(self, approved: Approved) -> None:
        intent = approved.intent
        self.orders.setdefault(intent.client_order_id, Order(intent, OrderStatus.SUBMITTED, intent.ts_ms))

    def hear(self, events: tuple[VenueEvent, ...]) -> None:
        for event in events:
            if isinstance(event, Fill):
                assert event.trade_id not in self.trades
                assert event.fee >= 0
                assert event.price > 0
                self.trades.add(event.trade_id)
            self.orders[event.client_order_id] = apply(self.orders[event.client_order_id], event)


class VenueConformance:
    """Give the fixture `bench`."""

    @pytest.fixture
    def bench(self) -> Bench:
        raise NotImplementedError("a conformance suite needs its own `bench` fixture")

    def order(self, bench: Bench, n: int, side: Side = Side.BUY, limit: Decimal | None = None) -> Approved:
        kind = OrderType.MARKET if limit is None else OrderType.LIMIT
        intent = OrderIntent(
            f"fks-conformance-{n}",
            Origin.SIGNAL,
            f"signal-{n}",
            bench.venue.name,
            bench.symbol,
            side,
            kind,
            Decimal(1),
            bench.price,
            bench.now_ms(),
            limit,
        )
        return approve(intent, ZERO)

    def far(self, bench: Bench) -> Decimal:
        """A limit price well under the market, on the tick."""
        return bench.venue.markets()[bench.symbol].floor_price(bench.price * Decimal("0.9"))

    async def enter(self, bench: Bench, told: Told, approved: Approved) -> Order:
        told.entered(approved)
        told.hear(await bench.venue.submit([approved]))
        return told.orders[approved.intent.client_order_id]

    async def test_market_order_when_submitted_then_trades_and_lookup_agrees(self, bench: Bench) -> None:
        told = Told()
        bought = self.order(bench, 1)
        await self.enter(bench, told, bought)
        told.hear(await bench.move(bench.price))
        order = told.orders[bought.intent.client_order_id]
        assert (order.status, order.filled_quantity) == (OrderStatus.FILLED, Decimal(1))
        seen = await bench.venue.lookup(bought.intent.client_order_id)
        assert seen is not None
        assert (seen.status, seen.filled_quantity) == (OrderStatus.FILLED, Decimal(1))
        assert seen.average_price == order.average_price

    async def test_submit_when_repeated_then_trades_once(self, bench: Bench) -> None:
        told = Told()
        bought = self.order(bench, 2)
        await self.enter(bench, told, bought)
        await self.enter(bench, told, bought)
        told.hear(await bench.move(bench.price))
        again = await bench.venue.submit([bought])
        assert again
        told.hear(again)
        assert told.orders[bought.intent.client_order_id].filled_quantity == Decimal(1)

    async def test_resting_order_when_the_market_stays_away_then_works_until_cancelled(self, bench: Bench) -> None:
        told = Told()
        resting = self.order(bench, 3, limit=self.far(bench))
        client_order_id = resting.intent.client_order_id
        assert (await self.enter(bench, told, resting)).status is OrderStatus.ACCEPTED
        told.hear(await bench.move(bench.price))
        assert [o.intent.client_order_id for o in await bench.venue.open_orders()] == [client_order_id]
        told.hear(await bench.venue.cancel([client_order_id], bench.now_ms()))
        told.hear(await bench.venue.cancel([client_order_id], bench.now_ms()))
        assert told.orders[client_order_id].status is OrderStatus.CANCELLED
        assert await bench.venue.open_orders() == ()

    async def test_resting_order_when_the_market_trades_through_then_fills_within_its_limit(self, bench: Bench) -> None:
        told = Told()
        limit = self.far(bench)
        resting = self.order(bench, 4, limit=limit)
        await self.enter(bench, told, resting)
        told.hear(await bench.move(limit * Decimal("0.9")))
        order = told.orders[resting.intent.client_order_id]
        assert order.status is OrderStatus.FILLED
        assert order.average_price <= limit

    async def test_sell_when_nothing_is_held_then_is_rejected_as_a_value(self, bench: Bench) -> None:
        order = await self.enter(bench, Told(), self.order(bench, 5, Side.SELL))
        assert order.status is OrderStatus.REJECTED
        assert order.reason

    async def test_order_when_off_the_venues_grid_then_is_rejected_as_a_value(self, bench: Bench) -> None:
        tick = bench.venue.markets()[bench.symbol].tick
        order = await self.enter(bench, Told(), self.order(bench, 6, limit=self.far(bench) + tick / 3))
        assert order.status is OrderStatus.REJECTED

    async def test_round_trip_when_bought_and_sold_then_nothing_works_any_more(self, bench: Bench) -> None:
        told = Told()
        await self.enter(bench, told, self.order(bench, 7))
        told.hear(await bench.move(bench.price))
        await self.enter(bench, told, self.order(bench, 8, Side.SELL))
        told.hear(await bench.move(bench.price))
        assert not [o for o in told.orders.values() if o.status in WORKING]
        assert await bench.venue.open_orders() == ()

    async def test_lookup_when_the_id_was_never_heard_then_is_none(self, bench: Bench) -> None:
        assert await bench.venue.lookup("fks-never") is None

    async def test_cancel_when_the_id_was_never_heard_then_is_silent(self, bench: Bench) -> None:
        assert await bench.venue.cancel(["fks-never"], bench.now_ms()) == ()

    async def test_markets_when_asked_then_name_the_symbols_rules(self, bench: Bench) -> None:
        rules = bench.venue.markets()[bench.symbol]
        assert rules.symbol == bench.symbol
        assert rules.tick > 0
        assert rules.step > 0
