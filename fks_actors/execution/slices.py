"""One intent traded as several venue orders: what an iceberg or a TWAP is where the venue has none. Pure, no clock.

Slices are numbered 0, 1, ..., their ids are derived from the intent's, and the next is sent only after the last one
ended. What comes next is a function of the intent, of the slices so far and, for a TWAP, of time and price alone: a
process that restarts reads the slices from the venue and goes on as the one before it would have. All slices together
never ask for more than the intent.

Iceberg
    a slice shows `display_quantity`, the last one what is left. The last two share what they have where the last alone
    would be too small for the venue.
TWAP
    slice k is due at ts_ms + k x duration_ms // slices, and by then (k + 1) / slices of the quantity, rounded down to
    the step, is to be traded. So every remainder and every slice's unfilled rest goes into the following ones, a slice
    that is too small for the venue waits for the next, and one that would leave too little for the last waits too:
    never ahead of the schedule. What is left after the last slice is tried again in the same rhythm as many times as
    there were slices; then the order is over.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

import msgspec

from fks_actors.errors import InvariantError
from fks_actors.model.markets import MarketRules
from fks_actors.model.orders import ZERO, OrderIntent

_ID_LENGTH = 36
_PARENT = re.compile(r"[a-zA-Z0-9-]+")


class Slice(msgspec.Struct, frozen=True, gc=False):
    """One venue order under an intent: its number, what it asked for and what it traded (base).

    `ended`: the venue confirmed that it trades no more; an order whose state is unknown has not ended. `cancelling`:
    its cancel was asked for.
    """

    k: int
    quantity: Decimal
    filled: Decimal = ZERO
    ended: bool = False
    cancelling: bool = False


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A slice to be sent now: number `k`, for `quantity` (base)."""

    k: int
    quantity: Decimal


def slice_id(client_order_id: str, k: int) -> str:
    """The client order id of slice `k` of an intent: at most 36 of [a-zA-Z0-9-_].

    Raises:
        InvariantError: `k` is negative, or the intent's id is itself a slice's or too long.
    """
    made = f"{client_order_id}_{k}"
    if k < 0 or len(made) > _ID_LENGTH or not _PARENT.fullmatch(client_order_id):
        raise InvariantError(f"order {client_order_id!r} cannot have a slice {k}")
    return made


def slice_of(client_order_id: str) -> tuple[str, int] | None:
    """The intent's id and the slice's number of an id that `slice_id` made; None of any other."""
    parent, mark, number = client_order_id.rpartition("_")
    if not mark or not number.isascii() or not number.isdigit() or not _PARENT.fullmatch(parent):
        return None
    return parent, int(number)


def traded(slices: Sequence[Slice]) -> Decimal:
    """What the slices filled together, in base."""
    return sum((s.filled for s in slices), ZERO)


def working(slices: Sequence[Slice]) -> Slice | None:
    """The slice that has not ended."""
    return next((s for s in slices if not s.ended), None)


def least(price: Decimal, rules: MarketRules) -> Decimal:
    """The smallest quantity (base, on the step) that the venue takes at `price` (quote)."""
    steps = max(rules.min_notional / price, rules.min_quantity, rules.step) / rules.step
    return steps.to_integral_value(rounding=ROUND_CEILING) * rules.step


def next_number(slices: Sequence[Slice]) -> int:
    """The number of the slice after these."""
    return max((s.k for s in slices), default=-1) + 1


# --- iceberg ---


def shown(left: Decimal, display: Decimal, price: Decimal, rules: MarketRules) -> Decimal:
    """What shows of an iceberg of which `left` (base) is still to trade; 0 where that is too little to send."""
    smallest = least(price, rules)
    if left < smallest:
        return ZERO
    after = left - display
    if after <= 0:
        return left
    return display if after >= smallest else rules.floor_quantity(left / 2)


def next_iceberg(intent: OrderIntent, slices: Sequence[Slice], rules: MarketRules) -> Piece | None:
    """The iceberg's next slice, a limit order at `limit_price`; None while one works and where nothing is left to send.

    Raises:
        InvariantError: the intent lacks its price or display quantity.
    """
    if intent.limit_price is None or intent.display_quantity is None:
        raise InvariantError(f"order {intent.client_order_id} is no iceberg")
    if working(slices):
        return None
    left = intent.quantity - traded(slices)
    quantity = shown(left, intent.display_quantity, intent.limit_price, rules)
    return Piece(next_number(slices), quantity) if quantity > 0 else None


# --- TWAP ---


def due_ms(intent: OrderIntent, k: int) -> int:
    """When slice `k` is to be sent, UTC ms."""
    return intent.ts_ms + k * intent.duration_ms // intent.slices


def slot(intent: OrderIntent, now_ms: int) -> int:
    """The newest slice that is due; -1 before the first."""
    if now_ms < intent.ts_ms:
        return -1
    passed = ((now_ms - intent.ts_ms + 1) * intent.slices - 1) // intent.duration_ms
    return min(passed, 2 * intent.slices - 1)


def scheduled(intent: OrderIntent, k: int, rules: MarketRules) -> Decimal:
    """What slices 0 to `k` are to have traded together, in base."""
    if k >= intent.slices - 1:
        return intent.quantity
    return rules.floor_quantity(intent.quantity * (k + 1) / intent.slices)


def due(intent: OrderIntent, filled: Decimal, price: Decimal, rules: MarketRules, now_ms: int) -> Decimal:
    """What is to be traded now of a TWAP that traded `filled`, in base; 0 where that waits for a later slice."""
    k = slot(intent, now_ms)
    if k < 0:
        return ZERO
    asked = max(scheduled(intent, k, rules) - filled, ZERO)
    after = intent.quantity - filled - asked
    smallest = least(price, rules)
    return ZERO if asked < smallest or 0 < after < smallest else asked


def next_twap(
    intent: OrderIntent, slices: Sequence[Slice], price: Decimal, rules: MarketRules, now_ms: int
) -> Piece | None:
    """The TWAP's next slice, a market order; None while one works, before the next is due and where it is too small."""
    k = slot(intent, now_ms)
    if working(slices) or k < next_number(slices):
        return None
    quantity = due(intent, traded(slices), price, rules, now_ms)
    return Piece(k, quantity) if quantity > 0 else None


def next_due_ms(intent: OrderIntent, now_ms: int) -> int | None:
    """When the next slice after `now_ms` is due; None after the last."""
    k = slot(intent, now_ms) + 1
    return due_ms(intent, k) if k < 2 * intent.slices else None


def is_over(intent: OrderIntent, slices: Sequence[Slice], price: Decimal, rules: MarketRules, now_ms: int) -> bool:
    """Whether a TWAP will send nothing more: it is filled, its time is over, or the venue takes no order that small."""
    if working(slices):
        return False
    left = intent.quantity - traded(slices)
    k = slot(intent, now_ms)
    spent = k == 2 * intent.slices - 1 and k < next_number(slices)
    return left <= 0 or spent or (k >= intent.slices - 1 and left < least(price, rules))
