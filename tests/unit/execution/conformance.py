"""What every venue keeps to. Subclass `VenueConformance`, give it the `bench` fixture, and it runs over the venue.

The suite speaks of the port's contract alone. Fees may be paid in base (then less can be sold than was bought), a fill
may come in several trades at several prices, and an event may come later than the call that caused it. How the paper
venue prices a bar is tested beside the paper book.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

import pytest

from fks_actors.execution.order_state import TERMINAL, WORKING, apply
from fks_actors.execution.venue import Venue
from fks_actors.model.orders import (
    ZERO,
    Approved,
    Fill,
    Order,
    OrderIntent,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Origin,
    Side,
    VenueEvent,
)
from fks_actors.risk.rulings import approve

BUY, SELL = Side.BUY, Side.SELL
UP, DOWN = Decimal("1.1"), Decimal("0.9")


class Bench(ABC):
    """A venue on the bench: flat, with cash for at least 10 x `quantity` of `symbol`, the market near `price`.

    `quantity` (base) is what one order trades; a tenth of it is above the venue's least order. `interval_ms` is the
    shortest time between two slices of a TWAP that the bench can tell apart. `patience` is how many times the suite
    calls `wait` for an event to come.
    """

    venue: Venue
    symbol: str
    price: Decimal
    quantity: Decimal = Decimal(1)
    interval_ms: int = 200
    patience: int = 1

    @abstractmethod
    def now_ms(self) -> int:
        """The venue's time."""

    @abstractmethod
    async def move(self, price: Decimal) -> tuple[VenueEvent, ...]:
        """Let the market trade at `price`, in plenty, within 1 % of it, and return what the venue then says."""

    @abstractmethod
    async def pass_time(self, ms: int) -> tuple[VenueEvent, ...]:
        """Let `ms` pass at the market's present price and return what the venue then says."""

    @abstractmethod
    async def restart(self) -> None:
        """Replace `venue` by one that begins with no more than what survives the end of its process."""

    async def wait(self) -> tuple[VenueEvent, ...]:
        """A moment later: what the venue says meanwhile. A venue that answers at once has nothing to add."""
        return ()


@dataclass(slots=True)
class Told:
    """The orders as the venue's events tell of them; every event must be legal and every trade new."""

    orders: dict[str, Order] = field(default_factory=dict)
    trades: dict[str, Fill] = field(default_factory=dict)

    def entered(self, approved: Approved) -> None:
        intent = approved.intent
        self.orders.setdefault(intent.client_order_id, Order(intent, OrderStatus.SUBMITTED, intent.ts_ms))

    def hear(self, events: tuple[VenueEvent, ...]) -> None:
        for event in events:
            if isinstance(event, Fill):
                assert event.trade_id not in self.trades
                assert event.fee >= 0
                assert event.fee_quantity >= 0
                assert event.price > 0
                self.trades[event.trade_id] = event
            self.orders[event.client_order_id] = apply(self.orders[event.client_order_id], event)

    def held(self, base: str) -> Decimal:
        """The position that the trades make, fees in base deducted."""
        traded = sum((f.quantity if f.side is BUY else -f.quantity for f in self.trades.values()), ZERO)
        return traded - sum((f.fee_quantity for f in self.trades.values() if f.fee_asset == base), ZERO)


class VenueConformance:
    """Give the fixture `bench`."""

    @pytest.fixture
    def bench(self) -> Bench:
        raise NotImplementedError("a conformance suite needs its own `bench` fixture")

    # --- what the tests are made of ---

    def order(
        self, bench: Bench, n: int, side: Side = BUY, limit: Decimal | None = None, **figures: object
    ) -> Approved:
        fields: dict[str, object] = {
            "client_order_id": f"fks-conformance-{n}",
            "origin": Origin.SIGNAL,
            "origin_id": f"signal-{n}",
            "venue": bench.venue.name,
            "symbol": bench.symbol,
            "side": side,
            "order_type": OrderType.MARKET if limit is None else OrderType.LIMIT,
            "quantity": bench.quantity,
            "market_price": bench.price,
            "ts_ms": bench.now_ms(),
            "limit_price": limit,
            **figures,
        }
        return approve(OrderIntent(**fields), ZERO)  # type: ignore[arg-type]

    def near(self, bench: Bench, factor: Decimal | str) -> Decimal:
        """`factor` of the market's first price, on the tick."""
        return bench.venue.markets()[bench.symbol].floor_price(bench.price * Decimal(factor))

    def far(self, bench: Bench) -> Decimal:
        """A limit price well under the market."""
        return self.near(bench, DOWN)

    async def enter(self, bench: Bench, told: Told, *approved: Approved, again: bool = False) -> Order:
        """Submit together; the first one's order once the venue has spoken of each."""
        for one in approved:
            told.entered(one)
        told.hear(await bench.venue.submit(approved, again))
        ids = [one.intent.client_order_id for one in approved]
        unheard = (OrderStatus.SUBMITTED, OrderStatus.UNKNOWN)
        await self.until(bench, told, lambda: all(told.orders[i].status not in unheard for i in ids))
        return told.orders[ids[0]]

    async def until(self, bench: Bench, told: Told, condition: Callable[[], bool]) -> None:
        for _ in range(bench.patience):
            if condition():
                return
            told.hear(await bench.wait())
        assert condition(), told.orders

    async def ended(self, bench: Bench, told: Told, approved: Approved, status: OrderStatus) -> Order:
        """The order at its end, about which `lookup` agrees."""
        client_order_id = approved.intent.client_order_id
        await self.until(bench, told, lambda: told.orders[client_order_id].status in TERMINAL)
        order = told.orders[client_order_id]
        assert order.status is status, order
        seen = await bench.venue.lookup(client_order_id)
        assert seen is not None
        assert (seen.status, seen.filled_quantity) == (status, order.filled_quantity)
        assert abs(seen.average_price - order.average_price) <= bench.venue.markets()[bench.symbol].tick
        return order

    async def still_works(self, bench: Bench, told: Told, *approved: Approved) -> None:
        told.hear(await bench.wait())
        ids = {one.intent.client_order_id for one in approved}
        assert all(told.orders[i].status in WORKING for i in ids), told.orders
        assert {o.intent.client_order_id for o in await bench.venue.open_orders()} == ids

    async def nothing_works(self, bench: Bench, told: Told) -> None:
        assert not [o for o in told.orders.values() if o.status in WORKING]
        assert await bench.venue.open_orders() == ()

    async def holding(self, bench: Bench, told: Told, n: int) -> Decimal:
        """Buy at the market; what can be sold of it, on the venue's step."""
        bought = self.order(bench, n)
        await self.enter(bench, told, bought)
        told.hear(await bench.move(bench.price))
        await self.ended(bench, told, bought, OrderStatus.FILLED)
        rules = bench.venue.markets()[bench.symbol]
        return rules.floor_quantity(told.held(rules.base))

    def pair(self, bench: Bench, n: int, held: Decimal) -> tuple[Approved, Approved]:
        """A stop 10 % under and a target 10 % over the market, of which one cancels the other."""
        stop, target = f"fks-conformance-{n}", f"fks-conformance-{n + 1}"
        legs = {"quantity": held, "origin": Origin.EXIT, "origin_id": f"signal-{n}"}
        kind = {"order_type": OrderType.STOP_LOSS, "stop_price": self.near(bench, DOWN)}
        return (
            self.order(bench, n, SELL, oco_id=target, **kind, **legs),
            self.order(bench, n + 1, SELL, self.near(bench, UP), oco_id=stop, **legs),
        )

    def part(self, bench: Bench, parts: int) -> Decimal:
        """One of `parts` of the quantity, on the venue's step."""
        step = bench.venue.markets()[bench.symbol].step
        return (bench.quantity / parts / step).to_integral_value(rounding=ROUND_DOWN) * step

    # --- market and limit ---

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
