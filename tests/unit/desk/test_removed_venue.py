"""A venue that the configuration names no more, while orders of the desk work there."""

from decimal import Decimal

from fks_actors.model.orders import OrderStatus, OrderType
from fks_actors.model.records import AuditRecord, ControlRecord, TradingState
from tests.market import batches
from tests.unit.desk.exchange import Connector, Exchange
from tests.unit.desk.test_real_venue import Home


async def test_recover_when_a_venue_was_removed_then_the_desk_goes_on_and_its_orders_stand() -> None:
    home = await Home().begin()
    await home.alert(order_type=OrderType.LIMIT, price=Decimal(29_000), stop_loss=Decimal(25_000))
    home.connector.silent = 1
    await home.alert(order_type=OrderType.LIMIT, price=Decimal(29_000))
    home.inside.real = {"other": Connector(Exchange(venue="other"))}
    home.inside._names = ("other",)
    home.inside._restart_risk()
    home.inside.new_desk()
    await home.desk.recover()
    (batch,) = batches(6)[5:]
    assert await home.desk.run_cycle(batch)
    await home.desk.control("h", ControlRecord(home.desk.clock_ms, TradingState.HALTED, "operator", ""))
    await home.desk.control("r", ControlRecord(home.desk.clock_ms, TradingState.ACTIVE, "operator", ""))
    assert {o.status for o in home.journal.orders.values()} == {OrderStatus.UNKNOWN, OrderStatus.ACCEPTED}
    assert [e.kind for e in home.journal.entries if isinstance(e, AuditRecord)] == ["cancel_unheard"]
