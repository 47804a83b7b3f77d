"""Trouble on demand. A rule matches requests by method and path and strikes by chance or a number of times.

The dice are seeded, so that a run replays. What strikes is asked once a request; the transport does the harm.
"""

import random
import re
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from fks_actors.errors import ConfigError


class FaultKind(StrEnum):
    """What a rule does.

    LATENCY waits `ms` before the request is looked at. DROP_REQUEST closes the connection before, DROP_REPLY after.
    HTTP_ERROR answers with `status` and does nothing. PARTIAL_FILL lets a taker trade only `share` of its quantity.
    """

    LATENCY = "latency"
    DROP_REQUEST = "drop_request"
    DROP_REPLY = "drop_reply"
    HTTP_ERROR = "http_error"
    PARTIAL_FILL = "partial_fill"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of trouble. `count` None: without end; `path` and `method` are regular expressions."""

    rule_id: int
    kind: FaultKind
    method: str = ".*"
    path: str = ".*"
    probability: float = 1.0
    count: int | None = None
    ms: int = 0
    jitter_ms: int = 0
    status: int = 502
    share: Decimal = Decimal("0.5")

    def row(self) -> dict[str, Any]:
        """The rule for a person."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Strikes:
    """What befalls one request."""

    latency_ms: int = 0
    drop_request: bool = False
    drop_reply: bool = False
    status: int = 0
    share: Decimal | None = None


class Faults:
    """The rules in force, and the conditions `maintenance` and `skew_ms`."""

    def __init__(self, seed: int) -> None:
        self.maintenance = False
        self.skew_ms = 0
        self.rules: list[Rule] = []
        self.struck = 0
        self._random = random.Random(seed)  # noqa: S311 - replayable trouble, no secret
        self._next = 1

    def add(self, given: dict[str, Any]) -> Rule:
        """Put a rule in force.

        Raises:
            ConfigError: it cannot be understood.
        """
        known = set(Rule.__slots__) - {"rule_id"}
        strange = set(given) - known
        if strange or "kind" not in given:
            raise ConfigError(f"a fault has {', '.join(sorted(known))}; not {', '.join(sorted(strange)) or 'no kind'}")
        if given["kind"] == FaultKind.PARTIAL_FILL:
            given = {"method": "POST|WS", "path": "order", **given}
        try:
            fields = {**given, "kind": FaultKind(given["kind"]), "share": Decimal(str(given.get("share", "0.5")))}
            for pattern in ("method", "path"):
                re.compile(str(given.get(pattern, "")))
            rule = Rule(self._next, **fields)
        except (ValueError, TypeError, InvalidOperation, re.error) as error:
            raise ConfigError(f"no fault can be made of {given}: {error}") from None
        self._next += 1
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """End all trouble; the dice go on."""
        self.rules.clear()
        self.maintenance, self.skew_ms = False, 0

    def strike(self, method: str, path: str) -> Strikes:
        """What befalls this request; a rule with a count loses one."""
        if not self.rules:
            return Strikes()
        strikes = Strikes()
        for rule in [r for r in self.rules if re.fullmatch(r.method, method) and re.search(r.path, path)]:
            if rule.probability < 1 and self._random.random() >= rule.probability:
                continue
            if rule.count is not None:
                self._used(rule)
            self.struck += 1
            strikes = self._with(strikes, rule)
        return strikes

    def _used(self, rule: Rule) -> None:
        at = self.rules.index(rule)
        left = (rule.count or 0) - 1
        if left > 0:
            self.rules[at] = replace(rule, count=left)
        else:
            del self.rules[at]

    def _with(self, strikes: Strikes, rule: Rule) -> Strikes:
        if rule.kind is FaultKind.LATENCY:
            extra = self._random.randint(0, rule.jitter_ms) if rule.jitter_ms else 0
            return replace(strikes, latency_ms=strikes.latency_ms + rule.ms + extra)
        if rule.kind is FaultKind.DROP_REQUEST:
            return replace(strikes, drop_request=True)
        if rule.kind is FaultKind.DROP_REPLY:
            return replace(strikes, drop_reply=True)
        if rule.kind is FaultKind.HTTP_ERROR:
            return replace(strikes, status=rule.status)
        return replace(strikes, share=rule.share)
