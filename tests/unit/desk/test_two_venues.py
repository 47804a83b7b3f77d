"""The desk at several venues: where orders go, what is summed, and that none waits for another."""

import asyncio
from decimal import Decimal
from typing import Any

from fks_actors.desk.desk import Desk
from fks_actors.desk.lineage import Step
from fks_actors.desk.ports import VenueReply
from fks_actors.model.candles import to_money
from fks_actors.model.markets import Quote
from fks_actors.model.orders import OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import ControlRecord, EquityPoint, Signal, SignalStatus, TradingState
from fks_actors.model.votes import Action, Verdict
from fks_actors.risk.codec import decode
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.messages import RiskState
from tests.in_process import Breaker, InProcessDesk, run_record
from tests.market import SYMBOLS, batches
from tests.unit.desk.exchange import Connector, Exchange, foreign

BTC = "BTC/USDT"
LOT = Decimal("0.01")


class Home:
    """A desk at two exchanges, `near` (the default) and `far`, and the paper venue beside them."""

    def __init__(self, **config: Any) -> None:
        self.exchanges = {name: Exchange(venue=name) for name in ("near", "far")}
        self.connectors = {name: Connector(exchange) for name, exchange in self.exchanges.items()}
        self.inside = InProcessDesk(
            SYMBOLS, Breaker(0, 0), real=self.connectors, beside_paper=True, exchanges={"far": "kraken"}, **config
        )
        self.sent = 0

    @property
    def desk(self) -> Desk:
        return self.inside.desk

    async def begin(self, bars: int = 5) -> "Home":
        await self.desk.recover()
        await self.desk.begin(run_record(SYMBOLS))
        for batch in batches(bars):
            await self.desk.run_cycle(batch)
        return self

    async def alert(self, **changes: Any) -> Any:
        self.sent += 1
        fields: dict[str, Any] = {"side": Side.BUY, "order_type": OrderType.MARKET, "quantity": LOT, **changes}
        signal = Signal(f"s{self.sent}", f"id:{self.sent}", 0, BTC, **fields)
        return await self.desk.run_signal(self.sent, signal, self.desk.clock_ms)

    def price(self, venue: str, bid: int, ask: int, age_ms: int = 0) -> None:
        self.connectors[venue].quotes[BTC] = Quote(Decimal(bid), Decimal(ask), self.desk.clock_ms - age_ms)

    @property
    def risk(self) -> RiskState:
        return decode(self.inside.journal.snapshots["risk"].payload)

    def held(self) -> dict[str, Decimal]:
        return {name: account.position(BTC).quantity for name, account in self.risk.accounts.items()}

    def venue_of(self, record: Any) -> list[str]:
        return [self.inside.journal.orders[key].intent.venue for key in record.client_order_ids]


async def test_buy_when_best_price_is_on_then_it_goes_to_the_cheaper_venue() -> None:
    home = await Home(best_price=True).begin()
    home.price("near", 29_990, 30_010)
    home.price("far", 29_980, 30_000)
    assert home.venue_of(await home.alert()) == ["far"]
    home.price("far", 29_980, 30_000, age_ms=60_000)
    assert home.venue_of(await home.alert()) == ["near"]
    assert home.held() == {"near": LOT, "far": LOT, "paper": 0}


async def test_buy_when_the_cheaper_venue_lacks_the_cash_then_it_goes_to_the_next() -> None:
    home = await Home(best_price=True, cash={"far": Decimal(100)}).begin()
    home.price("near", 29_990, 30_010)
    home.price("far", 29_980, 30_000)
    assert home.venue_of(await home.alert()) == ["near"]
    assert not home.exchanges["far"].entered


async def test_alert_when_it_names_an_exchange_then_by_venue_or_exchange_or_nowhere() -> None:
    home = await Home().begin()
    assert home.venue_of(await home.alert(exchange="kraken")) == ["far"]
    assert home.venue_of(await home.alert(exchange="near")) == ["near"]
    assert home.venue_of(await home.alert(exchange="paper")) == ["paper"]
    lost = await home.alert(exchange="okx")
    assert (lost.status, lost.refusals[0].code) == (SignalStatus.DENIED, "venue_unknown")


async def test_alert_when_a_venue_claims_the_symbol_then_it_goes_there() -> None:
    home = await Home(claims={"far": (BTC,)}).begin()
    assert home.venue_of(await home.alert()) == ["far"]


async def test_sell_when_the_default_venue_holds_none_then_it_sells_where_the_position_lies() -> None:
    home = await Home().begin()
    await home.alert(exchange="far")
    assert home.venue_of(await home.alert(side=Side.SELL)) == ["far"]
    pair = {"side": Side.SELL, "order_type": OrderType.STOP_LOSS, "oco": True}
    await home.alert(exchange="paper")
    both = await home.alert(**pair, stop_loss=Decimal(28_500), take_profit=Decimal(31_500))
    assert home.venue_of(both) == ["paper", "paper"]


async def test_verdict_when_it_sells_then_each_venue_that_holds_sells_its_own() -> None:
    home = await Home().begin(40)
    for venue in ("near", "far"):
        await home.alert(exchange=venue)
    batch = batches(41)[40]

    class SellingMinds:
        async def deliberate(self, batch: Any, briefing: Any) -> Any:
            said = await home.inside.deliberate(batch, briefing)
            verdicts = tuple(
                Verdict(v.symbol, v.ts_ms, Action.SELL, Action.SELL, -1.0, 1.0, v.threshold) for v in said.verdicts
            )
            return type(said)(said.ballots, verdicts, said.snapshots)

    home.desk._ports = type(home.desk._ports)(
        SellingMinds(), home.desk._ports.risk, home.desk._ports.venues, home.desk._ports.journal,
        home.desk._ports.together,
    )  # fmt: skip
    (cycle, _) = await home.desk.run_cycle(batch)
    assert cycle.outcome == "ordered"
    assert home.held() == {"near": 0, "far": 0, "paper": 0}
    sold = [o for o in home.inside.journal.orders.values() if o.intent.origin is Origin.CYCLE]
    assert {o.intent.venue for o in sold if o.status is OrderStatus.FILLED} == {"near", "far"}


async def test_equity_when_positions_lie_at_several_venues_then_all_of_them_count() -> None:
    home = await Home().begin()
    for venue in ("near", "far", "paper"):
        await home.alert(exchange=venue)
    mark = next(to_money(c.close) for c in batches(5)[-1].candles if c.symbol == BTC)
    last = next(e for e in reversed(home.inside.journal.entries) if isinstance(e, EquityPoint))
    accounts = home.risk.accounts
    assert last.exposure == 3 * LOT * mark
    assert last.cash == sum(a.cash for a in accounts.values())
    assert last.equity == sum(a.equity({BTC: mark}) for a in accounts.values())


async def test_caps_when_the_other_venue_is_nearly_full_then_this_one_may_add_only_the_rest() -> None:
    config = RiskConfig(max_gross_exposure_pct=Decimal(2), per_trade_pct=Decimal(2))
    home = await Home(risk=config).begin()
    first = await home.alert(exchange="far")
    second = await home.alert(exchange="near", quantity=2 * LOT)
    assert (first.status, second.status) == (SignalStatus.FILLED, SignalStatus.DENIED)
    assert [r.code for r in second.refusals] == ["gross_exposure"]


async def test_venue_when_it_is_silent_then_bars_and_the_other_venue_go_on_and_it_is_asked_once() -> None:
    home = await Home().begin()
    silent = home.connectors["near"]
    silent.silent = 1_000
    before = len(silent.steps)
    cycles = [await home.desk.run_cycle(batch) for batch in batches(9)[5:]]
    assert all(cycles)
    assert len(silent.steps) == before + 1
    far, near = await home.alert(exchange="far"), await home.alert(exchange="near")
    assert (far.status, near.status) == (SignalStatus.FILLED, SignalStatus.OPEN)
    assert len(silent.steps) == before + 1
    assert home.desk.has_questions("near")
    assert not home.desk.has_questions("far")
    silent.silent = 0
    await home.desk.collect("near", home.desk.clock_ms)
    assert home.inside.journal.signals["s2"].status is SignalStatus.FILLED
    assert len(home.exchanges["near"].entered) == 1
    assert not home.desk.has_questions("near")


async def test_halt_when_one_venue_hangs_then_the_others_orders_are_cancelled_meanwhile() -> None:
    home = await Home().begin()
    limit = {"order_type": OrderType.LIMIT, "price": Decimal(29_000)}
    keys = {v: (await home.alert(exchange=v, **limit)).client_order_ids[0] for v in ("near", "far", "paper")}
    asked, go = asyncio.Event(), asyncio.Event()
    hanging = home.connectors["near"]
    answer = hanging.cancel

    async def hang(step: Step, ids: Any, ts_ms: int) -> VenueReply:
        asked.set()
        await go.wait()
        return await answer(step, ids, ts_ms)

    hanging.cancel = hang  # type: ignore[method-assign]
    home.desk._steps.ports = type(home.desk._ports)(
        home.desk._ports.minds, home.desk._ports.risk, home.desk._ports.venues, home.desk._ports.journal, at_once
    )
    halt = ControlRecord(home.desk.clock_ms, TradingState.HALTED, "operator", "")
    halting = asyncio.create_task(home.desk.control("h", halt))
    await asked.wait()
    for _ in range(1_000):
        if home.exchanges["far"].orders[keys["far"]].status is OrderStatus.CANCELLED:
            break
        await asyncio.sleep(0)
    assert home.exchanges["far"].orders[keys["far"]].status is OrderStatus.CANCELLED
    assert home.exchanges["near"].orders[keys["near"]].status is OrderStatus.ACCEPTED
    go.set()
    await halting
    assert {home.inside.journal.orders[key].status for key in keys.values()} == {OrderStatus.CANCELLED}
    assert not home.desk.open_orders


async def test_collect_when_a_strangers_order_is_at_one_venue_then_only_that_account_moves() -> None:
    home = await Home().begin()
    record = await home.alert(exchange="far", order_type=OrderType.LIMIT, price=Decimal(29_000))
    other = foreign("ext-1", home.exchanges["far"].orders[record.client_order_ids[0]])
    home.connectors["far"].found(other)
    await home.desk.collect("far", home.desk.clock_ms)
    near, paper = home.risk.accounts["near"], home.risk.accounts["paper"]
    home.exchanges["far"].trade("ext-1", LOT, Decimal(29_000))
    home.connectors["far"].happened("ext-1")
    await home.desk.collect("far", home.desk.clock_ms)
    assert home.inside.journal.orders["ext-1"].intent.origin is Origin.EXTERNAL
    assert home.held() == {"near": 0, "far": LOT, "paper": 0}
    assert (home.risk.accounts["near"], home.risk.accounts["paper"]) == (near, paper)


async def at_once(first: Any, second: Any) -> tuple[Any, Any]:
    """desk.ports.Together on the event loop."""
    one, two = await asyncio.gather(first, second)
    return one, two
