"""The connector actor as a plain object over the simulated exchange: steps, leases, what is told twice, never lost."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fks_actors.actors.exchange_connector import ExchangeConnectorActor
from fks_actors.adapters.ccxt_venue.keys import KeySource
from fks_actors.adapters.ccxt_venue.probe import probe
from fks_actors.adapters.exchange_sim.server import RunningSim
from fks_actors.desk.lineage import Step
from fks_actors.desk.ports import VenueReply
from fks_actors.errors import ConfigError, Fenced, JournalUnavailable, VenueUnavailable
from fks_actors.execution.order_state import TERMINAL, apply
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import Approved, Fill, Order, OrderStatus, OrderType, Side
from fks_actors.model.records import SnapshotAt
from tests.integration.ccxt_venue.scene import PRICE, QUANTITY, SYMBOL, connection, order, simulated, until
from tests.integration.ccxt_venue.test_trouble import ORDER, at_the_venue, trouble

FAR = PRICE * Decimal("0.9")


def leased(request_id: str, after: str) -> Step:
    """A step of a desk that holds the lease."""
    return Step(request_id, after, 1, 2**60)


@dataclass
class DeskJournal:
    """What a desk commits: orders, fills, the connector's snapshot; a reply is written whole or not at all."""

    orders: dict[str, Order] = field(default_factory=dict)
    fills: dict[str, Fill] = field(default_factory=dict)
    held: SnapshotAt = field(default_factory=lambda: SnapshotAt("venue:binance", "", b""))
    down: bool = False

    @property
    def label(self) -> str:
        return self.held.commit_id

    def sent(self, *approved: Approved) -> None:
        for one in approved:
            self.orders[one.intent.client_order_id] = Order(one.intent, OrderStatus.SUBMITTED, one.intent.ts_ms)

    def commit(self, step: Step, reply: VenueReply) -> None:
        for found in reply.adopted:
            self.orders.setdefault(found.intent.client_order_id, found)
        for event in reply.events:
            if isinstance(event, Fill):
                if event.trade_id in self.fills:
                    continue
                self.fills[event.trade_id] = event
            self.orders[event.client_order_id] = apply(self.orders[event.client_order_id], event)
        if reply.snapshot is not None:
            self.held = SnapshotAt("venue:binance", step.request_id, reply.snapshot.payload)

    async def snapshot(self, owner: str) -> SnapshotAt:
        if self.down:
            raise JournalUnavailable("the disk is full")
        return replace(self.held, owner=owner)

    async def open_orders(self) -> list[Order]:
        return [o for o in self.orders.values() if o.status not in TERMINAL]

    async def order(self, client_order_id: str) -> Order | None:
        return self.orders.get(client_order_id)

    async def trade_ids(self, client_order_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        return frozenset((f.venue, f.trade_id) for f in self.fills.values() if f.client_order_id in client_order_ids)

    async def trades_by_order(self, client_order_ids: Sequence[str]) -> dict[str, frozenset[tuple[str, str]]]:
        found = {key: await self.trade_ids([key]) for key in client_order_ids}
        return {key: trades for key, trades in found.items() if trades}


async def until_ready(actor: ExchangeConnectorActor) -> None:
    end = asyncio.get_running_loop().time() + 20
    while True:
        try:
            await actor.collect(leased("hello", "nothing"))
        except VenueUnavailable:
            assert asyncio.get_running_loop().time() < end
        else:
            return


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> KeySource:
    return KeySource("FKS_TEST_KEY", "FKS_TEST_SECRET")


@contextlib.asynccontextmanager
async def connected(
    sim: RunningSim, journal: DeskJournal, keys: KeySource, monkeypatch: pytest.MonkeyPatch, **config: Any
) -> AsyncIterator[ExchangeConnectorActor]:
    monkeypatch.setenv(keys.key_env, sim.key)
    monkeypatch.setenv(keys.secret_env, sim.secret)
    settings = connection(sim, **{"dead_man_s": 0, **config}).config
    actor = ExchangeConnectorActor("binance", settings, (SYMBOL,), keys, journal)
    await actor.start()
    if not journal.down:
        await until_ready(actor)
    try:
        yield actor
    finally:
        await actor.close()


async def test_submit_when_committed_then_its_events_are_told_no_more(
    keys: KeySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = DeskJournal()
    async with simulated() as sim, connected(sim, journal, keys, monkeypatch) as actor:
        placed = order("fks-a")
        journal.sent(placed)
        step = leased("ack-1", journal.label)
        reply = await actor.submit(step, [placed])
        assert reply.snapshot is not None
        assert reply.quotes[SYMBOL].bid > 0
        journal.commit(step, reply)
        assert journal.orders["fks-a"].status is OrderStatus.FILLED
        after = await actor.collect(leased("collect-1", journal.label))
        assert after.events == ()


async def test_step_when_repeated_then_gets_the_same_reply_and_nothing_is_sent_twice(
    keys: KeySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = DeskJournal()
    async with simulated() as sim, connected(sim, journal, keys, monkeypatch) as actor:
        placed = order("fks-a")
        step = leased("ack-1", "")
        first = await actor.submit(step, [placed])
        assert await actor.submit(replace(step, until_ms=2**60), [placed]) == first
        assert at_the_venue(sim) == {"fks-a": 1}


async def test_events_when_the_reply_was_never_committed_then_are_told_again(
    keys: KeySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = DeskJournal()
    async with simulated() as sim, connected(sim, journal, keys, monkeypatch) as actor:
        placed = order("fks-a")
        journal.sent(placed)
        lost = await actor.submit(leased("ack-1", ""), [placed])
        step = leased("resend-fks-a", "")
        again = await actor.submit(step, [placed], again=True)
        assert set(lost.events) <= set(again.events)
        journal.commit(step, again)
        assert journal.orders["fks-a"].status is OrderStatus.FILLED
        assert len(journal.fills) == len([e for e in lost.events if isinstance(e, Fill)])
        assert at_the_venue(sim) == {"fks-a": 1}


async def test_restart_when_the_last_reply_was_lost_then_the_journal_ends_up_right(
    keys: KeySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = DeskJournal()
    async with simulated() as sim:
        placed = [order("fks-a"), order("fks-b", limit=FAR)]
        async with connected(sim, journal, keys, monkeypatch) as actor:
            journal.sent(*placed)
            await actor.submit(leased("ack-1", ""), placed)
        async with connected(sim, journal, keys, monkeypatch) as actor:
            step = leased("collect-1", journal.label)
            journal.commit(step, await actor.collect(step))
            assert journal.orders["fks-a"].status is OrderStatus.FILLED
            assert journal.orders["fks-b"].status is OrderStatus.ACCEPTED
            assert sum(f.quantity for f in journal.fills.values()) == QUANTITY
        assert at_the_venue(sim) == {"fks-a": 1, "fks-b": 1}


async def test_news_when_an_order_fills_then_wakes_the_desk(keys: KeySource, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = DeskJournal()
    async with simulated() as sim, connected(sim, journal, keys, monkeypatch) as actor:
        placed = order("fks-a", limit=FAR)
        journal.sent(placed)
        step = leased("ack-1", "")
        journal.commit(step, await actor.submit(step, [placed]))
        assert not await actor.news(0.05)
        sim.venue.set_price("BTCUSDT", FAR - 1_000)
        assert await actor.news(10)
        step = leased("collect-1", journal.label)
        journal.commit(step, await actor.collect(step))
        await until(lambda: journal.fills)


async def test_step_when_the_epoch_is_older_then_is_fenced(keys: KeySource, monkeypatch: pytest.MonkeyPatch) -> None:
    async with simulated() as sim, connected(sim, DeskJournal(), keys, monkeypatch) as actor:
        await actor.collect(Step("a", "", epoch=7, until_ms=2**60))
        with pytest.raises(Fenced):
            await actor.submit(Step("b", "", epoch=6, until_ms=2**60), [order("fks-a")])
        with pytest.raises(Fenced):
            await actor.submit(Step("c", "", epoch=7, until_ms=1), [order("fks-a")])
        assert at_the_venue(sim) == {}


async def test_desk_when_silent_for_too_long_then_its_open_orders_are_cancelled(
    keys: KeySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = DeskJournal()
    async with simulated() as sim, connected(sim, journal, keys, monkeypatch, dead_man_s=1.0) as actor:
        placed = order("fks-a", limit=FAR)
        journal.sent(placed)
        step = leased("ack-1", "")
        journal.commit(step, await actor.submit(step, [placed]))
        await until(lambda: not sim.engine.open_orders())
        assert "silent" in actor.activity()
        step = leased("collect-1", journal.label)
        reply = await actor.collect(step)
        assert [n.kind for n in reply.notes] == ["dead_man"]
        journal.commit(step, reply)
        assert journal.orders["fks-a"].status is OrderStatus.CANCELLED


async def test_desk_when_silent_then_what_bounds_a_loss_stays_and_the_log_tells_of_it(
    keys: KeySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = DeskJournal()
    async with simulated() as sim, connected(sim, journal, keys, monkeypatch, dead_man_s=1.0) as actor:
        stop = {"order_type": OrderType.STOP_LOSS, "stop_price": PRICE * Decimal("0.95"), "side": Side.SELL}
        placed = [order("fks-a"), order("fks-b", limit=FAR), order("fks-s", quantity=Decimal("0.00999"), **stop)]
        journal.sent(*placed)
        for each in placed:
            step = leased(f"ack-{each.intent.client_order_id}", journal.label)
            journal.commit(step, await actor.submit(step, [each]))
        await until(lambda: "silent" in actor.activity())
        await until(lambda: len(sim.engine.open_orders()) == 1)
        assert [o.request.client_id for o in sim.engine.open_orders()] == ["fks-s"]
        assert (await actor.state())["trouble"] == "the desk was silent"
        assert await actor.news(5)
        step = leased("collect-1", journal.label)
        reply = await actor.collect(step)
        journal.commit(step, reply)
        assert [(n.kind, n.actor) for n in reply.notes] == [("dead_man", "venue:binance")]
        assert journal.orders["fks-s"].status is OrderStatus.ACCEPTED
        assert journal.orders["fks-b"].status is OrderStatus.CANCELLED
        assert (await actor.state())["trouble"] == ""
        step = leased("ack-c", journal.label)
        journal.sent(again := order("fks-c", limit=FAR))
        journal.commit(step, await actor.submit(step, [again]))
        assert journal.orders["fks-c"].status is OrderStatus.ACCEPTED


async def test_desk_when_it_waits_for_a_slow_step_then_it_is_not_silent(
    keys: KeySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = DeskJournal()
    async with simulated() as sim, connected(sim, journal, keys, monkeypatch, dead_man_s=1.0, timeout_s=5.0) as actor:
        await trouble(sim, kind="latency", ms=2_000, count=1, **ORDER)
        placed = order("fks-a", limit=FAR)
        journal.sent(placed)
        step = leased("ack-1", "")
        submitting = asyncio.create_task(actor.submit(step, [placed]))
        await until(actor._lock.locked)
        with pytest.raises(VenueUnavailable, match="busy"):
            await actor.news(0.3)
        reply = await submitting
        assert reply.notes == ()
        journal.commit(step, reply)
        assert journal.orders["fks-a"].status is OrderStatus.ACCEPTED


@pytest.mark.parametrize(("epoch", "until_ms"), [(0, 0), (0, 2**60), (1, 0)])
async def test_step_when_it_shows_no_lease_then_is_fenced(
    keys: KeySource, monkeypatch: pytest.MonkeyPatch, epoch: int, until_ms: int
) -> None:
    async with simulated() as sim, connected(sim, DeskJournal(), keys, monkeypatch) as actor:
        with pytest.raises(Fenced, match="needs a lease"):
            await actor.submit(Step("a", "", epoch, until_ms), [order("fks-a")])
        assert at_the_venue(sim) == {}


async def test_submit_when_the_lease_ends_while_the_request_waits_for_its_turn_then_it_does_not_leave(
    keys: KeySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated() as sim, connected(sim, DeskJournal(), keys, monkeypatch) as actor:
        venue = actor._venue
        assert venue is not None
        throttle, until_ms = venue.client.ccxt.throttle, venue.client.now_ms() + 500

        async def crowded(cost: Any = None) -> None:
            await until(lambda: venue.client.now_ms() > until_ms)
            await throttle(cost)

        venue.client.ccxt.throttle = crowded
        with pytest.raises(Fenced, match="ran out"):
            await actor.submit(Step("a", "", 2, until_ms), [order("fks-a")])
        venue.client.ccxt.throttle = throttle
        assert at_the_venue(sim) == {}
        reply = await actor.submit(Step("b", "", 3, 2**60), [order("fks-a")])
        assert OrderStatus.REJECTED not in {getattr(e, "status", None) for e in reply.events}
        assert at_the_venue(sim) == {"fks-a": 1}


async def test_news_when_an_order_never_arrived_then_the_lease_that_it_shows_lets_it_be_sent(
    keys: KeySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two bars there is no step, and so no other lease."""
    journal = DeskJournal()
    lost = order("fks-lost", limit=FAR)
    journal.sent(lost)
    async with simulated() as sim, connected(sim, journal, keys, monkeypatch, recv_window_ms=500) as actor:
        until_ms = int(time.time() * 1_000) + 1_000
        end = time.monotonic() + 30.0
        while not sim.engine.open_orders() and time.monotonic() < end:
            until_ms = max(until_ms, int(time.time() * 1_000) + 1_000)
            await actor.news(0.2, 1, until_ms)
        assert [o.request.client_id for o in sim.engine.open_orders()] == ["fks-lost"]
        with pytest.raises(Fenced):
            await actor.news(0.2, 1, 1)


async def test_start_when_the_journal_is_down_then_waits_for_it(
    keys: KeySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = DeskJournal(down=True)
    async with simulated() as sim, connected(sim, journal, keys, monkeypatch) as actor:
        await until(lambda: "disk is full" in actor.activity())
        journal.down = False
        assert (await actor.collect(leased("a", ""))).events == ()


async def test_bar_when_advanced_then_carries_what_happened(keys: KeySource, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = DeskJournal()
    async with simulated() as sim, connected(sim, journal, keys, monkeypatch) as actor:
        placed = order("fks-a")
        journal.sent(placed)
        await trouble(sim, kind="drop_reply", count=1, **ORDER)
        step = leased("ack-1", "")
        journal.commit(step, await actor.submit(step, [placed]))
        assert journal.orders["fks-a"].status is OrderStatus.UNKNOWN
        await actor.news(10)
        step = leased("bar-1", journal.label)
        journal.commit(step, await actor.advance(step, BarBatch(0, 60_000, ())))
        await asyncio.sleep(0)
        assert journal.orders["fks-a"].status is OrderStatus.FILLED


async def test_probe_when_the_exchange_answers_then_tells_markets_and_balances() -> None:
    async with simulated() as sim:
        at = connection(sim)
        facts = await probe("binance", at.config, at.keys, (SYMBOL,))
        assert facts.aliases["BTCUSDT"] == SYMBOL
        assert facts.markets[SYMBOL].tick == Decimal("0.01")
        assert facts.balances["USDT"] == 100_000
        with pytest.raises(ConfigError, match="does not trade"):
            await probe("binance", at.config, at.keys, ("NO/SUCH",))


async def test_probe_when_the_keys_are_wrong_then_says_so() -> None:
    async with simulated(key="k" * 64, secret="s" * 64) as sim:
        at = connection(sim)
        wrong = KeySource("K", "S").read({"K": "k" * 64, "S": "x" * 64})
        with pytest.raises(ConfigError, match="refuses the keys"):
            await probe("binance", at.config, wrong)


async def test_probe_when_nobody_listens_then_the_venue_is_unavailable(unused_tcp_port: int) -> None:
    async with simulated() as sim:
        config = connection(sim, timeout_s=1.0).config
        gone = config.model_copy(update={"base_url": f"http://127.0.0.1:{unused_tcp_port}"})
        with pytest.raises(VenueUnavailable):
            await probe("binance", gone, None)
