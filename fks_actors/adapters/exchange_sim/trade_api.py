"""The account's endpoints: orders, pairs, trades, balances, and what ccxt asks beside them."""

from typing import TYPE_CHECKING, Any

from fks_actors.adapters.exchange_sim import params as read
from fks_actors.adapters.exchange_sim import wire
from fks_actors.adapters.exchange_sim.codes import VenueRefusal, missing, not_open, rejected, unknown_order
from fks_actors.adapters.exchange_sim.markets import str8
from fks_actors.adapters.exchange_sim.params import Params
from fks_actors.adapters.exchange_sim.state import Kind, NewOrder, OrderList, SimOrder
from fks_actors.model.orders import ZERO

if TYPE_CHECKING:
    from fks_actors.adapters.exchange_sim.venue import Venue

_MAX_ROWS = 1_000
_FULL = (Kind.MARKET, Kind.LIMIT)


def new_order(venue: "Venue", params: Params) -> Any:
    """Enter an order."""
    request = read.new_order(params, venue.own_id())
    answer = _answer_kind(params, request.kind)
    venue.meter.spend_orders(1, venue.now_ms())
    return _answer(venue, venue.engine.place(request), answer)


def test_order(venue: "Venue", params: Params) -> Any:
    """Look whether an order would pass the filters."""
    venue.engine.check(read.new_order(params, venue.own_id()))
    return {}


def get_order(venue: "Venue", params: Params) -> Any:
    """One order, whether it works or has ended."""
    return wire.order_row(_find(venue, params))


def cancel_order(venue: "Venue", params: Params) -> Any:
    """Take a working order out; a leg of a pair takes the pair with it."""
    order = _working(venue, params)
    cancel_id = read.client_id(params, "newClientOrderId") or venue.own_id()
    _restrict(order, params)
    venue.engine.cancel(order, cancel_id)
    if order.list_id >= 0:
        return wire.list_report(venue.engine, venue.engine.lists[order.list_id], cancel=True)
    return wire.cancelled(order)


def cancel_replace(venue: "Venue", params: Params) -> Any:
    """Cancel one order and enter another."""
    mode = read.text(params, "cancelReplaceMode")
    if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
        raise VenueRefusal(-1100, "Illegal characters found in parameter 'cancelReplaceMode'.")
    request = read.new_order(params, venue.own_id())
    venue.meter.spend_orders(1, venue.now_ms())
    cancelled = _try_cancel(venue, params)
    if isinstance(cancelled, VenueRefusal) and mode == "STOP_ON_FAILURE":
        raise _failed(cancelled, None)
    try:
        order = venue.engine.place(request)
    except VenueRefusal as refusal:
        partly = not isinstance(cancelled, VenueRefusal)
        raise (_partly_failed if partly else _failed)(cancelled, refusal) from None
    answer = _answer(venue, order, _answer_kind(params, request.kind))
    if isinstance(cancelled, VenueRefusal):
        raise _partly_failed(cancelled, answer)
    return {
        "cancelResult": "SUCCESS",
        "newOrderResult": "SUCCESS",
        "cancelResponse": cancelled,
        "newOrderResponse": answer,
    }


def open_orders(venue: "Venue", params: Params) -> Any:
    """The working orders of one symbol, or of all."""
    symbol = params.get("symbol")
    if symbol is not None:
        venue.engine.board(symbol)
    return [wire.order_row(o) for o in venue.engine.open_orders(symbol)]


def cancel_open_orders(venue: "Venue", params: Params) -> Any:
    """Take every working order of a symbol out."""
    symbol = read.text(params, "symbol")
    venue.engine.board(symbol)
    orders = venue.engine.open_orders(symbol)
    if not orders:
        raise not_open()
    rows = []
    for order in orders:
        if order.status.open:
            venue.engine.cancel(order, venue.own_id())
            pair = venue.engine.lists.get(order.list_id)
            rows.append(wire.list_report(venue.engine, pair, cancel=True) if pair else wire.cancelled(order))
    return rows


def all_orders(venue: "Venue", params: Params) -> Any:
    """Orders of a symbol, ascending by id."""
    symbol = read.text(params, "symbol")
    venue.engine.board(symbol)
    found = [o for o in venue.engine.orders.values() if o.request.symbol == symbol]
    first, start, end = (read.whole(params, n) for n in ("orderId", "startTime", "endTime"))
    if first is not None:
        found = [o for o in found if o.order_id >= first]
    found = [o for o in found if (start or 0) <= o.created_ms <= (end or o.created_ms)]
    count = read.limit(params, 500, _MAX_ROWS)
    chosen = found[:count] if first is not None or start is not None else found[-count:]
    return [wire.order_row(o) for o in chosen]


def my_trades(venue: "Venue", params: Params) -> Any:
    """The account's trades of a symbol, ascending by id."""
    symbol = read.text(params, "symbol")
    venue.engine.board(symbol)
    order_id, from_id = read.whole(params, "orderId"), read.whole(params, "fromId")
    start, end = read.whole(params, "startTime"), read.whole(params, "endTime")
    rows = venue.engine.trades if order_id is None else venue.engine.trades_of.get(order_id, [])
    found = [
        t
        for t in rows
        if t.symbol == symbol and t.trade_id >= (from_id or 0) and (start or 0) <= t.ts_ms <= (end or t.ts_ms)
    ]
    count = read.limit(params, 500, _MAX_ROWS)
    chosen = found[:count] if from_id is not None or start is not None else found[-count:]
    return [wire.trade_row(t) for t in chosen]


def account(venue: "Venue", params: Params) -> Any:
    """The balances."""
    return wire.account_row(venue.engine, venue.now_ms(), params.get("omitZeroBalances") == "true")


def commission(venue: "Venue", params: Params) -> Any:
    """What trades of a symbol cost."""
    symbol, fees = read.text(params, "symbol"), venue.engine.fees
    venue.engine.board(symbol)
    rates = {"maker": str8(fees.maker), "taker": str8(fees.taker), "buyer": str8(ZERO), "seller": str8(ZERO)}
    none = dict.fromkeys(rates, str8(ZERO))
    discount = {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": str8(ZERO)}
    return {"symbol": symbol, "standardCommission": rates, "taxCommission": none, "discount": discount}


def new_pair(venue: "Venue", params: Params) -> Any:
    """Enter two orders of which one ends the other."""
    list_id = read.client_id(params, "listClientOrderId") or f"list{venue.own_id()}"
    above, below = (read.leg(params, w, f"{w}{venue.own_id()}") for w in ("above", "below"))
    _check_prices(venue, above, below)
    venue.meter.spend_orders(2, venue.now_ms())
    return wire.list_report(venue.engine, venue.engine.place_pair(below, above, list_id))


def legacy_pair(venue: "Venue", params: Params) -> Any:
    """Enter a pair in the older words."""
    return new_pair(venue, read.legacy_pair(params))


def get_pair(venue: "Venue", params: Params) -> Any:
    """One pair."""
    return wire.list_row(venue.engine, _find_pair(venue, params, "origClientOrderId"))


def cancel_pair(venue: "Venue", params: Params) -> Any:
    """Take both legs of a pair out."""
    pair = _find_pair(venue, params, "listClientOrderId")
    working = [venue.engine.orders[i] for i in pair.order_ids if venue.engine.orders[i].status.open]
    if not working:
        raise not_open()
    venue.engine.cancel(working[0], read.client_id(params, "newClientOrderId") or venue.own_id())
    return wire.list_report(venue.engine, pair, cancel=True)


def open_pairs(venue: "Venue", params: Params) -> Any:
    """The pairs that work."""
    return [wire.list_row(venue.engine, p) for p in venue.engine.lists.values() if not p.done]


def all_pairs(venue: "Venue", params: Params) -> Any:
    """All pairs, ascending by id."""
    first = read.whole(params, "fromId") or 0
    rows = [wire.list_row(venue.engine, p) for p in venue.engine.lists.values() if p.list_id >= first]
    return rows[: read.limit(params, 500, _MAX_ROWS)]


def currencies(venue: "Venue", params: Params) -> Any:
    """Every asset, without a network: nothing can be withdrawn here."""
    engine = venue.engine
    assets = {a for m in engine.markets.values() for a in (m.base, m.quote)} | set(engine.account.totals)
    return [
        {
            "coin": asset,
            "depositAllEnable": False,
            "withdrawAllEnable": False,
            "name": asset,
            "free": str8(engine.account.free(asset)),
            "locked": str8(engine.account.locked.get(asset, ZERO)),
            "freeze": "0",
            "withdrawing": "0",
            "ipoing": "0",
            "ipoable": "0",
            "storage": "0",
            "isLegalMoney": False,
            "trading": True,
            "networkList": [],
        }
        for asset in sorted(assets)
    ]


def trade_fee(venue: "Venue", params: Params) -> Any:
    """The fees of one symbol, or of all."""
    names = [params["symbol"]] if "symbol" in params else list(venue.engine.markets)
    fees = venue.engine.fees
    return [
        {"symbol": m.name, "makerCommission": str(fees.maker), "takerCommission": str(fees.taker)}
        for m in (venue.engine.board(n).market for n in names)
    ]


def nothing(venue: "Venue", params: Params) -> Any:
    """An empty list: what this venue has not."""
    return []


def listen_key(venue: "Venue", params: Params) -> Any:
    """A key for the user data stream."""
    return {"listenKey": venue.new_listen_key()}


def keep_listen_key(venue: "Venue", params: Params) -> Any:
    """Keep a key of the user data stream alive, or end it."""
    if read.text(params, "listenKey") not in venue.listen_keys:
        raise VenueRefusal(-1125, "This listenKey does not exist.")
    return {}


def _answer_kind(params: Params, kind: Kind) -> str:
    wanted = params.get("newOrderRespType", "FULL" if kind in _FULL else "ACK")
    if wanted not in ("ACK", "RESULT", "FULL"):
        raise VenueRefusal(-1136, "Invalid newOrderRespType.")
    return wanted


def _answer(venue: "Venue", order: SimOrder, wanted: str) -> Any:
    if wanted == "ACK":
        return wire.ack(order)
    if wanted == "RESULT":
        return wire.result(order)
    return wire.full(order, venue.engine.trades_of.get(order.order_id, ()))


def _find(venue: "Venue", params: Params, id_name: str = "orderId", client_name: str = "origClientOrderId") -> SimOrder:
    symbol = read.text(params, "symbol")
    order_id, client_id = read.whole(params, id_name), params.get(client_name)
    if order_id is None and not client_id:
        raise VenueRefusal(-1102, f"Param '{client_name}' or '{id_name}' must be sent, but both were empty/null!")
    return venue.engine.find(symbol, order_id, client_id)


def _working(venue: "Venue", params: Params, *names: str) -> SimOrder:
    try:
        return _find(venue, params, *names)
    except VenueRefusal as refusal:
        raise not_open() if refusal.code == unknown_order().code else refusal from None


def _restrict(order: SimOrder, params: Params) -> None:
    only = params.get("cancelRestrictions")
    if (only == "ONLY_NEW" and order.executed) or (only == "ONLY_PARTIALLY_FILLED" and not order.executed):
        raise VenueRefusal(-2011, "Order was not canceled due to cancel restrictions.")


def _try_cancel(venue: "Venue", params: Params) -> Any:
    try:
        order = _working(venue, params, "cancelOrderId", "cancelOrigClientOrderId")
        _restrict(order, params)
        venue.engine.cancel(order, read.client_id(params, "cancelNewClientOrderId") or venue.own_id())
    except VenueRefusal as refusal:
        return refusal
    return wire.cancelled(order)


def _failed(cancelled: Any, entered: Any) -> VenueRefusal:
    return ReplaceFailed(-2022, "Order cancel-replace failed.", cancelled, entered)


def _partly_failed(cancelled: Any, entered: Any) -> VenueRefusal:
    return ReplaceFailed(-2021, "Order cancel-replace partially failed.", cancelled, entered)


class ReplaceFailed(VenueRefusal):
    """A cancel-replace of which a part failed; `data` tells which."""

    def __init__(self, code: int, text: str, cancelled: Any, entered: Any) -> None:
        super().__init__(code, text, 409 if code == -2021 else 400)
        failed = isinstance(cancelled, VenueRefusal)
        result = "NOT_ATTEMPTED" if entered is None else "FAILURE" if isinstance(entered, VenueRefusal) else "SUCCESS"
        self.data = {
            "cancelResult": "FAILURE" if failed else "SUCCESS",
            "newOrderResult": result,
            "cancelResponse": _part(cancelled),
            "newOrderResponse": _part(entered),
        }


def _part(outcome: Any) -> Any:
    return {"code": outcome.code, "msg": outcome.message} if isinstance(outcome, VenueRefusal) else outcome


def _find_pair(venue: "Venue", params: Params, name: str) -> OrderList:
    list_id, client_id = read.whole(params, "orderListId"), params.get(name)
    if list_id is None and not client_id:
        raise missing("orderListId")
    for pair in reversed(venue.engine.lists.values()):
        if list_id in (None, pair.list_id) and client_id in (None, pair.client_id):
            return pair
    raise VenueRefusal(-2018, "Order list does not exist.")


def _check_prices(venue: "Venue", above: NewOrder, below: NewOrder) -> None:
    last = venue.engine.board(above.symbol).last
    high = above.stop_price or above.price
    low = below.stop_price or below.price
    if (high is not None and high <= last) or (low is not None and low >= last):
        raise rejected("The relationship of the prices for the orders is not correct.")
    if Kind.LIMIT_MAKER in (above.kind, below.kind) and above.kind is below.kind:
        raise rejected("The relationship of the prices for the orders is not correct.")
