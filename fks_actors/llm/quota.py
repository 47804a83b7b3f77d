"""A provider's quota: requests a day, requests and tokens a minute. A pure state machine; time is an argument.

A minute is the last 60 seconds, counted by whole seconds, so that a limit holds over every window of 60 s. A day is the
provider's calendar day. A clock that goes back never gives anything back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fks_actors.llm.config import ProviderConfig

_WINDOW_S = 60
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider allows; 0 is no limit."""

    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    requests_per_day: int = 0
    zone: ZoneInfo = _UTC

    @classmethod
    def of(cls, config: ProviderConfig) -> "Limits":
        """As configured."""
        minute, tokens = config.requests_per_minute, config.tokens_per_minute
        return cls(minute, tokens, config.requests_per_day, ZoneInfo(config.day_zone))

    @property
    def are_any(self) -> bool:
        """Whether anything is limited."""
        return bool(self.requests_per_minute or self.tokens_per_minute or self.requests_per_day)


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used. `day` = the calendar day's ordinal; `recent` = (second, requests, tokens), oldest first, 61 at
    most."""

    day: int = 0
    requests_today: int = 0
    recent: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A request that the quota does not allow now. `wait_ms`: the earliest time at which it might."""

    limit: str
    wait_ms: int


def admit(usage: Usage, limits: Limits, tokens: int, now_ms: int, share: float = 1.0) -> Usage | Exhausted:
    """Count one more request, or say which limit forbids it.

    Args:
        tokens: what the request is expected to use, its answer included.
        share: the part of the day's requests that this one may draw on, 0 to 1.
    """
    usage = _at(usage, limits, now_ms)
    if limits.requests_per_day and usage.requests_today >= int(limits.requests_per_day * share):
        return Exhausted("requests_per_day", to_midnight_ms(limits.zone, now_ms))
    requests, spent = sum(r for _, r, _ in usage.recent), sum(t for _, _, t in usage.recent)
    if limits.requests_per_minute and requests >= limits.requests_per_minute:
        return Exhausted("requests_per_minute", _until_faded(usage, now_ms))
    if limits.tokens_per_minute and spent + tokens > limits.tokens_per_minute:
        return Exhausted("tokens_per_minute", _until_faded(usage, now_ms))
    second = max(now_ms // 1_000, usage.recent[-1][0] if usage.recent else 0)
    return replace(usage, requests_today=usage.requests_today + 1, recent=_added(usage.recent, second, 1, tokens))


def correct(usage: Usage, expected: int, used: int, now_ms: int) -> Usage:
    """Put what a request really used in place of what it was expected to use."""
    if used == expected or not usage.recent:
        return usage
    if used > expected:
        second = max(now_ms // 1_000, usage.recent[-1][0])
        return replace(usage, recent=_added(usage.recent, second, 0, used - expected))
    left, changed = expected - used, list(usage.recent)
    for at in range(len(changed) - 1, -1, -1):
        second, requests, tokens = changed[at]
        taken = min(left, tokens)
        changed[at] = (second, requests, tokens - taken)
        left -= taken
    return replace(usage, recent=tuple(changed))


def today(usage: Usage, limits: Limits, now_ms: int) -> int:
    """Requests so far today."""
    return _at(usage, limits, now_ms).requests_today


def to_midnight_ms(zone: ZoneInfo, now_ms: int) -> int:
    """How long a provider's day still lasts."""
    now = datetime.fromtimestamp(now_ms / 1_000, zone)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(1, int(midnight.timestamp() * 1_000) - now_ms)


def to_plain(usage: Usage) -> dict[str, Any]:
    """For a store."""
    return {"day": usage.day, "requests_today": usage.requests_today, "recent": [list(each) for each in usage.recent]}


def from_plain(plain: Mapping[str, Any]) -> Usage:
    """Back from a store."""
    recent = tuple((int(second), int(requests), int(tokens)) for second, requests, tokens in plain["recent"])
    return Usage(int(plain["day"]), int(plain["requests_today"]), recent)


def _at(usage: Usage, limits: Limits, now_ms: int) -> Usage:
    """The usage that still counts at an instant."""
    day = datetime.fromtimestamp(now_ms / 1_000, limits.zone).toordinal()
    if day > usage.day:
        usage = replace(usage, day=day, requests_today=0)
    oldest = now_ms // 1_000 - _WINDOW_S
    if usage.recent and usage.recent[0][0] < oldest:
        usage = replace(usage, recent=tuple(each for each in usage.recent if each[0] >= oldest))
    return usage


def _added(
    recent: tuple[tuple[int, int, int], ...], second: int, requests: int, tokens: int
) -> tuple[tuple[int, int, int], ...]:
    if recent and recent[-1][0] == second:
        _, before, spent = recent[-1]
        return (*recent[:-1], (second, before + requests, spent + tokens))
    return (*recent, (second, requests, tokens))[-(_WINDOW_S + 1) :]


def _until_faded(usage: Usage, now_ms: int) -> int:
    first = usage.recent[0][0] if usage.recent else now_ms // 1_000
    return max(1, (first + _WINDOW_S + 1) * 1_000 - now_ms)
