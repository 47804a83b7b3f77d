"""What an error of ccxt means for the request that met it. The heart of "one order per intent": read it as a table.

REFUSED, RATE_LIMITED, CLOCK and NOT_SENT are certain: the exchange did not do what was asked. UNKNOWN may have been
done and is looked up, never repeated. What the table does not name is UNKNOWN. The exchange's own code speaks first,
then ccxt's class.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What is known of a request that failed."""

    REFUSED = "refused"
    DUPLICATE = "duplicate"
    MISSING = "missing"
    RATE_LIMITED = "rate_limited"
    CLOCK = "clock"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fault:
    """A request that failed. `retry_after_s` is how long to stay quiet, where the exchange said so; `orders_only`: only
    new orders are too many, everything else may be asked."""

    kind: FaultKind
    reason: str
    retry_after_s: float = 0.0
    orders_only: bool = False

    @property
    def certain(self) -> bool:
        """Whether the request certainly did nothing at the exchange."""
        return self.kind in _CERTAIN


_CERTAIN = frozenset({FaultKind.REFUSED, FaultKind.RATE_LIMITED, FaultKind.CLOCK, FaultKind.NOT_SENT})

_R, _D, _M = FaultKind.REFUSED, FaultKind.DUPLICATE, FaultKind.MISSING
_L, _C, _N, _U = FaultKind.RATE_LIMITED, FaultKind.CLOCK, FaultKind.NOT_SENT, FaultKind.UNKNOWN

BINANCE_CODES: dict[str, FaultKind] = {
    "-1000": _U,  # unknown error while processing
    "-1001": _U,  # disconnected, internal error
    "-1002": _R,  # not authorized
    "-1003": _L,  # too much weight
    "-1004": _U,  # server busy
    "-1006": _U,  # unexpected response: execution status unknown
    "-1007": _U,  # timeout: execution status unknown
    "-1008": _U,  # overloaded
    "-1010": _U,  # error message received
    "-1013": _R,  # a filter
    "-1014": _R,
    "-1015": _L,  # too many new orders
    "-1016": _R,
    "-1020": _R,
    "-1021": _C,  # timestamp outside of the receive window
    "-1022": _R,  # signature
    "-2010": _R,  # new order rejected
    "-2011": _M,  # cancel rejected: unknown order
    "-2013": _M,  # no such order
    "-2014": _R,
    "-2015": _R,
    "-2026": _M,  # archived
}
"""Binance's spot error codes. Other codes of the 11xx family are malformed requests: refused."""

CLASSES: tuple[tuple[str, FaultKind], ...] = (
    ("DuplicateOrderId", _D),
    ("OrderNotFound", _M),
    ("OrderNotCached", _M),
    ("ExchangeClosedByUser", _N),
    ("InvalidNonce", _C),
    ("DDoSProtection", _L),
    ("RateLimitExceeded", _L),
    ("InsufficientFunds", _R),
    ("InvalidOrder", _R),
    ("InvalidAddress", _R),
    ("BadRequest", _R),
    ("ArgumentsRequired", _R),
    ("NotSupported", _R),
    ("OperationRejected", _R),
    ("AuthenticationError", _R),
    ("InvalidProxySettings", _N),
    ("OperationFailed", _U),
    ("ExchangeError", _U),
)
"""ccxt's classes, the special ones before the general ones; subclasses count as their parents."""

_NEVER_CONNECTED = frozenset({"ClientConnectorError", "ClientConnectorDNSError", "gaierror", "ConnectionRefusedError"})
_BINANCE_CODE = re.compile(r'"code"\s*:\s*(-\d{4,5})')
_DUPLICATE = re.compile(r"duplicate|already exist", re.IGNORECASE)
_TOO_MANY_ORDERS = '"code":-1015'
_QUERY = re.compile(r"\?\S+=\S*")
"""A request's query is left out of what is told: it is long, and it is signed."""
_TEXT = 300


def judge(error: BaseException, retry_after_s: float = 0.0) -> Fault:
    """What `error`, raised by a ccxt call, tells about the request."""
    reason = _QUERY.sub("", " ".join(str(error).split()))[:_TEXT] or type(error).__name__
    return Fault(_kind(error, reason), reason, retry_after_s, _TOO_MANY_ORDERS in reason)


def _kind(error: BaseException, reason: str) -> FaultKind:
    names = {c.__name__ for c in type(error).__mro__}
    if _never_connected(error):
        return _N
    if found := _BINANCE_CODE.search(reason):
        code = found.group(1)
        if code in ("-2010", "-1013") and _DUPLICATE.search(reason):
            return _D
        if code in BINANCE_CODES and not ("DDoSProtection" in names or "RateLimitExceeded" in names):
            return BINANCE_CODES[code]
        if len(code) == 5 and code.startswith("-11"):
            return _R
    for name, kind in CLASSES:
        if name in names:
            return kind
    return _U


def _never_connected(error: BaseException) -> bool:
    seen = 0
    cause: BaseException | None = error
    while cause is not None and seen < 5:
        if any(c.__name__ in _NEVER_CONNECTED for c in type(cause).__mro__):
            return True
        cause, seen = cause.__cause__, seen + 1
    return False
