"""The venue's own record of what it was asked and what it did: the judge where a client's books are doubted.

Kept in memory, and in a JSONL file where one is named: a line a transaction, written before the client hears of it, so
that a venue that is killed comes back with every order that it had accepted. A torn last line never was accepted.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fks_actors.adapters.exchange_sim.account import Account
from fks_actors.adapters.exchange_sim.state import (
    BalancesChanged,
    Followed,
    Happened,
    Hold,
    Kind,
    ListHappened,
    NewOrder,
    News,
    OrderList,
    SimOrder,
    Status,
    Tif,
    Trade,
)
from fks_actors.errors import ConfigError
from fks_actors.model.orders import ZERO, Side

if TYPE_CHECKING:
    from fks_actors.adapters.exchange_sim.engine import Engine

Row = dict[str, Any]
_SPARE_TRADES = 1_000_000


class Ledger:
    """Orders with their events, trades, balances and requests. `header` is what a restarted venue must know again."""

    def __init__(self, path: Path | None) -> None:
        self.header: Row = {}
        self.submissions: list[Row] = []
        self.prices: dict[str, Decimal] = {}
        self._past: list[list[Row]] = []
        self._file: IO[bytes] | None = None
        if path is not None:
            self._past = _read(path)
            self._file = path.open("ab")
        for row in (r for line in self._past for r in line):
            if row["k"] == "header":
                self.header = row["v"]
            elif row["k"] == "submission":
                self.submissions.append(row["v"])
            elif row["k"] == "prices":
                self.prices.update({name: Decimal(price) for name, price in row["v"].items()})

    def restore(self, engine: "Engine") -> None:
        """Put the engine where the file's last line left it, and write down what it does from now on."""
        rows = [r for line in self._past for r in line]
        self._past = []
        _restore(engine, rows)
        engine.listeners.append(lambda news: self._note(engine, news))

    def begin(self, header: Mapping[str, Any]) -> None:
        """Write down what the next life must know."""
        self.header = dict(header)
        self._write([{"k": "header", "v": self.header}])

    def submitted(self, row: Row) -> None:
        """Write a request down with what became of it."""
        row["seq"] = len(self.submissions) + 1
        self.submissions.append(row)
        self._write([{"k": "submission", "v": row}])

    def priced(self, name: str, price: Decimal) -> None:
        """Write down a price that was set by hand."""
        self._write([{"k": "prices", "v": {name: price}}])

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def facts(self, engine: "Engine") -> Row:
        """All of it, for the judge."""
        return {
            "orders": [order_fact(o) for o in engine.orders.values()],
            "lists": [asdict(p) for p in engine.lists.values()],
            "trades": [asdict(t) for t in engine.trades],
            "balances": {
                a: {"total": t, "locked": engine.account.locked.get(a, ZERO), "free": engine.account.free(a)}
                for a, t in sorted(engine.account.totals.items())
            },
            "submissions": self.submissions,
        }

    def _note(self, engine: "Engine", news: tuple[News, ...]) -> None:
        orders: dict[int, SimOrder] = {}
        rows: list[Row] = []
        for event in news:
            if isinstance(event, Happened):
                event.order.events.append(_event(event))
                orders[event.order.order_id] = event.order
                if event.trade:
                    rows.append({"k": "trade", "v": asdict(event.trade)})
            elif isinstance(event, Followed):
                orders[event.order.order_id] = event.order
            elif isinstance(event, ListHappened):
                rows.append({"k": "list", "v": asdict(event.order_list)})
            elif isinstance(event, BalancesChanged):
                rows.append({"k": "totals", "v": {a: engine.account.totals.get(a, ZERO) for a, _, _ in event.balances}})
        self._write([*({"k": "order", "v": order_fact(o)} for o in orders.values()), *rows])

    def _write(self, rows: list[Row]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(rows, default=_plain, separators=(",", ":")).encode() + b"\n")
            self._file.flush()


def order_fact(order: SimOrder) -> Row:
    """An order, whole: what was asked, what became of it, and every event of its life."""
    request = order.request
    return {
        "order_id": order.order_id,
        "client_id": request.client_id,
        "symbol": request.symbol,
        "side": request.side.value,
        "type": request.kind.value,
        "tif": request.tif.value,
        "quantity": order.quantity,
        "quote_quantity": request.quote_quantity,
        "price": request.price,
        "stop_price": request.stop_price,
        "trailing_bips": request.trailing_bips,
        "iceberg": request.iceberg,
        "status": order.status.value,
        "executed": order.executed,
        "cost": order.cost,
        "list_id": order.list_id,
        "created_ms": order.created_ms,
        "updated_ms": order.updated_ms,
        "working_ms": order.working_ms,
        "working": order.working,
        "active": order.active,
        "side_of_stop": order.side_of_stop,
        "extreme": order.extreme,
        "hold": None if order.hold is None else [order.hold.hold_id, order.hold.asset, order.hold.unit],
        "cancel_id": order.cancel_id,
        "events": order.events,
    }


def _event(event: Happened) -> Row:
    return {
        "ts_ms": event.ts_ms,
        "event": event.execution.value,
        "status": event.status.value,
        "executed": event.executed,
        "trade_id": event.trade.trade_id if event.trade else None,
    }


def _read(path: Path) -> list[list[Row]]:
    """The whole lines of the file; what follows the last line break is cut off."""
    try:
        raw = path.read_bytes() if path.exists() else b""
        whole = raw[: raw.rfind(b"\n") + 1]
        if len(whole) != len(raw):
            path.write_bytes(whole)
        return [json.loads(line) for line in whole.splitlines()]
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is no ledger of a simulated exchange: {error}") from None


def _restore(engine: "Engine", rows: list[Row]) -> None:
    facts: dict[int, Row] = {}
    for row in rows:
        kind, value = row["k"], row["v"]
        if kind == "order":
            facts[value["order_id"]] = value
        elif kind == "trade":
            engine.book_trade(_trade(value))
        elif kind == "list":
            engine.enter_pair(OrderList(**{**value, "order_ids": tuple(value["order_ids"])}))
        elif kind == "totals":
            engine.account.totals.update({a: Decimal(t) for a, t in value.items()})
    holds: dict[int, Hold] = {}
    for order_id in sorted(facts):
        engine.take_up(_order(facts[order_id], holds))
    _restore_holds(engine.account, holds)
    engine.next_order = max(facts, default=0) + 1
    engine.next_list = max(engine.lists, default=0) + 1
    if engine.trades:
        engine.next_trade = engine.trades[-1].trade_id + _SPARE_TRADES


def _restore_holds(account: Account, holds: dict[int, Hold]) -> None:
    for hold in holds.values():
        account.restore(hold)
    account.touched.clear()


def _order(fact: Row, holds: dict[int, Hold]) -> SimOrder:
    request = NewOrder(
        fact["symbol"],
        Side(fact["side"]),
        Kind(fact["type"]),
        fact["client_id"],
        Decimal(fact["quantity"]),
        _decimal(fact["quote_quantity"]),
        _decimal(fact["price"]),
        _decimal(fact["stop_price"]),
        fact["trailing_bips"],
        _decimal(fact["iceberg"]),
        Tif(fact["tif"]),
    )
    order = SimOrder(fact["order_id"], request, Decimal(fact["quantity"]), fact["created_ms"], fact["updated_ms"])
    order.status, order.executed, order.cost = Status(fact["status"]), Decimal(fact["executed"]), Decimal(fact["cost"])
    for name in ("working_ms", "list_id", "working", "active", "side_of_stop", "cancel_id", "events"):
        setattr(order, name, fact[name])
    order.extreme = _decimal(fact["extreme"])
    if fact["hold"] is not None and order.status.open:
        hold_id, asset, unit = fact["hold"]
        hold = holds.setdefault(hold_id, Hold(hold_id, asset, Decimal(unit), Decimal(unit) * order.left, set()))
        hold.users.add(order.order_id)
        order.hold = hold
    return order


def _trade(value: Row) -> Trade:
    money = {n: Decimal(value[n]) for n in ("price", "quantity", "fee")}
    return Trade(**{**value, **money, "side": Side(value["side"])})


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _plain(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
