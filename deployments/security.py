"""Who was refused: counted by kind and address a second, and kept until the desk has written it down.

Bounded: a flood from one address is one record a second, a flood from many fills a fixed number of places, and what
finds none is counted in a metric. A record holds kind, address, route and number, and nothing that a sender wrote.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from deployments.ports import Desk
from fks_actors.errors import FksError
from fks_actors.model.records import AuditRecord
from fks_actors.telemetry import Telemetry

_log = logging.getLogger(__name__)
KINDS: Mapping[int, str] = {401: "unauthorized", 403: "forbidden", 429: "rate_limited"}
"""The refusals that are events, by HTTP status."""

_LAST_S = 1.0
_BATCH = 128


class SecurityLog:
    """The refusals of one replica.

    Args:
        desk: who writes them down.
        telemetry: counts them.
        now_ms: the wall clock.
        ask: asks for a `hand_over` soon.
        places: how many records are kept at most.
    """

    def __init__(
        self, desk: Desk, telemetry: Telemetry, now_ms: Callable[[], int], ask: Callable[[], None], places: int = 512
    ) -> None:
        self._desk = desk
        self._telemetry = telemetry
        self._now_ms = now_ms
        self._ask = ask
        self._places = places
        self._pending: dict[tuple[int, str, str], int] = {}
        self._failing = False

    def __len__(self) -> int:
        return len(self._pending)

    def note(self, status: int, peer: str, route: str) -> None:
        """Take note of an answer of `status` to `peer`; only the refusals in KINDS are events. Never waits."""
        kind = KINDS.get(status)
        if kind is None:
            return
        self._telemetry.counter("fks_security_events_total", kind).inc()
        key = (self._now_ms() // 1000, kind, f"{peer} {route}")
        if key not in self._pending and len(self._pending) >= self._places:
            self._telemetry.counter("fks_security_events_dropped_total").inc()
            return
        self._pending[key] = self._pending.get(key, 0) + 1
        self._ask()

    async def hand_over(self) -> None:
        """Give the desk what has come together; what it did not take is kept, and asked for again."""
        while self._pending:
            batch = dict(list(self._pending.items())[:_BATCH])
            for key in batch:
                del self._pending[key]
            try:
                await self._desk.audit([_record(*key, count) for key, count in batch.items()])
            except BaseException as error:
                self._put_back(batch)
                self._ask()
                if not isinstance(error, FksError | TimeoutError | OSError):
                    raise
                self._tell_failure(error)
                return
            self._failing = False

    async def close(self) -> None:
        """A last try, within a second; what is still here then is lost, and said."""
        try:
            async with asyncio.timeout(_LAST_S):
                await self.hand_over()
        except TimeoutError:
            pass
        if self._pending:
            _log.warning("%d security records were not written down", len(self._pending))

    def _put_back(self, batch: dict[tuple[int, str, str], int]) -> None:
        newer, self._pending = self._pending, batch
        for key, count in newer.items():
            if key in batch or len(batch) < self._places:
                batch[key] = batch.get(key, 0) + count
            else:
                self._telemetry.counter("fks_security_events_dropped_total").inc(count)

    def _tell_failure(self, error: BaseException) -> None:
        if not self._failing:
            _log.warning("security records wait for the desk: %s", type(error).__name__)
        self._failing = True


def _record(second: int, kind: str, source: str, count: int) -> AuditRecord:
    peer, _, route = source.partition(" ")
    return AuditRecord(second * 1000, kind, peer, route, count)
