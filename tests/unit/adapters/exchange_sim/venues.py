"""Engines for tests: a still clock, two symbols, round prices, and orders in a few words."""

from collections.abc import Mapping
from decimal import Decimal

from fks_actors.adapters.exchange_sim.board import Ladder
from fks_actors.adapters.exchange_sim.engine import Engine
from fks_actors.adapters.exchange_sim.ledger import Ledger
from fks_actors.adapters.exchange_sim.markets import default_markets
from fks_actors.adapters.exchange_sim.state import Kind, NewOrder, News, SimOrder, Tif
from fks_actors.model.orders import ZERO, Side

NOW_MS = 1_750_000_000_000
BTC, ETH = "BTCUSDT", "ETHUSDT"
PRICES = {BTC: Decimal(100_000), ETH: Decimal(4_000)}
FUNDS = {"USDT": Decimal(100_000), "BTC": Decimal(2), "ETH": Decimal(10)}
D = Decimal


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


def make_engine(funds: Mapping[str, Decimal] = FUNDS, ladder: Ladder | None = None) -> Engine:
    """An engine with BTC at 100,000 and ETH at 4,000."""
    markets = default_markets(("BTC/USDT", "ETH/USDT"))
    return Engine(markets, PRICES, funds, Clock(), ladder=ladder, seed=7)


def listened(engine: Engine) -> list[News]:
    """Everything that the engine tells from now on."""
    heard: list[News] = []
    engine.listeners.append(heard.extend)
    return heard


def order(
    kind: str,
    side: Side,
    quantity: str | None = "0.1",
    price: str | None = None,
    stop: str | None = None,
    *,
    symbol: str = BTC,
    client_id: str = "",
    tif: str = "GTC",
    iceberg: str | None = None,
    bips: int = 0,
    cost: str | None = None,
) -> NewOrder:
    """A new order; a client id is made of the rest where none is given."""
    return NewOrder(
        symbol=symbol,
        side=side,
        kind=Kind(kind),
        client_id=client_id or f"{kind}{side}{quantity}{price}{stop}{cost}{bips}".replace("None", "")[:36],
        quantity=None if quantity is None else D(quantity),
        quote_quantity=None if cost is None else D(cost),
        price=None if price is None else D(price),
        stop_price=None if stop is None else D(stop),
        trailing_bips=bips,
        iceberg=None if iceberg is None else D(iceberg),
        tif=Tif(tif),
    )


def check_books(engine: Engine, funds: Mapping[str, Decimal] = FUNDS) -> None:
    """What holds at every instant: nothing below zero, holds add up, trades explain orders and balances."""
    account = engine.account
    expected = dict(funds)
    for trade in engine.trades:
        market = engine.markets[trade.symbol]
        sign = 1 if trade.side is Side.BUY else -1
        expected[market.base] = expected.get(market.base, ZERO) + sign * trade.quantity
        expected[market.quote] = expected.get(market.quote, ZERO) - sign * trade.cost
        expected[trade.fee_asset] -= trade.fee
    assert {a: t for a, t in account.totals.items() if t} == {a: t for a, t in expected.items() if t}
    assert all(account.free(a) >= 0 and account.locked.get(a, ZERO) >= 0 for a in account.totals)
    _check_holds(engine)
    waiting = {o.order_id for o in engine.open.values() if o.request.kind.conditional and not o.working}
    assert {i for found in engine.waiting_of.values() for i in found} == waiting
    for entry in engine.orders.values():
        trades = engine.trades_of.get(entry.order_id, [])
        assert entry.executed == sum((t.quantity for t in trades), ZERO) <= entry.quantity
        assert entry.cost == sum((t.cost for t in trades), ZERO)
        assert (entry.status == "FILLED") == (entry.left == 0)
        assert entry.status.open == (entry.order_id in engine.open)
        _check_resting(engine, entry)


def _check_holds(engine: Engine) -> None:
    held: dict[str, Decimal] = {}
    holds = {o.hold.hold_id: (o.hold, o) for o in engine.open.values() if o.hold}
    for hold, holder in holds.values():
        assert hold.left == hold.unit * holder.left
        held[hold.asset] = held.get(hold.asset, ZERO) + hold.left
    assert {a: v for a, v in engine.account.locked.items() if v} == {a: v for a, v in held.items() if v}


def _check_resting(engine: Engine, entry: SimOrder) -> None:
    resting = engine.boards[entry.request.symbol].book.get(entry.key)
    assert (resting is not None) == (entry.status.open and entry.working)
    if resting is not None:
        assert 0 < resting.quantity <= entry.left


def life(entry: SimOrder) -> list[str]:
    """What happened to an order, in the ledger's words."""
    return [e["event"] for e in entry.events]


def judged(engine: Engine) -> Engine:
    """The engine with a ledger that listens."""
    Ledger(None).restore(engine)
    return engine
