"""A request's parameters as values. What cannot be read is refused with the venue's words."""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from fks_actors.adapters.exchange_sim.codes import VenueRefusal, illegal, missing
from fks_actors.adapters.exchange_sim.state import Kind, NewOrder, Tif
from fks_actors.model.orders import Side

Params = Mapping[str, str]
E = TypeVar("E", bound=StrEnum)

_NUMBER = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_WHOLE = r"^[0-9]{1,20}$"
_CLIENT_ID = r"^[a-zA-Z0-9-_.:/]{1,36}$"
_DECIMALS = 8


def text(params: Params, name: str) -> str:
    """A parameter that must be there.

    Raises:
        VenueRefusal: -1102.
    """
    value = params.get(name, "")
    if not value:
        raise missing(name)
    return value


def number(params: Params, name: str) -> Decimal | None:
    """A plain number of at most eight decimals; None where it is not given.

    Raises:
        VenueRefusal: -1100 or -1111.
    """
    value = params.get(name)
    if value is None:
        return None
    if not re.match(_NUMBER, value):
        raise illegal(name, _NUMBER)
    if len(value.partition(".")[2].rstrip("0")) > _DECIMALS:
        raise VenueRefusal(-1111, f"Parameter '{name}' has too much precision.")
    return Decimal(value)


def whole(params: Params, name: str) -> int | None:
    """A whole number; None where it is not given.

    Raises:
        VenueRefusal: -1100.
    """
    value = params.get(name)
    if value is None:
        return None
    if not re.match(_WHOLE, value):
        raise illegal(name, _WHOLE)
    return int(value)


def limit(params: Params, default: int, most: int) -> int:
    """How many rows are asked for.

    Raises:
        VenueRefusal: -1100.
    """
    wanted = whole(params, "limit")
    return default if not wanted else min(wanted, most)


def client_id(params: Params, name: str) -> str | None:
    """A client's own id; None where it is not given.

    Raises:
        VenueRefusal: -1100.
    """
    value = params.get(name)
    if value is None or value == "":
        return None
    if not re.match(_CLIENT_ID, value):
        raise illegal(name, _CLIENT_ID)
    return value


def side(params: Params) -> Side:
    """The order's side.

    Raises:
        VenueRefusal: -1102 or -1117.
    """
    given = text(params, "side")
    try:
        return Side[given]
    except KeyError:
        raise VenueRefusal(-1117, "Invalid side.") from None


def new_order(params: Params, fallback_id: str) -> NewOrder:
    """The order that POST /api/v3/order asks for; `fallback_id` is its client id where it brings none.

    Raises:
        VenueRefusal.
    """
    kind = choice(Kind, text(params, "type"), VenueRefusal(-1116, "Invalid orderType."))
    _refuse_superfluous(params, kind)
    tif = Tif.GTC
    if kind.priced and kind is not Kind.LIMIT_MAKER:
        tif = choice(Tif, text(params, "timeInForce"), VenueRefusal(-1115, "Invalid timeInForce."))
    iceberg = number(params, "icebergQty") or None
    if iceberg is not None and tif is not Tif.GTC:
        raise VenueRefusal(-1114, "TimeInForce parameter sent when not required.")
    return NewOrder(
        symbol=text(params, "symbol"),
        side=side(params),
        kind=kind,
        client_id=client_id(params, "newClientOrderId") or fallback_id,
        quantity=number(params, "quantity"),
        quote_quantity=number(params, "quoteOrderQty"),
        price=number(params, "price"),
        stop_price=number(params, "stopPrice"),
        trailing_bips=whole(params, "trailingDelta") or 0,
        iceberg=iceberg,
        tif=tif,
    )


def leg(params: Params, prefix: str, fallback_id: str) -> NewOrder:
    """One leg (`above` or `below`) of the pair that POST /api/v3/orderList/oco asks for.

    Raises:
        VenueRefusal.
    """
    plain = ("type", "price", "stopPrice", "trailingDelta", "timeInForce")
    names = {f"{prefix}{n[0].upper()}{n[1:]}": n for n in plain}
    names |= {f"{prefix}IcebergQty": "icebergQty", f"{prefix}ClientOrderId": "newClientOrderId"}
    given = {name: params[n] for n, name in names.items() if n in params}
    if "type" not in given:
        raise missing(f"{prefix}Type")
    both = {n: params[n] for n in ("symbol", "side", "quantity") if n in params}
    return new_order({**both, **given}, fallback_id)


def legacy_pair(params: Params) -> dict[str, str]:
    """The parameters of POST /api/v3/order/oco in the words of /api/v3/orderList/oco.

    Raises:
        VenueRefusal: -1102 or -1117.
    """
    limit_leg, stop_leg = ("above", "below") if side(params) is Side.SELL else ("below", "above")
    stop_type = "STOP_LOSS_LIMIT" if params.get("stopLimitPrice") else "STOP_LOSS"
    names = {
        "price": f"{limit_leg}Price",
        "limitClientOrderId": f"{limit_leg}ClientOrderId",
        "limitIcebergQty": f"{limit_leg}IcebergQty",
        "stopPrice": f"{stop_leg}StopPrice",
        "trailingDelta": f"{stop_leg}TrailingDelta",
        "stopLimitPrice": f"{stop_leg}Price",
        "stopLimitTimeInForce": f"{stop_leg}TimeInForce",
        "stopClientOrderId": f"{stop_leg}ClientOrderId",
        "stopIcebergQty": f"{stop_leg}IcebergQty",
    }
    text(params, "price")
    given = {names.get(n, n): v for n, v in params.items()}
    return {**given, f"{limit_leg}Type": "LIMIT_MAKER", f"{stop_leg}Type": stop_type}


def choice(kind: type[E], given: str, otherwise: VenueRefusal) -> E:
    """The member of an enumeration by its name.

    Raises:
        VenueRefusal: `otherwise`.
    """
    try:
        return kind(given)
    except ValueError:
        raise otherwise from None


def _refuse_superfluous(params: Params, kind: Kind) -> None:
    unwanted = [] if kind.priced else ["price", "timeInForce", "icebergQty"]
    unwanted += [] if kind.conditional else ["stopPrice", "trailingDelta"]
    unwanted += [] if kind is Kind.MARKET else ["quoteOrderQty"]
    for name in unwanted:
        if name in params:
            raise VenueRefusal(-1106, f"Parameter '{name}' sent when not required.")
    if "quantity" in params and "quoteOrderQty" in params:
        raise VenueRefusal(-1106, "Parameter 'quoteOrderQty' sent when not required.")
