"""Everything at once: orders of every kind, operators, strangers and restarts, while any call may break.

The exchange is the judge: its trades are the journal's, its balances are risk's, nothing was sent twice, no order
before it was written, and what was bought with a stop is never left without one, unless a verdict's sale takes it over.
"""

import contextlib
from collections.abc import Awaitable, Callable
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.desk import exits
from fks_actors.desk.closing import EXITS_FIRST
from fks_actors.desk.state import Change
from fks_actors.errors import ActorUnavailable, JournalConflict
from fks_actors.execution.ids import client_order_id
from fks_actors.execution.order_state import TERMINAL
from fks_actors.model.orders import ZERO, Fill, Order, OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import ControlRecord, CycleRecord, EquityPoint, Signal, TradingState
from fks_actors.model.votes import Action
from fks_actors.risk.codec import decode
from tests.in_process import Breaker, InProcessDesk
from tests.market import SYMBOLS, batches
from tests.unit.desk.council import PROTECTED, Council
from tests.unit.desk.exchange import Connector, Exchange, foreign
from tests.unit.desk.test_real_venue import BTC

VENUES = ("one", "two")
OPINIONS = (Action.BUY, Action.BUY, Action.SELL, Action.HOLD)
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"exchange": "two"},
    {"order_type": OrderType.LIMIT, "price": Decimal(29_500)},
    {"order_type": OrderType.LIMIT, "price": Decimal(29_500), "stop_loss": Decimal(25_000)},
    {"side": Side.SELL, "quantity": Decimal("0.005")},
    {"side": Side.SELL, "quantity": None},
    {"stop_loss": Decimal(25_000), "take_profit": Decimal(40_000)},
    {"stop_loss": Decimal(25_000), "exchange": "two"},
    {"trail_pct": Decimal(5)},
    {
        "side": Side.SELL,
        "order_type": OrderType.STOP_LOSS,
        "price": Decimal(29_000),
        "stop_loss": Decimal(29_000),
        "take_profit": Decimal(31_500),
        "oco": True,
    },
)


class World:
    """A desk with two exchanges, and dice."""

    def __init__(self, seed: int, rate: float, opinionated: bool = False) -> None:
        self.breaker = Breaker(seed, rate)
        self.rate = rate
        self.exchanges = {name: Exchange(venue=name) for name in VENUES}
        self.connectors = {name: Connector(each) for name, each in self.exchanges.items()}
        said = Council(lambda number: Random(f"{seed}-{number}").choice(OPINIONS))
        more: dict[str, Any] = {"council": said, "agents": PROTECTED} if opinionated else {}
        self.inside = InProcessDesk(SYMBOLS, self.breaker, real=dict(self.connectors), **more)
        for each in self.exchanges.values():
            each.written = self.inside.journal.orders
        self.sent = 0
        self.asked = 0

    @property
    def dice(self) -> Random:
        return self.breaker.random

    @property
    def desk(self) -> Any:
        return self.inside.desk

    def restart(self, connectors: bool = True) -> None:
        """The desk dies, and perhaps the connectors with it."""
        for name, each in self.exchanges.items():
            if connectors:
                orders = self.inside.journal.orders.items()
                known = [k for k, o in orders if o.status not in TERMINAL and o.intent.venue == name]
                self.connectors[name] = self.inside.real[name] = Connector(each, known)
        self.inside.new_desk()

    async def until_done(self, step: Callable[[], Awaitable[Any]]) -> Any:
        """Run a step as the coordinator does."""
        while True:
            try:
                return await step()
            except (ActorUnavailable, JournalConflict):
                while True:
                    with contextlib.suppress(ActorUnavailable, JournalConflict):
                        self.restart(self.dice.random() < 0.3)
                        await self.desk.recover()
                        break

    async def signal(self) -> None:
        """An alert of some kind."""
        self.sent += 1
        number = self.sent
        fields = {"side": Side.BUY, "order_type": OrderType.MARKET, "quantity": Decimal("0.01")}
        alert = Signal(f"s{number}", f"id:{number}", 0, BTC, **{**fields, **self.dice.choice(KINDS)})

        async def once() -> None:
            if self.desk.inbox_cursor < number:
                await self.desk.run_signal(number, alert, self.desk.clock_ms)

        await self.until_done(once)

    def open_at(self, name: str, foreign_too: bool = True) -> list[str]:
        orders = self.exchanges[name].orders.items()
        return [
            k for k, o in orders if o.status not in TERMINAL and (foreign_too or o.intent.origin is not Origin.EXTERNAL)
        ]

    def believed(self, name: str) -> Decimal:
        """What risk believes that the venue holds: nobody sells what was bought and not told yet."""
        return decode(self.inside.journal.snapshots["risk"].payload).accounts[name].position(BTC).quantity

    def untold_sales(self, name: str) -> Decimal:
        """What was sold at the venue and is not in the journal yet."""
        booked = {entry.trade_id for entry in self.inside.journal.entries if isinstance(entry, Fill)}
        fills = (fill for fills in self.exchanges[name].trades.values() for fill in fills)
        return sum((f.quantity for f in fills if f.side is Side.SELL and f.trade_id not in booked), ZERO)

    async def trade_something(self, name: str) -> None:
        """Some of what works trades, in whole or in part, and is told at once or later.

        A stranger's trade is told at once: else the desk sells what he sold, or a sale comes before its purchase.
        """
        exchange = self.exchanges[name]
        keys = self.open_at(name)
        if not keys:
            return
        key = self.dice.choice(keys)
        order = exchange.orders[key]
        left = order.intent.quantity - order.filled_quantity
        if order.intent.side is Side.SELL:
            left = min(left, self.believed(name) - self.untold_sales(name))
        part = left if self.dice.random() < 0.6 else (left / 2).quantize(Decimal("0.00001"))
        if part > 0:
            exchange.trade(key, part, order.intent.stop_price or order.intent.limit_price or order.intent.market_price)
        strange = order.intent.origin is Origin.EXTERNAL
        if strange or self.dice.random() < 0.7:
            self.connectors[name].happened(*(k for k in (key, order.intent.oco_id) if k in exchange.orders))
        if strange:
            self.connectors[name].silent = self.connectors[name].dropped = 0
            await self.collect()

    def stranger(self, name: str) -> None:
        """Somebody enters an order by hand."""
        exchange = self.exchanges[name]
        own = [o for o in exchange.orders.values() if o.intent.origin is not Origin.EXTERNAL]
        if not own:
            return
        other = foreign(f"ext-{name}-{len(exchange.orders)}", own[0])
        side = self.dice.choice((Side.BUY, Side.SELL))
        quantity = self.dice.choice((Decimal("0.003"), Decimal("0.02")))
        plain = {"order_type": OrderType.LIMIT, "oco_id": "", "limit_price": None, "stop_price": None}
        intent = replace(other.intent, side=side, quantity=quantity, venue=name, **plain)
        self.connectors[name].found(Order(intent, OrderStatus.ACCEPTED, 0))

    async def operator(self) -> None:
        """An operator does something, and his client may say it twice."""
        self.asked += 1
        now = self.desk.clock_ms
        orders = [o.intent.client_order_id for o in self.desk.open_orders]
        request = f"q{self.asked // 2}"
        deed = self.dice.choice(("cancel", "replace", "halt", "reduce", "resume", "resume"))
        if deed == "cancel" and orders:
            keys = [self.dice.choice(orders)]
            await self.until_done(lambda: self.desk.cancel(request, keys, now))
        elif deed == "replace" and orders:
            key, change = self.dice.choice(orders), Change(price=Decimal(self.dice.choice((26_000, 29_000))))
            await self.until_done(lambda: self.desk.replace(request, key, change, now))
        elif deed in ("halt", "reduce", "resume"):
            state = {"halt": TradingState.HALTED, "reduce": TradingState.REDUCING, "resume": TradingState.ACTIVE}[deed]
            record = ControlRecord(now, state, "operator", "")
            await self.until_done(lambda: self.desk.control(request, record))

    def weather(self) -> None:
        for name in VENUES:
            self.exchanges[name].share = self.dice.choice([Decimal(1), Decimal("0.5"), ZERO])
            self.exchanges[name].fee_in_base = self.dice.random() < 0.5
            self.exchanges[name].refused = {OrderType.STOP_LOSS} if self.dice.random() < 0.05 else set()
            connector = self.connectors[name]
            connector.silent = int(self.dice.random() < self.rate)
            connector.dropped = int(self.dice.random() < self.rate)

    async def collect(self) -> None:
        for name in VENUES:
            await self.until_done(lambda n=name: self.desk.collect(n, self.desk.clock_ms))

    async def calm(self) -> None:
        """The weather clears, everything is told, and an operator resumes."""
        for name in VENUES:
            self.exchanges[name].refused, self.exchanges[name].share = set(), Decimal(1)
        for _ in range(4):
            for name in VENUES:
                self.connectors[name].silent = self.connectors[name].dropped = 0
                self.connectors[name].happened(*self.exchanges[name].orders)
            await self.collect()
        self.breaker._rate = 0
        record = ControlRecord(self.desk.clock_ms, TradingState.ACTIVE, "operator", "")
        await self.until_done(lambda: self.desk.control("the-end", record))
        for _ in range(4):
            for name in VENUES:
                self.connectors[name].happened(*self.exchanges[name].orders)
            await self.collect()

    # --- the laws ---

    def books_agree(self) -> None:
        journal = self.inside.journal
        booked = [entry for entry in journal.entries if isinstance(entry, Fill)]
        for name, exchange in self.exchanges.items():
            traded = [fill for fills in exchange.trades.values() for fill in fills]
            here = [f for f in booked if f.venue == name]
            assert sorted(f.trade_id for f in here) == sorted(f.trade_id for f in traded)
            assert len(set(exchange.entered)) == len(exchange.entered)
            assert not exchange.unwritten
            for key, order in exchange.orders.items():
                held = journal.orders[key]
                assert (held.status, held.filled_quantity) == (order.status, order.filled_quantity), key
            assert self.believed(name) == exchange.held(BTC)

    def protected(self) -> None:
        """Every bracket covers what is left of it, or gave up loudly, or ended."""
        steps = self.desk._steps
        reservations = decode(self.inside.journal.snapshots["risk"].payload).reservations
        open_orders = {o.intent.client_order_id for o in self.desk.open_orders}
        assert set(reservations) <= open_orders
        for bracket in steps.memory.brackets.values():
            left = exits.due(bracket, steps.orders.find)
            rules = self.inside._markets[BTC]
            assert (
                bracket.failures >= exits.MAX_FAILURES
                or bracket.signal_id in self.desk._follow_up._waits
                or not exits.sellable(left, steps.memory.marks[BTC], rules)
            ), bracket
            assert not list(exits.overdone(bracket, steps.orders.find)), bracket
        assert not steps.memory.closings

    def sales_were_proposed(self) -> None:
        """A verdict's SELL that waits for exits is not lost: of those since the last word that calls them off, one was
        proposed (the others found it waiting). Where nothing is ever silent, each was."""
        journal = self.inside.journal
        since: list[bool] = []
        for entry in journal.entries:
            halted = isinstance(entry, EquityPoint) and entry.state is TradingState.HALTED
            if isinstance(entry, CycleRecord) and entry.note == EXITS_FIRST:
                legs = (client_order_id(entry.decision_id, leg) for leg in range(len(VENUES)))
                since.append(any(f"close-{key}" in journal.chain for key in legs))
                assert since[-1] or self.rate, entry.decision_id
            elif halted or (isinstance(entry, CycleRecord) and entry.verdict.action is Action.BUY):
                since.clear()
        assert any(since) or not since


async def lived(seed: int, rate: float, bars: int = 30, opinionated: bool = False) -> World:
    """A world after some bars of trouble and a calm end."""
    world = World(seed, rate, opinionated)
    await world.until_done(lambda: world.desk.recover())
    for batch in batches(bars):
        world.weather()
        await world.until_done(lambda b=batch: world.desk.run_cycle(b))
        if world.dice.random() < (0.3 if opinionated else 0.8):
            await world.signal()
        for name in VENUES:
            if world.dice.random() < 0.5:
                await world.trade_something(name)
        if world.dice.random() < 0.1:
            world.stranger(world.dice.choice(VENUES))
        if world.dice.random() < 0.3:
            await world.operator()
        await world.collect()
    await world.calm()
    return world


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.1, 0.3])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1_000_000))
async def test_run_when_everything_happens_and_any_call_breaks_then_the_exchanges_agree(seed: int, rate: float) -> None:
    world = await lived(seed, rate)
    world.books_agree()
    world.protected()


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.1, 0.3])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1_000_000))
async def test_run_when_verdicts_are_protected_and_any_call_breaks_then_the_exchanges_agree(
    seed: int, rate: float
) -> None:
    world = await lived(seed, rate, opinionated=True)
    world.books_agree()
    world.protected()
    world.sales_were_proposed()
