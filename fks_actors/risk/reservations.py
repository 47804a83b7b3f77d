"""What approved, unfinished orders hold back, and how the venue's events let go of it.

Trades and the venue's last word free a reservation; a bare FILLED does not: its trades are still to come.
A part fill frees the same part of the quote, whatever it cost: what is reserved covers what is left to trade.

Two SELLs that name each other (OCO) hold one quantity: the larger of what each has left. A trade of one takes from
both, the end of one leaves what the other holds.

What working SELLs hold is never more than the venue's position. An order that is not the desk's, or a fee in base, may
sell what they hold; then they hold less, and a trade of theirs is booked as far as the position goes. When the position
grows they hold that again: it is they who will sell it.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec.structs import replace

from fks_actors.model.account import Account
from fks_actors.model.orders import ZERO, Charge, Fill, OrderStatus, Side, VenueEvent
from fks_actors.risk.messages import Reservation

_RELEASING = frozenset({OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.DENIED})

Accounts = Mapping[str, Account]
Reservations = Mapping[str, Reservation]


def settle(
    accounts: Accounts, reservations: Reservations, events: tuple[VenueEvent, ...], external: frozenset[str]
) -> tuple[Accounts, Reservations, tuple[Fill, ...]]:
    """The accounts and the reservations after `events`, each of which must be new (a trade counts once); and the trades
    of orders that held nothing any more and sold more than is there. Those happened, so they are booked as far as the
    position goes.

    `external` are the client order ids of orders that are not the desk's.
    """
    books, left = dict(accounts), dict(reservations)
    oversold: list[Fill] = []
    moved: set[tuple[str, str]] = set()
    for event in _buys_first(events, accounts):
        key = event.client_order_id
        if isinstance(event, Fill):
            account = books.get(event.venue) or Account(ZERO)
            excused = key in external or key in left
            if not excused and event.side is Side.SELL and event.quantity > account.position(event.symbol).quantity:
                oversold.append(event)
            books[event.venue] = account.applied(event, external=excused or event in oversold)
            moved.update(_moved(event))
            _shrink(left, event)
        elif isinstance(event, Charge):
            books[event.venue] = (books.get(event.venue) or Account(ZERO)).charged(event)
        elif event.status in _RELEASING:
            ended = left.pop(key, None)
            moved.update([(ended.venue, ended.symbol)] if ended is not None and ended.base else [])
    for venue, symbol in sorted(moved):
        _share(left, venue, symbol, books[venue].position(symbol).quantity)
    return books, left, tuple(oversold)


def _buys_first(events: Sequence[VenueEvent], accounts: Accounts) -> Sequence[VenueEvent]:
    """The events in the order in which they can have happened: a venue tells order by order, so a sale may be told
    before the trade that bought what it sold. Such a sale, and what is told of its order after it, comes last."""
    there: dict[tuple[str, str], Decimal] = {}
    first: list[VenueEvent] = []
    last: list[VenueEvent] = []
    for event in events:
        if isinstance(event, Fill):
            place = event.venue, event.symbol
            account = accounts.get(event.venue)
            held = there.get(place, account.position(event.symbol).quantity if account else ZERO)
            bought = event.side is Side.BUY
            if not bought and event.quantity > held:
                last.append(event)
                continue
            there[place] = held + event.quantity if bought else held - event.quantity
        waits = any(event.client_order_id == each.client_order_id for each in last)
        (last if waits else first).append(event)
    return (*first, *last)


def selling(reservations: Reservations, venue: str, symbol: str) -> Decimal:
    """How much base the working SELLs of a symbol hold at a venue, a pair once."""
    groups = _groups(reservations, venue, symbol)
    return sum((max(r.base for r in group.values()) for group in groups), ZERO)


def sibling(reservations: Reservations, client_order_id: str, held: Reservation) -> Reservation | None:
    """What the other leg of `client_order_id` holds; both are SELLs of one symbol at one venue and name each other."""
    other = reservations.get(held.oco_id) if held.oco_id else None
    if other is None or other.oco_id != client_order_id or held.quote or other.quote:
        return None
    return other if (other.venue, other.symbol) == (held.venue, held.symbol) else None


def _groups(reservations: Reservations, venue: str, symbol: str) -> Iterator[dict[str, Reservation]]:
    """The working SELLs of a symbol at a venue, pairs together, in the order of their ids."""
    here = {k: r for k, r in reservations.items() if r.symbol == symbol and r.venue == venue and not r.quote}
    for key in sorted(here):
        held = here[key]
        other = held.oco_id if sibling(here, key, held) else ""
        if not other:
            yield {key: held}
        elif key < other:
            yield {key: held, other: here[other]}


def _moved(fill: Fill) -> Iterator[tuple[str, str]]:
    """The holdings, as (venue, symbol), that a trade changed."""
    yield fill.venue, fill.symbol
    if fill.fee_asset:
        yield fill.venue, f"{fill.fee_asset}/{fill.symbol.partition('/')[2]}"


def _shrink(left: dict[str, Reservation], fill: Fill) -> None:
    held = left.get(fill.client_order_id)
    if held is None:
        return  # a late trade of an order whose end was already known
    pair = sibling(left, fill.client_order_id, held)
    if pair is not None:
        shared = max(held.base + held.lacks, pair.base + pair.lacks) - fill.quantity
        left[held.oco_id] = _holding(pair, min(pair.base + pair.lacks, shared), max(pair.base - fill.quantity, ZERO))
    open_ = held.left - fill.quantity
    if open_ <= 0:
        del left[fill.client_order_id]
        return
    quote = held.quote * open_ / held.left if held.quote else ZERO
    held = _holding(held, held.base + held.lacks - fill.quantity, max(held.base - fill.quantity, ZERO))
    left[fill.client_order_id] = replace(held, quote=quote, left=open_)


def _holding(held: Reservation, wanted: Decimal, most: Decimal) -> Reservation:
    """A SELL that would hold `wanted` and may hold `most`."""
    base = max(min(wanted, most), ZERO)
    lacks = max(wanted, ZERO) - base
    return held if (base, lacks) == (held.base, held.lacks) else replace(held, base=base, lacks=lacks)


def _share(left: dict[str, Reservation], venue: str, symbol: str, position: Decimal) -> None:
    """Working SELLs hold what they still want to sell, and no more than the position: the first by id hold theirs."""
    room = position
    for group in list(_groups(left, venue, symbol)):
        for key, held in group.items():
            left[key] = _holding(held, held.base + held.lacks, room)
        room -= max(left[key].base for key in group)
