"""An alert's whole way, in one pure function. The order of the checks is the law of this room:

size (413) -> sender (401) -> rate (429) -> JSON (400) -> fields (422) -> what this release lacks (501) -> symbol
-> age -> confidence -> amount (422). A stranger therefore learns nothing about the fields, and uses up nobody's rate.
The replay window is the inbox's: it knows what was stored; this function names the key (`dedupe_key`).
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from fks_actors.model.orders import OrderType
from fks_actors.model.records import Signal
from fks_actors.webhook.authenticity import unproven
from fks_actors.webhook.config import WebhookConfig
from fks_actors.webhook.payload import MAX_BYTES, Alert, read_alert, read_object
from fks_actors.webhook.refused import Refused
from fks_actors.webhook.symbols import match_symbol

TOO_LARGE = Refused(413, "too_large", f"the body is larger than {MAX_BYTES} bytes")
_TRIGGERED = {OrderType.STOP_LOSS: "stop_loss", OrderType.TAKE_PROFIT: "take_profit"}


def _admit_all() -> float:
    return 0.0


def receive(
    raw: bytes,
    headers: Mapping[str, str],
    now_ms: int,
    config: WebhookConfig,
    known_symbols: Sequence[str],
    admit: Callable[[], float] = _admit_all,
    salt: str = "",
) -> Signal | Refused:
    """The signal in `raw`, or why it is refused. Never raises on what a sender can send.

    Args:
        raw: the body as received.
        headers: header values by lower-case name.
        now_ms: our clock, UTC milliseconds.
        config: the rules.
        known_symbols: what the desk trades, as "BTC/USDT".
        admit: takes the sender's token once it is proven; 0.0, or the seconds to wait.
        salt: distinguishes the ids of alerts that arrive in the same millisecond.
    """
    if len(raw) > MAX_BYTES:
        return TOO_LARGE
    fields = read_object(raw)
    given_secret = None if isinstance(fields, Refused) else fields.pop("secret", None)
    stranger = unproven(raw, headers, given_secret, config)
    if stranger:
        return stranger
    wait_s = admit()
    if wait_s > 0:
        return Refused(429, "rate_limited", "too many alerts from this address", "", max(1, math.ceil(wait_s)))
    if isinstance(fields, Refused):
        return fields
    alert = read_alert(fields)
    if isinstance(alert, Refused):
        return alert
    symbol = match_symbol(alert.symbol, known_symbols)
    refused = _inconsistent(alert) or _lacking(alert, config)
    if refused:
        return refused
    if symbol is None:
        return Refused(422, "symbol_unknown", "this desk does not know that symbol", "symbol")
    return _unwanted(alert, symbol, now_ms, config) or _signal(alert, symbol, dedupe_key(alert.id, raw), now_ms, salt)


def dedupe_key(given_id: str | None, raw: bytes) -> str:
    """What makes two alerts the same one: the id that the sender gave, else the very bytes."""
    return f"id:{given_id}" if given_id else f"body:{hashlib.sha256(raw).hexdigest()}"


def signal_id(key: str, received_ms: int, salt: str) -> str:
    """The name of one receipt of an alert; the same bytes are another signal once the replay window has passed."""
    return "sig-" + hashlib.sha256(f"{key}\n{received_ms}\n{salt}".encode()).hexdigest()[:24]


def _price(alert: Alert) -> Decimal | None:
    """The limit or trigger price; a stop's may stand in the field of its own name. A market's is the sender's view."""
    if alert.order_type is OrderType.STOP_LOSS:
        return alert.price or alert.stop_loss
    if alert.order_type is OrderType.TAKE_PROFIT:
        return alert.price or alert.take_profit
    return alert.price


def _inconsistent(alert: Alert) -> Refused | None:
    kind = alert.order_type
    if alert.quantity is None and alert.sizing is None:
        return Refused(422, "missing_field", "quantity or sizing is required", "quantity")
    if alert.quantity is not None and alert.sizing is not None:
        return Refused(422, "invalid_field", "give quantity or sizing, not both", "sizing")
    if kind is not OrderType.MARKET and _price(alert) is None:
        return Refused(422, "price_required", f"a {kind} order needs a price", "price")
    own = _TRIGGERED.get(kind)
    given = getattr(alert, own) if own else None
    if own and given is not None and alert.price is not None and given != alert.price:
        return Refused(422, "invalid_field", f"price and {own} say different things", own)
    return None


def _lacking(alert: Alert, config: WebhookConfig) -> Refused | None:
    """What the contract knows and this release cannot do yet: said, not swallowed."""
    own = _TRIGGERED.get(alert.order_type)
    attached = next((n for n in ("stop_loss", "take_profit", "trail_pct") if n != own and getattr(alert, n)), "")
    if attached:
        return Refused(501, "not_implemented", f"{attached} beside an order is not implemented yet", attached)
    if alert.sizing in ("risk", "volatility"):
        return Refused(501, "not_implemented", f"sizing {alert.sizing} is not implemented yet", "sizing")
    if alert.exchange is not None and alert.exchange.lower() not in config.exchanges:
        return Refused(501, "not_implemented", "this desk trades on one exchange, and not on that one", "exchange")
    return None


def _unwanted(alert: Alert, symbol: str, now_ms: int, config: WebhookConfig) -> Refused | None:
    if config.symbols and symbol not in config.symbols:
        return Refused(422, "symbol_not_allowed", f"{symbol} is not on the webhook's list", "symbol")
    age_ms = 0 if alert.timestamp is None else now_ms - alert.timestamp
    if age_ms > config.max_age_s * 1000:
        return Refused(422, "stale", f"the alert is older than {config.max_age_s} s", "timestamp")
    if -age_ms > config.max_future_s * 1000:
        return Refused(422, "future", f"the alert is more than {config.max_future_s} s from the future", "timestamp")
    if alert.confidence < config.min_confidence:
        return Refused(422, "low_confidence", f"confidence is below {config.min_confidence}", "confidence")
    return _oversized(alert, config)


def _oversized(alert: Alert, config: WebhookConfig) -> Refused | None:
    """The webhook's own ceiling; a market order that names no price is valued by risk, at the market's."""
    if alert.quantity is None:
        return None
    if config.max_quantity is not None and alert.quantity > config.max_quantity:
        return Refused(422, "quantity_too_large", f"quantity is above {config.max_quantity}", "quantity")
    price = _price(alert)
    if config.max_value is not None and price is not None and alert.quantity * price > config.max_value:
        return Refused(422, "value_too_large", f"quantity times price is above {config.max_value}", "quantity")
    return None


def _signal(alert: Alert, symbol: str, key: str, now_ms: int, salt: str) -> Signal:
    return Signal(
        signal_id=signal_id(key, now_ms, salt),
        dedupe_key=key,
        received_ms=now_ms,
        symbol=symbol,
        side=alert.side,
        order_type=alert.order_type,
        quantity=alert.quantity,
        sizing=alert.sizing or "",
        price=_price(alert),
        confidence=alert.confidence,
        exchange=(alert.exchange or "").lower(),
        strategy=alert.strategy or "",
        sent_ms=alert.timestamp,
    )
