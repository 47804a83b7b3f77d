"""Laws of the engine under any sequence of requests and prices."""

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.adapters.exchange_sim.board import Ladder
from fks_actors.adapters.exchange_sim.codes import VenueRefusal
from fks_actors.adapters.exchange_sim.engine import Engine
from fks_actors.adapters.exchange_sim.state import Happened, Kind, NewOrder, Tif
from fks_actors.model.orders import ZERO, Side
from tests.unit.adapters.exchange_sim.venues import BTC, ETH, PRICES, check_books, judged, listened, make_engine

THIN = Ladder(levels=5, level_quote=Decimal(5_000))
sides = st.sampled_from(Side)
symbols = st.sampled_from([BTC, ETH])
near = st.integers(-60, 60).map(lambda n: 1 + Decimal(n) / 1_000)


@dataclass(frozen=True)
class Move:
    symbol: str
    by: Decimal
    volume: Decimal | None


@dataclass(frozen=True)
class Cancel:
    which: int


@dataclass(frozen=True)
class Pair:
    symbol: str
    side: Side
    quantity: Decimal
    away: Decimal
    limit: bool


@dataclass(frozen=True)
class Enter:
    symbol: str
    side: Side
    kind: Kind
    quantity: Decimal
    price: Decimal
    stop: Decimal
    bips: int
    tif: Tif
    iceberg: bool
    client: int


amounts = st.integers(1, 400).map(lambda n: Decimal(n) / 1_000)
steps = st.one_of(
    st.builds(Move, symbols, near, st.none() | amounts),
    st.builds(Cancel, st.integers(0, 30)),
    st.builds(Pair, symbols, sides, amounts, st.integers(1, 50).map(lambda n: Decimal(n) / 1_000), st.booleans()),
    st.builds(
        Enter, symbols, sides, st.sampled_from(Kind), amounts, near, near, st.sampled_from([0, 0, 50]),
        st.sampled_from(Tif), st.booleans(), st.integers(0, 20),
    ),
)  # fmt: skip


def do(engine: Engine, step: object) -> None:
    """One step; a refusal is an answer like any other."""
    try:
        if isinstance(step, Move):
            board = engine.board(step.symbol)
            engine.move(step.symbol, board.market.round_price(PRICES[step.symbol] * step.by), step.volume)
        elif isinstance(step, Cancel):
            orders = list(engine.orders.values())
            if orders:
                engine.cancel(orders[step.which % len(orders)])
        elif isinstance(step, Pair):
            pair(engine, step)
        elif isinstance(step, Enter):
            engine.place(request(engine, step))
    except VenueRefusal:
        pass


def request(engine: Engine, step: Enter) -> NewOrder:
    board = engine.board(step.symbol)
    price, stop = (board.market.round_price(PRICES[step.symbol] * by) for by in (step.price, step.stop))
    plain = step.kind is Kind.LIMIT and step.tif is Tif.GTC
    return NewOrder(
        step.symbol,
        step.side,
        step.kind,
        f"c{step.client}",
        quantity=step.quantity,
        price=price if step.kind.priced else None,
        stop_price=stop if step.kind.conditional else None,
        trailing_bips=step.bips if step.kind.conditional else 0,
        iceberg=step.quantity / 4 if step.iceberg and plain and not step.quantity * 1_000 % 4 else None,
        tif=step.tif if step.kind.priced else Tif.GTC,
    )


def pair(engine: Engine, step: Pair) -> None:
    board = engine.board(step.symbol)
    high, low = (board.market.round_price(board.last * (1 + way * step.away)) for way in (1, -1))
    limit, stop = (high, low) if step.side is Side.SELL else (low, high)
    number = engine.next_order
    kind = Kind.STOP_LOSS_LIMIT if step.limit else Kind.STOP_LOSS
    engine.place_pair(
        NewOrder(step.symbol, step.side, Kind.LIMIT_MAKER, f"l{number}", step.quantity, price=limit),
        NewOrder(
            step.symbol,
            step.side,
            kind,
            f"s{number}",
            step.quantity,
            stop_price=stop,
            price=stop if step.limit else None,
        ),
        f"p{number}",
    )


@given(st.lists(steps, max_size=40))
@settings(max_examples=150)
def test_engine_when_anything_is_asked_then_the_books_balance_at_every_instant(todo: list[object]) -> None:
    engine = judged(make_engine(ladder=THIN))
    for step in todo:
        do(engine, step)
        check_books(engine)


@given(st.lists(steps, max_size=30))
@settings(max_examples=60)
def test_engine_when_the_same_is_asked_twice_then_the_same_happens(todo: list[object]) -> None:
    first, second = judged(make_engine(ladder=THIN)), judged(make_engine(ladder=THIN))
    for step in todo:
        do(first, step)
        do(second, step)
    assert first.trades == second.trades
    assert [o.events for o in first.orders.values()] == [o.events for o in second.orders.values()]


@given(st.lists(steps, max_size=40))
@settings(max_examples=60)
def test_events_when_anything_is_asked_then_ids_rise_and_ended_orders_stay_ended(todo: list[object]) -> None:
    engine = make_engine(ladder=THIN)
    heard = listened(engine)
    for step in todo:
        do(engine, step)
    ended: set[int] = set()
    for event in (e for e in heard if isinstance(e, Happened)):
        assert event.order.order_id not in ended
        if not event.status.open:
            ended.add(event.order.order_id)
    trade_ids = [e.trade.trade_id for e in heard if isinstance(e, Happened) and e.trade]
    assert trade_ids == sorted(set(trade_ids))
    assert ended.isdisjoint(engine.open)


@given(st.lists(st.tuples(st.integers(1, 8), st.integers(1, 20)), min_size=1, max_size=12), st.integers(1, 200), sides)
def test_sweep_when_a_volume_meets_resting_orders_then_price_comes_before_time(
    resting: list[tuple[int, int]], volume: int, side: Side
) -> None:
    engine = judged(make_engine())
    way = -1 if side is Side.BUY else 1
    for number, (away, size) in enumerate(resting):
        price = Decimal(100_000) + way * away * 100
        engine.place(NewOrder(BTC, side, Kind.LIMIT_MAKER, f"r{number}", Decimal(size) / 1_000, price=price))
    queue = sorted(engine.orders.values(), key=lambda o: (-way * -(o.request.price or ZERO), o.order_id))
    engine.move(BTC, Decimal(100_000) + way * 1_000, Decimal(volume) / 1_000)
    left = Decimal(volume) / 1_000
    for entry in queue:
        expected = min(left, entry.quantity)
        assert entry.executed == expected
        left -= expected
    assert all(t.maker and t.price == engine.orders[t.order_id].request.price for t in engine.trades)
    check_books(engine)
