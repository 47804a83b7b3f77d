"""An exchange and a journal that hold the same open orders, as a process of its own."""

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from multiprocessing.connection import Connection as Pipe
from typing import Any

from fks_actors.adapters.exchange_sim.config import MANUAL, SimConfig
from fks_actors.adapters.exchange_sim.engine import Engine
from fks_actors.adapters.exchange_sim.server import running_sim
from fks_actors.adapters.exchange_sim.state import Kind, NewOrder, SimOrder
from fks_actors.adapters.sql import SqlJournal
from fks_actors.execution.ids import client_order_id
from fks_actors.journal.ports import GENESIS
from fks_actors.model.orders import Fill, Liquidity, Order, OrderIntent, OrderStatus, OrderType, Origin, Side
from fks_actors.model.records import Commit, Entry

VENUE = "binance"
BASES = ("BTC", "ETH", "SOL", "BNB", "XRP", "ADA", "DOGE", "LTC", "LINK", "DOT")
SYMBOLS = tuple(f"{base}/USDT" for base in BASES)
TRADED_ONE_IN = 20
_HALF = Decimal(10)
"""What half an order is worth, in quote."""
_KEY = "bench"


@contextmanager
def exchange(count: int, journal_url: str) -> Iterator[dict[str, Any]]:
    """An exchange with `count` open orders over ten symbols, one in twenty half filled, and a journal that agrees."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_exchange, args=(count, journal_url, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join(30)


def _exchange(count: int, journal_url: str, pipe: Pipe) -> None:
    asyncio.run(_serve(count, journal_url, pipe))


async def _serve(count: int, journal_url: str, pipe: Pipe) -> None:
    config = SimConfig(
        feed=MANUAL,
        symbols=SYMBOLS,
        balances={"USDT": 4 * _HALF * count},
        key=_KEY,
        secret=_KEY,
        max_orders=count,
    )
    async with running_sim(config) as sim:
        orders = _fill(sim.engine, count)
        _write_down(sim.engine, orders, journal_url)
        pipe.send({"url": sim.url, "key": sim.key, "secret": sim.secret})
        await asyncio.to_thread(pipe.recv)


def _fill(engine: Engine, count: int) -> list[SimOrder]:
    """Orders of each symbol: the half filled ones first, each at a better price than those before, so that the market
    that comes down to it meets it alone."""
    found: list[SimOrder] = []
    for place, symbol in enumerate(engine.markets):
        market, many, last = engine.markets[symbol], count // len(engine.markets), engine.board(symbol).last
        half = market.floor_quantity(_HALF / last)
        low = market.round_price(last * Decimal("0.4"))
        for number in range(many):
            traded = number < many // TRADED_ONE_IN
            price = low + (number + 1) * market.tick if traded else low
            key = client_order_id(f"bench-{place}-{number}", 0)
            order = engine.place(NewOrder(symbol, Side.BUY, Kind.LIMIT, key, 2 * half, price=price))
            if traded:
                engine.move(symbol, price, half)
                engine.move(symbol, last)
            found.append(order)
    return found


def _write_down(engine: Engine, orders: Sequence[SimOrder], url: str) -> None:
    journal, head = SqlJournal(url, lambda: time.time_ns() // 1_000_000), GENESIS
    try:
        for first in range(0, len(orders), 5_000):
            entries = tuple(e for order in orders[first : first + 5_000] for e in _entries(engine, order))
            head = journal.commit((Commit(f"bench-{first}", head, entries),))
    finally:
        journal.close()


def _entries(engine: Engine, order: SimOrder) -> Iterator[Entry]:
    request, price = order.request, order.request.price or Decimal(0)
    key, symbol = request.client_id, request.symbol.removesuffix("USDT") + "/USDT"
    intent = OrderIntent(
        key, Origin.SIGNAL, f"s-{key}", VENUE, symbol, Side.BUY, OrderType.LIMIT, order.quantity, price,
        order.created_ms, price,
    )  # fmt: skip
    status = OrderStatus.PARTIALLY_FILLED if order.executed else OrderStatus.ACCEPTED
    yield Order(intent, status, order.updated_ms, price * order.quantity, order.executed, price)
    for trade in engine.trades_of.get(order.order_id, ()):
        yield Fill(
            f"{symbol}:{trade.trade_id}:b", key, VENUE, symbol, Side.BUY, trade.price, trade.quantity,
            trade.fee * trade.price, Liquidity.MAKER, trade.ts_ms, trade.fee_asset, trade.fee,
        )  # fmt: skip
