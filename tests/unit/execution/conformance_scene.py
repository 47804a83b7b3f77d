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


class VenueScene:
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
