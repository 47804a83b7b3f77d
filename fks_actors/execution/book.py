"""The paper venue's deterministic state machine: bars, approved orders and cancels in, venue events out.

When an order trades
    cycle    decided at a bar's close, so it meets the NEXT bar: a MARKET fills at that bar's open, with slippage.
    others   a signal and its protective legs wait for no bar, which may be an hour away: they meet the last close at
             once, with slippage and the taker's fee; what that does not fill stays working.
After that an order meets every bar that opened at or after its `ts_ms`: first the open, then the bar's range. Of a bar
that was already open when the order came only the close is used, of an older bar nothing (no look-ahead); so `ts_ms`
must be on the feed's clock.

Within one bar the worst comes first: all opens, then stop-losses, then limits and take-profits, each in order of entry,
but where resting limits of one side have their turns the best price goes first, then the earlier order;
`participation_pct` of the bar's volume is shared in that order, and what finds none of it left waits for the next bar.
Trades at the open are stamped with the bar's open, those within it with its close, immediate ones with the order's
time.

Pessimistic where a bar does not tell
    trailing stop   the stop, as the bar's open left it, meets the adverse extreme before the favourable extreme moves
                    it. Where the bar then closes beyond the moved stop, the way there led through it: it trades at the
                    close, after all others.
    pair (OCO)      the first trade of one leg cancels the other in the same breath, so the stop goes before the target
                    in a bar that reaches both. Both legs hold back the balance once.
    iceberg         each part that comes to show queues behind all others of its price.
    TWAP            a slice trades at the open of the bar in which it falls due; one that falls due in a bar that was
                    already open when the order came, at that bar's close.

The venue keeps its own balances, long only: an order that free cash (fees included) or free base does not cover is
REJECTED. A market BUY that the next open made dearer than all free cash fills as far as the cash goes; the rest is
CANCELLED.
"""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec.structs import replace

from fks_actors.execution.book_state import BookState, decode, encode
from fks_actors.execution.config import PaperConfig
from fks_actors.execution.dealing import OTHER_LEG, Dealer, Moment
from fks_actors.execution.filters import check
from fks_actors.execution.finished import Finished
from fks_actors.execution.matching import LIMITS, Bar, Working, marketable, stop_level
from fks_actors.execution.order_state import apply
from fks_actors.execution.rounds import Rounds
from fks_actors.execution.slices import shown
from fks_actors.execution.standing import Standing, cost_factor
from fks_actors.model.account import Account
from fks_actors.model.candles import BarBatch, Candle, to_money
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import (
    Approved,
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
        self._begin(BookState(Account(cash)))

    def _begin(self, state: BookState) -> None:
        self._candles = dict(state.candles)
        self._standing = Standing(self._markets, self._seen_ms, state.placed)
        self._standing.load(state.working)
        self._finished = Finished(self._config, state.recent, state.ended)
        self._dealer = Dealer(
            self._config, self._markets, state.account, self._standing, self._finished, dict(state.used)
        )

    @classmethod
    def restore(cls, config: PaperConfig, markets: Mapping[str, MarketRules], payload: bytes) -> "PaperBook":
        """The book that `state` described.

        Raises:
            JournalCorrupt: the bytes are not a paper book.
        """
        state = decode(payload)
        book = cls(config, markets, state.account.cash)
        book._begin(state)
        return book

    def state(self) -> bytes:
        """Everything the book knows, the same bytes for the same book."""
        return encode(
            BookState(
                self._dealer.account,
                self._standing.all(),
                self._finished.recent(),
                self._finished.ended(),
                self._candles,
                self._dealer.used,
                self._standing.placed,
            )
        )

    def markets(self) -> Mapping[str, MarketRules]:
        """The rules of every tradable symbol."""
        return self._markets

    def account(self) -> Account:
        """Cash and positions; what open orders hold back is not deducted."""
        return self._dealer.account

    def open_orders(self) -> tuple[Order, ...]:
        """Every working order, in order of entry."""
        return tuple(w.order for w in self._standing.all())

    def lookup(self, client_order_id: str) -> Order | None:
        """The order; one that ended long ago keeps only its status, a forgotten or unknown one is None."""
        work = self._standing.get(client_order_id)
        return work.order if work else self._finished.lookup(client_order_id)

    # --- bars ---

    def advance(self, batch: BarBatch) -> tuple[VenueEvent, ...]:
        """Take note of closed bars; return what they did to the orders. A bar that is not newer than the last is
        ignored."""
        fresh = self._noted(batch)
        bars = {s: Bar.of(candle) for s, candle in fresh.items() if self._standing.any_of(s)}
        if not bars:
            return ()
        return Rounds(self._dealer, self._standing, self._markets, batch, bars).played()

    def _noted(self, batch: BarBatch) -> dict[str, Candle]:
        fresh: dict[str, Candle] = {}
        for candle in batch.candles:
            last = self._candles.get(candle.symbol)
            if candle.symbol not in self._markets or (last and last.ts_ms >= candle.ts_ms) or not _sound(candle):
                continue
            fresh[candle.symbol] = candle
            self._candles[candle.symbol] = candle
            self._dealer.used.pop(candle.symbol, None)
        return fresh

    def _seen_ms(self, symbol: str) -> int:
        candle = self._candles.get(symbol)
        return candle.ts_ms if candle else -1

    # --- orders in and out ---

    def submit(self, orders: Sequence[Approved]) -> tuple[VenueEvent, ...]:
        """Enter the orders in turn. A known id answers its present state as an OrderUpdate and is not entered again."""
        events: list[VenueEvent] = []
        for approved in orders:
            intent = approved.intent
            if known := self.lookup(intent.client_order_id):
                events.append(OrderUpdate(intent.client_order_id, known.status, intent.ts_ms))
                continue
            order = Order(intent, OrderStatus.SUBMITTED, intent.ts_ms, approved.reserved_quote)
            if self._pair_has_traded(intent):
                self._dealer.end(order, OrderStatus.CANCELLED, intent.ts_ms, OTHER_LEG, events)
            elif against := self._against(intent):
                reason = "; ".join(f"{r.code}: {r.message} ({r.value}, limit {r.limit})" for r in against)
                self._dealer.end(order, OrderStatus.REJECTED, intent.ts_ms, reason, events)
            else:
                self._enter(order, events)
        return tuple(events)

    def cancel(self, client_order_ids: Sequence[str], ts_ms: int) -> tuple[VenueEvent, ...]:
        """End the orders that work; one that ended before answers its last status, an unknown one CANCELLED."""
        events: list[VenueEvent] = []
        for client_order_id in client_order_ids:
            if work := self._standing.get(client_order_id):
                self._dealer.end(work.order, OrderStatus.CANCELLED, ts_ms, "cancelled", events)
            elif known := self._finished.lookup(client_order_id):
                events.append(OrderUpdate(client_order_id, known.status, ts_ms))
            else:
                events.append(OrderUpdate(client_order_id, OrderStatus.CANCELLED, ts_ms, "the venue never had it"))
        return tuple(events)

    def _last_price(self, symbol: str) -> Decimal | None:
        candle = self._candles.get(symbol)
        return to_money(candle.close) if candle else None

    def _pair_has_traded(self, intent: OrderIntent) -> bool:
        if not intent.oco_id:
            return False
        other = self._standing.partner(intent)
        return other.order.filled_quantity > 0 if other else self._finished.traded(intent.oco_id)

    def _against(self, intent: OrderIntent) -> tuple[Refusal, ...]:
        rules = self._markets.get(intent.symbol)
        if rules is None:
            return (Refusal("symbol_unknown", "the venue has no such market", intent.symbol),)
        if against := check(intent, rules):
            return against
        if intent.origin is not Origin.CYCLE and intent.symbol not in self._candles:
            return (Refusal("no_market_price", "the venue has seen no price yet", intent.symbol),)
        other = self._standing.get(intent.oco_id) if intent.oco_id else None
        if other and not _pairs(intent, other.order.intent):
            return (Refusal("oco_pair", "the other leg is of another pair, market or quantity", intent.oco_id),)
        if intent.side is Side.BUY:
            needed = intent.quantity * self._new(Order(intent, OrderStatus.SUBMITTED, 0)).lock_price
            needed, free = needed * cost_factor(rules), self._dealer.free_cash(intent)
        else:
            needed = intent.quantity
            free = self._dealer.account.position(intent.symbol).quantity - self._standing.held_base(intent)
        if needed > free:
            # Normalised: how many zeros a sum ends with tells how it came about, which a restart forgets.
            value, bound = f"{needed.normalize():f}", f"{free.normalize():f}"
            return (Refusal("insufficient_balance", "the free balance does not cover it", value, bound),)
        return ()

    def _new(self, order: Order) -> Working:
        """The order as it begins to work."""
        intent, rules = order.intent, self._markets[order.intent.symbol]
        seen = self._last_price(intent.symbol)
        last = seen or intent.market_price
        work = Working(
            order,
            last,
            crossing=marketable(intent, intent.market_price if seen is None else seen),
            best=last if intent.order_type is OrderType.TRAILING_STOP else None,
        )
        if intent.order_type is OrderType.ICEBERG and intent.display_quantity and intent.limit_price:
            shows = shown(work.left, intent.display_quantity, intent.limit_price, rules)
            work = replace(work, shown=shows or work.left)
        if intent.order_type in LIMITS:
            return replace(work, lock_price=intent.limit_price or intent.market_price)
        return replace(work, lock_price=max(stop_level(work, rules) or last, last))

    def _enter(self, order: Order, events: list[VenueEvent]) -> None:
        intent = order.intent
        accepted = OrderUpdate(intent.client_order_id, OrderStatus.ACCEPTED, intent.ts_ms)
        events.append(accepted)
        self._standing.keep(self._new(apply(order, accepted)))
        last = self._last_price(intent.symbol)
        if intent.origin is not Origin.CYCLE and last is not None:
            bar = Bar.of(self._candles[intent.symbol])
            self._dealer.meet(
                intent.client_order_id, last, Moment(bar, intent.ts_ms, intent.ts_ms, inside=False), events
            )


def _pairs(one: OrderIntent, other: OrderIntent) -> bool:
    """Whether the other leg names this one and shares its market, side and quantity."""
    shared = (one.client_order_id, one.symbol, one.side, one.quantity)
    return shared == (other.oco_id, other.symbol, other.side, other.quantity)


def _sound(candle: Candle) -> bool:
    ordered = 0 < candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high
    return ordered and math.isfinite(candle.high)
