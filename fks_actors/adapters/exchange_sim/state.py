"""What the venue remembers: orders, lists of orders, trades. The engine alone changes them.

Quantities are in base, prices and costs in quote, all Decimal; times are the venue's clock, UTC ms.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from fks_actors.model.orders import ZERO, Side


class Kind(StrEnum):
    """The venue's order types."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"

    @property
    def conditional(self) -> bool:
        """Whether it waits for its stop price."""
        return self.name.startswith(("STOP", "TAKE"))

    @property
    def priced(self) -> bool:
        """Whether it has a limit price."""
        return "LIMIT" in self.name


class Tif(StrEnum):
    """How long an order works."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Status(StrEnum):
    """Where an order is in its life."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"

    @property
    def open(self) -> bool:
        """Whether the order may still trade."""
        return self in (Status.NEW, Status.PARTIALLY_FILLED)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as it was asked for. `trailing_bips` is 0 without a trailing stop."""

    symbol: str
    side: Side
    kind: Kind
    client_id: str
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_bips: int = 0
    iceberg: Decimal | None = None
    tif: Tif = Tif.GTC


@dataclass(slots=True)
class Hold:
    """Money set aside for an order, or once for both legs of a pair: `unit` of `asset` for each base unit left."""

    hold_id: int
    asset: str
    unit: Decimal
    left: Decimal
    users: set[int]


@dataclass(slots=True)
class SimOrder:
    """An order and its life so far. `extreme` is the best price that a trailing stop has followed, once it is active.

    `visible` is what an iceberg shows in the book now. `working` is false while a stop waits for its price.
    """

    order_id: int
    request: NewOrder
    quantity: Decimal
    created_ms: int
    updated_ms: int
    working_ms: int = -1
    status: Status = Status.NEW
    executed: Decimal = ZERO
    cost: Decimal = ZERO
    list_id: int = -1
    working: bool = False
    active: bool = True
    side_of_stop: int = 0
    extreme: Decimal | None = None
    hold: Hold | None = None
    cancel_id: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def left(self) -> Decimal:
        """What is not filled."""
        return self.quantity - self.executed

    @property
    def key(self) -> str:
        """Its id in the order book."""
        return str(self.order_id)


@dataclass(slots=True)
class OrderList:
    """A pair of orders of which one ends the other."""

    list_id: int
    client_id: str
    symbol: str
    created_ms: int
    order_ids: tuple[int, ...]
    done: bool = False


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade of a client's order."""

    trade_id: int
    order_id: int
    client_id: str
    list_id: int
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    ts_ms: int

    @property
    def cost(self) -> Decimal:
        """What it cost or brought in quote, before the fee."""
        return self.price * self.quantity


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """A trade as everyone sees it. `buyer_maker`: the seller took."""

    trade_id: int
    price: Decimal
    quantity: Decimal
    ts_ms: int
    buyer_maker: bool


class Execution(StrEnum):
    """What happened to an order."""

    NEW = "NEW"
    TRADE = "TRADE"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    TRADE_PREVENTION = "TRADE_PREVENTION"


@dataclass(frozen=True, slots=True)
class Happened:
    """An order's event, with the order's figures right after it."""

    execution: Execution
    order: SimOrder
    status: Status
    executed: Decimal
    cost: Decimal
    ts_ms: int
    trade: Trade | None = None
    resting: bool = False


@dataclass(frozen=True, slots=True)
class ListHappened:
    """A pair's event: it began or all is done."""

    order_list: OrderList
    done: bool
    ts_ms: int


@dataclass(frozen=True, slots=True)
class BalancesChanged:
    """(asset, free, locked) of every asset that changed."""

    balances: tuple[tuple[str, Decimal, Decimal], ...]
    ts_ms: int


@dataclass(frozen=True, slots=True)
class Followed:
    """A trailing stop has moved with the market: for the ledger; the client is not told."""

    order: SimOrder


UserEvent = Happened | ListHappened | BalancesChanged
News = UserEvent | Followed
