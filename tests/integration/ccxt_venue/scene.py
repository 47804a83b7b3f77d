"""A simulated exchange and the venue that trades there through the real ccxt."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import SecretStr

from fks_actors.adapters.ccxt_venue.client import Connection
from fks_actors.adapters.ccxt_venue.keys import Keys
from fks_actors.adapters.ccxt_venue.memory import Memory, decode
from fks_actors.adapters.ccxt_venue.venue import CcxtVenue, open_venue
from fks_actors.adapters.exchange_sim.config import SimConfig
from fks_actors.adapters.exchange_sim.server import RunningSim, running_sim
from fks_actors.adapters.exchange_urls import exchange_options
from fks_actors.execution.order_state import TERMINAL
from fks_actors.execution.venues import VenueConfig
from fks_actors.model.orders import ZERO, Approved, Order, OrderIntent, OrderType, Origin, Side
from fks_actors.risk.rulings import approve
from fks_actors.telemetry import Telemetry

SYMBOL = "BTC/USDT"
PRICE = Decimal(50_000)
QUANTITY = Decimal("0.01")


@dataclass
class FakeJournal:
    """The journal's open orders and trades, as the venue's events tell them."""

    orders: dict[str, Order] = field(default_factory=dict)
    trades: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    async def order(self, client_order_id: str) -> Order | None:
        return self.orders.get(client_order_id)

    async def trade_ids(self, client_order_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        return frozenset(t for key in client_order_ids for t in self.trades.get(key, ()))

    def learn(self, venue: CcxtVenue) -> Memory:
        """Write down everything that the venue told; what a successor starts from."""
        known = venue.tracker._orders
        self.orders = {key: tracked.order for key, tracked in known.items()}
        self.trades = {key: {(venue.name, t) for t in tracked.trades} for key, tracked in known.items()}
        open_orders = tuple(o for o in self.orders.values() if o.status not in TERMINAL)
        ids = {o.intent.client_order_id: known[o.intent.client_order_id].trades for o in open_orders}
        return Memory(open_orders, {k: frozenset(v) for k, v in ids.items()}, decode(venue.notes()))


def connection(sim: RunningSim, **config: Any) -> Connection:
    settings: dict[str, Any] = {"timeout_s": 2.0, "recv_window_ms": 500, "reconcile_s": 0.5, **config}
    return Connection(
        "binance",
        VenueConfig(kind="ccxt", exchange="binance", base_url=sim.url, symbols=(SYMBOL,), **settings),
        Keys(SecretStr(sim.key), SecretStr(sim.secret)),
        Telemetry("test"),
        exchange_options("binance", sim.url),
    )


@contextlib.asynccontextmanager
async def simulated(**config: Any) -> AsyncIterator[RunningSim]:
    """A market that stands at PRICE until it is moved."""
    defaults: dict[str, Any] = {
        "feed": "manual",
        "symbols": (SYMBOL,),
        "prices": {SYMBOL: PRICE},
        "balances": {"USDT": Decimal(100_000)},
    }
    async with running_sim(SimConfig(**{**defaults, **config})) as sim:
        yield sim


@contextlib.asynccontextmanager
async def trading(
    sim: RunningSim, journal: FakeJournal | None = None, kept: Memory | None = None, **config: Any
) -> AsyncIterator[CcxtVenue]:
    venue = await open_venue(connection(sim, **config), (SYMBOL,), journal or FakeJournal(), kept)
    venue.lease.show(0, 0, 0)
    try:
        yield venue
    finally:
        await venue.close()


def order(key: str, side: Side = Side.BUY, limit: Decimal | None = None, **figures: Any) -> Approved:
    fields: dict[str, Any] = {
        "client_order_id": key,
        "origin": Origin.SIGNAL,
        "origin_id": f"signal-{key}",
        "venue": "binance",
        "symbol": SYMBOL,
        "side": side,
        "order_type": OrderType.MARKET if limit is None else OrderType.LIMIT,
        "quantity": QUANTITY,
        "market_price": PRICE,
        "ts_ms": time.time_ns() // 1_000_000,
        "limit_price": limit,
        **figures,
    }
    return approve(OrderIntent(**fields), ZERO)


async def until(condition: Callable[[], Any], within_s: float = 15.0) -> None:
    """Poll until the condition holds."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.02)
