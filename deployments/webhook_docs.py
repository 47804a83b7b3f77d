"""What OpenAPI says of the webhook: an alert's fields and every answer. `webhook.payload` and `.coherence` rule."""

from typing import Any

from deployments import shapes
from deployments.answers import documented
from fks_actors.model.orders import Side
from fks_actors.webhook.payload import Kind

_NUMBER = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}


def _number(told: str, **more: Any) -> dict[str, Any]:
    return {"description": f"{told}; a number, or a text that spells one", **_NUMBER, **more}


def _text(told: str, longest: int) -> dict[str, Any]:
    return {"type": "string", "description": told, "minLength": 1, "maxLength": longest}


_FIELDS: dict[str, Any] = {
    "symbol": _text("BTC/USDT, BTCUSDT, BTC-USDT, btc_usdt, BINANCE:BTCUSDT, or the venue's own id", 64),
    "side": {"enum": [*Side]},
    "action": {"enum": [*Side], "description": "another name of side"},
    "order_type": {"enum": [*Kind], "default": Kind.MARKET},
    "quantity": _number("in base; or give sizing"),
    "sizing": {"enum": ["fixed_pct", "risk", "volatility"]},
    "price": _number("the limit or trigger; elsewhere the sender's view"),
    "stop_loss": _number("beside a buy its protective stop; one leg of an oco"),
    "take_profit": _number("beside a buy its target; one leg of an oco"),
    "trail_pct": _number("percent: a trailing stop's distance; beside a buy a protective one's"),
    "confidence": _number("0 to 1", default=1),
    "exchange": _text("a venue of the desk, by its name or its exchange's", 32),
    "timestamp": {
        "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "maxLength": 40}],
        "description": "milliseconds, seconds or ISO 8601",
    },
    "id": _text("what makes two alerts the same one", 128),
    "strategy": _text("for the journal", 64),
    "secret": {"type": "string", "description": "proves the sender where no header can"},
    "display_quantity": _number("how much of an iceberg shows, in base"),
    "duration_s": _number("over how many seconds a twap is traded, 1 to 86400"),
    "slices": _number("in how many parts a twap is traded, 2 to 1000"),
}
_EXAMPLE = {
    "symbol": "BTC/USDT",
    "side": "buy",
    "order_type": "market",
    "quantity": "0.01",
    "confidence": 0.9,
    "id": "alert-1",
    "secret": "...",
}
_SCHEMA = {"type": "object", "required": ["symbol"], "properties": _FIELDS, "additionalProperties": False}
BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA, "example": _EXAMPLE}}},
    "parameters": [
        {
            "name": "X-Signature",
            "in": "header",
            "required": False,
            "description": "sha256= and the hex HMAC-SHA256 of the raw body",
            "schema": {"type": "string"},
        },
        {
            "name": "Prefer",
            "in": "header",
            "required": False,
            "description": "wait=N: answer when the desk is done, after N seconds at most",
            "schema": {"type": "string"},
        },
    ],
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"description": "stored", "model": shapes.AcceptedShape},
    200: {"description": "known already, or done within Prefer: wait=N", "model": shapes.OutcomeShape},
    **documented(
        _400="not one strict JSON object",
        _401="missing or wrong signature, secret or certificate",
        _403="this address may not send alerts",
        _408="the body did not arrive in time",
        _413="larger than 8 KiB",
        _415="the body is compressed",
        _422="a field is missing, unknown, invalid or out of bounds; `code` tells which rule, `field` which field",
        _429="too many from this address; see Retry-After",
        _503="not stored; send it again",
    ),
}
