"""The body of an alert: bytes to a checked `Alert`. Strict JSON, bounded numbers and texts, unknown fields by name."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

from fks_actors.model.orders import Side
from fks_actors.webhook.refused import Refused

MAX_BYTES = 8 * 1024
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{0,40})?([eE][+-]?\d{1,3})?", re.ASCII)
_MAX_DIGITS, _MAX_EXPONENT, _MIN_EXPONENT = 36, 15, -18
_SECONDS_BELOW = Decimal(10) ** 11
_LATEST_MS = Decimal(10) ** 14
_SHOWN = 64


class Kind(StrEnum):
    """What an alert may ask for: every order type, and a pair of exits of which one cancels the other."""

    MARKET = "market"
    LIMIT = "limit"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"
    ICEBERG = "iceberg"
    TWAP = "twap"
    OCO = "oco"


def read_object(raw: bytes) -> dict[str, object] | Refused:
    """The JSON object in `raw`; numbers as Decimal. Duplicate keys, NaN, other than UTF-8 or deep nesting: refused."""
    try:
        value = _STRICT.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError):  # JSON's and UTF-8's own errors are ValueErrors
        return Refused(400, "invalid_json", "the body is not one strict JSON object in UTF-8")
    if not isinstance(value, dict):
        return Refused(400, "invalid_json", "the body is JSON, but not an object")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _decimal(text: str) -> Decimal:
    if len(text) > 100 or not _NUMBER.fullmatch(text):
        raise ValueError("a number has too many digits")
    return Decimal(text)


_STRICT = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_decimal, parse_int=_decimal
)


def _number(code: str, low: Decimal, high: Decimal | None = None) -> Callable[[object], Decimal]:
    """A validator: a JSON number or a text that spells one, above `low` (with `high`: both ends belong to it)."""

    unusable = "invalid_quantity" if code == "invalid_quantity" else "invalid_field"

    def check(value: object) -> Decimal:
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = Decimal(value)
        if not isinstance(value, Decimal) or not _bounded(value):
            raise PydanticCustomError(unusable, "is no usable number")
        if high is not None:
            if not low <= value <= high:
                bounds = {"low": str(low), "high": str(high)}
                raise PydanticCustomError(code, "must lie between {low} and {high}", bounds)
        elif value <= low:
            raise PydanticCustomError(code, "must be above 0")
        return Decimal(format(value, "f"))

    return check


def _whole(low: int, high: int) -> Callable[[object], int]:
    """A validator: a whole number from `low` to `high`, as a JSON number or a text."""
    number = _number("invalid_field", Decimal(low), Decimal(high))

    def check(value: object) -> int:
        given = number(value)
        if given != int(given):
            raise PydanticCustomError("invalid_field", "must be a whole number")
        return int(given)

    return check


def _percent(value: object) -> Decimal:
    given = _number("invalid_field", Decimal(0))(value)
    if given >= 100:
        raise PydanticCustomError("invalid_field", "must be below 100")
    return given


def _bounded(value: Decimal) -> bool:
    _, digits, exponent = value.as_tuple()
    return (
        isinstance(exponent, int)
        and len(digits) <= _MAX_DIGITS
        and exponent >= _MIN_EXPONENT
        and value.adjusted() <= _MAX_EXPONENT
    )


def _choice(code: str, options: tuple[str, ...]) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not isinstance(value, str) or value.lower() not in options:
            raise PydanticCustomError(code, "must be one of: {options}", {"options": ", ".join(options)})
        return value.lower()

    return check


def _text(longest: int) -> Callable[[object], str]:
    def check(value: object) -> str:
        if isinstance(value, Decimal):
            value = format(value, "f") if _bounded(value) else ""
        if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= longest:
            raise PydanticCustomError(
                "invalid_field", "must be a printable text of 1 to {longest} characters", {"longest": longest}
            )
        return value

    return check


def _instant(value: object) -> int:
    """UTC milliseconds from ms, s (anything under 1e11) or ISO 8601; a text without an offset is UTC."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, Decimal):
        if _bounded(value) and 0 <= value < _LATEST_MS:
            return int(value * 1000 if value < _SECONDS_BELOW else value)
    elif isinstance(value, str) and value.isascii() and len(value) <= 40:
        try:
            moment = datetime.fromisoformat(value)
            return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
        except (ValueError, OverflowError):
            pass
    raise PydanticCustomError("invalid_field", "must be milliseconds, seconds or ISO 8601")


Price = Annotated[Decimal, BeforeValidator(_number("invalid_field", Decimal(0)))]
Quantity = Annotated[Decimal, BeforeValidator(_number("invalid_quantity", Decimal(0)))]
Confidence = Annotated[Decimal, BeforeValidator(_number("confidence_out_of_range", Decimal(0), Decimal(1)))]
Sizing = Annotated[str, BeforeValidator(_choice("invalid_field", ("fixed_pct", "risk", "volatility")))]


class Alert(BaseModel):
    """What an alert says, each field for itself; `secret` is gone, `action` has become `side`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: Annotated[str, BeforeValidator(_text(64))]
    side: Annotated[Side, BeforeValidator(_choice("invalid_side", tuple(Side)))]
    order_type: Annotated[Kind, BeforeValidator(_choice("invalid_order_type", tuple(Kind)))] = Kind.MARKET
    quantity: Quantity | None = None
    sizing: Sizing | None = None
    price: Price | None = None
    stop_loss: Price | None = None
    take_profit: Price | None = None
    trail_pct: Annotated[Decimal, BeforeValidator(_percent)] | None = None
    confidence: Confidence = Decimal(1)
    exchange: Annotated[str, BeforeValidator(_text(32))] | None = None
    timestamp: Annotated[int, BeforeValidator(_instant)] | None = None
    id: Annotated[str, BeforeValidator(_text(128))] | None = None
    strategy: Annotated[str, BeforeValidator(_text(64))] | None = None
    display_quantity: Price | None = None
    duration_s: Annotated[int, BeforeValidator(_whole(1, 86_400))] | None = None
    slices: Annotated[int, BeforeValidator(_whole(2, 1_000))] | None = None


def read_alert(fields: dict[str, object]) -> Alert | Refused:
    """The alert in `fields` (a JSON object without its `secret`), or what is wrong with the first bad field.

    An unknown field is told before anything else, then fields in the contract's order. Null means absent.
    """
    given = {name: value for name, value in fields.items() if value is not None or name not in Alert.model_fields}
    spelled = "side"
    if "action" in given:
        action = given.pop("action")
        if "side" not in given and action is not None:
            spelled = "action"
            given["side"] = action
        elif action not in (None, given.get("side")):
            return Refused(422, "invalid_side", "side and action say different things", "side")
    try:
        return Alert.model_validate(given)
    except ValidationError as error:
        return _first(error, spelled)


def _first(error: ValidationError, spelled: str) -> Refused:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    fault = next((f for f in faults if f["type"] == "extra_forbidden"), faults[0])
    name = str(fault["loc"][0]) if fault["loc"] else ""
    field = spelled if name == "side" else name
    if fault["type"] == "extra_forbidden":
        shown = field if field.isprintable() and len(field) <= _SHOWN else f"{ascii(field)[1:_SHOWN]}..."
        return Refused(422, "unknown_field", f"unknown field {shown!r}", shown)
    if fault["type"] == "missing":
        return Refused(422, "missing_field", f"{field} is required", field)
    code = fault["type"] if fault["type"].startswith(("invalid_", "confidence_")) else "invalid_field"
    return Refused(422, code, f"{field} {fault['msg']}", field)
