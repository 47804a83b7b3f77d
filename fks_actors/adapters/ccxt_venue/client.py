"""One exchange through ccxt: one session, one clock, one breaker, every request counted and its error judged.

`ask` makes one request and hands back what it answered or a `Fault`; `read` repeats a request that changes nothing
until it is answered. Nobody else calls ccxt.
"""

import asyncio
import importlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from fks_actors.adapters.ccxt_venue.breaker import Breaker, BreakerState
from fks_actors.adapters.ccxt_venue.dialects import Dialect, dialect_of
from fks_actors.adapters.ccxt_venue.faults import Fault, FaultKind, judge
from fks_actors.adapters.ccxt_venue.keys import Keys
from fks_actors.errors import ConfigError, Fenced, VenueUnavailable
from fks_actors.execution.venues import VenueConfig
from fks_actors.telemetry import Telemetry

_log = logging.getLogger(__name__)

_BREAKS = frozenset({FaultKind.UNKNOWN, FaultKind.NOT_SENT})
_REPEATED = frozenset({FaultKind.UNKNOWN, FaultKind.NOT_SENT, FaultKind.RATE_LIMITED, FaultKind.CLOCK})
_QUIET_S = 1.0
ORDERING = frozenset({"create_order"})
"""Operations that an exchange counts as new orders."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
_RESYNC_MS = 600_000

Leave = Callable[[], None]
"""Asked when a request has waited for its turn and is about to be signed: raises Fenced where it must not leave."""

_leave: ContextVar[Leave | None] = ContextVar("leave", default=None)


@dataclass(frozen=True, slots=True)
class Connection:
    """How an exchange is reached: what `open_client` needs. `options` are ccxt's own, merged over ours."""

    venue: str
    config: VenueConfig
    keys: Keys | None
    telemetry: Telemetry
    options: dict[str, Any]


class Client:
    """Build it with `open_client`; `close` it."""

    def __init__(self, exchange: Any, connection: Connection, dialect: Dialect) -> None:
        self.ccxt = exchange
        self.dialect = dialect
        self.venue = connection.venue
        self.config = connection.config
        self.telemetry = connection.telemetry
        self.offset_ms = 0
        self._synced_ms = 0
        self._breaker = Breaker(connection.config.breaker)
        self._quiet_until = 0.0
        self._no_orders_until = 0.0
        self._show(BreakerState.CLOSED)

    @property
    def breaker(self) -> BreakerState:
        """What the breaker does now."""
        return self._breaker.state

    @property
    def window_ms(self) -> int:
        """How long after a request was given up the exchange may still act on it, a second of clock slack included."""
        own = self.dialect.window_ms
        return (self.config.recv_window_ms if own is None else own) + 1_000

    def now_ms(self) -> int:
        """Wall clock, UTC."""
        return time.time_ns() // 1_000_000

    def venue_now_ms(self) -> int:
        """The exchange's clock, as far as it is known."""
        return self.now_ms() + self.offset_ms

    def offers(self, method: str) -> bool:
        """Whether ccxt has this method for the exchange."""
        return bool(self.ccxt.has.get(method))

    async def ask(self, operation: str, call: Callable[[], Awaitable[Any]], leave: Leave | None = None) -> Any:
        """One request: its answer, or the Fault that it met.

        Raises:
            Fenced: `leave` said so; nothing was sent.
        """
        started = time.monotonic()
        quiet_s = max(self._quiet_until, self._no_orders_until if operation in ORDERING else 0.0) - started
        if quiet_s > 0:
            return self._count(operation, Fault(FaultKind.RATE_LIMITED, "rate limited", quiet_s))
        admitted = self._breaker.admit(self.now_ms())
        if admitted is None:
            return self._count(operation, Fault(FaultKind.NOT_SENT, "the circuit breaker is open"))
        self._turn(admitted)
        token = _leave.set(leave)
        try:
            answer = await call()
        except (asyncio.CancelledError, Fenced):
            self._turn(self._breaker.dropped())
            raise
        except Exception as error:  # noqa: BLE001  ccxt raises whatever an odd answer made it stumble over
            answer = judge(error, self._retry_after())
        finally:
            _leave.reset(token)
        self.telemetry.histogram("fks_venue_request_duration_seconds", self.venue, operation).observe(
            time.monotonic() - started
        )
        return self._settle(operation, answer)

    async def read(self, operation: str, call: Callable[[], Awaitable[Any]], within_s: float | None = None) -> Any:
        """A request that changes nothing, repeated until it is answered; REFUSED and MISSING come back as Faults.

        Raises:
            VenueUnavailable: no answer within `within_s` (by default a little more than one timeout).
        """
        end = time.monotonic() + (1.2 * self.config.timeout_s if within_s is None else within_s)
        pause = _FIRST_PAUSE_S
        while True:
            answer = await self.ask(operation, call)
            if not isinstance(answer, Fault) or answer.kind not in _REPEATED:
                return answer
            if answer.kind is FaultKind.CLOCK:
                await self.sync_clock()
            wait = max(pause * random.uniform(0.5, 1.5), answer.retry_after_s)  # noqa: S311
            if time.monotonic() + wait > end:
                raise VenueUnavailable(f"{self.venue}: {operation}: {answer.reason}")
            await asyncio.sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def sync_clock(self) -> None:
        """Learn how far the exchange's clock is ahead; keeps the last known offset where it does not tell."""
        if not self.offers("fetchTime"):
            return
        before = self.now_ms()
        told = await self.ask("time", self.ccxt.fetch_time)
        if isinstance(told, Fault) or not told:
            return
        self.offset_ms = int(told) - (before + self.now_ms()) // 2
        self._synced_ms = self.now_ms()
        self.ccxt.options["timeDifference"] = -self.offset_ms

    async def sync_clock_if_due(self) -> None:
        """Learn it anew every ten minutes."""
        if self.now_ms() - self._synced_ms > _RESYNC_MS:
            await self.sync_clock()

    async def close(self) -> None:
        """Close every connection, also while the caller is being cancelled; may be called twice."""
        closing = asyncio.ensure_future(self._close())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing
            raise

    async def _close(self) -> None:
        try:
            await self.ccxt.close()
        except Exception as error:  # noqa: BLE001  closing must not fail for what a broken socket raises
            _log.warning("closing %s: %s", self.venue, type(error).__name__)

    def _settle(self, operation: str, answer: Any) -> Any:
        fault = answer if isinstance(answer, Fault) else None
        if fault is not None and fault.kind in _BREAKS:
            self._turn(self._breaker.failed(self.now_ms()))
        else:
            self._turn(self._breaker.succeeded())
        if fault is not None and fault.kind is FaultKind.RATE_LIMITED:
            until = time.monotonic() + (fault.retry_after_s or _QUIET_S)
            if fault.orders_only:
                self._no_orders_until = max(self._no_orders_until, until)
            else:
                self._quiet_until = max(self._quiet_until, until)
        return self._count(operation, answer)

    def _count(self, operation: str, answer: Any) -> Any:
        outcome = answer.kind.value if isinstance(answer, Fault) else "ok"
        self.telemetry.counter("fks_venue_requests_total", self.venue, operation, outcome).inc()
        return answer

    def _turn(self, after: Breaker) -> None:
        before, self._breaker = self._breaker, after
        if before.state is not after.state:
            _log.warning("%s: the circuit breaker is %s", self.venue, after.state)
            self.telemetry.counter("fks_breaker_transitions_total", self.venue, after.state.value).inc()
            self._show(after.state)

    def _show(self, now: BreakerState) -> None:
        for state in BreakerState:
            self.telemetry.gauge("fks_breaker_state", self.venue, state.value).set(float(state is now))

    def _retry_after(self) -> float:
        headers = getattr(self.ccxt, "last_response_headers", None) or {}
        told = next((v for k, v in headers.items() if str(k).lower() == "retry-after"), "")
        return min(float(told), 3_600.0) if str(told).isdigit() else 0.0


async def open_client(connection: Connection) -> Client:
    """A client; nothing is sent yet.

    Raises:
        ConfigError: ccxt knows no such exchange.
    """
    config = connection.config
    ccxt = await asyncio.to_thread(importlib.import_module, "ccxt.pro")
    if config.exchange not in importlib.import_module("ccxt").exchanges:
        raise ConfigError(f"ccxt knows no exchange {config.exchange!r}; check `exchange` of venue {connection.venue}")
    home = ccxt if config.exchange in ccxt.exchanges else importlib.import_module("ccxt.async_support")
    dialect = dialect_of(config.exchange)
    exchange = getattr(home, config.exchange)(_options(connection, dialect))
    if config.sandbox:
        exchange.set_sandbox_mode(True)
    _spot_only(exchange)
    _ask_before_signing(exchange)
    return Client(exchange, connection, dialect)


def _options(connection: Connection, dialect: Dialect) -> dict[str, Any]:
    config, keys = connection.config, connection.keys
    own: dict[str, Any] = {
        "number": str,
        "enableRateLimit": True,
        "timeout": int(config.timeout_s * 1_000),
        "aiohttp_trust_env": True,
        "options": {
            "defaultType": "spot",
            "recvWindow": config.recv_window_ms,
            "adjustForTimeDifference": False,
            "warnOnFetchOpenOrdersWithoutSymbol": False,
            **({"fetchOrder": {"acknowledged": True}} if config.exchange == "bybit" else {}),
        },
    }
    if dialect.burst_window_ms:
        own |= {"rateLimiterAlgorithm": "rollingWindow", "rollingWindowSize": float(dialect.burst_window_ms)}
    if keys is not None:
        own |= {
            "apiKey": keys.api_key.get_secret_value(),
            "secret": keys.secret.get_secret_value(),
            "password": (keys.password.get_secret_value() or None) if keys.password else None,
        }
    given = dict(connection.options)
    return {**own, **given, "options": {**own["options"], **given.get("options", {})}}


def _spot_only(exchange: Any) -> None:
    kinds = exchange.options.get("fetchMarkets")
    if isinstance(kinds, dict) and "spot" in kinds.get("types", ()):
        kinds["types"] = ["spot"]
    exchange.has["fetchCurrencies"] = False
    exchange.options["fetchMargins"] = False
    exchange.newUpdates = True


def _ask_before_signing(exchange: Any) -> None:
    """ccxt signs after a request has waited for its turn: the last instant at which a process that was held up can
    still learn that it must not send. What it signed has a time on it, and is refused when it comes too late."""
    sign = exchange.sign

    def signed(*args: Any, **kwargs: Any) -> Any:
        if leave := _leave.get():
            leave()
        return sign(*args, **kwargs)

    exchange.sign = signed
