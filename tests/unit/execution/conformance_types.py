"""What every venue keeps to for the order types beyond market and limit."""

from decimal import Decimal

import pytest

from fks_actors.execution.order_state import TERMINAL
from fks_actors.model.orders import (
    OrderStatus,
    OrderType,
)
from tests.unit.execution.conformance_scene import DOWN, SELL, UP, Bench, Told, VenueScene


class TypesConformance(VenueScene):
    """Stops, trailing stops, pairs, icebergs and TWAPs."""

    @pytest.mark.parametrize("restarts", [False, True])
    async def test_protective_sell_when_the_market_falls_to_it_then_sells_at_the_market(
        self, bench: Bench, restarts: bool
    ) -> None:
        told = Told()
        held = await self.holding(bench, told, 30)
        kind = {"order_type": OrderType.STOP_LOSS, "stop_price": self.near(bench, "0.95")}
        placed = self.order(bench, 31, SELL, quantity=held, **kind)
        assert (await self.enter(bench, told, placed)).status is OrderStatus.ACCEPTED
        told.hear(await bench.move(self.near(bench, "1.05")))
        await self.still_works(bench, told, placed)
        if restarts:
            await bench.restart()
            await self.still_works(bench, told, placed)
        told.hear(await bench.move(self.near(bench, DOWN)))
        order = await self.ended(bench, told, placed, OrderStatus.FILLED)
        assert self.near(bench, "0.85") < order.average_price <= self.near(bench, "0.95")

    async def test_take_profit_sell_when_the_market_rises_to_it_then_sells_at_the_market(self, bench: Bench) -> None:
        told = Told()
        held = await self.holding(bench, told, 32)
        kind = {"order_type": OrderType.TAKE_PROFIT, "stop_price": self.near(bench, "1.05")}
        placed = self.order(bench, 33, SELL, quantity=held, **kind)
        assert (await self.enter(bench, told, placed)).status is OrderStatus.ACCEPTED
        told.hear(await bench.move(self.near(bench, "0.95")))
        await self.still_works(bench, told, placed)
        told.hear(await bench.move(self.near(bench, UP)))
        assert (await self.ended(bench, told, placed, OrderStatus.FILLED)).average_price > self.near(bench, "1.05")

    @pytest.mark.parametrize(
        ("n", "kind", "trigger", "away", "reached"),
        [
            (34, OrderType.STOP_LOSS, "1.05", "0.95", UP),
            (35, OrderType.TAKE_PROFIT, "0.95", "1.03", DOWN),
        ],
    )
    async def test_buy_stop_when_the_market_reaches_it_then_buys_at_the_market(
        self, bench: Bench, n: int, kind: OrderType, trigger: str, away: str, reached: Decimal
    ) -> None:
        told = Told()
        placed = self.order(bench, n, order_type=kind, stop_price=self.near(bench, trigger))
        assert (await self.enter(bench, told, placed)).status is OrderStatus.ACCEPTED
        told.hear(await bench.move(self.near(bench, away)))
        await self.still_works(bench, told, placed)
        told.hear(await bench.move(self.near(bench, reached)))
        order = await self.ended(bench, told, placed, OrderStatus.FILLED)
        assert abs(order.average_price - self.near(bench, reached)) <= bench.price / 50

    async def test_stop_when_cancelled_then_the_market_no_longer_triggers_it(self, bench: Bench) -> None:
        told = Told()
        held = await self.holding(bench, told, 36)
        kind = {"order_type": OrderType.STOP_LOSS, "stop_price": self.near(bench, "0.95")}
        placed = self.order(bench, 37, SELL, quantity=held, **kind)
        await self.enter(bench, told, placed)
        told.hear(await bench.venue.cancel([placed.intent.client_order_id], bench.now_ms()))
        told.hear(await bench.move(self.near(bench, DOWN)))
        assert (await self.ended(bench, told, placed, OrderStatus.CANCELLED)).filled_quantity == 0
        await self.nothing_works(bench, told)

    # --- trailing stop ---

    @pytest.mark.parametrize("restarts", [False, True])
    async def test_trailing_sell_when_the_market_rose_then_sells_on_the_way_down_from_the_top(
        self, bench: Bench, restarts: bool
    ) -> None:
        told = Told()
        held = await self.holding(bench, told, 40)
        kind = {"order_type": OrderType.TRAILING_STOP, "trail_pct": Decimal(5)}
        placed = self.order(bench, 41, SELL, quantity=held, **kind)
        assert (await self.enter(bench, told, placed)).status is OrderStatus.ACCEPTED
        for factor in (UP, "1.08"):
            told.hear(await bench.move(self.near(bench, factor)))
            await self.still_works(bench, told, placed)
        if restarts:
            await bench.restart()
            await self.still_works(bench, told, placed)
        told.hear(await bench.move(self.near(bench, "1.02")))
        order = await self.ended(bench, told, placed, OrderStatus.FILLED)
        assert order.average_price > self.near(bench, "0.99")

    async def test_trailing_buy_when_the_market_fell_then_buys_on_the_way_up_from_the_bottom(
        self, bench: Bench
    ) -> None:
        told = Told()
        placed = self.order(bench, 42, order_type=OrderType.TRAILING_STOP, trail_pct=Decimal(5))
        assert (await self.enter(bench, told, placed)).status is OrderStatus.ACCEPTED
        for factor in (DOWN, "0.92"):
            told.hear(await bench.move(self.near(bench, factor)))
            await self.still_works(bench, told, placed)
        told.hear(await bench.move(self.near(bench, "0.98")))
        assert (await self.ended(bench, told, placed, OrderStatus.FILLED)).average_price < self.near(bench, "1.01")

    # --- one cancels the other ---

    @pytest.mark.parametrize("restarts", [False, True])
    async def test_pair_when_the_market_reaches_the_target_then_the_stop_is_cancelled(
        self, bench: Bench, restarts: bool
    ) -> None:
        told = Told()
        held = await self.holding(bench, told, 50)
        stop, target = self.pair(bench, 51, held)
        await self.enter(bench, told, stop, target)
        await self.still_works(bench, told, stop, target)
        if restarts:
            await bench.restart()
            await self.still_works(bench, told, stop, target)
        told.hear(await bench.move(self.near(bench, "1.2")))
        sold = await self.ended(bench, told, target, OrderStatus.FILLED)
        assert sold.average_price >= self.near(bench, UP)
        assert (await self.ended(bench, told, stop, OrderStatus.CANCELLED)).filled_quantity == 0
        told.hear(await bench.move(self.near(bench, "0.8")))
        await self.nothing_works(bench, told)

    async def test_pair_when_the_market_reaches_the_stop_then_the_target_is_cancelled(self, bench: Bench) -> None:
        told = Told()
        held = await self.holding(bench, told, 53)
        stop, target = self.pair(bench, 54, held)
        await self.enter(bench, told, stop, target)
        told.hear(await bench.move(self.near(bench, "0.85")))
        sold = await self.ended(bench, told, stop, OrderStatus.FILLED)
        assert sold.average_price <= self.near(bench, DOWN)
        assert (await self.ended(bench, told, target, OrderStatus.CANCELLED)).filled_quantity == 0
        told.hear(await bench.move(self.near(bench, "1.2")))
        await self.nothing_works(bench, told)

    async def test_pair_when_both_legs_are_cancelled_then_neither_trades(self, bench: Bench) -> None:
        told = Told()
        held = await self.holding(bench, told, 56)
        legs = self.pair(bench, 57, held)
        await self.enter(bench, told, *legs)
        told.hear(await bench.venue.cancel([leg.intent.client_order_id for leg in legs], bench.now_ms()))
        for leg in legs:
            await self.ended(bench, told, leg, OrderStatus.CANCELLED)
        for factor in ("0.8", "1.2"):
            told.hear(await bench.move(self.near(bench, factor)))
        await self.nothing_works(bench, told)

    # --- iceberg and TWAP ---

    async def test_iceberg_when_the_market_trades_through_then_fills_in_whole_within_its_limit(
        self, bench: Bench
    ) -> None:
        told = Told()
        limit = self.far(bench)
        kind = {"order_type": OrderType.ICEBERG, "display_quantity": self.part(bench, 4)}
        placed = self.order(bench, 70, limit=limit, **kind)
        assert (await self.enter(bench, told, placed)).status is OrderStatus.ACCEPTED
        told.hear(await bench.move(bench.price))
        await self.still_works(bench, told, placed)
        told.hear(await bench.move(limit * DOWN))
        order = await self.ended(bench, told, placed, OrderStatus.FILLED)
        assert order.average_price <= limit
        assert order.filled_quantity == bench.quantity

    async def test_iceberg_when_cancelled_then_nothing_of_it_works_any_more(self, bench: Bench) -> None:
        told = Told()
        kind = {"order_type": OrderType.ICEBERG, "display_quantity": self.part(bench, 4)}
        placed = self.order(bench, 71, limit=self.far(bench), **kind)
        await self.enter(bench, told, placed)
        told.hear(await bench.venue.cancel([placed.intent.client_order_id], bench.now_ms()))
        assert (await self.ended(bench, told, placed, OrderStatus.CANCELLED)).filled_quantity == 0
        told.hear(await bench.move(self.near(bench, "0.8")))
        await self.nothing_works(bench, told)

    @pytest.mark.parametrize("restarts", [False, True])
    async def test_twap_when_time_passes_then_trades_slice_by_slice_and_in_whole(
        self, bench: Bench, restarts: bool
    ) -> None:
        told = Told()
        slices = 4
        kind = {"order_type": OrderType.TWAP, "slices": slices, "duration_ms": slices * bench.interval_ms}
        placed = self.order(bench, 80, **kind)
        client_order_id = placed.intent.client_order_id
        assert (await self.enter(bench, told, placed)).status not in TERMINAL
        told.hear(await bench.pass_time(bench.interval_ms))
        await self.until(bench, told, lambda: told.orders[client_order_id].filled_quantity > 0)
        assert told.orders[client_order_id].status is OrderStatus.PARTIALLY_FILLED
        if restarts:
            await bench.restart()
        for _ in range(slices):
            told.hear(await bench.pass_time(bench.interval_ms))
        order = await self.ended(bench, told, placed, OrderStatus.FILLED)
        assert order.filled_quantity == bench.quantity
        assert len({f.trade_id for f in told.trades.values()}) >= slices

    async def test_twap_when_cancelled_half_way_then_the_rest_is_not_traded(self, bench: Bench) -> None:
        told = Told()
        kind = {"order_type": OrderType.TWAP, "slices": 4, "duration_ms": 4 * bench.interval_ms}
        placed = self.order(bench, 81, **kind)
        client_order_id = placed.intent.client_order_id
        await self.enter(bench, told, placed)
        told.hear(await bench.pass_time(bench.interval_ms))
        await self.until(bench, told, lambda: told.orders[client_order_id].filled_quantity > 0)
        told.hear(await bench.venue.cancel([client_order_id], bench.now_ms()))
        part = (await self.ended(bench, told, placed, OrderStatus.CANCELLED)).filled_quantity
        assert 0 < part < bench.quantity
        for _ in range(4):
            told.hear(await bench.pass_time(bench.interval_ms))
        assert told.orders[client_order_id].filled_quantity == part
        await self.nothing_works(bench, told)
