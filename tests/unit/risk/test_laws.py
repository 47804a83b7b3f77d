"""Laws of risk: whatever is proposed and whatever happens at whichever venue, the caps hold and nothing is created or
lost."""

from dataclasses import dataclass
from decimal import Decimal

import msgspec
import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from fks_actors.errors import JournalCorrupt
from fks_actors.model.account import Account, Position
from fks_actors.model.orders import (
    ZERO,
    Approved,
    Fill,
    Liquidity,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Origin,
    Side,
)
from fks_actors.model.records import ControlRecord, TradingState
from fks_actors.risk import codec
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.messages import Reservation, RiskReply, RiskRequest, RiskState
from fks_actors.risk.reservations import selling
from tests.unit.risk.cases import BTC, ETH, T0, VENUES, fill, propose, start, step

CONFIG = RiskConfig(per_trade_pct=Decimal(30), orders_per_minute=20)
CASH = Decimal(10000)
SHARES = {"paper": Decimal(4000), "binance": Decimal(6000)}
HELD = [(venue, symbol) for venue in VENUES for symbol in (BTC, ETH)]
quantities = st.decimals("0.00001", "80", places=5)
prices = st.decimals("20", "300", places=2)
parts = st.sampled_from([Decimal(1), Decimal("0.5"), Decimal("0.1")])
proposals = st.fixed_dictionaries(
    {
        "venue": st.sampled_from(VENUES),
        "side": st.sampled_from(Side),
        "symbol": st.sampled_from([BTC, ETH]),
        "origin": st.sampled_from(Origin),
        "quantity": st.none() | quantities,
        "sizing": st.sampled_from(["", "fixed_pct", "risk", "volatility"]),
        "order_type": st.sampled_from(OrderType),
        "limit_price": prices,
        "stop_price": prices,
        "strength": st.decimals(0, 1, places=3),
        "trail_pct": st.none() | st.decimals(-1, 101, places=1),
        "display_quantity": st.none() | quantities,
        "duration_ms": st.sampled_from([0, 60_000]),
        "slices": st.integers(0, 9),
        "protect_price": st.none() | prices,
        "target_price": st.none() | prices,
        "volatility": st.decimals(0, 1, places=3),
    }
)


@dataclass
class Open:
    """An order as the venue has it; `pair` is the other leg's id where both were approved."""

    ruling: Approved
    left: Decimal
    pair: str = ""


def tidy(state: RiskState) -> RiskState:
    """Without the positions that neither hold nor earned anything, as the codec leaves them out."""
    kept = {
        venue: replace(account, positions={s: p for s, p in account.positions.items() if p.quantity or p.realised})
        for venue, account in state.accounts.items()
    }
    return replace(state, accounts=kept)


class RiskMachine(RuleBasedStateMachine):
    """Two venues whose true balances are kept apart from risk's, by sums alone."""

    def __init__(self) -> None:
        super().__init__()
        self.state = RiskState.of(SHARES)
        self.ts_ms = T0
        self.n = 0
        self.open: dict[str, Open] = {}
        self.cash = dict(SHARES)
        self.base = dict.fromkeys(HELD, ZERO)
        self.counted: list[int] = []
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
        self.judge(self.ask(proposals=tuple(made)))

    @rule(
        held=st.sampled_from(HELD),
        quantity=st.none() | quantities,
        share=st.sampled_from(["1", "1", "0.5", "1.1"]),
        stops=st.tuples(prices, prices),
        together=st.booleans(),
    )
    def protect(
        self,
        held: tuple[str, str],
        quantity: Decimal | None,
        share: str,
        stops: tuple[Decimal, Decimal],
        together: bool,
    ) -> None:
        """Two legs that name each other; the second one's quantity is `share` of the first's."""
        venue, symbol = held
        one, two = self.n + 2, self.n + 1  # the smaller id may be the smaller leg
        self.n += 2
        fields = {"venue": venue, "symbol": symbol, "side": Side.SELL, "origin": Origin.EXIT}
        other = None if quantity is None else (quantity * Decimal(share)).quantize(Decimal("0.00001"))
        legs = (
            propose(
                n=one,
                **fields,
                oco_id=f"fks-{two}",
                quantity=quantity,
                order_type=OrderType.STOP_LOSS,
                stop_price=stops[0],
            ),
            propose(
                n=two,
                **fields,
                oco_id=f"fks-{one}",
                quantity=other,
                order_type=OrderType.TAKE_PROFIT,
                stop_price=stops[1],
            ),
        )
        for asked in (legs,) if together else ((legs[0],), (legs[1],)):
            self.judge(self.ask(proposals=asked))
        if all(leg.client_order_id in self.open for leg in legs):
            event("both legs approved")
            first, second = (self.open[leg.client_order_id] for leg in legs)
            first.pair, second.pair = (leg.client_order_id for leg in reversed(legs))
            assert second.left <= first.left

    def judge(self, reply: RiskReply) -> None:
        """What was approved keeps every limit, counted anew from the state after all approvals."""
        bought: set[str] = set()
        for ruling in reply.rulings:
            if not isinstance(ruling, Approved):
                continue
            intent = ruling.intent
            self.open[intent.client_order_id] = Open(ruling, intent.quantity)
            assert self.state.trading is not TradingState.HALTED
            assert intent.quantity % Decimal("0.00001") == 0
            if intent.side is Side.BUY:
                bought.add(intent.venue)
                assert self.state.trading is TradingState.ACTIVE
                cap = reply.equity.equity * CONFIG.per_trade_pct / 100 * CONFIG.reserve_factor
                assert ruling.reserved_quote <= cap
            if intent.side is Side.BUY or intent.origin is not Origin.EXIT:
                self.counted = [t for t in self.counted if self.ts_ms - t < 60_000] + [self.ts_ms]
                reducing = self.state.trading is TradingState.REDUCING
                assert reducing or len(self.counted) <= CONFIG.orders_per_minute
        if bought:
            reserved = sum((r.quote for r in self.state.reservations.values()), ZERO)
            gross = self.state.account.exposure(self.state.marks) + reserved
            assert gross <= reply.equity.equity * CONFIG.max_gross_exposure_pct / 100
        for venue in bought:
            here = sum((r.quote for r in self.state.reservations.values() if r.venue == venue), ZERO)
            assert here <= self.state.accounts[venue].cash

    @precondition(lambda self: self.open)
    @rule(
        data=st.data(),
        part=parts,
        off=st.decimals("0.98", "1.004", places=4),
        fee_asset=st.sampled_from(["", "base", "BNB"]),
    )
    def trade(self, data: st.DataObject, part: Decimal, off: Decimal, fee_asset: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.open)))
        work = self.open[key]
        intent = work.ruling.intent
        limited = intent.order_type in (OrderType.LIMIT, OrderType.ICEBERG)
        price = intent.limit_price if limited else intent.market_price
        assert price is not None
        traded = work.left * part
        if not traded:
            return
        base = intent.symbol.partition("/")[0]
        trade = fill(work.ruling, traded, price * off, self.ts_ms, base if fee_asset == "base" else fee_asset)
        self.ask(events=(trade,))
        self.booked(trade, base)
        work.left -= traded
        if not work.left:
            del self.open[key]

    def booked(self, trade: Fill, base: str) -> None:
        """The venue's balances after a trade: what it sold beyond them came from elsewhere."""
        sign = 1 if trade.side is Side.BUY else -1
        self.cash[trade.venue] -= sign * trade.price * trade.quantity + (ZERO if trade.fee_asset else trade.fee)
        fee = trade.fee_quantity if trade.fee_asset == base else ZERO
        key = (trade.venue, trade.symbol)
        self.base[key] = max(self.base[key] + sign * trade.quantity - fee, ZERO)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), status=st.sampled_from([OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED]))
    def end(self, data: st.DataObject, status: OrderStatus) -> None:
        ended = data.draw(st.sampled_from(sorted(self.open)))
        before = self.reserved_base()
        work = self.open.pop(ended)
        pair = self.state.reservations.get(work.pair)
        held = self.state.reservations[ended]
        self.ask(events=(OrderUpdate(ended, status, self.ts_ms),))
        where = (work.ruling.intent.venue, work.ruling.intent.symbol)
        freed = {k: before[k] - now for k, now in self.reserved_base().items() if before[k] != now}
        expected = held.base if pair is None else max(held.base - pair.base, ZERO)
        assert freed == ({where: expected} if expected else {})

    def reserved_base(self) -> dict[tuple[str, str], Decimal]:
        return {(venue, symbol): selling(self.state.reservations, venue, symbol) for venue, symbol in HELD}

    @rule(held=st.sampled_from(HELD), side=st.sampled_from(Side), quantity=st.decimals("0.01", 5, places=2))
    def outside(self, held: tuple[str, str], side: Side, quantity: Decimal) -> None:
        """Someone else trades with the same balances."""
        venue, symbol = held
        price = self.state.marks[symbol]
        if side is Side.BUY and price * quantity > self.cash[venue]:
            return
        trade = Fill(f"x{self.ts_ms}", "x", venue, symbol, side, price, quantity, ZERO, Liquidity.TAKER, self.ts_ms)
        self.ask(events=(trade,), external=frozenset({"x"}))
        self.booked(trade, "")

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
            work = self.open[client_order_id]
            assert abs(held.left - work.left) < Decimal("1e-18")
            assert ZERO <= held.quote <= work.ruling.reserved_quote
            assert ZERO <= held.base <= held.left
            buys = work.ruling.intent.side is Side.BUY
            assert (held.quote > 0, held.base == 0 or not buys) == (buys, True)

    @invariant()
    def working_sells_hold_no_more_than_is_there(self) -> None:
        for (venue, symbol), held in self.reserved_base().items():
            assert held <= self.state.accounts[venue].position(symbol).quantity

    @invariant()
    def pairs_hold_one_quantity(self) -> None:
        for key, work in self.open.items():
            other = self.open.get(work.pair)
            if other is not None:
                shared = max(work.ruling.intent.quantity, other.ruling.intent.quantity)
                gone = sum((w.ruling.intent.quantity - w.left for w in (work, other)), ZERO)
                assert self.state.reservations[key].base <= max(shared - gone, ZERO)

    @invariant()
    def money_is_neither_made_nor_lost(self) -> None:
        for venue, cash in self.cash.items():
            assert abs(self.state.accounts[venue].cash - cash) < Decimal("1e-12")
        for (venue, symbol), quantity in self.base.items():
            assert abs(self.state.accounts[venue].position(symbol).quantity - quantity) < Decimal("1e-12")

    @invariant()
    def state_survives_its_codec(self) -> None:
        payload = codec.encode(self.state)
        assert codec.decode(payload) == tidy(self.state)
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


def test_codec_when_a_snapshot_is_from_before_there_were_venues_then_reads_it_as_the_paper_venues() -> None:
    state = codec.decode(
        b'{"account":{"cash":"9000","fees":"1","positions":{"BTC/USDT":{"entry_price":"100","quantity":"10",'
        b'"realised":"-1","symbol":"BTC/USDT"}}},"approvals_ms":[7],"day_ms":5,"day_start_equity":"10000",'
        b'"marks":{"BTC/USDT":"101"},"peak_equity":"10010","reservations":{"b":{"base":"2","quote":"201",'
        b'"symbol":"BTC/USDT"},"s":{"base":"3","quote":"0","symbol":"BTC/USDT"}},"trading":"reducing",'
        b'"trading_by":"operator","trading_reason":"why"}'
    )
    account = Account(Decimal(9000), {BTC: Position(BTC, Decimal(10), Decimal(100), Decimal(-1))}, Decimal(1))
    held = {
        "b": Reservation("paper", BTC, Decimal(201), ZERO, Decimal(2)),
        "s": Reservation("paper", BTC, ZERO, Decimal(3), Decimal(3)),
    }
    figures = (Decimal(10010), 5, Decimal(10000), (7,))
    assert state == RiskState(
        {"paper": account}, held, {BTC: Decimal(101)}, TradingState.REDUCING, "operator", "why", *figures
    )
    assert codec.decode(codec.encode(state)) == state


def test_codec_when_the_state_is_written_then_names_every_venue_and_no_single_account() -> None:
    assert set(msgspec.json.decode(codec.encode(start()))) >= {"accounts", "reservations"}
    assert "account" not in msgspec.json.decode(codec.encode(start()))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[]",
        b'{"account":7}',
        b'{"account":{"cash":"1"},"reservations":{"a":{}}}',
        b'{"account":{"cash":"x"}}',
    ],
)
def test_codec_when_bytes_are_damaged_then_raises_journal_corrupt(payload: bytes) -> None:
    with pytest.raises(JournalCorrupt):
        codec.decode(payload)


def test_start_when_nothing_happened_then_peak_and_day_hold_the_equity() -> None:
    state = start()
    assert (state.peak_equity, state.day_start_equity) == (CASH, CASH)
