"""A circuit breaker as a value: closed, open, half-open. Pure; the clock is an argument.

Closed lets everything through and counts failures in a row. Open lets nothing through until `open_s` have passed. Then
one call at a time probes (half-open): enough good probes close it, one bad opens it anew.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from fks_actors.execution.venues import BreakerConfig


class BreakerState(StrEnum):
    """What the breaker does with a call."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Breaker:
    """The breaker at one instant. `probing`: a probe is under way; `good`: probes that went well in a row."""

    config: BreakerConfig
    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    opened_ms: int = 0
    good: int = 0
    probing: bool = False

    def admit(self, now_ms: int) -> "Breaker | None":
        """The breaker with the call under way; None where the call must not be made."""
        if self.state is BreakerState.CLOSED:
            return self
        if self.state is BreakerState.OPEN:
            if now_ms - self.opened_ms < self.config.open_s * 1_000:
                return None
            return replace(self, state=BreakerState.HALF_OPEN, good=0, probing=True)
        return None if self.probing else replace(self, probing=True)

    def succeeded(self) -> "Breaker":
        """A call that was let through got an answer."""
        if self.state is BreakerState.CLOSED:
            return replace(self, failures=0) if self.failures else self
        if self.state is BreakerState.OPEN:
            return self
        if self.good + 1 >= self.config.probes:
            return Breaker(self.config)
        return replace(self, good=self.good + 1, probing=False)

    def failed(self, now_ms: int) -> "Breaker":
        """A call that was let through got none."""
        if self.state is BreakerState.OPEN:
            return self
        failures = self.failures + 1
        if self.state is BreakerState.CLOSED and failures < self.config.failures:
            return replace(self, failures=failures)
        return replace(self, state=BreakerState.OPEN, failures=failures, opened_ms=now_ms, good=0, probing=False)

    def dropped(self) -> "Breaker":
        """A call that was let through was given up before it could tell: it counts for nothing."""
        return replace(self, probing=False) if self.probing else self
