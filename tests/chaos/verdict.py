"""The exchange's ledger against the desk's journal: order for order, fill for fill, and every limit at all times."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fks_actors.adapters.sql import SqlReader, open_reader
from fks_actors.execution.ids import PREFIX
from fks_actors.model.orders import ZERO, Fill, Order, OrderStatus, Side

_PAGE = 500
_STATUS = {
    "NEW": OrderStatus.ACCEPTED,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,  # it would have traded with the desk's own
    "REJECTED": OrderStatus.REJECTED,
}
_NEVER_THERE = frozenset({OrderStatus.DENIED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.CANCELLED})


@dataclass
class Verdict:
    """How many orders and fills there are, and everything in which the two books differ."""

    signals: int = 0
    orders: int = 0
    fills: int = 0
    denied: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    exposure_most: Decimal = ZERO
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        head = (
            f"{self.signals} signals, {self.orders} orders at the exchange, {self.fills} fills, {self.denied} denied "
            f"({', '.join(f'{code} {n}' for code, n in self.reasons.most_common(4))}), "
            f"exposure at most {self.exposure_most:.0f}: {len(self.faults)} faults"
        )
        return "\n".join([head, *self.faults[:40]])


def judged(ledger: dict[str, Any], journal_url: str, accepted: set[str], cash: int) -> Verdict:
    """The verdict. `accepted` are the signal ids that senders were told; `cash` what the account began with (quote)."""
    reader = open_reader(journal_url)
    try:
        orders = {o.intent.client_order_id: o for o in _all(reader.orders)}
        fills = {f.trade_id: f for f in _all(reader.fills)}
        found = Verdict(len(accepted), denied=sum(o.status is OrderStatus.DENIED for o in orders.values()))
        found.reasons.update(o.reason.partition(":")[0] for o in orders.values() if o.status is OrderStatus.DENIED)
        found.faults += _signals(reader, accepted)
    finally:
        reader.close()
    own = [o for o in ledger["orders"] if str(o["client_id"]).startswith(PREFIX)]
    found.orders, found.fills = len(own), len(ledger["trades"])
    strangers = len(ledger["orders"]) - len(own)
    found.faults += [f"{strangers} orders are not the desk's"] if strangers else []
    found.faults += _twice(own)
    found.faults += _orders(own, orders)
    found.faults += _fills(ledger, own, fills)
    found.exposure_most, broken = _limits(ledger["trades"], orders, cash)
    found.faults += broken
    return found


def _all(read: Any) -> Iterator[Any]:
    cursor = ""
    while True:
        rows, cursor = read(cursor, _PAGE)
        yield from rows
        if not cursor:
            return


def _signals(reader: SqlReader, accepted: set[str]) -> Iterator[str]:
    for signal_id in sorted(accepted):
        if reader.signal(signal_id) is None:
            yield f"signal {signal_id} was accepted and is lost"


def _twice(own: list[dict[str, Any]]) -> Iterator[str]:
    for key, count in Counter(o["client_id"] for o in own).items():
        if count > 1:
            yield f"order {key} was entered {count} times"


def _orders(own: list[dict[str, Any]], orders: dict[str, Order]) -> Iterator[str]:
    there = {o["client_id"]: o for o in own}
    for key, fact in there.items():
        order = orders.get(key)
        if order is None:
            yield f"order {key} is at the exchange and not in the journal"
        elif order.filled_quantity != Decimal(fact["executed"]):
            yield f"order {key} traded {fact['executed']}, the journal has {order.filled_quantity} ({order.status})"
        elif order.status is not _STATUS[fact["status"]]:
            yield f"order {key} is {fact['status']}, the journal has {order.status}"
    for key, order in orders.items():
        if key not in there and (order.status not in _NEVER_THERE or order.filled_quantity):
            yield f"order {key} is {order.status} in the journal and not at the exchange"


def _fills(ledger: dict[str, Any], own: list[dict[str, Any]], fills: dict[str, Fill]) -> Iterator[str]:
    names = {o["order_id"]: o["client_id"] for o in own}
    told = {(f.symbol.replace("/", ""), f.trade_id.split(":")[1]): f for f in fills.values()}
    traded = {(t["symbol"], str(t["trade_id"])): t for t in ledger["trades"] if t["order_id"] in names}
    for trade_id, trade in traded.items():
        fill = told.get(trade_id)
        if fill is None:
            yield f"trade {trade_id} of {names[trade['order_id']]} is not booked"
        elif (fill.price, fill.quantity) != (Decimal(trade["price"]), Decimal(trade["quantity"])):
            yield f"trade {trade_id}: {trade['quantity']} at {trade['price']}, booked {fill.quantity} at {fill.price}"
    for trade_id in told.keys() - traded.keys():
        yield f"fill {trade_id} is booked and never traded"
    if len(told) != len(fills):
        yield "two fills have the same trade"


def _limits(trades: list[dict[str, Any]], orders: dict[str, Order], cash: int) -> tuple[Decimal, list[str]]:
    """Exposure after every trade, at the prices of the trades, against risk.max_gross_exposure_pct (3 % of equity)."""
    held: Counter[str] = Counter()
    price: dict[str, Decimal] = {}
    most, broken = ZERO, []
    for trade in sorted(trades, key=lambda t: int(t["trade_id"])):
        symbol, quantity = trade["symbol"], Decimal(trade["quantity"])
        price[symbol] = Decimal(trade["price"])
        held[symbol] += quantity if trade["side"] == "buy" else -quantity  # type: ignore[assignment]
        exposure = sum((held[s] * p for s, p in price.items()), ZERO)
        most = max(most, exposure)
        if trade["side"] == "buy" and exposure > cash * Decimal("0.03") * Decimal("1.01"):
            broken.append(f"after trade {trade['trade_id']} the exposure is {exposure:.2f}")
    for key, order in orders.items():
        notional = order.average_price * order.filled_quantity
        if order.intent.side is Side.BUY and notional > cash * Decimal("0.001") * Decimal("1.02"):
            broken.append(f"order {key} bought for {notional:.2f}, over one trade's share")
    return most, broken
