"""One symbol's order book with the market around it: a seeded ladder of made-up liquidity beside the clients' orders.

The ladder is quoted anew at each price and after each taker, so that it never runs dry; whoever rests at a price before
trades before. Synthetic orders carry ids that begin with `~`.
"""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from fks_actors.adapters.exchange_sim.markets import Market
from fks_actors.adapters.exchange_sim.state import PublicTrade
from fks_actors.execution.order_book import OrderBook, Resting
from fks_actors.model.orders import ZERO, Side

SYNTHETIC = "~"


@dataclass(frozen=True, slots=True)
class Ladder:
    """Made-up liquidity: `levels` a side, `gap_bps` of the price apart, each worth about `level_quote`."""

    levels: int = 20
    gap_bps: Decimal = Decimal(1)
    level_quote: Decimal = Decimal(50_000)


class Board:
    """A market's book, its last price, and its public trades. `version` counts the changes of the book."""

    def __init__(self, market: Market, price: Decimal, ladder: Ladder, seed: int) -> None:
        self.market = market
        self.last = price
        self.book = OrderBook()
        self.version = 1
        self.trades: deque[PublicTrade] = deque(maxlen=1_000)
        self._ladder = ladder
        self._random = random.Random(f"{seed}:{market.name}")  # noqa: S311 - a market, no secret
        self._synthetic: list[str] = []
        self._sizes: list[Decimal] = []
        self._next = 0
        self.move(price)
        self.quote()

    def move(self, price: Decimal) -> None:
        """Take the ladder away and set the last price; `quote` puts a new one up."""
        self.last = price
        self._clear()
        self._sizes = [self._size(level) for level in range(2 * self._ladder.levels)]

    def quote(self) -> None:
        """Put the ladder up around the last price."""
        self._clear()
        tick = self.market.tick
        gap = max(self.market.round_price(self.last * self._ladder.gap_bps / 10_000), tick)
        for level in range(self._ladder.levels):
            away = gap * (level + 1)
            for side, price, size in (
                (Side.BUY, self.last - away, self._sizes[2 * level]),
                (Side.SELL, self.last + away, self._sizes[2 * level + 1]),
            ):
                if price > 0:
                    self._add(side, price, size)
        self.version += 1

    def add(self, key: str, side: Side, price: Decimal, quantity: Decimal) -> None:
        """Rest a client's order."""
        self.book.add(key, side, price, quantity)
        self.version += 1

    def remove(self, key: str) -> None:
        """Take a client's order out, where it rests."""
        if self.book.remove(key) is not None:
            self.version += 1

    def reduce(self, key: str, quantity: Decimal) -> None:
        """A resting order has traded."""
        self.book.reduce(key, quantity)
        self.version += 1

    def clients(self, side: Side, limit: Decimal) -> Iterator[Resting]:
        """The clients' resting orders of `side` that a price of `limit` meets, first to trade first."""
        return (r for r in self.book.queue(side, limit) if not r.order_id.startswith(SYNTHETIC))

    def available(self, side: Side, limit: Decimal | None) -> Iterator[Resting]:
        """The liquidity that a taker of `side` finds without its own account's orders."""
        other = Side.SELL if side is Side.BUY else Side.BUY
        return (r for r in self.book.queue(other, limit) if r.order_id.startswith(SYNTHETIC))

    def _add(self, side: Side, price: Decimal, quantity: Decimal) -> None:
        self._next += 1
        key = f"{SYNTHETIC}{self._next}"
        self.book.add(key, side, price, quantity)
        self._synthetic.append(key)

    def _clear(self) -> None:
        for key in self._synthetic:
            self.book.remove(key)
        self._synthetic.clear()

    def _size(self, level: int) -> Decimal:
        scale = Decimal(repr(round(self._random.uniform(0.5, 1.5) * (1 + level / 8), 4)))
        quote = self._ladder.level_quote if self.market.quote not in ("BTC", "ETH", "BNB") else ZERO
        worth = quote or self._ladder.level_quote / 50_000
        return max(self.market.floor_quantity(worth * scale / self.last), self.market.step)
