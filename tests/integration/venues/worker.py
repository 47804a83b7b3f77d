"""A desk and its connector as a process of their own: `python -m tests.integration.venues.worker JOURNAL URL KEY SECRET
TTL_S`. It takes the lease, or waits for it, then does what the lines of stdin say, and says what became of it."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from decimal import Decimal

from fks_actors.actors.exchange_connector import ExchangeConnectorActor
from fks_actors.actors.lease import LeaseKeeper, leased
from fks_actors.adapters.sql import SqlJournal
from fks_actors.desk.lineage import Step
from fks_actors.errors import Fenced, FksError
from fks_actors.model.orders import ZERO, Approved, OrderIntent, OrderType, Origin, Side
from fks_actors.model.records import RunRecord
from fks_actors.risk.rulings import approve
from tests.in_process import Breaker, InProcessDesk, SqlInProcess
from tests.integration.venues.scene import BTC, CASH, LOT, SYMBOLS, Rig, connector, opened
from tests.market import MINUTE, START


def say(*words: object) -> None:
    """One line to whoever started this."""
    print(*words, flush=True)  # noqa: T201


async def lines() -> AsyncIterator[list[str]]:
    """What is to be done."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.split()


async def work(url: str, exchange: str, key: str, secret: str, ttl_s: str) -> None:
    """Run until stdin ends."""
    journal = SqlJournal(url, lambda: time.time_ns() // 1_000_000)
    inside = SqlInProcess(journal)
    actor = connector("binance", exchange, key, secret, inside)
    await actor.start()
    await opened(actor)
    real = {"binance": actor}
    keeper = LeaseKeeper(inside, float(ttl_s), lambda epoch, until_ms: rig.desk.holds(epoch, until_ms))  # type: ignore[arg-type]
    written = leased(inside, keeper)  # type: ignore[arg-type]
    rig = Rig(InProcessDesk(SYMBOLS, Breaker(0, 0), journal=written, real=real, cash={"binance": CASH}), {}, journal)
    hand = Hand(rig, keeper, actor)
    say("ready")
    async for verb, *rest in lines():
        try:
            say(*await getattr(hand, verb)(*rest))
        except FksError as error:
            say("error", type(error).__name__, error)
    await actor.close()
    journal.close()


class Hand:
    """Does what the lines say; each method is a verb."""

    def __init__(self, rig: Rig, keeper: LeaseKeeper, actor: ExchangeConnectorActor) -> None:
        self.rig = rig
        self.desk = rig.desk
        self.keeper = keeper
        self.actor = actor
        self.keeping: asyncio.Task[None] | None = None

    async def take(self) -> tuple[object, ...]:
        """Wait for the lease as a coordinator does."""
        while True:
            try:
                await self.keeper.take()
            except Fenced:
                await asyncio.sleep(0.05)
            else:
                return "took", self.keeper.epoch

    async def keep(self) -> tuple[object, ...]:
        """Renew it from now on."""
        self.keeping = asyncio.create_task(keep(self.keeper))
        return ("keeps",)

    async def believe(self) -> tuple[object, ...]:
        """Take the lease for one that never ends, as a desk with a clock that stands would: the chain alone is left."""
        self.keeper._now_ms = lambda: -1
        return ("believes",)

    async def recover(self) -> tuple[object, ...]:
        """Take the journal's word."""
        await self.desk.recover()
        return "recovered", *(order.status.value for order in self.desk.open_orders)

    async def begin(self, run_id: str) -> tuple[object, ...]:
        """Record a start."""
        await self.desk.begin(RunRecord(run_id, 0, "simulated", True, SYMBOLS, MINUTE, CASH, "0"))
        return ("began",)

    async def bar(self) -> tuple[object, ...]:
        """One more bar."""
        await self.rig.bar()
        return ("bar",)

    async def buy(self, number: str) -> tuple[object, ...]:
        """A signal."""
        self.rig.sent = int(number) - 1
        return "record", (await self.rig.alert()).status.value

    async def settle(self) -> tuple[object, ...]:
        """Hear what the exchange tells."""
        await self.desk.collect("binance", self.desk.clock_ms)
        return "open", len(self.desk.open_orders)

    async def submit(self, key: str) -> tuple[object, ...]:
        """Go around the journal."""
        await self.actor.submit(Step("by-hand", "", *self.desk.lease), [by_hand(key)])
        return ("submitted",)


async def keep(keeper: LeaseKeeper) -> None:
    """Renew until it is lost."""
    try:
        await keeper.keep()
    except FksError as error:
        say("lost", type(error).__name__)


def by_hand(key: str) -> Approved:
    """An approved order that no journal knows."""
    price = Decimal(30_000)
    kind = (Side.BUY, OrderType.MARKET, LOT, price, START)
    return approve(OrderIntent(key, Origin.SIGNAL, "by-hand", "binance", BTC, *kind), ZERO)


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
