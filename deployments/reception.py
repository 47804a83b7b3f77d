"""What a replica asks of an alert before it is stored: address, sender, rate, content (`webhook.intake` has the law).

A sender that is not proven draws on a budget of its address, which lies in this replica's memory. Once that is used up
everything from there is refused before it is read, until time has refilled it: a flood of bad signatures costs a lookup
each, never a proven sender's rate at another address, and nothing in Redis.
"""

import functools
import math
from collections.abc import Callable, Mapping

from fks_actors.model.records import Signal
from fks_actors.webhook.config import WebhookConfig
from fks_actors.webhook.intake import prove, read_signal, refused_at_door
from fks_actors.webhook.limits import RateLimiter
from fks_actors.webhook.peers import Caller, Peers
from fks_actors.webhook.refused import Refused
from fks_actors.webhook.symbols import Markets

_UNPROVEN = frozenset({400, 401, 408, 413, 415})


class Reception:
    """The checks of one replica.

    Args:
        config: the rules.
        markets: what may be named.
        now_ms: the wall clock.
        senders: the rate of proven senders, by address.
        strangers: the rate of everybody else.
    """

    def __init__(
        self,
        config: WebhookConfig,
        markets: Markets,
        now_ms: Callable[[], int],
        senders: RateLimiter,
        strangers: RateLimiter,
    ) -> None:
        self._config = config
        self._markets = markets
        self._now_ms = now_ms
        self._senders = senders
        self._strangers = strangers
        self._peers = Peers.named(config.allowed_peers, config.trusted_proxies)
        self._caller = functools.lru_cache(maxsize=1024)(self._peers.caller)

    def caller(self, direct: str, forwarded: str) -> Caller:
        """Who sent a request, from its TCP peer and `X-Forwarded-For`."""
        return self._caller(direct, forwarded)

    async def at_door(self, headers: Mapping[str, str], caller: Caller) -> Refused | None:
        """What can be refused before the body is read."""
        refused = refused_at_door(headers.get("content-length", ""), caller, self._peers)
        if refused:
            return await self._stranger(refused, caller)
        return _limited(await self._strangers.wait_s(caller.rate_key))

    async def judge(
        self, body: bytes | Refused, headers: Mapping[str, str], caller: Caller, salt: str
    ) -> Signal | Refused:
        """The signal in a body, or why it is refused. A body that could not be read is a stranger's.

        Args:
            body: as received, or why it was not.
            headers: values by lower-case name, several of one name joined with commas.
            caller: where it came from.
            salt: distinguishes the ids of alerts that arrive in the same millisecond.
        """
        proven = body if isinstance(body, Refused) else prove(body, headers, self._config, caller)
        if isinstance(proven, Refused):
            return await self._stranger(proven, caller)
        refused = _limited(await self._senders.admit(caller.rate_key))
        return refused or read_signal(proven, self._now_ms(), self._config, self._markets, salt)

    async def _stranger(self, refused: Refused, caller: Caller) -> Refused:
        if refused.status in _UNPROVEN:
            await self._strangers.admit(caller.rate_key)
        return refused

    async def close(self) -> None:
        """Let go of the limiters."""
        await self._senders.close()
        await self._strangers.close()


def _limited(wait_s: float) -> Refused | None:
    if wait_s <= 0:
        return None
    return Refused(429, "rate_limited", "too many alerts from this address", "", max(1, math.ceil(wait_s)))
