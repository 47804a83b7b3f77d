"""The matching engine: synchronous, and pure but for the clock that it is given. All requests of a venue end here.

A public method is one transaction: what happened in it is told to the listeners together, after it. Takers trade
with the best price first, at a price with the order that came first; an order that would trade with one of its own
account expires that one (Binance's EXPIRE_MAKER). A price that reaches a resting order fills it as a maker.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from fks_actors.adapters.exchange_sim import entry
from fks_actors.adapters.exchange_sim.account import Account, fee_of
from fks_actors.adapters.exchange_sim.board import Board, Ladder
from fks_actors.adapters.exchange_sim.codes import not_open, rejected
from fks_actors.adapters.exchange_sim.markets import Market
from fks_actors.adapters.exchange_sim.register import Register
from fks_actors.adapters.exchange_sim.state import (
    BalancesChanged,
    Execution,
    Followed,
    Happened,
    Kind,
    ListHappened,
    NewOrder,
    News,
    OrderList,
    PublicTrade,
    SimOrder,
    Status,
    Tif,
    Trade,
)
from fks_actors.adapters.exchange_sim.stops import arm, follows, touched
from fks_actors.model.orders import ZERO, Side

ClockMs = Callable[[], int]
Listener = Callable[[tuple[News, ...]], None]


@dataclass(frozen=True, slots=True)
class Fees:
    """Fractions of what a trade brings."""

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")


class Engine(Register):
    """One account's orders on the boards of a venue.

    Args:
        prices: each market's first price.
        clock_ms: the venue's time, UTC ms.
        seed: of the ladders.
    """

    def __init__(
        self,
        markets: Mapping[str, Market],
        prices: Mapping[str, Decimal],
        balances: Mapping[str, Decimal],
        clock_ms: ClockMs,
        *,
        fees: Fees | None = None,
        ladder: Ladder | None = None,
        seed: int = 7,
    ) -> None:
        super().__init__(markets)
        self.account = Account(balances)
        self.fees = fees or Fees()
        self.clock_ms = clock_ms
        self.boards = {n: Board(m, prices[n], ladder or Ladder(), seed) for n, m in markets.items()}
        self.listeners: list[Listener] = []
        self.next_share: list[Decimal] = []
        self._news: list[News] = []
        self._depth = 0

    # -- orders

    def check(self, request: NewOrder) -> None:
        """Refuse a new order as `place` would, short of the balance.

        Raises:
            VenueRefusal.
        """
        entry.check(self, request)

    def place(self, request: NewOrder) -> SimOrder:
        """Enter an order; it may trade at once.

        Raises:
            VenueRefusal: nothing was entered.
        """
        with self._transaction():
            quantity = entry.check(self, request)
            order = self._make(request, quantity)
            entry.pay(self, order)
            self._accept(order)
            return order

    def place_pair(self, first: NewOrder, second: NewOrder, client_id: str) -> OrderList:
        """Enter two orders of one quantity, of which one ends the other.

        Raises:
            VenueRefusal: neither was entered.
        """
        with self._transaction():
            quantity = entry.check_pair(self, first, second, client_id)
            now, legs = self.clock_ms(), [self._make(r, quantity) for r in (first, second)]
            pair = OrderList(self.next_list, client_id, first.symbol, now, tuple(o.order_id for o in legs))
            entry.pay_pair(self, legs)
            self.next_list += 1
            self.enter_pair(pair)
            self._news.append(ListHappened(pair, False, now))
            for order in legs:
                order.list_id = pair.list_id
                self._accept(order)
            return pair

    def cancel(self, order: SimOrder, cancel_id: str = "") -> list[SimOrder]:
        """Take a working order out, and with it the other leg of its pair; all that were cancelled.

        Raises:
            VenueRefusal: it is not working.
        """
        if not order.status.open:
            raise not_open()
        with self._transaction():
            legs = self.legs(order)
            for leg in legs:
                leg.cancel_id = cancel_id
                self._end(leg, Status.CANCELED, Execution.CANCELED)
            self._list_done(order)
            return legs

    def replace(self, old: SimOrder, request: NewOrder, cancel_id: str = "") -> SimOrder:
        """Cancel one order, then enter another; the cancel stands where the new one is refused.

        Raises:
            VenueRefusal: as `cancel` or `place`.
        """
        with self._transaction():
            self.cancel(old, cancel_id)
            return self.place(request)

    # -- the market

    def move(self, symbol: str, price: Decimal, volume: Decimal | None = None) -> None:
        """The market trades at `price`: resting orders that it reaches fill, stops that it touches trigger.

        Args:
            volume: (base) at most as much of the clients' resting orders trades; None: all of it.
        """
        board = self.board(symbol)
        with self._transaction():
            board.move(price)
            left = volume
            for side in (Side.BUY, Side.SELL):
                left = self._sweep(board, side, left)
            board.quote()
            self._trigger(board)

    def deposit(self, asset: str, amount: Decimal) -> None:
        """Book money in, or out where `amount` is below zero.

        Raises:
            VenueRefusal: more would go out than is free.
        """
        if self.account.free(asset) + amount < 0:
            raise rejected("Account has insufficient balance for requested action.")
        with self._transaction():
            self.account.add(asset, amount)

    def take_up(self, order: SimOrder) -> None:
        """Take an order of an earlier life up again, as it was."""
        self.enter(order)
        if order.status.open and order.working:
            self._rest(order, self.boards[order.request.symbol])

    # -- inside

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self._tell()

    def _tell(self) -> None:
        if self.account.touched:
            account = self.account
            rows = tuple((a, account.free(a), account.locked.get(a, ZERO)) for a in sorted(account.touched))
            account.touched.clear()
            self._news.append(BalancesChanged(rows, self.clock_ms()))
        if self._news:
            news, self._news = tuple(self._news), []
            for listener in self.listeners:
                listener(news)

    def _make(self, request: NewOrder, quantity: Decimal) -> SimOrder:
        now = self.clock_ms()
        order = SimOrder(self.next_order, request, quantity, now, now)
        self.next_order += 1
        return order

    def _accept(self, order: SimOrder) -> None:
        request = order.request
        self.enter(order)
        if request.kind.conditional:
            arm(order, self.boards[request.symbol].last)
            self._note(Execution.NEW, order)
        else:
            order.working, order.working_ms = True, order.created_ms
            self._note(Execution.NEW, order)
            self._work(order)

    def _work(self, order: SimOrder) -> None:
        """Trade what can be traded now; rest, or expire, what is left."""
        request, board = order.request, self.boards[order.request.symbol]
        priced = request.kind.priced
        limit = request.price if priced else None
        wanted = order.left
        if self.next_share:
            wanted = min(wanted, max(board.market.floor_quantity(wanted * self.next_share.pop(0)), board.market.step))
        if request.tif is Tif.FOK and sum((r.quantity for r in board.available(request.side, limit)), ZERO) < wanted:
            wanted = ZERO
        self._take(order, board, wanted, limit)
        if not order.status.open:
            return
        if priced and request.tif is Tif.GTC:
            self._rest(order, board)
        else:
            self._end(order, Status.EXPIRED, Execution.EXPIRED)

    def _take(self, order: SimOrder, board: Board, wanted: Decimal, limit: Decimal | None) -> None:
        other = Side.SELL if order.request.side is Side.BUY else Side.BUY
        took = False
        while wanted > 0:
            best = board.book.best(other)
            if best is None or (limit is not None and not _meets(best.price, limit, other)):
                break
            mine = self.orders.get(int(best.order_id)) if best.order_id.isdigit() else None
            if mine is not None:
                self._end(mine, Status.EXPIRED_IN_MATCH, Execution.TRADE_PREVENTION)
                self._end_other_legs(mine)
                continue
            traded = min(wanted, best.quantity, self._affordable(order, board, best.price))
            if traded <= 0:
                break
            board.reduce(best.order_id, traded)
            took = True
            wanted -= traded
            self._fill(order, board, best.price, traded, maker=False)
        if took:
            board.quote()

    def _affordable(self, order: SimOrder, board: Board, price: Decimal) -> Decimal:
        """How much an order without a hold can pay: a market order, or a stop that has become one."""
        if order.hold is not None:
            return order.left
        request = order.request
        if request.side is Side.SELL:
            return board.market.floor_quantity(self.account.free(board.market.base))
        return board.market.floor_quantity(self.account.free(board.market.quote) / price)

    def _rest(self, order: SimOrder, board: Board) -> None:
        request = order.request
        shown = min(order.left, request.iceberg) if request.iceberg else order.left
        board.add(order.key, request.side, request.price or ZERO, shown)

    def _sweep(self, board: Board, side: Side, left: Decimal | None) -> Decimal | None:
        """The market's flow at the last price meets the clients' orders; what is left of its volume."""
        for resting in list(board.clients(side, board.last)):
            order = self.orders[int(resting.order_id)]
            traded = order.left if left is None else min(order.left, board.market.floor_quantity(left))
            if traded <= 0:
                break
            if not order.status.open:
                continue
            board.remove(order.key)
            if left is not None:
                left -= traded
            self._fill(order, board, resting.price, traded, maker=True)
            if order.status.open:
                self._rest(order, board)
        return left

    def _trigger(self, board: Board) -> None:
        for order in list(self.waiting_of[board.market.name].values()):
            if not order.status.open:
                continue
            if follows(order, board.last):
                self._news.append(Followed(order))
            if touched(order, board.last):
                self._activate(order)

    def _activate(self, order: SimOrder) -> None:
        order.working, order.working_ms = True, self.clock_ms()
        del self.waiting_of[order.request.symbol][order.order_id]
        self._end_other_legs(order)
        if order.request.kind.priced:
            self._note(Execution.NEW, order)
        else:
            self.account.release(order)
        self._work(order)

    def _fill(self, order: SimOrder, board: Board, price: Decimal, quantity: Decimal, *, maker: bool) -> None:
        market, side, account = board.market, order.request.side, self.account
        fee = fee_of(side, price, quantity, self.fees.maker if maker else self.fees.taker)
        if order.hold is not None:
            account.consume(order.hold, quantity)
        cost = price * quantity
        buying = side is Side.BUY
        account.add(market.quote, -cost if buying else cost - fee)
        account.add(market.base, quantity - fee if buying else -quantity)
        order.executed += quantity
        order.cost += cost
        order.status = Status.PARTIALLY_FILLED if order.left else Status.FILLED
        fee_asset = market.base if buying else market.quote
        now, request = self.clock_ms(), order.request
        trade = Trade(
            self.next_trade, order.order_id, request.client_id, order.list_id, request.symbol, side,
            price, quantity, fee, fee_asset, maker, now,
        )  # fmt: skip
        self.next_trade += 1
        self.book_trade(trade)
        board.trades.append(PublicTrade(trade.trade_id, price, quantity, now, buying == maker))
        if order.status is Status.FILLED:
            self._close(order)
        self._note(Execution.TRADE, order, trade)
        self._end_other_legs(order)

    def _end(self, order: SimOrder, status: Status, execution: Execution) -> None:
        self.boards[order.request.symbol].remove(order.key)
        order.status = status
        self._close(order)
        self._note(execution, order)
        self._list_done(order)

    def _close(self, order: SimOrder) -> None:
        self.leave(order)
        self.account.release(order)
        order.working = False

    def _end_other_legs(self, order: SimOrder) -> None:
        for leg in self.legs(order):
            if leg is not order:
                self._end(leg, Status.EXPIRED, Execution.EXPIRED)
        self._list_done(order)

    def _list_done(self, order: SimOrder) -> None:
        pair = self.lists.get(order.list_id)
        if pair is not None and not pair.done and not self.legs(order):
            pair.done = True
            self._news.append(ListHappened(pair, True, self.clock_ms()))

    def _note(self, execution: Execution, order: SimOrder, trade: Trade | None = None) -> None:
        order.updated_ms = now = self.clock_ms()
        resting = order.working and order.status.open and order.request.kind is not Kind.MARKET
        self._news.append(Happened(execution, order, order.status, order.executed, order.cost, now, trade, resting))


def _meets(price: Decimal, limit: Decimal, side: Side) -> bool:
    return price >= limit if side is Side.BUY else price <= limit
