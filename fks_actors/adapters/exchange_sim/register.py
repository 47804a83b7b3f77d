"""What a venue has on record, and how it is found: boards, orders, pairs and trades. The engine alone writes here."""

from collections.abc import Mapping

from fks_actors.adapters.exchange_sim.board import Board
from fks_actors.adapters.exchange_sim.codes import unknown_order, unknown_symbol
from fks_actors.adapters.exchange_sim.markets import Market
from fks_actors.adapters.exchange_sim.state import OrderList, SimOrder, Trade


class Register:
    """Everything by its id. `open` are the working orders, oldest first; `waiting_of` those of a symbol that wait for a
    stop price; `by_client` has every order of a client id, `pair_of` the last pair of one. Ids only rise."""

    def __init__(self, markets: Mapping[str, Market]) -> None:
        self.markets = markets
        self.boards: dict[str, Board] = {}
        self.orders: dict[int, SimOrder] = {}
        self.open: dict[int, SimOrder] = {}
        self.open_of: dict[str, dict[int, SimOrder]] = {name: {} for name in markets}
        self.waiting_of: dict[str, dict[int, SimOrder]] = {name: {} for name in markets}
        self.by_client: dict[str, list[SimOrder]] = {}
        self.lists: dict[int, OrderList] = {}
        self.pair_of: dict[str, OrderList] = {}
        self.trades: list[Trade] = []
        self.trades_of: dict[int, list[Trade]] = {}
        self.next_order, self.next_trade, self.next_list = 1, 1, 1

    def enter(self, order: SimOrder) -> None:
        """Put an order on record."""
        self.orders[order.order_id] = order
        self.by_client.setdefault(order.request.client_id, []).append(order)
        if order.status.open:
            symbol = order.request.symbol
            self.open[order.order_id] = self.open_of[symbol][order.order_id] = order
            if order.request.kind.conditional and not order.working:
                self.waiting_of[symbol][order.order_id] = order

    def enter_pair(self, pair: OrderList) -> None:
        """Put a pair on record."""
        self.lists[pair.list_id] = self.pair_of[pair.client_id] = pair

    def leave(self, order: SimOrder) -> None:
        """The order works no longer."""
        for found in (self.open, self.open_of[order.request.symbol], self.waiting_of[order.request.symbol]):
            found.pop(order.order_id, None)

    def book_trade(self, trade: Trade) -> None:
        """Put a trade on record."""
        self.trades.append(trade)
        self.trades_of.setdefault(trade.order_id, []).append(trade)

    def board(self, symbol: str) -> Board:
        """The board of a symbol's id.

        Raises:
            VenueRefusal: -1121.
        """
        found = self.boards.get(symbol)
        if found is None:
            raise unknown_symbol()
        return found

    def find(self, symbol: str, order_id: int | None, client_id: str | None) -> SimOrder:
        """The order of an id; of a client id that was used again, the last.

        Raises:
            VenueRefusal: -2013.
        """
        self.board(symbol)
        if order_id is not None:
            order = self.orders.get(order_id)
            found = [order] if order is not None and client_id in (None, order.request.client_id) else []
        else:
            found = self.by_client.get(client_id or "", [])
        mine = [o for o in found if o.request.symbol == symbol]
        if not mine:
            raise unknown_order()
        return mine[-1]

    def open_orders(self, symbol: str | None = None) -> list[SimOrder]:
        """The working orders, oldest first."""
        return list((self.open if symbol is None else self.open_of.get(symbol, {})).values())

    def legs(self, order: SimOrder) -> list[SimOrder]:
        """The order and the other leg of its pair, those that work."""
        pair = self.lists.get(order.list_id)
        ids = pair.order_ids if pair else (order.order_id,)
        return [self.open[i] for i in ids if i in self.open]
