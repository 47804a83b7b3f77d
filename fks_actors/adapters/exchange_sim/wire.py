"""The engine's values as Binance's JSON: answers of the REST and websocket APIs, and the user data stream."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from fks_actors.adapters.exchange_sim.account import Account
from fks_actors.adapters.exchange_sim.engine import Engine
from fks_actors.adapters.exchange_sim.markets import str8
from fks_actors.adapters.exchange_sim.state import (
    BalancesChanged,
    Execution,
    Happened,
    ListHappened,
    OrderList,
    SimOrder,
    Trade,
    UserEvent,
)
from fks_actors.model.orders import ZERO, Side

Json = dict[str, Any]
_MODE = "EXPIRE_MAKER"


def order_row(order: SimOrder) -> Json:
    """An order as GET /api/v3/order tells it."""
    request = order.request
    row: Json = {
        "symbol": request.symbol,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": request.client_id,
        "price": str8(request.price or ZERO),
        "origQty": str8(order.quantity),
        "executedQty": str8(order.executed),
        "cummulativeQuoteQty": str8(order.cost),
        "status": order.status.value,
        "timeInForce": request.tif.value,
        "type": request.kind.value,
        "side": request.side.name,
        "stopPrice": str8(request.stop_price or ZERO),
        "icebergQty": str8(request.iceberg or ZERO),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": order.working or not order.status.open,
        "workingTime": order.working_ms,
        "origQuoteOrderQty": str8(request.quote_quantity or ZERO),
        "selfTradePreventionMode": _MODE,
    }
    if request.trailing_bips:
        row["trailingDelta"] = request.trailing_bips
    return row


def ack(order: SimOrder) -> Json:
    """A new order's answer of the kind ACK."""
    request = order.request
    return {
        "symbol": request.symbol,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": request.client_id,
        "transactTime": order.updated_ms,
    }


def result(order: SimOrder) -> Json:
    """A new order's answer of the kind RESULT."""
    row = order_row(order)
    for name in ("time", "updateTime", "isWorking"):
        del row[name]
    return {**row, "transactTime": order.updated_ms}


def full(order: SimOrder, trades: Sequence[Trade]) -> Json:
    """A new order's answer of the kind FULL."""
    fills = [
        {
            "price": str8(t.price),
            "qty": str8(t.quantity),
            "commission": str8(t.fee),
            "commissionAsset": t.fee_asset,
            "tradeId": t.trade_id,
        }
        for t in trades
    ]
    return {**result(order), "fills": fills}


def cancelled(order: SimOrder) -> Json:
    """The answer to a cancel."""
    return {**result(order), "origClientOrderId": order.request.client_id, "clientOrderId": order.cancel_id}


def trade_row(trade: Trade) -> Json:
    """A trade as myTrades tells it."""
    return {
        "symbol": trade.symbol,
        "id": trade.trade_id,
        "orderId": trade.order_id,
        "orderListId": trade.list_id,
        "price": str8(trade.price),
        "qty": str8(trade.quantity),
        "quoteQty": str8(trade.cost),
        "commission": str8(trade.fee),
        "commissionAsset": trade.fee_asset,
        "time": trade.ts_ms,
        "isBuyer": trade.side is Side.BUY,
        "isMaker": trade.maker,
        "isBestMatch": True,
    }


def account_row(engine: Engine, now_ms: int, hide_zero: bool = False) -> Json:
    """The account as GET /api/v3/account tells it."""
    maker, taker = engine.fees.maker, engine.fees.taker
    return {
        "makerCommission": int(maker * 10_000),
        "takerCommission": int(taker * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": str8(maker), "taker": str8(taker), "buyer": str8(ZERO), "seller": str8(ZERO)},
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": now_ms,
        "accountType": "SPOT",
        "balances": balances(engine.account, hide_zero),
        "permissions": ["SPOT"],
        "uid": 1,
    }


def balances(account: Account, hide_zero: bool = False) -> list[Json]:
    """Every balance, free and locked; without those of nothing, where they are not wanted."""
    return [
        {"asset": asset, "free": str8(account.free(asset)), "locked": str8(account.locked.get(asset, ZERO))}
        for asset, total in sorted(account.totals.items())
        if total or not hide_zero
    ]


def list_row(engine: Engine, pair: OrderList) -> Json:
    """A pair as GET /api/v3/orderList tells it."""
    return {
        "orderListId": pair.list_id,
        "contingencyType": "OCO",
        "listStatusType": "ALL_DONE" if pair.done else "EXEC_STARTED",
        "listOrderStatus": "ALL_DONE" if pair.done else "EXECUTING",
        "listClientOrderId": pair.client_id,
        "transactionTime": pair.created_ms,
        "symbol": pair.symbol,
        "orders": [
            {"symbol": pair.symbol, "orderId": i, "clientOrderId": engine.orders[i].request.client_id}
            for i in pair.order_ids
        ],
    }


def list_report(engine: Engine, pair: OrderList, cancel: bool = False) -> Json:
    """A pair with its legs' reports: the answer to entering or cancelling it."""
    legs = [engine.orders[i] for i in pair.order_ids]
    return {**list_row(engine, pair), "orderReports": [cancelled(o) if cancel else result(o) for o in legs]}


def user_event(engine: Engine, event: UserEvent) -> Json:
    """An event of the user data stream."""
    if isinstance(event, Happened):
        return _execution_report(event)
    if isinstance(event, BalancesChanged):
        rows = [{"a": asset, "f": str8(free), "l": str8(locked)} for asset, free, locked in event.balances]
        return {"e": "outboundAccountPosition", "E": event.ts_ms, "u": event.ts_ms, "B": rows}
    return _list_status(engine, event)


def _list_status(engine: Engine, event: ListHappened) -> Json:
    pair = event.order_list
    return {
        "e": "listStatus",
        "E": event.ts_ms,
        "s": pair.symbol,
        "g": pair.list_id,
        "c": "OCO",
        "l": "ALL_DONE" if event.done else "EXEC_STARTED",
        "L": "ALL_DONE" if event.done else "EXECUTING",
        "r": "NONE",
        "C": pair.client_id,
        "T": event.ts_ms,
        "O": [{"s": pair.symbol, "i": i, "c": engine.orders[i].request.client_id} for i in pair.order_ids],
    }


def _execution_report(event: Happened) -> Json:
    order, trade = event.order, event.trade
    request = order.request
    cancel = event.execution is Execution.CANCELED
    report: Json = {
        "e": "executionReport",
        "E": event.ts_ms,
        "s": request.symbol,
        "c": (order.cancel_id or request.client_id) if cancel else request.client_id,
        "S": request.side.name,
        "o": request.kind.value,
        "f": request.tif.value,
        "q": str8(order.quantity),
        "p": str8(request.price or ZERO),
        "P": str8(request.stop_price or ZERO),
        "F": str8(request.iceberg or ZERO),
        "g": order.list_id,
        "C": request.client_id if cancel else "",
        "x": event.execution.value,
        "X": event.status.value,
        "r": "NONE",
        "i": order.order_id,
        "l": str8(trade.quantity if trade else ZERO),
        "z": str8(event.executed),
        "L": str8(trade.price if trade else ZERO),
        "n": str8(trade.fee) if trade else "0",
        "N": trade.fee_asset if trade else None,
        "T": event.ts_ms,
        "t": trade.trade_id if trade else -1,
        "v": 0,
        "I": order.order_id,
        "w": event.resting,
        "m": bool(trade and trade.maker),
        "M": False,
        "O": order.created_ms,
        "Z": str8(event.cost),
        "Y": str8(trade.cost if trade else ZERO),
        "Q": str8(request.quote_quantity or ZERO),
        "W": order.working_ms,
        "V": _MODE,
    }
    if request.trailing_bips:
        report["d"] = request.trailing_bips
    return report


def levels(rows: Sequence[tuple[Decimal, Decimal]]) -> list[list[str]]:
    """A side of the book: price and quantity as printed."""
    return [[str8(price), str8(quantity)] for price, quantity in rows]
