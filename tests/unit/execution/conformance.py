"""What every venue keeps to. Subclass `VenueConformance`, give it the `bench` fixture, and it runs over the venue."""

import pytest

from fks_actors.model.orders import (
    OrderStatus,
    OrderType,
    OrderUpdate,
)
from tests.unit.execution.conformance_scene import DOWN, SELL, Bench, Told
from tests.unit.execution.conformance_types import TypesConformance


class VenueConformance(TypesConformance):
    """Give the fixture `bench`."""

    async def test_market_order_when_submitted_then_trades_and_lookup_agrees(self, bench: Bench) -> None:
        told = Told()
        bought = self.order(bench, 1)
        await self.enter(bench, told, bought)
        told.hear(await bench.move(bench.price))
        order = await self.ended(bench, told, bought, OrderStatus.FILLED)
        assert order.filled_quantity == bench.quantity
        await self.nothing_works(bench, told)

    async def test_resting_order_when_the_market_stays_away_then_works_until_cancelled(self, bench: Bench) -> None:
        told = Told()
        resting = self.order(bench, 3, limit=self.far(bench))
        client_order_id = resting.intent.client_order_id
        assert (await self.enter(bench, told, resting)).status is OrderStatus.ACCEPTED
        told.hear(await bench.move(bench.price))
        await self.still_works(bench, told, resting)
        told.hear(await bench.venue.cancel([client_order_id], bench.now_ms()))
        await self.ended(bench, told, resting, OrderStatus.CANCELLED)
        told.hear(await bench.venue.cancel([client_order_id], bench.now_ms()))
        assert told.orders[client_order_id].status is OrderStatus.CANCELLED
        await self.nothing_works(bench, told)

    async def test_resting_order_when_the_market_trades_through_then_fills_within_its_limit(self, bench: Bench) -> None:
        told = Told()
        limit = self.far(bench)
        resting = self.order(bench, 4, limit=limit)
        await self.enter(bench, told, resting)
        told.hear(await bench.move(limit * DOWN))
        assert (await self.ended(bench, told, resting, OrderStatus.FILLED)).average_price <= limit

    async def test_round_trip_when_bought_and_sold_then_nothing_works_any_more(self, bench: Bench) -> None:
        told = Told()
        sold = self.order(bench, 8, SELL, quantity=await self.holding(bench, told, 7))
        await self.enter(bench, told, sold)
        told.hear(await bench.move(bench.price))
        await self.ended(bench, told, sold, OrderStatus.FILLED)
        rules = bench.venue.markets()[bench.symbol]
        assert 0 <= told.held(rules.base) < rules.step
        await self.nothing_works(bench, told)

    # --- what the venue refuses ---

    async def test_sell_when_nothing_is_held_then_is_rejected_as_a_value(self, bench: Bench) -> None:
        order = await self.enter(bench, Told(), self.order(bench, 5, SELL))
        assert order.status is OrderStatus.REJECTED
        assert order.reason

    async def test_order_when_off_the_venues_grid_then_is_rejected_as_a_value(self, bench: Bench) -> None:
        tick = bench.venue.markets()[bench.symbol].tick
        order = await self.enter(bench, Told(), self.order(bench, 6, limit=self.far(bench) + tick / 3))
        assert order.status is OrderStatus.REJECTED

    @pytest.mark.parametrize(
        ("n", "kind"),
        [
            (61, OrderType.STOP_LOSS),
            (62, OrderType.TAKE_PROFIT),
            (63, OrderType.TRAILING_STOP),
            (64, OrderType.ICEBERG),
            (65, OrderType.TWAP),
        ],
    )
    async def test_order_when_its_types_figures_are_missing_then_is_rejected_as_a_value(
        self, bench: Bench, n: int, kind: OrderType
    ) -> None:
        order = await self.enter(bench, Told(), self.order(bench, n, order_type=kind))
        assert order.status is OrderStatus.REJECTED
        assert order.reason
        assert await bench.venue.open_orders() == ()

    # --- the same id twice ---

    @pytest.mark.parametrize("again", [False, True])
    async def test_submit_when_repeated_then_trades_once(self, bench: Bench, again: bool) -> None:
        told = Told()
        bought = self.order(bench, 2)
        await self.enter(bench, told, bought)
        await self.enter(bench, told, bought, again=again)
        told.hear(await bench.move(bench.price))
        await self.ended(bench, told, bought, OrderStatus.FILLED)
        repeated = await bench.venue.submit([bought], again)
        assert repeated
        told.hear(repeated)
        told.hear(await bench.move(bench.price))
        assert told.orders[bought.intent.client_order_id].filled_quantity == bench.quantity

    async def test_submit_when_the_resting_order_is_repeated_then_one_works(self, bench: Bench) -> None:
        told = Told()
        resting = self.order(bench, 21, limit=self.far(bench))
        await self.enter(bench, told, resting)
        repeated = await bench.venue.submit([resting])
        assert [e.client_order_id for e in repeated] == [resting.intent.client_order_id]
        told.hear(repeated)
        await self.still_works(bench, told, resting)

    async def test_submit_again_when_the_venue_never_had_it_then_enters_it(self, bench: Bench) -> None:
        told = Told()
        resting = self.order(bench, 22, limit=self.far(bench))
        assert (await self.enter(bench, told, resting, again=True)).status is OrderStatus.ACCEPTED
        await self.still_works(bench, told, resting)

    async def test_submit_when_the_order_was_cancelled_then_it_stays_cancelled(self, bench: Bench) -> None:
        told = Told()
        resting = self.order(bench, 23, limit=self.far(bench))
        await self.enter(bench, told, resting)
        told.hear(await bench.venue.cancel([resting.intent.client_order_id], bench.now_ms()))
        await self.ended(bench, told, resting, OrderStatus.CANCELLED)
        told.hear(await bench.venue.submit([resting], again=True))
        await self.nothing_works(bench, told)

    # --- cancel and lookup ---

    async def test_cancel_when_the_order_had_filled_then_answers_that_and_changes_nothing(self, bench: Bench) -> None:
        told = Told()
        bought = self.order(bench, 24)
        await self.enter(bench, told, bought)
        told.hear(await bench.move(bench.price))
        await self.ended(bench, told, bought, OrderStatus.FILLED)
        answer = await bench.venue.cancel([bought.intent.client_order_id], bench.now_ms())
        assert [e.status for e in answer if isinstance(e, OrderUpdate)] == [OrderStatus.FILLED]
        told.hear(answer)

    async def test_cancel_when_the_id_was_never_heard_then_answers_cancelled(self, bench: Bench) -> None:
        (update,) = await bench.venue.cancel(["fks-never"], bench.now_ms())
        assert isinstance(update, OrderUpdate)
        assert (update.client_order_id, update.status) == ("fks-never", OrderStatus.CANCELLED)

    async def test_cancel_when_several_orders_work_then_ends_them_all(self, bench: Bench) -> None:
        told = Told()
        made = [self.order(bench, n, limit=self.far(bench)) for n in (25, 26, 27)]
        await self.enter(bench, told, *made)
        await self.still_works(bench, told, *made)
        told.hear(await bench.venue.cancel([m.intent.client_order_id for m in made], bench.now_ms()))
        for one in made:
            await self.ended(bench, told, one, OrderStatus.CANCELLED)
        await self.nothing_works(bench, told)

    async def test_lookup_when_the_id_was_never_heard_then_is_none(self, bench: Bench) -> None:
        assert await bench.venue.lookup("fks-never") is None

    async def test_markets_when_asked_then_name_the_symbols_rules(self, bench: Bench) -> None:
        rules = bench.venue.markets()[bench.symbol]
        assert rules.symbol == bench.symbol
        assert rules.tick > 0
        assert rules.step > 0

    # --- stops ---
