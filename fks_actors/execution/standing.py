"""The paper venue's working orders, and the cash and base that they hold back.

A BUY holds back its cost with fees, a SELL its quantity. The two legs of a pair, of which only one can trade, hold back
the larger of the two once. Sums are exact, so that they are the same however the orders came and went.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Context, Decimal

from msgspec.structs import replace

from fks_actors.execution.matching import Working
from fks_actors.execution.reach import Reach
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, OrderIntent, Side

_EXACT = Context(prec=400)


def cost_factor(rules: MarketRules) -> Decimal:
    """What a BUY costs at most for each unit of notional, fees included."""
    return 1 + max(rules.maker_fee, rules.taker_fee)


class Standing:
    """Working orders in order of entry.

    Args:
        markets: the rules of every tradable symbol.
        seen_ms: the open of a symbol's newest bar, -1 before the first.
        placed: the last place in time that was given.
    """

    def __init__(self, markets: Mapping[str, MarketRules], seen_ms: Callable[[str], int], placed: int = 0) -> None:
        self._markets = markets
        self._seen_ms = seen_ms
        self._orders: dict[str, Working] = {}
        self._reach: dict[str, Reach] = {}
        self._holds: dict[tuple[str, ...], dict[str, Decimal]] = {}
        self._cash = ZERO
        self._base: dict[str, Decimal] = {}
        self.placed = placed

    def load(self, works: Iterable[Working]) -> None:
        """Take in the orders of a snapshot; one that was written before there were places gets the next."""
        by_symbol: dict[str, list[Working]] = {}
        for work in works:
            placed = self._placed(work)
            self._orders[placed.order.intent.client_order_id] = placed
            self._hold(placed)
            by_symbol.setdefault(placed.order.intent.symbol, []).append(placed)
        for symbol, its in by_symbol.items():
            if symbol in self._markets:
                self._reach_of(symbol).put(its, self._seen_ms(symbol))

    def all(self) -> tuple[Working, ...]:
        """Every working order, in order of entry."""
        return tuple(self._orders.values())

    def get(self, client_order_id: str) -> Working | None:
        """The order, where it works."""
        return self._orders.get(client_order_id)

    def reach(self, symbol: str) -> Reach | None:
        """The symbol's orders by the price that reaches each; None where it never had any."""
        return self._reach.get(symbol)

    def any_of(self, symbol: str) -> bool:
        """Whether an order of the symbol works."""
        reach = self._reach.get(symbol)
        return reach is not None and len(self._orders) > 0

    def keep(self, work: Working) -> Working:
        """Enter the order or note how it changed. One without a place in time gets the next."""
        work = self._placed(work)
        intent = work.order.intent
        self._orders[intent.client_order_id] = work
        self._hold(work)
        self._reach_of(intent.symbol).put((work,), self._seen_ms(intent.symbol))
        return work

    def settle(self, symbol: str) -> None:
        """The symbol saw a new bar: its orders that wait for a price no longer wait for a bar."""
        if reach := self._reach.get(symbol):
            reach.put([self._orders[i] for _, i in reach.awake()], self._seen_ms(symbol))

    def drop(self, client_order_id: str) -> None:
        """The order ended."""
        work = self._orders.pop(client_order_id, None)
        if work is not None:
            self._change(work.order.intent, None)
            if reach := self._reach.get(work.order.intent.symbol):
                reach.drop(client_order_id)

    def partner(self, intent: OrderIntent) -> Working | None:
        """The working leg that ends when this one trades."""
        other = self._orders.get(intent.oco_id) if intent.oco_id else None
        return other if other is not None and other.order.intent.oco_id == intent.client_order_id else None

    def held_cash(self, but: OrderIntent) -> Decimal:
        """Cash (quote) that every order holds back but this one and its pair."""
        return self._cash - (self._of_pair(but) if but.side is Side.BUY else ZERO)

    def held_base(self, but: OrderIntent) -> Decimal:
        """Base of the intent's symbol that every SELL holds back but this one and its pair."""
        own = self._of_pair(but) if but.side is Side.SELL else ZERO
        return self._base.get(but.symbol, ZERO) - own

    def _placed(self, work: Working) -> Working:
        if work.place:
            return work
        self.placed += 1
        return replace(work, place=self.placed)

    def _reach_of(self, symbol: str) -> Reach:
        if symbol not in self._reach:
            self._reach[symbol] = Reach(self._markets[symbol])
        return self._reach[symbol]

    def _hold(self, work: Working) -> None:
        intent = work.order.intent
        rules = self._markets.get(intent.symbol)
        if intent.side is Side.SELL:
            self._change(intent, work.left)
        elif rules:
            self._change(intent, work.left * work.lock_price * cost_factor(rules))

    def _change(self, intent: OrderIntent, amount: Decimal | None) -> None:
        key = _pair_key(intent)
        pair = self._holds.setdefault(key, {})
        before = max(pair.values(), default=ZERO)
        if amount is None:
            pair.pop(intent.client_order_id, None)
        else:
            pair[intent.client_order_id] = amount
        change = _EXACT.subtract(max(pair.values(), default=ZERO), before)
        if not pair:
            del self._holds[key]
        if intent.side is Side.BUY:
            self._cash = _EXACT.add(self._cash, change)
        else:
            self._base[intent.symbol] = _EXACT.add(self._base.get(intent.symbol, ZERO), change)

    def _of_pair(self, intent: OrderIntent) -> Decimal:
        return max(self._holds.get(_pair_key(intent), {}).values(), default=ZERO)


def _pair_key(intent: OrderIntent) -> tuple[str, ...]:
    """The same for two legs that name each other, and for no others."""
    return tuple(sorted((intent.client_order_id, intent.oco_id)))
