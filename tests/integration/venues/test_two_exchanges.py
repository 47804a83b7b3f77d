"""Two exchanges with different prices and the paper venue: where orders go, and that accounts are the exchanges'."""

import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from fks_actors.model.orders import OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import ControlRecord, SignalStatus, TradingState
from fks_actors.risk.config import RiskConfig
from tests.integration.venues.scene import BTC, CASH, LOT, Rig, rig

NEAR, FAR = Decimal(30_010), Decimal(30_000)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Rig]:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    async with rig({"near": NEAR, "far": FAR}, url, best_price=True, exchanges={"near": "binance"}) as made:
        yield made


def agrees(home: Rig) -> None:
    """To the last digit."""
    for name, sim in home.sims.items():
        account, totals = home.risk.accounts[name], sim.engine.account.totals
        assert account.cash == totals["USDT"], name
        assert account.position(BTC).quantity == totals.get("BTC", Decimal(0)), name


async def test_orders_when_two_exchanges_and_paper_trade_then_each_goes_where_it_should_and_accounts_agree(
    home: Rig,
) -> None:
    assert home.venues_of(await home.alert()) == ["far"]
    home.sims["far"].venue.set_price("BTCUSDT", NEAR + 10)
    await prices(home, "far", NEAR + 5)
    assert home.venues_of(await home.alert()) == ["near"]
    assert home.venues_of(await home.alert(exchange="far")) == ["far"]
    assert home.venues_of(await home.alert(exchange="binance")) == ["near"]
    assert home.venues_of(await home.alert(exchange="paper")) == ["paper"]
    await home.bar()
    risk = home.risk
    assert risk.total().position(BTC).quantity == sum(a.position(BTC).quantity for a in risk.accounts.values())
    assert risk.total().position(BTC).quantity == LOT + 4 * LOT * Decimal("0.999")
    assert risk.total().exposure(risk.marks) == risk.total().position(BTC).quantity * risk.marks[BTC]
    agrees(home)
    assert home.venues_of(await home.alert(side=Side.SELL)) == ["far"]
    assert home.venues_of(await home.alert(side=Side.SELL, quantity=Decimal("0.0199"), exchange="near")) == ["near"]
    agrees(home)
    assert all(sim.engine.account.totals["USDT"] < CASH for sim in home.sims.values())


async def prices(home: Rig, name: str, over: Decimal) -> None:
    """Wait until the desk's connector has heard of the move."""
    end = time.monotonic() + 60
    connector = home.inside.real[name]
    while connector._venue.quotes[BTC].bid < over:  # type: ignore[attr-defined]
        assert time.monotonic() < end
        await connector.news(0.05)  # type: ignore[attr-defined]


async def test_buy_when_the_cheaper_exchange_has_no_money_then_the_other_one_takes_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    config = RiskConfig(per_trade_pct=Decimal(60), max_gross_exposure_pct=Decimal(100))
    async with rig({"near": NEAR, "far": FAR}, url, best_price=True, risk=config) as home:
        assert (await home.alert(quantity=Decimal("3.2"), exchange="far")).status is SignalStatus.FILLED
        assert home.venues_of(await home.alert(quantity=Decimal("0.5"))) == ["near"]
        agrees(home)


async def test_halt_when_orders_rest_everywhere_then_all_of_them_are_cancelled(home: Rig) -> None:
    resting = {"order_type": OrderType.LIMIT, "price": Decimal(28_000)}
    keys = [(await home.alert(exchange=name, **resting)).client_order_ids[0] for name in ("near", "far", "paper")]
    assert all(len(sim.engine.open_orders()) == 1 for sim in home.sims.values())
    halt = ControlRecord(home.desk.clock_ms, TradingState.HALTED, "operator", "")
    await home.desk.control("h", halt)
    assert {home.journal.order(key).status for key in keys} == {OrderStatus.CANCELLED}  # type: ignore[union-attr]
    assert not any(sim.engine.open_orders() for sim in home.sims.values())
    agrees(home)


async def test_strangers_order_when_it_trades_at_one_exchange_then_that_account_alone_follows(home: Rig) -> None:
    sim = home.sims["far"]
    near = home.risk.accounts["near"]
    await home.alert(exchange="far", order_type=OrderType.LIMIT, price=Decimal(28_000))
    other = dict(home.inside.real)["far"]._venue.client.ccxt  # type: ignore[attr-defined]
    await other.create_order(BTC, "market", "buy", "0.02")
    end = time.monotonic() + 15
    while home.risk.accounts["far"].position(BTC).quantity == 0:
        assert time.monotonic() < end
        await home.inside.real["far"].news(0.2)  # type: ignore[attr-defined]
        await home.collect()
    rows, _ = home.journal.orders("", 10)
    assert [o.intent.origin for o in rows if o.intent.venue == "far"].count(Origin.EXTERNAL) == 1
    assert home.risk.accounts["near"] == near
    assert sim.engine.account.totals["BTC"] == Decimal("0.01998")
    agrees(home)


async def test_exchange_when_it_is_down_then_the_other_one_trades_and_nothing_is_lost(home: Rig) -> None:
    far = home.inside.real["far"]
    await far.close()  # type: ignore[attr-defined]
    far._venue, far._opened = None, type(far._opened)()  # type: ignore[attr-defined]
    lost = await home.alert(exchange="far")
    began = time.monotonic()
    await home.bar()
    done = await home.alert(exchange="near")
    assert time.monotonic() - began < 3
    assert (lost.status, done.status) == (SignalStatus.OPEN, SignalStatus.FILLED)
    far._tasks = []  # type: ignore[attr-defined]
    await far.start()  # type: ignore[attr-defined]
    end = time.monotonic() + 30
    while home.desk.open_orders:
        assert time.monotonic() < end
        await home.desk.collect("far", home.desk.clock_ms)
    assert home.journal.signal(lost.signal_id).status is SignalStatus.FILLED  # type: ignore[union-attr]
    agrees(home)
