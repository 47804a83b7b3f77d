"""The book that a bar implies, and what a taker pays who eats through it. Pure.

A bar tells no book, only how much was traded and how far. So its volume (the share of it that `participation_pct`
allows, all of it where that is None) rests on the other side in ten equal parts, evenly spaced from the price that the
taker meets to the end of the bar's range that is worse for him: the high for a BUY, the low for a SELL.

    level k of n:  price = met + (end - met) x k / n,  quantity = depth / n,  k = 1 .. n

What other orders traded of the bar went first, from the best level on. The taker takes the rest level by level, in the
matching core's order (`execution.order_book`), and pays the average price of what it took. What a level lacks lies at
the end of the range; so does everything where the bar tells no volume. Even a first part is dearer than the price met:
pessimistic. A taker of the whole depth pays (n + 1) / 2n of the way on average, near one half.
"""

from decimal import Decimal

from fks_actors.execution.config import PaperConfig
from fks_actors.execution.order_book import OrderBook
from fks_actors.model.orders import ZERO, Side

LEVELS = 10


def swept_price(
    side: Side, met: Decimal, end: Decimal, volume: Decimal, quantity: Decimal, used: Decimal, config: PaperConfig
) -> Decimal:
    """The average price in quote at which a taker trades `quantity` (base).

    Args:
        side: the taker's.
        met: the price that it meets, in quote.
        end: the bar's high for a BUY, its low for a SELL.
        volume: the bar's, in base.
        quantity: what it takes, above zero.
        used: what others took of the bar before, in base.
        config: whose `participation_pct` bounds the depth.
    """
    share = Decimal(100) if config.participation_pct is None else config.participation_pct
    depth = volume * share / 100
    if depth <= 0 or end == met:
        return end
    book = _book(side, met, end, depth)
    if used > 0:
        book.match(side, used)
    matches = book.match(side, quantity)
    taken = sum((match.quantity for match in matches), ZERO)
    paid = sum((match.price * match.quantity for match in matches), ZERO)
    return (paid + (quantity - taken) * end) / quantity


def _book(side: Side, met: Decimal, end: Decimal, depth: Decimal) -> OrderBook:
    book = OrderBook()
    other = Side.SELL if side is Side.BUY else Side.BUY
    for level in range(1, LEVELS + 1):
        book.add(str(level), other, met + (end - met) * level / LEVELS, depth / LEVELS)
    return book
