"""Steps that broke half-way, and steps that are asked for twice: nothing of them may stand in a later commit."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fks_actors.desk.state import Change
from fks_actors.errors import ActorUnavailable, JournalConflict, JournalUnavailable
from fks_actors.model.orders import Order, OrderStatus, OrderType
from fks_actors.model.records import AuditRecord, Commit, ControlRecord, Signal, SignalStatus, TradingState
from tests.in_process import MemoryJournal
from tests.unit.desk.exchange import VENUE
from tests.unit.desk.test_real_venue import Home

LIMIT = {"order_type": OrderType.LIMIT, "price": Decimal(29_000)}


class FullDisk:
    """A journal that keeps nothing of the next commit that `meets`."""

    def __init__(self, journal: MemoryJournal, meets: Callable[[str], bool]) -> None:
        self._journal = journal
        self._meets: Callable[[str], bool] | None = meets

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    async def commit(self, commits: list[Commit]) -> str:
        """Append, or refuse once."""
        if self._meets is not None and any(self._meets(c.commit_id) for c in commits):
            self._meets = None
            raise JournalUnavailable("no space left on the device")
        return await self._journal.commit(commits)


def full_disk(home: Home, prefix: str) -> None:
    """The next commit whose id begins so is not kept."""
    home.inside.journal = FullDisk(home.journal, lambda commit_id: commit_id.startswith(prefix))


async def test_audit_when_the_signal_before_it_was_not_kept_then_the_signal_is_not_skipped() -> None:
    home = await Home().begin()
    signal = home.signal()
    full_disk(home, "signal-")
    with pytest.raises(JournalUnavailable):
        await home.desk.run_signal(1, signal, home.desk.clock_ms)
    with pytest.raises(JournalConflict):
        await home.desk.audit("a", (AuditRecord(1, "peer_denied", "192.0.2.1"),))
    await home.desk.recover()
    assert home.desk.inbox_cursor == 0
    await home.desk.run_signal(1, signal, home.desk.clock_ms)
    assert len(home.exchange.entered) == 1
    home.agrees()


async def test_collect_when_the_step_before_it_was_not_kept_then_its_trade_is_booked() -> None:
    home = await Home().begin()
    (key,) = (await home.alert(**LIMIT)).client_order_ids
    home.exchange.trade(key, Decimal("0.004"), Decimal(29_000))
    home.connector.happened(key)
    full_disk(home, "collect-")
    with pytest.raises(JournalUnavailable):
        await home.desk.collect(VENUE, home.desk.clock_ms)
    with pytest.raises(JournalConflict):
        await home.desk.collect(VENUE, home.desk.clock_ms)
    await home.desk.recover()
    await home.desk.collect(VENUE, home.desk.clock_ms)
    home.agrees()


async def test_cancel_when_the_same_request_comes_twice_then_what_it_heard_is_booked() -> None:
    home = await Home().begin()
    first, second = [(await home.alert(**LIMIT)).client_order_ids[0] for _ in range(2)]
    await home.desk.cancel("again", (first,), home.desk.clock_ms)
    home.exchange.trade(second, Decimal("0.004"), Decimal(29_000))
    home.connector.happened(second)
    await home.desk.cancel("again", (second,), home.desk.clock_ms)
    home.inside.new_desk()
    await home.desk.recover()
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert home.journal.orders[second].filled_quantity == Decimal("0.004")
    home.agrees()


async def test_replace_when_its_request_is_named_like_the_order_then_the_new_order_is_written() -> None:
    home = await Home().begin()
    (key,) = (await home.alert(**LIMIT)).client_order_ids
    await home.desk.replace(key, key, Change(price=Decimal(29_500)), home.desk.clock_ms)
    sent = [e.intent.client_order_id for e in home.journal.entries if isinstance(e, Order) and e.status == "submitted"]
    assert home.exchange.entered == sent
    assert len(sent) == 2
    home.agrees()


async def test_control_when_an_old_request_is_repeated_then_the_present_state_stands() -> None:
    home = await Home().begin()
    halt = ControlRecord(home.desk.clock_ms, TradingState.HALTED, "operator", "")
    resume = ControlRecord(home.desk.clock_ms, TradingState.ACTIVE, "operator", "")
    await home.desk.control("h", halt)
    await home.desk.control("r", resume)
    (key,) = (await home.alert(**LIMIT)).client_order_ids
    reply = await home.desk.control("h", halt)
    assert reply.equity.state is home.desk.trading is TradingState.ACTIVE
    assert home.exchange.orders[key].status is OrderStatus.ACCEPTED
    assert (await home.alert()).client_order_ids
    home.agrees()


async def test_signal_when_it_is_taken_twice_then_it_orders_once() -> None:
    home = await Home().begin()
    signal = home.signal(**LIMIT)
    await home.desk.run_signal(1, signal, home.desk.clock_ms)
    await home.desk.run_signal(2, signal, home.desk.clock_ms)
    assert home.desk.inbox_cursor == 2
    assert len(home.exchange.entered) == 1
    home.restart()
    await home.desk.recover()
    assert home.desk.inbox_cursor == 2
    home.agrees()


async def test_signal_when_risk_cannot_rule_on_it_then_it_is_set_aside_and_the_next_one_runs() -> None:
    home = await Home().begin()
    reserved = await home.alert(**LIMIT)
    clash = replace(home.signal(**LIMIT), signal_id="s1-")  # another signal that makes the same order
    asked = home.desk._asked

    def same_order(signal: Signal, ts_ms: int) -> Any:
        return tuple(replace(p, client_order_id=reserved.client_order_ids[0]) for p in asked(signal, ts_ms))

    home.desk._asked = same_order  # type: ignore[method-assign]
    record = await home.desk.run_signal(2, clash, home.desk.clock_ms)
    home.desk._asked = asked  # type: ignore[method-assign]
    assert (record.status, record.refusals[0].code) == (SignalStatus.DENIED, "fault")
    assert [e.kind for e in home.journal.entries if isinstance(e, AuditRecord)] == ["signal_fault"]
    assert home.desk.inbox_cursor == 2
    assert (await home.alert(**LIMIT)).status is SignalStatus.OPEN


async def test_step_when_the_journal_did_not_answer_then_the_next_one_waits_for_a_recovery() -> None:
    home = await Home().begin()

    class Lost(FullDisk):
        async def commit(self, commits: list[Commit]) -> str:
            await self._journal.commit(commits)
            raise ActorUnavailable("the answer is lost")

    journal = home.journal
    home.inside.journal = Lost(journal, lambda _: False)
    with pytest.raises(ActorUnavailable):
        await home.alert()
    home.inside.journal = journal
    with pytest.raises(JournalConflict):
        await home.alert()
    await home.desk.recover()
    home.agrees()


async def test_cancel_when_the_venue_did_not_hear_it_then_a_restart_does_not_forget_it() -> None:
    home = await Home().begin()
    (works,) = (await home.alert(**LIMIT)).client_order_ids
    home.connector.silent = 2
    (unheard,) = (await home.alert(**LIMIT)).client_order_ids
    await home.desk.cancel("c", (works, unheard), home.desk.clock_ms)
    home.restart()
    await home.desk.recover()
    assert [home.journal.orders[k].status for k in (works, unheard)] == [OrderStatus.CANCELLED] * 2
    assert unheard not in home.exchange.entered
    assert not home.desk._steps.memory.uncancelled
    home.agrees()


async def test_replace_when_the_venue_did_not_hear_it_then_a_restart_goes_on_with_it() -> None:
    home = await Home().begin()
    (key,) = (await home.alert(**LIMIT)).client_order_ids
    home.connector.silent = 1
    await home.desk.replace("r", key, Change(price=Decimal(29_500)), home.desk.clock_ms)
    home.restart()
    await home.desk.recover()
    (new,) = home.desk.open_orders
    assert new.intent.limit_price == Decimal(29_500)
    home.agrees()


async def test_questions_when_the_venue_answered_then_none_is_left() -> None:
    home = await Home().begin()
    home.connector.silent = 1
    await home.alert(**LIMIT)
    assert home.desk.has_questions(VENUE)
    home.connector.happened(*home.exchange.orders)
    await home.desk.collect(VENUE, home.desk.clock_ms)
    assert home.desk.open_orders
    assert not home.desk.has_questions(VENUE)
    assert not home.desk._steps.doubtful
