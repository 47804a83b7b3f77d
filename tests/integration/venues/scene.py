"""A desk of plain objects over real connectors, real ccxt, simulated exchanges and a SQL journal."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

from fks_actors.actors.exchange_connector import ExchangeConnectorActor
from fks_actors.adapters.ccxt_venue.keys import KeySource
from fks_actors.adapters.exchange_sim.config import SimConfig
from fks_actors.adapters.exchange_sim.server import RunningSim, running_sim
from fks_actors.adapters.sql import SqlJournal
from fks_actors.execution.venues import VenueConfig
from fks_actors.model.orders import OrderType, Side
from fks_actors.model.records import Signal
from fks_actors.risk.codec import decode
from fks_actors.risk.messages import RiskState
from tests.in_process import Breaker, InProcessDesk, SqlInProcess, run_record
from tests.market import MINUTE, batches

BTC = "BTC/USDT"
SYMBOLS = (BTC, "ETH/USDT")
CASH = Decimal(100_000)
LOT = Decimal("0.01")


def sim_config(price: Decimal, **more: Any) -> SimConfig:
    """An exchange whose market stands still."""
    prices = {BTC: price, "ETH/USDT": Decimal(2_000)}
    return SimConfig(feed="manual", symbols=SYMBOLS, prices=prices, balances={"USDT": CASH}, **more)


def venue_config(url: str, **more: Any) -> VenueConfig:
    """How a connector reaches it."""
    settings: dict[str, Any] = {"timeout_s": 3.0, "recv_window_ms": 500, "reconcile_s": 5.0, "dead_man_s": 0, **more}
    return VenueConfig(kind="ccxt", exchange="binance", base_url=url, symbols=(), **settings)


def connector(name: str, url: str, key: str, secret: str, journal: SqlInProcess, **more: Any) -> ExchangeConnectorActor:
    """A connector that has not begun; its keys go into the environment."""
    source = KeySource(f"FKS_TEST_{name.upper()}_KEY", f"FKS_TEST_{name.upper()}_SECRET")
    os.environ[source.key_env], os.environ[source.secret_env] = key, secret
    return ExchangeConnectorActor(name, venue_config(url, **more), SYMBOLS, source, journal)  # type: ignore[arg-type]


class Rig:
    """A desk at several exchanges and the paper venue."""

    def __init__(self, inside: InProcessDesk, sims: Mapping[str, RunningSim], journal: SqlJournal) -> None:
        self.inside = inside
        self.sims = sims
        self.journal = journal
        self.bars = iter(batches(9, start_ms=time.time_ns() // 1_000_000 - 4 * MINUTE))
        self.sent = 0

    @property
    def desk(self) -> Any:
        """The desk."""
        return self.inside.desk

    async def begin(self, bars: int = 3) -> None:
        """Recover and take in some bars."""
        self.desk.holds(1, 2**60)
        await self.desk.recover()
        await self.desk.begin(run_record(SYMBOLS))
        for _ in range(bars):
            await self.bar()

    async def bar(self) -> None:
        """One more bar."""
        await self.desk.run_cycle(next(self.bars))

    async def alert(self, **changes: Any) -> Any:
        """A market BUY of LOT, or what is named; its record."""
        self.sent += 1
        fields: dict[str, Any] = {"side": Side.BUY, "order_type": OrderType.MARKET, "quantity": LOT, **changes}
        signal = Signal(f"s{self.sent}", f"id:{self.sent}", 0, BTC, **fields)
        return await self.desk.run_signal(self.sent, signal, self.desk.clock_ms)

    def venues_of(self, record: Any) -> list[str]:
        """Where a signal's orders went."""
        return [self.journal.order(key).intent.venue for key in record.client_order_ids]  # type: ignore[union-attr]

    @property
    def risk(self) -> RiskState:
        """What risk wrote last."""
        return decode(self.journal.snapshot("risk").payload)

    async def collect(self) -> None:
        """Take in what every exchange tells."""
        for name in self.sims:
            await self.desk.collect(name, self.desk.clock_ms)


async def opened(actor: ExchangeConnectorActor, within_s: float = 90.0) -> None:
    """Wait until the connector has reached its exchange."""
    await asyncio.wait_for(actor._opened.wait(), within_s)


@contextlib.asynccontextmanager
async def rig(prices: Mapping[str, Decimal], url: str, **config: Any) -> AsyncIterator[Rig]:
    """One exchange for each of `prices`, paper beside them, the journal at `url`."""
    journal = SqlJournal(url, lambda: 1)
    inside = SqlInProcess(journal)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(journal.close)
        sims = {name: await stack.enter_async_context(running_sim(sim_config(p))) for name, p in prices.items()}
        real: dict[str, Any] = {}
        for name, sim in sims.items():
            actor = real[name] = connector(name, sim.url, sim.key, sim.secret, inside)
            await actor.start()
            stack.push_async_callback(actor.close)
        for actor in real.values():
            await opened(actor)
        desk = InProcessDesk(
            SYMBOLS,
            Breaker(0, 0),
            journal=inside,
            real=real,
            beside_paper=True,
            cash=dict.fromkeys(prices, CASH),
            **config,
        )
        made = Rig(desk, sims, journal)
        await made.begin()
        yield made
