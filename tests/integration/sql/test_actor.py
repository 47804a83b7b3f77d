"""The journal actor and its handle over a real database, the messages packed as between processes; no cluster."""

from collections.abc import Iterator
from typing import Any

import pytest

from fks_actors.actors.handles import JournalHandle
from fks_actors.actors.journal import JournalActor
from fks_actors.actors.remote import pack, unpack
from fks_actors.desk.ports import JournalPort
from fks_actors.journal.lease import Lease
from fks_actors.journal.ports import GENESIS
from fks_actors.model.orders import OrderStatus
from tests.integration.sql.conftest import NOW_MS
from tests.journal_scene import fill, note, only, order


class Wired(JournalHandle):
    """The handle with its actor in this process."""

    def __init__(self, actor: JournalActor) -> None:
        super().__init__("test")
        self._here = actor
        self.longest = 0

    async def call(self, method: str, *args: object, timeout_s: float, again: bool = True) -> Any:
        answer = pack(await getattr(self._here, method)(*unpack(pack(args))))
        self.longest = max(self.longest, len(answer))
        return unpack(answer)


@pytest.fixture
def handle(url: str) -> Iterator[Wired]:
    actor = JournalActor(url)
    yield Wired(actor)
    actor._reader.shutdown()
    actor._journal.close()


async def test_open_orders_when_there_are_many_then_they_come_whole_in_small_messages(handle: Wired) -> None:
    orders = [order(f"o{i:05}", OrderStatus.ACCEPTED) for i in range(4_500)]
    await handle.commit((only("a", GENESIS, *orders),))
    assert await handle.open_orders() == orders
    assert handle.longest < 0.6 * len(pack(orders))


async def test_reads_when_asked_then_each_comes_back_through_the_wire(handle: Wired) -> None:
    port: JournalPort = handle
    moved = order("o", OrderStatus.FILLED)
    await port.commit((only("a", GENESIS, moved, fill("t", "o"), note("forbidden")),))
    assert await port.order("o") == moved
    assert await port.order("p") is None
    assert await port.trade_ids(["o", "p"]) == {("paper", "t")}
    assert await handle.trades_by_order(["o", "p"]) == {"o": {("paper", "t")}}
    assert await handle.audit(5) == [note("forbidden")]


async def test_acquire_when_the_former_holder_is_dead_then_the_one_who_asks_decides_that(handle: Wired) -> None:
    asked: list[str] = []

    def is_dead(holder: str) -> bool:
        asked.append(holder)
        return holder == "host:1:5"

    assert await handle.acquire("desk", "host:1:5", NOW_MS, 10, is_dead) == Lease("host:1:5", 1, NOW_MS + 10)
    assert asked == []
    assert await handle.acquire("desk", "host:2:6", NOW_MS, 10) is None
    assert await handle.acquire("desk", "host:2:6", NOW_MS, 10, is_dead) == Lease("host:2:6", 2, NOW_MS + 10)
    assert await handle.acquire("desk", "host:3:7", NOW_MS, 10, is_dead) is None
    assert asked == ["host:1:5", "host:2:6"]
    assert await handle.renew("desk", "host:1:5", 1, NOW_MS, 10) is None
    assert await handle.renew("desk", "host:2:6", 2, NOW_MS + 1, 10) == Lease("host:2:6", 2, NOW_MS + 11)
    assert await handle.release("desk", "host:2:6", 2) is True
    assert await handle.held("desk") == Lease("", 2, 0)
