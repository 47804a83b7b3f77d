"""What a new order must pass before it is taken: its fields, the filters, its price and the balance."""

from decimal import Decimal
from typing import TYPE_CHECKING

from fks_actors.adapters.exchange_sim.board import Board
from fks_actors.adapters.exchange_sim.codes import VenueRefusal, insufficient, missing, rejected
from fks_actors.adapters.exchange_sim.state import Kind, NewOrder, SimOrder
from fks_actors.adapters.exchange_sim.stops import reached
from fks_actors.model.orders import ZERO, Side

if TYPE_CHECKING:
    from fks_actors.adapters.exchange_sim.engine import Engine


def check(engine: "Engine", request: NewOrder) -> Decimal:
    """The order's quantity (base), where it may be entered.

    Raises:
        VenueRefusal.
    """
    board = engine.board(request.symbol)
    _check_client_id(engine, request)
    if request.kind not in board.market.order_types:
        raise VenueRefusal(-1116, "Invalid orderType.")
    quantity = _quantity(board, request)
    _check_fields(board, request, quantity)
    _check_price(board, request)
    stops = len(engine.waiting_of[request.symbol]) + 1 if request.kind.conditional else 0
    board.market.check_count(len(engine.open_of[request.symbol]) + 1, stops)
    return quantity


def check_pair(engine: "Engine", first: NewOrder, second: NewOrder, list_client_id: str) -> Decimal:
    """The quantity of both legs of a pair, where it may be entered.

    Raises:
        VenueRefusal.
    """
    known = engine.pair_of.get(list_client_id)
    if first.client_id == second.client_id or (known is not None and not known.done):
        raise rejected("Duplicate order sent.")
    quantity = check(engine, first)
    check(engine, second)
    market = engine.board(first.symbol).market
    if not market.info["ocoAllowed"]:
        raise rejected("OCO orders are not supported for this symbol.")
    if first.quantity != second.quantity:
        raise VenueRefusal(-1013, "Invalid quantity.")
    return quantity


def pay(engine: "Engine", order: SimOrder) -> None:
    """Set aside what the order may cost; a market order only shows that it can pay.

    Raises:
        VenueRefusal: -2010.
    """
    board, request = engine.boards[order.request.symbol], order.request
    if request.side is Side.SELL:
        if request.kind is Kind.MARKET:
            if engine.account.free(board.market.base) < order.quantity:
                raise insufficient()
        else:
            engine.account.hold(order, board.market.base, Decimal(1))
    elif request.kind is Kind.MARKET:
        if engine.account.free(board.market.quote) < _cost(board, order.quantity):
            raise insufficient()
    else:
        engine.account.hold(order, board.market.quote, _unit(board, request))


def pay_pair(engine: "Engine", legs: list[SimOrder]) -> None:
    """Set aside once what either leg of a pair may cost.

    Raises:
        VenueRefusal: -2010.
    """
    first, board = legs[0], engine.boards[legs[0].request.symbol]
    if first.request.side is Side.SELL:
        hold = engine.account.hold(first, board.market.base, Decimal(1))
    else:
        hold = engine.account.hold(first, board.market.quote, max(_unit(board, o.request) for o in legs))
    for leg in legs[1:]:
        leg.hold = hold
        hold.users.add(leg.order_id)


def _check_client_id(engine: "Engine", request: NewOrder) -> None:
    if any(o.status.open for o in engine.by_client.get(request.client_id, ())):
        raise rejected("Duplicate order sent.")


def _quantity(board: Board, request: NewOrder) -> Decimal:
    if request.quantity is not None:
        return request.quantity
    if request.kind is not Kind.MARKET or request.quote_quantity is None:
        raise missing("quantity")
    if request.quote_quantity <= 0:
        raise VenueRefusal(-1013, "Invalid quote order qty.")
    quantity, left = ZERO, request.quote_quantity
    for resting in board.available(request.side, None):
        traded = min(resting.quantity, board.market.floor_quantity(left / resting.price))
        quantity, left = quantity + traded, left - traded * resting.price
        if traded < resting.quantity:
            break
    return quantity


def _check_fields(board: Board, request: NewOrder, quantity: Decimal) -> None:
    market, kind = board.market, request.kind
    market_order = not kind.priced
    market.check_quantity(quantity, market_order)
    for field, value in (("price", request.price), ("stopPrice", request.stop_price)):
        if value is not None:
            market.check_price(value)
            if field == "price":
                market.check_percent(request.side, value, board.last)
    if kind.priced and request.price is None:
        raise missing("price")
    if kind.conditional and request.stop_price is None and not request.trailing_bips:
        raise missing("stopPrice")
    if request.trailing_bips:
        market.check_trailing(request.trailing_bips)
    worth = request.price or request.stop_price or board.last
    market.check_notional(worth * quantity, market_order)
    if request.iceberg is not None:
        market.check_iceberg(request.iceberg, quantity)


def _check_price(board: Board, request: NewOrder) -> None:
    if request.kind.conditional and reached(request, board.last):
        raise rejected("Order would trigger immediately.")
    if request.kind is Kind.LIMIT_MAKER and request.price is not None:
        best = board.book.best(Side.SELL if request.side is Side.BUY else Side.BUY)
        if best is not None and (
            request.price >= best.price if request.side is Side.BUY else request.price <= best.price
        ):
            raise rejected("Order would immediately match and take.")


def _unit(board: Board, request: NewOrder) -> Decimal:
    return request.price or request.stop_price or board.last


def _cost(board: Board, quantity: Decimal) -> Decimal:
    """What a market BUY of `quantity` would cost now."""
    cost, left = ZERO, quantity
    for resting in board.available(Side.BUY, None):
        traded = min(left, resting.quantity)
        cost, left = cost + traded * resting.price, left - traded
        if left <= 0:
            break
    return cost
