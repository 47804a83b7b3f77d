"""The desk at a venue that lives outside its journal: silence, repeats, late trades, strangers' orders."""

import asyncio
import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.desk.desk import Desk
from fks_actors.desk.state import Change
from fks_actors.errors import ActorUnavailable, Fenced, JournalConflict
from fks_actors.execution.order_state import TERMINAL
from fks_actors.model.orders import Fill, OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import AuditRecord, ControlRecord, Signal, SignalStatus, TradingState
from fks_actors.risk.codec import decode
from tests.in_process import Breaker, InProcessDesk, run_record
from tests.market import SYMBOLS, batches
from tests.unit.desk.exchange import VENUE, Connector, Exchange, foreign

BTC = "BTC/USDT"


class Home:
    """A desk, its exchange, and the connector between."""

    def __init__(self, breaker: Breaker | None = None, **more: Any) -> None:
        self.exchange = Exchange()
        self.connector = Connector(self.exchange)
        self.inside = InProcessDesk(SYMBOLS, breaker or Breaker(0, 0), real={VENUE: self.connector}, **more)
        self.sent = 0

    @property
    def desk(self) -> Desk:
        return self.inside.desk

    @property
    def journal(self) -> Any:
        return self.inside.journal

    async def begin(self, bars: int = 5) -> "Home":
        """Recover, and take in some bars."""
        await self.desk.recover()
        await self.desk.begin(run_record(SYMBOLS))
        for batch in batches(bars):
            await self.desk.run_cycle(batch)
        return self

    def restart(self) -> None:
        """The connector dies; a new one starts from the journal's open orders."""
        known = [k for k, o in self.journal.orders.items() if o.status not in TERMINAL]
        self.connector = Connector(self.exchange, known)
        self.inside.real[VENUE] = self.connector
        self.inside.new_desk()

    def signal(self, **changes: Any) -> Signal:
        """A market BUY of 0.01 BTC, or what is named."""
        self.sent += 1
        fields: dict[str, Any] = {
            "side": Side.BUY,
            "order_type": OrderType.MARKET,
            "quantity": Decimal("0.01"),
            **changes,
        }
        return Signal(f"s{self.sent}", f"id:{self.sent}", 0, BTC, **fields)

    async def alert(self, **changes: Any) -> Any:
        """Send a signal; its record."""
        signal = self.signal(**changes)
        return await self.desk.run_signal(self.sent, signal, self.desk.clock_ms)

    async def told(self, *keys: str) -> None:
        """The stream tells of these orders, and the desk hears it."""
        self.connector.happened(*keys)
        await self.desk.collect(VENUE, self.desk.clock_ms)

    def account(self) -> Any:
        """What risk believes."""
        return decode(self.journal.snapshots["risk"].payload).accounts[VENUE]

    def agrees(self) -> None:
        """The journal's fills and orders are the exchange's."""
        booked = [entry for entry in self.journal.entries if isinstance(entry, Fill)]
        traded = [fill for fills in self.exchange.trades.values() for fill in fills]
        assert sorted(f.trade_id for f in booked) == sorted(f.trade_id for f in traded)
        assert len(set(self.exchange.entered)) == len(self.exchange.entered)
        for key, order in self.exchange.orders.items():
            if order.intent.origin is not Origin.EXTERNAL or key in self.journal.orders:
                held = self.journal.orders[key]
                assert (held.status, held.filled_quantity) == (order.status, order.filled_quantity), key


async def test_signal_when_the_venue_is_silent_then_unknown_and_sent_once_when_it_answers() -> None:
    home = await Home().begin()
    home.connector.silent = 1
    record = await home.alert()
    assert record.status is SignalStatus.OPEN
    assert [o.status for o in home.desk.open_orders] == [OrderStatus.UNKNOWN]
    assert home.desk.has_questions(VENUE)
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert not home.desk.open_orders
    assert home.journal.signals["s1"].status is SignalStatus.FILLED
    home.agrees()


async def test_signal_when_the_reply_is_dropped_after_acceptance_then_one_order_and_one_fill() -> None:
    home = await Home().begin()
    home.connector.dropped = 1
    await home.alert()
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert home.journal.signals["s1"].status is SignalStatus.FILLED
    assert home.account().position(BTC).quantity == Decimal("0.01")
    home.agrees()


async def test_collect_when_trades_are_told_again_then_they_are_booked_once() -> None:
    home = await Home().begin()
    record = await home.alert()
    key = record.client_order_ids[0]
    for _ in range(3):
        await home.told(key, key)
    home.restart()
    await home.desk.recover()
    await home.told(key)
    assert home.account().position(BTC).quantity == Decimal("0.01")
    home.agrees()


async def test_collect_when_a_trade_comes_after_the_cancel_then_it_is_booked() -> None:
    home = await Home().begin()
    record = await home.alert(order_type=OrderType.LIMIT, price=Decimal(29_000))
    key = record.client_order_ids[0]
    await home.desk.cancel("c1", (key,), home.desk.clock_ms)
    assert home.journal.orders[key].status is OrderStatus.CANCELLED
    home.exchange.trade(key, Decimal("0.004"), Decimal(29_000))
    await home.told(key)
    assert home.journal.orders[key].filled_quantity == Decimal("0.004")
    assert home.journal.orders[key].status is OrderStatus.CANCELLED
    assert home.account().position(BTC).quantity == Decimal("0.004")
    assert not home.desk.open_orders
    home.agrees()


async def test_collect_when_a_strangers_order_is_found_then_it_is_adopted_and_its_trades_count() -> None:
    home = await Home().begin()
    record = await home.alert(order_type=OrderType.LIMIT, price=Decimal(29_000))
    other = foreign("ext-1", home.exchange.orders[record.client_order_ids[0]])
    home.connector.found(other)
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert home.journal.orders["ext-1"].intent.origin is Origin.EXTERNAL
    home.exchange.trade("ext-1", Decimal("0.01"), Decimal(29_000))
    await home.told("ext-1")
    assert home.account().position(BTC).quantity == Decimal("0.01")
    home.agrees()


async def test_collect_when_a_trade_belongs_to_nobody_then_it_is_noted_and_not_booked() -> None:
    home = await Home().begin()
    record = await home.alert()
    lost = home.exchange.trades[record.client_order_ids[0]][0]
    home.connector._outbox.append(
        type(lost)("T-x", "nobody", VENUE, BTC, Side.BUY, lost.price, lost.quantity, lost.fee, lost.liquidity, 1)
    )
    await home.desk.collect(VENUE, home.desk.clock_ms)
    notes = [e for e in home.journal.entries if isinstance(e, AuditRecord)]
    assert [(n.kind, n.actor) for n in notes] == [("unknown_trade", "nobody")]
    home.agrees()


async def test_halt_when_the_venue_is_silent_then_its_orders_are_ended_as_soon_as_it_answers() -> None:
    home = await Home().begin()
    record = await home.alert(order_type=OrderType.LIMIT, price=Decimal(29_000))
    home.connector.silent = 1
    halt = ControlRecord(home.desk.clock_ms, TradingState.HALTED, "operator", "")
    await home.desk.control("h", halt)
    assert home.desk.trading is TradingState.HALTED
    assert home.desk.open_orders
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert not home.desk.open_orders
    assert home.exchange.orders[record.client_order_ids[0]].status is OrderStatus.CANCELLED


async def test_recover_when_halted_before_an_order_was_heard_then_it_is_ended_not_sent() -> None:
    home = await Home().begin()
    home.connector.silent = 1
    await home.alert()
    home.connector.silent = 1
    halt = ControlRecord(home.desk.clock_ms, TradingState.HALTED, "operator", "")
    await home.desk.control("h", halt)
    home.restart()
    await home.desk.recover()
    assert not home.exchange.entered
    assert [o.status for o in home.journal.orders.values()] == [OrderStatus.CANCELLED]


async def test_replace_when_an_order_works_then_the_new_one_follows_its_end_with_what_is_left() -> None:
    home = await Home().begin()
    record = await home.alert(order_type=OrderType.LIMIT, price=Decimal(29_000))
    key = record.client_order_ids[0]
    home.exchange.trade(key, Decimal("0.004"), Decimal(29_000))
    await home.told(key)
    await home.desk.replace("r1", key, Change(price=Decimal(29_500)), home.desk.clock_ms)
    (new,) = home.desk.open_orders
    assert (new.intent.limit_price, new.intent.quantity) == (Decimal(29_500), Decimal("0.006"))
    assert home.exchange.orders[key].status is OrderStatus.CANCELLED
    assert new.intent.client_order_id in home.journal.signals["s1"].client_order_ids
    home.agrees()


async def test_replace_when_the_order_filled_meanwhile_then_nothing_follows() -> None:
    home = await Home().begin()
    record = await home.alert(order_type=OrderType.LIMIT, price=Decimal(29_000))
    home.exchange.trade(record.client_order_ids[0], Decimal("0.01"), Decimal(29_000))
    await home.desk.replace("r1", record.client_order_ids[0], Change(price=Decimal(29_500)), home.desk.clock_ms)
    assert not home.desk.open_orders
    assert len(home.exchange.entered) == 1
    home.agrees()


async def test_steps_when_the_lease_was_taken_over_then_the_old_desk_is_fenced() -> None:
    home = await Home().begin()
    home.desk.holds(2, 9_999)
    await home.alert()
    assert (home.connector.steps[-1].epoch, home.connector.steps[-1].until_ms) == (2, 9_999)
    home.desk.holds(1, 9_999)
    with pytest.raises(Fenced):
        await home.alert()
    assert len(home.exchange.entered) == 1


async def test_advisory_when_the_next_bar_is_debated_then_it_is_heard_once_as_a_vote() -> None:
    home = await Home().begin(40)
    record = await home.alert(advisory=True, strategy="breakout", confidence=Decimal("0.9"))
    assert record.status is SignalStatus.OPEN
    first, second = batches(42)[40:]
    (cycle, _) = await home.desk.run_cycle(first)
    assert [b.agent for b in cycle.ballots if b.agent.startswith("tradingview")] == ["tradingview:breakout"]
    heard = home.journal.signals["s1"]
    assert (heard.status, heard.refusals[0].code, heard.refusals[0].value) == (
        SignalStatus.IGNORED, "advisory", cycle.decision_id,
    )  # fmt: skip
    (cycle, _) = await home.desk.run_cycle(second)
    assert not [b for b in cycle.ballots if b.agent.startswith("tradingview")]
    assert not home.exchange.entered


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), rate=st.sampled_from([0.02, 0.1, 0.3]))
async def test_run_when_anything_breaks_at_any_call_then_ledger_and_journal_agree(seed: int, rate: float) -> None:
    """Calls are lost before and after they ran, at the venue as well; the connector and the desk restart at will."""
    breaker = Breaker(seed, rate)
    home = Home(breaker)
    random = breaker.random

    async def until_done(step: Any) -> None:
        while True:
            try:
                return await step()
            except (ActorUnavailable, JournalConflict):
                while True:
                    with contextlib.suppress(ActorUnavailable, JournalConflict):
                        home.restart()
                        await home.desk.recover()
                        break

    await until_done(lambda: home.desk.recover())
    kinds: list[dict[str, Any]] = [
        {},
        {"order_type": OrderType.LIMIT, "price": Decimal(29_500)},
        {"side": Side.SELL, "quantity": Decimal("0.005")},
        {"stop_loss": Decimal(25_000), "take_profit": Decimal(40_000)},
    ]
    for batch in batches(40):
        home.exchange.share = random.choice([Decimal(1), Decimal("0.5")])
        home.connector.silent, home.connector.dropped = int(random.random() < rate), int(random.random() < rate)
        await until_done(lambda b=batch: home.desk.run_cycle(b))
        signal = home.signal(**random.choice(kinds))
        number = home.sent

        async def once(s: Signal = signal, n: int = number) -> None:
            if home.desk.inbox_cursor < n:
                await home.desk.run_signal(n, s, home.desk.clock_ms)

        await until_done(once)
        open_keys = [k for k, o in home.exchange.orders.items() if o.status not in TERMINAL]
        if open_keys and random.random() < 0.5:
            key = random.choice(open_keys)
            order = home.exchange.orders[key]
            home.exchange.trade(key, order.intent.quantity - order.filled_quantity, order.intent.market_price)
            home.connector.happened(key)
        await until_done(lambda: home.desk.collect(VENUE, home.desk.clock_ms))
    home.connector.silent = home.connector.dropped = 0
    for _ in range(4):
        home.connector.happened(*home.exchange.orders)
        await until_done(lambda: home.desk.collect(VENUE, home.desk.clock_ms))
    assert len(home.exchange.entered) > 5
    home.agrees()


def test_run_when_the_event_loop_is_new_then_a_desk_needs_none_of_its_own() -> None:
    home = Home()
    asyncio.run(home.begin(1))
    assert home.desk.clock_ms == batches(1)[0].close_ms
