"""Whether the fields of an alert make one order together. Each refusal names the field that is missing or too much.

- Exactly one of `quantity` and `sizing`. Sizing `risk` divides by the distance to a stop, so it needs one.
- Each order type needs its own figures (`_NEEDED`), and takes nobody else's.
- Beside a BUY, `stop_loss` or `trail_pct`, and `take_profit`, are the protective legs of what it buys: one stop, for
  two would sell the same holding twice; the stop below the entry's price and the target above it, where that is known.
  Beside a SELL they are refused: spot is long only, and a sale leaves nothing to protect.
- A trailing stop and a pair of exits (oco) sell a holding; a BUY of them is refused.
"""

from decimal import Decimal

from fks_actors.model.orders import Side
from fks_actors.webhook.payload import Alert, Kind
from fks_actors.webhook.refused import Refused

_NEEDED = {
    Kind.LIMIT: ("price",),
    Kind.ICEBERG: ("price", "display_quantity"),
    Kind.TRAILING_STOP: ("trail_pct",),
    Kind.TWAP: ("duration_s", "slices"),
    Kind.OCO: ("stop_loss", "take_profit"),
}
_ONLY = {"display_quantity": Kind.ICEBERG, "duration_s": Kind.TWAP, "slices": Kind.TWAP}
_OWN = {
    Kind.STOP_LOSS: frozenset({"stop_loss"}),
    Kind.TAKE_PROFIT: frozenset({"take_profit"}),
    Kind.TRAILING_STOP: frozenset({"trail_pct"}),
    Kind.OCO: frozenset({"stop_loss", "take_profit"}),
}
"""Protective fields that say the order itself, not a leg beside it."""

_EXITS = frozenset({Kind.TRAILING_STOP, Kind.OCO})


def trigger(alert: Alert) -> Decimal | None:
    """The limit or trigger price; a stop's may stand in the field of its own name. Elsewhere the sender's view."""
    match alert.order_type:
        case Kind.STOP_LOSS:
            return alert.price or alert.stop_loss
        case Kind.TAKE_PROFIT:
            return alert.price or alert.take_profit
        case Kind.OCO:
            return alert.stop_loss
    return alert.price


def legs(alert: Alert) -> frozenset[str]:
    """The protective fields that are given and are not the order itself."""
    given = {name for name in ("stop_loss", "take_profit", "trail_pct") if getattr(alert, name) is not None}
    return frozenset(given - _OWN.get(alert.order_type, frozenset()))


def incoherent(alert: Alert) -> Refused | None:
    """What keeps the fields from being one order, or None."""
    return _amount(alert) or _figures(alert) or _sides(alert) or _stops(alert) or _levels(alert)


def _amount(alert: Alert) -> Refused | None:
    if alert.quantity is None and alert.sizing is None:
        return _missing("quantity", "quantity or sizing is required")
    if alert.quantity is not None and alert.sizing is not None:
        return _wrong("sizing", "give quantity or sizing, not both")
    return None


def _figures(alert: Alert) -> Refused | None:
    kind = alert.order_type
    for name in _NEEDED.get(kind, ()):
        if getattr(alert, name) is None:
            if name == "price":
                return Refused(422, "price_required", f"order_type {kind} needs a price", "price")
            return _missing(name, f"order_type {kind} needs {name}")
    if kind in (Kind.STOP_LOSS, Kind.TAKE_PROFIT):
        own = getattr(alert, kind.value)
        if own is None and alert.price is None:
            return Refused(422, "price_required", f"order_type {kind} needs a price", "price")
        if None not in (own, alert.price) and own != alert.price:
            return _wrong(kind.value, f"price and {kind} say different things")
    for name, only in _ONLY.items():
        if kind is not only and getattr(alert, name) is not None:
            return _wrong(name, f"{name} belongs to {only} orders")
    if alert.quantity is not None and (alert.display_quantity or 0) > alert.quantity:
        return _wrong("display_quantity", "display_quantity is above quantity")
    return None


def _sides(alert: Alert) -> Refused | None:
    if alert.side is Side.BUY:
        if alert.order_type in _EXITS:
            return Refused(
                422, "invalid_side", f"order_type {alert.order_type} sells a holding; spot is long only", "side"
            )
        return None
    if alert.sizing in ("risk", "volatility"):
        return _wrong("sizing", f"sizing {alert.sizing} is for a buy; a sell without quantity sells the holding")
    given = sorted(legs(alert))
    return _wrong(given[0], f"{given[0]} beside a sell protects nothing; spot is long only") if given else None


def _stops(alert: Alert) -> Refused | None:
    given = legs(alert)
    if {"stop_loss", "trail_pct"} <= given:
        return _wrong("trail_pct", "give stop_loss or trail_pct, not both: one holding has one stop")
    if alert.sizing == "risk" and not given & {"stop_loss", "trail_pct"}:
        return _missing("stop_loss", "sizing risk needs stop_loss (or trail_pct), the distance that it divides by")
    return None


def _levels(alert: Alert) -> Refused | None:
    """Stop below price below target, as far as they are given; an order's own trigger is its price."""
    beside = legs(alert) if alert.order_type is not Kind.OCO else _OWN[Kind.OCO]
    stop = alert.stop_loss if "stop_loss" in beside else None
    target = alert.take_profit if "take_profit" in beside else None
    price = alert.price if alert.order_type is Kind.OCO else trigger(alert)
    if stop is not None and price is not None and stop >= price:
        return _wrong("stop_loss", "stop_loss must lie below the price")
    if target is not None and price is not None and target <= price:
        return _wrong("take_profit", "take_profit must lie above the price")
    if stop is not None and target is not None and stop >= target:
        return _wrong("take_profit", "take_profit must lie above stop_loss")
    return None


def _missing(field: str, message: str) -> Refused:
    return Refused(422, "missing_field", message, field)


def _wrong(field: str, message: str) -> Refused:
    return Refused(422, "invalid_field", message, field)
