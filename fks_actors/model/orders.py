"""Orders from intent to fill. Quantities in base, prices and notionals in quote, all Decimal."""

from decimal import Decimal
from enum import StrEnum

import msgspec

ZERO = Decimal(0)


class Side(StrEnum):
    """Which way an order trades."""

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """How an order trades.

    A STOP_LOSS or TAKE_PROFIT turns into a market order when its stop price is touched. A TRAILING_STOP is a stop-loss
    whose stop follows the best price since it was entered at a distance of `trail_pct`. An ICEBERG is a limit order of
    which at most `display_quantity` shows. A TWAP is traded in `slices` equal market orders spread over `duration_ms`.
    """

    MARKET = "market"
    LIMIT = "limit"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"
    ICEBERG = "iceberg"
    TWAP = "twap"


class OrderStatus(StrEnum):
    """Where an order is in its life; the moves between them are a table in `execution`."""

    INITIALIZED = "initialized"
    DENIED = "denied"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCEL_PENDING = "cancel_pending"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


class Origin(StrEnum):
    """What asked for an order.

    EXIT is a protective leg (stop, target) of the entry of a signal or a decision: its `origin_id` is that one's.
    EXTERNAL was found working at the venue and is not the desk's; its `origin_id` is the venue's own order id.
    """

    CYCLE = "cycle"
    SIGNAL = "signal"
    EXIT = "exit"
    EXTERNAL = "external"


class Liquidity(StrEnum):
    """Whether a fill took liquidity from the book or made it."""

    MAKER = "maker"
    TAKER = "taker"


class OrderIntent(msgspec.Struct, frozen=True, gc=False):
    """What the desk wants to trade, before risk has ruled. `market_price` is what the market was worth then.

    One intent is one client order id, and at most one order at the venue (the slices of a TWAP or a synthetic iceberg
    carry ids derived from it). `trail_pct` (percent of the price) goes with TRAILING_STOP, `display_quantity` (base)
    with ICEBERG, `duration_ms` and `slices` with TWAP. `oco_id` names the other leg of a pair of which one cancels the
    other; the two legs share one quantity.
    """

    client_order_id: str
    origin: Origin
    origin_id: str
    venue: str
    symbol: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    market_price: Decimal
    ts_ms: int
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_pct: Decimal | None = None
    display_quantity: Decimal | None = None
    duration_ms: int = 0
    slices: int = 0
    oco_id: str = ""


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """One limit that an intent would break: `value` against `limit`, both as printed numbers."""

    code: str
    message: str
    value: str = ""
    limit: str = ""


class Approved(msgspec.Struct, frozen=True, gc=False):
    """Risk's permission to submit exactly this intent. Only `risk` constructs it.

    `reserved_quote` is the notional (BUY) held back until the order fills or ends, fees and slippage included.
    """

    intent: OrderIntent
    reserved_quote: Decimal


class Denied(msgspec.Struct, frozen=True, gc=False):
    """Risk's refusal, with every limit that spoke against the intent."""

    intent: OrderIntent
    reasons: tuple[Refusal, ...]


Ruling = Approved | Denied


class Order(msgspec.Struct, frozen=True, gc=False):
    """An order and its life so far. `average_price` is 0 while nothing is filled; `fee` is in quote."""

    intent: OrderIntent
    status: OrderStatus
    updated_ms: int
    reserved_quote: Decimal = ZERO
    filled_quantity: Decimal = ZERO
    average_price: Decimal = ZERO
    fee: Decimal = ZERO
    reason: str = ""


class Fill(msgspec.Struct, frozen=True, gc=False):
    """One trade of an order at a venue. `trade_id` is unique at the venue.

    `fee` is what the trade cost in quote. Where the venue took it in another asset, `fee_asset` names that and
    `fee_quantity` is how much of it; an empty `fee_asset` means that the quote paid.
    """

    trade_id: str
    client_order_id: str
    venue: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    liquidity: Liquidity
    ts_ms: int
    fee_asset: str = ""
    fee_quantity: Decimal = ZERO


class OrderUpdate(msgspec.Struct, frozen=True, gc=False):
    """A venue's word that an order changed its status without a trade (a trade comes as a `Fill`)."""

    client_order_id: str
    status: OrderStatus
    ts_ms: int
    reason: str = ""


class ChargeKind(StrEnum):
    """What a charge is for."""

    FUNDING = "funding"
    BORROW = "borrow"


class Charge(msgspec.Struct, frozen=True, gc=False):
    """What time cost at a venue, in quote; paid from cash. `charge_id` is unique at the venue.

    FUNDING is of the position in `symbol`; BORROW is interest on owed cash, its `symbol` empty. No order causes a
    charge: `client_order_id` stays empty, so that whoever looks events up by their order finds none.
    """

    charge_id: str
    venue: str
    symbol: str
    kind: ChargeKind
    amount: Decimal
    ts_ms: int
    client_order_id: str = ""


VenueEvent = OrderUpdate | Fill | Charge
