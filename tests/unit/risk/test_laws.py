"""Laws of risk: whatever is proposed and whatever happens, the caps hold and nothing is created or lost."""

from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fks_actors.errors import JournalCorrupt
from fks_actors.model.account import Account, Position
from fks_actors.model.orders import ZERO, Approved, OrderStatus, OrderType, OrderUpdate, Origin, Side
from fks_actors.model.records import ControlRecord, TradingState
from fks_actors.risk import codec
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.messages import RiskReply, RiskRequest, RiskState
from tests.unit.risk.cases import BTC, ETH, T0, fill, propose, start, step

CONFIG = RiskConfig(per_trade_pct=Decimal(30), orders_per_minute=20)
CASH = Decimal(10000)
quantities = st.decimals("0.00001", "80", places=5)
prices = st.decimals("20", "300", places=2)
proposals = st.fixed_dictionaries(
    {
        "side": st.sampled_from(Side),
        "symbol": st.sampled_from([BTC, ETH]),
        "origin": st.sampled_from(Origin),
        "quantity": st.none() | quantities,
        "order_type": st.sampled_from(OrderType),
        "limit_price": prices,
        "stop_price": prices,
        "strength": st.decimals(0, 1, places=3),
    }
)


class RiskMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.state = RiskState.of({"paper": CASH})
        self.ts_ms = T0
        self.n = 0
        self.open: dict[str, tuple[Approved, Decimal]] = {}
        self.flows = CASH
        self.bought: dict[str, Decimal] = {BTC: ZERO, ETH: ZERO}
        self.ask(marks={BTC: Decimal(100), ETH: Decimal(50)})

    def ask(self, **request: object) -> RiskReply:
        self.ts_ms += 7_000
        self.state, reply = step(self.state, RiskRequest(self.ts_ms, **request), CONFIG)  # type: ignore[arg-type]
        return reply

    @rule(asked=st.lists(proposals, min_size=1, max_size=4))
    def propose(self, asked: list[dict[str, object]]) -> None:
        made = []
        for figures in asked:
            self.n += 1
            made.append(propose(n=self.n, **figures))
        reply = self.ask(proposals=tuple(made))
        bought = False
        for ruling in reply.rulings:
            if isinstance(ruling, Approved):
                self.open[ruling.intent.client_order_id] = (ruling, ruling.intent.quantity)
                bought = bought or ruling.intent.side is Side.BUY
                assert self.state.trading is not TradingState.HALTED
                assert ruling.intent.side is Side.SELL or self.state.trading is TradingState.ACTIVE
        if bought:
            reserved = sum((r.quote for r in self.state.reservations.values()), ZERO)
            gross = self.state.account.exposure(self.state.marks) + reserved
            assert gross <= reply.equity.equity * CONFIG.max_gross_exposure_pct / 100
            assert reserved <= self.state.account.cash

    @precondition(lambda self: self.open)
    @rule(
        data=st.data(),
        part=st.sampled_from([Decimal(1), Decimal("0.5"), Decimal("0.1")]),
        off=st.decimals("0.98", "1.004", places=4),
    )
    def trade(self, data: st.DataObject, part: Decimal, off: Decimal) -> None:
        ruling, left = self.open[data.draw(st.sampled_from(sorted(self.open)))]
        intent = ruling.intent
        price = intent.limit_price if intent.order_type is OrderType.LIMIT else intent.market_price
        assert price is not None
        trade = fill(ruling, left * part, price * off)
        self.ask(events=(trade,))
        cash = trade.price * trade.quantity * (-1 if intent.side is Side.BUY else 1) - trade.fee
        self.flows += cash
        self.bought[intent.symbol] += trade.quantity * (1 if intent.side is Side.BUY else -1)
        self.open[intent.client_order_id] = (ruling, left - trade.quantity)
        if part == 1:
            del self.open[intent.client_order_id]

    @precondition(lambda self: self.open)
    @rule(data=st.data(), status=st.sampled_from([OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED]))
    def end(self, data: st.DataObject, status: OrderStatus) -> None:
        ended = data.draw(st.sampled_from(sorted(self.open)))
        del self.open[ended]
        self.ask(events=(OrderUpdate(ended, status, self.ts_ms),))

    @rule(symbol=st.sampled_from([BTC, ETH]), price=prices)
    def mark(self, symbol: str, price: Decimal) -> None:
        self.ask(marks={symbol: price})

    @rule(to=st.sampled_from(TradingState))
    def control(self, to: TradingState) -> None:
        self.ask(control=ControlRecord(self.ts_ms, to, "operator", ""))
        assert self.state.trading is to

    @invariant()
    def reservations_are_exactly_the_open_orders(self) -> None:
        assert set(self.state.reservations) == set(self.open)
        for client_order_id, held in self.state.reservations.items():
            ruling, left = self.open[client_order_id]
            assert abs(held.left - left) < Decimal("1e-18")
            assert ZERO <= held.quote <= ruling.reserved_quote
            assert (held.quote > 0) == (ruling.intent.side is Side.BUY)

    @invariant()
    def money_is_neither_made_nor_lost(self) -> None:
        assert abs(self.state.account.cash - self.flows) < Decimal("1e-12")
        for symbol, quantity in self.bought.items():
            assert abs(self.state.account.position(symbol).quantity - quantity) < Decimal("1e-12")
            assert quantity > -Decimal("1e-12")

    @invariant()
    def state_survives_its_codec(self) -> None:
        payload = codec.encode(self.state)
        assert codec.decode(payload) == self.state
        assert codec.encode(codec.decode(payload)) == payload

    def teardown(self) -> None:
        for client_order_id in list(self.open):
            self.ask(events=(OrderUpdate(client_order_id, OrderStatus.CANCELLED, self.ts_ms),))
        assert self.state.reservations == {}


RiskMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestRiskLaws = RiskMachine.TestCase


def test_codec_when_dicts_were_filled_in_another_order_then_gives_the_same_bytes() -> None:
    one = RiskState({"paper": Account(Decimal(1))}, marks={BTC: Decimal(1), ETH: Decimal(2)})
    two = RiskState({"paper": Account(Decimal(1))}, marks={ETH: Decimal(2), BTC: Decimal(1)})
    assert codec.encode(one) == codec.encode(two)


def test_codec_when_a_flat_position_never_earned_then_drops_it_and_keeps_what_did() -> None:
    never, earned = Position(ETH), Position(BTC, realised=Decimal("-1.5"))
    state = RiskState({"paper": Account(Decimal(1), {ETH: never, BTC: earned})})
    assert codec.decode(codec.encode(state)).account.positions == {BTC: earned}


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"account":{"cash":"x"}}'])
def test_codec_when_bytes_are_damaged_then_raises_journal_corrupt(payload: bytes) -> None:
    with pytest.raises(JournalCorrupt):
        codec.decode(payload)


def test_start_when_nothing_happened_then_peak_and_day_hold_the_equity() -> None:
    state = start()
    assert (state.peak_equity, state.day_start_equity) == (CASH, CASH)
