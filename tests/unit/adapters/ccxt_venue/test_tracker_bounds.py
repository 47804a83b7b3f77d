"""The tracker's memory: bounded for what ended, and no slower for many orders that work."""

import time
from decimal import Decimal

from fks_actors.adapters.ccxt_venue.outbox import Outbox
from fks_actors.adapters.ccxt_venue.tracker import _ENDED_KEPT, Tracker
from fks_actors.model.orders import Order, OrderIntent, OrderStatus, OrderType, Origin, Side

ONE = Decimal(1)


def restore(tracker: Tracker, numbers: range, status: OrderStatus) -> float:
    """Track that many orders; the seconds that it took."""
    started = time.perf_counter()
    for n in numbers:
        key = f"fks-{n}"
        intent = OrderIntent(
            key, Origin.SIGNAL, "s", "v", "BTC/USDT", Side.BUY, OrderType.LIMIT, ONE, ONE, 0, limit_price=ONE
        )
        tracker.restore(Order(intent, status, 0), (), 0, 0)
    return time.perf_counter() - started


async def test_restore_when_very_many_orders_work_then_each_costs_the_same() -> None:
    tracker = Tracker("v", Outbox())
    before = restore(tracker, range(_ENDED_KEPT), OrderStatus.ACCEPTED) / _ENDED_KEPT
    after = restore(tracker, range(_ENDED_KEPT, _ENDED_KEPT + 1_000), OrderStatus.ACCEPTED) / 1_000
    assert after < 30 * before
    assert len(tracker.working()) == _ENDED_KEPT + 1_000


async def test_restore_when_many_orders_ended_then_the_oldest_of_them_are_forgotten() -> None:
    tracker = Tracker("v", Outbox())
    restore(tracker, range(10), OrderStatus.ACCEPTED)
    restore(tracker, range(10, _ENDED_KEPT + 1_000), OrderStatus.CANCELLED)
    assert tracker.get("fks-10") is None
    assert tracker.get(f"fks-{_ENDED_KEPT + 999}") is not None
    assert len(tracker.working()) == 10
