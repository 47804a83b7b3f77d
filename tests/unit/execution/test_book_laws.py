"""Laws of the paper book: money is conserved, bars bound prices, and a restart changes nothing."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fks_actors.execution.book import PaperBook
from fks_actors.execution.config import PaperConfig, default_rules
from fks_actors.execution.order_state import TERMINAL, WORKING, apply
from fks_actors.model.account import Account
from fks_actors.model.candles import BarBatch, Candle, to_money
from fks_actors.model.orders import ZERO, Charge, Fill, Order, OrderStatus, OrderType, Origin, Side, VenueEvent
from tests.unit.execution.cases import BTC, ETH, HOUR_MS, T0, order

MODELS = PaperConfig(
    finished_kept=12, details_kept=4, latency_ms=HOUR_MS // 3, fill="intrabar", funding_bps_per_day=Decimal(900),
    funding_hours=1, borrow_bps_per_day=Decimal(900),
)  # fmt: skip
CONFIG = PaperConfig(finished_kept=12, details_kept=4, slippage_bps=Decimal(20))
MARKETS = {s: default_rules(s, CONFIG) for s in (BTC, ETH)}
CASH = Decimal(3000)

cents = st.integers(5_000, 20_000)
quantities = st.integers(1, 2_000_000).map(lambda n: str(Decimal(n) / 100_000))


@st.composite
def candles(draw: st.DrawFn, symbol: str, ts_ms: int) -> Candle:
    low, open_, close, high = sorted(draw(st.tuples(cents, cents, cents, cents)))
    if draw(st.booleans()):
        open_, close = close, open_
    volume = draw(st.sampled_from([0.0, 0.5, 10.0, 1_000.0]))
    return Candle(symbol, ts_ms, open_ / 100, high / 100, low / 100, close / 100, volume)


orders = st.fixed_dictionaries(
    {
        "side": st.sampled_from(Side),
        "quantity": quantities,
        "symbol": st.sampled_from([BTC, ETH]),
        "origin": st.sampled_from(Origin),
        "order_type": st.sampled_from(OrderType),
        "limit_price": cents.map(lambda n: Decimal(n) / 100),
        "stop_price": cents.map(lambda n: Decimal(n) / 100),
        "trail_pct": st.integers(1, 300).map(lambda n: Decimal(n) / 10),
        "display_quantity": st.integers(20_000, 1_000_000).map(lambda n: Decimal(n) / 100_000),
        "slices": st.integers(1, 5),
        "duration_ms": st.integers(1, 6).map(lambda n: n * HOUR_MS // 2),
        "paired": st.booleans(),
    }
)
LEGS = [OrderType.LIMIT, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP, OrderType.ICEBERG]


class BookMachine(RuleBasedStateMachine):
    config = CONFIG

    def __init__(self) -> None:
        super().__init__()
        self.book = PaperBook(self.config, MARKETS, CASH)
        self.twin = PaperBook(self.config, MARKETS, CASH)
        self.now_ms = T0
        self.n = 0
        self.orders: dict[str, Order] = {}
        self.trades: set[str] = set()
        self.account = Account(CASH)

    def take(self, events: tuple[VenueEvent, ...]) -> None:
        assert [e.ts_ms for e in events] == sorted(e.ts_ms for e in events)
        for event in events:
            if isinstance(event, Charge):
                assert event.amount > 0
                assert event.charge_id not in self.trades
                self.trades.add(event.charge_id)
                self.account = self.account.charged(event)
                continue
            known = self.orders[event.client_order_id]
            assert known.status not in TERMINAL
            self.orders[event.client_order_id] = after = apply(known, event)
            if isinstance(event, Fill):
                assert event.trade_id not in self.trades
                self.trades.add(event.trade_id)
                self.account = self.account.applied(event)
                limit = after.intent.limit_price
                if after.intent.order_type in (OrderType.LIMIT, OrderType.ICEBERG) and limit is not None:
                    assert event.price <= limit if event.side is Side.BUY else event.price >= limit

    @rule(data=st.data(), inside_ms=st.sampled_from([0, 0, 1]))
    def bar(self, data: st.DataObject, inside_ms: int) -> None:
        symbols = data.draw(st.sampled_from([(BTC,), (ETH,), (BTC, ETH), (ETH, BTC)]))
        open_ms = self.now_ms - inside_ms
        made = tuple(data.draw(candles(s, open_ms)) for s in symbols)
        batch = BarBatch(open_ms, HOUR_MS, made)
        events = self.book.advance(batch)
        assert events == self.twin.advance(batch)
        by_symbol = {c.symbol: c for c in made}
        for event in events:
            if isinstance(event, Fill):
                candle = by_symbol[event.symbol]
                assert to_money(candle.low) <= event.price <= to_money(candle.high)
        for symbol, candle in by_symbol.items():
            traded = sum((e.quantity for e in events if isinstance(e, Fill) and e.symbol == symbol), ZERO)
            assert traded <= to_money(candle.volume) / 4
        self.take(events)
        self.now_ms = batch.close_ms + inside_ms

    @rule(asked=st.lists(orders, min_size=1, max_size=3), kind=st.sampled_from(LEGS))
    def submit(self, asked: list[dict[str, object]], kind: OrderType) -> None:
        made = []
        for figures in asked:
            legs = self.legs(figures, kind) if figures["paired"] else ({**figures, "client_order_id": self.new_id()},)
            for leg in legs:
                made.append(order(**{k: v for k, v in leg.items() if k != "paired"}, ts_ms=self.now_ms))
                intent = made[-1].intent
                self.orders[intent.client_order_id] = Order(intent, OrderStatus.SUBMITTED, self.now_ms)
        events = self.book.submit(made)
        assert events == self.twin.submit(made)
        self.take(events)
        again = self.book.submit(made)
        assert again == self.twin.submit(made)
        assert not any(isinstance(e, Fill) for e in again)

    def new_id(self) -> str:
        self.n += 1
        return f"fks-{self.n}"

    def legs(self, figures: dict[str, object], kind: OrderType) -> tuple[dict[str, object], ...]:
        one, other = self.new_id(), self.new_id()
        first = {**figures, "order_type": kind, "client_order_id": one, "oco_id": other}
        second = {**figures, "order_type": OrderType.STOP_LOSS, "client_order_id": other, "oco_id": one}
        return first, second

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        working = [o.intent.client_order_id for o in self.book.open_orders()]
        if working:
            ids = [data.draw(st.sampled_from(working))]
            events = self.book.cancel(ids, self.now_ms)
            assert events == self.twin.cancel(ids, self.now_ms)
            self.take(events)

    @rule()
    def restart(self) -> None:
        payload = self.book.state()
        self.book = PaperBook.restore(self.config, MARKETS, payload)
        assert self.book.state() == payload

    @invariant()
    def the_book_and_its_events_agree(self) -> None:
        assert self.book.account() == self.account
        assert self.book.state() == self.twin.state()
        working = {i: o for i, o in self.orders.items() if o.status in WORKING}
        assert {o.intent.client_order_id: o for o in self.book.open_orders()} == working

    @invariant()
    def of_a_pair_only_one_leg_trades(self) -> None:
        for known in self.orders.values():
            other = self.orders.get(known.intent.oco_id)
            if other is not None and known.filled_quantity > 0:
                assert other.filled_quantity == 0
                assert other.status in TERMINAL

    @invariant()
    def nothing_is_lent(self) -> None:
        assert self.account.cash >= -self.account.costs
        assert all(p.quantity >= 0 for p in self.account.positions.values())


BookMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestBookLaws = BookMachine.TestCase


class ModelsMachine(BookMachine):
    config = MODELS

    @invariant()
    def the_books_balance(self) -> None:
        held = self.account.positions.values()
        at_cost = sum((p.quantity * p.entry_price for p in held), ZERO)
        gap = self.account.cash + at_cost - (CASH + self.account.realised() - self.account.costs)
        assert abs(gap) < Decimal("1e-18")


ModelsMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestModelsLaws = ModelsMachine.TestCase


@given(st.data(), st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_decisions_when_the_future_is_changed_then_every_earlier_event_stays(data: st.DataObject, cut: int) -> None:
    past = [data.draw(candles(BTC, T0 + n * HOUR_MS)) for n in range(cut)]

    def told(future: Candle) -> list[tuple[VenueEvent, ...]]:
        paper = PaperBook(CONFIG, MARKETS, CASH)
        story = []
        for n, candle in enumerate([*past, future]):
            story.append(paper.advance(BarBatch(candle.ts_ms, HOUR_MS, (candle,))))
            side = Side.SELL if paper.account().position(BTC).quantity else Side.BUY
            made = order(side, "1", client_order_id=f"fks-{n}", ts_ms=candle.ts_ms + HOUR_MS)
            story.append(paper.submit([made]))
        return story

    ts_ms = T0 + cut * HOUR_MS
    one, two = data.draw(candles(BTC, ts_ms)), data.draw(candles(BTC, ts_ms))
    assert told(one)[: 2 * cut] == told(two)[: 2 * cut]
