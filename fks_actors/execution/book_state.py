"""The paper book's state as bytes: the book restored from them goes on exactly as the one that wrote them."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from fks_actors.errors import JournalCorrupt
from fks_actors.execution.matching import Working
from fks_actors.model.account import Account
from fks_actors.model.candles import Candle
from fks_actors.model.orders import ZERO, Order, OrderIntent, OrderStatus, OrderType, Origin, Side


class BookState(msgspec.Struct, frozen=True, gc=False):
    """All that the paper venue knows. `working` in order of entry; `recent` and `ended` oldest first.

    `candles` are the last bars by symbol and `used` what was traded of their volume (base). Of an order that ended,
    `recent` keeps all figures, later `ended` only the last status. `placed` is the last place in time that was given.
    `until` is up to when holding was charged, by symbol and for owed cash.
    """

    account: Account
    working: tuple[Working, ...] = ()
    recent: tuple[Order, ...] = ()
    ended: tuple[tuple[str, OrderStatus], ...] = ()
    candles: Mapping[str, Candle] = msgspec.field(default_factory=dict)
    used: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    placed: int = 0
    until: Mapping[str, int] = msgspec.field(default_factory=dict)


_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="string")
_DECODER = msgspec.json.Decoder(BookState)


def encode(state: BookState) -> bytes:
    """The state as JSON, keys sorted."""
    return _ENCODER.encode(state)


def decode(payload: bytes) -> BookState:
    """The state that `encode` wrote.

    Raises:
        JournalCorrupt: the bytes are not a paper book.
    """
    try:
        return _DECODER.decode(payload)
    except msgspec.MsgspecError as error:
        raise JournalCorrupt(f"the paper venue's snapshot cannot be read: {error}") from error


def bare_order(client_order_id: str, venue: str, status: OrderStatus) -> Order:
    """What is left to tell of an order that ended long ago: its id and its last status; every figure is empty or 0."""
    intent = OrderIntent(client_order_id, Origin.CYCLE, "", venue, "", Side.BUY, OrderType.MARKET, ZERO, ZERO, 0)
    return Order(intent, status, 0, reason="ended long ago; its figures are no longer kept")
