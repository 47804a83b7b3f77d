"""An alert's whole way, in pure functions. The order of the checks is the law of this room:

    refused_at_door   size as announced (413) -> peer (403)
    prove             size (413) -> sender (401)
    (rate)            (429), by whoever calls; strangers have a rate of their own, asked before `prove`
    read_signal       JSON (400) -> fields -> fields together -> exchange -> symbol -> age -> confidence -> amount (422)

A stranger therefore learns nothing about the fields, and uses up no proven sender's rate. The replay window is the
inbox's: it knows what was stored; `dedupe_key` names the key.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from fks_actors.model.orders import OrderType
from fks_actors.model.records import Signal
from fks_actors.webhook.authenticity import unproven
from fks_actors.webhook.coherence import incoherent, legs, trigger
from fks_actors.webhook.config import WebhookConfig
from fks_actors.webhook.payload import MAX_BYTES, Alert, Kind, read_alert, read_object
from fks_actors.webhook.peers import Caller, Peers
from fks_actors.webhook.refused import Refused
from fks_actors.webhook.symbols import Markets

TOO_LARGE = Refused(413, "too_large", f"the body is larger than {MAX_BYTES} bytes")
FORBIDDEN = Refused(403, "forbidden", "this address may not send alerts")


@dataclass(frozen=True, slots=True)
class Proven:
    """A body whose sender is proven: its bytes, and its fields without the secret (or why there are none)."""

    raw: bytes
    fields: dict[str, object] | Refused


def refused_at_door(announced: str, caller: Caller, peers: Peers) -> Refused | None:
    """What can be refused before a byte of the body is read; `announced` is Content-Length."""
    if announced.isdecimal() and int(announced[:12]) > MAX_BYTES:
        return TOO_LARGE
    return None if peers.admits(caller) else FORBIDDEN


def prove(raw: bytes, headers: Mapping[str, str], config: WebhookConfig, caller: Caller) -> Proven | Refused:
    """The body, once its sender is proven. Never raises on what a sender can send.

    Args:
        raw: the body as received.
        headers: header values by lower-case name.
        config: the rules.
        caller: where it came from.
    """
    if len(raw) > MAX_BYTES:
        return TOO_LARGE
    fields = read_object(raw)
    given_secret = None if isinstance(fields, Refused) else fields.pop("secret", None)
    return unproven(raw, headers, given_secret, config, caller.via_proxy) or Proven(raw, fields)


def read_signal(
    proven: Proven, now_ms: int, config: WebhookConfig, markets: Markets, salt: str = ""
) -> Signal | Refused:
    """The signal in a proven body, or why it is refused. Never raises on what a sender can send.

    Args:
        proven: the body.
        now_ms: our clock, UTC milliseconds.
        config: the rules.
        markets: what may be named.
        salt: distinguishes the ids of alerts that arrive in the same millisecond.
    """
    if isinstance(proven.fields, Refused):
        return proven.fields
    alert = read_alert(proven.fields)
    if isinstance(alert, Refused):
        return alert
    refused = incoherent(alert)
    if refused:
        return refused
    venue = "" if alert.exchange is None else markets.venue(alert.exchange)
    if venue is None:
        return Refused(422, "invalid_field", "exchange names no venue of this desk, or more than one", "exchange")
    symbol = markets.symbol(alert.symbol, venue)
    if symbol is None:
        return Refused(422, "symbol_unknown", "this desk does not know that symbol", "symbol")
    refused = _unwanted(alert, symbol, now_ms, config, markets)
    if refused:
        return refused
    return _signal(alert, symbol, venue, dedupe_key(alert.id, proven.raw), now_ms, salt, config)


def dedupe_key(given_id: str | None, raw: bytes) -> str:
    """What makes two alerts the same one: the id that the sender gave, else the very bytes."""
    return f"id:{given_id}" if given_id else f"body:{hashlib.sha256(raw).hexdigest()}"


def signal_id(key: str, received_ms: int, salt: str) -> str:
    """The name of one receipt of an alert; the same bytes are another signal once the replay window has passed."""
    return "sig-" + hashlib.sha256(f"{key}\n{received_ms}\n{salt}".encode()).hexdigest()[:24]


def _unwanted(alert: Alert, symbol: str, now_ms: int, config: WebhookConfig, markets: Markets) -> Refused | None:
    if symbol not in markets.traded or (config.symbols and symbol not in config.symbols):
        return Refused(422, "symbol_not_allowed", f"{symbol} is not traded here on alerts", "symbol")
    age_ms = 0 if alert.timestamp is None else now_ms - alert.timestamp
    if age_ms > config.max_age_s * 1000:
        return Refused(422, "stale", f"the alert is older than {config.max_age_s} s", "timestamp")
    if -age_ms > config.max_future_s * 1000:
        return Refused(422, "future", f"the alert is more than {config.max_future_s} s from the future", "timestamp")
    if alert.confidence < config.min_confidence:
        return Refused(422, "low_confidence", f"confidence is below {config.min_confidence}", "confidence")
    return _oversized(alert, config)


def _oversized(alert: Alert, config: WebhookConfig) -> Refused | None:
    """The webhook's own ceiling; an order that names no price is valued by risk, at the market's."""
    if alert.quantity is None:
        return None
    if config.max_quantity is not None and alert.quantity > config.max_quantity:
        return Refused(422, "quantity_too_large", f"quantity is above {config.max_quantity}", "quantity")
    price = _dearest(alert)
    if config.max_value is not None and price is not None and alert.quantity * price > config.max_value:
        return Refused(422, "value_too_large", f"quantity times price is above {config.max_value}", "quantity")
    return None


def _dearest(alert: Alert) -> Decimal | None:
    """The highest price that the order itself names."""
    return alert.take_profit if alert.order_type is Kind.OCO else trigger(alert)


def _signal(alert: Alert, symbol: str, venue: str, key: str, now_ms: int, salt: str, config: WebhookConfig) -> Signal:
    oco = alert.order_type is Kind.OCO
    beside = legs(alert)
    return Signal(
        signal_id=signal_id(key, now_ms, salt),
        dedupe_key=key,
        received_ms=now_ms,
        symbol=symbol,
        side=alert.side,
        order_type=OrderType.STOP_LOSS if oco else OrderType(alert.order_type.value),
        quantity=alert.quantity,
        sizing=alert.sizing or "",
        price=trigger(alert),
        stop_loss=alert.stop_loss if oco or "stop_loss" in beside else None,
        take_profit=alert.take_profit if oco or "take_profit" in beside else None,
        trail_pct=alert.trail_pct,
        confidence=alert.confidence,
        exchange=venue,
        strategy=alert.strategy or "",
        sent_ms=alert.timestamp,
        display_quantity=alert.display_quantity,
        duration_s=alert.duration_s or 0,
        slices=alert.slices or 0,
        advisory=config.mode == "advisory",
        oco=oco,
    )
