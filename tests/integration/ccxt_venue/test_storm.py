"""Every order type under faults, lost replies and restarts: the exchange and the journal agree to the trade.

Seeded: a failing seed makes the same storm again, as far as the clock allows.
"""

import random
import time
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from fks_actors.actors.exchange_connector import ExchangeConnectorActor
from fks_actors.adapters.ccxt_venue.keys import KeySource
from fks_actors.adapters.exchange_sim.gate import Limits
from fks_actors.adapters.exchange_sim.server import RunningSim
from fks_actors.desk.lineage import Step
from fks_actors.errors import Fenced, VenueUnavailable
from fks_actors.execution.ids import client_order_id
from fks_actors.execution.slices import slice_of
from fks_actors.model.orders import ZERO, Approved, OrderStatus, OrderType, Origin, Side
from fks_actors.risk.rulings import reissue
from tests.integration.ccxt_venue.scene import QUANTITY, SYMBOL, connection, order, simulated
from tests.integration.ccxt_venue.test_connector import DeskJournal
from tests.integration.ccxt_venue.test_trouble import at_the_venue, no_trouble, trouble

UNANSWERED = (OrderStatus.SUBMITTED, OrderStatus.UNKNOWN)
UNSETTLED = (*UNANSWERED, OrderStatus.CANCEL_PENDING)
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "drop_reply", "probability": 0.12, "path": "/order"},
    {"kind": "drop_request", "probability": 0.08, "path": "/order"},
    {"kind": "http_error", "status": 502, "probability": 0.04},
    {"kind": "latency", "ms": 0, "jitter_ms": 700, "probability": 0.04},
)
ENDLESS = Limits(weight=10**6, orders_10s=10**6, orders_day=10**7)


class Storm:
    """A desk that loses one reply in ten, a connector that is replaced now and then, and a market that jumps."""

    def __init__(self, sim: RunningSim, seed: int, native: bool) -> None:
        self.random = random.Random(seed)
        self.sim = sim
        self.journal = DeskJournal()
        self.pairs: list[tuple[str, str]] = []
        settings: dict[str, Any] = {"dead_man_s": 0, "recv_window_ms": 300, "reconcile_s": 0.7, "timeout_s": 0.6}
        breaker = {"failures": 8, "open_s": 0.5, "probes": 1}
        self._config = connection(sim, native=native, breaker=breaker, **settings).config
        self._made = 0
        self._steps = 0

    async def open(self) -> None:
        self.actor = ExchangeConnectorActor(
            "binance", self._config, (SYMBOL,), KeySource("FKS_TEST_KEY", "FKS_TEST_SECRET"), self.journal
        )
        await self.actor.start()

    async def step(self, method: str, *arguments: Any, **named: Any) -> bool:
        """One step of the desk; whether its reply was written down."""
        self._steps += 1
        step = Step(f"s{self._steps}", self.journal.label, 1, time.time_ns() // 1_000_000 + 4_000)
        try:
            reply = await getattr(self.actor, method)(step, *arguments, **named)
        except (VenueUnavailable, Fenced):
            return False
        if self.random.random() < 0.1:
            return False
        self.journal.commit(step, reply)
        return True

    async def round(self) -> None:
        dice = self.random.random()
        if dice < 0.6:
            await self.submit([each for _ in range(self.random.randint(1, 3)) for each in self.made()])
        elif dice < 0.75:
            working = [o.intent.client_order_id for o in await self.journal.open_orders()]
            await self.step("cancel", self.random.sample(working, min(3, len(working))), 0)
        elif dice < 0.95:
            self.sim.venue.set_price("BTCUSDT", self.at(self.random.uniform(0.985, 1.015)))
        else:
            await self.actor.close()
            await self.open()
            await self.recover()

    async def submit(self, orders: list[Approved]) -> None:
        self.journal.sent(*orders)
        if not await self.step("submit", orders):
            await self.recover()

    async def recover(self) -> None:
        """What a desk does after an error: enter again what has no answer, one by one."""
        for found in await self.journal.open_orders():
            if found.status in UNANSWERED:
                await self.step("submit", [reissue(found)], again=True)

    def at(self, factor: float | str) -> Decimal:
        return (self.sim.engine.boards["BTCUSDT"].last * Decimal(str(factor))).quantize(Decimal("0.01"))

    def made(self) -> list[Approved]:
        self._made += 1
        key, side = client_order_id(f"o{self._made}", 0), self.random.choice(list(Side))
        buys = side is Side.BUY
        under, over = ("0.99", "1.01") if buys else ("1.01", "0.99")
        kind = self.random.choice([*OrderType, OrderType.MARKET, None])
        if kind is None:
            other = client_order_id(f"o{self._made}", 1)
            self.pairs.append((key, other))
            stop = {"order_type": OrderType.STOP_LOSS, "stop_price": self.at(over), "oco_id": other}
            return [
                order(key, side, origin=Origin.EXIT, **stop),
                order(other, side, self.at(under), origin=Origin.EXIT, oco_id=key),
            ]
        figures: dict[OrderType, dict[str, Any]] = {
            OrderType.LIMIT: {"limit": self.at(self.random.choice([under, "1.001" if buys else "0.999"]))},
            OrderType.STOP_LOSS: {"stop_price": self.at(over)},
            OrderType.TAKE_PROFIT: {"stop_price": self.at(under)},
            OrderType.TRAILING_STOP: {"trail_pct": Decimal(1)},
            OrderType.ICEBERG: {"limit": self.at(under), "display_quantity": Decimal("0.003")},
            OrderType.TWAP: {"slices": 4, "duration_ms": 4_000},
        }
        return [order(key, side, order_type=kind, **figures.get(kind, {}))]

    async def settle(self, within_s: float) -> None:
        """Until every order has an answer, and nothing more comes."""
        end, quiet = time.monotonic() + within_s, 0
        while quiet < 4:
            assert time.monotonic() < end, [o for o in self.journal.orders.values() if o.status in UNSETTLED]
            await self.recover()
            news = await self.actor.news(0.5)
            await self.step("collect")
            unsettled = any(o.status in UNSETTLED for o in self.journal.orders.values())
            quiet = 0 if unsettled or news else quiet + 1


def parent(key: str) -> str:
    found = slice_of(key)
    return found[0] if found else key


@pytest.mark.parametrize(("seed", "native"), [(11, True), (12, False)])
async def test_storm_when_it_is_over_then_the_exchange_and_the_journal_agree(
    seed: int, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    funds = {"USDT": Decimal(10**9), "BTC": Decimal(1_000)}
    async with simulated(limits=ENDLESS, max_orders=10**5, max_stops=1_000, balances=funds) as sim:
        monkeypatch.setenv("FKS_TEST_KEY", sim.key)
        monkeypatch.setenv("FKS_TEST_SECRET", sim.secret)
        storm = Storm(sim, seed, native)
        await storm.open()
        try:
            for fault in FAULTS:
                await trouble(sim, **fault)
            for _ in range(50):
                await storm.round()
            await no_trouble(sim)
            await storm.settle(60)
        finally:
            await storm.actor.close()

        orders = storm.journal.orders
        assert set(at_the_venue(sim).values()) <= {1}
        executed: dict[str, Decimal] = defaultdict(Decimal)
        for placed in sim.engine.orders.values():
            executed[parent(placed.request.client_id)] += placed.executed
        assert set(executed) <= set(orders)
        assert {k: q for k, q in executed.items() if q} == {
            k: o.filled_quantity for k, o in orders.items() if o.filled_quantity
        }
        booked: dict[str, Decimal] = defaultdict(Decimal)
        for fill in storm.journal.fills.values():
            booked[fill.client_order_id] += fill.quantity
        assert dict(booked) == {k: q for k, q in executed.items() if q}
        assert all(executed.get(a, ZERO) + executed.get(b, ZERO) <= QUANTITY for a, b in storm.pairs)
        working = {o.intent.client_order_id for o in await storm.journal.open_orders()}
        assert {parent(o.request.client_id) for o in sim.engine.open_orders()} <= working
