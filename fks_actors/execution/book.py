"""The paper venue's deterministic state machine: bars, approved orders and cancels in, venue events out.

When an order trades
    cycle    decided at a bar's close, so it meets the NEXT bar: a MARKET fills at that bar's open, with slippage.
    signal   a person waits for the answer and bars may be an hour apart: it meets the last close at once, with slippage
             and the taker's fee; what that does not fill stays working.
After that an order meets every bar that opened at or after its `ts_ms`: first the open, then the bar's range. Of a bar
that was already open when the order came only the close is used, of an older bar nothing (no look-ahead); so `ts_ms`
must be on the feed's clock.

Within one bar the worst comes first: all opens, then stop-losses, then limits and take-profits, each in order of entry;
`participation_pct` of the bar's volume is shared in that order, and what finds none of it left waits for the next bar.
Trades at the open are stamped with the bar's open, those within it with its close, immediate ones with the order's
time.

The venue keeps its own balances, long only: an order that free cash (fees included) or free base does not cover is
REJECTED. A market BUY that the next open made dearer than all free cash fills as far as the cash goes; the rest is
CANCELLED.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from fks_actors.execution.book_state import BookState, bare_order, decode, encode
from fks_actors.execution.config import PaperConfig
from fks_actors.execution.filters import check
from fks_actors.execution.matching import Bar, Touch, Working, at_price, is_stop, marketable, trade_price, within
from fks_actors.execution.order_state import TERMINAL, apply
from fks_actors.model.account import Account
from fks_actors.model.candles import BarBatch, Candle, to_money
from fks_actors.model.markets import MarketRules, floor_to
from fks_actors.model.orders import (
    ZERO,
    Approved,
    Fill,
    Liquidity,
    Order,
    OrderIntent,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Origin,
    Refusal,
    Side,
    VenueEvent,
)


class PaperBook:
    """One paper account and its orders. Every method is synchronous and none reads a clock.

    Args:
        config: fees, slippage, participation.
        markets: the rules of every tradable symbol.
        cash: what the account starts with, in quote.
    """

    def __init__(self, config: PaperConfig, markets: Mapping[str, MarketRules], cash: Decimal) -> None:
        self._config = config
        self._markets = dict(markets)
        self._account = Account(cash)
        self._working: dict[str, Working] = {}
        self._recent: dict[str, Order] = {}
        self._ended: dict[str, OrderStatus] = {}
        self._candles: dict[str, Candle] = {}
        self._used: dict[str, Decimal] = {}

    @classmethod
    def restore(cls, config: PaperConfig, markets: Mapping[str, MarketRules], payload: bytes) -> "PaperBook":
        """The book that `state` described.

        Raises:
            JournalCorrupt: the bytes are not a paper book.
        """
        state = decode(payload)
        book = cls(config, markets, state.account.cash)
        book._account = state.account
        book._working = {w.order.intent.client_order_id: w for w in state.working}
        book._recent = {o.intent.client_order_id: o for o in state.recent}
        book._ended = dict(state.ended)
        book._candles = dict(state.candles)
        book._used = dict(state.used)
        return book

    def state(self) -> bytes:
        """Everything the book knows, the same bytes for the same book."""
        return encode(
            BookState(
                self._account,
                tuple(self._working.values()),
                tuple(self._recent.values()),
                tuple(self._ended.items()),
                self._candles,
                self._used,
            )
        )

    def markets(self) -> Mapping[str, MarketRules]:
        """The rules of every tradable symbol."""
        return self._markets

    def account(self) -> Account:
        """Cash and positions; what open orders hold back is not deducted."""
        return self._account

    def open_orders(self) -> tuple[Order, ...]:
        """Every working order, in order of entry."""
        return tuple(w.order for w in self._working.values())

    def lookup(self, client_order_id: str) -> Order | None:
        """The order; one that ended long ago keeps only its status, a forgotten or unknown one is None."""
        if work := self._working.get(client_order_id):
            return work.order
        if order := self._recent.get(client_order_id):
            return order
        status = self._ended.get(client_order_id)
        return bare_order(client_order_id, self._config.name, status) if status else None

    def advance(self, batch: BarBatch) -> tuple[VenueEvent, ...]:
        """Take note of closed bars; return what they did to the orders. A bar that is not newer than the last is
        ignored."""
        fresh = self._noted(batch)
        if not self._working or not fresh:
            return ()
        bars = {s: Bar.of(fresh[s]) for w in self._working.values() if (s := w.order.intent.symbol) in fresh}
        met = [w.order.intent for w in self._working.values() if w.order.intent.symbol in bars]
        events: list[VenueEvent] = []
        for intent in met:
            if intent.ts_ms <= batch.ts_ms:
                bar = bars[intent.symbol]
                self._meet(intent.client_order_id, bar.open, bar, batch.ts_ms, events)
        met.sort(key=lambda intent: intent.order_type is not OrderType.STOP_LOSS)
        for intent in met:
            bar = bars[intent.symbol]
            if intent.ts_ms > batch.ts_ms:
                if intent.ts_ms <= batch.close_ms:
                    self._meet(intent.client_order_id, bar.close, bar, batch.close_ms, events)
            elif (work := self._working.get(intent.client_order_id)) and (touch := within(work, bar)):
                self._trade(work, touch, bar, batch.close_ms, True, events)
        return tuple(events)

    def submit(self, orders: Sequence[Approved]) -> tuple[VenueEvent, ...]:
        """Enter the orders in turn. A known id answers its present state as an OrderUpdate and is not entered again."""
        events: list[VenueEvent] = []
        for approved in orders:
            intent = approved.intent
            if known := self._status(intent.client_order_id):
                events.append(OrderUpdate(intent.client_order_id, known, intent.ts_ms))
                continue
            order = Order(intent, OrderStatus.SUBMITTED, intent.ts_ms, approved.reserved_quote)
            if against := self._against(intent):
                reason = "; ".join(f"{r.code}: {r.message} ({r.value}, limit {r.limit})" for r in against)
                self._end(order, OrderStatus.REJECTED, intent.ts_ms, reason, events)
            else:
                self._enter(order, events)
        return tuple(events)

    def cancel(self, client_order_ids: Sequence[str], ts_ms: int) -> tuple[VenueEvent, ...]:
        """End the orders that work; one that ended before answers its last status, an unknown one nothing."""
        events: list[VenueEvent] = []
        for client_order_id in client_order_ids:
            if work := self._working.get(client_order_id):
                self._end(work.order, OrderStatus.CANCELLED, ts_ms, "cancelled", events)
            elif known := self._status(client_order_id):
                events.append(OrderUpdate(client_order_id, known, ts_ms))
        return tuple(events)

    def _noted(self, batch: BarBatch) -> dict[str, Candle]:
        fresh: dict[str, Candle] = {}
        for candle in batch.candles:
            last = self._candles.get(candle.symbol)
            if candle.symbol not in self._markets or (last and last.ts_ms >= candle.ts_ms) or not _sound(candle):
                continue
            fresh[candle.symbol] = candle
            self._candles[candle.symbol] = candle
            self._used.pop(candle.symbol, None)
        return fresh

    def _status(self, client_order_id: str) -> OrderStatus | None:
        if work := self._working.get(client_order_id):
            return work.order.status
        if order := self._recent.get(client_order_id):
            return order.status
        return self._ended.get(client_order_id)

    def _last_price(self, symbol: str) -> Decimal | None:
        candle = self._candles.get(symbol)
        return to_money(candle.close) if candle else None

    def _lock_price(self, intent: OrderIntent) -> Decimal:
        if intent.order_type is OrderType.LIMIT:
            return intent.limit_price or intent.market_price
        last = self._last_price(intent.symbol) or intent.market_price
        return max(intent.stop_price or last, last) if is_stop(intent) else last

    def _against(self, intent: OrderIntent) -> tuple[Refusal, ...]:
        rules = self._markets.get(intent.symbol)
        if rules is None:
            return (Refusal("symbol_unknown", "the venue has no such market", intent.symbol),)
        if against := check(intent, rules):
            return against
        if intent.origin is Origin.SIGNAL and intent.symbol not in self._candles:
            return (Refusal("no_market_price", "the venue has seen no price yet", intent.symbol),)
        if intent.side is Side.BUY:
            needed = intent.quantity * self._lock_price(intent) * _cost_factor(rules)
            free = self._free_cash("")
        else:
            needed = intent.quantity
            sold = (w.left for w in self._working.values() if _sells(w, intent.symbol))
            free = self._account.position(intent.symbol).quantity - sum(sold, ZERO)
        if needed > free:
            return (Refusal("insufficient_balance", "the free balance does not cover it", f"{needed:f}", f"{free:f}"),)
        return ()

    def _free_cash(self, but: str) -> Decimal:
        locked = ZERO
        for client_order_id, work in self._working.items():
            intent = work.order.intent
            rules = self._markets.get(intent.symbol)
            if intent.side is Side.BUY and client_order_id != but and rules:
                locked += work.left * work.lock_price * _cost_factor(rules)
        return self._account.cash - locked

    def _enter(self, order: Order, events: list[VenueEvent]) -> None:
        intent = order.intent
        accepted = OrderUpdate(intent.client_order_id, OrderStatus.ACCEPTED, intent.ts_ms)
        events.append(accepted)
        last = self._last_price(intent.symbol)
        work = Working(
            apply(order, accepted),
            self._lock_price(intent),
            crossing=marketable(intent, intent.market_price if last is None else last),
        )
        self._working[intent.client_order_id] = work
        if intent.origin is Origin.SIGNAL and last is not None:
            bar = Bar.of(self._candles[intent.symbol])
            self._meet(intent.client_order_id, last, bar, intent.ts_ms, events, inside=False)

    def _meet(
        self, client_order_id: str, price: Decimal, bar: Bar, ts_ms: int, events: list[VenueEvent], inside: bool = True
    ) -> None:
        work = self._working[client_order_id]
        touch = at_price(work, price)
        if work.crossing:
            work = self._working[client_order_id] = replace(work, crossing=False)
        if touch:
            self._trade(work, touch, bar, ts_ms, inside, events)

    def _trade(self, work: Working, touch: Touch, bar: Bar, ts_ms: int, inside: bool, events: list[VenueEvent]) -> None:
        intent = work.order.intent
        rules = self._markets[intent.symbol]
        work = replace(work, triggered=is_stop(intent))
        self._working[intent.client_order_id] = work
        wanted = min(work.left, self._room(bar, rules))
        if wanted <= 0:
            return
        price = trade_price(intent, touch, wanted, bar, rules, self._config, inside)
        rate = rules.maker_fee if touch.liquidity is Liquidity.MAKER else rules.taker_fee
        quantity = wanted
        if intent.side is Side.BUY:
            affordable = self._free_cash(intent.client_order_id) / (price * (1 + rate))
            quantity = min(wanted, floor_to(max(affordable, ZERO), rules.step))
        if quantity > 0:
            work = self._book_trade(work, price, quantity, rate, touch.liquidity, ts_ms, events)
        if quantity < wanted:
            reason = "insufficient_balance: the price moved beyond the free cash"
            self._end(work.order, OrderStatus.CANCELLED, ts_ms, reason, events)

    def _book_trade(
        self,
        work: Working,
        price: Decimal,
        quantity: Decimal,
        rate: Decimal,
        liquidity: Liquidity,
        ts_ms: int,
        events: list[VenueEvent],
    ) -> Working:
        intent = work.order.intent
        trades = work.trades + 1
        fill = Fill(
            f"{intent.client_order_id}-{trades}",
            intent.client_order_id,
            self._config.name,
            intent.symbol,
            intent.side,
            price,
            quantity,
            price * quantity * rate,
            liquidity,
            ts_ms,
        )
        work = replace(work, order=apply(work.order, fill), trades=trades)
        self._account = self._account.applied(fill)
        self._used[intent.symbol] = self._used.get(intent.symbol, ZERO) + quantity
        events.append(fill)
        if work.order.status in TERMINAL:
            self._remember(work.order)
        else:
            self._working[intent.client_order_id] = work
        return work

    def _room(self, bar: Bar, rules: MarketRules) -> Decimal:
        if self._config.participation_pct is None:
            return Decimal("Infinity")
        share = bar.volume * self._config.participation_pct / 100
        return floor_to(max(share - self._used.get(rules.symbol, ZERO), ZERO), rules.step)

    def _end(self, order: Order, status: OrderStatus, ts_ms: int, reason: str, events: list[VenueEvent]) -> None:
        update = OrderUpdate(order.intent.client_order_id, status, ts_ms, reason)
        events.append(update)
        self._remember(apply(order, update))

    def _remember(self, order: Order) -> None:
        self._working.pop(order.intent.client_order_id, None)
        self._recent[order.intent.client_order_id] = order
        if len(self._recent) > self._config.details_kept:
            oldest = next(iter(self._recent))
            self._ended[oldest] = self._recent.pop(oldest).status
        if len(self._ended) + len(self._recent) > self._config.finished_kept and self._ended:
            del self._ended[next(iter(self._ended))]


def _sells(work: Working, symbol: str) -> bool:
    return work.order.intent.side is Side.SELL and work.order.intent.symbol == symbol


def _cost_factor(rules: MarketRules) -> Decimal:
    return 1 + max(rules.maker_fee, rules.taker_fee)


def _sound(candle: Candle) -> bool:
    ordered = 0 < candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high
    return ordered and math.isfinite(candle.high)
