"""What a request passes before it is looked at: key, signature, time, and the limits on weight and orders.

The signature is HMAC-SHA256 of the query and the body as they came, without the signature itself.
Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/limits and .../request-security
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from fks_actors.adapters.exchange_sim.codes import VenueRefusal, missing

MINUTE_MS, TEN_S_MS, DAY_MS = 60_000, 10_000, 86_400_000
_WIDEST_WINDOW_MS = 60_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Weight a minute, orders in ten seconds and a day; after `patience` refusals an address is banned for `ban_s`."""

    weight: int = 6_000
    orders_10s: int = 100
    orders_day: int = 200_000
    patience: int = 5
    ban_s: int = 120


class Meter:
    """Counts what was used, by fixed windows of the venue's clock."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.weight = 0
        self.orders = {TEN_S_MS: 0, DAY_MS: 0}
        self._windows: dict[int, int] = {}
        self._refused = 0
        self._banned_until_ms = 0

    def spend(self, weight: int, now_ms: int) -> None:
        """Count a request.

        Raises:
            VenueRefusal: -1003, with 429, and 418 while the address is banned.
        """
        self._roll(now_ms)
        if now_ms < self._banned_until_ms:
            text = f"Way too much request weight used; IP banned until {self._banned_until_ms}."
            raise VenueRefusal(-1003, text, 418, -(-(self._banned_until_ms - now_ms) // 1_000))
        self.weight += weight
        if self.weight <= self.limits.weight:
            return
        self._refused += 1
        if self._refused > self.limits.patience:
            self._banned_until_ms, self._refused = now_ms + self.limits.ban_s * 1_000, 0
            text = f"Way too much request weight used; IP banned until {self._banned_until_ms}."
            raise VenueRefusal(-1003, text, 418, self.limits.ban_s)
        text = f"Too much request weight used; current limit is {self.limits.weight} request weight per 1 MINUTE."
        raise VenueRefusal(-1003, text, 429, -(-(MINUTE_MS - now_ms % MINUTE_MS) // 1_000))

    def spend_orders(self, count: int, now_ms: int) -> None:
        """Count new orders.

        Raises:
            VenueRefusal: -1015 with 429.
        """
        self._roll(now_ms)
        for window, limit, name in (
            (TEN_S_MS, self.limits.orders_10s, "10 SECOND"),
            (DAY_MS, self.limits.orders_day, "1 DAY"),
        ):
            if self.orders[window] + count > limit:
                text = f"Too many new orders; current limit is {limit} orders per {name}."
                raise VenueRefusal(-1015, text, 429, -(-(window - now_ms % window) // 1_000))
        for window in self.orders:
            self.orders[window] += count

    def headers(self) -> dict[str, str]:
        """What the venue tells of it in each answer."""
        return {
            "X-MBX-USED-WEIGHT": str(self.weight),
            "X-MBX-USED-WEIGHT-1M": str(self.weight),
            "X-MBX-ORDER-COUNT-10S": str(self.orders[TEN_S_MS]),
            "X-MBX-ORDER-COUNT-1D": str(self.orders[DAY_MS]),
        }

    def rows(self) -> list[dict[str, object]]:
        """What the venue tells of its limits in exchangeInfo."""
        limits = self.limits
        return [
            {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
            for kind, interval, number, limit in (
                ("REQUEST_WEIGHT", "MINUTE", 1, limits.weight),
                ("ORDERS", "SECOND", 10, limits.orders_10s),
                ("ORDERS", "DAY", 1, limits.orders_day),
                ("RAW_REQUESTS", "MINUTE", 5, 61_000),
            )
        ]

    def _roll(self, now_ms: int) -> None:
        for window in (MINUTE_MS, *self.orders):
            number = now_ms // window
            if self._windows.get(window) != number:
                self._windows[window] = number
                if window == MINUTE_MS:
                    self.weight = 0
                else:
                    self.orders[window] = 0


@dataclass(frozen=True, slots=True)
class Keys:
    """The account's API key and secret."""

    key: str
    secret: str

    def check_key(self, given: str | None) -> None:
        """Refuse a key that is absent or not the account's.

        Raises:
            VenueRefusal: 401 with -2014 or -2015.
        """
        if not given:
            raise VenueRefusal(-2014, "API-key format invalid.", 401)
        if not hmac.compare_digest(given.encode(), self.key.encode()):
            raise VenueRefusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)

    def check_signature(self, payload: str, given: str | None) -> None:
        """Refuse a request that was not signed with the secret.

        Raises:
            VenueRefusal: -1102 or -1022.
        """
        if not given:
            raise missing("signature")
        wanted = hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted, given.lower()):
            raise VenueRefusal(-1022, "Signature for this request is not valid.")


def check_time(params: Mapping[str, str], now_ms: int) -> None:
    """Refuse a request that is too old or from the future.

    Raises:
        VenueRefusal: -1102, -1131 or -1021.
    """
    try:
        sent_ms = int(params["timestamp"])
        window_ms = float(params.get("recvWindow", "5000"))
    except (KeyError, ValueError):
        raise missing("timestamp") from None
    if not 0 < window_ms <= _WIDEST_WINDOW_MS:
        raise VenueRefusal(-1131, "recvWindow must be less than 60000")
    if sent_ms >= now_ms + 1_000:
        raise VenueRefusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - sent_ms > window_ms:
        raise VenueRefusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def signed_part(query: str, body: str) -> str:
    """What the signature is made over."""
    return "".join("&".join(p for p in part.split("&") if not p.startswith("signature=")) for part in (query, body))
