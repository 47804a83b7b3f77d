"""What `fks doctor` looks at outside of this machine: the venues and, where one is named, Redis. It only reads."""

import asyncio
from typing import TYPE_CHECKING

from fks_actors.cli.findings import Finding
from fks_actors.cli.venues import LIVE, PAPER, SANDBOX, SIMULATOR, check_keys, key_source, mode_of_venue
from fks_actors.errors import FksError
from fks_actors.execution.venues import VenueConfig
from fks_actors.home import Home
from fks_actors.settings import Settings, without_password

if TYPE_CHECKING:
    from fks_actors.adapters.ccxt_venue.probe import VenueFacts

_WITHIN_S = 15.0
_REDIS_S = 2.0
_STAKES = {
    SIMULATOR: "a simulator on this machine, nothing is real",
    SANDBOX: "the exchange's own test net, no real money",
    LIVE: "LIVE, with real money",
}


def venue_findings(home: Home, settings: Settings) -> list[Finding]:
    """One finding a venue: what is at stake, whether the keys are found and work, what it answers."""
    return [_venue(home, settings, name, venue) for name, venue in settings.venues.items()]


def redis_findings(settings: Settings) -> list[Finding]:
    """Whether the Redis that is named answers; nothing where none is."""
    if not settings.redis.url:
        return []
    import redis

    shown = without_password(settings.redis.url)
    client = redis.Redis.from_url(
        settings.redis.url, socket_timeout=_REDIS_S, socket_connect_timeout=_REDIS_S, retry=None
    )
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        remedy = "start it, correct redis.url, or leave that empty: each replica then counts by itself"
        return [Finding("redis", "warning", f"{shown} does not answer: {type(error).__name__}", remedy)]
    finally:
        client.close()
    return [Finding("redis", "ok", f"{shown} answers")]


def _venue(home: Home, settings: Settings, name: str, venue: VenueConfig) -> Finding:
    check, mode = f"venue {name}", mode_of_venue(venue)
    if mode == PAPER:
        return Finding(check, "ok", "paper: nothing is sent anywhere")
    what = f"{venue.exchange}, {_STAKES[mode]}"
    try:
        check_keys(home, name)
    except FksError as error:
        return Finding(
            check, "failed", f"{what}: {error}", "make keys that may trade and not withdraw, and put them there"
        )
    try:
        facts = asyncio.run(_asked(home, name, venue))
    except (FksError, TimeoutError) as error:
        found = str(error) or f"no answer within {_WITHIN_S:g} s"
        return Finding(check, "failed", f"{what}: {found}", _remedy(mode))
    return _judged(check, what, settings, venue, facts)


async def _asked(home: Home, name: str, venue: VenueConfig) -> "VenueFacts":
    from fks_actors.adapters.ccxt_venue.probe import probe

    async with asyncio.timeout(_WITHIN_S):
        return await probe(name, venue, key_source(home, name).read())


def _judged(check: str, what: str, settings: Settings, venue: VenueConfig, facts: "VenueFacts") -> Finding:
    wanted = settings.feed.symbols
    lacking = [symbol for symbol in venue.symbols or wanted if symbol not in facts.markets]
    quotes = sorted({symbol.partition("/")[2] for symbol in wanted})
    cash = ", ".join(f"{facts.balances.get(quote, 0)} {quote}" for quote in quotes)
    found = f"{what}: answers, clock {facts.offset_ms:+d} ms, {cash}"
    if facts.can_trade is False:
        return Finding(
            check, "failed", f"{found}; the keys may not trade", "allow spot trading for them at the exchange"
        )
    if venue.symbols and lacking:
        return Finding(check, "failed", f"{found}; it does not trade {', '.join(lacking)}", "correct its symbols")
    if abs(facts.offset_ms) > venue.recv_window_ms / 2:
        return Finding(check, "warning", found, "set the clock (timedatectl set-ntp true): requests come too late")
    if lacking:
        return Finding(check, "warning", f"{found}; it does not trade {', '.join(lacking)}", "other venues must")
    return Finding(check, "ok", found)


def _remedy(mode: str) -> str:
    if mode == SIMULATOR:
        return "start it (`fks exchange-sim`), and give the desk its keys"
    return "check the network, the exchange's status page, and the keys"
