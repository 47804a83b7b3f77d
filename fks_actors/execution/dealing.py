"""What one price does to one order at the paper venue: the trade, the account, and the end of the order.

The only place where the paper account changes. A BUY trades no more than free cash covers at the price that it gets;
where that is less than it could have traded, the rest is CANCELLED. The first trade of one leg of a pair cancels the
other.
"""

from collections.abc import Mapping
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from fks_actors.execution.config import PaperConfig
from fks_actors.execution.finished import Finished
from fks_actors.execution.matching import (
    Bar,
    Touch,
    Working,
    after_trade,
    at_price,
    tradable,
    trade_price,
    trailed,
)
from fks_actors.execution.order_state import TERMINAL, apply
from fks_actors.execution.standing import Standing
from fks_actors.execution.synthetic import is_stop
from fks_actors.model.account import Account
from fks_actors.model.markets import MarketRules, floor_to
from fks_actors.model.orders import (
    ZERO,
    Fill,
    Liquidity,
    Order,
    OrderIntent,
    OrderStatus,
    OrderUpdate,
    Side,
    VenueEvent,
)

OTHER_LEG = "oco: the other leg traded"


class Moment(msgspec.Struct, frozen=True, gc=False):
    """When a price is shown to orders.

    `ts_ms` stamps the trades, `until_ms` is how far a TWAP's schedule has come; `inside`: prices stay within the bar.
    """

    bar: Bar
    ts_ms: int
    until_ms: int
    inside: bool = True


class Dealer:
    """Trades for one account.

    Args:
        config: fees, slippage, participation.
        markets: the rules of every tradable symbol.
        account: cash and positions.
        standing: the working orders.
        finished: what is remembered of the others.
        used: what was traded of each symbol's newest bar, in base.
    """

    def __init__(
        self,
        config: PaperConfig,
        markets: Mapping[str, MarketRules],
        account: Account,
        standing: Standing,
        finished: Finished,
        used: dict[str, Decimal],
    ) -> None:
        self._config = config
        self._markets = markets
        self._standing = standing
        self._finished = finished
        self.account = account
        self.used = used

    def free_cash(self, intent: OrderIntent) -> Decimal:
        """Cash (quote) that no other order than this one and its pair holds back."""
        return self.account.cash - self._standing.held_cash(intent)

    def meet(self, client_order_id: str, price: Decimal, moment: Moment, events: list[VenueEvent]) -> None:
        """Show the order one price: a bar's open, or a close."""
        work = self._standing.get(client_order_id)
        if work is None:
            return
        touch = at_price(work, price, self._markets[work.order.intent.symbol])
        if work.crossing:
            work = self._standing.keep(replace(work, crossing=False))
        if touch:
            self.trade(work, touch, moment, events)
        else:
            self.trail(client_order_id, price)

    def trail(self, client_order_id: str, price: Decimal) -> Working | None:
        """The trailing stop, moved by `price`; None where it was not."""
        work = self._standing.get(client_order_id)
        moved = trailed(work, price) if work else None
        return None if moved is None or moved is work else self._standing.keep(moved)

    def trade(self, work: Working, touch: Touch, moment: Moment, events: list[VenueEvent]) -> None:
        """Trade what the touch, the bar's volume and the cash allow."""
        intent = work.order.intent
        rules = self._markets[intent.symbol]
        if is_stop(intent) and not work.triggered:
            work = self._standing.keep(replace(work, triggered=True))
        wanted = min(tradable(work, touch, rules, moment.until_ms), self._room(moment.bar, rules))
        if wanted <= 0:
            return
        used = self.used.get(intent.symbol, ZERO)
        price = trade_price(intent, touch, wanted, moment.bar, rules, self._config, moment.inside, used)
        rate = rules.maker_fee if touch.liquidity is Liquidity.MAKER else rules.taker_fee
        quantity = wanted
        if intent.side is Side.BUY:
            affordable = self.free_cash(intent) / (price * (1 + rate))
            quantity = min(wanted, floor_to(max(affordable, ZERO), rules.step))
        if quantity > 0:
            fill = self._fill(work, price, quantity, rate, touch.liquidity, moment.ts_ms)
            work = self._book_trade(work, fill, events)
        if quantity < wanted:
            reason = "insufficient_balance: the price moved beyond the free cash"
            self.end(work.order, OrderStatus.CANCELLED, moment.ts_ms, reason, events)

    def _fill(
        self, work: Working, price: Decimal, quantity: Decimal, rate: Decimal, liquidity: Liquidity, ts_ms: int
    ) -> Fill:
        intent = work.order.intent
        return Fill(
            f"{intent.client_order_id}-{work.trades + 1}",
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

    def _book_trade(self, work: Working, fill: Fill, events: list[VenueEvent]) -> Working:
        intent = work.order.intent
        other = self._standing.partner(intent)
        work = replace(work, order=apply(work.order, fill), trades=work.trades + 1)
        self.account = self.account.applied(fill)
        self.used[intent.symbol] = self.used.get(intent.symbol, ZERO) + fill.quantity
        events.append(fill)
        if work.order.status in TERMINAL:
            self._remember(work.order)
        else:
            work = self._standing.keep(after_trade(work, fill.quantity, self._markets[intent.symbol]))
        if other:
            self.end(other.order, OrderStatus.CANCELLED, fill.ts_ms, OTHER_LEG, events)
        return work

    def _room(self, bar: Bar, rules: MarketRules) -> Decimal:
        if self._config.participation_pct is None:
            return Decimal("Infinity")
        share = bar.volume * self._config.participation_pct / 100
        return floor_to(max(share - self.used.get(rules.symbol, ZERO), ZERO), rules.step)

    def end(self, order: Order, status: OrderStatus, ts_ms: int, reason: str, events: list[VenueEvent]) -> None:
        """The order ends without a trade."""
        update = OrderUpdate(order.intent.client_order_id, status, ts_ms, reason)
        events.append(update)
        self._remember(apply(order, update))

    def _remember(self, order: Order) -> None:
        self._standing.drop(order.intent.client_order_id)
        self._finished.add(order)
