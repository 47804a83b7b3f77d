"""A real venue for the desk's tests: an exchange that keeps its own books, and a connector in front of it that may die.

The exchange is the judge: what it holds is what happened. The connector keeps desk.ports.VenuePort: an outbox whose
events count as taken when a later step builds on the reply that told them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec.structs import replace

from fks_actors.desk.lineage import Step
from fks_actors.desk.ports import VenueReply
from fks_actors.errors import ActorUnavailable, Fenced
from fks_actors.execution.order_state import TERMINAL, apply
from fks_actors.model.candles import BarBatch, to_money
from fks_actors.model.markets import Quote
from fks_actors.model.orders import (
    ZERO,
    Approved,
    Fill,
    Liquidity,
    Order,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Origin,
    Side,
    VenueEvent,
)
from fks_actors.model.records import Snapshot

VENUE = "exchange"
FEE = Decimal("0.001")


@dataclass
class Exchange:
    """Orders by client id as they truly are, every trade, and the order in which submissions came.

    `written` are the journal's orders: what is entered and does not stand there is `unwritten`.
    """

    venue: str = VENUE
    written: Mapping[str, Order] | None = None
    unwritten: list[str] = field(default_factory=list)
    orders: dict[str, Order] = field(default_factory=dict)
    trades: dict[str, list[Fill]] = field(default_factory=dict)
    entered: list[str] = field(default_factory=list)
    refused: set[OrderType] = field(default_factory=set)
    share: Decimal = Decimal(1)
    fee_in_base: bool = False

    def enter(self, approved: Approved) -> None:
        """Take an order; a market order trades `share` of itself at once, and the rest stays."""
        intent = approved.intent
        key = intent.client_order_id
        self.entered.append(key)
        if self.written is not None and key not in self.written:
            self.unwritten.append(key)
        sells_at_once = intent.side is Side.SELL and intent.order_type is OrderType.MARKET
        refused = intent.order_type in self.refused or (sells_at_once and intent.quantity > self.held(intent.symbol))
        status = OrderStatus.REJECTED if refused else OrderStatus.ACCEPTED
        self.orders[key] = Order(intent, status, intent.ts_ms, reason="refused" if refused else "")
        if not refused and self.share and intent.order_type is OrderType.MARKET:
            self.trade(key, intent.quantity * self.share, intent.market_price)

    def trade(self, key: str, quantity: Decimal, price: Decimal) -> None:
        """An order trades; its sibling of a pair is cancelled."""
        order = self.orders[key]
        intent = order.intent
        number = len(self.trades.setdefault(key, [])) + 1
        fee = price * quantity * FEE
        in_base = self.fee_in_base and intent.side == "buy"
        fill = Fill(
            f"T-{key}-{number}", key, self.venue, intent.symbol, intent.side, price, quantity, fee, Liquidity.TAKER,
            intent.ts_ms, intent.symbol.split("/")[0] if in_base else "", quantity * FEE if in_base else ZERO,
        )  # fmt: skip
        self.trades[key].append(fill)
        self.orders[key] = apply(order, fill)
        if intent.oco_id in self.orders:
            self.end(intent.oco_id)

    def held(self, symbol: str) -> Decimal:
        """What the account has of a symbol's base."""
        fills = [fill for fills in self.trades.values() for fill in fills if fill.symbol == symbol]
        signed = (f.quantity - f.fee_quantity if f.side == "buy" else -f.quantity for f in fills)
        return sum(signed, ZERO)

    def end(self, key: str) -> None:
        """Cancel an order that works."""
        order = self.orders[key]
        if order.status not in TERMINAL:
            self.orders[key] = replace(order, status=OrderStatus.CANCELLED)

    def told(self, key: str) -> list[VenueEvent]:
        """All that can be said of an order."""
        order = self.orders[key]
        words: list[VenueEvent] = [OrderUpdate(key, OrderStatus.ACCEPTED, 0)]
        if order.status is OrderStatus.REJECTED:
            return [OrderUpdate(key, OrderStatus.REJECTED, 0, order.reason)]
        words += self.trades.get(key, [])
        if order.status is OrderStatus.CANCELLED:
            words.append(OrderUpdate(key, OrderStatus.CANCELLED, 0, "cancelled"))
        return words


class Connector:
    """In front of the exchange. `silent` calls raise before anything is done, `dropped` ones after."""

    def __init__(self, exchange: Exchange, known: Sequence[str] = ()) -> None:
        self.exchange = exchange
        self._outbox: list[VenueEvent] = []
        self._replies: dict[str, tuple[str, VenueReply]] = {}
        self._adopted: list[Order] = []
        self.silent = 0
        self.dropped = 0
        self.quotes: dict[str, Quote] = {}
        self.steps: list[Step] = []
        self._epoch = 0
        for key in known:
            if key in exchange.orders:
                self._outbox += exchange.told(key)
        for key, order in exchange.orders.items():
            if order.intent.origin is Origin.EXTERNAL and key not in (exchange.written or ()):
                self._adopted.append(replace(order, status=OrderStatus.SUBMITTED, filled_quantity=ZERO))
                self._outbox += exchange.told(key)

    def happened(self, *keys: str) -> None:
        """The stream tells of these orders."""
        for key in keys:
            self._outbox += self.exchange.told(key)

    def found(self, order: Order) -> None:
        """An order that is not the desk's turned up."""
        self.exchange.orders[order.intent.client_order_id] = order
        self._adopted.append(order)

    async def advance(self, step: Step, batch: BarBatch) -> VenueReply:
        """desk.ports.VenuePort."""
        return self._reply(step, lambda: None)

    async def collect(self, step: Step) -> VenueReply:
        """desk.ports.VenuePort."""
        return self._reply(step, lambda: None)

    async def submit(self, step: Step, orders: Sequence[Approved], again: bool = False) -> VenueReply:
        """desk.ports.VenuePort."""

        def enter() -> None:
            for approved in orders:
                key = approved.intent.client_order_id
                if key not in self.exchange.orders:
                    self.exchange.enter(approved)
                self._outbox.extend(self.exchange.told(key))

        return self._reply(step, enter)

    async def cancel(self, step: Step, client_order_ids: Sequence[str], ts_ms: int) -> VenueReply:
        """desk.ports.VenuePort."""

        def end() -> None:
            for key in client_order_ids:
                if key in self.exchange.orders:
                    self.exchange.end(key)
                    self._outbox.extend(self.exchange.told(key))
                else:
                    self._outbox.append(OrderUpdate(key, OrderStatus.CANCELLED, ts_ms, "never arrived"))

        return self._reply(step, end)

    def _reply(self, step: Step, work: object) -> VenueReply:
        self.steps.append(step)
        if self.silent:
            self.silent -= 1
            raise ActorUnavailable("silent on purpose")
        if step.epoch < self._epoch:
            raise Fenced(f"epoch {step.epoch} is over, it is {self._epoch}")
        self._epoch = step.epoch
        known = self._replies.get(step.request_id)
        if known is not None and known[0] == step.after:
            return known[1]
        if step.after in self._replies:
            del self._outbox[: len(self._replies[step.after][1].events)]
            del self._adopted[: len(self._replies[step.after][1].adopted)]
            self._replies.clear()
        assert callable(work)
        work()
        told, adopted = tuple(self._outbox), tuple(self._adopted)
        snapshot = Snapshot(f"venue:{self.exchange.venue}", b"{}") if told or adopted else None
        reply = VenueReply(told, snapshot, adopted, dict(self.quotes))
        self._replies[step.request_id] = (step.after, reply)
        if self.dropped:
            self.dropped -= 1
            raise ActorUnavailable("the reply is dropped on purpose")
        return reply


def price_of(batch: BarBatch, symbol: str) -> Decimal:
    """The close of a symbol's bar."""
    return next(to_money(c.close) for c in batch.candles if c.symbol == symbol)


def foreign(key: str, intent_of: Order) -> Order:
    """An order like another, but somebody else's."""
    intent = replace(intent_of.intent, client_order_id=key, origin=Origin.EXTERNAL, origin_id=f"venue-{key}")
    return Order(intent, OrderStatus.ACCEPTED, 0)
